//! The checked configuration: what the shell is built from. It says what is set, not how to carry it out.

mod listener;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lgsp_model::{AgencyGrant, EventKind, TargetId};
use zeroize::Zeroize;

pub use listener::{Admin, CertificateFiles, ClientCertificates, Network, Public, Tls};

use crate::payments::{Payee, PaymentProvider, Payments};
use crate::sign_in::{IdentityProvider, SignIn, TokenAlgorithm};
use crate::{ByteCount, Member, Secret};

/// A whole configuration file, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listener of members.
    pub public: Public,
    /// The listener of operators.
    pub admin: Admin,
    /// The durable store.
    pub store: Store,
    /// Rate limits, sessions, nonces.
    pub soft_state: SoftState,
    /// What becomes of wrong secrets.
    pub lockout: Lockout,
    /// Where contracts are read from.
    pub contracts: Contracts,
    /// The issuer of access tokens.
    pub issuer: Issuer,
    /// Bounds of what callers may ask.
    pub limits: Limits,
    /// The national dialect.
    pub national: National,
    /// Logging.
    pub log: Log,
    /// Defaults of delivery, already applied to every target.
    pub delivery: Delivery,
    /// How long what signing in leaves behind is good for.
    pub sign_in: SignIn,
    /// Where people sign in; ids are unique.
    pub identity_providers: Vec<IdentityProvider>,
    /// What holds for all payments.
    pub payments: Payments,
    /// Where citizens pay.
    pub payment_providers: Vec<PaymentProvider>,
    /// The accounts that may be paid to.
    pub payees: Vec<Payee>,
    /// Who may call; ids are unique, and so are national user names.
    pub members: Vec<Member>,
    /// Where events go; ids are unique.
    pub targets: Vec<Target>,
}

impl Config {
    /// Whether tokens are signed so.
    pub fn uses(&self, algorithm: TokenAlgorithm) -> bool {
        let of_client =
            |member: &Member| member.sign_in.as_ref().is_some_and(|client| client.id_token_alg == algorithm);
        algorithm == TokenAlgorithm::Es256 || self.members.iter().any(of_client)
    }
}

/// `[store]`: the durable store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// SQLite in a directory of this machine.
    Embedded {
        /// The directory; made when it is missing.
        path: PathBuf,
    },
}

impl Store {
    /// Where it is.
    pub fn place(&self) -> &std::path::Path {
        let Self::Embedded { path } = self;
        path
    }
}

/// `[soft_state]`: what may vanish at any moment.
#[derive(Clone, Debug)]
pub enum SoftState {
    /// In this process.
    Local,
    /// In Redis, shared by several gateways.
    Redis {
        /// Where it is; may hold a password.
        url: Secret,
        /// What all keys begin with.
        prefix: String,
    },
}

/// `[lockout]`: what becomes of wrong secrets. Counted for each member and address, so that nobody locks out a member
/// from somewhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// Wrong tries that cost nothing: people mistype.
    pub free_tries: u32,
    /// The wait after each further one doubles up to this.
    pub longest_wait: Duration,
    /// After so long without a try the count starts anew.
    pub forgotten_after: Duration,
    /// Wrong tries after which none is taken for a time; 0: never.
    pub lock_after: u32,
    /// That time.
    pub lock_for: Duration,
}

/// `[contracts]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// The directory with one folder per contract.
    pub path: PathBuf,
    /// Whether rules that warn by default refuse the record instead.
    pub strict: bool,
}

/// `[issuer]`: the issuer of access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The claim `iss`: an http or https URL without a trailing slash.
    pub url: String,
    /// The directory of signing keys; made at first start.
    pub keys: PathBuf,
    /// How long a token is good for; whole seconds.
    pub token_ttl: Duration,
}

/// `[limits]`: bounds of what callers may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Request line and headers together.
    pub header_bytes: ByteCount,
    /// A body that is read whole; NDJSON streams are bounded by their lines.
    pub body_bytes: ByteCount,
    /// A gzip body after inflating that is read whole; of a stream, the inflated total.
    pub inflated_bytes: ByteCount,
    /// One record: a line of NDJSON, an element of an array.
    pub record_bytes: ByteCount,
    /// Records in one JSON array.
    pub array_records: u32,
    /// From the first byte of a request (or the start of the connection) to the end of its headers.
    pub header_timeout: Duration,
    /// The longest silence inside a body.
    pub body_timeout: Duration,
    /// The least average speed of a body in bytes per second, counted after `body_timeout`.
    pub body_rate: ByteCount,
    /// How long a connection without a request is kept.
    pub idle_timeout: Duration,
    /// Connections from one address.
    pub connections_per_address: u32,
    /// Connections in all.
    pub connections: u32,
    /// Requests being worked on; more are answered 503.
    pub requests_in_flight: u32,
    /// How long new requests are still served after the order to stop, for a balancer to notice.
    pub drain_delay: Duration,
    /// How long the drain waits for requests in flight.
    pub drain_timeout: Duration,
    /// The longest `wait` of the change feed; a longer one is cut to it.
    pub long_poll: Duration,
}

/// `[national]`: the national dialect. Paths are what follows `…/RestService/forward/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct National {
    /// The path of the login.
    pub login_path: String,
    /// The path of calls; never that of the login.
    pub call_path: String,
    /// How long a session lives without a call.
    pub session_ttl: Duration,
    /// Sessions at once; the one unused for longest makes room.
    pub sessions: u32,
}

/// `[log]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least severe line that is written.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// How severe a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// One line per outcome.
    Info,
    /// Steps on the way.
    Debug,
    /// Everything.
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// `[delivery]`: what a target does when its own table does not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Sizes of what is under way.
    pub flow: Flow,
    /// When and how often to try again.
    pub retry: Retry,
    /// When to stop asking a partner that does not answer.
    pub breaker: Breaker,
}

/// How much is under way to a target at once; keys of `[delivery]` and `[[target]]` themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Events taken from the log and not settled yet. After a crash so many may have been sent without a trace, so it
    /// must not shrink between two runs while a target is behind.
    pub window: u32,
    /// The payload bytes of those events.
    pub window_bytes: ByteCount,
    /// Parked events; beyond it nothing more is taken from the log.
    pub max_parked: u32,
    /// Requests to the target at once.
    pub concurrency: u32,
}

/// `[delivery.retry]` and `[target.retry]`: exponential backoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Attempts in all; after the last one the event is dead and waits for a person.
    pub attempts: u32,
    /// The wait after the first failure; it doubles.
    pub first: Duration,
    /// The longest wait; never below `first`.
    pub max: Duration,
    /// The fraction of a wait, 0 to 0.5, that chance may take away.
    pub jitter: f64,
}

/// `[delivery.breaker]` and `[target.breaker]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before the first probe; doubles after each probe that fails.
    pub open: Duration,
    /// The longest that it stays open between two probes; never below `open`.
    pub open_max: Duration,
}

/// `[[target]]`: a place that events are delivered to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name in metrics, commands and cursors.
    pub id: TargetId,
    /// The connector that speaks its protocol; whether there is such a one, the shell says.
    pub connector: String,
    /// The agencies whose events go there.
    pub agencies: AgencyGrant,
    /// The kinds that go there: some of [`EventKind::OF_DOSSIERS`], never empty.
    pub kinds: Vec<EventKind>,
    /// Where a target that is new to the store starts.
    pub start: Start,
    /// How much is under way at once.
    pub flow: Flow,
    /// When and how often to try again.
    pub retry: Retry,
    /// When to stop asking.
    pub breaker: Breaker,
    /// The connector's own table.
    pub settings: ConnectorSettings,
}

/// Where a target that is new to the store starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first event of the log.
    Beginning,
    /// After the last one.
    Now,
}

/// A connector's own table, its variables and files substituted. It may hold secrets: it prints its keys only, and is
/// wiped when dropped.
#[derive(Clone, Default, PartialEq)]
pub struct ConnectorSettings(toml::Table);

impl ConnectorSettings {
    pub(crate) fn new(table: toml::Table) -> Self {
        Self(table)
    }

    /// The table, for the connector to check. What is copied out of it is no longer wiped.
    pub fn table(&self) -> &toml::Table {
        &self.0
    }
}

impl fmt::Debug for ConnectorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Drop for ConnectorSettings {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| wipe(value));
    }
}

fn wipe(value: &mut toml::Value) {
    match value {
        toml::Value::String(text) => text.zeroize(),
        toml::Value::Array(values) => values.iter_mut().for_each(wipe),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| wipe(value)),
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) | toml::Value::Datetime(_) => {}
    }
}
