//! Remembers tokens that were verified, so that a signature is checked once. An entry dies with its token's end and with
//! every change of the configuration or the keys.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use lgsp_model::Timestamp;

use super::caller::Identified;
use super::issuer::Issuer;
use super::members::Members;

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
        let member = members.by_id(&claims.sub)?.clone();
        let scopes = claims.scope.split(' ').filter_map(|scope| scope.parse().ok());
        let identified = Arc::new(Identified::by_token(member, scopes, Timestamp(claims.exp.saturating_mul(1000))));
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
