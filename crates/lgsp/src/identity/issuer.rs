//! Issues and verifies access tokens: JWT of type `at+jwt` (RFC 9068), ES256, one issuer, one audience.

use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::{Algorithm, Header, Validation};
use lgsp_config::Member;
use lgsp_model::{AgencyGrant, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::keys::KeyRing;

/// Issues tokens in the name of one URL.
pub(crate) struct Issuer {
    url: String,
    keys: ArcSwap<KeyRing>,
    lifetime: Duration,
}

/// A token that was just issued.
pub(crate) struct Grant {
    pub(crate) token: String,
    pub(crate) expires_in: u64,
    pub(crate) scope: String,
}

/// What a verified token says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    pub(crate) sub: String,
    client_id: String,
    aud: String,
    pub(crate) scope: String,
    agencies: Vec<String>,
    iat: i64,
    pub(crate) exp: i64,
    jti: String,
}

impl Issuer {
    pub(crate) fn new(url: &str, keys: KeyRing, lifetime: Duration) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), keys: ArcSwap::from_pointee(keys), lifetime }
    }

    /// Takes over the keys of the directory as they are now.
    pub(crate) fn replace_keys(&self, keys: KeyRing) {
        self.keys.store(keys.into());
    }

    /// A token for the member with these of its scopes.
    pub(crate) fn issue(&self, member: &Member, scopes: &[&Scope], now: Timestamp) -> Grant {
        let keys = self.keys.load();
        let key = keys.signing();
        let mut random = [0u8; 16];
        aws_lc_rs::rand::fill(&mut random).expect("the system has randomness");
        let (iat, expires_in) = (now.0 / 1000, self.lifetime.as_secs());
        let scope = scopes.iter().map(|scope| scope.to_string()).collect::<Vec<_>>().join(" ");
        let claims = Claims {
            iss: self.url.clone(),
            sub: member.id.to_string(),
            client_id: member.id.to_string(),
            aud: self.url.clone(),
            scope: scope.clone(),
            agencies: agency_texts(&member.agencies),
            iat,
            exp: iat.saturating_add(i64::try_from(expires_in).unwrap_or(i64::MAX)),
            jti: crate::trace::hex_of(&random),
        };
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TYPE.into());
        header.kid = Some(key.id.clone());
        let token =
            jsonwebtoken::encode(&header, &claims, &key.signing).expect("claims are plain JSON and the key fits");
        Grant { token, expires_in, scope }
    }

    /// The claims of a token that we signed, that is meant for us and has not ended. The algorithm is fixed by the key,
    /// never taken from the token.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::ES256 {
            return None;
        }
        let keys = self.keys.load();
        let key = keys.find(header.kid.as_deref()?)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[&self.url]);
        validation.set_issuer(&[&self.url]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The end is checked below, by the program's one clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.verifying, &validation).ok()?.claims;
        (claims.exp > now.0 / 1000).then_some(claims)
    }

    pub(crate) fn jwks(&self) -> Value {
        self.keys.load().jwks()
    }

    /// RFC 8414.
    pub(crate) fn metadata(&self) -> Value {
        json!({
            "issuer": self.url,
            "token_endpoint": format!("{}/oauth2/token", self.url),
            "jwks_uri": format!("{}/.well-known/jwks.json", self.url),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["dossier:push", "dossier:read", "changes:read"],
        })
    }
}

fn agency_texts(grant: &AgencyGrant) -> Vec<String> {
    match grant {
        AgencyGrant::All => vec!["*".to_owned()],
        AgencyGrant::Codes(codes) => codes.iter().map(ToString::to_string).collect(),
    }
}

/// RFC 9068 §2.1.
const TYPE: &str = "at+jwt";
