//! A caller whose identity is beyond doubt: which member, proven how, with which rights. Whether they suffice is decided
//! where the work is.

use std::fmt;
use std::sync::Arc;

use lgsp_config::{ClaimScope, Member};
pub(crate) use lgsp_contract::Authentication;
use lgsp_model::{AgencyCode, Level, Scope, ServiceId, Timestamp};

use super::issuer::{Claims, Confirmation, PersonClaims};

/// A set of kinds of proof. Prints as `mtls+bearer`; the empty one, which a session of the national dialect has, as
/// `session`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(super) const fn by(kind: Authentication) -> Self {
        Self(1 << kind as u8)
    }

    /// These kinds.
    pub(crate) fn of(kinds: &[Authentication]) -> Self {
        Self(kinds.iter().fold(0, |set, kind| set | Self::by(*kind).0))
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this kind is among them.
    pub(crate) const fn has(self, kind: Authentication) -> bool {
        self.0 & Self::by(kind).0 != 0
    }

    /// Each of them.
    pub(crate) fn kinds(self) -> impl Iterator<Item = Authentication> {
        Authentication::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("session");
        }
        for (place, kind) in self.kinds().enumerate() {
            f.write_str(if place == 0 { "" } else { "+" })?;
            f.write_str(kind.as_str())?;
        }
        Ok(())
    }
}

/// A caller whose identity is beyond doubt.
#[derive(Clone, Debug)]
pub(crate) struct Identified {
    pub(crate) member: Arc<Member>,
    /// What proved it.
    pub(crate) how: Kinds,
    /// When the proof ends; `i64::MAX` when it does not end by itself.
    pub(crate) ends: Timestamp,
    /// The person in whose name it calls.
    pub(crate) person: Option<Arc<PersonClaims>>,
    subject: Option<Arc<str>>,
    /// The key that the caller must hold besides the token.
    pub(super) bound: Option<Confirmation>,
    scopes: Scopes,
    /// What a token lets its bearer learn of a person, by name.
    claims: Arc<[String]>,
    services: Option<Arc<[ServiceId]>>,
}

/// What a proof may be used for.
#[derive(Clone, Debug)]
enum Scopes {
    /// All that the member may.
    OfMember,
    /// These of a token, as far as the member still has them.
    OfToken(Arc<[Scope]>),
}

impl Identified {
    /// Whether the proof carries a scope that the member still has.
    pub(crate) fn may(&self, scope: &Scope) -> bool {
        let carried = match &self.scopes {
            Scopes::OfMember => true,
            Scopes::OfToken(scopes) => scopes.contains(scope),
        };
        carried && self.member.may(scope)
    }

    /// Whether the proof counts for a service (`None`: the gateway itself). A key may be for some of them; the scopes are
    /// asked besides.
    pub(super) fn is_for(&self, service: Option<&str>) -> bool {
        let Some(services) = &self.services else { return true };
        service.is_some_and(|service| services.iter().any(|id| id.as_str() == service))
    }

    pub(crate) fn covers(&self, agency: &AgencyCode) -> bool {
        self.member.agencies.covers(agency)
    }

    /// A member of the national dialect that logged in, with all its scopes.
    pub(crate) fn by_session(member: Arc<Member>) -> Self {
        Self { how: Kinds::default(), ..Self::by(Authentication::Mtls, member) }
    }

    /// A member that a token names, with the token's scopes; `services` are those that it is for.
    pub(super) fn by_token(member: Arc<Member>, claims: &Claims, services: Option<Arc<[ServiceId]>>) -> Self {
        let words = || claims.scope.split(' ').filter(|word| !word.is_empty());
        Self {
            scopes: Scopes::OfToken(words().filter_map(|word| word.parse().ok()).collect()),
            claims: words().filter(|word| ClaimScope::of(word).is_some()).map(str::to_owned).collect(),
            ends: Timestamp(claims.exp.saturating_mul(1000)),
            person: claims.person.clone().map(Arc::new),
            subject: claims.person.as_ref().map(|_| claims.sub.as_str().into()),
            bound: claims.cnf.clone(),
            services,
            ..Self::by(Authentication::Bearer, member)
        }
    }

    /// The person's name towards the member, when the token was given for one.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whether a person signed in for the call and is known at least so surely.
    pub(crate) fn is_for_person(&self, least: Level) -> bool {
        let reached = self.person.as_ref().and_then(|person| person.acr.as_ref()?.parse::<Level>().ok());
        reached.is_some_and(|level| level >= least)
    }

    /// What of these the token lets its bearer learn.
    pub(crate) fn claims(&self, granted: &[String]) -> Vec<String> {
        granted.iter().filter(|claim| self.claims.contains(claim)).cloned().collect()
    }

    /// A member that proved itself by `kind`, with all its scopes.
    pub(super) fn by(kind: Authentication, member: Arc<Member>) -> Self {
        Self {
            member,
            how: Kinds::by(kind),
            ends: Timestamp(i64::MAX),
            person: None,
            subject: None,
            bound: None,
            scopes: Scopes::OfMember,
            claims: Arc::default(),
            services: None,
        }
    }

    /// The same until `expires`, and for these services only.
    pub(super) fn limited(self, expires: Option<Timestamp>, services: Option<&[ServiceId]>) -> Self {
        Self { ends: expires.unwrap_or(self.ends), services: services.map(Arc::from), ..self }
    }

    /// Both proofs together, when they are of one member: what either of them limits is limited.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        if self.member.id != other.member.id {
            return None;
        }
        let scopes = match (&self.scopes, &other.scopes) {
            (Scopes::OfMember, scopes) | (scopes, Scopes::OfMember) => scopes.clone(),
            (Scopes::OfToken(a), Scopes::OfToken(b)) => {
                Scopes::OfToken(a.iter().filter(|scope| b.contains(scope)).cloned().collect())
            }
        };
        let services = match (&self.services, &other.services) {
            (None, services) | (services, None) => services.clone(),
            (Some(a), Some(b)) => Some(a.iter().filter(|id| b.contains(id)).cloned().collect()),
        };
        let how = Kinds(self.how.0 | other.how.0);
        Some(Self {
            member: self.member.clone(),
            how,
            ends: self.ends.min(other.ends),
            person: self.person.clone().or_else(|| other.person.clone()),
            subject: self.subject.clone().or_else(|| other.subject.clone()),
            bound: self.bound.clone().or_else(|| other.bound.clone()),
            scopes,
            claims: if self.claims.is_empty() { other.claims.clone() } else { self.claims.clone() },
            services,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::members;
    use serde_json::json;

    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn two_proofs_of_one_member_count_as_far_as_both_do() {
        let members = members("");
        let member = members.by_id("plain").unwrap().clone();
        let whole = Identified::by(Authentication::Mtls, member.clone());
        let scopes = [scope("service:population"), scope("report:read")];
        let claims = json!({"iss": "i", "sub": "m", "client_id": "m", "aud": "i", "scope": scopes.map(|scope| scope.to_string()).join(" "),
            "agencies": [], "iat": 0, "exp": 9, "jti": "j"});
        let claims: Claims = serde_json::from_value(claims).unwrap();
        let token = Identified::by_token(member.clone(), &claims, None);
        let key = Identified::by(Authentication::ApiKey, member)
            .limited(Some(Timestamp(9)), Some(&["population".parse().unwrap()]));
        assert!(
            whole.may(&scope("dossier:push"))
                && !whole.may(&scope("report:read"))
                && whole.is_for(None)
                && whole.is_for(Some("land"))
        );
        assert!(token.may(&scope("service:population")) && !token.may(&scope("dossier:push")));
        let both = whole.and(&token).unwrap().and(&key).unwrap();
        assert!(!both.may(&scope("dossier:push")) && !both.may(&scope("report:read")));
        assert!(both.is_for(Some("population")) && !both.is_for(Some("land")) && !both.is_for(None));
        assert_eq!((both.ends, both.how.to_string().as_str()), (Timestamp(9), "mtls+api-key+bearer"));
    }

    #[test]
    fn proofs_of_two_members_do_not_add_up() {
        let members = members("");
        let by = |id| Identified::by(Authentication::Basic, members.by_id(id).unwrap().clone());
        assert!(by("plain").and(&by("other")).is_none());
        let session = Identified::by_session(members.by_id("plain").unwrap().clone());
        assert_eq!((session.how.to_string().as_str(), session.how.kinds().count()), ("session", 0));
    }
}
