//! Sessions of the portal: opaque names with a lifetime and, when set, a number of calls.
//!
//! They protect nothing: the sandbox holds no real data.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::PortalSettings;
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

    pub(crate) fn open(&mut self, settings: &PortalSettings, now: Instant) -> String {
        if self.open.len() == MAX_SESSIONS {
            self.open.retain(|_, session| session.ends > now);
        }
        if self.open.len() == MAX_SESSIONS {
            let first = self.open.iter().min_by_key(|(_, session)| session.ends).map(|(name, _)| name.clone());
            first.and_then(|name| self.open.remove(&name));
        }
        let name = format!("{:016x}{:016x}", self.chance.next(), self.chance.next());
        let ends = now + Duration::from_millis(settings.session_lifetime_ms);
        self.open.insert(name.clone(), Session { ends, calls_left: settings.session_calls });
        name
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
        let settings = PortalSettings { session_calls: Some(2), session_lifetime_ms: 1000, ..Default::default() };
        let mut sessions = Sessions::new(1);
        let (counted, timed) = (sessions.open(&settings, now), sessions.open(&settings, now));
        assert_ne!(counted, timed);
        assert!(sessions.spend(&counted, now) && sessions.spend(&counted, now));
        assert!(!sessions.spend(&counted, now), "the third call of two");
        assert!(!sessions.spend(&timed, now + Duration::from_secs(1)), "its time is over");
        let third = sessions.open(&settings, now);
        sessions.clear();
        assert!(!sessions.spend(&third, now));
        assert!(!sessions.spend("never opened", now));
    }

    #[test]
    fn sessions_are_bounded() {
        let now = Instant::now();
        let mut sessions = Sessions::new(1);
        let first = sessions.open(&PortalSettings { session_lifetime_ms: 1, ..Default::default() }, now);
        for _ in 0..MAX_SESSIONS + 10 {
            sessions.open(&PortalSettings::default(), now);
        }
        assert_eq!(sessions.open.len(), MAX_SESSIONS);
        assert!(!sessions.spend(&first, now));
    }
}
