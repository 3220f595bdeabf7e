//! How many calls may be repeated: a part of the calls of the last seconds, so that repeating never doubles the load on
//! servers that are in trouble.
//!
//! It does not know which calls may be repeated at all, or when.

use lgsp_model::Timestamp;

/// The window in seconds, one slot for each.
const SLOTS: usize = 10;

/// What bounds repeating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudgetPolicy {
    /// Repeats per call, 0 to 1.
    pub ratio: f64,
    /// Repeats in ten seconds that are allowed however few calls there are.
    pub floor: u32,
}

/// A fifth, and a few for services that are called seldom.
impl Default for RetryBudgetPolicy {
    fn default() -> Self {
        Self { ratio: 0.2, floor: 5 }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    second: i64,
    calls: u32,
    repeats: u32,
}

/// The budget of one service.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    policy: RetryBudgetPolicy,
    slots: [Slot; SLOTS],
}

impl RetryBudget {
    /// A budget that saw no calls yet.
    pub fn new(policy: RetryBudgetPolicy) -> Self {
        Self { policy, slots: [Slot { second: i64::MIN, ..Slot::default() }; SLOTS] }
    }

    /// A call came in. Repeats are not calls.
    pub fn call(&mut self, now: Timestamp) {
        let slot = self.slot(now);
        slot.calls = slot.calls.saturating_add(1);
    }

    /// Whether a call may be repeated now; if so, it is counted.
    pub fn try_repeat(&mut self, now: Timestamp) -> bool {
        let current = second(now);
        let recent = self.slots.iter().filter(|slot| slot.second > current.saturating_sub(SLOTS as i64));
        let (calls, repeats) = recent.fold((0u64, 0u64), |(calls, repeats), slot| {
            (calls + u64::from(slot.calls), repeats + u64::from(slot.repeats))
        });
        let allowed = (calls as f64 * self.policy.ratio.clamp(0.0, 1.0)) as u64 + u64::from(self.policy.floor);
        if repeats >= allowed {
            return false;
        }
        self.slot(now).repeats += 1;
        true
    }

    fn slot(&mut self, now: Timestamp) -> &mut Slot {
        let second = second(now);
        let slot = &mut self.slots[second.rem_euclid(SLOTS as i64) as usize];
        if slot.second != second {
            *slot = Slot { second, calls: 0, repeats: 0 };
        }
        slot
    }
}

fn second(now: Timestamp) -> i64 {
    now.0.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fifth_of_the_calls_and_the_floor_may_be_repeated_and_old_calls_do_not_count() {
        let mut budget = RetryBudget::new(RetryBudgetPolicy::default());
        (0..100).for_each(|_| budget.call(Timestamp(0)));
        assert_eq!((0..100).filter(|_| budget.try_repeat(Timestamp(500))).count(), 25);
        assert!(!budget.try_repeat(Timestamp(9_999)));
        assert_eq!((0..100).filter(|_| budget.try_repeat(Timestamp(10_000))).count(), 5, "only the floor is left");
    }

    #[test]
    fn without_ratio_and_floor_nothing_is_repeated() {
        let mut budget = RetryBudget::new(RetryBudgetPolicy { ratio: 0.0, floor: 0 });
        budget.call(Timestamp(0));
        assert!(!budget.try_repeat(Timestamp(0)));
    }

    proptest! {
        #[test]
        fn no_ten_seconds_have_more_repeats_than_their_calls_allow(
            steps in prop::collection::vec((0..700i64, any::<bool>()), 1..600), ratio in 0.0..1.0f64, floor in 0..8u32
        ) {
            let mut budget = RetryBudget::new(RetryBudgetPolicy { ratio, floor });
            let mut now = 0;
            let (mut calls, mut repeats) = (Vec::new(), Vec::new());
            for (step, repeat) in steps {
                now += step;
                if !repeat {
                    budget.call(Timestamp(now));
                    calls.push(now);
                } else if budget.try_repeat(Timestamp(now)) {
                    repeats.push(now);
                    let recent = |times: &[i64]| times.iter().filter(|at| now / 1000 - **at / 1000 < 10).count();
                    let allowed = recent(&calls) as f64 * ratio + f64::from(floor);
                    prop_assert!(recent(&repeats) as f64 <= allowed + 1e-6);
                }
            }
        }
    }
}
