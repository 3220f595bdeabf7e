//! A key that checks signatures: one algorithm each, fixed by the configuration and never taken from a request.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PSS_2048_8192_SHA512};
use aws_lc_rs::{hmac, signature};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lgsp_config::{SignatureAlgorithm, SignatureKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

/// A key that is ready to check.
pub(crate) struct VerifyingKey {
    id: String,
    algorithm: SignatureAlgorithm,
    material: Material,
}

enum Material {
    Public(ParsedPublicKey),
    /// Boxed: it is twenty times as large as a public one.
    Shared(Box<hmac::Key>),
}

/// The fewest bytes of a shared secret: fewer than the digest has would weaken it (RFC 2104 §3).
const MIN_SHARED: usize = 32;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadKey {
    /// It is not a public key in PEM.
    Pem,
    /// It is one, but not of its algorithm.
    Algorithm(SignatureAlgorithm),
    /// It is not base64 of 32 bytes or more.
    Secret,
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem => f.write_str("expected a public key in PEM, which begins with -----BEGIN PUBLIC KEY-----"),
            Self::Algorithm(algorithm) => write!(f, "not a key for {}", algorithm.as_str()),
            Self::Secret => f.write_str("expected 32 bytes or more in base64: openssl rand -base64 32"),
        }
    }
}

impl VerifyingKey {
    /// Reads a key of the configuration.
    pub(crate) fn new(key: &SignatureKey) -> Result<Self, BadKey> {
        let public = |algorithm: &'static dyn signature::VerificationAlgorithm| {
            let der = SubjectPublicKeyInfoDer::from_pem_slice(key.key.expose().as_bytes()).map_err(|_| BadKey::Pem)?;
            let parsed = ParsedPublicKey::new(algorithm, der.as_ref()).map_err(|_| BadKey::Algorithm(key.algorithm))?;
            Ok(Material::Public(parsed))
        };
        let material = match key.algorithm {
            SignatureAlgorithm::Ed25519 => public(&ED25519)?,
            SignatureAlgorithm::EcdsaP256Sha256 => public(&ECDSA_P256_SHA256_FIXED)?,
            SignatureAlgorithm::RsaPssSha512 => public(&RSA_PSS_2048_8192_SHA512)?,
            SignatureAlgorithm::HmacSha256 => {
                let secret = Zeroizing::new(STANDARD.decode(key.key.expose().trim()).map_err(|_| BadKey::Secret)?);
                if secret.len() < MIN_SHARED {
                    return Err(BadKey::Secret);
                }
                Material::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &secret)))
            }
        };
        Ok(Self { id: key.id.to_string(), algorithm: key.algorithm, material })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::identity) fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether `signature` is this key's signature of `message`; in constant time where the key is secret.
    pub(in crate::identity) fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Public(key) => key.verify_sig(message, signature).is_ok(),
            Material::Shared(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}
