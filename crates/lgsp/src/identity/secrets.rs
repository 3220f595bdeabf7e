//! Checks secrets: in constant time, off the request threads when they are argon2 hashes, and slower after failures.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lgsp_config::{Credential, Lockout, Secret};
use lgsp_model::{ErrorCode, MemberId, Timestamp};
use tokio::sync::Semaphore;

use super::guesses::{Guesses, Wait};
use crate::failure::Failure;

/// Checks secrets of all members.
pub(crate) struct SecretChecker {
    guesses: Mutex<Guesses>,
    /// Keyed digests of (hash, secret) pairs that were right: an argon2 check costs tens of milliseconds by design, and
    /// clients that log in for every call would stop the machine.
    right: Mutex<HashMap<[u8; 32], ()>>,
    key: hmac::Key,
    /// Argon2 takes a core and 19 MiB for each check.
    hashing: Arc<Semaphore>,
}

/// Remembered right answers: a few per member.
const REMEMBERED: usize = 4096;

/// Argon2 checks at one time.
const HASHING_AT_ONCE: usize = 2;

impl SecretChecker {
    pub(crate) fn new(rules: Lockout) -> Self {
        let mut seed = [0u8; 32];
        aws_lc_rs::rand::fill(&mut seed).expect("the system has randomness");
        Self {
            guesses: Mutex::new(Guesses::new(rules)),
            right: Mutex::default(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            hashing: Arc::new(Semaphore::new(HASHING_AT_ONCE)),
        }
    }

    /// Counts wrong secrets by other rules from now on.
    pub(crate) fn follow(&self, rules: Lockout) {
        self.lock_guesses().follow(rules);
    }

    /// Forgets the wrong secrets of a member; from how many addresses there were some.
    pub(crate) fn forgive(&self, member: &MemberId) -> usize {
        self.lock_guesses().forgive(member.as_str())
    }

    /// The addresses from which a member's secrets are not taken now, and for how long.
    pub(crate) fn locked(&self, member: &MemberId, now: Timestamp) -> Vec<(IpAddr, Duration)> {
        self.lock_guesses().locked(member.as_str(), now)
    }

    /// Draws a secret and hashes it.
    pub(crate) async fn draw(&self) -> FreshSecret {
        let (mut random, mut salt) = ([0u8; DRAWN_BYTES], [0u8; SALT_BYTES]);
        rand::fill(&mut random).and_then(|()| rand::fill(&mut salt)).expect("the system has randomness");
        let value = URL_SAFE_NO_PAD.encode(random);
        let permit = self.hashing.clone().acquire_owned().await.expect("the semaphore is never closed");
        let text = value.clone();
        let hashing = move || {
            let _permit = permit;
            let hash = Argon2::default().hash_password_with_salt(text.as_bytes(), &salt);
            hash.expect("the default costs and a salt of 16 bytes are allowed").to_string()
        };
        let hash = tokio::task::spawn_blocking(hashing).await.expect("hashing does not panic");
        FreshSecret { value: Secret::new(value), hash }
    }

    /// Whether `given` is `stored`, for the member (or claimed member) `who` calling from `from`.
    pub(crate) async fn check(
        &self,
        who: Option<&MemberId>,
        stored: Option<&Credential>,
        given: &str,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.may_guess(who, from, now)?;
        let right = match stored {
            // An unknown member costs the same as a known one, so that names cannot be probed by time.
            None => {
                self.is_right_by_hash(DECOY, given).await;
                false
            }
            Some(stored) => self.is_right(stored, given).await,
        };
        if right {
            self.lock_guesses().forget(who.map_or("", MemberId::as_str), from);
            return Ok(());
        }
        Err(self.wrong(who, from, now))
    }

    /// Whether a guess about the member is taken at this time.
    pub(super) fn may_guess(&self, who: Option<&MemberId>, from: IpAddr, now: Timestamp) -> Result<(), Failure> {
        let wait = self.lock_guesses().wait(who.map_or("", MemberId::as_str), from, now);
        let (detail, wait) = match wait {
            None => return Ok(()),
            Some(Wait::Slowed(wait)) => ("too many wrong secrets from this address", wait),
            Some(Wait::Locked(wait)) => {
                ("locked for this address after too many wrong secrets; an operator can unlock the member", wait)
            }
        };
        Err(Failure::retry(ErrorCode::RateLimited, detail, wait))
    }

    /// Counts a wrong secret.
    pub(super) fn wrong(&self, who: Option<&MemberId>, from: IpAddr, now: Timestamp) -> Failure {
        let name = who.map_or("", MemberId::as_str);
        let locks = self.lock_guesses().note(name, from, now);
        tracing::warn!(member = name, address = %from, locks, "wrong secret");
        Failure::new(ErrorCode::BadCredentials, "the member id or its secret is wrong")
    }

    async fn is_right(&self, stored: &Credential, given: &str) -> bool {
        match stored {
            Credential::Plain(secret) => {
                let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
                let (wanted, given) = (digest(secret.expose()), digest(given));
                constant_time::verify_slices_are_equal(wanted.as_ref(), given.as_ref()).is_ok()
            }
            Credential::Hash(hash) => self.is_right_by_hash(hash.expose(), given).await,
            Credential::AnyOf(several) => {
                for one in several {
                    if Box::pin(self.is_right(one, given)).await {
                        return true;
                    }
                }
                false
            }
        }
    }

    async fn is_right_by_hash(&self, hash: &str, given: &str) -> bool {
        let tag = self.tag(hash, given);
        if self.right.lock().expect("no panic while held").contains_key(&tag) {
            return true;
        }
        let permit = self.hashing.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (hash, given) = (hash.to_owned(), given.to_owned());
        let check = move || {
            let _permit = permit;
            PasswordHash::new(&hash)
                .is_ok_and(|parsed| Argon2::default().verify_password(given.as_bytes(), &parsed).is_ok())
        };
        let right = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        if right {
            let mut remembered = self.right.lock().expect("no panic while held");
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(tag, ());
        }
        right
    }

    fn tag(&self, hash: &str, given: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(hash.as_bytes());
        context.update(&[0]);
        context.update(given.as_bytes());
        context.sign().as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    fn lock_guesses(&self) -> std::sync::MutexGuard<'_, Guesses> {
        self.guesses.lock().expect("no panic while held")
    }
}

/// Bytes of a drawn secret: 256 bits.
const DRAWN_BYTES: usize = 32;
/// Bytes of salt, as argon2's authors recommend.
const SALT_BYTES: usize = 16;

/// A secret that was just drawn.
pub(crate) struct FreshSecret {
    /// What the member sends; shown once.
    pub(crate) value: Secret,
    /// What is kept.
    pub(crate) hash: String,
}

/// A hash of nothing that anybody knows.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$5VnXoBqD3BTZQKnCDxgCZJbLzYfmwMLtKbfS9nxwV8E";
