//! The directory of signing keys: one PKCS#8 file for each ES256 key; the newest signs, all of them verify.
//!
//! Files never leave the directory; the public halves are published as a JWK set.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};

/// The keys of one issuer.
pub(crate) struct KeyRing {
    keys: Vec<Key>,
}

pub(super) struct Key {
    pub(super) id: String,
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    x: String,
    y: String,
}

/// Why the directory of keys cannot be used.
#[derive(Debug)]
pub enum KeyError {
    /// The directory or a file in it cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// A file holds no ES256 key.
    NotAKey(PathBuf),
    /// The key of digests is broken.
    NotADigestKey(PathBuf),
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "signing keys: {}: {error}", path.display()),
            Self::NotAKey(path) => {
                write!(f, "signing keys: {} holds no ES256 key in PKCS#8; move it away", path.display())
            }
            Self::NotADigestKey(path) => {
                write!(f, "{} must hold 32 bytes; restore it, or digests of access records change", path.display())
            }
        }
    }
}

impl std::error::Error for KeyError {}

/// The suffix of key files.
const SUFFIX: &str = "p8";

impl KeyRing {
    /// Reads the directory; makes it and a first key when there is none.
    pub(crate) fn open(directory: &Path, now_millis: i64) -> Result<Self, KeyError> {
        std::fs::create_dir_all(directory).map_err(|error| KeyError::Io(directory.to_owned(), error))?;
        let ring = Self::read(directory)?;
        if !ring.keys.is_empty() {
            return Ok(ring);
        }
        Self::add_key(directory, now_millis)?;
        Self::read(directory)
    }

    /// Makes a new key that signs from the next start or reload on; the older ones go on verifying.
    pub(crate) fn add_key(directory: &Path, now_millis: i64) -> Result<PathBuf, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("the system has randomness");
        let path = directory.join(format!("{now_millis:015}.{SUFFIX}"));
        write_private(&path, document.as_ref()).map_err(|error| KeyError::Io(path.clone(), error))?;
        Ok(path)
    }

    fn read(directory: &Path) -> Result<Self, KeyError> {
        let io = |error| KeyError::Io(directory.to_owned(), error);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|suffix| suffix == SUFFIX) {
                paths.push(path);
            }
        }
        paths.sort();
        let keys = paths.iter().map(|path| Key::read(path)).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    pub(super) fn signing(&self) -> &Key {
        self.keys.last().expect("an opened ring holds a key")
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The public halves (RFC 7517).
    pub(super) fn jwks(&self) -> Value {
        let keys: Vec<_> = self.keys.iter().map(Key::jwk).collect();
        json!({ "keys": keys })
    }
}

impl Key {
    fn read(path: &Path) -> Result<Self, KeyError> {
        let document = std::fs::read(path).map_err(|error| KeyError::Io(path.to_owned(), error))?;
        let not_a_key = || KeyError::NotAKey(path.to_owned());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document).map_err(|_| not_a_key())?;
        // An uncompressed point: 4, then 32 bytes each (SEC 1 §2.3.3).
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
        let thumbprint = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes(),
        );
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(&thumbprint.as_ref()[..12]),
            signing: EncodingKey::from_ec_der(&document),
            verifying: DecodingKey::from_ec_components(&x, &y).map_err(|_| not_a_key())?,
            x,
            y,
        })
    }

    fn jwk(&self) -> Value {
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": self.x, "y": self.y})
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
