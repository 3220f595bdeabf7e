//! A quota per day, where a day is that of Asia/Ho_Chi_Minh: UTC+7, without daylight saving.
//!
//! It keeps no state: the caller holds one number, day and use packed together, in an atomic cell and swaps it.

use std::time::Duration;

use lgsp_model::Timestamp;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What Vietnam's clocks are ahead of UTC.
const AHEAD_MILLIS: i64 = 7 * 60 * 60 * 1000;

/// So many calls per day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyQuota {
    limit: u32,
}

/// What one check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaVerdict {
    /// The call may go on, if the cell still holds what was checked: then it becomes `cell`.
    Allowed {
        /// What the cell becomes.
        cell: u64,
        /// Calls that are left of the day.
        remaining: u32,
        /// Until midnight.
        reset_after: Duration,
    },
    /// The day's calls are used up; the cell stays as it is.
    Refused {
        /// Until midnight.
        retry_after: Duration,
    },
}

impl DailyQuota {
    /// A quota of `limit` calls per day.
    pub fn new(limit: u32) -> Self {
        Self { limit }
    }

    /// Calls per day.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Judges one call; `cell` is 0 in the beginning. A clock that goes back over midnight does not open a day again.
    pub fn check(&self, cell: u64, now: Timestamp) -> QuotaVerdict {
        let (day, reset_after) = day_and_rest(now);
        let (cell_day, cell_used) = (cell >> 32, (cell & u64::from(u32::MAX)) as u32);
        let used = if cell_day >= day { cell_used } else { 0 };
        if used >= self.limit {
            return QuotaVerdict::Refused { retry_after: reset_after };
        }
        let used = used + 1;
        QuotaVerdict::Allowed {
            cell: (cell_day.max(day) << 32) | u64::from(used),
            remaining: self.limit - used,
            reset_after,
        }
    }
}

/// The number of the day, and the time until its end.
fn day_and_rest(now: Timestamp) -> (u64, Duration) {
    let local = now.0.saturating_add(AHEAD_MILLIS);
    let day = u64::from(u32::try_from(local.div_euclid(DAY_MILLIS)).unwrap_or(0));
    let rest = DAY_MILLIS - local.rem_euclid(DAY_MILLIS);
    (day, Duration::from_millis(rest.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-21T23:59:59+07:00.
    const LAST_SECOND: i64 = 1_795_280_399_000;

    #[test]
    fn a_day_ends_at_midnight_in_vietnam() {
        let quota = DailyQuota::new(2);
        let mut cell = 0;
        for left in [1, 0] {
            let QuotaVerdict::Allowed { cell: next, remaining, reset_after } =
                quota.check(cell, Timestamp(LAST_SECOND))
            else {
                panic!("{left} left")
            };
            assert_eq!((remaining, reset_after), (left, Duration::from_secs(1)));
            cell = next;
        }
        let refused = QuotaVerdict::Refused { retry_after: Duration::from_secs(1) };
        assert_eq!(quota.check(cell, Timestamp(LAST_SECOND)), refused);
        let next_day = quota.check(cell, Timestamp(LAST_SECOND + 1000));
        let whole_day = Duration::from_secs(86_400);
        let QuotaVerdict::Allowed { cell, remaining: 1, reset_after } = next_day else { panic!("{next_day:?}") };
        assert_eq!(reset_after, whole_day);
        let back = quota.check(cell, Timestamp(LAST_SECOND));
        assert!(matches!(back, QuotaVerdict::Allowed { remaining: 0, .. }), "yesterday stays closed: {back:?}");
    }

    #[test]
    fn a_quota_of_nothing_refuses_everything() {
        assert!(matches!(DailyQuota::new(0).check(0, Timestamp(0)), QuotaVerdict::Refused { .. }));
    }

    proptest! {
        #[test]
        fn no_day_has_more_calls_than_the_quota(
            limit in 0..40u32, steps in prop::collection::vec(0..7_200_000i64, 1..400)
        ) {
            let quota = DailyQuota::new(limit);
            let (mut cell, mut now) = (0, 1_700_000_000_000);
            let mut days = std::collections::BTreeMap::new();
            for step in steps {
                now += step;
                let used = days.entry((now + AHEAD_MILLIS) / DAY_MILLIS).or_insert(0u32);
                match quota.check(cell, Timestamp(now)) {
                    QuotaVerdict::Allowed { cell: next, remaining, .. } => {
                        *used += 1;
                        cell = next;
                        prop_assert_eq!(*used + remaining, limit);
                    }
                    QuotaVerdict::Refused { .. } => prop_assert_eq!(*used, limit),
                }
            }
        }
    }
}
