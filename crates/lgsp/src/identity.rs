//! Who calls: members, their secrets, access tokens and sessions. What they may do is decided where it is done.

mod guesses;
mod issuer;
mod keys;
mod members;
mod secrets;
mod sessions;
mod tokens;

pub(crate) use issuer::Issuer;
pub(crate) use keys::{KeyError, KeyRing};
pub(crate) use members::Members;
pub(crate) use secrets::SecretChecker;
pub(crate) use sessions::Sessions;
pub(crate) use tokens::{Identified, TokenCache};
