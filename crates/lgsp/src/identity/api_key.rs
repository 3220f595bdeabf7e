//! API keys: `X-API-Key: <id>.<secret>`. The id finds the key, the secret part is compared by its digest in constant time.
//!
//! A secret part is drawn at random, so one SHA-256 protects it at rest as well as a slow hash would.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{constant_time, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The header, lower case.
pub(super) const HEADER: &str = "x-api-key";

/// The shortest secret part in characters: 128 bits in base64url. Shorter ones are refused even when their digest fits, as
/// a digest protects only what cannot be guessed.
const MIN_SECRET: usize = 22;
/// The longest header value in bytes.
const MAX_VALUE: usize = 512;

/// A key as it was sent.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    pub(super) id: &'a str,
    secret: &'a str,
}

impl<'a> Presented<'a> {
    /// Splits a header value at its last dot: ids may have dots, secrets have none.
    pub(super) fn read(value: &'a str) -> Option<Self> {
        let (id, secret) = value.rsplit_once('.').filter(|_| value.len() <= MAX_VALUE)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let good = !id.is_empty() && secret.len() >= MIN_SECRET && secret.bytes().all(allowed);
        good.then_some(Self { id, secret })
    }

    /// Whether its secret part has this digest.
    pub(super) fn is(&self, sha256: &[u8; 32]) -> bool {
        let given = digest(&SHA256, self.secret.as_bytes());
        constant_time::verify_slices_are_equal(given.as_ref(), sha256).is_ok()
    }
}

/// A new key.
pub(crate) struct FreshKey {
    /// What the caller sends; shown once.
    pub(crate) value: String,
    /// What the configuration keeps, in hexadecimal digits.
    pub(crate) sha256: String,
}

impl FreshKey {
    /// Draws 256 bits.
    pub(crate) fn draw(id: &str) -> Self {
        let mut random = [0u8; 32];
        rand::fill(&mut random).expect("the system has randomness");
        let secret = URL_SAFE_NO_PAD.encode(random);
        let sha256 = crate::trace::hex_of(digest(&SHA256, secret.as_bytes()).as_ref());
        Self { value: format!("{id}.{secret}"), sha256 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fresh_key_is_recognised_by_its_digest_and_no_other_is() {
        let (key, other) = (FreshKey::draw("h11.k1"), FreshKey::draw("h11.k1"));
        let fingerprint: lgsp_config::Fingerprint = format!("sha256:{}", key.sha256).parse().unwrap();
        let presented = Presented::read(&key.value).unwrap();
        assert!(presented.id == "h11.k1" && presented.is(&fingerprint.0));
        assert!(!Presented::read(&other.value).unwrap().is(&fingerprint.0));
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let long = format!("k.{}", "a".repeat(600));
        let good = FreshKey::draw("k1").value;
        for bad in ["", "k1", "k1.", ".", "k1.short", &good[2..], &format!("{good}="), &format!("{good} "), &long] {
            assert!(Presented::read(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_not(value in any::<String>()) {
            if let Some(presented) = Presented::read(&value) {
                prop_assert!(!presented.is(&[0; 32]) && value.starts_with(presented.id));
            }
        }
    }
}
