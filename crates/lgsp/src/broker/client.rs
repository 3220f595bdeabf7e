//! Who sends a request to the token endpoint and its neighbours: a member, by one proof of RFC 6749 §2.3.1 (Basic, or in the
//! form), RFC 7523 (an assertion signed with its key) or RFC 8705 (its certificate).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::AUTHORIZATION;
use lgsp_config::{Member, Secret, SignatureAlgorithm};
use lgsp_model::Timestamp;
use lgsp_store::SoftKind;
use serde::Deserialize;

use super::error::OAuthError;
use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::form;
use crate::identity::{Audience, CertificateFacts, basic, certificate_suffices};
use crate::request::Accepted;
use crate::server::Peer;

/// A member that proved itself.
pub(crate) struct Proven {
    pub(crate) member: Arc<Member>,
    pub(crate) how: Proof,
}

/// How it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Basic,
    Form,
    Assertion,
    Certificate,
}

impl Proof {
    /// The name of OpenID Connect and RFC 8705.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Form => "client_secret_post",
            Self::Assertion => "private_key_jwt",
            Self::Certificate => "tls_client_auth",
        }
    }

    /// Every name, for the metadata.
    pub(crate) const NAMES: [&'static str; 4] =
        ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"];
}

/// What of a request can prove a client; its body is read afterwards.
pub(crate) struct Evidence {
    basic: Option<(String, Secret)>,
    peer: Peer,
    snapshot: Arc<Snapshot>,
}

/// The only kind of assertion (RFC 7523 §2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest that an assertion counts, whatever it says: so long it is remembered. Common libraries write an hour into it.
const MOST_SECONDS: i64 = 600;
/// A clock that is set while it is remembered must not make it new.
const REMEMBERED_LONGER: Duration = Duration::from_secs(60);
/// How far a client's clock may be ahead of ours.
const SKEW_SECONDS: i64 = 60;

impl Evidence {
    pub(crate) fn of(request: &Accepted) -> Result<Self, Failure> {
        Ok(Self { basic: basic(request)?, peer: request.peer.clone(), snapshot: request.snapshot.clone() })
    }

    /// The client that the request proves.
    pub(crate) async fn prove(&self, app: &App, form: &[(String, String)]) -> Result<Proven, Failure> {
        let given = |name| form::value(form, name).filter(|value| !value.is_empty());
        let ways = [self.basic.is_some(), given("client_secret").is_some(), given("client_assertion").is_some()];
        if ways.into_iter().filter(|used| *used).count() > 1 {
            return Err(OAuthError::InvalidRequest.because("prove who calls in one way only"));
        }
        let proven = if let Some((id, secret)) = &self.basic {
            self.by_secret(app, id, secret.expose(), Proof::Basic).await?
        } else if let Some(assertion) = given("client_assertion") {
            self.by_assertion(app, assertion, given("client_assertion_type")).await?
        } else {
            match (given("client_id"), given("client_secret")) {
                (Some(id), Some(secret)) => self.by_secret(app, id, secret, Proof::Form).await?,
                (Some(id), None) => self.by_certificate(id)?,
                (None, _) => return Err(missing()),
            }
        };
        if given("client_id").is_some_and(|id| id != proven.member.id.as_str()) {
            return Err(OAuthError::InvalidRequest.because("client_id is not the one that is proven"));
        }
        if proven.how != Proof::Certificate && !self.certificate_suffices(&proven.member) {
            let detail = "this member counts only together with its client certificate";
            return Err(OAuthError::InvalidClient.because(detail));
        }
        self.snapshot.members.note_use(&proven.member.id, app.clock.wall());
        Ok(proven)
    }

    fn certificate_suffices(&self, member: &Member) -> bool {
        certificate_suffices(&self.snapshot.members, member, CertificateFacts::of(&self.peer).as_ref())
    }

    async fn by_secret(&self, app: &App, id: &str, secret: &str, how: Proof) -> Result<Proven, Failure> {
        let member = self.snapshot.members.by_id(id);
        let credential = member.and_then(|member| member.credential.as_ref());
        let now = app.clock.steady();
        app.secrets.check(member.map(|member| &member.id), credential, secret, self.peer.address, now).await?;
        let member = member.cloned().ok_or_else(missing)?;
        Ok(Proven { member, how })
    }

    /// The certificate of the connection, which the listener has verified, stands for the member.
    fn by_certificate(&self, id: &str) -> Result<Proven, Failure> {
        let facts = CertificateFacts::of(&self.peer).ok_or_else(missing)?;
        let named = self.snapshot.members.of_certificate(&facts).filter(|member| member.id.as_str() == id);
        let member =
            named.cloned().ok_or_else(|| OAuthError::InvalidClient.because("the certificate is not this client's"))?;
        Ok(Proven { member, how: Proof::Certificate })
    }

    async fn by_assertion(&self, app: &App, assertion: &str, kind: Option<&str>) -> Result<Proven, Failure> {
        if kind != Some(ASSERTION) {
            return Err(OAuthError::InvalidRequest.because(format!("client_assertion_type must be {ASSERTION}")));
        }
        let wrong = || OAuthError::InvalidClient.because("the assertion does not prove this client");
        let assertion = Assertion::read(assertion).ok_or_else(wrong)?;
        let member = self.snapshot.members.by_id(&assertion.claims.sub).cloned().ok_or_else(wrong)?;
        let key = self.snapshot.members.client_key(&member, assertion.header.kid.as_deref()).ok_or_else(wrong)?;
        if jose_name(key.algorithm()) != Some(assertion.header.alg.as_str()) || !key.is_living(app.clock.wall()) {
            return Err(wrong());
        }
        if !key.fits(assertion.signed.as_bytes(), &assertion.signature) {
            return Err(wrong());
        }
        // Only now is it certain whose words these are, and worth telling what is wrong with them.
        let claims = assertion.claims;
        claims.check(app.issuer.url(), app.clock.steady())?;
        let name = format!("assertion {} {}", member.id, claims.jti);
        if !app.memory().note(SoftKind::Replay, &name, "", claims.left(app.clock.steady())).await? {
            return Err(OAuthError::InvalidClient.because("the assertion was used before"));
        }
        Ok(Proven { member, how: Proof::Assertion })
    }
}

/// The name of JOSE for an algorithm that a client may sign assertions with; a shared secret proves less than it seems.
fn jose_name(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    match algorithm {
        SignatureAlgorithm::Ed25519 => Some("EdDSA"),
        SignatureAlgorithm::EcdsaP256Sha256 => Some("ES256"),
        SignatureAlgorithm::RsaPssSha512 => Some("PS512"),
        SignatureAlgorithm::HmacSha256 => None,
    }
}

fn missing() -> Failure {
    OAuthError::InvalidClient.because(
        "prove the client: its id and secret by HTTP Basic or in the form, a signed assertion, or its certificate",
    )
}

/// An assertion, taken apart and not yet believed.
struct Assertion<'a> {
    header: Header,
    claims: AssertionClaims,
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// RFC 7523 §3.
#[derive(Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

impl<'a> Assertion<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        if header.crit.is_some() {
            return None;
        }
        let claims = serde_json::from_slice(&decode(claims)?).ok()?;
        Some(Self { header, claims, signed, signature: decode(signature)? })
    }
}

impl AssertionClaims {
    /// When it counts no more: when it says so, or some time after it was made.
    fn ends(&self) -> i64 {
        self.iat.map_or(self.exp, |made| self.exp.min(made.saturating_add(MOST_SECONDS)))
    }

    /// How long it could still be replayed.
    fn left(&self, now: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(self.ends() - now.0 / 1000).unwrap_or(0)) + REMEMBERED_LONGER
    }

    /// `url` is the issuer.
    fn check(&self, url: &str, now: Timestamp) -> Result<(), Failure> {
        let now = now.0 / 1000;
        let ours = |place: &String| {
            place == url
                || place
                    .strip_prefix(url)
                    .is_some_and(|path| matches!(path, "/oauth2/token" | "/oauth2/par" | "/token"))
        };
        let wrong = |detail: &str| Err(OAuthError::InvalidClient.because(detail));
        if self.iss != self.sub {
            return wrong("the assertion's iss and sub must be the client");
        }
        if !self.aud.all().iter().any(ours) {
            return wrong("the assertion's aud must be this issuer or its token endpoint");
        }
        let ahead = |time: Option<i64>| time.is_some_and(|time| time > now + SKEW_SECONDS);
        if self.ends() <= now || ahead(self.nbf) || ahead(self.iat) {
            return wrong("the assertion has ended or is not yet good");
        }
        if self.ends() > now + MOST_SECONDS + SKEW_SECONDS {
            return wrong("the assertion must say when it was made (iat), or end within ten minutes");
        }
        if self.jti.is_empty() || self.jti.len() > 256 {
            return wrong("the assertion's jti must be 1 to 256 bytes");
        }
        Ok(())
    }
}

fn basic(request: &Accepted) -> Result<Option<(String, Secret)>, Failure> {
    let Some(value) = request.parts.headers.get(AUTHORIZATION) else { return Ok(None) };
    let encoded = value.to_str().ok().and_then(|value| basic::credentials(value, "basic"));
    let (id, secret) = encoded.and_then(basic::pair).ok_or_else(missing)?;
    Ok(Some((unescape(&id), Secret::new(unescape(secret.expose())))))
}

/// RFC 6749 §2.3.1 has both parts form-encoded, and many clients do not encode them: what holds no escape is taken as it is.
fn unescape(text: &str) -> String {
    let decoded = text.contains('%').then(|| form::decode(text)).flatten();
    decoded.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn fits(change: &[(&str, Value)]) -> bool {
        let mut claims =
            json!({"iss": "c", "sub": "c", "aud": "https://gw/oauth2/token", "exp": NOW + 300, "jti": "1"});
        for (name, value) in change {
            claims[name] = value.clone();
        }
        let claims: AssertionClaims = serde_json::from_value(claims).unwrap();
        claims.check("https://gw", Timestamp(NOW * 1000)).is_ok()
    }

    #[test]
    fn an_assertion_counts_for_ten_minutes_whatever_it_says() {
        let hour = ("exp", json!(NOW + 3600));
        assert!(fits(&[]) && fits(&[("aud", json!(["https://gw", "https://other"]))]));
        assert!(fits(&[hour.clone(), ("iat", json!(NOW))]));
        assert!(fits(&[hour.clone(), ("iat", json!(NOW - 599))]));
        for refused in [
            vec![("exp", json!(NOW))],
            vec![hour.clone()],
            vec![hour.clone(), ("iat", json!(NOW - 600))],
            vec![hour.clone(), ("iat", json!(NOW + 3000))],
            vec![("nbf", json!(NOW + 61))],
            vec![("iss", json!("d"))],
            vec![("aud", json!("https://gw/oauth2/authorize"))],
            vec![("aud", json!("https://gw.evil/oauth2/token"))],
            vec![("jti", json!(""))],
        ] {
            assert!(!fits(&refused), "{refused:?}");
        }
    }
}
