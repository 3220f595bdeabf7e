//! A service: something shared through the gateway, as its contract describes it. Terms that the shell carries out,
//! and what is done with the messages that pass.
//!
//! It calls nobody. Addresses and secrets of an installation stand here as they are written (`${NAME}`, `file:PATH`); the
//! shell puts the values in.

mod ask;
mod condition;
mod dispatch;
mod example;
mod exchange;
mod format;
mod manifest;
mod operation;
mod order;
mod problem;
mod read;
mod router;
mod shape;
mod stored;

use std::collections::BTreeMap;
use std::time::Duration;

use lgsp_model::{ByteCount, Level, Scope, Timestamp};

pub use ask::Presence;
pub use exchange::{CallerAnswer, Fault, Inbound, Refusal, UpstreamAnswer, UpstreamCall, Verdict};
pub use format::Format;
pub use operation::Operation;
pub use problem::{Blame, Problem};
pub use router::{Found, NotFound, Router};

use crate::manifest::Title;
pub use crate::map::Context as MapContext;
use crate::xml::Names;

pub(crate) use exchange::{MessageSchema, Side};
pub(crate) use read::{is_service, read};

/// A service, one version of it.
pub struct Service {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) valid_from: Timestamp,
    pub(crate) title: Title,
    pub(crate) description: Title,
    pub(crate) owner: String,
    pub(crate) mode: Mode,
    pub(crate) exposed: Exposed,
    pub(crate) upstream: Option<UpstreamTerms>,
    pub(crate) queue: QueueTerms,
    pub(crate) names: Names,
    pub(crate) operations: Vec<Operation>,
    pub(crate) examples: example::Examples,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is passed on, and the caller waits for the answer.
    Proxy,
    /// It is stored, answered with 202, and passed on until it worked or a person decides.
    Queue,
    /// It becomes a record of the gateway's own intake.
    Intake,
}

impl Mode {
    /// The mode of this word.
    fn parse(word: &str) -> Option<Self> {
        [Self::Proxy, Self::Queue, Self::Intake].into_iter().find(|mode| mode.as_str() == word)
    }

    /// The word of contracts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Queue => "queue",
            Self::Intake => "intake",
        }
    }
}

/// How a caller may prove who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// An access token of this gateway.
    Bearer,
    /// A client certificate that a member is bound to.
    Mtls,
    /// A key in the header `X-API-Key`.
    ApiKey,
    /// An HTTP message signature (RFC 9421).
    Signature,
    /// HTTP Basic with the member's id and secret.
    Basic,
    /// The header `lgspaccesstoken` of older gateways.
    LgspAccessToken,
}

impl Authentication {
    /// Every kind, those that cost least to check first.
    pub const ALL: [Self; 6] =
        [Self::Mtls, Self::ApiKey, Self::Bearer, Self::LgspAccessToken, Self::Basic, Self::Signature];

    /// The word in contracts, metrics and the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Mtls => "mtls",
            Self::ApiKey => "api-key",
            Self::Signature => "signature",
            Self::Basic => "basic",
            Self::LgspAccessToken => "lgspaccesstoken",
        }
    }
}

/// What callers see of a service.
#[derive(Clone, Debug)]
pub struct Exposed {
    /// Where it stands; operations are below it. Begins with `/`, does not end with it.
    pub path: String,
    /// What callers may speak; empty means anything: bodies are then passed on unread.
    pub formats: Vec<Dialogue>,
    /// How callers may prove who they are; at least one way.
    pub authentication: Vec<Authentication>,
    /// A caller needs all of them.
    pub scopes: Vec<Scope>,
    /// A person must have signed in for the call, known at least so surely; none: members call on their own.
    pub level: Option<Level>,
    /// Per member.
    pub limits: ServiceLimits,
    /// What happens to a request that breaks its contract.
    pub check_request: Check,
    /// What happens to an answer that breaks its contract.
    pub check_response: Check,
    /// How one of several operations at one path is chosen.
    pub dispatch: Dispatch,
}

/// How one of several operations at one path is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// There is one for each path and method.
    Path,
    /// By the element of the message, as SOAP services do.
    Element,
}

/// A language of callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialogue {
    /// `application/json`.
    Json,
    /// `application/xml` without an envelope.
    Xml,
    /// SOAP 1.1 or 1.2, as the caller likes.
    Soap,
}

/// What a broken contract leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// A refusal.
    Enforce,
    /// It is only counted.
    Observe,
}

/// Limits of one member at one service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServiceLimits {
    /// Calls and the period that they are counted in.
    pub rate: Option<(u32, Duration)>,
    /// Calls at once beyond the rate.
    pub burst: u32,
    /// Calls being worked on.
    pub concurrency: u32,
    /// A body that is read whole; a streamed one is not bounded by it.
    pub body: ByteCount,
    /// An answer that is read whole.
    pub answer: ByteCount,
    /// Calls in a day of Vietnam.
    pub quota: Option<u32>,
}

/// The other side of a service, as written.
#[derive(Clone, Debug)]
pub struct UpstreamTerms {
    /// Base URLs, unresolved, with weights.
    pub servers: Vec<(String, u32)>,
    /// What it speaks; absent: whatever the caller speaks.
    pub format: Option<Format>,
    /// HTTP/2 instead of HTTP/1.1.
    pub http2: bool,
    /// From the call to the end of the answer's head.
    pub timeout: Duration,
    /// To open a connection.
    pub connect_timeout: Duration,
    /// Calls at once.
    pub concurrency: u32,
    /// Tries of one call, the first one included.
    pub attempts: u32,
    /// Retries as a share of calls.
    pub retry_budget: f64,
    /// In queue mode: how often a message is tried before a person has to look.
    pub deliveries: u32,
    /// In queue mode: the first pause and the longest one.
    pub pauses: (Duration, Duration),
    /// Failures in a row that open the breaker, and how long it stays open at first and at most.
    pub breaker: (u32, Duration, Duration),
    /// A path that is asked to see whether a server works, how often, and how long it may take.
    pub probe: Option<(String, Duration, Duration)>,
    /// Files of certificates, unresolved: authorities, own certificate, own key, name to expect.
    pub tls: TlsTerms,
    /// How the gateway proves who it is.
    pub credentials: CredentialTerms,
    /// Headers that every call carries, values unresolved.
    pub headers: BTreeMap<String, String>,
    /// Headers of the caller that are passed on although the body is converted.
    pub pass_headers: Vec<String>,
}

/// `[upstream.tls]`, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsTerms {
    /// Authorities to trust instead of the system's.
    pub ca: Option<String>,
    /// Own certificate chain.
    pub cert: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// The name that the server's certificate must carry, when it is not the URL's.
    pub server_name: Option<String>,
}

/// `[upstream.credentials]`, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialTerms {
    /// None.
    None,
    /// One header.
    Header {
        /// Its name.
        name: String,
        /// Its value, unresolved.
        value: String,
    },
    /// HTTP Basic.
    Basic {
        /// Unresolved.
        username: String,
        /// Unresolved.
        password: String,
    },
    /// Client credentials (RFC 6749 §4.4), also as WSO2 wants them.
    OAuth2(OAuth2Terms),
    /// A login of the partner's own: JSON out, a token in the reply.
    Login(LoginTerms),
}

/// Credentials of `kind = "oauth2"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2Terms {
    /// Unresolved.
    pub token_url: String,
    /// Unresolved.
    pub client_id: String,
    /// Unresolved.
    pub client_secret: String,
    /// Whether id and secret go in the form instead of a Basic header.
    pub in_form: bool,
    /// The scope to ask for.
    pub scope: Option<String>,
}

/// Credentials of `kind = "login"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTerms {
    /// Unresolved.
    pub url: String,
    /// JSON text; its strings are unresolved.
    pub body: String,
    /// JSON Pointers where the token may stand; the first that is there counts.
    pub token: Vec<String>,
    /// JSON Pointers where its life in seconds may stand.
    pub expires_in: Vec<String>,
    /// How long it lives when the reply does not say.
    pub life: Duration,
    /// The header that carries it.
    pub header: String,
    /// What stands before it in the header.
    pub prefix: String,
}

/// What callers of a queue get beside delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueTerms {
    /// The sender is told the result at its call-back address.
    pub callback: bool,
    /// The upstream's answer is kept for the sender.
    pub keep_reply: bool,
}

impl Service {
    /// The name in scopes, metrics and paths.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What a caller of one of its operations must be granted.
    pub fn scopes_of<'a>(&'a self, operation: &'a Operation) -> &'a [Scope] {
        operation.scopes.as_deref().unwrap_or(&self.exposed.scopes)
    }

    /// The version, as its author wrote it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// From when this version is in force.
    pub fn valid_from(&self) -> Timestamp {
        self.valid_from
    }

    /// The Vietnamese and the English title.
    pub fn title(&self) -> (&str, &str) {
        (&self.title.vi, &self.title.en)
    }

    /// The Vietnamese and the English description.
    pub fn description(&self) -> (&str, &str) {
        (&self.description.vi, &self.description.en)
    }

    /// Who answers for it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What becomes of a call of an operation that does not say it itself.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What callers see.
    pub fn exposed(&self) -> &Exposed {
        &self.exposed
    }

    /// The other side; absent when calls become records of the gateway's own.
    pub fn upstream(&self) -> Option<&UpstreamTerms> {
        self.upstream.as_ref()
    }

    /// Whether any of its operations stores its messages.
    pub fn has_queue(&self) -> bool {
        self.operations.iter().any(|operation| operation.mode() == Mode::Queue)
    }

    /// What callers of a queue get.
    pub fn queue(&self) -> QueueTerms {
        self.queue
    }

    /// What it does.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation of this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// Runs every example and says which did not turn out as expected.
    pub fn run_examples(&self) -> crate::ExampleReport {
        self.examples.run(self)
    }
}

impl Dialogue {
    /// The media types that it goes by.
    pub const fn media_types(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Soap => "text/xml (SOAP 1.1), application/soap+xml (SOAP 1.2)",
        }
    }
}

/// Names the service, not its contents.
impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}
