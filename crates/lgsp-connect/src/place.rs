//! Where a partner that somebody names in settings is to be found, and which of its addresses are acceptable: no scheme but https
//! (http where the settings themselves use it), no password, no address inside our network unless that is allowed.
//!
//! It calls nothing; what a name leads to is checked again when it is called.

use std::time::Duration;

use hyper::Uri;

use crate::client::{Reach, forbidden_literal};
use crate::settings::{Fields, Problem};

/// A person waits before his browser, or a job's place is taken: longer than this helps nobody.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(60);

const EXPECTED_ADDRESS: Problem =
    Problem::Expected("a public address that begins with https:// (http:// and private ones: allow_private = true)");

/// Which addresses of a partner are acceptable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressRule {
    pub reach: Reach,
    /// Whether http will do.
    pub plain: bool,
}

impl AddressRule {
    pub(crate) fn read(self, text: &str) -> Option<Uri> {
        let uri: Uri = text.parse().ok().filter(|_| !text.contains('#'))?;
        let scheme = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => self.plain,
            _ => false,
        };
        let host = uri.host().filter(|host| !host.is_empty() && !forbidden_literal(host, self.reach)).is_some();
        let bare = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        (scheme && host && bare).then_some(uri)
    }
}

/// A partner's address, and what follows from it for all its other ones.
pub(crate) struct Place {
    /// As it was written.
    pub given: String,
    /// Without a slash at its end.
    pub base: String,
    pub rule: AddressRule,
    pub timeout: Duration,
}

impl Place {
    /// `key`, `allow_private` and `timeout`. `None` when they are wrong.
    pub(crate) fn read(fields: &mut Fields<'_>, key: &'static str, default_timeout: Duration) -> Option<Self> {
        let allow_private = fields.flag("allow_private", false);
        let timeout = fields.duration("timeout", default_timeout, TIMEOUTS);
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
    pub(crate) fn below(&self, fields: &mut Fields<'_>, key: &'static str, default: &str) -> Option<Uri> {
        let path = fields.text(key, Some(default));
        let uri = Some(path).filter(|path| path.starts_with('/') && !path.contains('?'));
        let uri = uri.and_then(|path| self.rule.read(&format!("{}{path}", self.base)));
        if uri.is_none() {
            fields.fail(key, Problem::Expected("a path that begins with /"));
        }
        uri
    }

    /// The same partner's other base, where a setting names one; else this one. `None` when it is wrong.
    pub(crate) fn elsewhere(&self, fields: &mut Fields<'_>, key: &'static str) -> Option<Self> {
        let text = fields.text(key, Some(&self.given));
        if self.rule.read(&text).is_none_or(|uri| uri.query().is_some()) {
            fields.fail(key, EXPECTED_ADDRESS);
            return None;
        }
        Some(Self { base: text.trim_end_matches('/').to_owned(), given: text, ..*self })
    }

    pub(crate) fn needs_tls(&self) -> bool {
        !self.rule.plain
    }
}
