//! The one entry of every caller of a service: takes the proofs that came with a request, as far as the service accepts
//! their kinds, and finds the one member that all of them prove. What the member may do is asked afterwards.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Method, Uri};
use lgsp_config::{Credential, Member};
use lgsp_model::{ErrorCode, Timestamp};

use super::access_token::{self, Access};
use super::api_key::{self, Presented};
use super::basic;
use super::caller::{Authentication, Identified};
use super::issuer::{Confirmation, Issuer};
use super::members::Members;
use super::mtls::{CertificateFacts, certificate_thumbprint};
use super::revoked::Revoked;
use super::secrets::SecretChecker;
use super::signature::{self, BadSignature, ExpectedDigest, Now, Replays};
use super::tokens::TokenCache;
use crate::failure::Failure;
use crate::telemetry::Metrics;

/// What of a request can prove who sent it.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    /// Whether a body follows.
    pub(crate) has_body: bool,
    /// `http` or `https`, as members reach us.
    pub(crate) scheme: &'a str,
    /// The address that wrong secrets are counted for.
    pub(crate) from: IpAddr,
    /// The verified certificate of the connection.
    pub(crate) certificate: Option<CertificateFacts<'a>>,
    /// The thumbprint of the key that a proof beside the token showed (RFC 9449).
    pub(crate) proven_key: Option<&'a str>,
}

/// What proofs are checked against, and when.
#[derive(Clone, Copy)]
pub(crate) struct Keepers<'a> {
    pub(crate) tokens: &'a TokenCache,
    pub(crate) issuer: &'a Issuer,
    pub(crate) revoked: &'a Revoked,
    pub(crate) secrets: &'a SecretChecker,
    pub(crate) replays: &'a Replays,
    pub(crate) metrics: &'a Metrics,
    pub(crate) steady: Timestamp,
    pub(crate) wall: Timestamp,
}

/// Who calls, and what his body must be.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) identified: Arc<Identified>,
    /// What a signed request says of its body: to be checked when that was read, before anything is done with it.
    pub(crate) digest: Option<ExpectedDigest>,
}

/// Finds out who calls a service (`None`: the gateway itself), which accepts these kinds of proof. Every proof of an accepted kind has to
/// be right, and all of them have to name one member; proofs of other kinds count for nothing.
///
/// # Errors
/// 401 with the accepted kinds when nobody is proven, 403 when a key is not for this service, 429 after too many wrong
/// secrets. No error tells which part of a proof is wrong, unless it is a rule that everybody may know.
pub(crate) async fn authenticate(
    keepers: &Keepers<'_>,
    members: &Members,
    head: &Head<'_>,
    service: Option<&str>,
    kinds: &[Authentication],
) -> Result<Caller, Failure> {
    let attempt = Attempt { keepers, members, head, kinds };
    let caller = match attempt.prove_all().await {
        Ok(caller) => caller,
        Err(refusal) => return Err(attempt.told(refusal)),
    };
    for kind in caller.identified.how.kinds() {
        keepers.metrics.authentication(kind.as_str(), "accepted");
        if kind == Authentication::LgspAccessToken {
            keepers.metrics.legacy_client(caller.identified.member.id.as_str(), kind.as_str());
        }
    }
    members.note_use(&caller.identified.member.id, keepers.wall);
    if caller.identified.is_for(service) {
        return Ok(caller);
    }
    Err(Failure::new(ErrorCode::InsufficientScope, "this key or token is not for this service"))
}

/// Whether the certificate of a connection is enough for what a member demands of its own calls.
pub(crate) fn certificate_suffices(
    members: &Members,
    member: &Member,
    certificate: Option<&CertificateFacts<'_>>,
) -> bool {
    let holds = |certificate| matches!(members.by_certificate(certificate), Ok(Some(by)) if by.member.id == member.id);
    !member.certificate_required || certificate.is_some_and(holds)
}

/// Why nobody is proven.
enum Refusal {
    /// There is no proof of an accepted kind.
    Missing,
    /// A proof is wrong; the cause is for the operator.
    Wrong(Authentication, &'static str),
    /// A signature does not count.
    Signature(BadSignature),
    /// Too many wrong secrets before this one.
    Slowed(Authentication, Failure),
    /// The proofs name several members.
    Several,
}

type Proven = Result<Option<Arc<Identified>>, Refusal>;

struct Attempt<'a> {
    keepers: &'a Keepers<'a>,
    members: &'a Members,
    head: &'a Head<'a>,
    kinds: &'a [Authentication],
}

impl Attempt<'_> {
    async fn prove_all(&self) -> Result<Caller, Refusal> {
        let (mut found, mut digest): (Option<Arc<Identified>>, _) = (None, None);
        for kind in Authentication::ALL.into_iter().filter(|kind| self.kinds.contains(kind)) {
            let proven = match kind {
                Authentication::Mtls => self.by_certificate()?,
                Authentication::ApiKey => self.by_api_key()?,
                Authentication::Bearer => self.by_bearer()?,
                Authentication::LgspAccessToken => self.by_access_token().await?,
                Authentication::Basic => self.by_basic().await?,
                Authentication::Signature => self.by_signature()?.map(|signed| {
                    digest = signed.digest;
                    signed.identified
                }),
            };
            if let Some(proven) = proven {
                found = Some(together(found, proven)?);
            }
        }
        let identified = found.ok_or(Refusal::Missing)?;
        if certificate_suffices(self.members, &identified.member, self.head.certificate.as_ref()) {
            Ok(Caller { identified, digest })
        } else {
            Err(Refusal::Wrong(Authentication::Mtls, "the member's certificate is missing"))
        }
    }

    fn by_certificate(&self) -> Proven {
        let Some(certificate) = &self.head.certificate else { return Ok(None) };
        let found = self.members.by_certificate(certificate);
        found.map(Option::<&Arc<_>>::cloned).map_err(|_| Refusal::Several)
    }

    fn by_api_key(&self) -> Proven {
        let kind = Authentication::ApiKey;
        let Some(value) = self.only(api_key::HEADER, kind)? else { return Ok(None) };
        let presented = Presented::read(value).ok_or(Refusal::Wrong(kind, "malformed"))?;
        let known = self.members.api_key(presented.id);
        let nobody = [0; 32];
        let right = presented.is(known.map_or(&nobody, |known| &known.key));
        // A right key is 128 bits or more, so that slowing down guesses must not slow it down too.
        if let Some(known) = known.filter(|_| right) {
            let live = known.caller.ends > self.keepers.wall;
            return if live { Ok(Some(known.caller.clone())) } else { Err(Refusal::Wrong(kind, "the key has ended")) };
        }
        let who = known.map(|known| &known.caller.member.id);
        let (from, now) = (self.head.from, self.keepers.steady);
        self.keepers.secrets.may_guess(who, from, now).map_err(|slowed| Refusal::Slowed(kind, slowed))?;
        self.keepers.secrets.wrong(who, from, now);
        Err(Refusal::Wrong(kind, "no such key"))
    }

    fn by_bearer(&self) -> Proven {
        let kind = Authentication::Bearer;
        let value = self.only(AUTHORIZATION.as_str(), kind)?;
        let scheme = |name| value.and_then(|value| basic::credentials(value, name));
        let (token, proven) = match (scheme("bearer"), scheme("dpop")) {
            (Some(token), _) => (token, false),
            (None, Some(token)) => (token, true),
            (None, None) => return Ok(None),
        };
        let Keepers { tokens, issuer, revoked, steady, .. } = *self.keepers;
        let found = tokens.identify(token, issuer, revoked, self.members, steady);
        let found = found.ok_or(Refusal::Wrong(kind, "not ours, ended, revoked, or its member is gone"))?;
        match &found.bound {
            None if !proven => Ok(Some(found)),
            None => Err(Refusal::Wrong(kind, "the token is bound to no key")),
            Some(Confirmation::Certificate(thumbprint)) => {
                let shown = self.head.certificate.as_ref().and_then(certificate_thumbprint);
                let same = shown.is_some_and(|shown| shown == *thumbprint);
                if same { Ok(Some(found)) } else { Err(Refusal::Wrong(kind, "the token is another certificate's")) }
            }
            Some(Confirmation::Key(thumbprint)) => {
                let same = proven && self.head.proven_key == Some(thumbprint.as_str());
                if same { Ok(Some(found)) } else { Err(Refusal::Wrong(kind, "the token is another key's")) }
            }
        }
    }

    async fn by_basic(&self) -> Proven {
        let kind = Authentication::Basic;
        let value = self.only(AUTHORIZATION.as_str(), kind)?;
        let Some(encoded) = value.and_then(|value| basic::credentials(value, "basic")) else { return Ok(None) };
        let (id, secret) = basic::pair(encoded).ok_or(Refusal::Wrong(kind, "malformed"))?;
        let member = self.members.by_id(&id);
        let credential = member.and_then(|member| member.credential.as_ref());
        self.by_secret(kind, member, credential, secret.expose()).await.map(Some)
    }

    /// The header alone, or beside a token of the same member: as was agreed with the member.
    async fn by_access_token(&self) -> Proven {
        let kind = Authentication::LgspAccessToken;
        let Some(value) = self.only(access_token::HEADER, kind)? else { return Ok(None) };
        let Access { key, secret } = Access::read(value).ok_or(Refusal::Wrong(kind, "malformed"))?;
        let member = self.members.by_access_key(&key);
        let access = member.and_then(|member| member.lgsp_access.as_ref());
        let proven = self.by_secret(kind, member, access.map(|access| &access.credential), secret.expose()).await?;
        if !access.is_some_and(|access| access.token_required) {
            return Ok(Some(proven));
        }
        let token = self.by_bearer()?.ok_or(Refusal::Wrong(kind, "its bearer token is missing"))?;
        together(Some(proven), token).map(Some)
    }

    async fn by_secret(
        &self,
        kind: Authentication,
        member: Option<&Arc<Member>>,
        credential: Option<&Credential>,
        secret: &str,
    ) -> Result<Arc<Identified>, Refusal> {
        let who = member.map(|member| &member.id);
        let checked = self.keepers.secrets.check(who, credential, secret, self.head.from, self.keepers.steady).await;
        checked.map_err(|failure| match failure.code {
            ErrorCode::BadCredentials => Refusal::Wrong(kind, "wrong secret"),
            _ => Refusal::Slowed(kind, failure),
        })?;
        let member = member.ok_or(Refusal::Wrong(kind, "wrong secret"))?;
        Ok(Arc::new(Identified::by(kind, member.clone())))
    }

    fn by_signature(&self) -> Result<Option<Caller>, Refusal> {
        let now = Now { wall: self.keepers.wall, steady: self.keepers.steady };
        signature::verify(self.head, self.members, self.keepers.replays, now).map_err(Refusal::Signature)
    }

    /// The value of a header that may be there once; what is not text proves nothing.
    fn only(&self, name: &str, kind: Authentication) -> Result<Option<&str>, Refusal> {
        let mut values = self.head.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::Wrong(kind, "the header is there twice"));
        }
        value.to_str().map(Some).map_err(|_| Refusal::Wrong(kind, "not ASCII"))
    }

    /// What the caller is told; the operator is told why.
    fn told(&self, refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Missing => {
                self.keepers.metrics.authentication("none", "missing");
                let accepted: Vec<_> = self.kinds.iter().map(|kind| kind.as_str()).collect();
                Failure::unproven(format!("prove who calls; accepted here: {}", accepted.join(", ")), self.kinds)
            }
            Refusal::Wrong(kind, cause) => {
                self.refused(kind, cause);
                Failure::unproven(WRONG, self.kinds)
            }
            Refusal::Several => {
                self.keepers.metrics.authentication("several", "refused");
                Failure::unproven("what was sent proves several members; send the proofs of one", self.kinds)
            }
            Refusal::Slowed(kind, failure) => {
                self.keepers.metrics.authentication(kind.as_str(), "slowed");
                failure
            }
            Refusal::Signature(bad) => self.bad_signature(bad),
        }
    }

    fn bad_signature(&self, bad: BadSignature) -> Failure {
        self.refused(Authentication::Signature, bad);
        match bad {
            BadSignature::TooMany => Failure::retry(ErrorCode::RateLimited, bad.to_string(), FORGETTING),
            BadSignature::Full => Failure::retry(ErrorCode::Overloaded, bad.to_string(), FORGETTING),
            rule if rule.is_public() => Failure::unproven(rule.to_string(), self.kinds),
            _ => Failure::unproven(WRONG, self.kinds),
        }
    }

    fn refused(&self, kind: Authentication, cause: impl Display) {
        self.keepers.metrics.authentication(kind.as_str(), "refused");
        tracing::info!(kind = kind.as_str(), %cause, address = %self.head.from, "proof refused");
    }
}

/// All that is told of a wrong proof: which part of it is wrong would help to guess.
const WRONG: &str = "what was sent does not prove a member";

/// How long a caller waits while there is no room to remember another signature.
const FORGETTING: Duration = Duration::from_secs(5);

fn together(found: Option<Arc<Identified>>, next: Arc<Identified>) -> Result<Arc<Identified>, Refusal> {
    match found {
        None => Ok(next),
        Some(found) => found.and(&next).map(Arc::new).ok_or(Refusal::Several),
    }
}

#[cfg(test)]
mod tests;
