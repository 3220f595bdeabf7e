//! A circuit breaker: stops calling a target that does not answer, and finds out with single probes when it does.
//!
//! It judges whole calls, not events, and knows nothing of what was in them.

use lgsp_model::Timestamp;

use crate::Backoff;

/// The ratio rule looks at this many calls.
const HISTORY: u32 = 20;

/// Failures among the last [`HISTORY`] calls that open the breaker even when successes lie between them.
const HISTORY_FAILURES: u32 = 12;

/// When to open and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub consecutive: u32,
    /// How long it stays open: longer after each failed probe.
    pub open: Backoff,
}

/// What an operator and a metric see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go out.
    Closed,
    /// One probe is out or may go out.
    HalfOpen,
    /// Nothing goes out.
    Open,
}

/// Whether a call may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Any call.
    Free,
    /// One call, as a probe.
    Probe,
    /// None before this time.
    NotBefore(Timestamp),
    /// None until the running probe has answered.
    ProbeRunning,
}

/// What a call was started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// An ordinary call.
    Ordinary,
    /// The single call of a half-open breaker.
    Probe,
}

#[derive(Clone, Copy, Debug)]
enum Inner {
    Closed { in_a_row: u32, failed: u32, calls: u32 },
    Open { until: Timestamp, times: u32 },
    Probing { times: u32 },
}

const FRESH: Inner = Inner::Closed { in_a_row: 0, failed: 0, calls: 0 };

/// The breaker of one target.
#[derive(Clone, Debug)]
pub struct Breaker {
    policy: BreakerPolicy,
    inner: Inner,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(policy: BreakerPolicy) -> Self {
        Self { policy, inner: FRESH }
    }

    /// Whether a call may start now.
    pub fn permit(&self, now: Timestamp) -> Permit {
        match self.inner {
            Inner::Closed { .. } => Permit::Free,
            Inner::Open { until, .. } if until > now => Permit::NotBefore(until),
            Inner::Open { .. } => Permit::Probe,
            Inner::Probing { .. } => Permit::ProbeRunning,
        }
    }

    /// Takes the permit for a probe.
    pub fn probe_started(&mut self) {
        if let Inner::Open { times, .. } = self.inner {
            self.inner = Inner::Probing { times };
        }
    }

    /// The probe ended without telling anything, for example because its caller went away: another one may start.
    pub fn probe_abandoned(&mut self) {
        if let Inner::Probing { times } = self.inner {
            self.inner = Inner::Open { until: Timestamp(i64::MIN), times };
        }
    }

    /// A call was answered: the target is alive, whatever it said.
    pub fn success(&mut self, kind: CallKind) {
        match (&mut self.inner, kind) {
            (Inner::Closed { in_a_row, failed, calls }, _) => {
                *in_a_row = 0;
                *failed <<= 1;
                *calls = (*calls + 1).min(HISTORY);
            }
            (Inner::Probing { .. }, CallKind::Probe) => self.inner = FRESH,
            (Inner::Probing { .. } | Inner::Open { .. }, _) => {}
        }
    }

    /// A call got no answer, or one that says that the target takes nothing now.
    pub fn failure(&mut self, kind: CallKind, now: Timestamp, jitter: f64) {
        match (&mut self.inner, kind) {
            (Inner::Closed { in_a_row, failed, calls }, _) => {
                *in_a_row += 1;
                *failed = (*failed << 1) | 1;
                *calls = (*calls + 1).min(HISTORY);
                let recent = (*failed & ((1 << HISTORY) - 1)).count_ones();
                let too_many = *calls == HISTORY && recent >= HISTORY_FAILURES;
                if *in_a_row >= self.policy.consecutive || too_many {
                    self.open(1, now, jitter);
                }
            }
            (Inner::Probing { times }, CallKind::Probe) => {
                let times = *times + 1;
                self.open(times, now, jitter);
            }
            (Inner::Probing { .. } | Inner::Open { .. }, _) => {}
        }
    }

    /// What to show.
    pub fn state(&self) -> BreakerState {
        match self.inner {
            Inner::Closed { .. } => BreakerState::Closed,
            Inner::Open { .. } => BreakerState::Open,
            Inner::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    fn open(&mut self, times: u32, now: Timestamp, jitter: f64) {
        let until = now.plus_millis(self.policy.open.delay_millis(times, jitter));
        self.inner = Inner::Open { until, times };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const POLICY: BreakerPolicy = BreakerPolicy {
        consecutive: 3,
        open: Backoff { first: Duration::from_secs(1), max: Duration::from_secs(4), spread: 0.5 },
    };

    fn fail(breaker: &mut Breaker, times: u32, now: i64) {
        for _ in 0..times {
            breaker.failure(CallKind::Ordinary, Timestamp(now), 0.0);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_starts_the_count_again() {
        let mut breaker = Breaker::new(POLICY);
        fail(&mut breaker, 2, 0);
        breaker.success(CallKind::Ordinary);
        fail(&mut breaker, 2, 0);
        assert_eq!(breaker.permit(Timestamp(0)), Permit::Free);
        fail(&mut breaker, 1, 0);
        assert_eq!(breaker.permit(Timestamp(999)), Permit::NotBefore(Timestamp(1000)));
    }

    #[test]
    fn a_target_that_fails_more_than_half_of_the_time_opens_it() {
        let mut breaker = Breaker::new(POLICY);
        for _ in 0..20 {
            fail(&mut breaker, 2, 0);
            breaker.success(CallKind::Ordinary);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn one_probe_at_a_time_decides_and_each_failed_one_waits_longer() {
        let mut breaker = Breaker::new(POLICY);
        fail(&mut breaker, 3, 0);
        let mut now = 1000;
        for wait in [2000, 4000, 4000] {
            assert_eq!(breaker.permit(Timestamp(now)), Permit::Probe);
            breaker.probe_started();
            assert_eq!(breaker.permit(Timestamp(now)), Permit::ProbeRunning);
            breaker.success(CallKind::Ordinary);
            assert_eq!(breaker.state(), BreakerState::HalfOpen, "a straggler does not close it");
            breaker.failure(CallKind::Probe, Timestamp(now), 0.0);
            assert_eq!(breaker.permit(Timestamp(now)), Permit::NotBefore(Timestamp(now + wait)));
            now += wait;
        }
        breaker.probe_started();
        breaker.success(CallKind::Probe);
        assert_eq!(breaker.permit(Timestamp(now)), Permit::Free);
    }

    #[test]
    fn a_probe_that_told_nothing_makes_room_for_another_one() {
        let mut breaker = Breaker::new(POLICY);
        fail(&mut breaker, 3, 0);
        breaker.probe_abandoned();
        assert_eq!(breaker.permit(Timestamp(0)), Permit::NotBefore(Timestamp(1000)), "no probe was out");
        breaker.probe_started();
        breaker.probe_abandoned();
        assert_eq!(breaker.permit(Timestamp(1000)), Permit::Probe);
    }

    #[test]
    fn stragglers_of_the_time_before_do_not_prolong_it() {
        let mut breaker = Breaker::new(POLICY);
        fail(&mut breaker, 3, 0);
        fail(&mut breaker, 5, 900);
        assert_eq!(breaker.permit(Timestamp(1000)), Permit::Probe);
    }
}
