//! Counts wrong secrets for each member and address, and says how long the next try must wait.
//!
//! The address is part of the key: somebody who guesses from elsewhere can neither slow nor lock a member.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use lgsp_config::Lockout;
use lgsp_model::Timestamp;

/// Pairs remembered; beyond it those with the fewest tries go.
const REMEMBERED: usize = 10_000;
/// How many go at a time, so that a crowd of addresses does not make each guess costly.
const LET_GO: usize = 1_000;
/// The first wait doubles from here.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Doublings after which every wait is longer than any that can be configured.
const MOST_DOUBLINGS: u32 = 16;

pub(super) struct Guesses {
    rules: Lockout,
    wrong: HashMap<(String, IpAddr), Tries>,
}

/// Wrong tries that belong together.
struct Tries {
    count: u32,
    last: Timestamp,
}

/// Why a try is not taken, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The next try must wait.
    Slowed(Duration),
    /// No try is taken.
    Locked(Duration),
}

impl Tries {
    fn passed(&self, now: Timestamp) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.last.0).try_into().unwrap_or(0))
    }

    fn is_locked(&self, rules: &Lockout) -> bool {
        rules.lock_after > 0 && self.count >= rules.lock_after
    }

    /// How long it all counts after the last wrong try.
    fn kept(&self, rules: &Lockout) -> Duration {
        if self.is_locked(rules) { rules.lock_for } else { rules.forgotten_after }
    }

    fn wait(&self, rules: &Lockout, now: Timestamp) -> Option<Wait> {
        let left = |whole: Duration| whole.checked_sub(self.passed(now)).filter(|left| !left.is_zero());
        if self.is_locked(rules) {
            return left(rules.lock_for).map(Wait::Locked);
        }
        let beyond = self.count.checked_sub(rules.free_tries + 1)?;
        left(rules.longest_wait.min(FIRST_WAIT * (1 << beyond.min(MOST_DOUBLINGS)))).map(Wait::Slowed)
    }
}

impl Guesses {
    pub(super) fn new(rules: Lockout) -> Self {
        Self { rules, wrong: HashMap::new() }
    }

    /// Counts by other rules from now on.
    pub(super) fn follow(&mut self, rules: Lockout) {
        self.rules = rules;
    }

    /// How long a try must still wait, if it must.
    pub(super) fn wait(&self, member: &str, from: IpAddr, now: Timestamp) -> Option<Wait> {
        self.wrong.get(&(member.to_owned(), origin(from)))?.wait(&self.rules, now)
    }

    /// Counts a wrong try; whether it is the one that locks.
    pub(super) fn note(&mut self, member: &str, from: IpAddr, now: Timestamp) -> bool {
        self.make_room(now);
        let tries = self.wrong.entry((member.to_owned(), origin(from))).or_insert(Tries { count: 0, last: now });
        tries.count = if tries.passed(now) >= tries.kept(&self.rules) { 1 } else { tries.count.saturating_add(1) };
        tries.last = now;
        tries.is_locked(&self.rules)
    }

    pub(super) fn forget(&mut self, member: &str, from: IpAddr) {
        self.wrong.remove(&(member.to_owned(), origin(from)));
    }

    /// Forgets what came about a member from everywhere; how many addresses that were.
    pub(super) fn forgive(&mut self, member: &str) -> usize {
        let before = self.wrong.len();
        self.wrong.retain(|(known, _), _| known != member);
        before - self.wrong.len()
    }

    /// The addresses from which a member's secrets are not taken now.
    pub(super) fn locked(&self, member: &str, now: Timestamp) -> Vec<(IpAddr, Duration)> {
        let of_member = self.wrong.iter().filter(|((known, _), _)| known == member);
        let locked = of_member.filter_map(|((_, from), tries)| match tries.wait(&self.rules, now)? {
            Wait::Locked(left) => Some((*from, left)),
            Wait::Slowed(_) => None,
        });
        locked.collect()
    }

    fn make_room(&mut self, now: Timestamp) {
        if self.wrong.len() < REMEMBERED {
            return;
        }
        let rules = self.rules;
        self.wrong.retain(|_, tries| tries.passed(now) < tries.kept(&rules));
        if self.wrong.len() >= REMEMBERED {
            let mut all: Vec<_> =
                self.wrong.iter().map(|(key, tries)| (tries.count, tries.last, key.clone())).collect();
            all.sort_unstable_by_key(|one| (one.0, one.1));
            for (_, _, key) in all.into_iter().take(LET_GO) {
                self.wrong.remove(&key);
            }
        }
    }
}

/// What counts as one address: whoever has one of IPv6 has its whole network of /64.
fn origin(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
    const SECOND: Duration = Duration::from_secs(1);
    const RULES: Lockout = Lockout {
        free_tries: 5,
        longest_wait: Duration::from_secs(60),
        forgotten_after: Duration::from_secs(900),
        lock_after: 20,
        lock_for: Duration::from_secs(3600),
    };

    fn wrong(count: usize) -> Guesses {
        let mut guesses = Guesses::new(RULES);
        for n in 0..count {
            assert_eq!(guesses.note("m", HERE, Timestamp(0)), n + 1 >= 20, "{n}");
        }
        guesses
    }

    #[test]
    fn guessing_gets_slower_and_does_not_lock_out_other_addresses() {
        for (count, wait) in [(5, None), (6, Some(2)), (7, Some(4)), (10, Some(32)), (11, Some(60)), (19, Some(60))] {
            let wait = wait.map(|seconds| Wait::Slowed(seconds * SECOND));
            assert_eq!(wrong(count).wait("m", HERE, Timestamp(0)), wait, "after {count}");
        }
        let guesses = wrong(7);
        assert_eq!(guesses.wait("m", HERE, Timestamp(1000)), Some(Wait::Slowed(3 * SECOND)));
        assert_eq!(guesses.wait("m", HERE, Timestamp(4000)), None);
        assert_eq!(guesses.wait("m", THERE, Timestamp(0)), None);
        assert_eq!(guesses.wait("n", HERE, Timestamp(0)), None);
    }

    #[test]
    fn many_wrong_tries_lock_for_a_time_from_that_address_only() {
        let mut guesses = wrong(20);
        assert_eq!(guesses.wait("m", HERE, Timestamp(1000)), Some(Wait::Locked(3599 * SECOND)));
        assert_eq!(guesses.wait("m", THERE, Timestamp(1000)), None);
        assert_eq!(guesses.locked("m", Timestamp(1000)), [(HERE, 3599 * SECOND)]);
        assert_eq!(guesses.wait("m", HERE, Timestamp(3_600_000)), None);
        assert!(!guesses.note("m", HERE, Timestamp(3_600_000)), "the count starts anew");
        assert_eq!(guesses.wait("m", HERE, Timestamp(3_600_000)), None);
        let mut never = Guesses::new(Lockout { lock_after: 0, ..RULES });
        assert!((0..100).all(|_| !never.note("m", HERE, Timestamp(0))));
        assert_eq!(never.wait("m", HERE, Timestamp(0)), Some(Wait::Slowed(60 * SECOND)));
    }

    #[test]
    fn an_operator_can_forgive_and_change_the_rules() {
        let mut guesses = wrong(20);
        guesses.note("m", THERE, Timestamp(0));
        guesses.note("n", HERE, Timestamp(0));
        assert_eq!(guesses.forgive("m"), 2);
        assert_eq!((guesses.wait("m", HERE, Timestamp(0)), guesses.wrong.len()), (None, 1));
        guesses.follow(Lockout { lock_after: 1, ..RULES });
        assert!(matches!(guesses.wait("n", HERE, Timestamp(0)), Some(Wait::Locked(_))));
    }

    #[test]
    fn a_right_secret_or_a_long_pause_starts_the_count_anew() {
        let mut guesses = wrong(10);
        guesses.note("m", HERE, Timestamp(3_600_000));
        assert_eq!(guesses.wait("m", HERE, Timestamp(3_600_000)), None);
        guesses.forget("m", HERE);
        assert!(guesses.wrong.is_empty());
    }

    #[test]
    fn an_address_of_ipv6_is_as_good_as_its_network() {
        let mut guesses = Guesses::new(RULES);
        for n in 0..6 {
            guesses.note("m", format!("2001:db8:1:2::{n}").parse().unwrap(), Timestamp(0));
        }
        assert!(guesses.wait("m", "2001:db8:1:2:ffff::9".parse().unwrap(), Timestamp(0)).is_some());
        assert!(guesses.wait("m", "2001:db8:1:3::1".parse().unwrap(), Timestamp(0)).is_none());
        assert_eq!(origin("::ffff:127.0.0.1".parse().unwrap()), HERE);
    }

    #[test]
    fn the_memory_of_guesses_is_bounded_and_keeps_the_worst() {
        let mut guesses = wrong(20);
        for n in 0..2 * REMEMBERED {
            guesses.note(&format!("m{n}"), HERE, Timestamp(1));
        }
        assert!(guesses.wrong.len() <= REMEMBERED);
        assert!(matches!(guesses.wait("m", HERE, Timestamp(1)), Some(Wait::Locked(_))));
    }
}
