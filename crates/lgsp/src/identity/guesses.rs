//! Counts wrong secrets for each member and address, and says how long the next try must wait.
//!
//! The address is part of the key: somebody who guesses from elsewhere cannot lock a member out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use lgsp_model::Timestamp;

/// Wrong tries that cost nothing: people mistype.
const FREE_TRIES: u32 = 5;
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// After so long without a try the count starts anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// Pairs remembered; beyond it the oldest counts go.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(super) struct Guesses {
    wrong: HashMap<(String, IpAddr), Tries>,
}

struct Tries {
    count: u32,
    last: Timestamp,
}

impl Tries {
    fn wait(&self) -> Duration {
        let beyond = self.count.saturating_sub(FREE_TRIES);
        if beyond == 0 { Duration::ZERO } else { LONGEST_WAIT.min(Duration::from_secs(1 << beyond.min(6))) }
    }

    fn passed(&self, now: Timestamp) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.last.0).try_into().unwrap_or(0))
    }
}

impl Guesses {
    /// How long a try must still wait, if it must.
    pub(super) fn wait(&self, member: &str, from: IpAddr, now: Timestamp) -> Option<Duration> {
        let tries = self.wrong.get(&(member.to_owned(), from))?;
        tries.wait().checked_sub(tries.passed(now)).filter(|left| !left.is_zero())
    }

    pub(super) fn note(&mut self, member: &str, from: IpAddr, now: Timestamp) {
        if self.wrong.len() >= REMEMBERED {
            self.wrong.retain(|_, tries| tries.passed(now) < FORGOTTEN_AFTER);
        }
        if self.wrong.len() >= REMEMBERED {
            self.wrong.clear();
        }
        let tries = self.wrong.entry((member.to_owned(), from)).or_insert(Tries { count: 0, last: now });
        tries.count = if tries.passed(now) >= FORGOTTEN_AFTER { 1 } else { tries.count + 1 };
        tries.last = now;
    }

    pub(super) fn forget(&mut self, member: &str, from: IpAddr) {
        self.wrong.remove(&(member.to_owned(), from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

    #[test]
    fn guessing_gets_slower_and_does_not_lock_out_other_addresses() {
        let mut guesses = Guesses::default();
        for n in 0..7 {
            guesses.note("m", HERE, Timestamp(n));
        }
        assert_eq!(guesses.wait("m", HERE, Timestamp(6)), Some(Duration::from_secs(4)));
        assert_eq!(guesses.wait("m", HERE, Timestamp(5000)), None);
        assert_eq!(guesses.wait("m", THERE, Timestamp(6)), None);
        assert_eq!(guesses.wait("n", HERE, Timestamp(6)), None);
    }

    #[test]
    fn a_right_secret_or_a_long_pause_starts_the_count_anew() {
        let mut guesses = Guesses::default();
        for _ in 0..20 {
            guesses.note("m", HERE, Timestamp(0));
        }
        assert_eq!(guesses.wait("m", HERE, Timestamp(0)), Some(LONGEST_WAIT));
        guesses.note("m", HERE, Timestamp(3_600_000));
        assert_eq!(guesses.wait("m", HERE, Timestamp(3_600_000)), None);
        guesses.forget("m", HERE);
        assert!(guesses.wrong.is_empty());
    }

    #[test]
    fn the_memory_of_guesses_is_bounded() {
        let mut guesses = Guesses::default();
        for n in 0..REMEMBERED + 10 {
            guesses.note(&format!("m{n}"), HERE, Timestamp(0));
        }
        assert!(guesses.wrong.len() <= REMEMBERED);
    }
}
