//! The settings that every provider has: where it is, who we are there, how long a call may take.

use std::time::Duration;

use hyper::Uri;
use secrecy::SecretString;

use super::discovery::AddressRule;
use crate::client::Reach;
use crate::settings::{Fields, Problem};

/// A person waits before his browser: longer than this helps nobody.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(60);

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

const EXPECTED_ADDRESS: Problem =
    Problem::Expected("a public address that begins with https:// (http:// and private ones: allow_private = true)");

/// A provider's address, and what follows from it for all its other ones.
pub(super) struct Place {
    /// As it was written.
    pub given: String,
    /// Without a slash at its end.
    pub base: String,
    pub rule: AddressRule,
    pub timeout: Duration,
}

impl Place {
    /// `key`, `allow_private` and `timeout`. `None` when they are wrong.
    pub(super) fn read(fields: &mut Fields<'_>, key: &'static str) -> Option<Self> {
        let allow_private = fields.flag("allow_private", false);
        let timeout = fields.duration("timeout", DEFAULT_TIMEOUT, TIMEOUTS);
        let text = fields.text(key, None);
        if text.is_empty() {
            return None;
        }
        let reach = if allow_private { Reach::Anywhere } else { Reach::PublicOnly };
        let plain = allow_private && text.starts_with("http://");
        let rule = AddressRule { reach, plain };
        if rule.read(&text).is_none_or(|uri| uri.query().is_some()) {
            fields.fail(key, EXPECTED_ADDRESS);
            return None;
        }
        Some(Self { base: text.trim_end_matches('/').to_owned(), given: text, rule, timeout })
    }

    /// An address below it, whose path is a setting.
    pub(super) fn below(&self, fields: &mut Fields<'_>, key: &'static str, default: &str) -> Option<Uri> {
        let path = fields.text(key, Some(default));
        let uri = Some(path).filter(|path| path.starts_with('/') && !path.contains('?'));
        let uri = uri.and_then(|path| self.rule.read(&format!("{}{path}", self.base)));
        if uri.is_none() {
            fields.fail(key, Problem::Expected("a path that begins with /"));
        }
        uri
    }

    pub(super) fn needs_tls(&self) -> bool {
        !self.rule.plain
    }
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

/// A text that may be absent.
pub(super) fn optional(fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    fields.get(key).is_some().then(|| fields.text(key, None)).filter(|text| !text.is_empty())
}
