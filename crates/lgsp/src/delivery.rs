//! Running the delivery to a target: one task that feeds the machine of `lgsp-core` and does what it says.
//!
//! It decides nothing about order, retries or parking, and speaks no partner's protocol.

mod calls;
mod chance;
mod meter;
mod restore;
mod runner;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lgsp_connect::{Clock, Connector};
use lgsp_core::delivery::{Act, ActRefused, EventState, KindPolicies, KindPolicy, Policy, Repeat, Summary};
use lgsp_core::{Backoff, BreakerPolicy, BreakerState};
use lgsp_model::{Cause, ErrorCode, Seq, TargetId, Timestamp};
use lgsp_store::{AuditEntry, DurableStore, ReadFilter, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use runner::Runner;

/// Commands that may wait for a target's task. Operators and look-ups send them; more than this is a flood.
const WAITING_COMMANDS: usize = 256;

/// A moving position is recorded this often: what lies between is asked about after a crash.
pub(crate) const SAVE_EVERY: Duration = Duration::from_millis(100);

/// When an act that found the target's task busy may be tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Everything that a target's delivery is run with.
pub(crate) struct Setup {
    /// The target's name.
    pub(crate) id: TargetId,
    /// Where the log and the target's state are.
    pub(crate) store: Arc<dyn DurableStore>,
    /// What speaks the target's protocol.
    pub(crate) connector: Arc<dyn Connector>,
    /// What goes there: kinds and agencies.
    pub(crate) filter: ReadFilter,
    /// Where a target that the store has never seen begins.
    pub(crate) begin: Begin,
    /// Whether an earlier run in this process ended with nothing in flight.
    pub(crate) after_clean_stop: bool,
    /// The bounds; see [`policy`].
    pub(crate) policy: Policy,
    /// The steady clock.
    pub(crate) clock: Clock,
    /// The feed's cursor behind an event.
    pub(crate) cursor: fn(Seq) -> String,
    /// Told about every call.
    pub(crate) meter: Arc<dyn DeliveryMeter>,
}

/// Where a new target begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With the first event of the log.
    Beginning,
    /// With the next event that comes.
    Now,
}

/// Told about deliveries, for metrics.
pub(crate) trait DeliveryMeter: Send + Sync {
    /// A call to a target ended. `outcomes` counts its events as settled, refused, deferred and unknown.
    fn call_ended(&self, target: &TargetId, outcomes: OutcomeCounts, took: Duration);
    /// A target has an event that was accepted so long ago.
    fn delivered(&self, target: &TargetId, after: Duration);
}

/// Events of one call by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutcomeCounts {
    /// Taken.
    pub(crate) settled: u64,
    /// Looked at and refused.
    pub(crate) refused: u64,
    /// Certainly not taken.
    pub(crate) deferred: u64,
    /// Nobody knows.
    pub(crate) unknown: u64,
}

/// What a target said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastWords {
    /// When it last took something.
    pub(crate) success: Option<Timestamp>,
    /// When and why it last did not.
    pub(crate) failure: Option<(Timestamp, Cause)>,
}

/// Why an operator's act was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ActError {
    /// The state does not allow it.
    Refused(ActRefused),
    /// The target's task has ended or is overrun.
    NotRunning,
    /// It was done, but its audit entry could not be stored.
    Store(StoreError),
}

impl fmt::Display for ActError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => why.fmt(f),
            Self::NotRunning => f.write_str("the target is not running, or it has too much to do"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ActError {}

impl From<ActError> for Failure {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Refused(why) => Self::new(ErrorCode::Conflict, why.to_string()),
            ActError::NotRunning => Self::retry(ErrorCode::Overloaded, error.to_string(), TRY_AGAIN),
            ActError::Store(error) => error.into(),
        }
    }
}

/// The bounds of a target's delivery as they are configured. What its connector says of kinds is filled in at start.
pub(crate) fn policy(flow: &lgsp_config::Flow, retry: &lgsp_config::Retry, breaker: &lgsp_config::Breaker) -> Policy {
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let kind = KindPolicy { batch_events: 1, batch_bytes: usize::MAX, repeat: Repeat::AskAlways };
    Policy {
        attempts: retry.attempts,
        backoff: Backoff { first: retry.first, max: retry.max, spread: retry.jitter },
        breaker: BreakerPolicy {
            consecutive: breaker.failures,
            open: Backoff { first: breaker.open, max: breaker.open_max, spread: retry.jitter },
        },
        concurrency: count(flow.concurrency),
        window: count(flow.window),
        window_bytes: flow.window_bytes.as_usize(),
        max_parked: count(flow.max_parked),
        save_every: SAVE_EVERY,
        kinds: KindPolicies::all(kind),
    }
}

/// How a target's task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Every call has ended, its outcome is recorded, and no event beyond the position was ever sent.
    Clean,
    /// What lies beyond the position may have been sent.
    Doubtful,
}

enum Command {
    Act { act: Act, audit: Box<AuditEntry>, reply: oneshot::Sender<Result<(), ActError>> },
    EventState { seq: Seq, reply: oneshot::Sender<EventState> },
    Stop,
}

/// What others see of a running target.
#[derive(Debug)]
struct Shown {
    summary: Summary,
    words: LastWords,
}

/// A target's running delivery. Dropping it does not stop it; [`TargetHandle::stop`] does.
pub(crate) struct TargetHandle {
    commands: mpsc::Sender<Command>,
    shown: Arc<Mutex<Shown>>,
    task: Mutex<Option<JoinHandle<Ended>>>,
}

impl TargetHandle {
    /// Starts a target's delivery.
    pub(crate) fn start(setup: Setup) -> Self {
        let (commands, received) = mpsc::channel(WAITING_COMMANDS);
        let shown = Arc::new(Mutex::new(Shown { summary: NOTHING_YET, words: LastWords::default() }));
        let task = tokio::spawn(Runner::run(setup, received, Arc::clone(&shown)));
        Self { commands, shown, task: Mutex::new(Some(task)) }
    }

    /// The delivery in numbers, at most some 50 ms old.
    pub(crate) fn status(&self) -> Summary {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).summary
    }

    /// What the target said last.
    pub(crate) fn last_words(&self) -> LastWords {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).words.clone()
    }

    /// How an event stands at this moment; `None` when the target is not running.
    pub(crate) async fn event_state(&self, seq: Seq) -> Option<EventState> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::EventState { seq, reply }).ok()?;
        answer.await.ok()
    }

    /// Does an operator's act; returns when it is on disk together with its audit entry.
    pub(crate) async fn act(&self, act: Act, audit: AuditEntry) -> Result<(), ActError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Act { act, audit: Box::new(audit), reply };
        self.commands.try_send(command).map_err(|_| ActError::NotRunning)?;
        answer.await.unwrap_or(Err(ActError::NotRunning))
    }

    /// Sends nothing new, waits for what is in flight until `deadline` has passed, and records the position. Returns
    /// whether it ended by itself and with nothing in doubt.
    pub(crate) async fn stop(&self, deadline: Duration) -> bool {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return false };
        // A full queue of commands means that the task is busy: the deadline covers that too.
        let stopped = async {
            let _ = self.commands.send(Command::Stop).await;
            (&mut task).await
        };
        match tokio::time::timeout(deadline, stopped).await {
            Ok(ended) => matches!(ended, Ok(Ended::Clean)),
            Err(_) => {
                task.abort();
                false
            }
        }
    }
}

/// What is shown before the target's state was read.
const NOTHING_YET: Summary = Summary {
    done_through: Seq(0),
    read_through: Seq(0),
    head: Seq(0),
    oldest: None,
    calls: 0,
    in_flight: 0,
    retry: 0,
    unknown: 0,
    dead: 0,
    breaker: BreakerState::Closed,
    paused: false,
    blocked: false,
};
