//! All contracts that could be loaded, and what is wrong with the rest.
//!
//! It is given texts, not paths of the machine; whoever calls has read the folder.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lgsp_model::Timestamp;

use crate::example::Examples;
use crate::fields::KnownFields;
use crate::manifest::{MANIFEST, Manifest, starts};
use crate::rules::RuleSet;
use crate::schema::RecordSchema;
use crate::service::{self, Router, Service, is_service};
use crate::{Contract, parse_strict};

/// One file of a contract folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the root of the contracts, with `/`: `dossier/contract.toml`.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// One thing that is wrong with a contract folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as it was given.
    pub file: String,
    /// The line, key or example in it.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.place, self.message)
    }
}

/// The contracts by id, each with its versions from the oldest to the newest. Cheap to clone.
#[derive(Clone, Default)]
pub struct Catalogue {
    records: Arc<BTreeMap<String, Vec<Arc<Contract>>>>,
    services: Arc<Vec<Arc<Service>>>,
    router: Router,
}

impl Catalogue {
    /// Every version of every service, by id and age.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter()
    }

    /// The version of a service that is in force at a time.
    pub fn service_at(&self, id: &str, at: Timestamp) -> Option<&Arc<Service>> {
        self.services.iter().rev().find(|service| service.id() == id && service.valid_from() <= at)
    }

    /// The paths of all services.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The newest version of a contract, in force or not yet.
    pub fn contract(&self, id: &str) -> Option<&Arc<Contract>> {
        self.records.get(id)?.last()
    }

    /// The version of a contract that is in force at a time.
    pub fn contract_at(&self, id: &str, at: Timestamp) -> Option<&Arc<Contract>> {
        self.records.get(id)?.iter().rev().find(|contract| contract.valid_from() <= at)
    }

    /// Every version of every contract, by id and age.
    pub fn contracts(&self) -> impl Iterator<Item = &Arc<Contract>> {
        self.records.values().flatten()
    }

    /// The ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.records.keys().map(String::as_str)
    }
}

/// Names contracts, not their contents.
impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("records", &self.records)
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}

/// Loads every folder that can be loaded, and says what is wrong with the others. Files at the root belong to no
/// contract and are left alone.
pub fn load(files: &[SourceFile]) -> (Catalogue, Vec<Diagnostic>) {
    let mut folders: BTreeMap<&str, Vec<&SourceFile>> = BTreeMap::new();
    for file in files {
        if let Some((folder, _)) = file.path.split_once('/') {
            folders.entry(folder).or_default().push(file);
        }
    }
    let mut diagnostics = Vec::new();
    let mut records: BTreeMap<String, Vec<Arc<Contract>>> = BTreeMap::new();
    let mut services: BTreeMap<String, Vec<Arc<Service>>> = BTreeMap::new();
    for (folder, files) in folders {
        let manifest = files.iter().find(|file| file.path[folder.len() + 1..] == *MANIFEST);
        if manifest.is_some_and(|manifest| is_service(&manifest.text)) {
            let Some(service) = service::read(folder, &files, &mut diagnostics) else { continue };
            let (id, starts, version) = (service.id.clone(), service.valid_from, service.version.clone());
            let place = |other: &Service| (other.valid_from, other.version.clone());
            add_version(&mut services, &id, service, (starts, version), place, folder, &mut diagnostics);
        } else {
            let Some(contract) = load_folder(folder, &files, &mut diagnostics) else { continue };
            let (id, starts, version) = (contract.id.clone(), contract.valid_from, contract.version.clone());
            let place = |other: &Contract| (other.valid_from, other.version.clone());
            add_version(&mut records, &id, contract, (starts, version), place, folder, &mut diagnostics);
        }
    }
    let services: Vec<_> = services.into_values().flatten().collect();
    let router = Router::new(services.iter(), &mut diagnostics);
    (Catalogue { records: Arc::new(records), services: Arc::new(services), router }, diagnostics)
}

/// Puts a version among those of its id, unless one of them has its name or its day.
fn add_version<T>(
    all: &mut BTreeMap<String, Vec<Arc<T>>>,
    id: &str,
    version: T,
    (starts, name): (Timestamp, String),
    place: impl Fn(&T) -> (Timestamp, String),
    folder: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let versions = all.entry(id.to_owned()).or_default();
    if versions.iter().any(|other| place(other).0 == starts || place(other).1 == name) {
        diagnostics.push(Diagnostic {
            file: format!("{folder}/{MANIFEST}"),
            place: "version, valid_from".to_owned(),
            message: format!("another folder holds this version or day of {id}: change one"),
        });
        return;
    }
    versions.push(Arc::new(version));
    versions.sort_by_key(|version| place(version).0);
}

/// Loads one folder. `None` when something essential is wrong, and then a diagnostic says what.
fn load_folder(folder: &str, files: &[&SourceFile], diagnostics: &mut Vec<Diagnostic>) -> Option<Contract> {
    let find = |inside: &str| files.iter().find(|file| file.path[folder.len() + 1..] == *inside);
    let mut refuse = |file: String, place: &str, message: String| {
        diagnostics.push(Diagnostic { file, place: place.to_owned(), message });
    };
    let manifest_path = format!("{folder}/{MANIFEST}");
    let Some(manifest_file) = find(MANIFEST) else {
        refuse(manifest_path, "the file", "is missing: every contract folder has one".to_owned());
        return None;
    };
    let manifest = match Manifest::read(&manifest_file.text) {
        Ok(manifest) => manifest,
        Err(error) => {
            refuse(manifest_path, &error.place, error.message);
            return None;
        }
    };
    let Some(schema_file) = find(&manifest.schema) else {
        refuse(manifest_path, "schema", format!("there is no file {} in the folder", manifest.schema));
        return None;
    };
    let compiled = parse_strict(schema_file.text.as_bytes())
        .map_err(|error| error.to_string())
        .and_then(RecordSchema::compile)
        .map_err(|message| refuse(schema_file.path.clone(), "the schema", message))
        .ok()?;
    let chosen = manifest.rules.iter().map(|(name, severity)| (name.as_str(), *severity));
    let rules = RuleSet::choose(manifest.record, manifest.strict, chosen)
        .map_err(|name| refuse(manifest_path, "rules", format!("there is no rule {name} for these records")))
        .ok()?;
    let examples = format!("{folder}/{}/", manifest.examples.trim_end_matches('/'));
    let examples = Examples::read(files.iter().copied(), &examples, diagnostics);
    let valid_from = starts(&manifest.valid_from).expect("checked when the manifest was read");
    Some(Contract {
        fields: KnownFields::of(compiled.source()),
        id: manifest.id,
        version: manifest.version,
        valid_from,
        title: manifest.title,
        kind: manifest.record,
        schema: compiled,
        rules,
        examples,
    })
}
