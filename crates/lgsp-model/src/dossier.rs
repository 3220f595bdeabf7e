//! Where a dossier stands, and what an arriving event does to it.
//!
//! One pure function decides: the store calls it inside its single writer and applies what it says. It does not
//! look into payloads; whoever read them passes what matters.

use crate::{ContentDigest, EventKind, PortalTime, Seq, Status, Step};

/// How many distinct events of one dossier are remembered for recognising repeats. A life has 5 to 15 events; beyond
/// this many the oldest are forgotten and a repeat of one is judged by the status table instead.
pub const KNOWN_EVENTS: usize = 64;

/// Where one dossier stands: a projection of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DossierState {
    /// The business status; `None` until a record or a step brought one.
    pub status: Option<Status>,
    /// The time of the newest progress step that was applied.
    pub newest_step: Option<PortalTime>,
    /// The event that holds the current record, if one was applied.
    pub record: Option<Seq>,
    /// The newest event of any kind and disposition; the head of the dossier's chain of events.
    pub last: Option<Seq>,
    /// Contents seen, newest last, each with the first event that brought it.
    pub known: Vec<(ContentDigest, Seq)>,
}

/// What arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A dossier record with its status.
    Record(Status),
    /// A progress step with its status and its own time.
    Progress(Status, PortalTime),
    /// A status notice for the portal. Its vocabulary is folded (2 stands for 2, 4, 6, 9 and 10), so it never moves
    /// a dossier.
    Notice,
    /// A held record that an operator released: the person has decided, so the table is not asked.
    ReleasedRecord(Status),
    /// A held progress step that an operator released.
    ReleasedProgress(Status, PortalTime),
}

impl Incoming {
    /// The kind of the event that brings it.
    #[must_use]
    pub const fn kind(self) -> EventKind {
        match self {
            Self::Record(_) | Self::ReleasedRecord(_) => EventKind::Dossier,
            Self::Progress(..) | Self::ReleasedProgress(..) => EventKind::Progress,
            Self::Notice => EventKind::Status,
        }
    }
}

/// Why an event was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldReason {
    /// Where the dossier stood.
    pub from: Status,
    /// Where the event would have moved it.
    pub to: Status,
}

/// What to do with an arriving event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Known already: nothing is stored, the answer names the first event.
    Duplicate(Seq),
    /// Stored and applied.
    Apply,
    /// Stored and sent on, but it moves nothing.
    History,
    /// Stored, applied to nothing, kept back until a person decides.
    Hold(HoldReason),
}

impl DossierState {
    /// Decides about an event with this content. Changes nothing.
    pub fn judge(&self, incoming: Incoming, content: &ContentDigest) -> Verdict {
        let released = matches!(incoming, Incoming::ReleasedRecord(_) | Incoming::ReleasedProgress(..));
        if !released && let Some((_, seq)) = self.known.iter().find(|(known, _)| known == content) {
            return Verdict::Duplicate(*seq);
        }
        match incoming {
            Incoming::Notice | Incoming::ReleasedRecord(_) | Incoming::ReleasedProgress(..) => Verdict::Apply,
            Incoming::Record(next) => self.follow_table(next),
            Incoming::Progress(_, at) if self.newest_step.is_some_and(|newest| at < newest) => Verdict::History,
            Incoming::Progress(next, _) => self.follow_table(next),
        }
    }

    /// Takes an event that was stored as `seq` into the state, as `verdict` said.
    pub fn absorb(&mut self, incoming: Incoming, content: ContentDigest, verdict: Verdict, seq: Seq) {
        if matches!(verdict, Verdict::Duplicate(_)) {
            return;
        }
        self.last = Some(seq);
        self.remember(content, seq);
        if verdict != Verdict::Apply {
            return;
        }
        match incoming {
            Incoming::Record(status) | Incoming::ReleasedRecord(status) => {
                self.status = Some(status);
                self.record = Some(seq);
            }
            Incoming::Progress(status, at) | Incoming::ReleasedProgress(status, at) => {
                self.status = Some(status);
                self.newest_step = self.newest_step.max(Some(at));
            }
            Incoming::Notice => {}
        }
    }

    fn remember(&mut self, content: ContentDigest, seq: Seq) {
        if self.known.iter().any(|(known, _)| *known == content) {
            return;
        }
        if self.known.len() == KNOWN_EVENTS {
            self.known.remove(0);
        }
        self.known.push((content, seq));
    }

    fn follow_table(&self, next: Status) -> Verdict {
        match self.status {
            Some(from) if from.step(next) == Step::Backwards => Verdict::Hold(HoldReason { from, to: next }),
            _ => Verdict::Apply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(n: u8) -> ContentDigest {
        ContentDigest([n; 16])
    }

    fn feed(state: &mut DossierState, incoming: Incoming, content: u8, seq: u64) -> Verdict {
        let verdict = state.judge(incoming, &digest(content));
        state.absorb(incoming, digest(content), verdict, Seq(seq));
        verdict
    }

    fn time(n: u64) -> PortalTime {
        PortalTime::from_number(20_260_101_000_000 + n).unwrap()
    }

    #[test]
    fn a_repeat_is_a_duplicate_of_the_first_event_even_after_the_dossier_moved_on() {
        let mut state = DossierState::default();
        feed(&mut state, Incoming::Record(Status::Received), 1, 1);
        feed(&mut state, Incoming::Record(Status::Settled), 2, 2);
        assert_eq!(feed(&mut state, Incoming::Record(Status::Received), 1, 3), Verdict::Duplicate(Seq(1)));
        assert_eq!(state.last, Some(Seq(2)));
    }

    #[test]
    fn a_backward_record_is_held_and_a_release_moves_the_dossier() {
        let mut state = DossierState::default();
        feed(&mut state, Incoming::Record(Status::Settled), 1, 1);
        let held = feed(&mut state, Incoming::Record(Status::Processing), 2, 2);
        assert_eq!(held, Verdict::Hold(HoldReason { from: Status::Settled, to: Status::Processing }));
        assert_eq!((state.status, state.record), (Some(Status::Settled), Some(Seq(1))));
        assert_eq!(feed(&mut state, Incoming::ReleasedRecord(Status::Processing), 2, 3), Verdict::Apply);
        assert_eq!((state.status, state.record), (Some(Status::Processing), Some(Seq(3))));
    }

    #[test]
    fn an_older_step_is_history_and_a_newer_one_follows_the_table() {
        let mut state = DossierState::default();
        feed(&mut state, Incoming::Progress(Status::Processing, time(10)), 1, 1);
        assert_eq!(feed(&mut state, Incoming::Progress(Status::Received, time(5)), 2, 2), Verdict::History);
        assert!(matches!(feed(&mut state, Incoming::Progress(Status::Received, time(11)), 3, 3), Verdict::Hold(_)));
        assert_eq!(feed(&mut state, Incoming::Progress(Status::Settled, time(12)), 4, 4), Verdict::Apply);
        assert_eq!(state.status, Some(Status::Settled));
    }

    #[test]
    fn the_memory_of_repeats_is_bounded() {
        let mut state = DossierState::default();
        for n in 0..100u8 {
            feed(&mut state, Incoming::Notice, n, u64::from(n) + 1);
        }
        assert_eq!(state.known.len(), KNOWN_EVENTS);
        assert_eq!(state.known[0].1, Seq(37));
    }

    fn any_incoming() -> impl Strategy<Value = Incoming> {
        let status = (1u8..=10).prop_map(|code| Status::from_code(code).unwrap());
        (status, 0u64..50, any::<bool>()).prop_map(|(status, at, record)| {
            if record { Incoming::Record(status) } else { Incoming::Progress(status, time(at)) }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        /// Invariant 4: whatever arrives in whatever order, every change of status is a step of the table.
        #[test]
        fn no_interleaving_moves_a_dossier_backwards(events in prop::collection::vec((any_incoming(), 0u8..12), 1..30)) {
            let mut state = DossierState::default();
            for (n, (incoming, content)) in events.into_iter().enumerate() {
                let before = state.clone();
                let verdict = feed(&mut state, incoming, content, n as u64 + 1);
                if let (Some(from), Some(to)) = (before.status, state.status) {
                    prop_assert_ne!(from.step(to), Step::Backwards);
                }
                prop_assert!(before.status.is_none() || state.status.is_some());
                if matches!(verdict, Verdict::Duplicate(_)) {
                    prop_assert_eq!(&before, &state);
                }
                if matches!(verdict, Verdict::Hold(_) | Verdict::History) {
                    prop_assert_eq!(before.status, state.status);
                }
            }
        }
    }
}
