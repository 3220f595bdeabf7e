//! The registry: small entries beside the log that are changed while the gateway runs, each change in one commit with
//! the audit event that says who, what and why. It knows kinds and ids; what an entry's bytes mean is its writer's.

use std::fmt;

use bytes::Bytes;
use lgsp_model::Timestamp;

use crate::AuditEntry;

/// How long after its end an entry may still be there, in milliseconds: a day, for operators who look back.
pub const REGISTRY_KEPT_MILLIS: i64 = 24 * 3600 * 1000;

/// What an entry of the registry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistryKind {
    /// A member that was made or suspended while the gateway runs.
    Member,
    /// Who signs in, by the gateway's own name for him.
    Account,
    /// What leads from an identity provider's name for somebody to an account.
    AccountKey,
    /// Accounts that may be one person and may not; waits for an operator.
    Conflict,
    /// Something that is not taken any more before its own end, such as a token.
    Revoked,
    /// What came of comparing a payment provider's account of a day with ours.
    Reconciliation,
    /// Lines on which the two differ, in pieces; the entry before says whose they are.
    ReconciliationRows,
}

impl RegistryKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Member,
        Self::Account,
        Self::AccountKey,
        Self::Conflict,
        Self::Revoked,
        Self::Reconciliation,
        Self::ReconciliationRows,
    ];

    /// The kind's name in the log and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Account => "account",
            Self::AccountKey => "account-key",
            Self::Conflict => "conflict",
            Self::Revoked => "revoked",
            Self::Reconciliation => "reconciliation",
            Self::ReconciliationRows => "reconciliation-rows",
        }
    }
}

/// One entry. Its id stands in the log for ever, in the audit event of each change: whatever names a person goes in as a
/// keyed digest. Its value does not: the log has a salted digest of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryEntry {
    /// What it is about.
    pub kind: RegistryKind,
    /// Unique within its kind.
    pub id: String,
    /// The writer's own JSON.
    pub value: Bytes,
    /// When nobody needs it any more: it may be read until [`REGISTRY_KEPT_MILLIS`] later, so readers look at this, and
    /// it goes with some change after that.
    pub ends: Option<Timestamp>,
}

/// Without the value, which may hold hashes of secrets and personal data.
impl fmt::Debug for RegistryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, id, value, ends } = self;
        write!(f, "RegistryEntry({} {id}, {} bytes, ends {ends:?})", kind.as_str(), value.len())
    }
}

/// Changes of the registry: all of them or none, in one commit with the audit event, in the order of the fields.
#[derive(Clone, Debug)]
pub struct RegistryChange {
    /// Entries that must not be there yet; if one is, the answer is [`crate::StoreError::Taken`] and nothing changes.
    pub create: Vec<RegistryEntry>,
    /// Entries to be as given, there already or not.
    pub put: Vec<RegistryEntry>,
    /// Entries to be gone; one that is not there is no error.
    pub remove: Vec<(RegistryKind, String)>,
    /// Who did it and why. The log's event also names each entry, with what became of it.
    pub audit: AuditEntry,
}
