//! The directory of signing keys: one PKCS#8 file for each, named after the time from which it signs. All of them verify.
//!
//! Files never leave the directory; the public halves are published as a JWK set, a new one before it signs, an old one until
//! the last token that it signed has ended.

mod key;

use std::path::{Path, PathBuf};

use lgsp_config::TokenAlgorithm;
use lgsp_model::Timestamp;
use serde_json::{Value, json};

pub(super) use key::{Key, library_name};

/// The keys of one issuer, the oldest first.
pub(crate) struct KeyRing {
    keys: Vec<Key>,
}

/// Why the directory of keys cannot be used.
#[derive(Debug)]
pub enum KeyError {
    /// The directory or a file in it cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// A file holds no key that can sign tokens.
    NotAKey(PathBuf),
    /// The key of digests is broken.
    NotADigestKey(PathBuf),
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "signing keys: {}: {error}", path.display()),
            Self::NotAKey(path) => {
                write!(
                    f,
                    "signing keys: {} holds no key in PKCS#8 of the kind in its name; move it away",
                    path.display()
                )
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

/// What verifies a token may have read the set of keys so long ago: so long a new key is shown before it signs.
pub(crate) const SHOWN_BEFORE_MILLIS: i64 = 15 * 60 * 1000;

impl KeyRing {
    /// Reads the directory; makes it, and a first key of each of these algorithms where there is none.
    pub(crate) fn open(directory: &Path, now: Timestamp, wanted: &[TokenAlgorithm]) -> Result<Self, KeyError> {
        std::fs::create_dir_all(directory).map_err(|error| KeyError::Io(directory.to_owned(), error))?;
        let mut ring = Self::read(directory)?;
        for &algorithm in wanted {
            if ring.keys.iter().all(|key| key.algorithm != algorithm) {
                let path = Self::add_key(directory, algorithm, now)?;
                ring.keys.push(Key::read(&path)?);
            }
        }
        ring.keys.sort_by_key(|key| key.from);
        Ok(ring)
    }

    /// Makes a key that signs from a time on.
    pub(crate) fn add_key(directory: &Path, algorithm: TokenAlgorithm, from: Timestamp) -> Result<PathBuf, KeyError> {
        let path = directory.join(format!("{:015}.{}.{SUFFIX}", from.0, algorithm.as_str().to_ascii_lowercase()));
        write_private(&path, &key::generate(algorithm)).map_err(|error| KeyError::Io(path.clone(), error))?;
        Ok(path)
    }

    fn read(directory: &Path) -> Result<Self, KeyError> {
        let io = |error| KeyError::Io(directory.to_owned(), error);
        let mut keys = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|suffix| suffix == SUFFIX) {
                keys.push(Key::read(&path)?);
            }
        }
        keys.sort_by_key(|key| key.from);
        Ok(Self { keys })
    }

    /// The newest key whose time has come; before that, the oldest.
    pub(super) fn signing(&self, algorithm: TokenAlgorithm, now: Timestamp) -> &Key {
        let mut of_kind = self.keys.iter().filter(|key| key.algorithm == algorithm);
        let newest = of_kind.clone().rfind(|key| key.from <= now);
        newest.or_else(|| of_kind.next()).expect("a ring is opened with the algorithms that are used")
    }

    /// The key of this id that may still verify: its successor signs for less than `keep`.
    pub(super) fn find(&self, id: &str, now: Timestamp, keep_millis: i64) -> Option<&Key> {
        self.living(now, keep_millis).find(|key| key.id == id)
    }

    /// The public halves (RFC 7517).
    pub(super) fn jwks(&self, now: Timestamp, keep_millis: i64) -> Value {
        json!({ "keys": self.living(now, keep_millis).map(|key| &key.jwk).collect::<Vec<_>>() })
    }

    fn living(&self, now: Timestamp, keep_millis: i64) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| {
            let later = |other: &&Key| other.algorithm == key.algorithm && other.from > key.from;
            let successor = self.keys.iter().find(later);
            successor.is_none_or(|successor| successor.from.plus_millis(keep_millis) > now)
        })
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use TokenAlgorithm::{EdDsa, Es256, Rs256};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const HOUR: i64 = 3_600_000;

    fn shown(ring: &KeyRing, now: Timestamp) -> usize {
        ring.jwks(now, HOUR)["keys"].as_array().unwrap().len()
    }

    #[test]
    fn a_key_of_each_kind_is_made_once_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let first = KeyRing::open(directory.path(), NOW, &[Es256, EdDsa, Rs256]).unwrap();
        let again = KeyRing::open(directory.path(), NOW, &[Es256]).unwrap();
        for algorithm in [Es256, EdDsa, Rs256] {
            assert_eq!(first.signing(algorithm, NOW).id, again.signing(algorithm, NOW).id);
        }
        assert_eq!(shown(&again, NOW), 3);
    }

    #[test]
    fn a_new_key_is_shown_before_it_signs_and_the_old_one_until_its_tokens_have_ended() {
        let directory = tempfile::tempdir().unwrap();
        let old = KeyRing::open(directory.path(), NOW, &[Es256]).unwrap().signing(Es256, NOW).id.clone();
        let from = NOW.plus_millis(SHOWN_BEFORE_MILLIS);
        KeyRing::add_key(directory.path(), Es256, from).unwrap();
        let ring = KeyRing::open(directory.path(), NOW, &[Es256]).unwrap();
        assert_eq!((ring.signing(Es256, NOW).id.clone(), shown(&ring, NOW)), (old.clone(), 2));
        let new = ring.signing(Es256, from).id.clone();
        assert_ne!(new, old);
        let before_end = from.plus_millis(HOUR - 1);
        assert!(ring.find(&old, before_end, HOUR).is_some());
        assert!(ring.find(&old, from.plus_millis(HOUR), HOUR).is_none());
        assert_eq!((shown(&ring, before_end), shown(&ring, from.plus_millis(HOUR))), (2, 1));
    }

    #[test]
    fn a_file_of_another_kind_than_its_name_says_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = KeyRing::add_key(directory.path(), EdDsa, NOW).unwrap();
        std::fs::rename(&path, directory.path().join("000000000000001.rs256.p8")).unwrap();
        assert!(matches!(KeyRing::open(directory.path(), NOW, &[Es256]), Err(KeyError::NotAKey(_))));
    }
}
