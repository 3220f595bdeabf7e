//! A provider's public keys (RFC 7517): which of them may verify what.
//!
//! The key says which algorithm it is for. A key that is not public, not for signatures or of another algorithm than
//! the four that are accepted is as good as absent.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::cache::{Asker, Cache};
use super::caller::{Caller, Shown, What};
use super::discovery::EndpointSource;
use super::failure::{ProviderFailure, malformed, untrusted};

/// Keys that a set may have: some for each algorithm, and their successors.
const MOST_KEYS: usize = 50;

/// A key set is renewed after this time.
const FRESH: Duration = Duration::from_secs(600);

/// Members that only a key has which is to be kept secret.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// A coordinate of P-256 and a key of Ed25519.
const POINT_BYTES: usize = 32;

pub(super) struct Key {
    id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// What a token's header asks for.
pub(super) struct Wanted<'a> {
    pub id: Option<&'a str>,
    pub algorithm: Algorithm,
}

pub(super) struct KeySet(Vec<Arc<Key>>);

enum Found {
    Key(Arc<Key>),
    /// The key is there, but it is not for this algorithm.
    OtherAlgorithm,
    Unknown,
}

impl KeySet {
    pub(super) fn parse(body: &[u8]) -> Result<Self, ProviderFailure> {
        let value: Value = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let keys = value.get("keys").and_then(Value::as_array).ok_or_else(unreadable)?;
        if keys.len() > MOST_KEYS {
            return Err(malformed("jwks_too_many", "the provider's key set has too many keys"));
        }
        let keys: Vec<_> = keys.iter().filter_map(Value::as_object).filter_map(key).map(Arc::new).collect();
        if keys.is_empty() {
            return Err(malformed("jwks_empty", "the provider's key set has no key that can be used"));
        }
        Ok(Self(keys))
    }

    fn find(&self, wanted: &Wanted<'_>) -> Found {
        let mut named = self.0.iter().filter(|key| wanted.id.is_none() || key.id.as_deref() == wanted.id).peekable();
        if named.peek().is_none() {
            return Found::Unknown;
        }
        let mut fitting = named.filter(|key| key.algorithm == wanted.algorithm);
        match (fitting.next(), fitting.next(), wanted.id) {
            (None, ..) => Found::OtherAlgorithm,
            // Without a name it must be clear which one is meant.
            (Some(_), Some(_), None) => Found::Unknown,
            (Some(key), ..) => Found::Key(Arc::clone(key)),
        }
    }
}

fn unreadable() -> ProviderFailure {
    malformed("jwks", "the provider's key set cannot be read")
}

fn key(jwk: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let is_private = PRIVATE.iter().any(|name| jwk.contains_key(*name));
    let signs = jwk.get("use").is_none_or(|usage| usage == "sig");
    let verifies =
        jwk.get("key_ops").is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.contains(&"verify".into())));
    if is_private || !signs || !verifies {
        return None;
    }
    let long_enough = |value: &str| URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == POINT_BYTES);
    let (algorithm, key) = match (text("kty")?, text("crv"), text("alg")) {
        ("RSA", _, None | Some("RS256")) => (Algorithm::RS256, rsa(text("n")?, text("e")?)?),
        ("RSA", _, Some("PS256")) => (Algorithm::PS256, rsa(text("n")?, text("e")?)?),
        ("EC", Some("P-256"), None | Some("ES256")) => {
            let (x, y) = (text("x").filter(|x| long_enough(x))?, text("y").filter(|y| long_enough(y))?);
            (Algorithm::ES256, DecodingKey::from_ec_components(x, y).ok()?)
        }
        ("OKP", Some("Ed25519"), None | Some("EdDSA" | "Ed25519")) => {
            (Algorithm::EdDSA, DecodingKey::from_ed_components(text("x").filter(|x| long_enough(x))?).ok()?)
        }
        _ => return None,
    };
    Some(Key { id: text("kid").map(str::to_owned), algorithm, key })
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    DecodingKey::from_rsa_components(modulus, exponent).ok()
}

/// The keys of one provider, as new as they have to be.
pub(super) struct Jwks(Arc<Cache<KeySet>>);

impl Jwks {
    pub(super) fn new(endpoints: EndpointSource, caller: Arc<Caller>) -> Self {
        let clock = caller.clock();
        let fetch = move || -> crate::ConnectFuture<'static, _> {
            let (endpoints, caller) = (endpoints.clone(), Arc::clone(&caller));
            Box::pin(async move {
                let endpoints = endpoints.get(Asker::Login).await?;
                KeySet::parse(&caller.get(What::Keys, &endpoints.jwks, Shown::Nothing).await?)
            })
        };
        Self(Cache::new(FRESH, clock, Box::new(fetch)))
    }

    /// The key for a token. One that is not known makes the provider be asked, if it is time for that.
    pub(super) async fn find(&self, wanted: &Wanted<'_>, asker: Asker) -> Result<Arc<Key>, ProviderFailure> {
        let seen = self.0.get(asker).await?;
        let mut found = seen.value.find(wanted);
        if matches!(found, Found::Unknown)
            && let Some(newer) = self.0.newer(&seen, asker).await
        {
            found = newer.value.find(wanted);
        }
        match found {
            Found::Key(key) => Ok(key),
            Found::OtherAlgorithm => Err(untrusted("algorithm", "the token's algorithm is not that of its key")),
            Found::Unknown => Err(untrusted("unknown_key", "the token's key is none of the provider's")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// RFC 8037, A.2.
    const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn usable(jwk: &Value) -> bool {
        KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).is_ok()
    }

    #[test]
    fn only_public_keys_for_accepted_signatures_are_usable() {
        let good = json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "kid": "a"});
        assert!(usable(&good));
        for (member, value, expected) in [
            ("use", json!("sig"), true),
            ("use", json!("enc"), false),
            ("use", json!(1), false),
            ("key_ops", json!(["verify"]), true),
            ("key_ops", json!(["sign"]), false),
            ("key_ops", json!("verify"), false),
            ("alg", json!("EdDSA"), true),
            ("alg", json!("Ed25519"), true),
            ("alg", json!("ES256"), false),
            ("alg", json!("none"), false),
            ("d", json!("AA"), false),
            ("k", json!("AA"), false),
            ("crv", json!("X25519"), false),
            ("kty", json!("oct"), false),
            ("x", json!("AAAA"), false),
            ("x", json!("not base64!"), false),
            ("x", json!(null), false),
        ] {
            let mut jwk = good.clone();
            jwk[member] = value.clone();
            assert_eq!(usable(&jwk), expected, "{member} {value}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_provider_sends_for_keys_never_breaks(text in "[\\[\\]{}\":,a-z0-9]{0,200}", body: Vec<u8>) {
            let _ = KeySet::parse(&body);
            let _ = KeySet::parse(format!("{{\"keys\":[{{\"kty\":\"EC\",\"crv\":\"P-256\",{text}}}]}}").as_bytes());
            prop_assert!(KeySet::parse(text.as_bytes()).is_err());
        }
    }
}
