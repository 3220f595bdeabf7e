//! Signatures as the scripted providers make them, without the code that is tested.

use std::fmt::Write as _;

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac::{self, Algorithm, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512, Key};

pub(super) fn sha256(key: &str, text: &str) -> String {
    signed(HMAC_SHA256, key, text)
}

pub(super) fn sha512(key: &str, text: &str) -> String {
    signed(HMAC_SHA512, key, text)
}

pub(super) fn sha1(key: &str, text: &str) -> String {
    signed(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, text)
}

/// SHA-256 without a key.
pub(super) fn digest(text: &str) -> String {
    hex(digest::digest(&SHA256, text.as_bytes()).as_ref())
}

fn signed(algorithm: Algorithm, key: &str, text: &str) -> String {
    hex(hmac::sign(&Key::new(algorithm, key.as_bytes()), text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
