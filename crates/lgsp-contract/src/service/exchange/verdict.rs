//! What an answer says about a message that was delivered from a queue.

use lgsp_model::Timestamp;

use super::side::{self, Message, Parts};
use super::{Condition, Exchange, UpstreamAnswer, Verdict};
use crate::service::Format;

impl Exchange {
    /// What an answer says about a message that was delivered from the queue.
    pub(crate) fn verdict(
        &self,
        answer: &UpstreamAnswer<'_>,
        stored: Format,
        idempotent: bool,
        now: Timestamp,
    ) -> Verdict {
        match answer.status {
            200..300 => self.verdict_of_success(answer, stored, now),
            // Who this gateway is has nothing to do with the message.
            401 | 407 => Verdict::Deferred,
            408 | 425 | 429 | 503 => Verdict::Deferred,
            500..600 if idempotent => Verdict::Deferred,
            // A fault is a readable refusal; any other server error leaves the effect open.
            500 if self.upstream.is_some_and(Format::is_soap) => Verdict::Refused,
            500..600 => Verdict::Unknown,
            _ => Verdict::Refused,
        }
    }

    /// Whether a condition holds of an answer; `None` when the answer cannot be read.
    pub(crate) fn holds(
        &self,
        condition: &Condition,
        answer: &UpstreamAnswer<'_>,
        stored: Format,
        now: Timestamp,
    ) -> Option<bool> {
        let held = |message: Message<'_>| message.fault.is_none().then(|| condition.holds(&message.tree, now));
        self.of_answer(answer, stored, held)?
    }

    /// What `see` makes of an answer; `None` when it cannot be read.
    fn of_answer<T>(
        &self,
        answer: &UpstreamAnswer<'_>,
        stored: Format,
        see: impl FnOnce(Message<'_>) -> T,
    ) -> Option<T> {
        let upstream = self.upstream.unwrap_or(stored);
        let parts = Parts::of(answer.content_type, answer.body).ok()?;
        let text = side::decode(upstream, answer.content_type, parts.root()).ok()?;
        self.upstream_response.read_answer(upstream, &text, &self.names).ok().map(see)
    }

    fn verdict_of_success(&self, answer: &UpstreamAnswer<'_>, stored: Format, now: Timestamp) -> Verdict {
        if self.settled_when.is_none() && self.deferred_when.is_none() {
            return Verdict::Settled;
        }
        self.of_answer(answer, stored, |message| self.verdict_of_message(&message, now)).unwrap_or(Verdict::Unknown)
    }

    fn verdict_of_message(&self, message: &Message<'_>, now: Timestamp) -> Verdict {
        if message.fault.is_some() {
            return Verdict::Refused;
        }
        let holds =
            |condition: &Option<Condition>| condition.as_ref().map(|condition| condition.holds(&message.tree, now));
        match (holds(&self.deferred_when), holds(&self.settled_when)) {
            (Some(true), _) => Verdict::Deferred,
            (_, Some(true) | None) => Verdict::Settled,
            (_, Some(false)) => Verdict::Refused,
        }
    }
}
