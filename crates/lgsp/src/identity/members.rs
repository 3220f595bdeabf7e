//! The members of one configuration, found by id or by their name in the national dialect.

use std::collections::HashMap;
use std::sync::Arc;

use lgsp_config::Member;
use lgsp_model::MemberId;

/// All members.
#[derive(Default)]
pub(crate) struct Members {
    by_id: HashMap<MemberId, Arc<Member>>,
    by_username: HashMap<String, Arc<Member>>,
}

impl Members {
    pub(crate) fn new(members: &[Member]) -> Self {
        let mut all = Self::default();
        for member in members {
            let member = Arc::new(member.clone());
            if let Some(login) = &member.national {
                all.by_username.insert(login.username.clone(), member.clone());
            }
            all.by_id.insert(member.id.clone(), member);
        }
        all
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Arc<Member>> {
        self.by_id.get(&id.parse::<MemberId>().ok()?)
    }

    pub(crate) fn by_username(&self, username: &str) -> Option<&Arc<Member>> {
        self.by_username.get(username)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.by_id.values()
    }
}
