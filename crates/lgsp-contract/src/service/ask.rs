//! Asking a partner whether it has a message, when nobody knows whether the message reached it.
//!
//! It sends nothing, and it does not decide what follows from the answer.

use lgsp_model::Timestamp;

use super::condition::Condition;
use super::exchange::{Exchange, Inbound, Refusal, UpstreamAnswer, UpstreamCall};
use super::{Format, Operation};

/// The question about one message, and what answers mean.
pub(crate) struct Ask {
    /// From the message to the question.
    pub(crate) exchange: Exchange,
    /// Of the answer: the partner has it.
    pub(crate) found: Condition,
    /// Of the answer: the partner does not have it. Absent: every other readable answer says so.
    pub(crate) missing: Option<Condition>,
}

/// What a partner says about a message that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has it.
    Has,
    /// It does not have it.
    Missing,
    /// It cannot say now.
    Later,
    /// Its answer says neither.
    Unclear,
}

impl Operation {
    /// The question whether the upstream has this message; `None` when the contract does not say how to ask.
    pub fn question(&self, inbound: &Inbound<'_>) -> Option<Result<UpstreamCall, Refusal>> {
        let ask = self.ask.as_ref()?;
        Some(ask.exchange.request(inbound).map(|mut call| {
            if matches!(call.method.as_deref(), Some("GET" | "HEAD")) {
                call.body = bytes::Bytes::new();
                call.content_type = None;
            }
            call
        }))
    }

    /// What the answer to [`Operation::question`] says about a message stored in the form `stored`.
    pub fn presence(&self, answer: &UpstreamAnswer<'_>, stored: Format, now: Timestamp) -> Presence {
        let Some(ask) = &self.ask else { return Presence::Unclear };
        match answer.status {
            200..300 => {}
            404 | 410 => return Presence::Missing,
            401 | 407 | 408 | 425 | 429 | 500..600 => return Presence::Later,
            _ => return Presence::Unclear,
        }
        let holds = |condition: &Condition| ask.exchange.holds(condition, answer, stored, now);
        match (holds(&ask.found), ask.missing.as_ref().map(holds)) {
            (Some(true), _) => Presence::Has,
            (Some(false), None | Some(Some(true))) => Presence::Missing,
            _ => Presence::Unclear,
        }
    }
}
