//! Whether a call may start, and what its end means for the breaker, the servers and the counts.
//!
//! It sends nothing.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lgsp_core::{Breaker, CallKind, Candidate, Outliers, Permit, Probed, RetryBudget, Standing, pick};
use lgsp_model::Timestamp;

use super::Upstream;
use super::failure::{CallFailure, FailureKind, Sent};

/// What a refused caller is told to wait while the single probe of a half-open breaker is out.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// What of an upstream only one thread may touch at a time. Never held across an await.
pub(super) struct Verdicts {
    pub breaker: Breaker,
    pub budget: RetryBudget,
    pub outliers: Outliers,
    pub repeats: u64,
}

/// A call that may run: counts it until it is dropped.
pub(super) struct Ticket {
    upstream: Arc<Upstream>,
    kind: CallKind,
    judged: bool,
    server: Option<usize>,
}

impl Ticket {
    pub(super) fn take(upstream: &Arc<Upstream>) -> Result<Self, CallFailure> {
        let refuse = |kind, detail: &'static str, retry_after| {
            let detail = Cow::Borrowed(detail);
            CallFailure { kind, sent: Sent::No, detail, retry_after }
        };
        if upstream.in_flight.fetch_add(1, Ordering::Relaxed) >= upstream.settings.concurrency {
            upstream.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(refuse(FailureKind::Full, "as many calls as allowed are running", None));
        }
        // From here on its end takes the count back.
        let mut ticket = Self { upstream: Arc::clone(upstream), kind: CallKind::Ordinary, judged: true, server: None };
        let now = upstream.now();
        let mut verdicts = upstream.verdicts();
        let wait = match verdicts.breaker.permit(now) {
            Permit::Free => None,
            Permit::Probe => {
                verdicts.breaker.probe_started();
                ticket.kind = CallKind::Probe;
                None
            }
            Permit::NotBefore(at) => Some(Duration::from_millis(u64::try_from(at.0 - now.0).unwrap_or(0))),
            Permit::ProbeRunning => Some(PROBE_PAUSE),
        };
        if wait.is_some() {
            drop(verdicts);
            return Err(refuse(FailureKind::Refused, "the breaker is open: recent calls failed", wait));
        }
        verdicts.budget.call(now);
        upstream.readmit(&mut verdicts, now);
        ticket.judged = false;
        Ok(ticket)
    }

    /// A server for the next try; `tried` has a bit for each that this call was at.
    pub(super) fn pick(&self, tried: u64) -> usize {
        let upstream = &*self.upstream;
        if upstream.servers.len() == 1 {
            return 0;
        }
        let ejected = upstream.ejected.load(Ordering::Relaxed);
        let candidates = upstream.servers.iter().enumerate().map(|(index, server)| Candidate {
            in_flight: server.in_flight.load(Ordering::Relaxed),
            weight: server.weight,
            standing: match (ejected & (1 << index), tried & (1 << index)) {
                (0, 0) => Standing::Good,
                (0, _) => Standing::Tried,
                _ => Standing::Ejected,
            },
        });
        pick(candidates, [upstream.random(), upstream.random()]).expect("an upstream has a server")
    }

    /// The call goes to this server now.
    pub(super) fn move_to(&mut self, index: usize) {
        self.leave();
        let server = &self.upstream.servers[index];
        server.in_flight.fetch_add(1, Ordering::Relaxed);
        server.calls.fetch_add(1, Ordering::Relaxed);
        self.server = Some(index);
    }

    fn leave(&mut self) {
        if let Some(index) = self.server.take() {
            self.upstream.servers[index].in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A try at the chosen server failed.
    pub(super) fn server_failed(&self) {
        let Some(index) = self.server else { return };
        self.upstream.servers[index].failures.fetch_add(1, Ordering::Relaxed);
        let (now, jitter) = (self.upstream.now(), self.upstream.jitter());
        let mut verdicts = self.upstream.verdicts();
        verdicts.outliers.failure(index, now, jitter);
        self.upstream.note(&verdicts);
    }

    /// The call has an answer.
    pub(super) fn succeeded(&mut self) {
        self.judged = true;
        let mut verdicts = self.upstream.verdicts();
        verdicts.breaker.success(self.kind);
        if let Some(index) = self.server
            && !self.upstream.quiet.load(Ordering::Relaxed)
        {
            verdicts.outliers.success(index);
            self.upstream.note(&verdicts);
        }
    }

    /// The call has none, or one that says that the service is not there.
    pub(super) fn failed(&mut self) {
        self.judged = true;
        let (now, jitter) = (self.upstream.now(), self.upstream.jitter());
        self.upstream.verdicts().breaker.failure(self.kind, now, jitter);
    }

    /// Whether the budget has a repeat left.
    pub(super) fn may_repeat(&self) -> bool {
        let now = self.upstream.now();
        self.upstream.verdicts().budget.try_repeat(now)
    }

    /// A repeat starts.
    pub(super) fn repeated(&self) {
        self.upstream.verdicts().repeats += 1;
    }

    pub(super) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Where the call is; the first server before it went anywhere.
    pub(super) fn server(&self) -> usize {
        self.server.unwrap_or(0)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.leave();
        self.upstream.in_flight.fetch_sub(1, Ordering::Relaxed);
        // Its caller went away: nothing is known.
        if !self.judged && self.kind == CallKind::Probe {
            self.upstream.verdicts().breaker.probe_abandoned();
        }
    }
}

impl Upstream {
    /// What an active probe of a server found.
    pub(super) fn probed(&self, index: usize, probed: Probed) {
        let (now, jitter) = (self.now(), self.jitter());
        let mut verdicts = self.verdicts();
        verdicts.outliers.probed(index, probed, now, jitter);
        self.note(&verdicts);
    }

    fn readmit(&self, verdicts: &mut Verdicts, now: Timestamp) {
        if self.ejected.load(Ordering::Relaxed) != 0 {
            verdicts.outliers.readmit(now);
            self.note(verdicts);
        }
    }

    /// Copies what busy paths read without the lock.
    fn note(&self, verdicts: &Verdicts) {
        let ejected = (0..self.servers.len()).filter(|index| verdicts.outliers.is_ejected(*index));
        self.ejected.store(ejected.fold(0, |mask, index| mask | (1 << index)), Ordering::Relaxed);
        self.quiet.store(verdicts.outliers.is_quiet(), Ordering::Relaxed);
    }
}
