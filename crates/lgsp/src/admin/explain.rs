//! Says in plain words where a dossier's copy stands with one target, why, and what to do next. It decides from what it
//! is given and asks nobody.

use lgsp_core::BreakerState;
use lgsp_core::delivery::Summary;
use lgsp_model::{Cause, Seq, TargetId};
use lgsp_store::{Parked, ParkedState};

/// How a dossier's copy stands with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing of the dossier goes there.
    NotForIt,
    /// Everything was taken, dropped by an operator, or older than the target.
    Delivered,
    /// Not sent yet, or on its way for the first time.
    Pending,
    /// Something is parked; the worst counts.
    Parked(ParkedState),
}

impl Standing {
    /// The word in answers.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NotForIt => "not for it",
            Self::Delivered => "delivered",
            Self::Pending => "pending",
            Self::Parked(state) => super::parked::state_word(state),
        }
    }
}

/// What is known about one dossier and one target.
pub(super) struct Copy<'a> {
    pub(super) target: &'a TargetId,
    /// The target's delivery; `None` when it does not run.
    pub(super) delivery: Option<&'a Summary>,
    /// Why it last did not take something, if that was after it last did.
    pub(super) trouble: Option<&'a Cause>,
    /// The dossier's newest event that goes to the target.
    pub(super) newest: Option<Seq>,
    /// Whether the target has taken that one. Events beyond its position may have been taken already.
    pub(super) taken: bool,
    /// The dossier's parked events of this target, in order.
    pub(super) parked: Vec<&'a Parked>,
    /// Whether the target began at its first start, so that older events never go there.
    pub(super) starts_now: bool,
}

impl Copy<'_> {
    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        let worst = |state| self.parked.iter().any(|parked| parked.state == state);
        for state in [ParkedState::Dead, ParkedState::Unknown, ParkedState::Retry] {
            if worst(state) {
                return Standing::Parked(state);
            }
        }
        match self.newest {
            None => Standing::NotForIt,
            Some(_) if self.taken => Standing::Delivered,
            Some(_) => Standing::Pending,
        }
    }

    /// One or two sentences for an operator.
    pub(super) fn explain(&self) -> String {
        let target = self.target;
        let text = match self.standing() {
            Standing::NotForIt => {
                "nothing of this dossier goes there: its kinds and agencies in the configuration leave it out."
                    .to_owned()
            }
            Standing::Delivered if self.starts_now => {
                "everything was taken, unless it is older than the target, which began with start = \"now\".".to_owned()
            }
            Standing::Delivered => "everything was taken. Nothing to do.".to_owned(),
            Standing::Pending => self.pending(),
            Standing::Parked(_) => self.parked_text(),
        };
        format!("{target}: {text}")
    }

    fn pending(&self) -> String {
        let target = self.target;
        let Some(delivery) = self.delivery else {
            return "it does not run, so nothing is sent. Look into the gateway's log for why it did not start."
                .to_owned();
        };
        if delivery.paused {
            return format!(
                "it is paused, so nothing is sent. When it may go on: lgsp targets resume {target} --reason \"…\"."
            );
        }
        if delivery.breaker != BreakerState::Closed {
            return format!(
                "it does not answer{}, so sending waits for single tries to get through. Ask its operators; delivery goes \
                 on by itself.",
                self.trouble.map(in_brackets).unwrap_or_default()
            );
        }
        if delivery.blocked {
            return format!(
                "so much is parked for it that nothing new is sent. Find the cause with lgsp parked list --target \
                 {target}, then retry or drop."
            );
        }
        let newest = self.newest.unwrap_or_default().0;
        let before = newest.saturating_sub(delivery.done_through.0).saturating_sub(1);
        format!("event {newest} is on its way, at most {before} events before it. Look again in a minute.")
    }

    fn parked_text(&self) -> String {
        // The first one of a key stands in the way of the others, whatever their own state.
        let Some(first) = self.parked.first() else { return String::new() };
        let mut text = self.first_parked(first);
        let behind = self.parked.len() - 1;
        if behind > 0 {
            text.push_str(&format!(" {behind} later event(s) of this dossier wait behind it."));
        }
        if self.delivery.is_some_and(|delivery| delivery.paused) {
            text.push_str(" The target is paused besides.");
        }
        text
    }

    fn first_parked(&self, first: &Parked) -> String {
        let (target, seq, attempts) = (self.target, first.seq, first.attempts);
        let cause = Cause { code: first.cause.clone(), detail: first.detail.clone() };
        let cause = if cause.code.is_empty() { String::new() } else { in_brackets(&cause) };
        match first.state {
            ParkedState::Dead => format!(
                "event {seq} was given up after {attempts} attempt(s){cause}. Mend the cause there, then lgsp parked retry \
                 {target} {seq} --reason \"…\"; or have the sender correct the record, then lgsp parked drop {target} \
                 {seq} --reason \"…\" so that the corrected one passes."
            ),
            ParkedState::Unknown => format!(
                "event {seq} was sent and no readable answer came{cause}, so the target is asked before anything is sent \
                 again, next at {}. If that lasts, look there whether it has the record, then retry or drop it.",
                first.due_at
            ),
            ParkedState::Retry if attempts == 0 => {
                format!("event {seq} waits for its turn{cause}. Nothing to do; look again in a minute.")
            }
            ParkedState::Retry => format!(
                "event {seq} was not taken in {attempts} attempt(s){cause}; the next comes at {}. Nothing to do unless \
                 the cause lasts.",
                first.due_at
            ),
        }
    }
}

fn in_brackets(cause: &Cause) -> String {
    format!(" ({}: {})", cause.code, cause.detail.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lgsp_model::Timestamp;

    fn summary(done: u64) -> Summary {
        Summary {
            done_through: Seq(done),
            read_through: Seq(done),
            head: Seq(100),
            oldest: None,
            calls: 0,
            in_flight: 0,
            retry: 0,
            unknown: 0,
            dead: 0,
            breaker: BreakerState::Closed,
            paused: false,
            blocked: false,
        }
    }

    fn parked(seq: u64, state: ParkedState, attempts: u32) -> Parked {
        Parked {
            seq: Seq(seq),
            key: "H56.14-240315-0007".into(),
            state,
            attempts,
            due_at: Timestamp(0),
            since: Timestamp(0),
            cause: "http_502".into(),
            detail: "bad gateway.".into(),
        }
    }

    fn check(newest: Option<u64>, delivery: Option<Summary>, parked: &[Parked], word: &str, says: &[&str]) {
        let target = "national-portal".parse().unwrap();
        let trouble = Cause { code: "timeout".into(), detail: "no answer in 6 s.".into() };
        let copy = Copy {
            target: &target,
            delivery: delivery.as_ref(),
            trouble: Some(&trouble),
            newest: newest.map(Seq),
            taken: delivery.is_some_and(|delivery| newest.is_some_and(|newest| newest <= delivery.done_through.0)),
            parked: parked.iter().collect(),
            starts_now: false,
        };
        assert_eq!(copy.standing().word(), word);
        let text = copy.explain();
        assert!(text.starts_with("national-portal: "), "{text}");
        for part in says {
            assert!(text.contains(part), "{text} should say {part}");
        }
    }

    #[test]
    fn every_place_that_a_copy_can_be_in_is_explained_with_what_to_do() {
        let paused = Summary { paused: true, ..summary(5) };
        let silent = Summary { breaker: BreakerState::Open, ..summary(5) };
        let blocked = Summary { blocked: true, ..summary(5) };
        check(None, Some(summary(50)), &[], "not for it", &["kinds and agencies"]);
        check(Some(9), Some(summary(50)), &[], "delivered", &["Nothing to do"]);
        check(Some(9), Some(summary(5)), &[], "pending", &["event 9 is on its way, at most 3 events before it"]);
        check(Some(9), Some(paused), &[], "pending", &["paused", "lgsp targets resume national-portal"]);
        check(Some(9), Some(silent), &[], "pending", &["does not answer (timeout: no answer in 6 s),"]);
        check(Some(9), Some(blocked), &[], "pending", &["lgsp parked list --target national-portal"]);
        check(Some(9), None, &[], "pending", &["does not run"]);
    }

    #[test]
    fn the_first_parked_event_is_named_and_the_worst_state_shown() {
        use ParkedState::{Dead, Retry, Unknown};
        let dead = [parked(7, Dead, 10), parked(9, Retry, 0)];
        let says = [
            "event 7 was given up after 10 attempt(s) (http_502: bad gateway)",
            "1 later event(s)",
            "lgsp parked drop national-portal 7",
        ];
        check(Some(9), Some(summary(50)), &dead, "dead", &says);
        check(Some(9), Some(summary(50)), &[parked(9, Unknown, 1)], "unknown", &["no readable answer", "asked before"]);
        check(
            Some(9),
            Some(summary(50)),
            &[parked(9, Retry, 3)],
            "retry",
            &["not taken in 3 attempt(s)", "1970-01-01T07:00"],
        );
        check(Some(9), Some(summary(50)), &[parked(9, Retry, 0)], "retry", &["waits for its turn"]);
    }
}
