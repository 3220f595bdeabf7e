//! Signing keys of a simulated provider, their public halves, and the signing: right, or wrong in one chosen way.
//!
//! Keys are made when they are first needed, and never leave the process.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::settings::SigningAlgorithm;
use super::spoil::TokenFault;

/// Published keys; a script that rotates without end pushes out the oldest.
const MAX_KEYS: usize = 20;
/// Characters in a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;
const RANDOMNESS: &str = "the system has randomness";

/// The keys of one provider; the newest that is not retired signs.
#[derive(Default)]
pub(super) struct Keys(Vec<Key>);

struct Key {
    id: String,
    pair: Pair,
    retired: bool,
}

enum Pair {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
}

impl Keys {
    /// What is signed from now on has a new key; the old ones stay published.
    pub(super) fn rotate(&mut self) {
        self.0.iter_mut().for_each(|key| key.retired = true);
    }

    /// The old ones are published no longer.
    pub(super) fn drop_old(&mut self) {
        self.0.retain(|key| !key.retired);
    }

    /// The JWK set (RFC 7517), with the key that signs now.
    pub(super) fn jwks(&mut self, algorithm: SigningAlgorithm) -> Value {
        self.signing(algorithm);
        let keys: Vec<Value> = self.0.iter().map(Key::jwk).collect();
        json!({ "keys": keys })
    }

    /// Their `kid`s, oldest first, and whether they sign no longer.
    pub(super) fn list(&self) -> Value {
        self.0.iter().map(|key| json!({"kid": key.id, "retired": key.retired})).collect()
    }

    fn signing(&mut self, algorithm: SigningAlgorithm) -> &Key {
        let fits = |key: &Key| !key.retired && key.pair.algorithm() == algorithm;
        if !self.0.iter().any(fits) {
            if self.0.len() == MAX_KEYS {
                self.0.remove(0);
            }
            self.0.push(Key::generate(algorithm));
        }
        self.0.iter().rfind(|key| fits(key)).expect("one was made when there was none")
    }

    /// A signed token (RFC 7515, compact).
    pub(super) fn sign(
        &mut self,
        algorithm: SigningAlgorithm,
        kind: &str,
        claims: &Map<String, Value>,
        spoil: Option<TokenFault>,
    ) -> String {
        let key = self.signing(algorithm);
        let mut header = json!({"typ": kind, "alg": algorithm.as_str(), "kid": key.id});
        match spoil {
            Some(TokenFault::AlgNone) => header["alg"] = json!("none"),
            Some(TokenFault::HmacWithPem | TokenFault::HmacWithJwk) => header["alg"] = json!("HS256"),
            Some(TokenFault::UnknownKid) => header["kid"] = json!(random_name()),
            Some(TokenFault::MissingKid) => drop(header.as_object_mut().and_then(|header| header.remove("kid"))),
            Some(TokenFault::Crit) => {
                header["crit"] = json!(["https://stranger.invalid/must-know"]);
                header["https://stranger.invalid/must-know"] = json!(true);
            }
            _ => {}
        }
        let part = |value: &str| URL_SAFE_NO_PAD.encode(value);
        let claims = json!(claims).to_string();
        let input = format!("{}.{}", part(&header.to_string()), part(&claims));
        let signature = match spoil {
            Some(TokenFault::AlgNone) => Vec::new(),
            Some(TokenFault::HmacWithPem) => hmac_of(key.pair.public_pem().as_bytes(), &input),
            Some(TokenFault::HmacWithJwk) => hmac_of(key.jwk().to_string().as_bytes(), &input),
            Some(TokenFault::ForeignKey) => Key::generate(algorithm).pair.sign(input.as_bytes()),
            Some(TokenFault::BadSignature) => key.pair.sign(claims.as_bytes()),
            _ => key.pair.sign(input.as_bytes()),
        };
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Key {
    fn generate(algorithm: SigningAlgorithm) -> Self {
        let pair = match algorithm {
            SigningAlgorithm::Rs256 => Pair::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).expect(RANDOMNESS)),
            SigningAlgorithm::Es256 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect(RANDOMNESS))
            }
        };
        let print = digest::digest(&digest::SHA256, &pair.public_der());
        Self { id: URL_SAFE_NO_PAD.encode(&print.as_ref()[..12]), pair, retired: false }
    }

    fn jwk(&self) -> Value {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                // PKCS #1 of a key of 2048 bits with the exponent 65537 has one layout: two headers of 4 bytes, a zero,
                // 256 bytes of modulus, a header of 2 bytes, 3 bytes of exponent.
                let der = pair.public_key().as_ref();
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id,
                       "n": part(&der[9..265]), "e": part(&der[267..270])})
            }
            Pair::Ec(pair) => {
                // An uncompressed point: 4, then 32 bytes each (SEC 1 §2.3.3).
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
                       "x": part(&point[1..33]), "y": part(&point[33..65])})
            }
        }
    }
}

impl Pair {
    fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Rsa(_) => SigningAlgorithm::Rs256,
            Self::Ec(_) => SigningAlgorithm::Es256,
        }
    }

    fn sign(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature).expect("the space fits the key");
                signature
            }
            Self::Ec(pair) => pair.sign(&random, input).expect(RANDOMNESS).as_ref().to_vec(),
        }
    }

    /// SubjectPublicKeyInfo.
    fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'static> = match self {
            Self::Rsa(pair) => pair.public_key().as_der(),
            Self::Ec(pair) => pair.public_key().as_der(),
        }
        .expect("a key that was made has a public half");
        der.as_ref().to_vec()
    }

    fn public_pem(&self) -> String {
        let text = STANDARD.encode(self.public_der());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for (place, letter) in text.chars().enumerate() {
            if place > 0 && place % PEM_LINE == 0 {
                pem.push('\n');
            }
            pem.push(letter);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        pem
    }
}

fn hmac_of(secret: &[u8], input: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes()).as_ref().to_vec()
}

/// A name that nobody guesses and that no restart gives again.
pub(super) fn random_name() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect(RANDOMNESS);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The left half of a text's SHA-256, for `at_hash`.
pub(super) fn half_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16])
}

/// The `S256` challenge of a verifier (RFC 7636 §4.2).
pub(super) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
