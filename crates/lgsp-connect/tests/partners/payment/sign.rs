//! Signatures as the scripted providers make them, without the code that is tested.

use std::fmt::Write as _;

use aws_lc_rs::hmac::{self, Algorithm, HMAC_SHA256, HMAC_SHA512, Key};

pub(super) fn sha256(key: &str, text: &str) -> String {
    signed(HMAC_SHA256, key, text)
}

pub(super) fn sha512(key: &str, text: &str) -> String {
    signed(HMAC_SHA512, key, text)
}

fn signed(algorithm: Algorithm, key: &str, text: &str) -> String {
    let tag = hmac::sign(&Key::new(algorithm, key.as_bytes()), text.as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
