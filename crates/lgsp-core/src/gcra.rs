//! A rate limit by the generic cell rate algorithm: one number per caller, the theoretical arrival time, says it all.
//!
//! It keeps no state: the caller holds the number in an atomic cell and swaps it. It knows no callers and no headers.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many calls per period, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    interval_ns: u64,
    tolerance_ns: u64,
    burst: u32,
}

/// What one check says. Times are what the `RateLimit` headers need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call may go on, if the cell still holds what was checked: then it becomes `tat`.
    Allowed {
        /// The new theoretical arrival time, in nanoseconds.
        tat: u64,
        /// Calls that may follow at once.
        remaining: u32,
        /// Until the whole burst is there again.
        reset_after: Duration,
    },
    /// The call may not go on; the cell stays as it is.
    Refused {
        /// Until one call may go on.
        retry_after: Duration,
        /// Until the whole burst is there again.
        reset_after: Duration,
    },
}

impl Gcra {
    /// `calls` per `period` in the long run, at most `burst` at once. A rate beyond one call per nanosecond counts as
    /// that.
    pub fn new(calls: NonZeroU32, period: Duration, burst: NonZeroU32) -> Self {
        let period_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        let interval_ns = (period_ns / u64::from(calls.get())).max(1);
        let tolerance_ns = interval_ns.saturating_mul(u64::from(burst.get()));
        Self { interval_ns, tolerance_ns, burst: burst.get() }
    }

    /// The most calls at once.
    pub fn limit(&self) -> u32 {
        self.burst
    }

    /// How long a caller that used its whole burst waits until it is there again: the window of `RateLimit-Policy`.
    pub fn window(&self) -> Duration {
        Duration::from_nanos(self.tolerance_ns)
    }

    /// Judges one call. `tat` is what the cell holds (0 in the beginning), `now_ns` counts from any fixed start; a
    /// clock that goes back only makes the limit stricter.
    pub fn check(&self, tat: u64, now_ns: u64) -> Verdict {
        let next = tat.max(now_ns).saturating_add(self.interval_ns);
        let latest = now_ns.saturating_add(self.tolerance_ns);
        if next > latest {
            return Verdict::Refused {
                retry_after: Duration::from_nanos(next - latest),
                reset_after: Duration::from_nanos(tat.saturating_sub(now_ns)),
            };
        }
        let remaining = (latest - next) / self.interval_ns;
        Verdict::Allowed {
            tat: next,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX).min(self.burst.saturating_sub(1)),
            reset_after: Duration::from_nanos(next - now_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit(calls: u32, burst: u32) -> Gcra {
        Gcra::new(NonZeroU32::new(calls).unwrap(), Duration::from_secs(1), NonZeroU32::new(burst).unwrap())
    }

    fn nanos(duration: Duration) -> u64 {
        u64::try_from(duration.as_nanos()).unwrap()
    }

    #[test]
    fn a_burst_passes_the_next_call_waits_and_time_brings_it_back() {
        let gcra = limit(10, 3);
        let mut tat = 0;
        for left in [2, 1, 0] {
            let Verdict::Allowed { tat: next, remaining, .. } = gcra.check(tat, 0) else { panic!("{left} left") };
            assert_eq!(remaining, left);
            tat = next;
        }
        let (tenth, whole) = (Duration::from_millis(100), Duration::from_millis(300));
        assert_eq!(gcra.check(tat, 0), Verdict::Refused { retry_after: tenth, reset_after: whole });
        assert!(matches!(gcra.check(tat, 100_000_000), Verdict::Allowed { remaining: 0, .. }));
        assert!(matches!(gcra.check(tat, 300_000_000), Verdict::Allowed { remaining: 2, .. }));
        assert_eq!((gcra.limit(), gcra.window()), (3, whole));
    }

    proptest! {
        #[test]
        fn no_run_of_calls_beats_the_rate_and_waiting_as_told_is_enough(
            calls in 1..1000u32, burst in 1..50u32, steps in prop::collection::vec(0..50_000_000u64, 1..300)
        ) {
            let gcra = limit(calls, burst);
            let (mut tat, mut now, mut passed) = (0, 0, 0u64);
            for step in steps {
                now += step;
                match gcra.check(tat, now) {
                    Verdict::Allowed { tat: next, remaining, .. } => {
                        passed += 1;
                        tat = next;
                        let mut more = 0;
                        let mut ahead = tat;
                        while let Verdict::Allowed { tat: next, .. } = gcra.check(ahead, now) {
                            ahead = next;
                            more += 1;
                        }
                        prop_assert_eq!(more, remaining);
                    }
                    Verdict::Refused { retry_after, .. } => {
                        let then = now + nanos(retry_after);
                        prop_assert!(
                            matches!(gcra.check(tat, then), Verdict::Allowed { .. }), "it may call when it was told to"
                        );
                        prop_assert!(matches!(gcra.check(tat, then - 1), Verdict::Refused { .. }), "but not before");
                    }
                }
                let most = u64::from(burst) + now / (1_000_000_000 / u64::from(calls));
                prop_assert!(passed <= most, "{} passed, {} may", passed, most);
            }
        }

        #[test]
        fn no_numbers_make_it_panic(calls in 1..u32::MAX, burst in 1..u32::MAX, tat in any::<u64>(), now in any::<u64>()) {
            let _ = limit(calls, burst).check(tat, now);
        }
    }
}
