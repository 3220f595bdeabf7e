//! Remembers tokens that were verified, so that a signature is checked once. An entry dies with its token's end, and with
//! every change of the configuration, the members, the keys, or what was revoked.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use lgsp_model::{ServiceId, Timestamp};

use super::caller::Identified;
use super::issuer::{Claims, Issuer};
use super::members::Members;
use super::revoked::Revoked;

/// Tokens remembered: some for each of a province's members. Beyond it all are forgotten and verified anew.
const REMEMBERED: usize = 20_000;

#[derive(Default)]
pub(crate) struct TokenCache {
    verified: RwLock<Verified>,
}

#[derive(Default)]
struct Verified {
    tokens: HashMap<[u8; 32], Arc<Identified>>,
    /// The members that tokens are checked against; a request that began with older ones leaves nothing behind.
    generation: u64,
}

impl TokenCache {
    /// Who the token belongs to. A token that is bound to a key proves nobody without it: that is for the caller to check.
    pub(crate) fn identify(
        &self,
        token: &str,
        issuer: &Issuer,
        revoked: &Revoked,
        members: &Members,
        now: Timestamp,
    ) -> Option<Arc<Identified>> {
        let key: [u8; 32] = digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
        if let Some(known) = self.verified.read().expect("no panic while held").tokens.get(&key) {
            return (known.ends > now).then(|| known.clone());
        }
        let claims = issuer.verify(token, now)?;
        let member =
            members.by_id(&claims.client_id).filter(|member| members.take_tokens_of(&member.id, claims.iat))?;
        let member = member.clone();
        let identified = Arc::new(Identified::by_token(member, &claims, services(issuer, &claims)?));
        let mut verified = self.verified.write().expect("no panic while held");
        // Looked at under the lock under which revoking forgets: no token slips in between.
        if revoked.has(&claims) {
            return None;
        }
        if verified.generation > members.generation() {
            return Some(identified);
        }
        if verified.tokens.len() >= REMEMBERED {
            verified.tokens.clear();
        }
        verified.tokens.insert(key, identified.clone());
        Some(identified)
    }

    /// Called on every change of what tokens are checked against.
    pub(crate) fn forget_all(&self) {
        self.verified.write().expect("no panic while held").tokens.clear();
    }

    /// Called on every change of the members, with the newest ones.
    pub(crate) fn follow(&self, members: &Members) {
        let mut verified = self.verified.write().expect("no panic while held");
        verified.tokens.clear();
        verified.generation = members.generation();
    }
}

/// The services that a token is for; none inside when it is for the gateway as a whole, none at all when for neither.
fn services(issuer: &Issuer, claims: &Claims) -> Option<Option<Arc<[ServiceId]>>> {
    if claims.aud.all().iter().any(|place| place == issuer.url()) {
        return Some(None);
    }
    let services: Arc<[ServiceId]> =
        claims.aud.all().iter().filter_map(|place| issuer.service_of(place)?.parse().ok()).collect();
    (!services.is_empty()).then_some(Some(services))
}
