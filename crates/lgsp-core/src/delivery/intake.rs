//! Start, pages of the log, and replays: how events come into the machine, and when it stops asking for more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lgsp_model::{Cause, Seq, Timestamp};

use super::entry::{Ask, Entry, Home, Phase, Queues};
use super::exchange::{Action, LogEvent, ParkState, ParkedEvent, Start};
use super::machine::Delivery;
use super::policy::{MAX_PAGE, Policy};
use super::record::Recording;
use crate::Breaker;

/// A page is asked for only when this part of the window is free, or when it would hold the rest of the log.
const WORTHWHILE_PART: usize = 8;

#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub head: Seq,
    pub through: Seq,
    pub outstanding: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Replay {
    pub after: Seq,
    pub to: Seq,
    pub outstanding: bool,
}

/// Events that an earlier run may have sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt {
    /// None lies after this position.
    pub through: Seq,
    /// At most so many more.
    pub left: usize,
}

impl Delivery {
    /// The machine of a target. The first input should be `Input::Tick` or `Input::Head`.
    pub fn start(policy: Policy, start: Start, now: Timestamp) -> Self {
        let through = start.position.unwrap_or(start.from);
        let left = if start.position.is_some() && !start.clean { policy.window } else { 0 };
        let mut machine = Self {
            breaker: Breaker::new(policy.breaker),
            policy,
            entries: BTreeMap::new(),
            lines: BTreeMap::new(),
            live: BTreeSet::new(),
            live_bytes: 0,
            parked: 0,
            queues: Queues::default(),
            calls: BTreeMap::new(),
            next_call: 1,
            next_group: 1,
            reading: Reading { head: start.head.max(through), through, outstanding: false },
            replay: None,
            doubt: Doubt { through: start.head, left },
            unsaved: VecDeque::new(),
            recording: Recording::new(through, now, start.position.is_none()),
            hold_until: Timestamp(i64::MIN),
            paused: start.paused,
            stopping: false,
        };
        for parked in start.parked {
            machine.restore(now, parked);
        }
        machine
    }

    fn restore(&mut self, now: Timestamp, parked: ParkedEvent) {
        let ParkedEvent { event, row } = parked;
        let asks = self.policy.asks(event.kind);
        let mut entry = Entry::live(&event, now, Ask::No);
        entry.home = Home::Parked;
        entry.phase = match row.state {
            ParkState::Dead => Phase::Dead,
            ParkState::Unknown if asks => Phase::Due { not_before: row.due_at, ask: Ask::Doubt },
            ParkState::Unknown | ParkState::Retry => Phase::Due { not_before: row.due_at, ask: Ask::No },
        };
        entry.intent = row.state == ParkState::Unknown;
        entry.attempts = row.attempts;
        entry.since = row.since;
        entry.cause = row.cause;
        self.hold(now, event.seq, entry);
        if self.entries[&event.seq].phase != Phase::Arming {
            self.recording.dirty.remove(&event.seq);
        }
    }

    pub(super) fn page(&mut self, now: Timestamp, events: &[LogEvent], through: Seq) {
        self.reading.outstanding = false;
        for event in events {
            let maybe_sent = self.doubt.left > 0 && event.seq <= self.doubt.through;
            self.doubt.left = self.doubt.left.saturating_sub(1);
            self.unsaved.push_back(event.seq);
            if self.entries.contains_key(&event.seq) {
                continue;
            }
            let ask = if maybe_sent && self.policy.asks(event.kind) { Ask::Doubt } else { Ask::No };
            self.hold(now, event.seq, Entry::live(event, now, ask));
        }
        self.reading.through = self.reading.through.max(through);
        self.reading.head = self.reading.head.max(through);
    }

    /// Replayed events are parked at once, so that what was read of a replay survives a crash. The target is asked
    /// first where repeats harm.
    pub(super) fn replay_page(&mut self, now: Timestamp, events: &[LogEvent], through: Seq) {
        let Some(mut replay) = self.replay.take() else { return };
        for event in events {
            if event.seq > replay.to || self.entries.contains_key(&event.seq) {
                continue;
            }
            let asks = self.policy.asks(event.kind);
            let mut entry = Entry::live(event, now, if asks { Ask::Check } else { Ask::No });
            entry.home = Home::Parked;
            entry.intent = asks;
            entry.cause = Some(Cause { code: "replay".into(), detail: "an operator asked for it again".into() });
            self.hold(now, event.seq, entry);
            self.recording.dirty.insert(event.seq);
            self.park_line(now, event.seq);
        }
        replay.outstanding = false;
        replay.after = replay.after.max(through);
        self.replay = (replay.after < replay.to).then_some(replay);
    }

    pub(super) fn read_on(&mut self, actions: &mut Vec<Action>) {
        let room = self.policy.max_parked.saturating_sub(self.parked);
        if self.stopping || room == 0 {
            return;
        }
        if let Some(replay) = self.replay.as_mut().filter(|replay| !replay.outstanding) {
            replay.outstanding = true;
            let limit = room.min(MAX_PAGE);
            actions.push(Action::ReadRange { after: replay.after, to: replay.to, limit });
        }
        let space = self.policy.window.saturating_sub(self.unsaved.len()).min(room);
        let rest = self.reading.head.0 - self.reading.through.0;
        let worthwhile = space * WORTHWHILE_PART >= self.policy.window || rest <= space as u64;
        let fits = space > 0 && worthwhile && self.live_bytes < self.policy.window_bytes;
        if !self.reading.outstanding && rest > 0 && fits {
            self.reading.outstanding = true;
            actions.push(Action::Read { after: self.reading.through, limit: space.min(MAX_PAGE) });
        }
    }

    /// Whether reading stopped because too much is parked.
    pub fn is_blocked(&self) -> bool {
        self.parked >= self.policy.max_parked
    }
}
