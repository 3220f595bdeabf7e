//! What operators and metrics see of a delivery. Changes nothing.

use lgsp_model::{Cause, Seq, Timestamp};

use super::entry::{Ask, Home, Phase};
use super::machine::Delivery;
use crate::BreakerState;

/// How one event stands with the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventState {
    /// Settled, dropped, or not for this target.
    Done,
    /// Not sent yet, or on its way for the first time.
    Pending,
    /// Waits for another attempt, or behind an earlier event of its key.
    Retry {
        /// Attempts made.
        attempts: u32,
        /// The next attempt.
        due_at: Timestamp,
        /// The last failure; `None` behind another.
        cause: Option<Cause>,
    },
    /// Its effect is unknown.
    Unknown {
        /// Attempts made.
        attempts: u32,
        /// The last failure.
        cause: Option<Cause>,
    },
    /// Waits for a person.
    Dead {
        /// Attempts made.
        attempts: u32,
        /// The last failure.
        cause: Option<Cause>,
    },
}

/// A delivery in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Everything up to here is delivered, parked, or not for this target.
    pub done_through: Seq,
    /// How far the log was read.
    pub read_through: Seq,
    /// The newest position known.
    pub head: Seq,
    /// When the oldest event that is neither delivered nor dead was received.
    pub oldest: Option<Timestamp>,
    /// Calls on their way.
    pub calls: usize,
    /// Events on their way.
    pub in_flight: usize,
    /// Parked for another attempt or behind another.
    pub retry: usize,
    /// Parked with unknown effect.
    pub unknown: usize,
    /// Parked for a person.
    pub dead: usize,
    /// The breaker.
    pub breaker: BreakerState,
    /// Stopped by an operator or by the target.
    pub paused: bool,
    /// Reading stopped because too much is parked.
    pub blocked: bool,
}

impl Delivery {
    /// How an event stands with the target.
    pub fn event_state(&self, seq: Seq) -> EventState {
        let Some(entry) = self.entries.get(&seq) else {
            return if seq <= self.reading.through { EventState::Done } else { EventState::Pending };
        };
        let cause = entry.cause.clone();
        match entry.phase {
            Phase::Dead => EventState::Dead { attempts: entry.attempts, cause },
            Phase::Stuck | Phase::Due { ask: Ask::Doubt, .. } | Phase::Asking(Ask::Doubt) => {
                EventState::Unknown { attempts: entry.attempts, cause }
            }
            Phase::Due { not_before, .. } if entry.home == Home::Parked => {
                EventState::Retry { attempts: entry.attempts, due_at: not_before, cause }
            }
            Phase::Arming | Phase::Sending | Phase::Asking(_) if entry.home == Home::Parked => {
                EventState::Retry { attempts: entry.attempts, due_at: entry.since, cause }
            }
            Phase::Due { .. } | Phase::Arming | Phase::Sending | Phase::Asking(_) => EventState::Pending,
        }
    }

    /// Whether an event holds the position back; the shell keeps payloads of these only.
    pub fn is_live(&self, seq: Seq) -> bool {
        self.live.contains(&seq)
    }

    /// Events that hold the position back.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Whether nothing that holds the position back can have been sent. A run that ends so and idle leaves no doubt.
    pub fn is_certain(&self) -> bool {
        let all_read = self.doubt.left == 0 || self.reading.through >= self.doubt.through;
        let unsent = |seq: &Seq| matches!(self.entries[seq].phase, Phase::Due { ask: Ask::No, .. });
        all_read && self.live.iter().all(unsent)
    }

    /// Events held in memory.
    pub fn held(&self) -> usize {
        self.entries.len()
    }

    /// The delivery in numbers. The cost grows with what is held, which is bounded.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            done_through: self.done_through(),
            read_through: self.reading.through,
            head: self.reading.head,
            oldest: None,
            calls: self.calls.len(),
            in_flight: self.calls.values().map(|call| call.seqs.len()).sum(),
            retry: 0,
            unknown: 0,
            dead: 0,
            breaker: self.breaker.state(),
            paused: self.paused,
            blocked: self.is_blocked(),
        };
        for entry in self.entries.values() {
            if entry.phase == Phase::Dead {
                summary.dead += 1;
                continue;
            }
            summary.oldest = Some(summary.oldest.map_or(entry.at, |oldest| oldest.min(entry.at)));
            match entry.phase {
                _ if entry.home == Home::Live => {}
                Phase::Stuck | Phase::Due { ask: Ask::Doubt, .. } | Phase::Asking(Ask::Doubt) => summary.unknown += 1,
                _ => summary.retry += 1,
            }
        }
        summary
    }
}
