//! What an operator may do: pause, resume, send a parked event again, drop it, replay a range.
//!
//! Who did it and why is recorded by the shell, in the same commit as the change that follows.

use std::fmt;

use lgsp_model::{Seq, Timestamp};

use super::entry::{Ask, Home, Phase};
use super::exchange::Action;
use super::intake::Replay;
use super::machine::Delivery;

/// An operator's act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send nothing new.
    Pause,
    /// Go on.
    Resume,
    /// Try a parked event again at once, with its attempts counted anew. Where repeats harm the target is asked
    /// first; when it cannot tell, it is sent: the person has looked.
    Retry(Seq),
    /// Give a parked event up for this target. It stays in the log.
    Drop(Seq),
    /// Deliver what the target has taken once more. One at a time. What has not been read of the range is
    /// forgotten when the program stops.
    Replay {
        /// The first event.
        from: Seq,
        /// The last event.
        to: Seq,
    },
}

/// Why an act was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActRefused {
    /// The event is not parked.
    NotParked,
    /// The event is being sent or asked about at this moment, or a restart has not come to it yet.
    InFlight,
    /// Another replay runs.
    ReplayRunning,
    /// The range is empty or reaches beyond what was delivered.
    BadRange,
}

impl fmt::Display for ActRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotParked => "the event is not parked for this target",
            Self::InFlight => "the event is on its way at this moment; look again in some seconds",
            Self::ReplayRunning => "another replay of this target is running",
            Self::BadRange => "the range is empty or reaches beyond what was delivered",
        })
    }
}

impl std::error::Error for ActRefused {}

impl Delivery {
    /// Does an operator's act.
    pub fn act(&mut self, now: Timestamp, act: Act) -> Result<Vec<Action>, ActRefused> {
        match act {
            Act::Pause => self.pause(),
            Act::Resume => {
                self.paused = false;
                self.recording.paused_changed = true;
            }
            Act::Retry(seq) => self.retry(now, seq)?,
            Act::Drop(seq) => self.give_up(now, seq)?,
            Act::Replay { from, to } => self.begin_replay(from, to)?,
        }
        Ok(self.pump(now))
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
        self.recording.paused_changed = true;
    }

    fn parked_phase(&self, seq: Seq) -> Result<Phase, ActRefused> {
        let entry = self.entries.get(&seq).filter(|entry| entry.home == Home::Parked).ok_or(ActRefused::NotParked)?;
        if entry.in_flight() { Err(ActRefused::InFlight) } else { Ok(entry.phase) }
    }

    fn retry(&mut self, now: Timestamp, seq: Seq) -> Result<(), ActRefused> {
        let phase = self.parked_phase(seq)?;
        let entry = self.entries.get_mut(&seq).expect("looked up above");
        self.queues.remove(seq, entry);
        let asks = self.policy.asks(entry.kind);
        let ask = match phase {
            Phase::Stuck | Phase::Dead | Phase::Due { ask: Ask::Doubt, .. } if asks => Ask::Check,
            Phase::Due { ask, .. } => ask,
            Phase::Stuck | Phase::Dead => Ask::No,
            Phase::Arming | Phase::Sending | Phase::Asking(_) => return Ok(()),
        };
        // What may have taken effect once stays so on disk until the target has said otherwise.
        entry.intent |= ask == Ask::Check;
        entry.attempts = 0;
        entry.asks = 0;
        entry.phase = Phase::Due { not_before: now, ask };
        self.recording.dirty.insert(seq);
        self.schedule(now, seq);
        Ok(())
    }

    fn give_up(&mut self, now: Timestamp, seq: Seq) -> Result<(), ActRefused> {
        self.parked_phase(seq)?;
        if seq > self.reading.through {
            return Err(ActRefused::InFlight);
        }
        // After a crash everything beyond the position is read again, a dropped event too: so the position must pass.
        let before: Vec<Seq> = self.live.range(..seq).copied().collect();
        for earlier in before {
            if self.entries[&earlier].home == Home::Live {
                self.park_line(now, earlier);
            }
        }
        self.release(now, seq);
        Ok(())
    }

    fn begin_replay(&mut self, from: Seq, to: Seq) -> Result<(), ActRefused> {
        if self.replay.is_some() {
            return Err(ActRefused::ReplayRunning);
        }
        if from.0 == 0 || from > to || to > self.reading.through {
            return Err(ActRefused::BadRange);
        }
        self.replay = Some(Replay { after: Seq(from.0 - 1), to, outstanding: false });
        Ok(())
    }
}
