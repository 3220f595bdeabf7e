//! The keys and certificates by which a member proves itself at the token endpoint: those that it signs requests and opens
//! connections with.

use std::sync::Arc;

use lgsp_config::{Member, SignatureAlgorithm};
use lgsp_model::Timestamp;

use super::members::{KnownKey, Members};
use super::mtls::CertificateFacts;
use super::signature::VerifyingKey;

/// A key of one member.
pub(crate) struct ClientKey<'a> {
    known: &'a KnownKey<VerifyingKey>,
}

impl Members {
    /// The member that a verified certificate stands for, if it is one only.
    pub(crate) fn of_certificate(&self, certificate: &CertificateFacts<'_>) -> Option<&Arc<Member>> {
        self.by_certificate(certificate).ok().flatten().map(|identified| &identified.member)
    }

    /// A member's key of this id; without an id, the only one that it has.
    pub(crate) fn client_key(&self, member: &Member, id: Option<&str>) -> Option<ClientKey<'_>> {
        let id = match (id, member.signature_keys.as_slice()) {
            (Some(id), _) => id,
            (None, [only]) => only.id.as_str(),
            (None, _) => return None,
        };
        let known = self.signature_key(id).filter(|known| known.caller.member.id == member.id)?;
        Some(ClientKey { known })
    }
}

impl ClientKey<'_> {
    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        self.known.key.algorithm()
    }

    /// Whether it has not ended.
    pub(crate) fn is_living(&self, now: Timestamp) -> bool {
        self.known.caller.ends > now
    }

    /// Whether this is its signature of these bytes.
    pub(crate) fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        self.known.key.fits(message, signature)
    }
}
