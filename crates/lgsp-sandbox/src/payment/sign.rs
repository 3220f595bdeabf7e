//! The signatures of payment providers, and the form in which VNPAY signs.
//!
//! Written from the providers' descriptions, so that another implementation has a witness. Nothing is constant in time: the keys are
//! published ones.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::{digest, hmac};

/// The bytes of a name that cannot be guessed.
const NAME_BYTES: usize = 16;

/// HMAC-SHA256, lower hex.
pub(super) fn hmac_sha256(key: &str, text: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text.as_bytes()).as_ref())
}

/// HMAC-SHA512, lower hex.
pub(super) fn hmac_sha512(key: &str, text: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes()), text.as_bytes()).as_ref())
}

/// SHA-256, lower hex.
pub(super) fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name that cannot be guessed.
pub(super) fn random_name() -> String {
    let mut bytes = [0; NAME_BYTES];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    hex(&bytes)
}

/// Encoded as a form (URL standard, `application/x-www-form-urlencoded`).
pub(super) fn form_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_published_examples() {
        // FIPS 180-2 B.1; RFC 4231 test case 2.
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let data = "what do ya want for nothing?";
        assert_eq!(hmac_sha256("Jefe", data), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(hmac_sha512("Jefe", data).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
    }

    #[test]
    fn forms_keep_four_signs() {
        assert_eq!(form_encoded("a b*-._~é"), "a+b*-._%7E%C3%A9");
    }
}
