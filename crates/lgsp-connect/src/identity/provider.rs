//! What every identity provider offers, and the values that cross that border.
//!
//! A provider keeps no login: the broker makes every random value, remembers it, and shows it again when the browser
//! comes back. Whether an account is known, and what a client may learn of a person, is the broker's.

use std::fmt;

use bytes::Bytes;
use lgsp_model::{Level, Timestamp};

use super::failure::{ProviderFailure, refused};
use super::person::Person;
use crate::connector::ConnectFuture;

/// What a login begins with. The broker makes every value, new for each login.
#[derive(Clone, Copy)]
pub struct LoginStart<'a> {
    /// Where the provider sends the browser back to, as it is registered there. Absolute, without a fragment.
    pub redirect_uri: &'a str,
    /// What binds the way back to this browser. Letters, digits, `-` and `_`.
    pub state: &'a str,
    /// What binds the identity token to this login.
    pub nonce: &'a str,
    /// PKCE (RFC 7636): 43 to 128 unreserved characters. Not every provider is shown its challenge.
    pub code_verifier: &'a str,
    /// How surely the person must be known; the provider's own default when absent. The broker checks what came.
    pub level: Option<Level>,
    /// Whether the person has to prove himself again although the provider knows his browser.
    pub fresh: bool,
}

/// What the browser brought back, and what the login had begun with.
#[derive(Clone, Copy)]
pub struct LoginReturn<'a> {
    /// The query of the request to the redirect address, decoded, in order, doubles included.
    pub query: &'a [(String, String)],
    /// As in [`LoginStart`].
    pub redirect_uri: &'a str,
    /// As in [`LoginStart`].
    pub state: &'a str,
    /// As in [`LoginStart`].
    pub nonce: &'a str,
    /// As in [`LoginStart`].
    pub code_verifier: &'a str,
}

/// A person whom the provider vouches for.
pub struct Authenticated {
    /// Who.
    pub person: Person,
    /// The claims as they came, one JSON object with the member `id_token` (its payload), `userinfo`, or `cas`. For a
    /// digest in the audit log; never to be kept or shown.
    pub raw: Bytes,
    /// The identity token, for [`IdentityProvider::logout_url`].
    pub id_token: Option<String>,
    /// The provider's name of the session, as a logout token will call it.
    pub sid: Option<String>,
    /// When the person last proved himself there.
    pub auth_time: Option<Timestamp>,
}

/// Nothing of a person reaches a log.
impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated").field("person", &self.person).finish_non_exhaustive()
    }
}

/// What a verified back-channel logout token says: whose sessions end. At least one of `sid` and `subject` is there.
#[derive(Clone, PartialEq, Eq)]
pub struct LoggedOut {
    /// The one session that ended; every session of the subject when absent.
    pub sid: Option<String>,
    /// The provider's own subject.
    pub subject: Option<String>,
    /// The token's id (`jti`): the broker takes each only once.
    pub token_id: String,
    /// After this the token is refused anyway: its id need not be remembered longer.
    pub ends: Timestamp,
}

/// Without whom it is about.
impl fmt::Debug for LoggedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedOut").field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// One identity provider, ready to be asked. Clients of it are bounded: every call ends in time, and when the provider
/// has failed several times in a row, calls fail at once for some seconds.
pub trait IdentityProvider: Send + Sync {
    /// The address that the browser is sent to.
    fn begin<'a>(&'a self, start: &'a LoginStart<'a>) -> ConnectFuture<'a, Result<String, ProviderFailure>>;

    /// Checks what the browser brought back and asks the provider who it is.
    fn finish<'a>(&'a self, came: &'a LoginReturn<'a>) -> ConnectFuture<'a, Result<Authenticated, ProviderFailure>>;

    /// Where the browser ends its session at the provider, coming back to `back_to`. `None` when the provider has no
    /// such page, or (provider by discovery) was not asked for it yet.
    fn logout_url(&self, id_token: Option<&str>, back_to: &str) -> Option<String>;

    /// Verifies a back-channel logout token (OpenID Connect Back-Channel Logout 1.0). Anybody may send one: an unknown
    /// key makes the provider be asked for its keys at most once per 15 s, and nobody waits for another one's asking.
    fn logout_token<'a>(&'a self, token: &'a str) -> ConnectFuture<'a, Result<LoggedOut, ProviderFailure>> {
        let _ = token;
        Box::pin(async { Err(refused("logout_token_unsupported", "this provider sends no logout tokens")) })
    }
}
