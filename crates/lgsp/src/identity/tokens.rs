//! Remembers tokens that were verified, so that a signature is checked once. An entry dies with its token's end and with
//! every change of the configuration or the keys.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use lgsp_config::{Member, Scope};
use lgsp_model::{AgencyCode, Timestamp};

use super::issuer::Issuer;
use super::members::Members;

/// A caller whose identity is beyond doubt.
pub(crate) struct Identified {
    pub(crate) member: Arc<Member>,
    scopes: Vec<Scope>,
    ends: Timestamp,
}

impl Identified {
    /// Whether the token carries a scope that the member still has.
    pub(crate) fn may(&self, scope: &Scope) -> bool {
        self.scopes.contains(scope) && self.member.may(scope)
    }

    /// A member that logged in by another way than a token, with all its scopes.
    pub(crate) fn by_session(member: Arc<Member>) -> Self {
        Self { scopes: member.scopes.clone(), member, ends: Timestamp(i64::MAX) }
    }

    pub(crate) fn covers(&self, agency: &AgencyCode) -> bool {
        self.member.agencies.covers(agency)
    }
}

/// Tokens remembered: some for each of a province's members. Beyond it all are forgotten and verified anew.
const REMEMBERED: usize = 20_000;

#[derive(Default)]
pub(crate) struct TokenCache {
    verified: RwLock<HashMap<[u8; 32], Arc<Identified>>>,
}

impl TokenCache {
    /// Who the token belongs to.
    pub(crate) fn identify(
        &self,
        token: &str,
        issuer: &Issuer,
        members: &Members,
        now: Timestamp,
    ) -> Option<Arc<Identified>> {
        let key: [u8; 32] = digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
        if let Some(known) = self.verified.read().expect("no panic while held").get(&key) {
            return (known.ends > now).then(|| known.clone());
        }
        let claims = issuer.verify(token, now)?;
        let identified = Arc::new(Identified {
            member: members.by_id(&claims.sub)?.clone(),
            scopes: claims.scope.split(' ').filter_map(|scope| scope.parse().ok()).collect(),
            ends: Timestamp(claims.exp.saturating_mul(1000)),
        });
        let mut verified = self.verified.write().expect("no panic while held");
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(key, identified.clone());
        Some(identified)
    }

    /// Called on every change of members or keys.
    pub(crate) fn forget_all(&self) {
        self.verified.write().expect("no panic while held").clear();
    }
}
