//! Why a request did not get what it asked for: the code, and what the caller may be told.
//!
//! Phases return it; only `answer` turns it into a status and a body.

use std::time::Duration;

use lgsp_contract::{Blame, Fault, JsonError, Rejection};
use lgsp_model::{ErrorCode, Finding, Level, Scope};
use lgsp_store::StoreError;

use crate::broker::OAuthError;
use crate::identity::{Authentication, Kinds};

/// A refused or failed request. `detail` and `findings` never hold record values, identity numbers or secrets.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Which of the public errors it is.
    pub(crate) code: ErrorCode,
    /// One sentence about this case.
    pub(crate) detail: String,
    /// The places of the record that are wrong.
    pub(crate) findings: Vec<Finding>,
    /// When it may be tried again.
    pub(crate) retry_after: Option<Duration>,
    /// The scope that was missing, for `WWW-Authenticate`.
    pub(crate) scope: Option<Box<str>>,
    /// The methods that would be allowed, for `Allow`.
    pub(crate) allow: Option<Box<str>>,
    /// How SOAP names it, when that does not follow from the status.
    pub(crate) blame: Option<Blame>,
    /// What a partner said instead of a result. It goes to the caller, never to the log.
    pub(crate) fault: Option<Box<Fault>>,
    /// The proofs of a caller that are accepted here, for `WWW-Authenticate`; none stands for a bearer token.
    pub(crate) challenges: Kinds,
    /// How surely a person would have to be known, for `WWW-Authenticate`.
    pub(crate) level: Option<Level>,
    /// The error of OAuth that it is, when that does not follow from the code.
    pub(crate) oauth: Option<OAuthError>,
}

impl Failure {
    /// A failure with one sentence.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            findings: Vec::new(),
            retry_after: None,
            scope: None,
            allow: None,
            blame: None,
            fault: None,
            challenges: Kinds::default(),
            level: None,
            oauth: None,
        }
    }

    /// A record that breaks its contract.
    pub(crate) fn findings(findings: Vec<Finding>) -> Self {
        let detail = format!("{} place(s) of the record break the contract", findings.len());
        Self { findings, ..Self::new(ErrorCode::ContractViolation, detail) }
    }

    /// A failure that passes by itself after a while.
    pub(crate) fn retry(code: ErrorCode, detail: impl Into<String>, after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::new(code, detail) }
    }

    /// A token that lacks `scope`.
    pub(crate) fn scope(scope: &Scope) -> Self {
        let detail = format!("the scope {scope} was not granted");
        Self { scope: Some(scope.to_string().into()), ..Self::new(ErrorCode::InsufficientScope, detail) }
    }

    /// A call for which nobody signed in, or not surely enough (RFC 9470).
    pub(crate) fn level(level: Level) -> Self {
        let detail = format!("somebody has to sign in for this call, at {level} or above: ask with acr_values={level}");
        Self { level: Some(level), ..Self::new(ErrorCode::Unauthenticated, detail) }
    }

    /// A caller who did not prove who he is by one of these kinds.
    pub(crate) fn unproven(detail: impl Into<String>, accepted: &[Authentication]) -> Self {
        Self { challenges: Kinds::of(accepted), ..Self::new(ErrorCode::Unauthenticated, detail) }
    }

    /// A method that is not allowed where `allow` are.
    pub(crate) fn method(allow: impl Into<Box<str>>) -> Self {
        let allow = allow.into();
        let detail = format!("allowed here: {allow}");
        Self { allow: Some(allow), ..Self::new(ErrorCode::MethodNotAllowed, detail) }
    }
}

/// How long callers should wait while the store cannot commit: about the time of its own next attempts.
const STORE_RETRY: Duration = Duration::from_secs(2);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::retry(ErrorCode::Overloaded, error.to_string(), Duration::from_secs(1)),
            StoreError::Unavailable(_) => {
                // What the engine said names paths of the host: it is for the operator, not for the caller.
                tracing::warn!(cause = %error, "store refused a write");
                Self::retry(ErrorCode::StoreUnavailable, "nothing was stored", STORE_RETRY)
            }
            StoreError::OutOfBounds { .. } => Self::new(ErrorCode::TooLarge, error.to_string()),
            StoreError::NotThere | StoreError::Taken => Self::new(ErrorCode::Conflict, error.to_string()),
            StoreError::Damaged(_) | StoreError::Newer { .. } => {
                tracing::error!(cause = %error, "store cannot be read");
                Self::retry(ErrorCode::StoreUnavailable, "an operator must look at the store", STORE_RETRY)
            }
        }
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        Self::new(ErrorCode::MalformedJson, error.to_string())
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Malformed(error) => error.into(),
            Rejection::Violates { findings, .. } => Self::findings(findings),
        }
    }
}
