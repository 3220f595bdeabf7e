//! The settings that every provider has: where it is, who we are there.

use std::time::Duration;

use secrecy::SecretString;

use crate::place::Place;
use crate::settings::{Fields, Problem};

/// A person waits before his browser.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// `key`, `allow_private` and `timeout`. `None` when they are wrong.
pub(super) fn place(fields: &mut Fields<'_>, key: &'static str) -> Option<Place> {
    Place::read(fields, key, DEFAULT_TIMEOUT)
}

/// How we show at the token endpoint who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuth {
    Basic,
    Form,
}

/// Who we are at an OpenID provider, and what we ask of it.
pub(super) struct Registration {
    pub client_id: String,
    pub client_secret: SecretString,
    pub auth: ClientAuth,
    pub scope: String,
    /// Asked for when the login does not say how surely the person must be known.
    pub acr_values: Option<String>,
    /// Whether the provider is shown a challenge (PKCE, S256).
    pub pkce: bool,
}

impl Registration {
    /// `client_id`, `client_secret` and `scope`; the rest is the provider's.
    pub(super) fn read(fields: &mut Fields<'_>, scope: &str) -> Self {
        let scope = fields.text("scope", Some(scope));
        if !scope.split(' ').any(|word| word == "openid") {
            fields.fail("scope", Problem::Expected("words of which one is openid"));
        }
        let (client_id, client_secret) = (fields.text("client_id", None), fields.secret("client_secret"));
        Self { client_id, client_secret, auth: ClientAuth::Form, scope, acr_values: None, pkce: false }
    }
}
