//! Who calls: members and what proves them. What they may do is decided where it is done.

mod access_token;
mod api_key;
mod authenticate;
pub(crate) mod basic;
mod caller;
mod client_key;
mod digest_key;
#[cfg(test)]
mod fixture;
mod guesses;
mod issuer;
mod keys;
mod members;
mod mtls;
mod revoked;
mod secrets;
mod sessions;
mod signature;
mod tokens;

pub(crate) use api_key::FreshKey;
pub(crate) use authenticate::{Head, Keepers, authenticate, certificate_suffices};
pub(crate) use caller::{Authentication, Identified, Kinds};
pub(crate) use digest_key::DigestKey;
pub(crate) use issuer::{Actor, Audience, Claims, Confirmation, Issuer, Order, PersonClaims, random_id, signed_claims};
pub(crate) use keys::{KeyError, KeyRing, SHOWN_BEFORE_MILLIS};
pub(crate) use members::{
    BadMemberKey, Grant, KeptKey, KeptSecret, MOST_API_KEYS, MOST_SECRETS, Members, Record, Records, Revocation,
    Roster, Seen, lives,
};
pub(crate) use mtls::{CertificateFacts, certificate_thumbprint};
pub(crate) use revoked::Revoked;
pub(crate) use secrets::SecretChecker;
pub(crate) use sessions::Sessions;
pub(crate) use signature::{ExpectedDigest, Replays};
pub(crate) use tokens::TokenCache;
