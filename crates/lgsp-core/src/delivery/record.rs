//! Durable changes: which there are, when they are due, and what they set free when they are on disk.

use std::collections::BTreeSet;

use lgsp_model::{Seq, Timestamp};

use super::entry::{Ask, Home, Phase};
use super::exchange::{Action, Change};
use super::machine::Delivery;
use super::policy::IDLE_SAVES;

#[derive(Clone, Debug)]
pub(super) struct Recording {
    /// The position on disk.
    pub saved: Seq,
    /// Events whose row differs from the one on disk.
    pub dirty: BTreeSet<Seq>,
    pub paused_changed: bool,
    /// The target was never recorded: its place must not move when it starts "now", and nothing may be sent before
    /// a restart would know that something may have been sent.
    pub unseen: bool,
    last: Timestamp,
    next_number: u64,
    outstanding: Option<Outstanding>,
}

#[derive(Clone, Debug)]
struct Outstanding {
    number: u64,
    position: Seq,
    armed: Vec<Seq>,
}

impl Recording {
    pub(super) fn new(saved: Seq, now: Timestamp, unseen: bool) -> Self {
        Self {
            saved,
            dirty: BTreeSet::new(),
            paused_changed: false,
            unseen,
            last: now,
            next_number: 1,
            outstanding: None,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.is_none() && self.dirty.is_empty() && !self.paused_changed && !self.unseen
    }
}

impl Delivery {
    /// Whether a change is being recorded. An operator's act that comes now is recorded with the next one.
    pub fn is_recording(&self) -> bool {
        self.recording.outstanding.is_some()
    }

    pub(super) fn record(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        let position = self.done_through();
        let state = &self.recording;
        let urgent = !state.dirty.is_empty() || state.paused_changed || state.unseen;
        let due = self.save_due() <= now || self.unsaved.len() * 2 >= self.policy.window || self.stopping;
        if state.outstanding.is_some() || !(urgent || position > state.saved && due) {
            return;
        }
        let (mut park, mut unpark, mut armed) = (Vec::new(), Vec::new(), Vec::new());
        for seq in std::mem::take(&mut self.recording.dirty) {
            match self.entries.get(&seq) {
                Some(entry) if entry.home == Home::Parked => {
                    park.push(entry.row(seq));
                    armed.extend((entry.phase == Phase::Arming).then_some(seq));
                }
                Some(_) | None => unpark.push(seq),
            }
        }
        let state = &mut self.recording;
        let number = state.next_number;
        state.next_number += 1;
        state.outstanding = Some(Outstanding { number, position, armed });
        state.paused_changed = false;
        state.last = now;
        actions.push(Action::Record(Change { number, position, paused: self.paused, park, unpark }));
    }

    pub(super) fn recorded(&mut self, now: Timestamp, number: u64) {
        let Some(done) = self.recording.outstanding.take_if(|change| change.number == number) else { return };
        self.recording.saved = done.position;
        self.recording.unseen = false;
        while self.unsaved.front().is_some_and(|seq| *seq <= done.position) {
            self.unsaved.pop_front();
        }
        for seq in done.armed {
            let Some(entry) = self.entries.get_mut(&seq) else { continue };
            if entry.phase == Phase::Arming {
                entry.intent = true;
                entry.phase = Phase::Due { not_before: now, ask: Ask::No };
                self.schedule(now, seq);
            }
        }
    }

    fn save_due(&self) -> Timestamp {
        let every = if self.unsaved.is_empty() { self.policy.save_every * IDLE_SAVES } else { self.policy.save_every };
        let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        self.recording.last.plus_millis(every)
    }

    pub(super) fn next_save(&self) -> Option<Timestamp> {
        let moved = self.done_through() > self.recording.saved;
        (moved && self.recording.outstanding.is_none()).then(|| self.save_due())
    }
}
