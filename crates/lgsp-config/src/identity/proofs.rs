//! What a member proves itself with besides a secret: certificates, API keys, signature keys, the access header of older
//! clients. Whether a key is one that its algorithm can use, the shell says.

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use lgsp_model::{ServiceId, Timestamp};

use super::Credential;
use crate::Secret;

/// A certificate that stands for a member: by one of its names or as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateBinding {
    /// Every certificate, verified by the listener, that has this subject alternative name.
    San(San),
    /// The one certificate with this fingerprint.
    Fingerprint(Fingerprint),
}

/// A subject alternative name, compared as a whole: `dns:*.a.vn` is the name `*.a.vn` and no pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum San {
    /// `dns:`; lower case.
    Dns(String),
    /// `uri:`.
    Uri(String),
    /// `ip:`.
    Ip(IpAddr),
    /// `email:`.
    Email(String),
}

/// The SHA-256 of a certificate in DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// The text is not a name or fingerprint in the form that belongs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBinding;

impl FromStr for San {
    type Err = BadBinding;
    fn from_str(text: &str) -> Result<Self, BadBinding> {
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or(BadBinding)?;
        let graphic = name.bytes().all(|b| b.is_ascii_graphic());
        match kind {
            "ip" => name.parse().map(Self::Ip).map_err(|_| BadBinding),
            _ if !graphic => Err(BadBinding),
            "dns" => Ok(Self::Dns(name.to_ascii_lowercase())),
            "uri" => Ok(Self::Uri(name.to_owned())),
            "email" => Ok(Self::Email(name.to_owned())),
            _ => Err(BadBinding),
        }
    }
}

impl FromStr for Fingerprint {
    type Err = BadBinding;

    /// `sha256:` and 64 hexadecimal digits in either case, with or without the colons that openssl prints.
    fn from_str(text: &str) -> Result<Self, BadBinding> {
        sha256_digits(&text.strip_prefix("sha256:").ok_or(BadBinding)?.replace(':', "")).map(Self).ok_or(BadBinding)
    }
}

/// The 32 bytes that 64 hexadecimal digits stand for.
pub(crate) fn sha256_digits(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| digit.try_into().ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).filter(|pair| pair.len() == 2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

/// The public name of a key: 1 to 128 visible ASCII characters without quotes and backslashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// The longest key id in bytes: it is repeated in logs.
const MAX_KEY_ID: usize = 128;

/// The text is not a key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadKeyId;

impl fmt::Display for BadKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected 1 to 128 visible ASCII characters without quotes and backslashes")
    }
}

impl std::error::Error for BadKeyId {}

impl KeyId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = BadKeyId;
    fn from_str(text: &str) -> Result<Self, BadKeyId> {
        let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
        let good = (1..=MAX_KEY_ID).contains(&text.len()) && text.bytes().all(allowed);
        if good { Ok(Self(text.to_owned())) } else { Err(BadKeyId) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An API key: the header `X-API-Key: <id>.<secret>`.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its public part; unique among the keys of all members.
    pub id: KeyId,
    /// The SHA-256 of the secret part as it is sent. A key is drawn at random, so it needs no slow hash.
    pub sha256: KeyDigest,
    /// From then on it no longer counts; absent: it has no end.
    pub expires: Option<Timestamp>,
    /// The services that it counts for; `None` all that the member may use.
    pub services: Option<Vec<ServiceId>>,
}

/// The digest of a key; prints a placeholder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest(pub [u8; 32]);

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[digest]")
    }
}

/// A key that checks signatures of requests (RFC 9421).
#[derive(Clone, Debug)]
pub struct SignatureKey {
    /// The `keyid` of signatures; unique among the keys of all members.
    pub id: KeyId,
    /// The algorithm that it is used with, and no other.
    pub algorithm: SignatureAlgorithm,
    /// A public key in PEM (`BEGIN PUBLIC KEY`); of [`SignatureAlgorithm::HmacSha256`] the shared secret in base64.
    pub key: Secret,
    /// From then on it no longer counts; absent: it has no end.
    pub expires: Option<Timestamp>,
}

/// An algorithm of RFC 9421 §3.3 by its registered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// `ed25519`.
    Ed25519,
    /// `ecdsa-p256-sha256`.
    EcdsaP256Sha256,
    /// `rsa-pss-sha512`, 2048 to 8192 bits.
    RsaPssSha512,
    /// `hmac-sha256`.
    HmacSha256,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Ed25519, Self::EcdsaP256Sha256, Self::RsaPssSha512, Self::HmacSha256];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::HmacSha256 => "hmac-sha256",
        }
    }
}

/// The header `lgspaccesstoken` of clients that cannot change.
#[derive(Clone, Debug)]
pub struct LgspAccess {
    /// Its `AccessKey`; unique among members.
    pub access_key: String,
    /// Its `SecretKey`.
    pub credential: Credential,
    /// Whether the header counts only beside a bearer token of the same member, as the family of clients sends it.
    pub token_required: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_certificates_are_read_with_their_kind() {
        assert_eq!("dns:MOT-CUA.h11.gov.vn".parse(), Ok(San::Dns("mot-cua.h11.gov.vn".to_owned())));
        assert_eq!("uri:urn:lgsp:h11".parse(), Ok(San::Uri("urn:lgsp:h11".to_owned())));
        assert_eq!("ip:::1".parse(), Ok(San::Ip("::1".parse().unwrap())));
        assert_eq!("email:a@b.vn".parse(), Ok(San::Email("a@b.vn".to_owned())));
        for bad in ["", "dns:", "mot-cua.h11.gov.vn", "cn:x", "ip:h11", "dns:một", "dns:a b"] {
            assert_eq!(bad.parse::<San>(), Err(BadBinding), "{bad}");
        }
    }

    #[test]
    fn fingerprints_are_read_as_openssl_prints_them_and_plain() {
        let plain = format!("sha256:{}", "0a".repeat(32));
        let printed = format!("sha256:{}", ["0A"; 32].join(":"));
        assert_eq!(plain.parse(), Ok(Fingerprint([10; 32])));
        assert_eq!(printed.parse(), Ok(Fingerprint([10; 32])));
        for bad in [&plain[7..], &plain[..70], "sha256:", "sha1:00", &plain.replace('a', "g"), &format!("{plain}0")] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(BadBinding), "{bad}");
        }
    }

    #[test]
    fn key_ids_are_short_and_visible() {
        assert!("k1".parse::<KeyId>().is_ok() && "https://h11.vn/keys#1".parse::<KeyId>().is_ok());
        for bad in ["", "a b", "a\"b", "a\\b", "khoá", &"k".repeat(129)] {
            assert_eq!(bad.parse::<KeyId>(), Err(BadKeyId), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = (text.parse::<San>(), text.parse::<Fingerprint>(), text.parse::<KeyId>());
        }

        #[test]
        fn every_digest_is_read_back(bytes in any::<[u8; 32]>()) {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(sha256_digits(&digits), Some(bytes));
            prop_assert_eq!(sha256_digits(&digits[1..]), None);
        }
    }
}
