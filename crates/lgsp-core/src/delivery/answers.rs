//! What answers of the target do to events: settle, wait, split, ask, die.

use std::time::Duration;

use lgsp_model::{Cause, Outcome, Seq, Timestamp};

use super::entry::{Ask, Home, Phase};
use super::exchange::{Answer, CallId, Standing};
use super::machine::Delivery;
use super::policy::Repeat;
use crate::{BreakerState, CallKind};

/// Whether a failure uses up an attempt. While the target is down none does: an outage kills no event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    Counted,
    Free,
}

/// When and how: the arguments that every move here needs.
#[derive(Clone, Copy)]
struct Moment {
    now: Timestamp,
    jitter: f64,
    counting: Counting,
}

impl Delivery {
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        jitter: f64,
        id: CallId,
        outcomes: Vec<Outcome>,
        standing: Standing,
    ) {
        let Some(call) = self.land(id) else { return };
        let alive = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Settled | Outcome::Refused(_)));
        let counting = match standing {
            Standing::Gone | Standing::NotYet => Counting::Free,
            Standing::Open => self.counting(),
        };
        let moment = Moment { now, jitter, counting };
        match standing {
            Standing::Gone => {
                self.breaker.success(call.kind);
                self.pause();
            }
            Standing::NotYet if call.kind == CallKind::Probe => self.breaker.probe_abandoned(),
            Standing::NotYet => {}
            Standing::Open if alive => self.breaker.success(call.kind),
            Standing::Open => self.breaker.failure(call.kind, now, jitter),
        }
        // A refusal of several events is one answer to a batch, or to a part that the connector made of it: it does not say
        // which event is guilty. Only an event that was refused alone dies.
        let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
        let several_refused = outcomes.iter().filter(|outcome| is_refused(outcome)).count() > 1;
        let mut refused = Vec::new();
        let mut outcomes = outcomes.into_iter();
        for seq in call.seqs {
            // A connector that forgets an event has left its effect unknown.
            let outcome = outcomes.next().unwrap_or_else(|| Outcome::Unknown(no_answer()));
            match outcome {
                Outcome::Settled => self.release(now, seq),
                Outcome::Refused(_) if several_refused => refused.push(seq),
                Outcome::Refused(cause) => self.die(now, seq, Some(cause)),
                Outcome::Deferred { cause, after } => self.defer(moment, seq, cause, after),
                Outcome::Unknown(cause) => self.unknown(moment, seq, cause),
            }
        }
        if !refused.is_empty() {
            self.split(moment, &refused);
        }
    }

    pub(super) fn asked(&mut self, now: Timestamp, jitter: f64, id: CallId, answer: Answer) {
        let Some(call) = self.land(id) else { return };
        let moment = Moment { now, jitter, counting: self.counting() };
        match answer {
            Answer::Deferred { .. } => self.breaker.failure(call.kind, now, jitter),
            Answer::Same | Answer::Differs | Answer::Missing | Answer::CannotTell => self.breaker.success(call.kind),
        }
        let Some(&seq) = call.seqs.first() else { return };
        match answer {
            Answer::Same => self.release(now, seq),
            Answer::Differs => self.send_after_ask(now, seq, Some(true)),
            Answer::Missing => self.send_after_ask(now, seq, Some(false)),
            Answer::CannotTell => self.cannot_tell(now, seq),
            Answer::Deferred { cause, after } => self.ask_later(moment, seq, cause, after),
        }
    }

    fn counting(&self) -> Counting {
        if self.breaker.state() == BreakerState::Closed { Counting::Counted } else { Counting::Free }
    }

    /// Halves a refused batch, so that the guilty record ends up alone.
    fn split(&mut self, moment: Moment, seqs: &[Seq]) {
        let (first, second) = seqs.split_at(seqs.len() / 2);
        for half in [first, second] {
            let group = self.next_group;
            self.next_group += 1;
            for seq in half {
                let Some(entry) = self.entries.get_mut(seq) else { continue };
                let doubtful = self.policy.kind(entry.kind).repeat == Repeat::AskAlways;
                let ask = if doubtful { Ask::Check } else { Ask::No };
                entry.group = Some(group);
                entry.intent |= doubtful;
                entry.phase = Phase::Due { not_before: moment.now, ask };
                self.schedule(moment.now, *seq);
            }
        }
    }

    fn die(&mut self, now: Timestamp, seq: Seq, cause: Option<Cause>) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        entry.attempts += u32::from(cause.is_some());
        entry.cause = cause.or(entry.cause.take());
        entry.phase = Phase::Dead;
        self.park_line(now, seq);
    }

    fn defer(&mut self, moment: Moment, seq: Seq, cause: Cause, after: Option<Duration>) {
        self.hold_target(moment, after);
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        let counted = moment.counting == Counting::Counted;
        if counted && entry.attempts + 1 >= self.policy.attempts {
            return self.die(moment.now, seq, Some(cause));
        }
        entry.attempts += u32::from(counted);
        entry.intent = false;
        let pause = self.policy.backoff.delay_millis(entry.attempts, moment.jitter);
        self.put_off(moment, seq, cause, Ask::No, pause);
    }

    fn unknown(&mut self, moment: Moment, seq: Seq, cause: Cause) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        if !self.policy.asks(entry.kind) {
            return self.defer(moment, seq, cause, None);
        }
        entry.attempts += u32::from(moment.counting == Counting::Counted);
        let pause = self.policy.backoff.delay_millis(entry.attempts, moment.jitter);
        self.put_off(Moment { counting: Counting::Counted, ..moment }, seq, cause, Ask::Doubt, pause);
    }

    fn ask_later(&mut self, moment: Moment, seq: Seq, cause: Cause, after: Option<Duration>) {
        self.hold_target(moment, after);
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        let ask = match entry.phase {
            Phase::Asking(ask) => ask,
            _ => Ask::Doubt,
        };
        entry.asks = entry.asks.saturating_add(1);
        let pause = self.policy.backoff.delay_millis(entry.asks, moment.jitter);
        self.put_off(moment, seq, cause, ask, pause);
    }

    /// Lets an event wait. A counted failure parks its key; while the target is down the window simply stands still.
    fn put_off(&mut self, moment: Moment, seq: Seq, cause: Cause, ask: Ask, pause: i64) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        entry.cause = Some(cause);
        entry.phase = Phase::Due { not_before: moment.now.plus_millis(pause), ask };
        if moment.counting == Counting::Counted {
            return self.park_line(moment.now, seq);
        }
        if entry.home == Home::Parked {
            self.recording.dirty.insert(seq);
        }
        self.schedule(moment.now, seq);
    }

    /// A pause that the target asked for concerns all of it; never longer than the longest of our own.
    fn hold_target(&mut self, moment: Moment, after: Option<Duration>) {
        if let Some(after) = after {
            let after = i64::try_from(after.min(self.policy.backoff.max).as_millis()).unwrap_or(i64::MAX);
            self.hold_until = self.hold_until.max(moment.now.plus_millis(after));
        }
    }

    fn send_after_ask(&mut self, now: Timestamp, seq: Seq, found: Option<bool>) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        entry.asks = 0;
        entry.found = found;
        if entry.attempts >= self.policy.attempts {
            return self.die(now, seq, None);
        }
        entry.phase = Phase::Due { not_before: now, ask: Ask::No };
        self.schedule(now, seq);
    }

    fn cannot_tell(&mut self, now: Timestamp, seq: Seq) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        if entry.phase == Phase::Asking(Ask::Check) {
            return self.send_after_ask(now, seq, None);
        }
        entry.phase = Phase::Stuck;
        entry.cause.get_or_insert_with(no_answer);
        self.park_line(now, seq);
    }
}

fn no_answer() -> Cause {
    Cause {
        code: "unknown".into(),
        detail: "it may have been sent, and the target cannot say whether it has it: check there, then retry or drop"
            .into(),
    }
}
