//! Sessions of the national dialect: opaque names of a member for some minutes. They live in memory only; after a restart
//! clients log in again, as they do with the portal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lgsp_config::Member;
use lgsp_model::{MemberId, Timestamp};

use super::members::Members;

pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    lifetime_millis: i64,
    most: usize,
}

struct Session {
    member: MemberId,
    ends: Timestamp,
}

impl Sessions {
    /// No sessions yet; each lives `lifetime` after its last use, and there are at most `most` at a time.
    pub(crate) fn new(lifetime: Duration, most: u32) -> Self {
        let lifetime_millis = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        Self { open: Mutex::default(), lifetime_millis, most: most as usize }
    }

    /// A new session: 32 random bytes in hex.
    pub(crate) fn open(&self, member: &MemberId, now: Timestamp) -> String {
        let mut random = [0u8; 32];
        aws_lc_rs::rand::fill(&mut random).expect("the system has randomness");
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut open = self.open.lock().expect("no panic while held");
        if open.len() >= self.most {
            open.retain(|_, session| session.ends > now);
        }
        if open.len() >= self.most {
            let oldest = open.iter().min_by_key(|(_, session)| session.ends).map(|(name, _)| name.clone());
            oldest.and_then(|name| open.remove(&name));
        }
        open.insert(name.clone(), Session { member: member.clone(), ends: now.plus_millis(self.lifetime_millis) });
        name
    }

    /// Ends every session of a member.
    pub(crate) fn end_of(&self, member: &MemberId) {
        self.open.lock().expect("no panic while held").retain(|_, session| session.member != *member);
    }

    /// The member of a session that has not ended and whose member still exists.
    pub(crate) fn member(&self, name: &str, members: &Members, now: Timestamp) -> Option<Arc<Member>> {
        let mut open = self.open.lock().expect("no panic while held");
        let session = open.get_mut(name).filter(|session| session.ends > now)?;
        session.ends = now.plus_millis(self.lifetime_millis);
        members.by_id(session.member.as_str()).cloned()
    }
}
