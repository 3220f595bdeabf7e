//! How the simulated OpenID providers behave: clients, addresses, lifetimes, and which rule of the standard is broken.
//!
//! Everything can be changed while they run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::spoil::TokenFault;
use crate::access::Access;

/// What a provider does with a `code_challenge` (RFC 7636).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkceRule {
    /// Takes it and never looks at it.
    Ignored,
    /// Checks the verifier when there was a challenge; a verifier without a challenge is refused.
    Checked,
    /// Refuses requests without one.
    Required,
}

/// What id tokens are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSA with 2048 bits, PKCS #1 v1.5, SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// P-256, SHA-256.
    #[serde(rename = "ES256")]
    Es256,
}

impl SigningAlgorithm {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// What `sub` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectRule {
    /// The provider's own for each person, always the same.
    #[default]
    Own,
    /// The same for one person at every provider with this rule, although two issuers know nothing of each other.
    Everywhere,
    /// The same for everybody: a provider that gives a subject again.
    Reused,
}

/// How a simulated OpenID provider behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// The client and its secret, the life of access tokens and how many calls they are good for, the delay of answers.
    pub access: Access,
    /// Where issuer and endpoints start, such as `http://sandbox:9090`; absent = as the caller addressed it.
    pub base: Option<String>,
    /// Where browsers may be sent back to after signing in or out, to the letter; empty = any http or https address.
    pub redirect_uris: Vec<String>,
    /// What happens to a code challenge; absent = what this provider does.
    pub pkce: Option<PkceRule>,
    /// What id tokens are signed with; absent = what this provider uses.
    pub algorithm: Option<SigningAlgorithm>,
    /// The life of a code in milliseconds.
    pub code_lifetime_ms: u64,
    /// The life of an id token in seconds.
    pub id_token_lifetime_s: u64,
    /// What `sub` is.
    pub subject: SubjectRule,
    /// The rule that every sign-in breaks; absent = none.
    pub spoil: Option<TokenFault>,
    /// Claims in place of those of everybody in userinfo; `null` takes one away.
    pub claims: Map<String, Value>,
    /// Members in place of those of the discovery document; `null` takes one away.
    pub discovery: Map<String, Value>,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            access: Access::default(),
            base: None,
            redirect_uris: Vec::new(),
            pkce: None,
            algorithm: None,
            code_lifetime_ms: 60_000,
            id_token_lifetime_s: 3600,
            subject: SubjectRule::Own,
            spoil: None,
            claims: Map::new(),
            discovery: Map::new(),
        }
    }
}

/// Puts members in place of those of an object.
pub(super) fn replace(object: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}
