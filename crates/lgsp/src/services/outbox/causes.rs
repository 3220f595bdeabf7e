//! Why a message was not taken: stable codes, and words of ours that quote neither the message nor the partner.

use std::time::Duration;

use lgsp_connect::{CallFailure, FailureKind, Sent};
use lgsp_contract::Refusal;
use lgsp_model::{Cause, ErrorCode};

use super::Came;
use crate::services::forward::NoAnswer;

pub(super) fn cause(code: &str, detail: impl Into<String>) -> Cause {
    Cause { code: code.to_owned(), detail: detail.into() }
}

pub(super) fn http(came: &Came) -> Cause {
    cause(&format!("http_{}", came.status), format!("the partner answered with status {}", came.status))
}

/// A stored message that does not fit the contract that is in force now. Rules are named, never values.
pub(super) fn misfit(refusal: &Refusal) -> Cause {
    let rules: Vec<&str> = match refusal {
        Refusal::Violates(findings) | Refusal::Answer { findings, .. } => {
            findings.iter().map(|finding| finding.rule.as_str()).collect()
        }
        Refusal::Unwritable(finding) => vec![finding.rule.as_str()],
        Refusal::MediaType { .. } => vec!["media-type"],
        Refusal::Json(_) => vec!["json"],
        Refusal::Xml(_) => vec!["xml"],
        Refusal::Soap { .. } => vec!["soap"],
        Refusal::TooCostly => vec!["too-costly"],
        Refusal::Fault(_) => vec!["fault"],
    };
    cause("contract", format!("the message does not fit the contract that is in force now: {}", rules.join(", ")))
}

/// Why there is no answer, when to come back, and whether the message may have arrived.
pub(super) fn why(nothing: NoAnswer) -> (Cause, Option<Duration>, Sent) {
    match nothing {
        NoAnswer::Failed(failure) => {
            let code = if failure.code == ErrorCode::ServiceNotReady { "not_ready" } else { "not_sent" };
            (cause(code, failure.detail), failure.retry_after, Sent::No)
        }
        NoAnswer::Broken(CallFailure { kind, sent, detail, retry_after }) => {
            let code = match kind {
                FailureKind::Refused => "left_alone",
                FailureKind::Full => "busy",
                FailureKind::Unreachable | FailureKind::Unsent => "connect",
                FailureKind::TimedOut => "timeout",
                FailureKind::Broken | FailureKind::CallerBody => "broken_off",
                FailureKind::BadAnswer => "bad_answer",
            };
            (cause(code, detail), retry_after, sent)
        }
    }
}
