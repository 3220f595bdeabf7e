//! Rules of OpenID Connect that a simulated provider can break, each an attack or a defect that a client must notice.
//!
//! Slow, broken and missing answers are not here: every partner has those faults.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One broken rule. Those of tokens strike id tokens and logout tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFault {
    /// Another `nonce`; in a logout token, one at all.
    WrongNonce,
    /// No `nonce` although one was sent.
    MissingNonce,
    /// `aud` is another client.
    WrongAudience,
    /// `iss` is another provider.
    WrongIssuer,
    /// `exp` is ten minutes ago.
    Expired,
    /// `nbf` and `iat` are ten minutes ahead.
    NotYetValid,
    /// `iat` is a day old although `exp` is ahead.
    OldIssue,
    /// `sub` is empty.
    EmptySubject,
    /// No `sub`.
    MissingSubject,
    /// Two audiences and no `azp`.
    AzpMissing,
    /// Two audiences, and `azp` is the other.
    AzpWrong,
    /// `at_hash` is that of another access token.
    WrongAtHash,
    /// `alg` is `none`, and there is no signature.
    AlgNone,
    /// HS256 with the public key's PEM as the secret.
    HmacWithPem,
    /// HS256 with the public key's JWK, as JSON, as the secret.
    HmacWithJwk,
    /// `kid` names no published key; another one each time.
    UnknownKid,
    /// No `kid`.
    MissingKid,
    /// `crit` names an extension that nobody knows.
    Crit,
    /// The signature is that of a key that was never published.
    ForeignKey,
    /// The signature is not that of the claims.
    BadSignature,
    /// The answer to the code has no id token.
    MissingIdToken,
    /// The `sub` of userinfo is another.
    UserinfoSubject,
    /// The way back has another `state`.
    WrongState,
    /// The way back has the `iss` of another provider (RFC 9207).
    ResponseIssuerWrong,
    /// The way back has no `iss` although discovery promised it.
    ResponseIssuerMissing,
}

/// Who has nothing to do with any of it.
pub(super) const STRANGER: &str = "https://stranger.invalid";
const TEN_MINUTES_S: u64 = 600;
const DAY_S: u64 = 86_400;

impl TokenFault {
    /// Breaks what the claims can break.
    pub(super) fn spoil_claims(self, claims: &mut Map<String, Value>, now_s: u64) {
        let client = claims["aud"].as_array().map_or_else(|| claims["aud"].clone(), |all| all[0].clone());
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        match self {
            Self::WrongNonce => drop(set("nonce", json!("another-nonce"))),
            Self::WrongAudience => {
                set("aud", json!("another-client"));
                set("azp", json!("another-client"));
            }
            Self::WrongIssuer => drop(set("iss", json!(STRANGER))),
            Self::Expired => drop(set("exp", json!(now_s - TEN_MINUTES_S))),
            Self::NotYetValid => {
                set("nbf", json!(now_s + TEN_MINUTES_S));
                set("iat", json!(now_s + TEN_MINUTES_S));
            }
            Self::OldIssue => drop(set("iat", json!(now_s - DAY_S))),
            Self::EmptySubject => drop(set("sub", json!(""))),
            Self::AzpMissing => {
                set("aud", json!([client, "another-client"]));
                claims.remove("azp");
            }
            Self::AzpWrong => {
                set("aud", json!([client, "another-client"]));
                set("azp", json!("another-client"));
            }
            Self::WrongAtHash => drop(set("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))),
            Self::MissingNonce => drop(claims.remove("nonce")),
            Self::MissingSubject => drop(claims.remove("sub")),
            Self::AlgNone
            | Self::HmacWithPem
            | Self::HmacWithJwk
            | Self::UnknownKid
            | Self::MissingKid
            | Self::Crit
            | Self::ForeignKey
            | Self::BadSignature
            | Self::MissingIdToken
            | Self::UserinfoSubject
            | Self::WrongState
            | Self::ResponseIssuerWrong
            | Self::ResponseIssuerMissing => {}
        }
    }
}
