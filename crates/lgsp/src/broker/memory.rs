//! What signing in leaves in the soft state: logins under way, codes, sessions, grants. Each is one JSON text under the digest of
//! the value that names it, so that who reads the soft state cannot act for anybody.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use lgsp_store::{SoftKind, SoftState};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::person::Profile;
use crate::failure::Failure;
use crate::identity::Confirmation;

/// 256 random bits in base64url: codes, states, cookies.
pub(crate) fn random_text() -> String {
    let mut random = [0u8; 32];
    aws_lc_rs::rand::fill(&mut random).expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(random)
}

/// What stands for a secret value where it is only compared.
pub(crate) fn digest_of(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// Somebody on his way to sign in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) asked: Asked,
    /// The digest of the browser's cookie.
    pub(crate) browser: String,
    pub(crate) stage: Stage,
}

/// Where on his way he is.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Chooses where to sign in.
    Choosing,
    /// Is there.
    At { provider: String, nonce: String, verifier: String, began_at: i64, choice: Option<String> },
    /// Is asked whether the client may learn who he is.
    Consenting { session: String },
}

/// A browser in which somebody signed in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Its name towards clients (`sid`).
    pub(crate) sid: String,
    pub(crate) account: String,
    pub(crate) provider: String,
    /// The provider's own name of its session.
    pub(crate) provider_sid: Option<String>,
    /// The provider's id token, to sign out there.
    pub(crate) provider_token: Option<String>,
    pub(crate) profile: Profile,
    pub(crate) level: Option<u8>,
    /// Seconds since 1970.
    pub(crate) auth_time: i64,
    /// Milliseconds since 1970: no use lengthens it beyond.
    pub(crate) ends: i64,
    /// The clients that got codes, and their grants.
    pub(crate) grants: Vec<(String, String)>,
    /// What the person agreed to, by client.
    pub(crate) agreed: Vec<(String, Vec<String>)>,
}

/// What one sign-in allowed to one client.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignedIn {
    pub(crate) id: String,
    pub(crate) client: String,
    /// The person's name towards the client.
    pub(crate) subject: String,
    pub(crate) account: String,
    pub(crate) provider: String,
    pub(crate) profile: Profile,
    pub(crate) level: Option<u8>,
    pub(crate) auth_time: i64,
    /// When the client got its code, in seconds since 1970.
    pub(crate) began: i64,
    pub(crate) sid: String,
    pub(crate) claims: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) services: Vec<String>,
    /// Milliseconds since 1970: no refresh lengthens it beyond.
    pub(crate) ends: i64,
    /// The key that refresh tokens are bound to.
    pub(crate) bound: Option<Confirmation>,
}

/// A code on its way to the client.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) grant: String,
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) dpop: Option<String>,
}

/// A refresh token that was not used yet.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub(crate) grant: String,
}

/// The soft state, as the broker uses it.
pub(crate) struct Memory(Arc<dyn SoftState>);

impl Memory {
    pub(crate) fn new(soft: Arc<dyn SoftState>) -> Self {
        Self(soft)
    }

    /// Keeps a value under the digest of its name.
    pub(crate) async fn put<T: Serialize>(
        &self,
        kind: SoftKind,
        name: &str,
        value: &T,
        keep: Duration,
    ) -> Result<(), Failure> {
        let json = serde_json::to_vec(value).expect("these values are plain JSON");
        Ok(self.0.put(kind, &digest_of(name), Bytes::from(json), keep).await?)
    }

    /// Notes that a value was used; false when it was noted before.
    pub(crate) async fn note(&self, kind: SoftKind, name: &str, said: &str, keep: Duration) -> Result<bool, Failure> {
        Ok(self.0.put_new(kind, &digest_of(name), Bytes::copy_from_slice(said.as_bytes()), keep).await?)
    }

    /// What was noted.
    pub(crate) async fn noted(&self, kind: SoftKind, name: &str) -> Result<Option<String>, Failure> {
        let found = self.0.get(kind, &digest_of(name)).await?;
        Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, kind: SoftKind, name: &str) -> Result<Option<T>, Failure> {
        Ok(read(self.0.get(kind, &digest_of(name)).await?))
    }

    /// The value, which nobody gets a second time.
    pub(crate) async fn take<T: DeserializeOwned>(&self, kind: SoftKind, name: &str) -> Result<Option<T>, Failure> {
        Ok(read(self.0.take(kind, &digest_of(name)).await?))
    }

    pub(crate) async fn remove(&self, kind: SoftKind, name: &str) -> Result<(), Failure> {
        Ok(self.0.remove(kind, &digest_of(name)).await?)
    }
}

/// What another version wrote and this one cannot read is as if it were gone: the person signs in again.
fn read<T: DeserializeOwned>(found: Option<Bytes>) -> Option<T> {
    serde_json::from_slice(&found?).ok()
}
