//! What a back-channel logout token must say to be believed (OpenID Connect Back-Channel Logout 1.0, 2.6).
//!
//! That each is taken only once is the broker's care.

use serde_json::Value;

use super::failure::{ProviderFailure, malformed, untrusted};
use super::id_token::{Expected, check_parties, check_times};
use super::jws::Signed;
use super::provider::LoggedOut;

/// The member of `events` that makes a token one of logout.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// `typ` of its header; older providers write `JWT`.
pub(super) const TYPES: &[&str] = &["logout+jwt", "jwt"];

pub(super) fn check(signed: &Signed, expected: &Expected<'_>) -> Result<LoggedOut, ProviderFailure> {
    let claims = &signed.claims;
    check_parties(claims, expected)?;
    let ends = check_times(claims, expected)?;
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(untrusted("event", "the token is none of logout"));
    }
    if claims.contains_key("nonce") {
        return Err(untrusted("nonce", "a logout token has no nonce: this is another kind of token"));
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let (sid, subject) = (text("sid"), text("sub"));
    let token_id = text("jti").ok_or_else(|| malformed("token_id", "the logout token has no id"))?;
    if sid.is_none() && subject.is_none() {
        return Err(malformed("subject", "the logout token does not say whose session ends"));
    }
    Ok(LoggedOut { sid, subject, token_id, ends })
}
