//! The secrets of a provider and what is signed with them: HMACs in hexadecimal, made with the newest key and checked with each.
//!
//! What is signed, and in which order, is the provider's file.

use aws_lc_rs::hmac::{self, Algorithm, Key};
use secrecy::{ExposeSecret, SecretString};
use toml::Value;

use crate::settings::{Fields, Problem};

/// While a key is replaced there are two of it: the new one and the old one.
const MOST_SECRETS: usize = 2;

/// The secrets in one place of the settings, the one that signs first. There is at least one.
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// A text, or a list of the new and the old one while a key is replaced. `None` when it is wrong.
    pub(super) fn read(fields: &mut Fields<'_>, key: &str) -> Option<Self> {
        let texts: Vec<&str> = match fields.get(key) {
            None => {
                fields.fail(key, Problem::Missing);
                return None;
            }
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().unwrap_or_default()).collect(),
            Some(_) => Vec::new(),
        };
        if texts.is_empty() || texts.len() > MOST_SECRETS || texts.iter().any(|text| text.is_empty()) {
            fields.fail(key, Problem::Expected("a secret that is not empty, or a list of the new and the old one"));
            return None;
        }
        Some(Self(texts.into_iter().map(SecretString::from).collect()))
    }

    /// The one that signs.
    pub(super) fn first(&self) -> &str {
        self.all().next().expect("there is at least one")
    }

    /// Each that a provider may have signed with, the newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }
}

/// Secrets as keys of one algorithm.
pub(super) struct Keys(Vec<Key>);

impl Keys {
    pub(super) fn new(algorithm: Algorithm, secrets: &Secrets) -> Self {
        Self(secrets.all().map(|secret| Key::new(algorithm, secret.as_bytes())).collect())
    }

    /// The signature, in small hexadecimal digits.
    pub(super) fn sign(&self, message: &[u8]) -> String {
        let key = self.0.first().expect("there is at least one");
        hex(hmac::sign(key, message).as_ref())
    }

    /// Whether `signature` is one by any of the keys, in a time that does not depend on where it differs.
    pub(super) fn verified(&self, message: &[u8], signature: &str) -> bool {
        let Some(signature) = unhex(signature) else { return false };
        // Every key is tried: which one it was does not show either.
        self.0.iter().fold(false, |found, key| hmac::verify(key, message, &signature).is_ok() | found)
    }
}

/// Bytes as small hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("half a byte is one digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of a text of hexadecimal digits, all small or all large: there is no third way to write a signature.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (small, large) = (|b: u8| b.is_ascii_lowercase(), |b: u8| b.is_ascii_uppercase());
    if text.bytes().any(small) && text.bytes().any(large) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac::HMAC_SHA256;
    use proptest::prelude::*;
    use toml::Table;

    use super::*;

    fn secrets(settings: &str) -> Option<Secrets> {
        let table: Table = settings.parse().unwrap();
        let mut fields = Fields::new(&table);
        let secrets = Secrets::read(&mut fields, "key");
        assert_eq!(fields.finish().is_empty(), secrets.is_some(), "{settings}");
        secrets
    }

    #[test]
    fn a_key_is_a_text_or_the_new_and_the_old_one() {
        assert_eq!(secrets("key = 'a'").unwrap().first(), "a");
        assert_eq!(secrets("key = ['new', 'old']").unwrap().all().collect::<Vec<_>>(), ["new", "old"]);
        for wrong in
            ["", "key = ''", "key = 7", "key = []", "key = ['a', '']", "key = ['a', 7]", "key = ['a', 'b', 'c']"]
        {
            assert!(secrets(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_new_key_signs_and_both_verify() {
        let [new, old, both] = ["key = 'new'", "key = 'old'", "key = ['new', 'old']"]
            .map(|settings| Keys::new(HMAC_SHA256, &secrets(settings).unwrap()));
        assert_eq!(both.sign(b"x"), new.sign(b"x"));
        assert!(both.verified(b"x", &new.sign(b"x")) && both.verified(b"x", &old.sign(b"x")));
        assert!(!new.verified(b"x", &old.sign(b"x")) && !both.verified(b"y", &new.sign(b"x")));
        let upper = new.sign(b"x").to_uppercase();
        assert!(new.verified(b"x", &upper));
        for signature in ["", "0", "zz", &upper.to_lowercase()[2..], &format!("{}A{}", &upper[..1], "b".repeat(62))] {
            assert!(!both.verified(b"x", signature), "{signature}");
        }
    }

    proptest! {
        #[test]
        fn bytes_survive_the_way_there_and_back(bytes: Vec<u8>) {
            let text = hex(&bytes);
            prop_assert_eq!(unhex(&text.to_uppercase()), Some(bytes.clone()));
            prop_assert_eq!(unhex(&text), Some(bytes));
        }

        #[test]
        fn no_text_is_read_into_a_panic(text in ".*") {
            let _ = unhex(&text);
        }
    }
}
