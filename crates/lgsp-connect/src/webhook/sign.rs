//! The signature of a webhook: HMAC-SHA256 over `id.timestamp.body`, once for each secret.

use std::fmt::Write;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// Secrets of 24 to 64 bytes, as the standard asks.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets of one receiver: signed with each, so that it may check either while one replaces the other.
pub(super) struct Keys(Vec<Key>);

impl Keys {
    pub(super) fn parse(secrets: &[&str]) -> Option<Self> {
        let key = |secret: &&str| {
            let bytes = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
            SECRET_BYTES.contains(&bytes.len()).then(|| Key::new(HMAC_SHA256, &bytes))
        };
        secrets.iter().map(key).collect::<Option<Vec<_>>>().map(Self)
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mut signatures = String::new();
        for key in &self.0 {
            let mut context = hmac::Context::with_key(key);
            context.update(id.as_bytes());
            context.update(b".");
            context.update(timestamp.as_bytes());
            context.update(b".");
            context.update(body);
            let space = if signatures.is_empty() { "" } else { " " };
            write!(signatures, "{space}v1,{}", STANDARD.encode(context.sign())).expect("a text takes everything");
        }
        signatures
    }
}
