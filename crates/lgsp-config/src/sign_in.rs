//! Signing in: the outside providers that people are known at, and the members that may ask who they are. How a provider
//! is talked to is the shell's business.

use std::fmt;
use std::time::Duration;

use lgsp_model::{BadId, PersonKind};

use crate::ConnectorSettings;

/// `[sign_in]`: how long what signing in leaves behind is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// From the question who somebody is to his answer.
    pub login_ttl: Duration,
    /// A code, from the redirect to its exchange.
    pub code_ttl: Duration,
    /// A browser's session after its last use.
    pub session_ttl: Duration,
    /// A refresh token after its last use.
    pub refresh_ttl: Duration,
    /// All that one sign-in allows, however often it is refreshed.
    pub longest: Duration,
}

/// `[[identity_provider]]`: where people sign in.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// Its name in paths, metrics and logs.
    pub id: ProviderId,
    /// The family that speaks its protocol; whether there is such a one, the shell says.
    pub kind: String,
    /// What people read, in Vietnamese.
    pub name: String,
    /// What people read, in English.
    pub name_en: String,
    /// Who may sign in there; never empty.
    pub persons: Vec<PersonKind>,
    /// Whether the numbers that it gives of somebody lead to accounts of other providers. By default those of the national
    /// providers do: whoever may write another's number could otherwise become him.
    pub links: bool,
    /// The family's own table.
    pub settings: ConnectorSettings,
}

/// The id of a provider at which people sign in or pay, or of an account: 1 to 64 of `a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(String);

impl ProviderId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ProviderId {
    type Err = BadId;
    fn from_str(id: &str) -> Result<Self, BadId> {
        // The same letters as a member's id.
        id.parse::<lgsp_model::MemberId>().map(|id| Self(id.to_string()))
    }
}

/// `member.sign_in`: a member that may learn who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Where codes may go; matched to the letter, never empty.
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after signing out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Who is told that somebody signed out (OpenID Connect Back-Channel Logout).
    pub backchannel_logout: Option<String>,
    /// What it may learn; sorted, without repeats, never empty.
    pub claims: Vec<ClaimScope>,
    /// The providers that may be used; `None` stands for all.
    pub providers: Option<Vec<ProviderId>>,
    /// How its id tokens are signed.
    pub id_token_alg: TokenAlgorithm,
    /// What names a person towards it.
    pub subject: SubjectType,
    /// Whether people are not asked before their data go there: for systems of the province itself.
    pub trusted: bool,
}

/// What a client may learn of a person; the scopes of OpenID Connect and two of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimScope {
    /// Who it is, by a name that means nothing.
    OpenId,
    /// Name, kind, date of birth, organisation.
    Profile,
    /// The address for mail.
    Email,
    /// The telephone number.
    Phone,
    /// The identity number and the tax code.
    Identity,
    /// Refresh tokens.
    OfflineAccess,
}

impl ClaimScope {
    /// Every scope.
    pub const ALL: [Self; 6] =
        [Self::OpenId, Self::Profile, Self::Email, Self::Phone, Self::Identity, Self::OfflineAccess];

    /// The word in requests and tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Identity => "identity",
            Self::OfflineAccess => "offline_access",
        }
    }

    /// The scope of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA PKCS#1 v1.5 with SHA-256, for clients that know nothing else.
    Rs256,
}

impl TokenAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The name in `alg` (RFC 7518, RFC 8037).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// What names a person towards a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectType {
    /// The same for all clients.
    Public,
    /// Another one for each client, so that two of them cannot compare notes.
    Pairwise,
}

impl SubjectType {
    /// The word of OpenID Connect.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }
}
