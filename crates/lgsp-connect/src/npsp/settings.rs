//! The portal's settings: where its adapter stands, who we are there, and how much goes in one call.

use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use secrecy::SecretString;
use toml::Table;

use crate::settings::{Fields, Problem, SettingError};

/// The portal's own address behind every unit's adapter.
const PORTAL: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";

/// The most records that anybody was seen to send in one call is 1,000.
const BATCHES: std::ops::RangeInclusive<usize> = 1..=1000;

/// Waiting longer for one answer than this helps nobody.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(300);

/// How long the portal keeps sessions is not documented; clients keep them for 10 minutes.
const SESSION_TTLS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

pub(super) struct Settings {
    pub login: Uri,
    pub integration: Uri,
    pub share: Uri,
    pub username: String,
    pub password: SecretString,
    /// Our code there (`madonvi`).
    pub unit: String,
    pub destination: HeaderValue,
    pub dossier_batch: usize,
    pub progress_batch: usize,
    pub timeout: Duration,
    pub session_ttl: Duration,
    /// The portal takes a step or notice twice without harm: nothing needs to be asked.
    pub progress_repeatable: bool,
}

impl Settings {
    pub(super) fn read(table: &Table) -> Result<Self, Vec<SettingError>> {
        let mut fields = Fields::new(table);
        let addresses = Addresses::read(&mut fields);
        let (username, password) = (fields.text("username", None), fields.secret("password"));
        let unit = fields.text("madonvi", None);
        let dossier_batch = fields.count("dossier_batch", 50, BATCHES);
        let progress_batch = fields.count("progress_batch", 10, BATCHES);
        let timeout = fields.duration("timeout", Duration::from_secs(6), TIMEOUTS);
        let session_ttl = fields.duration("session_ttl", Duration::from_secs(600), SESSION_TTLS);
        let progress_repeatable = fields.flag("progress_repeatable", false);
        let errors = fields.finish();
        let Some(Addresses { login, integration, share, destination }) = addresses.filter(|_| errors.is_empty()) else {
            return Err(errors);
        };
        Ok(Self {
            login,
            integration,
            share,
            username,
            password,
            unit,
            destination,
            dossier_batch,
            progress_batch,
            timeout,
            session_ttl,
            progress_repeatable,
        })
    }
}

struct Addresses {
    login: Uri,
    integration: Uri,
    share: Uri,
    destination: HeaderValue,
}

impl Addresses {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let base = fields.address("adapter_url");
        let dstcode = fields.text("dstcode", Some(PORTAL));
        let destination = HeaderValue::from_str(&dstcode).ok();
        if destination.is_none() {
            fields.fail("dstcode", Problem::Expected("a code such as VN:GOV:000.00.00.G22:vpcpdvcprovider"));
        }
        let mut endpoint = |key: &'static str, default: &str| {
            let path = fields.text(key, Some(default));
            let uri = base.as_ref().map(|base| endpoint(base, &path, &dstcode));
            if let Some(None) = uri {
                fields.fail(key, Problem::Expected("a path below adapter_url such as mapi/g"));
            }
            uri.flatten()
        };
        let login = endpoint("auth_endpoint", "mapi/login");
        let integration = endpoint("integration_endpoint", "mapi/g");
        let share = endpoint("share_endpoint", "mapi/g");
        Some(Self { login: login?, integration: integration?, share: share?, destination: destination? })
    }
}

/// `adapter_url` + path + `?dstcode=…`.
fn endpoint(base: &Uri, path: &str, dstcode: &str) -> Option<Uri> {
    let base = base.to_string();
    let (base, path) = (base.trim_end_matches('/'), path.trim_start_matches('/'));
    let mut query = String::new();
    for byte in dstcode.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            query.push(char::from(byte));
        } else {
            query.push_str(&format!("%{byte:02X}"));
        }
    }
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{base}/{path}{mark}dstcode={query}").parse().ok()
}
