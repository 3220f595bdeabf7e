//! The members of one configuration, found by whatever names one: an id, a login, a certificate, a key. Finding proves
//! nothing yet, except by a certificate, which the listener has verified.

mod record;
mod roster;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use lgsp_config::{ApiKey, CertificateBinding, Member, SignatureKey};
use lgsp_model::{MemberId, Timestamp};

use super::caller::{Authentication, Identified};
use super::mtls::CertificateFacts;
use super::signature::{BadKey, VerifyingKey};

pub(crate) use record::{Grant, KeptKey, KeptSecret, MOST_API_KEYS, MOST_SECRETS, Record, Revocation, lives};
use roster::LastUse;
pub(crate) use roster::{Records, Roster, Seen};

/// All members.
#[derive(Default)]
pub(crate) struct Members {
    by_id: HashMap<MemberId, Arc<Member>>,
    by_username: HashMap<String, Arc<Member>>,
    by_certificate: HashMap<CertificateBinding, Arc<Identified>>,
    api_keys: HashMap<String, KnownKey<[u8; 32]>>,
    signature_keys: HashMap<String, KnownKey<VerifyingKey>>,
    by_access_key: HashMap<String, Arc<Member>>,
    last_uses: HashMap<MemberId, Arc<LastUse>>,
    tokens_from: HashMap<MemberId, Timestamp>,
    generation: u64,
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
    /// The members of a file alone; a signature key that cannot be used, which [`Self::check`] would have told, proves nobody.
    #[cfg(test)]
    pub(crate) fn new(members: &[Member]) -> Self {
        let mut all = Self::default();
        for member in members {
            all.add(Arc::new(member.clone()));
        }
        all
    }

    /// The members of the file and those of the registry, as they count now. Where both have an id, the file's counts; but
    /// what is revoked stays revoked.
    pub(crate) fn joined(of_file: &[Member], records: &Records, seen: &Seen, now: Timestamp) -> Self {
        let mut all = Self::default();
        for member in of_file {
            match records.get(&member.id) {
                None => all.add(Arc::new(member.clone())),
                Some(record) => {
                    if record.grant.is_some() {
                        tracing::warn!(
                            member = member.id.as_str(),
                            "made at run time and in the file; the file counts"
                        );
                    }
                    record
                        .member(&member.id, Some(member), now)
                        .into_iter()
                        .for_each(|member| all.add(Arc::new(member)));
                }
            }
        }
        for (id, record) in records.iter().filter(|(id, _)| !of_file.iter().any(|member| member.id == **id)) {
            record.member(id, None, now).into_iter().for_each(|member| all.add(Arc::new(member)));
        }
        all.last_uses = all.by_id.keys().map(|id| (id.clone(), seen.of(id))).collect();
        let from = |(id, record): (&MemberId, &Record)| Some((id.clone(), Timestamp(record.tokens_from?)));
        all.tokens_from = records.iter().filter_map(from).collect();
        all
    }

    /// A member has proven itself.
    pub(crate) fn note_use(&self, member: &MemberId, now: Timestamp) {
        if let Some(last) = self.last_uses.get(member) {
            last.note(now);
        }
    }

    /// Whether a member's tokens of this second count: those from before it was revoked do not come back with it.
    pub(crate) fn take_tokens_of(&self, member: &MemberId, issued_at: i64) -> bool {
        self.tokens_from.get(member).is_none_or(|from| issued_at.saturating_mul(1000) >= from.0)
    }

    /// Later members have a greater one.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The same, to follow on others.
    pub(crate) fn after(self, before: &Self) -> Self {
        Self { generation: before.generation + 1, ..self }
    }

    /// Whether some member has an API key of this id.
    pub(crate) fn has_api_key(&self, id: &str) -> bool {
        self.api_keys.contains_key(id)
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
            // The file's come first, and keep what is theirs.
            self.api_keys.entry(id.to_string()).or_insert(KnownKey { key: sha256.0, caller });
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
