//! Which operation of which service a path and method ask for. Versions of one service stand side by side; the newest
//! that has begun answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use lgsp_model::Timestamp;

use super::{Dispatch, Operation, Service};
use crate::Diagnostic;

/// All paths of all services. Cheap to clone.
#[derive(Clone, Default)]
pub struct Router {
    operations: Arc<matchit::Router<Vec<Entry>>>,
    /// By their own paths, below which the operations stand.
    services: Arc<BTreeMap<String, Vec<Arc<Service>>>>,
}

/// One operation of one version.
#[derive(Clone)]
struct Entry {
    service: Arc<Service>,
    operation: usize,
    label: Arc<str>,
}

/// What a path and method lead to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The version in force.
    pub service: Arc<Service>,
    operation: usize,
    /// `service/operation`, as metrics and logs name it.
    pub label: Arc<str>,
    /// The parameters of the path, still percent-encoded.
    pub parameters: Vec<(String, String)>,
}

impl Found {
    /// The operation.
    pub fn operation(&self) -> &Operation {
        &self.service.operations[self.operation]
    }
}

/// Why a path and method lead to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// No service has this path.
    Path,
    /// The service there begins later.
    NotYet,
    /// The path is there for these methods.
    Method(Vec<String>),
}

impl Router {
    /// Lays out the paths of `services`, sorted by id and age; a path of two services is told and goes to the first.
    pub(crate) fn new<'a>(services: impl Iterator<Item = &'a Arc<Service>>, found: &mut Vec<Diagnostic>) -> Self {
        let mut paths: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
        let mut own: BTreeMap<String, Vec<Arc<Service>>> = BTreeMap::new();
        for service in services {
            own.entry(service.exposed.path.clone()).or_default().push(service.clone());
            for (index, operation) in service.operations.iter().enumerate() {
                let entries = paths.entry(&operation.path).or_default();
                match entries.iter().find(|entry| entry.service.id != service.id) {
                    Some(other) => found.push(clash(service, &operation.path, &other.service.id)),
                    None => {
                        let named = match service.exposed.dispatch {
                            Dispatch::Path => operation.name.as_str(),
                            // Which one it is, the message says.
                            Dispatch::Element => "element",
                        };
                        let label = format!("{}/{named}", service.id).into();
                        entries.push(Entry { service: service.clone(), operation: index, label });
                    }
                }
            }
        }
        let mut router = matchit::Router::new();
        for (path, entries) in paths {
            let service = entries[0].service.clone();
            if let Err(error) = router.insert(path, entries) {
                let with = match error {
                    matchit::InsertError::Conflict { with } => with,
                    other => other.to_string(),
                };
                found.push(clash(&service, path, &with));
            }
        }
        Self { operations: Arc::new(router), services: Arc::new(own) }
    }

    /// The service in force at a path, whatever the method: at one of an operation, or at its own.
    pub fn service(&self, path: &str, at: Timestamp) -> Option<&Arc<Service>> {
        let in_force = |service: &&Arc<Service>| service.valid_from <= at;
        match self.operations.at(path) {
            Ok(matched) => matched.value.iter().rev().map(|entry| &entry.service).find(in_force),
            Err(_) => self.services.get(path)?.iter().rev().find(in_force),
        }
    }

    /// Resolves a path and method at a time.
    pub fn find(&self, path: &str, method: &str, at: Timestamp) -> Result<Found, NotFound> {
        let matched = self.operations.at(path).map_err(|_| NotFound::Path)?;
        let begun = |entry: &&Entry| entry.service.valid_from <= at;
        let newest = matched.value.iter().rev().find(begun).ok_or(NotFound::NotYet)?;
        let of_version = |entry: &&Entry| Arc::ptr_eq(&entry.service, &newest.service);
        let serves = |entry: &&Entry| entry.methods().iter().any(|allowed| allowed == method || allowed == "*");
        let Some(entry) = matched.value.iter().filter(of_version).find(serves) else {
            let allowed = matched.value.iter().filter(of_version).flat_map(|entry| entry.methods().iter().cloned());
            return Err(NotFound::Method(allowed.collect()));
        };
        let parameters = matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let Entry { service, operation, label } = entry.clone();
        Ok(Found { service, operation, label, parameters })
    }
}

impl Entry {
    fn methods(&self) -> &[String] {
        &self.service.operations[self.operation].methods
    }
}

fn clash(service: &Service, path: &str, other: &str) -> Diagnostic {
    Diagnostic {
        file: service.id.clone(),
        place: format!("path {path}"),
        message: format!("belongs to {other} already: choose another path"),
    }
}
