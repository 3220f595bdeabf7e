//! Signs requests as a client of RFC 9421 would: written from the standard, sharing nothing with the gateway's verifier.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

/// A key that signs, and its line in the configuration.
pub(crate) struct Signer {
    id: String,
    algorithm: &'static str,
    material: Material,
    /// `public_key` or `secret`, as TOML.
    line: String,
}

enum Material {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    /// Boxed: it is much larger than the others.
    Hmac(Box<hmac::Key>),
}

/// A request to be signed; what of it is changed after signing is not the signer's.
pub(crate) struct Unsigned<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) content_encoding: Option<&'a str>,
    pub(crate) body: &'a [u8],
    /// How long ago it was signed, in seconds.
    pub(crate) age: i64,
}

impl<'a> Unsigned<'a> {
    /// Text that is posted.
    pub(crate) fn post(uri: &'a str, body: &'a str) -> Self {
        let content_type = Some("text/plain");
        Self { method: "POST", uri, content_type, content_encoding: None, body: body.as_bytes(), age: 0 }
    }

    /// A request without a body.
    pub(crate) fn get(uri: &'a str) -> Self {
        Self { method: "GET", uri, content_type: None, content_encoding: None, body: b"", age: 0 }
    }
}

impl Signer {
    pub(crate) fn ed25519(id: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let line = format!("public_key = '''{}'''", pair.public_key_pem());
        let material = Material::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pair.serialized_der()).unwrap());
        Self { id: id.to_owned(), algorithm: "ed25519", material, line }
    }

    pub(crate) fn ecdsa(id: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let line = format!("public_key = '''{}'''", pair.public_key_pem());
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der()).unwrap();
        Self { id: id.to_owned(), algorithm: "ecdsa-p256-sha256", material: Material::Ecdsa(key), line }
    }

    pub(crate) fn hmac(id: &str) -> Self {
        let mut secret = [0u8; 32];
        rand::fill(&mut secret).unwrap();
        let line = format!("secret = \"{}\"", STANDARD.encode(secret));
        let material = Material::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &secret)));
        Self { id: id.to_owned(), algorithm: "hmac-sha256", material, line }
    }

    /// The table in `signature_keys`, with more keys.
    pub(crate) fn table(&self, more: &str) -> String {
        format!("{{ id = \"{}\", algorithm = \"{}\", {}{more} }}", self.id, self.algorithm, self.line)
    }

    /// What of the configuration's line must never be seen again.
    pub(crate) fn secret(&self) -> Option<&str> {
        self.line.strip_prefix("secret = \"")?.strip_suffix('"')
    }

    /// The headers that sign this request; its own content headers are among them.
    pub(crate) fn sign(&self, request: &Unsigned<'_>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        let mut covered = vec![("@method", request.method.to_owned()), ("@target-uri", request.uri.to_owned())];
        if !request.body.is_empty() {
            let body = STANDARD.encode(digest(&SHA256, request.body));
            headers.push(("content-digest", format!("sha-256=:{body}:")));
        }
        headers.extend(request.content_type.map(|value| ("content-type", value.to_owned())));
        headers.extend(request.content_encoding.map(|value| ("content-encoding", value.to_owned())));
        covered.extend(headers.iter().cloned());
        let names: Vec<String> = covered.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let mut nonce = [0u8; 12];
        rand::fill(&mut nonce).unwrap();
        let parameters = format!(
            "({});created={};keyid=\"{}\";nonce=\"{}\"",
            names.join(" "),
            seconds() - request.age,
            self.id,
            STANDARD.encode(nonce)
        );
        let mut base = String::new();
        for (name, value) in &covered {
            writeln!(base, "\"{name}\": {value}").unwrap();
        }
        write!(base, "\"@signature-params\": {parameters}").unwrap();
        let signature = STANDARD.encode(self.material.sign(base.as_bytes()));
        headers.push(("signature-input", format!("sig={parameters}")));
        headers.push(("signature", format!("sig=:{signature}:")));
        headers
    }
}

impl Material {
    fn sign(&self, base: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(base).as_ref().to_vec(),
            Self::Ecdsa(key) => key.sign(&SystemRandom::new(), base).unwrap().as_ref().to_vec(),
            Self::Hmac(key) => hmac::sign(key, base).as_ref().to_vec(),
        }
    }
}

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}
