//! `[expose]` and `[upstream]`: what callers see and where calls go.

mod credentials;

use std::collections::BTreeMap;
use std::time::Duration;

use lgsp_model::{ByteCount, Level, Scope, unit};

use credentials::credentials;

use super::folder::Folder;
use super::patience;
use crate::service::manifest::{Expose, Limits, OneOrMore, Probe, Server, Upstream};
use crate::service::{
    Authentication, Check, Dialogue, Dispatch, Exposed, Format, Mode, ServiceLimits, TlsTerms, UpstreamTerms,
};

/// Defaults, for what a contract does not say.
const BODY: ByteCount = ByteCount::mib(1);
const ANSWER: ByteCount = ByteCount::mib(8);
const BURST: u32 = 100;
const CALLS_AT_ONCE: u32 = 100;
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const UPSTREAM_CALLS: u32 = 1000;
const RETRY_BUDGET: f64 = 0.2;
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// What is read whole is held in memory.
const MOST_READ: ByteCount = ByteCount::mib(256);

/// Paths that are the gateway's own.
const OWN_PATHS: [&str; 9] =
    ["/v1", "/oauth2", "/token", "/.well-known", "/errors", "/openapi.json", "/XrdAdapter", "/VXPAdapter", "/.refused"];

pub(super) fn exposed(id: &str, expose: &Expose, folder: &mut Folder<'_>) -> Option<Exposed> {
    let before = folder.found.len();
    check_path(&expose.path, folder);
    let formats = formats(&expose.format, folder);
    let mut authentication = Vec::new();
    for word in &expose.authentication {
        match Authentication::ALL.into_iter().find(|kind| kind.as_str() == word) {
            Some(kind) => authentication.push(kind),
            None => folder.refuse("expose.authentication", format!("knows no {word}: {}", kinds())),
        }
    }
    if authentication.is_empty() {
        folder.refuse("expose.authentication", format!("must name at least one of {}", kinds()));
    }
    let scopes = expose.scopes.clone().unwrap_or_else(|| vec![format!("service:{id}")]);
    let scopes = self::scopes(&scopes, "expose.scopes", folder);
    let level = expose.level.as_deref().and_then(|text| level(text, &authentication, folder));
    let limits = limits(&expose.limits, folder);
    let check_request = check(expose.check.request.as_deref(), "expose.check.request", folder);
    let check_response = check(expose.check.response.as_deref(), "expose.check.response", folder);
    let dispatch = dispatch(expose.dispatch.as_deref(), &formats, folder);
    let path = expose.path.trim_end_matches('/').to_owned();
    (folder.found.len() == before).then_some(Exposed {
        path,
        formats,
        authentication,
        scopes,
        level,
        limits,
        check_request,
        check_response,
        dispatch,
    })
}

/// How surely the person must be known in whose name a member calls. Tokens alone name one.
fn level(text: &str, authentication: &[Authentication], folder: &mut Folder<'_>) -> Option<Level> {
    if !authentication.contains(&Authentication::Bearer) {
        folder.refuse("expose.level", "needs \"bearer\" among authentication: tokens alone name a person");
    }
    let level = text.parse();
    if level.is_err() {
        folder.refuse("expose.level", "must be LoA1, LoA2 or LoA3");
    }
    level.ok()
}

/// The scopes that a caller needs. Nobody has one that does not exist, and everybody has none.
pub(super) fn scopes(written: &[String], place: &str, folder: &mut Folder<'_>) -> Vec<Scope> {
    if written.is_empty() {
        folder.refuse(place, "must name at least one scope");
    }
    let mut scopes = Vec::new();
    for text in written {
        match text.parse() {
            Ok(scope) => scopes.push(scope),
            Err(cause) => folder.refuse(place, format!("{text} is no scope: {cause}")),
        }
    }
    scopes
}

fn dispatch(written: Option<&str>, formats: &[Dialogue], folder: &mut Folder<'_>) -> Dispatch {
    match written {
        None | Some("path") => Dispatch::Path,
        Some("element") if formats.is_empty() || formats.contains(&Dialogue::Json) => {
            folder.refuse("expose.dispatch", "element chooses among messages in XML and SOAP only");
            Dispatch::Path
        }
        Some("element") => Dispatch::Element,
        Some(_) => {
            folder.refuse("expose.dispatch", "must be path or element");
            Dispatch::Path
        }
    }
}

fn kinds() -> String {
    Authentication::ALL.map(Authentication::as_str).join(", ")
}

fn check_path(path: &str, folder: &mut Folder<'_>) {
    let good = path.starts_with('/')
        && path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'{' | b'}' | b'%' | b'\\' | b'*'))
        && !path.split('/').skip(1).any(|part| matches!(part, "." | ".."));
    if !good {
        folder.refuse("expose.path", "must be a path such as /services/population, without parameters");
    }
    let is_own = |own: &str| path == own || path.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'));
    if let Some(own) = OWN_PATHS.into_iter().find(|own| is_own(own)) {
        folder.refuse("expose.path", format!("{own} is the gateway's own: choose another"));
    }
}

fn formats(written: &OneOrMore, folder: &mut Folder<'_>) -> Vec<Dialogue> {
    let words = match written {
        OneOrMore::One(one) if one == "any" => return Vec::new(),
        OneOrMore::One(one) => std::slice::from_ref(one),
        OneOrMore::More(more) => more,
    };
    let mut formats = Vec::new();
    for word in words {
        match word.as_str() {
            "json" => formats.push(Dialogue::Json),
            "xml" => formats.push(Dialogue::Xml),
            "soap" => formats.push(Dialogue::Soap),
            _ => folder.refuse("expose.format", "must be json, xml, soap, a list of these, or any"),
        }
    }
    if words.is_empty() {
        folder.refuse("expose.format", "must name at least one of json, xml, soap; or any");
    }
    formats
}

fn limits(written: &Limits, folder: &mut Folder<'_>) -> ServiceLimits {
    let rate = written.rate.as_deref().and_then(|text| {
        let parsed = rate(text);
        if parsed.is_none() {
            folder.refuse("expose.limits.rate", "must be a number of calls and a time, such as 50/s, 100/m or 1000/h");
        }
        parsed
    });
    ServiceLimits {
        rate,
        burst: at_least_one(written.burst, BURST, "expose.limits.burst", folder),
        concurrency: at_least_one(written.concurrency, CALLS_AT_ONCE, "expose.limits.concurrency", folder),
        body: size(written.body.as_deref(), BODY, "expose.limits.body", folder),
        answer: size(written.answer.as_deref(), ANSWER, "expose.limits.answer", folder),
        quota: written.quota,
    }
}

/// `50/s`: calls and the period.
fn rate(text: &str) -> Option<(u32, Duration)> {
    let (calls, period) = text.split_once('/')?;
    let calls = calls.trim().parse::<u32>().ok().filter(|calls| *calls > 0)?;
    let period = period.trim();
    let with_number =
        if period.starts_with(|c: char| c.is_ascii_digit()) { period.to_owned() } else { format!("1{period}") };
    unit::time(&with_number).filter(|period| !period.is_zero()).map(|period| (calls, period))
}

pub(super) fn at_least_one(written: Option<u32>, default: u32, place: &str, folder: &mut Folder<'_>) -> u32 {
    match written {
        Some(0) => {
            folder.refuse(place, "must be at least 1");
            default
        }
        Some(number) => number,
        None => default,
    }
}

fn size(written: Option<&str>, default: ByteCount, place: &str, folder: &mut Folder<'_>) -> ByteCount {
    let Some(text) = written else { return default };
    match unit::size(text) {
        Some(size) if size.0 > 0 && size <= MOST_READ => size,
        _ => {
            folder.refuse(place, format!("must be a size such as 256KiB, at most {MOST_READ}"));
            default
        }
    }
}

pub(super) fn time(written: Option<&str>, default: Duration, place: &str, folder: &mut Folder<'_>) -> Duration {
    let Some(text) = written else { return default };
    match unit::time(text) {
        Some(time) if !time.is_zero() && time <= Duration::from_secs(3600) => time,
        _ => {
            folder.refuse(place, "must be a time such as 500ms, 5s or 1m, at most 1h");
            default
        }
    }
}

fn check(written: Option<&str>, place: &str, folder: &mut Folder<'_>) -> Check {
    match written {
        None | Some("enforce") => Check::Enforce,
        Some("observe") => Check::Observe,
        Some(_) => {
            folder.refuse(place, "must be enforce or observe");
            Check::Enforce
        }
    }
}

pub(super) fn upstream(written: &Upstream, mode: Mode, folder: &mut Folder<'_>) -> Option<UpstreamTerms> {
    let servers = servers(&written.servers, folder);
    let format = upstream_format(written.format.as_deref(), folder);
    let probe = written.probe.as_ref().map(|written| probe(written, folder));
    let budget = written.retry.budget.unwrap_or(RETRY_BUDGET);
    if !(0.0..=1.0).contains(&budget) {
        folder.refuse("upstream.retry.budget", "must be a share between 0 and 1");
    }
    let tls = &written.tls;
    if tls.cert.is_some() != tls.key.is_some() {
        folder.refuse("upstream.tls", "cert and key belong together: give both or none");
    }
    let patience = patience::read(written, mode, folder);
    let times = |text: &Option<String>, default, place: &str, folder: &mut Folder<'_>| {
        time(text.as_deref(), default, place, folder)
    };
    Some(UpstreamTerms {
        servers,
        format,
        http2: written.http2,
        timeout: times(&written.timeout, TIMEOUT, "upstream.timeout", folder),
        connect_timeout: times(&written.connect_timeout, CONNECT_TIMEOUT, "upstream.connect_timeout", folder),
        concurrency: at_least_one(written.concurrency, UPSTREAM_CALLS, "upstream.concurrency", folder),
        attempts: patience.attempts,
        deliveries: patience.deliveries,
        retry_budget: budget,
        pauses: patience.pauses,
        breaker: patience.breaker,
        probe,
        tls: TlsTerms {
            ca: tls.ca.clone(),
            cert: tls.cert.clone(),
            key: tls.key.clone(),
            server_name: tls.server_name.clone(),
        },
        credentials: credentials(written.credentials.as_ref(), folder),
        headers: headers(&written.headers, folder),
        pass_headers: written.pass_headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
    })
}

fn upstream_format(written: Option<&str>, folder: &mut Folder<'_>) -> Option<Format> {
    let word = written.filter(|word| *word != "any")?;
    let format = Format::parse(word);
    if format.is_none() {
        folder.refuse("upstream.format", "must be json, xml, soap11, soap12 or any (what the caller speaks)");
    }
    format
}

fn probe(written: &Probe, folder: &mut Folder<'_>) -> (String, Duration, Duration) {
    if !written.path.starts_with('/') {
        folder.refuse("upstream.probe.path", "must begin with /");
    }
    let every = time(written.every.as_deref(), PROBE_EVERY, "upstream.probe.every", folder);
    (written.path.clone(), every, time(written.timeout.as_deref(), PROBE_TIMEOUT, "upstream.probe.timeout", folder))
}

fn servers(written: &[Server], folder: &mut Folder<'_>) -> Vec<(String, u32)> {
    let servers: Vec<_> = written
        .iter()
        .map(|server| match server {
            Server::Url(url) => (url.clone(), 1),
            Server::Weighted(server) => (server.url.clone(), server.weight),
        })
        .collect();
    if servers.is_empty() || servers.iter().any(|(url, _)| url.is_empty()) {
        folder.refuse("upstream.servers", "must name at least one URL, such as [\"${POPULATION_URL}\"]");
    }
    if servers.iter().any(|(_, weight)| !(1..=1000).contains(weight)) {
        folder.refuse("upstream.servers", "a weight must lie between 1 and 1000");
    }
    servers
}

/// Headers that are not the contract's to set: they say how the message is framed and who is asked.
const FRAMING: [&str; 8] =
    ["host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"];

fn headers(written: &BTreeMap<String, String>, folder: &mut Folder<'_>) -> BTreeMap<String, String> {
    for name in written.keys() {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            folder.refuse(format!("upstream.headers.{name}"), "is no name of a header");
        } else if FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
            folder.refuse(format!("upstream.headers.{name}"), "is set by the gateway: leave it out");
        }
    }
    written.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_calls_in_a_time() {
        assert_eq!(rate("50/s"), Some((50, Duration::from_secs(1))));
        assert_eq!(rate("100 / m"), Some((100, Duration::from_secs(60))));
        assert_eq!(rate("7/10s"), Some((7, Duration::from_secs(10))));
        for text in ["", "50", "0/s", "-1/s", "50/", "50/x", "50/0s", "a/s"] {
            assert_eq!(rate(text), None, "{text}");
        }
    }
}
