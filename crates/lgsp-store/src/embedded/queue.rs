//! What waits for the writer: bounded, first in first out, handed over in groups.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use lgsp_model::{PaymentId, Seq, TargetId, Timestamp};

use super::payments::PreparedChange;
use super::registry;
use super::row::{Carried, Prepared};
use crate::{Appended, AuditEntry, HeldDecision, PaymentChanged, RegistryChange, StoreError, TargetChange};

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Events in one commit: enough to make an fsync cheap for each, few enough that nobody waits long for his.
const GROUP_EVENTS: usize = 4_096;
/// Bytes in one commit, 4 MiB.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
/// What a call without events counts for.
pub(super) const CALL_BYTES: usize = 1_024;

/// A call that changes the store.
pub(super) enum Job {
    Append {
        events: Vec<Prepared>,
        reply: Reply<Vec<Appended>>,
    },
    Target {
        target: TargetId,
        change: TargetChange,
        reply: Reply<()>,
    },
    Decide {
        seq: Seq,
        decision: HeldDecision,
        audit: AuditEntry,
        reply: Reply<Option<Seq>>,
    },
    Reply {
        to: Seq,
        carried: Carried,
        reply: Reply<Seq>,
    },
    Audit {
        entry: AuditEntry,
        reply: Reply<Seq>,
    },
    Registry {
        change: Box<RegistryChange>,
        reply: Reply<Seq>,
    },
    Payment {
        change: Box<PreparedChange>,
        reply: Reply<PaymentChanged>,
    },
    Postpone {
        id: PaymentId,
        after: Seq,
        due: Option<Timestamp>,
        reply: Reply<bool>,
    },
    CleanStop {
        targets: Vec<TargetId>,
        reply: Reply<()>,
    },
    #[cfg(test)]
    LimitPages {
        pages: u32,
        reply: Reply<()>,
    },
}

impl Job {
    pub(super) fn events(&self) -> usize {
        match self {
            Self::Append { events, .. } => events.len(),
            Self::Payment { change, .. } => change.events(),
            _ => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Append { events, .. } => events.iter().map(Prepared::weight).sum(),
            Self::Registry { change, .. } => registry::weight(change),
            Self::Payment { change, .. } => change.weight(),
            Self::Reply { carried, .. } => CALL_BYTES + carried.payload.bytes.len(),
            _ => CALL_BYTES,
        }
    }

    /// Tells the caller that nothing was stored.
    pub(super) fn fail(self, error: StoreError) {
        match self {
            Self::Append { reply, .. } => drop(reply.send(Err(error))),
            Self::Target { reply, .. } => drop(reply.send(Err(error))),
            Self::Decide { reply, .. } => drop(reply.send(Err(error))),
            Self::Reply { reply, .. } | Self::Audit { reply, .. } | Self::Registry { reply, .. } => {
                drop(reply.send(Err(error)));
            }
            Self::Payment { reply, .. } => drop(reply.send(Err(error))),
            Self::Postpone { reply, .. } => drop(reply.send(Err(error))),
            Self::CleanStop { reply, .. } => drop(reply.send(Err(error))),
            #[cfg(test)]
            Self::LimitPages { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

/// Why [`Queue::take`] returned.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// With jobs.
    Jobs,
    /// Nothing came in time.
    Nothing,
    /// Nothing waits and nothing will come.
    Closed,
}

/// The bounded queue.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    most_events: usize,
    most_bytes: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<(Job, usize)>,
    events: usize,
    bytes: usize,
    closed: bool,
    writer_sleeps: bool,
}

impl Queue {
    pub(super) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self { waiting: Mutex::default(), arrived: Condvar::new(), most_events, most_bytes }
    }

    /// Whether so many more events would be refused now.
    pub(super) fn is_full_for(&self, events: usize) -> bool {
        let waiting = self.lock();
        waiting.events > 0 && waiting.events + events > self.most_events
    }

    /// Adds a call, or refuses it. A call larger than the bounds is taken only when nothing else waits.
    pub(super) fn push(&self, job: Job) -> Result<(), StoreError> {
        let (events, bytes) = (job.events(), job.bytes());
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Unavailable("the store is closing".into()));
        }
        let over = waiting.events + events > self.most_events || waiting.bytes + bytes > self.most_bytes;
        if over && !waiting.jobs.is_empty() {
            return Err(StoreError::Busy);
        }
        waiting.events += events;
        waiting.bytes += bytes;
        waiting.jobs.push_back((job, bytes));
        if waiting.writer_sleeps {
            waiting.writer_sleeps = false;
            drop(waiting);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Moves the next group into `group`; waits at most `patience` for one.
    pub(super) fn take(&self, patience: Duration, group: &mut Vec<Job>) -> Taken {
        let mut waiting = self.lock();
        if waiting.jobs.is_empty() && !waiting.closed {
            waiting.writer_sleeps = true;
            let asleep = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.closed;
            let woken = self.arrived.wait_timeout_while(waiting, patience, asleep);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
            waiting.writer_sleeps = false;
        }
        let (mut events, mut bytes) = (0, 0);
        while let Some((job, size)) = waiting.jobs.front() {
            events += job.events();
            bytes += size;
            if !group.is_empty() && (events > GROUP_EVENTS || bytes > GROUP_BYTES) {
                break;
            }
            let (job, size) = waiting.jobs.pop_front().expect("just seen");
            waiting.events -= job.events();
            waiting.bytes -= size;
            group.push(job);
        }
        match (group.is_empty(), waiting.closed) {
            (false, _) => Taken::Jobs,
            (true, false) => Taken::Nothing,
            (true, true) => Taken::Closed,
        }
    }

    /// Refuses further calls; the writer ends after what waits.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
