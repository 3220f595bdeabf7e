//! The key of digests in access records. With it an auditor finds who looked up a person; without it nobody can find the
//! persons from the records.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::keys::KeyError;

/// 32 random bytes that stay the same for the life of an installation.
pub(crate) struct DigestKey([u8; Self::BYTES]);

impl DigestKey {
    const BYTES: usize = 32;

    /// The file among the signing keys.
    const FILE: &str = "digest.key";

    /// Reads the key of a directory, or makes one.
    pub(crate) fn open(directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join(Self::FILE);
        match fs::read(&path) {
            Ok(bytes) => match bytes.try_into() {
                Ok(key) => Ok(Self(key)),
                Err(_) => Err(KeyError::NotADigestKey(path)),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(KeyError::Io(path, error)),
        }
    }

    fn make(path: &Path) -> Result<Self, KeyError> {
        let mut key = [0; Self::BYTES];
        aws_lc_rs::rand::fill(&mut key).expect("the system has randomness");
        let failed = |error| KeyError::Io(path.to_owned(), error);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(Self(key))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_a_broken_one_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let first = DigestKey::open(folder.path()).unwrap();
        let again = DigestKey::open(folder.path()).unwrap();
        assert_eq!(first.as_bytes(), again.as_bytes());
        fs::write(folder.path().join(DigestKey::FILE), b"short").unwrap();
        assert!(DigestKey::open(folder.path()).is_err());
    }
}
