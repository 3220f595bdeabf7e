//! Issues and verifies access tokens: JWT of type `at+jwt` (RFC 9068). It signs id tokens and other statements in the name
//! of the same issuer. Who may have one is decided elsewhere.

use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use lgsp_config::{Member, TokenAlgorithm};
use lgsp_model::{AgencyGrant, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys::{KeyRing, library_name};

/// Issues tokens in the name of one URL.
pub(crate) struct Issuer {
    url: String,
    keys: ArcSwap<KeyRing>,
    lifetime: Duration,
}

/// A token to be issued.
pub(crate) struct Order<'a> {
    /// Who gets it.
    pub(crate) client: &'a Member,
    /// In whose name: a person, or the client itself.
    pub(crate) subject: &'a str,
    /// Scopes, with a space between two.
    pub(crate) scope: String,
    /// What it is for; empty: the gateway as a whole.
    pub(crate) audience: Vec<String>,
    /// When it ends at the latest.
    pub(crate) no_later: Option<Timestamp>,
    /// Whose key its bearer must hold.
    pub(crate) confirmation: Option<Confirmation>,
    /// What is known of the person.
    pub(crate) person: Option<PersonClaims>,
}

/// What a token says of a person who signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PersonClaims {
    /// All that one sign-in allowed.
    pub(crate) grant: String,
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<String>,
    pub(crate) auth_time: i64,
    /// Who acts for him (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Actor>,
}

/// Who acts, and for whom he does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Actor {
    pub(crate) sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Box<Actor>>,
}

/// The key that a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Confirmation {
    /// A client certificate (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256")]
    Certificate(String),
    /// A key of DPoP proofs (RFC 9449 §6.1).
    #[serde(rename = "jkt")]
    Key(String),
}

/// A token that was just issued.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) expires_in: u64,
    pub(crate) scope: String,
}

/// What a verified token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) aud: Audience,
    pub(crate) scope: String,
    agencies: Vec<String>,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cnf: Option<Confirmation>,
    #[serde(default, flatten)]
    pub(crate) person: Option<PersonClaims>,
}

/// `aud`: one or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(all) => all,
        }
    }
}

/// The type of an access token (RFC 9068 §2.1).
const ACCESS_TOKEN: &str = "at+jwt";

/// What a service is called as the place that a token is for (RFC 8707), below the issuer's address.
const SERVICES: &str = "/services/";

impl Issuer {
    pub(crate) fn new(url: &str, keys: KeyRing, lifetime: Duration) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), keys: ArcSwap::from_pointee(keys), lifetime }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Takes over the keys of the directory as they are now.
    pub(crate) fn replace_keys(&self, keys: KeyRing) {
        self.keys.store(keys.into());
    }

    /// The token that was ordered.
    pub(crate) fn fill(&self, order: Order<'_>, now: Timestamp) -> Issued {
        let iat = now.0 / 1000;
        let end = iat.saturating_add(i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX));
        let exp = order.no_later.map_or(end, |latest| end.min(latest.0 / 1000));
        let mut audience = order.audience;
        let aud = match (audience.pop(), audience.is_empty()) {
            (None, _) => Audience::One(self.url.clone()),
            (Some(only), true) => Audience::One(only),
            (Some(last), false) => {
                audience.push(last);
                Audience::Several(audience)
            }
        };
        let claims = Claims {
            iss: self.url.clone(),
            sub: order.subject.to_owned(),
            client_id: order.client.id.to_string(),
            aud,
            scope: order.scope,
            agencies: agency_texts(&order.client.agencies),
            iat,
            exp,
            jti: random_id(),
            cnf: order.confirmation,
            person: order.person,
        };
        let token = self.sign(TokenAlgorithm::Es256, ACCESS_TOKEN, &claims, now);
        Issued { token, expires_in: u64::try_from(exp - iat).unwrap_or(0), scope: claims.scope }
    }

    /// Signs a statement.
    pub(crate) fn sign(
        &self,
        algorithm: TokenAlgorithm,
        media_type: &str,
        claims: &impl Serialize,
        now: Timestamp,
    ) -> String {
        let keys = self.keys.load();
        let key = keys.signing(algorithm, now);
        let mut header = Header::new(library_name(algorithm));
        header.typ = Some(media_type.into());
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, claims, &key.signing).expect("claims are plain JSON and the key fits")
    }

    /// The claims of a token that we signed and that has not ended. The algorithm is fixed by the key, never taken from the
    /// token. Whether it is meant for whoever was shown it is for the caller to check.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let claims: Claims = self.read(token, ACCESS_TOKEN, now)?;
        // A member's own token is in its own name.
        let whose = claims.person.is_some() || claims.sub == claims.client_id;
        (whose && claims.exp > now.0 / 1000 && claims.iss == self.url).then_some(claims)
    }

    /// A statement that we signed, whether it has ended or not. What it says is for the caller to check.
    pub(crate) fn read<T: serde::de::DeserializeOwned + Clone>(
        &self,
        token: &str,
        media_type: &str,
        now: Timestamp,
    ) -> Option<T> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(media_type) {
            return None;
        }
        let keys = self.keys.load();
        let key = keys.find(header.kid.as_deref()?, now, self.kept_millis())?;
        let algorithm = library_name(key.algorithm);
        if header.alg != algorithm {
            return None;
        }
        signed_claims(token, &key.verifying, algorithm)
    }

    /// The service whose address as a place for tokens this is.
    pub(crate) fn service_of<'a>(&self, place: &'a str) -> Option<&'a str> {
        place.strip_prefix(self.url.as_str())?.strip_prefix(SERVICES).filter(|id| !id.is_empty())
    }

    /// How a service is called as a place that a token is for.
    pub(crate) fn place_of(&self, service: &str) -> String {
        format!("{}{SERVICES}{service}", self.url)
    }

    pub(crate) fn jwks(&self, now: Timestamp) -> Value {
        self.keys.load().jwks(now, self.kept_millis())
    }

    /// How long a key verifies after its successor began to sign.
    fn kept_millis(&self) -> i64 {
        i64::try_from((self.lifetime + SPARE).as_millis()).unwrap_or(i64::MAX)
    }
}

/// What a statement says that a key signed. Times are judged by the program's one clock, the rest by who knows what it must be.
pub(crate) fn signed_claims<T: serde::de::DeserializeOwned + Clone>(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Option<T> {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    Some(jsonwebtoken::decode::<T>(token, key, &validation).ok()?.claims)
}

/// Beyond the life of a token.
const SPARE: Duration = Duration::from_secs(60);

/// 128 random bits.
pub(crate) fn random_id() -> String {
    let mut random = [0u8; 16];
    aws_lc_rs::rand::fill(&mut random).expect("the system has randomness");
    crate::trace::hex_of(&random)
}

fn agency_texts(grant: &AgencyGrant) -> Vec<String> {
    match grant {
        AgencyGrant::All => vec!["*".to_owned()],
        AgencyGrant::Codes(codes) => codes.iter().map(ToString::to_string).collect(),
    }
}
