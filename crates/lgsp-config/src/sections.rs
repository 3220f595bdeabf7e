//! The keys of the file, table by table, with their ranges. Defaults stand in `defaults`, and in the shipped file.

mod defaults;
mod listeners;
mod members;
mod payments;
mod proofs;
mod sign_in;
mod targets;

use std::time::Duration;

use crate::document::{Document, Leaf, Section};
use crate::error::{ConfigError, Problem};
use crate::read::{self, count, flag, path, size, text, time};
use crate::settings::{
    Breaker, Config, Contracts, Delivery, Flow, Issuer, Limits, Lockout, Log, LogFormat, LogLevel, National, Retry,
    SoftState, Store,
};
use crate::substitute::Inputs;
use crate::{ByteCount, Secret, sections::defaults as default};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The version of the file's form that this program reads.
const VERSION: u32 = 1;

pub(crate) fn parse(text: &str, inputs: &Inputs<'_>) -> Result<Config, Vec<ConfigError>> {
    Document::read(text, inputs, config).0
}

fn config(root: &mut Section<'_>) -> Option<Config> {
    let version = root.required("version", "version = 1", |leaf| match count(0..=u32::MAX)(leaf)? {
        VERSION => Ok(()),
        _ => Err(Problem::Expected("1, the only version of this file that this program reads")),
    });
    let public = root.section("public", listeners::public);
    let admin = root.section("admin", |s| listeners::admin(s, public.as_ref()));
    let store = root.section("store", store);
    let soft_state = root.section("soft_state", soft_state);
    let lockout = root.section("lockout", lockout);
    let contracts = root.section("contracts", contracts);
    let issuer = root.section("issuer", issuer);
    let limits = root.section("limits", limits);
    let national = root.section("national", national);
    let log = root.section("log", log);
    let delivery = root.section("delivery", delivery);
    let sign_in = root.section("sign_in", sign_in::sign_in);
    let identity_providers = sign_in::providers(root);
    let payments =
        root.section("payments", |s| payments::payments(s, issuer.as_ref().map(|issuer| issuer.url.as_str())));
    let payment_providers = payments::providers(root);
    let payees = payments::payees(root, payment_providers.as_deref());
    let members = members::read(root, identity_providers.as_deref());
    let targets = targets::read(root, &delivery);
    version?;
    Some(Config {
        public: public?,
        admin: admin?,
        store: store?,
        soft_state: soft_state?,
        lockout,
        contracts,
        issuer: issuer?,
        limits,
        national,
        log,
        delivery,
        sign_in,
        identity_providers: identity_providers?,
        payments: payments?,
        payment_providers: payment_providers?,
        payees: payees?,
        members: members?,
        targets: targets?,
    })
}

fn store(s: &mut Section<'_>) -> Option<Store> {
    let engine = s.or("engine", Some(()), |leaf| match text(leaf)?.as_str() {
        "embedded" => Ok(Some(())),
        "postgres" => Err(Problem::Unavailable),
        _ => Err(Problem::Expected("\"embedded\" (or \"postgres\", in a later version)")),
    });
    s.optional("url", |_| Err::<(), _>(Problem::Unavailable));
    let path = s.optional("path", path);
    let path = path.or_else(|| (!s.has("path")).then(|| s.base().join(default::STORE_PATH)));
    engine?;
    Some(Store::Embedded { path: path? })
}

fn soft_state(s: &mut Section<'_>) -> Option<SoftState> {
    let shared = s.or("engine", false, |leaf| match text(leaf)?.as_str() {
        "local" => Ok(false),
        "redis" => Ok(true),
        _ => Err(Problem::Expected("\"local\" or \"redis\"")),
    });
    let url = s.optional("url", redis_url);
    let prefix = s.or("prefix", default::SOFT_PREFIX.to_owned(), soft_prefix);
    match (shared, url) {
        (true, Some(url)) => Some(SoftState::Redis { url, prefix }),
        (true, None) => {
            if !s.has("url") {
                s.report("url", Problem::Missing { example: "url = \"${LGSP_REDIS_URL}\"" });
            }
            None
        }
        (false, Some(_)) => {
            s.report("url", Problem::Conflict("given for the engine \"local\", which has none"));
            None
        }
        (false, None) => Some(SoftState::Local),
    }
}

/// Where a Redis server is. It may hold a password, so it never gets into an error.
fn redis_url(leaf: &Leaf<'_>) -> Result<Secret, Problem> {
    let url = read::secret(1)(leaf)?;
    let known = ["redis://", "rediss://", "redis+unix://"].iter().any(|scheme| url.expose().starts_with(scheme));
    let refused =
        Problem::Expected("redis://[user:password@]host[:port][/db], rediss://… for TLS, or redis+unix:///path");
    if known { Ok(url) } else { Err(refused) }
}

/// What keys of several gateways begin with.
fn soft_prefix(leaf: &Leaf<'_>) -> Result<String, Problem> {
    let prefix = text(leaf)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':');
    let refused = Problem::Expected("1 to 64 letters, digits . _ - :");
    if prefix.len() <= 64 && prefix.bytes().all(allowed) { Ok(prefix) } else { Err(refused) }
}

fn lockout(s: &mut Section<'_>) -> Lockout {
    let d = default::LOCKOUT;
    let lockout = Lockout {
        free_tries: s.or("free_tries", d.free_tries, count(1..=100)),
        longest_wait: s.or("longest_wait", d.longest_wait, time(SECOND..=HOUR)),
        forgotten_after: s.or("forgotten_after", d.forgotten_after, time(MINUTE..=DAY)),
        lock_after: s.or("lock_after", d.lock_after, count(0..=1000)),
        lock_for: s.or("lock_for", d.lock_for, time(MINUTE..=30 * DAY)),
    };
    if lockout.forgotten_after <= lockout.longest_wait {
        s.report("forgotten_after", Problem::Conflict("not longer than longest_wait; make it several times as long"));
    }
    lockout
}

fn contracts(s: &mut Section<'_>) -> Contracts {
    let path = s.optional("path", path).unwrap_or_else(|| s.base().join(default::CONTRACTS_PATH));
    Contracts { path, strict: s.or("strict", default::CONTRACTS_STRICT, flag) }
}

fn issuer(s: &mut Section<'_>) -> Option<Issuer> {
    let url = s.required("url", "url = \"https://lgsp.example.gov.vn\"", |leaf| {
        let url = text(leaf)?;
        if is_base_url(&url) {
            Ok(url)
        } else {
            Err(Problem::Expected("an http or https URL without / ? # at its end"))
        }
    });
    let keys = s.optional("keys", path).unwrap_or_else(|| s.base().join(default::ISSUER_KEYS));
    let token_ttl = s.or("token_ttl", default::TOKEN_TTL, |leaf| {
        let ttl = time(MINUTE..=DAY)(leaf)?;
        if ttl.subsec_nanos() == 0 { Ok(ttl) } else { Err(Problem::Expected("whole seconds")) }
    });
    Some(Issuer { url: url?, keys, token_ttl })
}

fn is_base_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':'])
            && !rest.ends_with('/')
            && rest
                .bytes()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'@' | b'"' | b'<' | b'>' | b'\\'))
    })
}

fn limits(s: &mut Section<'_>) -> Limits {
    let d = default::LIMITS;
    let limits = Limits {
        header_bytes: s.or("header_bytes", d.header_bytes, size(ByteCount::kib(4)..=ByteCount::mib(1))),
        body_bytes: s.or("body_bytes", d.body_bytes, size(ByteCount::kib(64)..=ByteCount::mib(256))),
        inflated_bytes: s.or("inflated_bytes", d.inflated_bytes, size(ByteCount::kib(64)..=ByteCount::mib(4096))),
        record_bytes: s.or("record_bytes", d.record_bytes, size(ByteCount::kib(16)..=ByteCount::mib(64))),
        array_records: s.or("array_records", d.array_records, count(1..=100_000)),
        header_timeout: s.or("header_timeout", d.header_timeout, time(100 * MS..=5 * MINUTE)),
        body_timeout: s.or("body_timeout", d.body_timeout, time(100 * MS..=10 * MINUTE)),
        body_rate: s.or("body_rate", d.body_rate, size(ByteCount(1)..=ByteCount::mib(1))),
        idle_timeout: s.or("idle_timeout", d.idle_timeout, time(SECOND..=HOUR)),
        connections_per_address: s.or("connections_per_address", d.connections_per_address, count(1..=1_000_000)),
        connections: s.or("connections", d.connections, count(1..=1_000_000)),
        requests_in_flight: s.or("requests_in_flight", d.requests_in_flight, count(1..=1_000_000)),
        drain_delay: s.or("drain_delay", d.drain_delay, time(Duration::ZERO..=5 * MINUTE)),
        drain_timeout: s.or("drain_timeout", d.drain_timeout, time(100 * MS..=10 * MINUTE)),
        long_poll: s.or("long_poll", d.long_poll, time(SECOND..=MINUTE)),
    };
    if limits.record_bytes > limits.body_bytes {
        s.report("record_bytes", Problem::Conflict("greater than body_bytes; a record has to fit into a body"));
    }
    limits
}

fn national(s: &mut Section<'_>) -> National {
    let national = National {
        login_path: s.optional("login_path", route).unwrap_or_else(|| default::LOGIN_PATH.to_owned()),
        call_path: s.optional("call_path", route).unwrap_or_else(|| default::CALL_PATH.to_owned()),
        session_ttl: s.or("session_ttl", default::SESSION_TTL, time(SECOND..=DAY)),
        sessions: s.or("sessions", default::SESSIONS, count(1..=1_000_000)),
    };
    if national.login_path == national.call_path {
        s.report("call_path", Problem::Conflict("the same as login_path; the two have to differ"));
    }
    national
}

/// A path below `…/RestService/forward/`.
fn route(leaf: &Leaf<'_>) -> Result<String, Problem> {
    let route = text(leaf)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~' | b'/');
    let segments = || route.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    if route.bytes().all(allowed) && segments() {
        Ok(route)
    } else {
        Err(Problem::Expected("a path such as mapi/g: letters, digits . _ - ~, no / at either end"))
    }
}

fn log(s: &mut Section<'_>) -> Log {
    let level = |leaf: &_| match text(leaf)?.as_str() {
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        "trace" => Ok(LogLevel::Trace),
        _ => Err(Problem::Expected("error, warn, info, debug or trace")),
    };
    let format = |leaf: &_| match text(leaf)?.as_str() {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err(Problem::Expected("json or text")),
    };
    Log { level: s.or("level", default::LOG.level, level), format: s.or("format", default::LOG.format, format) }
}

fn delivery(s: &mut Section<'_>) -> Delivery {
    let d = default::DELIVERY;
    Delivery {
        flow: flow(s, d.flow),
        retry: s.section("retry", |s| retry(s, d.retry)),
        breaker: s.section("breaker", |s| breaker(s, d.breaker)),
    }
}

fn flow(s: &mut Section<'_>, d: Flow) -> Flow {
    Flow {
        window: s.or("window", d.window, count(1..=100_000)),
        window_bytes: s.or("window_bytes", d.window_bytes, size(ByteCount::kib(64)..=ByteCount::mib(1024))),
        max_parked: s.or("max_parked", d.max_parked, count(1..=10_000_000)),
        concurrency: s.or("concurrency", d.concurrency, count(1..=1000)),
    }
}

fn retry(s: &mut Section<'_>, d: Retry) -> Retry {
    let retry = Retry {
        attempts: s.or("attempts", d.attempts, count(1..=1000)),
        first: s.or("first", d.first, time(MS..=DAY)),
        max: s.or("max", d.max, time(MS..=7 * DAY)),
        jitter: s.or("jitter", d.jitter, read::fraction(0.5)),
    };
    if retry.max < retry.first {
        s.report("max", Problem::Conflict("less than first, the shortest wait; make it at least as long"));
    }
    retry
}

fn breaker(s: &mut Section<'_>, d: Breaker) -> Breaker {
    let breaker = Breaker {
        failures: s.or("failures", d.failures, count(1..=1000)),
        open: s.or("open", d.open, time(10 * MS..=HOUR)),
        open_max: s.or("open_max", d.open_max, time(10 * MS..=DAY)),
    };
    if breaker.open_max < breaker.open {
        s.report("open_max", Problem::Conflict("less than open, the shortest pause; make it at least as long"));
    }
    breaker
}

#[cfg(test)]
mod tests;
