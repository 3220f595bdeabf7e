//! One signing key: its file, its public half, its name.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair as SigningRsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use lgsp_config::TokenAlgorithm;
use lgsp_model::Timestamp;
use serde_json::{Value, json};

use super::KeyError;

/// A key that signs tokens from a time on.
pub(in crate::identity) struct Key {
    pub(in crate::identity) id: String,
    pub(in crate::identity) algorithm: TokenAlgorithm,
    pub(in crate::identity) from: Timestamp,
    pub(in crate::identity) signing: EncodingKey,
    pub(in crate::identity) verifying: DecodingKey,
    pub(in crate::identity) jwk: Value,
}

/// The algorithm as the library names it.
pub(in crate::identity) fn library_name(algorithm: TokenAlgorithm) -> Algorithm {
    match algorithm {
        TokenAlgorithm::Es256 => Algorithm::ES256,
        TokenAlgorithm::EdDsa => Algorithm::EdDSA,
        TokenAlgorithm::Rs256 => Algorithm::RS256,
    }
}

/// A new key in PKCS#8.
pub(super) fn generate(algorithm: TokenAlgorithm) -> Vec<u8> {
    const RANDOM: &str = "the system has randomness";
    let random = SystemRandom::new();
    match algorithm {
        TokenAlgorithm::Es256 => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect(RANDOM).as_ref().to_vec()
        }
        TokenAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random).expect(RANDOM).as_ref().to_vec(),
        TokenAlgorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect(RANDOM);
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("a fresh key can be written").as_ref().to_vec()
        }
    }
}

impl Key {
    /// Reads a file named `<milliseconds>.<algorithm>.p8`; without an algorithm it is ES256.
    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        let document = std::fs::read(path).map_err(|error| KeyError::Io(path.to_owned(), error))?;
        let not_a_key = || KeyError::NotAKey(path.to_owned());
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or_else(not_a_key)?;
        let (from, kind) = name.split_once('.').unwrap_or((name, "es256"));
        let of_name = |algorithm: &TokenAlgorithm| algorithm.as_str().eq_ignore_ascii_case(kind);
        let algorithm = TokenAlgorithm::ALL.into_iter().find(of_name).ok_or_else(not_a_key)?;
        let from = Timestamp(from.parse().map_err(|_| not_a_key())?);
        let made = match algorithm {
            TokenAlgorithm::Es256 => es256(&document),
            TokenAlgorithm::EdDsa => ed25519(&document),
            TokenAlgorithm::Rs256 => rs256(&document),
        };
        let Made { signing, verifying, members, thumbprint } = made.ok_or_else(not_a_key)?;
        let id = URL_SAFE_NO_PAD.encode(&digest(&SHA256, thumbprint.as_bytes()).as_ref()[..12]);
        let mut jwk = members;
        jwk["use"] = "sig".into();
        jwk["alg"] = algorithm.as_str().into();
        jwk["kid"] = id.as_str().into();
        Ok(Self { id, algorithm, from, signing, verifying, jwk })
    }
}

struct Made {
    signing: EncodingKey,
    verifying: DecodingKey,
    members: Value,
    /// The members in the order of RFC 7638.
    thumbprint: String,
}

fn es256(document: &[u8]) -> Option<Made> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document).ok()?;
    // An uncompressed point: 4, then 32 bytes each (SEC 1 §2.3.3).
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
    Some(Made {
        signing: EncodingKey::from_ec_der(document),
        verifying: DecodingKey::from_ec_components(&x, &y).ok()?,
        thumbprint: format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
        members: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}),
    })
}

fn ed25519(document: &[u8]) -> Option<Made> {
    let pair = Ed25519KeyPair::from_pkcs8(document).ok()?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Some(Made {
        signing: EncodingKey::from_ed_der(document),
        verifying: DecodingKey::from_ed_components(&x).ok()?,
        thumbprint: format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        members: json!({"kty": "OKP", "crv": "Ed25519", "x": x}),
    })
}

fn rs256(document: &[u8]) -> Option<Made> {
    let pair = SigningRsaKeyPair::from_pkcs8(document).ok()?;
    let public = pair.public_key();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (n, e) = (
        part(public.modulus().big_endian_without_leading_zero()),
        part(public.exponent().big_endian_without_leading_zero()),
    );
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(document));
    Some(Made {
        signing: EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?,
        verifying: DecodingKey::from_rsa_components(&n, &e).ok()?,
        thumbprint: format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        members: json!({"kty": "RSA", "n": n, "e": e}),
    })
}
