//! The members of one configuration, found by whatever names one: an id, a login, a certificate, a key. Finding proves
//! nothing yet, except by a certificate, which the listener has verified.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use lgsp_config::{ApiKey, CertificateBinding, Member, SignatureKey};
use lgsp_model::{MemberId, Timestamp};

use super::caller::{Authentication, Identified};
use super::mtls::CertificateFacts;
use super::signature::{BadKey, VerifyingKey};

/// All members.
#[derive(Default)]
pub(crate) struct Members {
    by_id: HashMap<MemberId, Arc<Member>>,
    by_username: HashMap<String, Arc<Member>>,
    by_certificate: HashMap<CertificateBinding, Arc<Identified>>,
    api_keys: HashMap<String, KnownKey<[u8; 32]>>,
    signature_keys: HashMap<String, KnownKey<VerifyingKey>>,
    by_access_key: HashMap<String, Arc<Member>>,
}

/// A key and whom it proves.
pub(super) struct KnownKey<K> {
    pub(super) key: K,
    pub(super) caller: Arc<Identified>,
}

/// A certificate whose names stand for several members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeveralMembers;

/// A member's signature key that its algorithm cannot use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadMemberKey {
    pub(crate) member: MemberId,
    pub(crate) key: String,
    pub(crate) cause: BadKey,
}

impl fmt::Display for BadMemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "member {}: signature key {}: {}", self.member, self.key, self.cause)
    }
}

impl std::error::Error for BadMemberKey {}

impl Members {
    /// The members; a signature key that cannot be used, which [`Self::check`] would have told, proves nobody.
    pub(crate) fn new(members: &[Member]) -> Self {
        let mut all = Self::default();
        for member in members {
            all.add(Arc::new(member.clone()));
        }
        all
    }

    /// What is wrong with keys of these members.
    pub(crate) fn check(members: &[Member]) -> Vec<BadMemberKey> {
        let bad = |member: &Member, key: &SignatureKey| {
            let cause = VerifyingKey::new(key).err()?;
            Some(BadMemberKey { member: member.id.clone(), key: key.id.to_string(), cause })
        };
        members.iter().flat_map(|m| m.signature_keys.iter().filter_map(move |key| bad(m, key))).collect()
    }

    fn add(&mut self, member: Arc<Member>) {
        if let Some(login) = &member.national {
            self.by_username.insert(login.username.clone(), member.clone());
        }
        if let Some(access) = &member.lgsp_access {
            self.by_access_key.insert(access.access_key.clone(), member.clone());
        }
        let by_certificate = Arc::new(Identified::by(Authentication::Mtls, member.clone()));
        for binding in &member.certificates {
            self.by_certificate.insert(binding.clone(), by_certificate.clone());
        }
        for ApiKey { id, sha256, expires, services } in &member.api_keys {
            let caller = Identified::by(Authentication::ApiKey, member.clone());
            let caller = Arc::new(caller.limited(*expires, services.as_deref()));
            self.api_keys.insert(id.to_string(), KnownKey { key: sha256.0, caller });
        }
        for key in &member.signature_keys {
            let Ok(verifying) = VerifyingKey::new(key) else { continue };
            let caller = Identified::by(Authentication::Signature, member.clone()).limited(key.expires, None);
            self.signature_keys.insert(key.id.to_string(), KnownKey { key: verifying, caller: Arc::new(caller) });
        }
        self.by_id.insert(member.id.clone(), member);
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Arc<Member>> {
        self.by_id.get(&id.parse::<MemberId>().ok()?)
    }

    pub(crate) fn by_username(&self, username: &str) -> Option<&Arc<Member>> {
        self.by_username.get(username)
    }

    /// Whom a verified certificate stands for.
    pub(super) fn by_certificate(
        &self,
        certificate: &CertificateFacts<'_>,
    ) -> Result<Option<&Arc<Identified>>, SeveralMembers> {
        let mut found: Option<&Arc<Identified>> = None;
        for binding in certificate.bindings() {
            let Some(next) = self.by_certificate.get(&binding) else { continue };
            if found.is_some_and(|found| found.member.id != next.member.id) {
                return Err(SeveralMembers);
            }
            found = Some(next);
        }
        Ok(found)
    }

    pub(super) fn api_key(&self, id: &str) -> Option<&KnownKey<[u8; 32]>> {
        self.api_keys.get(id)
    }

    pub(super) fn signature_key(&self, id: &str) -> Option<&KnownKey<VerifyingKey>> {
        self.signature_keys.get(id)
    }

    pub(super) fn by_access_key(&self, access_key: &str) -> Option<&Arc<Member>> {
        self.by_access_key.get(access_key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.by_id.values()
    }

    /// Warns of keys that no longer count: somebody may still send them.
    pub(crate) fn tell_of_ended_keys(&self, now: Timestamp) {
        let warn = |member: &Member, key: &str, expires: Option<Timestamp>| {
            if expires.is_some_and(|expires| expires <= now) {
                tracing::warn!(member = member.id.as_str(), key, "key has ended and no longer counts");
            }
        };
        for member in self.iter() {
            member.api_keys.iter().for_each(|key| warn(member, key.id.as_str(), key.expires));
            member.signature_keys.iter().for_each(|key| warn(member, key.id.as_str(), key.expires));
        }
    }
}
