//! Sessions of the portal and tokens of the other partners: opaque names with a lifetime and, when set, a number of
//! calls.
//!
//! They protect nothing: the sandbox holds no real data.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::faults::Chance;

/// Living sessions; a client that logs in without end pushes out the one that ends first.
const MAX_SESSIONS: usize = 10_000;

pub(crate) struct Sessions {
    open: HashMap<String, Session>,
    chance: Chance,
}

struct Session {
    ends: Instant,
    calls_left: Option<u32>,
}

impl Sessions {
    pub(crate) fn new(seed: u64) -> Self {
        Self { open: HashMap::new(), chance: Chance::seeded(!seed) }
    }

    pub(crate) fn open(&mut self, lifetime: Duration, calls: Option<u32>, now: Instant) -> String {
        if self.open.len() == MAX_SESSIONS {
            self.open.retain(|_, session| session.ends > now);
        }
        if self.open.len() == MAX_SESSIONS {
            let first = self.open.iter().min_by_key(|(_, session)| session.ends).map(|(name, _)| name.clone());
            first.and_then(|name| self.open.remove(&name));
        }
        let name = format!("{:016x}{:016x}", self.chance.next(), self.chance.next());
        self.open.insert(name.clone(), Session { ends: now + lifetime, calls_left: calls });
        name
    }

    /// How long the session is still good; `None` when it is not.
    pub(crate) fn remaining(&self, name: &str, now: Instant) -> Option<Duration> {
        let session = self.open.get(name).filter(|session| session.calls_left != Some(0))?;
        session.ends.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Whether the session is good for this call, which it pays for.
    pub(crate) fn spend(&mut self, name: &str, now: Instant) -> bool {
        let Some(session) = self.open.get_mut(name) else { return false };
        if session.ends <= now || session.calls_left == Some(0) {
            self.open.remove(name);
            return false;
        }
        session.calls_left = session.calls_left.map(|left| left - 1);
        true
    }

    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_time_its_calls_or_all_at_once() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut sessions = Sessions::new(1);
        let (counted, timed) = (sessions.open(second, Some(2), now), sessions.open(second, Some(2), now));
        assert_eq!(sessions.remaining(&timed, now), Some(second));
        assert_ne!(counted, timed);
        assert!(sessions.spend(&counted, now) && sessions.spend(&counted, now));
        assert!(!sessions.spend(&counted, now), "the third call of two");
        assert_eq!(sessions.remaining(&timed, now + second), None);
        assert!(!sessions.spend(&timed, now + second), "its time is over");
        let third = sessions.open(second, None, now);
        sessions.clear();
        assert!(!sessions.spend(&third, now));
        assert!(!sessions.spend("never opened", now));
    }

    #[test]
    fn sessions_are_bounded() {
        let now = Instant::now();
        let mut sessions = Sessions::new(1);
        let first = sessions.open(Duration::from_millis(1), None, now);
        for _ in 0..MAX_SESSIONS + 10 {
            sessions.open(Duration::from_secs(600), None, now);
        }
        assert_eq!(sessions.open.len(), MAX_SESSIONS);
        assert!(!sessions.spend(&first, now));
    }
}
