//! One event that the machine holds, and the queues of events that could travel now.
//!
//! It moves nothing by itself: the machine decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lgsp_model::{Cause, EventKind, Seq, Timestamp};

use super::exchange::{LogEvent, ParkRow, ParkState};

/// Whether to ask before sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Send.
    No,
    /// Ask; when the target cannot tell, send: it certainly was not taken, or a person wants it sent.
    Check,
    /// Ask; when the target cannot tell, it stays unknown and a person decides.
    Doubt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// May travel from this time on, once it is the first of its key.
    Due {
        not_before: Timestamp,
        ask: Ask,
    },
    /// Waits until the record that it is about to be sent is on disk.
    Arming,
    Sending,
    Asking(Ask),
    /// Unknown, and the target cannot tell.
    Stuck,
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// Holds the position back.
    Live,
    /// Recorded, or about to be, as parked.
    Parked,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: Arc<str>,
    pub kind: EventKind,
    pub at: Timestamp,
    pub size: usize,
    pub phase: Phase,
    pub home: Home,
    pub attempts: u32,
    /// Asks in a row that got no answer.
    pub asks: u32,
    pub since: Timestamp,
    pub cause: Option<Cause>,
    /// The row on disk already says that a send may have begun.
    pub intent: bool,
    /// Which part of a refused batch it travels with.
    pub group: Option<u64>,
    pub found: Option<bool>,
}

impl Entry {
    pub(super) fn live(event: &LogEvent, now: Timestamp, ask: Ask) -> Self {
        Self {
            key: Arc::clone(&event.key),
            kind: event.kind,
            at: event.at,
            size: event.size,
            phase: Phase::Due { not_before: now, ask },
            home: Home::Live,
            attempts: 0,
            asks: 0,
            since: now,
            cause: None,
            intent: false,
            group: None,
            found: None,
        }
    }

    pub(super) fn in_flight(&self) -> bool {
        matches!(self.phase, Phase::Sending | Phase::Asking(_))
    }

    /// What a restart must believe.
    pub(super) fn durable_state(&self) -> ParkState {
        match self.phase {
            Phase::Dead => ParkState::Dead,
            Phase::Stuck | Phase::Arming | Phase::Due { ask: Ask::Doubt, .. } | Phase::Asking(Ask::Doubt) => {
                ParkState::Unknown
            }
            Phase::Sending | Phase::Due { .. } | Phase::Asking(_) if self.intent => ParkState::Unknown,
            Phase::Sending | Phase::Due { .. } | Phase::Asking(_) => ParkState::Retry,
        }
    }

    pub(super) fn row(&self, seq: Seq) -> ParkRow {
        let due_at = match self.phase {
            Phase::Due { not_before, .. } => not_before,
            Phase::Arming | Phase::Sending | Phase::Asking(_) | Phase::Stuck | Phase::Dead => self.since,
        };
        ParkRow {
            seq,
            key: Arc::clone(&self.key),
            state: self.durable_state(),
            attempts: self.attempts,
            due_at,
            since: self.since,
            cause: self.cause.clone(),
        }
    }
}

/// The first event of each key that could travel now or at a known time.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues {
    sendable: BTreeMap<EventKind, BTreeSet<Seq>>,
    askable: BTreeSet<Seq>,
    timers: BTreeSet<(Timestamp, Seq)>,
}

/// What travels next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ask(Seq),
    Send(EventKind),
}

impl Queues {
    pub(super) fn wait(&mut self, until: Timestamp, seq: Seq) {
        self.timers.insert((until, seq));
    }

    pub(super) fn ask(&mut self, seq: Seq) {
        self.askable.insert(seq);
    }

    pub(super) fn send(&mut self, kind: EventKind, seq: Seq) {
        self.sendable.entry(kind).or_default().insert(seq);
    }

    pub(super) fn of(&self, kind: EventKind) -> impl Iterator<Item = Seq> {
        self.sendable.get(&kind).into_iter().flatten().copied()
    }

    pub(super) fn remove(&mut self, seq: Seq, entry: &Entry) {
        self.askable.remove(&seq);
        if let Some(kind) = self.sendable.get_mut(&entry.kind) {
            kind.remove(&seq);
        }
        if let Phase::Due { not_before, .. } = entry.phase {
            self.timers.remove(&(not_before, seq));
        }
    }

    /// The oldest event that could travel now.
    pub(super) fn next(&self) -> Option<Next> {
        let ask = self.askable.first().map(|seq| (*seq, Next::Ask(*seq)));
        let sends = self.sendable.iter().filter_map(|(kind, set)| Some((*set.first()?, Next::Send(*kind))));
        sends.chain(ask).min_by_key(|(seq, _)| *seq).map(|(_, next)| next)
    }

    pub(super) fn due(&mut self, now: Timestamp) -> Option<Seq> {
        let (at, seq) = *self.timers.first()?;
        (at <= now).then(|| {
            self.timers.pop_first();
            seq
        })
    }

    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }
}
