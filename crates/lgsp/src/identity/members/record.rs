//! What the registry keeps of a member: all of one that was made while the gateway runs, and what was added to or taken
//! from one of the file. It says what counts at a time; keeping and changing it is the roster's business.

use std::collections::BTreeSet;

use lgsp_config::{ApiKey, Credential, KeyDigest, Member, PasswordHash};
use lgsp_model::{AgencyGrant, MemberId, Scope, Timestamp};
use serde::{Deserialize, Serialize};

/// The form of an entry that is written.
const VERSION: u8 = 1;
/// Secrets of one member that count at the same time: each one more is another slow hash for a wrong secret.
pub(crate) const MOST_SECRETS: usize = 4;
/// API keys of one member that were made while the gateway runs.
pub(crate) const MOST_API_KEYS: usize = 50;

/// An entry of the registry. It holds hashes, so it does not print.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    version: u8,
    /// Who it is and what it may do; absent: a member of the file.
    pub(crate) grant: Option<Grant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) secrets: Vec<KeptSecret>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) api_keys: Vec<KeptKey>,
    /// API keys of the file that were revoked.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) revoked_keys: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<Revocation>,
    /// Tokens that were issued before do not count, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokens_from: Option<i64>,
}

/// Who a member is and what it may do.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) name: String,
    /// Codes; a single `*` for all.
    pub(crate) agencies: Vec<String>,
    pub(crate) scopes: Vec<String>,
    /// From then on it is no member any more, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ends: Option<i64>,
    pub(crate) made: i64,
}

/// A secret as its argon2id hash.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptSecret {
    pub(crate) hash: String,
    pub(crate) made: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ends: Option<i64>,
}

/// An API key as the digest of its secret part, which is drawn at random.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptKey {
    pub(crate) id: String,
    /// In hexadecimal digits.
    pub(crate) sha256: String,
    pub(crate) made: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ends: Option<i64>,
    /// The services that it counts for; absent: all that the member may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) services: Option<Vec<String>>,
}

/// That a member was revoked.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Revocation {
    pub(crate) at: i64,
    pub(crate) by: String,
    pub(crate) reason: String,
}

/// Whether something that may have an end still counts.
pub(crate) fn lives(ends: Option<i64>, now: Timestamp) -> bool {
    ends.is_none_or(|ends| ends > now.0)
}

impl Record {
    /// Nothing said yet about a member of the file.
    pub(crate) fn of_file() -> Self {
        Self {
            version: VERSION,
            grant: None,
            secrets: Vec::new(),
            api_keys: Vec::new(),
            revoked_keys: BTreeSet::new(),
            revoked: None,
            tokens_from: None,
        }
    }

    /// A new member.
    pub(crate) fn made(grant: Grant) -> Self {
        Self { grant: Some(grant), ..Self::of_file() }
    }

    /// One whose entry cannot be read: nobody knows any more whether it was revoked, so it is.
    fn unreadable(now: Timestamp) -> Self {
        let reason = "its entry in the registry cannot be read by this version".to_owned();
        Self { revoked: Some(Revocation { at: now.0, by: "lgsp".to_owned(), reason }), ..Self::of_file() }
    }

    pub(super) fn read(id: &str, json: &[u8], now: Timestamp) -> Self {
        let read = serde_json::from_slice(json).ok().filter(|record: &Self| record.version <= VERSION);
        read.unwrap_or_else(|| {
            tracing::error!(member = id, "the member's entry cannot be read; it counts as revoked");
            Self::unreadable(now)
        })
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers are JSON")
    }

    /// Takes away what has ended: nobody asks for it any more.
    pub(crate) fn tidy(&mut self, now: Timestamp) {
        self.secrets.retain(|secret| lives(secret.ends, now));
        self.api_keys.retain(|key| lives(key.ends, now));
    }

    /// Whether it or one of its secrets ended in a span of time, its first moment excluded.
    pub(super) fn ended(&self, after: Timestamp, through: Timestamp) -> bool {
        let grant = self.grant.iter().map(|grant| grant.ends);
        let secrets = self.secrets.iter().map(|secret| secret.ends);
        grant.chain(secrets).flatten().any(|ends| ends > after.0 && ends <= through.0)
    }

    /// The member as it counts now, on the ground of its entry in the file if it has one.
    pub(super) fn member(&self, id: &MemberId, of_file: Option<&Member>, now: Timestamp) -> Option<Member> {
        if self.revoked.is_some() {
            return None;
        }
        let mut member = match (of_file, &self.grant) {
            (Some(member), _) => member.clone(),
            (None, Some(grant)) => {
                let credential = self.credential(now);
                grant.member(id, credential).filter(|_| lives(grant.ends, now))?
            }
            (None, None) => return None,
        };
        member.api_keys.retain(|key| !self.revoked_keys.contains(key.id.as_str()));
        // A member of the file that has the id of one that was made is another one: it has none of its keys.
        if of_file.is_none() || self.grant.is_none() {
            member
                .api_keys
                .extend(self.api_keys.iter().filter(|key| lives(key.ends, now)).filter_map(KeptKey::api_key));
        }
        Some(member)
    }

    fn credential(&self, now: Timestamp) -> Option<Credential> {
        let live = self.secrets.iter().filter(|secret| lives(secret.ends, now));
        let mut live: Vec<_> =
            live.filter_map(|secret| PasswordHash::of(secret.hash.clone())).map(Credential::Hash).collect();
        if live.len() > 1 { Some(Credential::AnyOf(live)) } else { live.pop() }
    }
}

impl Grant {
    fn member(&self, id: &MemberId, credential: Option<Credential>) -> Option<Member> {
        let mut scopes: Vec<Scope> = self.scopes.iter().map(|scope| scope.parse()).collect::<Result<_, _>>().ok()?;
        scopes.sort();
        scopes.dedup();
        Some(Member {
            id: id.clone(),
            name: self.name.clone(),
            sign_in: None,
            payments: lgsp_config::MemberPayments::default(),
            agencies: AgencyGrant::parse(&self.agencies).ok()?,
            scopes,
            credential,
            certificates: Vec::new(),
            certificate_required: false,
            api_keys: Vec::new(),
            signature_keys: Vec::new(),
            lgsp_access: None,
            callback: None,
            national: None,
            usual_push_interval: None,
        })
    }
}

impl KeptKey {
    fn api_key(&self) -> Option<ApiKey> {
        let fingerprint: lgsp_config::Fingerprint = format!("sha256:{}", self.sha256).parse().ok()?;
        let services = match &self.services {
            Some(ids) => Some(ids.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?),
            None => None,
        };
        let expires = self.ends.map(Timestamp);
        Some(ApiKey { id: self.id.parse().ok()?, sha256: KeyDigest(fingerprint.0), expires, services })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::config;
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$5VnXoBqD3BTZQKnCDxgCZJbLzYfmwMLtKbfS9nxwV8E";

    fn made() -> Record {
        let (agencies, scopes) = (vec!["H11".to_owned()], vec!["dossier:push".to_owned()]);
        Record::made(Grant { name: "N".to_owned(), agencies, scopes, ends: None, made: 0 })
    }

    fn secret(ends: Option<i64>) -> KeptSecret {
        KeptSecret { hash: HASH.to_owned(), made: 0, ends }
    }

    fn key(id: &str, ends: Option<i64>) -> KeptKey {
        KeptKey { id: id.to_owned(), sha256: "0a".repeat(32), made: 0, ends, services: None }
    }

    fn id() -> MemberId {
        "m".parse().unwrap()
    }

    #[test]
    fn a_record_comes_back_from_the_registry_as_it_went_in() {
        let mut record = made();
        (record.secrets, record.api_keys) = (vec![secret(Some(5))], vec![key("k", None)]);
        record.revoked = Some(Revocation { at: 1, by: "a".into(), reason: "b".into() });
        let json = record.to_json();
        assert_eq!(Record::read("m", &json, NOW).to_json(), json);
    }

    #[test]
    fn an_entry_that_cannot_be_read_counts_as_revoked() {
        let newer = String::from_utf8(made().to_json()).unwrap().replace("\"version\":1", "\"version\":2");
        for bad in ["", "{}", "null", &newer] {
            let record = Record::read("m", bad.as_bytes(), NOW);
            assert!(record.revoked.is_some() && record.member(&id(), None, NOW).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_ended_does_not_count_and_it_is_known_when_something_ends() {
        let mut record = made();
        record.secrets = vec![secret(Some(NOW.0)), secret(Some(NOW.0 + 5))];
        record.api_keys = vec![key("old", Some(NOW.0)), key("new", None)];
        let member = record.member(&id(), None, NOW).unwrap();
        assert!(matches!(member.credential, Some(Credential::Hash(_))));
        assert_eq!(member.api_keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["new"]);
        let later = Timestamp(NOW.0 + 5);
        assert!(record.ended(NOW, later) && !record.ended(NOW, Timestamp(NOW.0 + 4)) && !record.ended(later, later));
        assert!(record.member(&id(), None, later).unwrap().credential.is_none());
        record.tidy(later);
        assert_eq!((record.secrets.len(), record.api_keys.len()), (0, 1));
        record.grant.as_mut().unwrap().ends = Some(NOW.0);
        assert!(record.member(&id(), None, NOW).is_none());
    }

    #[test]
    fn a_member_of_the_file_gets_keys_and_loses_them_and_keeps_what_the_file_says() {
        let config = config(
            "[[member]]\nid = \"m\"\nname = \"M\"\nagencies = [\"*\"]\nscopes = [\"report:read\"]\n\
            api_keys = [{ id = \"f1\", sha256 = \"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\" }]\n",
        );
        let of_file = config.members.iter().find(|member| member.id.as_str() == "m");
        let mut record = Record { api_keys: vec![key("r1", None)], ..Record::of_file() };
        let keys = |record: &Record| {
            let member = record.member(&id(), of_file, NOW).unwrap();
            member.api_keys.iter().map(|key| key.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(keys(&record), ["f1", "r1"]);
        record.revoked_keys.insert("f1".to_owned());
        assert_eq!(keys(&record), ["r1"]);
        let clash = Record { api_keys: vec![key("r1", None)], ..made() };
        assert_eq!(keys(&clash), ["f1"]);
        assert_eq!(clash.member(&id(), of_file, NOW).unwrap().name, "M");
        record.revoked = Some(Revocation { at: 1, by: "a".into(), reason: "b".into() });
        assert!(record.member(&id(), of_file, NOW).is_none());
        assert!(Record::of_file().member(&id(), None, NOW).is_none(), "it is gone from the file");
    }
}
