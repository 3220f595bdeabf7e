//! What an identity token must say to be believed (OpenID Connect Core 1.0, 3.1.3.7), stricter where that leaves room.

use aws_lc_rs::digest::{self, SHA256, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use lgsp_model::Timestamp;
use serde_json::{Map, Value};

use super::callback::same;
use super::failure::{ProviderFailure, malformed, untrusted};
use super::jws::Signed;

/// How far the provider's clock may be from ours, in seconds.
const LEEWAY: i64 = 30;

/// A token that was made longer ago than this, in seconds, does not come from this login.
const OLDEST: i64 = 600;

/// OpenID Connect Core, 2: a subject has at most so many characters.
const SUBJECT_CHARS: usize = 255;

/// For whom and from whom a token must be.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub now: Timestamp,
}

/// `typ` of an identity token's header.
pub(super) const TYPES: &[&str] = &["jwt"];

/// Checks an identity token's claims and returns its subject.
pub(super) fn check<'a>(
    signed: &'a Signed,
    expected: &Expected<'_>,
    nonce: &str,
    access_token: &str,
) -> Result<&'a str, ProviderFailure> {
    let claims = &signed.claims;
    check_parties(claims, expected)?;
    check_times(claims, expected)?;
    let came = claims.get("nonce").and_then(Value::as_str);
    if !came.is_some_and(|came| same(came, nonce)) {
        return Err(untrusted("nonce", "the identity token is of another login"));
    }
    if let Some(hash) = claims.get("at_hash")
        && !hash.as_str().is_some_and(|hash| same(hash, &half_hash(signed.algorithm, access_token)))
    {
        return Err(untrusted("at_hash", "the access token is of another login"));
    }
    subject(claims)
}

/// `sub`, which must be there.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<&str, ProviderFailure> {
    let subject = claims.get("sub").and_then(Value::as_str);
    subject
        .filter(|subject| !subject.is_empty() && subject.chars().count() <= SUBJECT_CHARS)
        .ok_or_else(|| malformed("subject", "the provider does not say who it is"))
}

/// `iss`, `aud` and `azp`.
pub(super) fn check_parties(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), ProviderFailure> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(untrusted("issuer", "the token is of another issuer"));
    }
    let ours = |value: &Value| value.as_str() == Some(expected.client_id);
    let (addressed, several) = match claims.get("aud") {
        Some(Value::Array(all)) => (all.iter().any(ours), all.len() > 1),
        Some(one) => (ours(one), false),
        None => (false, false),
    };
    if !addressed {
        return Err(untrusted("audience", "the token is for another client"));
    }
    match claims.get("azp") {
        Some(party) if !ours(party) => Err(untrusted("azp", "the token was given to another client")),
        None if several => Err(untrusted("azp", "the token is for several and does not say to whom it was given")),
        _ => Ok(()),
    }
}

/// `exp`, `iat` and `nbf`; returns when it ends, leeway included.
pub(super) fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<Timestamp, ProviderFailure> {
    let now = expected.now.0.div_euclid(1000);
    let needed = || malformed("times", "the token does not say when it was made and when it ends");
    let ends = seconds(claims, "exp")?.ok_or_else(needed)?;
    let made = seconds(claims, "iat")?.ok_or_else(needed)?;
    if now >= ends.saturating_add(LEEWAY) {
        return Err(untrusted("expired", "the token has ended"));
    }
    if made > now + LEEWAY {
        return Err(untrusted("made_in_future", "the token was made in the future; a clock is wrong"));
    }
    if made < now - OLDEST - LEEWAY {
        return Err(untrusted("too_old", "the token was made too long ago"));
    }
    if seconds(claims, "nbf")?.is_some_and(|from| from > now + LEEWAY) {
        return Err(untrusted("not_yet", "the token is not valid yet"));
    }
    Ok(Timestamp(ends.saturating_add(LEEWAY).saturating_mul(1000)))
}

/// A `NumericDate` in whole seconds.
pub(super) fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, ProviderFailure> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second is cut; what is too large saturates")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
    seconds.map(Some).ok_or_else(|| malformed("times", "a time in the token cannot be read"))
}

/// The left half of a token's hash; the hash is that of the signature's algorithm.
fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let hash = if algorithm == Algorithm::EdDSA { &SHA512 } else { &SHA256 };
    let hash = digest::digest(hash, token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}
