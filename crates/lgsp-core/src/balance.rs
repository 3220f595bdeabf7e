//! Which endpoint takes a call: the less busy of two that chance drew, in proportion to their weights.
//!
//! It counts no calls and draws no random number. Whether an endpoint is ejected, others decide (`outlier.rs`).

/// How good a choice an endpoint is, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It takes calls.
    Good,
    /// It takes calls, but this very call was there already.
    Tried,
    /// It was ejected.
    Ejected,
}

/// One endpoint as the choice sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Calls that it has now.
    pub in_flight: u32,
    /// Its share of the calls relative to others; 0 counts as 1.
    pub weight: u32,
    /// How good a choice it is.
    pub standing: Standing,
}

impl Candidate {
    fn weight(&self) -> u64 {
        u64::from(self.weight.max(1))
    }

    /// Whether it has less to do for its weight than the other.
    fn is_lighter_than(&self, other: &Self) -> bool {
        u64::from(self.in_flight) * other.weight() < u64::from(other.in_flight) * self.weight()
    }
}

/// The index of the endpoint that takes the call; none only if there is none at all.
///
/// Only endpoints of the best standing that there is are looked at: a repeated call goes elsewhere if there is an
/// elsewhere, and when all are ejected all are used (panic mode), because a wrong verdict on all of them is likelier
/// than a service of which every single endpoint is down, and trying costs no more than refusing.
pub fn pick(candidates: impl Iterator<Item = Candidate> + Clone, random: [u64; 2]) -> Option<usize> {
    let best = candidates.clone().map(|candidate| candidate.standing).min()?;
    let open = candidates.enumerate().filter(move |(_, candidate)| candidate.standing == best);
    let total: u64 = open.clone().map(|(_, candidate)| candidate.weight()).sum();
    let (first, one) = draw(open.clone(), random[0] % total)?;
    if total == one.weight() {
        return Some(first);
    }
    let others = open.filter(move |(index, _)| *index != first);
    let (second, two) = draw(others, random[1] % (total - one.weight()))?;
    Some(if two.is_lighter_than(&one) { second } else { first })
}

/// The endpoint in whose part of the sum of weights the point lies.
fn draw(mut open: impl Iterator<Item = (usize, Candidate)>, mut point: u64) -> Option<(usize, Candidate)> {
    open.find(|(_, candidate)| match point.checked_sub(candidate.weight()) {
        Some(rest) => {
            point = rest;
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(in_flight: u32, weight: u32, standing: Standing) -> Candidate {
        Candidate { in_flight, weight, standing }
    }

    fn choose(candidates: &[Candidate], random: [u64; 2]) -> Option<usize> {
        pick(candidates.iter().copied(), random)
    }

    #[test]
    fn of_two_the_less_busy_one_for_its_weight_is_taken() {
        let busy = [candidate(9, 1, Standing::Good), candidate(2, 1, Standing::Good)];
        let heavy = [candidate(9, 5, Standing::Good), candidate(2, 1, Standing::Good)];
        for point in 0..22 {
            assert_eq!(choose(&busy, [point, point]), Some(1));
            assert_eq!(choose(&heavy, [point, point]), Some(0));
        }
    }

    #[test]
    fn nothing_is_chosen_from_nothing() {
        assert_eq!(choose(&[], [0, 0]), None);
    }

    #[test]
    fn idle_endpoints_share_calls_by_weight() {
        let idle = [candidate(0, 3, Standing::Good), candidate(0, 1, Standing::Good)];
        let equal = [candidate(0, 1, Standing::Good); 2];
        let count = |candidates: &[Candidate]| (0..100).filter(|n| choose(candidates, [*n, 0]) == Some(0)).count();
        assert_eq!(count(&equal), 50);
        assert_eq!(count(&idle), 75);
    }

    proptest! {
        #[test]
        fn only_the_best_standing_is_used_and_all_when_all_are_ejected(
            parts in prop::collection::vec((0..100u32, 0..20u32, 0..3u8), 1..20), random in any::<[u64; 2]>()
        ) {
            let standing = |number| [Standing::Good, Standing::Tried, Standing::Ejected][usize::from(number)];
            let all: Vec<_> = parts.iter().map(|&(busy, weight, n)| candidate(busy, weight, standing(n))).collect();
            let chosen = choose(&all, random).unwrap();
            let best = all.iter().map(|candidate| candidate.standing).min().unwrap();
            prop_assert_eq!(all[chosen].standing, best);
        }

        #[test]
        fn the_busiest_of_several_is_never_taken(
            weights in prop::collection::vec(1..5u32, 2..10), random in any::<[u64; 2]>()
        ) {
            let mut all: Vec<_> = weights.iter().map(|weight| candidate(1, *weight, Standing::Good)).collect();
            all[0].in_flight = 1000;
            prop_assert_ne!(choose(&all, random), Some(0));
        }
    }
}
