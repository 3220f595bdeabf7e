//! How calls and answers fail: what happened, and whether the request can have reached a server.
//!
//! It decides nothing and holds nothing that was sent or received.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The breaker is open: nothing is sent for now.
    Refused,
    /// As many calls as allowed are running.
    Full,
    /// No connection to any server that was tried.
    Unreachable,
    /// A connection was lost before anything of the request was written.
    Unsent,
    /// No answer in time.
    TimedOut,
    /// The connection broke before the head of the answer was there.
    Broken,
    /// What came is not HTTP, or its head is too large, or it switches protocols unasked.
    BadAnswer,
    /// The request's body failed or fell silent: the caller's fault, not the server's.
    CallerBody,
}

impl FailureKind {
    /// Whether it says something against the server.
    pub(super) fn blames_server(self) -> bool {
        match self {
            Self::Unreachable | Self::Unsent | Self::TimedOut | Self::Broken | Self::BadAnswer => true,
            Self::Refused | Self::Full | Self::CallerBody => false,
        }
    }
}

/// Whether the request can have reached a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Certainly not.
    No,
    /// It may have, in whole or in part.
    Maybe,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFailure {
    /// What happened.
    pub kind: FailureKind,
    /// Whether the request can have reached a server in any of its tries.
    pub sent: Sent,
    /// For the operator: our words or those of the network or TLS library; nothing of the request or the answer.
    pub detail: Cow<'static, str>,
    /// When calling again makes sense, if that is known.
    pub retry_after: Option<Duration>,
}

impl CallFailure {
    pub(super) fn new(kind: FailureKind, sent: Sent, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, sent, detail: detail.into(), retry_after: None }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for CallFailure {}

/// Why the body of an answer ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFailure {
    /// Nothing came for too long.
    Silent,
    /// The time for the whole body is over.
    Late,
    /// The connection broke, or the framing is wrong.
    Broken,
}

impl fmt::Display for BodyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "the server fell silent inside its answer",
            Self::Late => "the answer took longer than allowed",
            Self::Broken => "the connection broke inside the answer",
        })
    }
}

impl std::error::Error for BodyFailure {}
