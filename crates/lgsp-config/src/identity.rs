//! Members: who may call the gateway and what was granted to them. How a credential is checked is the shell's business.

mod proofs;

use std::time::Duration;

use lgsp_model::{AgencyGrant, MemberId, Scope};

use crate::payments::MemberPayments;
use crate::sign_in::Client;
use crate::{ConnectorSettings, PasswordHash, Secret};

pub(crate) use proofs::sha256_digits;
pub use proofs::{
    ApiKey, BadBinding, BadKeyId, CertificateBinding, Fingerprint, KeyDigest, KeyId, LgspAccess, San,
    SignatureAlgorithm, SignatureKey,
};

/// `[[member]]`: a system that may call the gateway.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name in tokens, logs and metrics; also the client id.
    pub id: MemberId,
    /// What people call it.
    pub name: String,
    /// Whether and how it may learn who signed in.
    pub sign_in: Option<Client>,
    /// What it may ask for of payments.
    pub payments: MemberPayments,
    /// The agencies granted to it.
    pub agencies: AgencyGrant,
    /// What it may do; sorted, without repeats.
    pub scopes: Vec<Scope>,
    /// The client secret; a member without one has another proof below.
    pub credential: Option<Credential>,
    /// The certificates that stand for it; none stands for two members.
    pub certificates: Vec<CertificateBinding>,
    /// Whether everything else that proves it counts only on a connection with one of its certificates.
    pub certificate_required: bool,
    /// Its API keys.
    pub api_keys: Vec<ApiKey>,
    /// The keys that it signs requests with.
    pub signature_keys: Vec<SignatureKey>,
    /// Its access header, if it is one of the clients that send it.
    pub lgsp_access: Option<LgspAccess>,
    /// Where it is told of the end of its queued messages: settings of the webhook connector.
    pub callback: Option<ConnectorSettings>,
    /// Its login in the national dialect, if it may use that.
    pub national: Option<NationalLogin>,
    /// How often it usually pushes; longer silence raises an alert. Absent: it may be silent.
    pub usual_push_interval: Option<Duration>,
}

impl Member {
    /// Whether `scope` was granted to it.
    pub fn may(&self, scope: &Scope) -> bool {
        self.scopes.contains(scope)
    }
}

/// A login of the national dialect.
#[derive(Clone, Debug)]
pub struct NationalLogin {
    /// The user name, unique among members.
    pub username: String,
    /// The password.
    pub credential: Credential,
}

/// A secret to compare with, or the hash of one.
#[derive(Clone, Debug)]
pub enum Credential {
    /// In clear text, from a variable or a file.
    Plain(Secret),
    /// An argon2id hash.
    Hash(PasswordHash),
    /// Any of these, while one replaces another. The file has no form for it.
    AnyOf(Vec<Self>),
}
