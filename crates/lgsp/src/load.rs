//! Reads what a gateway is built from: the configuration file, the contracts beside it, and the settings of every
//! target. It finds everything that is wrong at once and starts nothing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use lgsp_config::{Config, ConfigError, ProviderId};
use lgsp_connect::{CheckError, DayFileLayout};
use lgsp_contract::{Catalogue, Diagnostic, SourceFile};
use lgsp_model::{MemberId, TargetId};

use crate::clock::Clock;
use crate::identity::{BadMemberKey, Members};
use crate::server::{TlsError, TlsSetup};
use crate::services::{self, Values};

/// A configuration that was found good, and the contracts that could be loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The configuration.
    pub(crate) config: Config,
    /// The contracts beside it.
    pub(crate) contracts: Contracts,
    /// The certificates that it names.
    pub(crate) certificates: Certificates,
}

/// Certificates of the listeners that can be read but not relied on. Whoever starts a gateway may go on.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    /// Those that have ended.
    pub(crate) ended: Vec<LoadError>,
    /// Those that end soon.
    pub(crate) ending: Vec<LoadError>,
}

/// The contracts of one folder.
#[derive(Debug)]
pub(crate) struct Contracts {
    /// In the form that is in force: with `[contracts] strict` what warns by default refuses.
    pub(crate) catalogue: Catalogue,
    /// As their authors wrote them; their examples say what is expected of this form.
    pub(crate) as_written: Catalogue,
    /// What is wrong with contracts. The others work all the same, so whoever starts a gateway may go on.
    pub(crate) wrong: Vec<LoadError>,
}

/// One thing that is wrong, and where.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// A file or folder cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The configuration is wrong at a place.
    Config(PathBuf, ConfigError),
    /// A target's connector or its settings are wrong.
    Target(PathBuf, TargetId, CheckError),
    /// An identity provider's kind or its settings are wrong.
    Provider(PathBuf, ProviderId, CheckError),
    /// A payment provider's kind or settings are wrong.
    PaymentProvider(PathBuf, ProviderId, CheckError),
    /// Where a member is called back is wrong.
    Callback(PathBuf, MemberId, CheckError),
    /// A key that a member signs with cannot be used.
    MemberKey(PathBuf, BadMemberKey),
    /// A contract is wrong, or one of its examples does not turn out as it says.
    Contract(PathBuf, Diagnostic),
    /// A certificate or key is wrong.
    Tls(&'static str, TlsError),
    /// A certificate has ended.
    Ended(&'static str, String),
    /// A certificate ends in so many days.
    Ending(&'static str, String, i64),
    /// A file of the contracts is larger than any contract has to be.
    TooLarge(PathBuf),
}

/// The largest file that is read: contracts and configurations have kilobytes.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{}: cannot be read: {error}", path.display()),
            Self::Config(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Target(path, target, CheckError::UnknownConnector) => {
                write!(f, "{}: target {target}: connector: {}", path.display(), CheckError::UnknownConnector)
            }
            Self::Target(path, target, error) => write!(f, "{}: target {target}: settings: {error}", path.display()),
            Self::Provider(path, provider, error) => {
                write!(f, "{}: identity_provider {provider}: {error}", path.display())
            }
            Self::PaymentProvider(path, provider, error) => {
                write!(f, "{}: payment_provider {provider}: {error}", path.display())
            }
            Self::Callback(path, member, error) => write!(f, "{}: member {member}: callback: {error}", path.display()),
            Self::MemberKey(path, bad) => write!(f, "{}: {bad}", path.display()),
            Self::Contract(folder, found) => write!(f, "{}/{found}", folder.display()),
            Self::Tls(table, error) => write!(f, "[{table}] tls: {error}"),
            Self::Ended(table, name) => write!(f, "[{table}] tls: the certificate {name} has ended; replace its file"),
            Self::Ending(table, name, days) => {
                write!(f, "[{table}] tls: the certificate {name} ends in {days} day(s); replace its file")
            }
            Self::TooLarge(path) => write!(f, "{}: larger than {MAX_FILE_BYTES} bytes", path.display()),
        }
    }
}

impl std::error::Error for LoadError {}

/// Reads a configuration file and all that it points to.
///
/// # Errors
/// Everything that keeps a gateway from starting, and with it what is wrong with contracts.
pub(crate) fn load(path: &Path) -> Result<Loaded, Vec<LoadError>> {
    let config = read_config(path)?;
    let mut errors = Vec::new();
    for target in &config.targets {
        if let Err(error) = lgsp_connect::check(&target.connector, target.settings.table()) {
            errors.push(LoadError::Target(path.to_owned(), target.id.clone(), error));
        }
    }
    for provider in &config.identity_providers {
        if let Err(error) = lgsp_connect::check_provider(&provider.kind, provider.settings.table()) {
            errors.push(LoadError::Provider(path.to_owned(), provider.id.clone(), error));
        }
    }
    for provider in &config.payment_providers {
        if let Err(wrong) = DayFileLayout::of(&provider.kind, provider.day_file.table()) {
            let error = CheckError::Settings(wrong);
            errors.push(LoadError::PaymentProvider(path.to_owned(), provider.id.clone(), error));
        }
        if let Err(error) = lgsp_connect::check_payment_provider(&provider.kind, provider.settings.table()) {
            errors.push(LoadError::PaymentProvider(path.to_owned(), provider.id.clone(), error));
        }
    }
    let certificates = check_certificates(&config, &mut errors);
    errors.extend(check_members(path, &config));
    match read_contracts(&config.contracts) {
        Ok(contracts) if errors.is_empty() => return Ok(Loaded { config, contracts, certificates }),
        Ok(contracts) => errors.extend(contracts.wrong),
        Err(error) => errors.push(error),
    }
    Err(errors)
}

/// A certificate that ends earlier is worth a word.
const SOON_DAYS: i64 = 30;

/// Reads what the listeners are encrypted with.
fn check_certificates(config: &Config, errors: &mut Vec<LoadError>) -> Certificates {
    let mut found = Certificates::default();
    let now = Clock::start().wall().0 / 1000;
    for (table, tls) in [("public", &config.public.tls), ("admin", &config.admin.tls)] {
        let Some(tls) = tls else { continue };
        match TlsSetup::load(tls) {
            Err(wrong) => errors.extend(wrong.into_iter().map(|error| LoadError::Tls(table, error))),
            Ok(setup) => {
                for end in setup.ends() {
                    let (name, days) = (end.name.clone(), (end.at - now) / (24 * 3600));
                    match end.at {
                        at if at <= now => found.ended.push(LoadError::Ended(table, name)),
                        _ if days < SOON_DAYS => found.ending.push(LoadError::Ending(table, name, days)),
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

/// What is wrong with members beyond the form of the file.
fn check_members(path: &Path, config: &Config) -> Vec<LoadError> {
    let keys = Members::check(&config.members).into_iter();
    let mut errors: Vec<_> = keys.map(|bad| LoadError::MemberKey(path.to_owned(), bad)).collect();
    for member in &config.members {
        let checked = member.callback.as_ref().map(|callback| lgsp_connect::check(CALLBACK, callback.table()));
        if let Some(Err(error)) = checked {
            errors.push(LoadError::Callback(path.to_owned(), member.id.clone(), error));
        }
    }
    errors
}

/// The connector that calls members back.
pub(crate) const CALLBACK: &str = "webhook";

fn read_config(path: &Path) -> Result<Config, Vec<LoadError>> {
    let text = read_text(path).map_err(|error| vec![error])?;
    let base = path.parent().unwrap_or(Path::new(""));
    let variable = |name: &str| std::env::var(name).ok();
    let read_file = |path: &Path| read_text(path).map_err(|error| cause_of(&error));
    let wrong = |errors: Vec<ConfigError>| {
        errors.into_iter().map(|error| LoadError::Config(path.to_owned(), error)).collect::<Vec<_>>()
    };
    lgsp_config::parse(&text, base, &variable, &read_file).map_err(wrong)
}

/// Why a file named in the configuration cannot be read; the configuration's own error names the file.
fn cause_of(error: &LoadError) -> String {
    match error {
        LoadError::Unreadable(_, error) => error.to_string(),
        other => other.to_string(),
    }
}

/// The services that cannot be called with the environment of this process, and why: an installation that does not use
/// them need not set them up.
pub(crate) fn unready_services(loaded: &Loaded) -> Vec<String> {
    let values = Values {
        base: &loaded.config.contracts.path,
        variable: &|name| std::env::var(name).ok(),
        read_file: &read_secret,
    };
    let unready = services::unready(&loaded.contracts.as_written, &values).into_iter();
    unready.map(|(service, cause)| format!("service {service} is not ready here: {cause}")).collect()
}

/// Reads a file that a contract names.
pub(crate) fn read_secret(path: &Path) -> Result<String, String> {
    read_text(path).map_err(|error| cause_of(&error))
}

fn read_text(path: &Path) -> Result<String, LoadError> {
    let unreadable = |error| LoadError::Unreadable(path.to_owned(), error);
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(LoadError::TooLarge(path.to_owned()));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Reads the folder of the contracts.
fn read_contracts(settings: &lgsp_config::Contracts) -> Result<Contracts, LoadError> {
    let root = &settings.path;
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for folder in sorted_entries(root)? {
        if folder.is_dir() {
            collect(root, &folder, FOLDER_DEPTH, &mut files, &mut wrong);
        }
    }
    let (catalogue, as_written, found) = compile(files, settings.strict);
    wrong.extend(found.into_iter().map(|found| LoadError::Contract(root.clone(), found)));
    Ok(Contracts { catalogue, as_written, wrong })
}

/// The contracts that come with the program, for a gateway without a folder of its own.
pub(crate) fn shipped_contracts() -> Catalogue {
    compile(lgsp_contract::shipped(), false).0
}

/// The catalogue in force, the catalogue as written, and what is wrong with its files.
fn compile(mut files: Vec<SourceFile>, strict: bool) -> (Catalogue, Catalogue, Vec<Diagnostic>) {
    let (as_written, found) = lgsp_contract::load(&files);
    if !strict {
        return (as_written.clone(), as_written, found);
    }
    files.iter_mut().for_each(make_strict);
    (lgsp_contract::load(&files).0, as_written, found)
}

/// Sets `strict = true` in a contract's manifest. One that cannot be read stays as it is: its error is known already.
fn make_strict(file: &mut SourceFile) {
    if !file.path.ends_with("/contract.toml") {
        return;
    }
    if let Ok(mut manifest) = file.text.parse::<toml::Table>() {
        manifest.insert("strict".to_owned(), toml::Value::Boolean(true));
        file.text = manifest.to_string();
    }
}

/// Folders inside a contract's folder: `examples/valid` is two deep; a link in a circle must end.
const FOLDER_DEPTH: usize = 8;

fn collect(root: &Path, folder: &Path, depth: usize, files: &mut Vec<SourceFile>, wrong: &mut Vec<LoadError>) {
    let entries = match sorted_entries(folder) {
        Ok(entries) => entries,
        Err(error) => return wrong.push(error),
    };
    for path in entries {
        if path.is_dir() {
            if depth > 0 {
                collect(root, &path, depth - 1, files, wrong);
            }
            continue;
        }
        match read_text(&path) {
            Ok(text) => files.push(SourceFile { path: relative(root, &path), text }),
            Err(error) => wrong.push(error),
        }
    }
}

/// The entries of a folder by name, without hidden ones (editors leave those behind).
fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let unreadable = |error| LoadError::Unreadable(folder.to_owned(), error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn relative(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const HEAD: &str =
        "version = 1\n[admin]\ntoken = \"0123456789abcdef\"\n[issuer]\nurl = \"http://127.0.0.1:8080\"\n";

    /// A folder with the shipped contracts and this configuration.
    fn folder(config: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lgsp.toml"), config).unwrap();
        for file in lgsp_contract::shipped() {
            let path = folder.path().join("contracts").join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file.text).unwrap();
        }
        folder
    }

    fn load_in(folder: &tempfile::TempDir) -> Result<Loaded, Vec<String>> {
        let texts = |errors: Vec<LoadError>| errors.iter().map(ToString::to_string).collect();
        load(&folder.path().join("lgsp.toml")).map_err(texts)
    }

    #[test]
    fn the_shipped_contracts_load_from_a_folder_and_from_the_program() {
        let loaded = load_in(&folder(HEAD)).unwrap();
        assert!(loaded.contracts.wrong.is_empty(), "{:?}", loaded.contracts.wrong);
        let ids = |catalogue: &Catalogue| catalogue.ids().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(ids(&loaded.contracts.catalogue), ["dossier", "progress", "status-notice"]);
        assert_eq!(ids(&shipped_contracts()), ids(&loaded.contracts.catalogue));
    }

    #[test]
    fn strict_turns_warnings_into_refusals_and_leaves_the_examples_as_written() {
        let record = lgsp_contract::shipped().into_iter().find(|file| file.path.ends_with("/received.json")).unwrap();
        let mut record: serde_json::Value = serde_json::from_str(&record.text).unwrap();
        record["SoGiayToChuHoSo"] = "000000001".into();
        let record = record.to_string();
        let loose = load_in(&folder(HEAD)).unwrap().contracts;
        assert_eq!(loose.catalogue.contract("dossier").unwrap().check(record.as_bytes()).unwrap().warnings.len(), 1);
        let strict = load_in(&folder(&format!("{HEAD}[contracts]\nstrict = true\n"))).unwrap().contracts;
        assert!(strict.catalogue.contract("dossier").unwrap().check(record.as_bytes()).is_err());
        assert!(strict.as_written.contracts().all(|contract| contract.run_examples().failures.is_empty()));
    }

    #[test]
    fn every_error_is_told_at_once_with_its_file_and_place() {
        let targets = "[[target]]\nid = \"a\"\nconnector = \"fax\"\n[[target]]\nid = \"b\"\nconnector = \"npsp\"\n";
        let folder = folder(&format!("{HEAD}{targets}"));
        fs::write(folder.path().join("contracts/progress/contract.toml"), "id = \"progress\"\ncolour = 1\n").unwrap();
        let errors = load_in(&folder).unwrap_err();
        assert!(errors[0].contains("lgsp.toml: target a: connector: no such connector"), "{errors:?}");
        assert!(errors[1].contains("target b: settings: ") && errors[1].contains("adapter_url"), "{errors:?}");
        assert!(errors[2].contains("contracts/progress/contract.toml: line 2"), "{errors:?}");
    }

    #[test]
    fn keys_and_callbacks_of_members_that_cannot_be_used_are_told() {
        let member = "[[member]]\nid = \"m\"\nname = \"M\"\nagencies = [\"*\"]\nscopes = [\"changes:read\"]\n\
                      signature_keys = [{ id = \"s1\", algorithm = \"ed25519\", public_key = \"no key\" }]\n\
                      callback = { url = \"https://a.vn\" }\n";
        let errors = load_in(&folder(&format!("{HEAD}{member}"))).unwrap_err();
        assert!(errors[0].contains("member m: signature key s1: expected a public key in PEM"), "{errors:?}");
        assert!(errors[1].contains("member m: callback: ") && errors[1].contains("secret"), "{errors:?}");
        assert_eq!(errors.len(), 2);
    }

    #[test]
    fn services_that_are_not_set_up_are_noted_with_their_variable() {
        let loaded = load_in(&folder(HEAD)).unwrap();
        let notes = unready_services(&loaded);
        let of = ["enterprise", "ministry", "population", "profile-exchange", "vnpost"];
        assert_eq!(notes.len(), of.len(), "{notes:?}");
        for (note, service) in notes.iter().zip(of) {
            assert!(note.starts_with(&format!("service {service} 1 is not ready here: upstream.servers: ")), "{note}");
            assert!(note.contains("_URL"), "{note}");
        }
    }

    #[test]
    fn one_bad_contract_does_not_unload_the_others() {
        let folder = folder(HEAD);
        fs::remove_file(folder.path().join("contracts/progress/schema/record.json")).unwrap();
        let contracts = load_in(&folder).unwrap().contracts;
        assert_eq!(contracts.wrong.len(), 1);
        assert!(
            contracts.catalogue.contract("progress").is_none() && contracts.catalogue.contract("dossier").is_some()
        );
    }

    #[test]
    fn wrong_keys_and_missing_files_are_named() {
        let wrong = load_in(&folder("version = 1\n[admn]\n")).unwrap_err();
        assert!(wrong.iter().any(|error| error.contains("lgsp.toml: line 2: admn: unknown key")), "{wrong:?}");
        let missing = folder(HEAD);
        fs::remove_dir_all(missing.path().join("contracts")).unwrap();
        let errors = load_in(&missing).unwrap_err();
        assert!(errors.len() == 1 && errors[0].contains("contracts: cannot be read"), "{errors:?}");
        assert!(
            load(Path::new("/nonexistent/lgsp.toml")).unwrap_err()[0].to_string().contains("/nonexistent/lgsp.toml")
        );
    }
}
