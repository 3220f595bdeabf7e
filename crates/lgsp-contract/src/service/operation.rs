//! One thing that a service does: what callers see of it, and what is done with its messages. It decides nothing itself.

use std::time::Duration;

use lgsp_model::{Scope, Timestamp};

use super::ask::Ask;
use super::exchange::{CallerAnswer, Exchange, Inbound, Refusal, UpstreamAnswer, UpstreamCall, UpstreamPath, Verdict};
use super::{Format, MapContext, Mode, problem};
use crate::manifest::Title;

/// One thing that a service does.
pub struct Operation {
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) title: Option<Title>,
    pub(crate) methods: Vec<String>,
    pub(crate) path: String,
    pub(crate) idempotent: bool,
    pub(crate) record: Option<String>,
    /// Instead of the service's.
    pub(crate) scopes: Option<Vec<Scope>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) wants_headers: bool,
    pub(crate) exchange: Exchange,
    pub(crate) ask: Option<Ask>,
}

impl Operation {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What becomes of a call.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether its messages are read here at all; otherwise they flow through.
    pub fn reads_bodies(&self) -> bool {
        !self.exchange.callers.is_empty()
    }

    /// The Vietnamese and the English title.
    pub fn title(&self) -> Option<(&str, &str)> {
        self.title.as_ref().map(|title| (title.vi.as_str(), title.en.as_str()))
    }

    /// The methods that callers use.
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The whole path, with `{parameters}`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a call may be made twice.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// The contract whose record a call becomes, in intake mode.
    pub fn record(&self) -> Option<&str> {
        self.record.as_deref()
    }

    /// Whether its maps look at headers of the request.
    pub fn wants_headers(&self) -> bool {
        self.wants_headers
    }

    /// Its own time limit, when it differs from the service's.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

/// What is done with the messages of an operation. All of it is computed from the message, the contract and the context.
impl Operation {
    /// The form in which a caller with this `Content-Type` is answered, errors included.
    pub fn caller_format(&self, content_type: Option<&str>) -> Option<Format> {
        self.exchange.caller_format(content_type).ok()
    }

    /// Checks and maps a request.
    pub fn request(&self, inbound: &Inbound<'_>) -> Result<UpstreamCall, Refusal> {
        self.exchange.request(inbound)
    }

    /// Whether the contract says where its calls go below the upstream's base.
    pub fn has_own_path(&self) -> bool {
        matches!(self.exchange.path, UpstreamPath::Given(_))
    }

    /// Path and query below the upstream's base of a call whose body flows through; absent: the caller's below the service.
    pub fn passed_path(&self, below: &str, context: &MapContext<'_>) -> Result<Option<String>, Refusal> {
        self.exchange.passed_path(below, context)
    }

    /// An error in the words of the contract's own map, from the members of a problem; absent: the gateway's words do.
    pub fn problem(&self, members: &serde_json::Value) -> Option<CallerAnswer> {
        self.exchange.problem(members)
    }

    /// Checks and maps an answer for a caller who spoke `caller`.
    pub fn response(
        &self,
        caller: Format,
        answer: &UpstreamAnswer<'_>,
        context: &MapContext<'_>,
    ) -> Result<CallerAnswer, Refusal> {
        self.exchange.response(caller, answer, context)
    }

    /// Whether answers pass unread.
    pub fn passes_answers(&self, caller: Format) -> bool {
        self.exchange.passes_answers(caller)
    }

    /// What an answer says about a message that was delivered from the queue in the form `stored`.
    pub fn verdict(&self, answer: &UpstreamAnswer<'_>, stored: Format, now: Timestamp) -> Verdict {
        self.exchange.verdict(answer, stored, self.idempotent, now)
    }

    /// What the sender of a stored message gets.
    pub fn accepted(&self, caller: Format, id: &str, duplicate: bool) -> CallerAnswer {
        problem::accepted(caller, id, duplicate, &self.exchange.names)
    }
}
