//! The keys of `[[member]]` that say how it proves itself besides a secret.

use super::members::{Seen, credential, name};
use crate::document::{Leaf, Section};
use crate::error::Problem;
use crate::identity::{
    ApiKey, CertificateBinding, KeyDigest, KeyId, LgspAccess, Member, SignatureAlgorithm, SignatureKey, sha256_digits,
};
use crate::read::{flag, moment, secret, text};

/// What a member's table says of its proofs.
pub(super) struct Proofs {
    /// Whether one of them is written there, good or not.
    pub(super) written: bool,
    /// They, when all of them are good.
    pub(super) read: Option<Good>,
}

/// The proofs of one member.
pub(super) struct Good {
    pub(super) certificates: Vec<CertificateBinding>,
    pub(super) certificate_required: bool,
    pub(super) api_keys: Vec<ApiKey>,
    pub(super) signature_keys: Vec<SignatureKey>,
    pub(super) lgsp_access: Option<LgspAccess>,
}

/// The shortest shared secret of signatures: 32 bytes in base64.
const MIN_SHARED_SECRET: usize = 43;

/// The most keys or certificates of one kind: some for each rotation under way; it is a typing error otherwise.
const MOST: usize = 100;

pub(super) fn read(s: &mut Section<'_>) -> Proofs {
    let written = ["certificates", "api_keys", "signature_keys", "lgsp_access"].iter().any(|key| s.has(key));
    let certificates = several(s, "certificates", certificate);
    let required = s.or("certificate_required", false, flag);
    let api_keys = several(s, "api_keys", api_key);
    let signature_keys = several(s, "signature_keys", signature_key);
    let access = s.optional_section("lgsp_access", lgsp_access);
    if required && !s.has("certificates") {
        s.report("certificate_required", Problem::Conflict("there are no certificates; add them or leave it out"));
    }
    let good = || {
        Some(Good {
            certificates: certificates?,
            certificate_required: required,
            api_keys: api_keys?,
            signature_keys: signature_keys?,
            lgsp_access: match access {
                Some(access) => Some(access?),
                None => None,
            },
        })
    };
    Proofs { written, read: good() }
}

impl Good {
    /// Reports proofs that could never be used together with what else the member has.
    pub(super) fn check(&self, s: &Section<'_>, has_secret: bool) {
        if self.lgsp_access.as_ref().is_some_and(|access| access.token_required) && !has_secret {
            let sentence =
                "counts beside a token only, and there is no secret to get one; give one, or token_required = false";
            s.report("lgsp_access", Problem::Conflict(sentence));
        }
    }
}

/// Every table of `key`; `None` when one of them is bad.
fn several<T>(
    s: &mut Section<'_>,
    key: &'static str,
    read: impl FnMut(&mut Section<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let values: Option<Vec<T>> = s.sections(key, read).into_iter().collect();
    let values = values?;
    if s.has(key) && !(1..=MOST).contains(&values.len()) {
        s.report(key, Problem::Expected("a list of 1 to 100 tables; leave it out when there are none"));
        return None;
    }
    Some(values)
}

fn certificate(s: &mut Section<'_>) -> Option<CertificateBinding> {
    let san = s.optional("san", |leaf| {
        let expected = Problem::Expected("dns:NAME, uri:URI, ip:ADDRESS or email:ADDRESS");
        text(leaf)?.parse().map(CertificateBinding::San).map_err(|_| expected)
    });
    let fingerprint = s.optional("fingerprint", |leaf| {
        let expected = Problem::Expected("sha256: and 64 hexadecimal digits: openssl x509 -noout -fingerprint -sha256");
        text(leaf)?.parse().map(CertificateBinding::Fingerprint).map_err(|_| expected)
    });
    match (s.has("san"), s.has("fingerprint")) {
        (true, true) => s.report("san", Problem::Conflict("given beside a fingerprint; one of the two is enough")),
        (false, false) => s.report("", Problem::Missing { example: "{ san = \"dns:mot-cua.h11.gov.vn\" }" }),
        _ => {}
    }
    san.or(fingerprint)
}

fn key_id(leaf: &Leaf<'_>) -> Result<KeyId, Problem> {
    text(leaf)?.parse().map_err(|_| Problem::Expected("1 to 128 visible ASCII characters without quotes"))
}

fn api_key(s: &mut Section<'_>) -> Option<ApiKey> {
    let id = s.required("id", "id = \"k1\" (lgsp keys api draws a key and prints its line)", key_id);
    let sha256 = s.required("sha256", "sha256 = \"…\" (lgsp keys api draws a key and prints its line)", |leaf| {
        let digest = sha256_digits(&text(leaf)?).map(KeyDigest);
        digest.ok_or(Problem::Expected("64 hexadecimal digits: the SHA-256 of the secret part of the key"))
    });
    let expires = s.optional("expires", moment);
    let services = s.list("services", |leaf| {
        text(leaf)?.parse().map_err(|_| Problem::Expected("the id of a service: 1 to 64 of a-z 0-9 . _ -"))
    });
    if services.as_ref().is_some_and(Vec::is_empty) {
        s.report("services", Problem::Expected("at least one service; leave it out for all"));
    }
    let wrong = s.has("expires") && expires.is_none() || s.has("services") && services.is_none();
    if wrong { None } else { Some(ApiKey { id: id?, sha256: sha256?, expires, services }) }
}

fn signature_key(s: &mut Section<'_>) -> Option<SignatureKey> {
    let id = s.required("id", "id = \"h11-2027\"", key_id);
    let algorithm = s.required("algorithm", "algorithm = \"ed25519\"", |leaf| {
        let name = text(leaf)?;
        let known = SignatureAlgorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name);
        known.ok_or(Problem::Expected("ed25519, ecdsa-p256-sha256, rsa-pss-sha512 or hmac-sha256"))
    });
    let public = s.optional("public_key", secret(1));
    let shared = s.optional("secret", secret(MIN_SHARED_SECRET));
    let expires = s.optional("expires", moment);
    let hmac = algorithm? == SignatureAlgorithm::HmacSha256;
    let (wanted, other, example) = if hmac {
        ("secret", "public_key", "secret = \"${…}\": openssl rand -base64 32")
    } else {
        ("public_key", "secret", "public_key = \"file:keys/h11.pem\", a PEM file that begins with BEGIN PUBLIC KEY")
    };
    if s.has(other) {
        s.report(other, Problem::Conflict("hmac-sha256 has a secret, the other algorithms have a public_key"));
        return None;
    }
    if !s.has(wanted) {
        s.report(wanted, Problem::Missing { example });
    }
    let wrong = s.has("expires") && expires.is_none();
    let key = if hmac { shared } else { public };
    if wrong { None } else { Some(SignatureKey { id: id?, algorithm: algorithm?, key: key?, expires }) }
}

fn lgsp_access(s: &mut Section<'_>) -> Option<LgspAccess> {
    let access_key = s.required("access_key", "access_key = \"h11\"", name);
    let token_required = s.or("token_required", true, flag);
    let credential = credential(s, "secret", "secret_hash");
    Some(LgspAccess { access_key: access_key?, credential: credential?, token_required })
}

/// What proves one member and may prove no other.
#[derive(Default)]
pub(super) struct Taken {
    certificates: Seen,
    keys: Seen,
    access_keys: Seen,
}

impl Taken {
    pub(super) fn note(&mut self, s: &Section<'_>, member: &Member) {
        for binding in &member.certificates {
            self.certificates.note(s, "certificates", &format!("{binding:?}"));
        }
        for key in &member.api_keys {
            self.keys.note(s, "api_keys", key.id.as_str());
        }
        for key in &member.signature_keys {
            self.keys.note(s, "signature_keys", key.id.as_str());
        }
        if let Some(access) = &member.lgsp_access {
            self.access_keys.note(s, "lgsp_access", &access.access_key);
        }
    }
}
