//! Why a login at a provider failed, in words that hold no token, no code and no claim's value.
//!
//! It repeats nothing that a provider wrote but the names of errors that are registered for OAuth and CAS.

use std::fmt;

use lgsp_model::Cause;

use crate::client::HttpFailure;
use crate::redact::own_cause;

/// Whose fault it was, as far as one can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderFailureKind {
    /// The person gave up, or the provider lets him not in. Trying again is his choice.
    Denied,
    /// The provider cannot be reached now.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// It answered with an error.
    Refused,
    /// What came cannot be believed: signature, issuer, audience, nonce, time, state.
    Untrusted,
    /// What came cannot be read.
    Malformed,
}

impl ProviderFailureKind {
    /// A constant for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Untrusted => "untrusted",
            Self::Malformed => "malformed",
        }
    }
}

/// A login that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFailure {
    /// Whose fault.
    pub kind: ProviderFailureKind,
    /// What exactly, for the operator: a constant and one sentence of ours.
    pub cause: Cause,
}

impl fmt::Display for ProviderFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.kind.as_str(), self.cause.code, self.cause.detail)
    }
}

impl std::error::Error for ProviderFailure {}

fn failure(kind: ProviderFailureKind, code: impl Into<String>, detail: &'static str) -> ProviderFailure {
    ProviderFailure { kind, cause: own_cause(code, detail) }
}

pub(super) fn denied(code: impl Into<String>, detail: &'static str) -> ProviderFailure {
    failure(ProviderFailureKind::Denied, code, detail)
}

pub(super) fn refused(code: impl Into<String>, detail: &'static str) -> ProviderFailure {
    failure(ProviderFailureKind::Refused, code, detail)
}

pub(super) fn untrusted(code: &'static str, detail: &'static str) -> ProviderFailure {
    failure(ProviderFailureKind::Untrusted, code, detail)
}

pub(super) fn malformed(code: &'static str, detail: &'static str) -> ProviderFailure {
    failure(ProviderFailureKind::Malformed, code, detail)
}

pub(super) fn unreachable(code: &'static str, detail: &'static str) -> ProviderFailure {
    failure(ProviderFailureKind::Unreachable, code, detail)
}

impl From<HttpFailure> for ProviderFailure {
    fn from(failure: HttpFailure) -> Self {
        let (HttpFailure::NotSent(cause) | HttpFailure::Unanswered(cause)) = failure;
        let kind = match cause.code.as_str() {
            "timeout" | "connect_timeout" => ProviderFailureKind::TimedOut,
            "answer_too_large" => ProviderFailureKind::Malformed,
            _ => ProviderFailureKind::Unreachable,
        };
        Self { kind, cause }
    }
}
