//! The pause between attempts: doubles from a first one up to a longest one, spread by jitter.
//!
//! It counts nothing and remembers nothing.

use std::time::Duration;

/// Doublings beyond this many change nothing that a `Duration` could hold in milliseconds.
const MOST_DOUBLINGS: u32 = 32;

/// An exponential pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// No pause is longer.
    pub max: Duration,
    /// The part of a pause, 0 to 1, that chance may take away, so that targets that failed together do not come back
    /// together.
    pub spread: f64,
}

impl Backoff {
    /// The pause after failure number `failures` (1 is the first), in milliseconds: the doubled pause less the part of
    /// its spread that `jitter` (0 to 1) says.
    pub fn delay_millis(&self, failures: u32, jitter: f64) -> i64 {
        let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
        let whole = self.first.as_millis().saturating_mul(1 << doublings).min(self.max.as_millis());
        let whole = i64::try_from(whole).unwrap_or(i64::MAX);
        let taken = (whole as f64 * self.spread.clamp(0.0, 1.0) * jitter.clamp(0.0, 1.0)) as i64;
        whole - taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(5), max: Duration::from_secs(1800), spread: 0.5 };

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (failures, seconds) in [(0, 5), (1, 5), (2, 10), (3, 20), (9, 1280), (10, 1800), (u32::MAX, 1800)] {
            assert_eq!(BACKOFF.delay_millis(failures, 0.0), seconds * 1000, "after {failures}");
        }
    }

    proptest! {
        #[test]
        fn chance_takes_at_most_the_spread_and_never_more_than_the_longest(failures in any::<u32>(), jitter in 0.0..1.0f64) {
            let whole = BACKOFF.delay_millis(failures, 0.0);
            let delay = BACKOFF.delay_millis(failures, jitter);
            prop_assert!(delay >= whole / 2 && delay <= whole && delay <= 1_800_000);
        }
    }
}
