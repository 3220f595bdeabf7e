//! A signed token's signature (RFC 7515): the key's algorithm, a closed list, nothing critical that is not understood.
//!
//! What the claims must say stands in `id_token.rs` and `logout_token.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::cache::Asker;
use super::failure::{ProviderFailure, malformed, untrusted};
use super::jwks::{Jwks, Wanted};

/// Tokens of providers have one or two KiB.
const MOST_BYTES: usize = 32 * 1024;

/// What a verified token says.
pub(super) struct Signed {
    pub payload: Vec<u8>,
    pub claims: Map<String, Value>,
    pub algorithm: Algorithm,
}

/// Verifies the signature. `types` are the values that `typ` may have, in lower case; it may be absent too.
pub(super) async fn verify(token: &str, types: &[&str], keys: &Jwks, asker: Asker) -> Result<Signed, ProviderFailure> {
    let unreadable = || malformed("token", "the provider's token cannot be read");
    let (message, signature) = token.rsplit_once('.').filter(|_| token.len() <= MOST_BYTES).ok_or_else(unreadable)?;
    let (header, payload) = message.split_once('.').ok_or_else(unreadable)?;
    let header = object(&URL_SAFE_NO_PAD.decode(header).map_err(|_| unreadable())?).ok_or_else(unreadable)?;
    let wanted = wanted(&header, types)?;
    let key = keys.find(&wanted, asker).await?;
    let genuine = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.key, key.algorithm);
    if !genuine.is_ok_and(|genuine| genuine) {
        return Err(untrusted("signature", "the token's signature is not that of its key"));
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| unreadable())?;
    let claims = object(&payload).ok_or_else(unreadable)?;
    Ok(Signed { payload, claims, algorithm: key.algorithm })
}

fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes).ok()
}

fn wanted<'a>(header: &'a Map<String, Value>, types: &[&str]) -> Result<Wanted<'a>, ProviderFailure> {
    if header.contains_key("crit") {
        return Err(untrusted("crit", "the token demands an extension that is not known here"));
    }
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Algorithm::RS256,
        Some("PS256") => Algorithm::PS256,
        Some("ES256") => Algorithm::ES256,
        Some("EdDSA" | "Ed25519") => Algorithm::EdDSA,
        _ => return Err(untrusted("algorithm", "the token is not signed by an algorithm that is accepted")),
    };
    let kind = match header.get("typ") {
        None => true,
        Some(kind) => kind.as_str().is_some_and(|kind| types.contains(&kind.to_ascii_lowercase().as_str())),
    };
    if !kind {
        return Err(untrusted("type", "the token is of another kind"));
    }
    let id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) => Some(id.as_str()),
        Some(_) => return Err(malformed("token", "the token's key has no readable name")),
    };
    Ok(Wanted { id, algorithm })
}
