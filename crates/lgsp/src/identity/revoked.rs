//! Tokens that do not count any more although they have not ended, by their own id or by that of the sign-in that they came of.
//! They stand in the registry, so that a restart brings none of them back.

use std::collections::HashMap;
use std::sync::RwLock;

use lgsp_model::Timestamp;
use lgsp_store::{AuditEntry, DurableStore, RegistryChange, RegistryEntry, RegistryKind, StoreError};

use super::issuer::Claims;

/// All that was revoked and has not ended.
#[derive(Default)]
pub(crate) struct Revoked {
    ids: RwLock<HashMap<String, Timestamp>>,
}

/// Entries read from the registry at once.
const PAGE: usize = 1000;

impl Revoked {
    /// Those that the store knows.
    pub(crate) async fn load(store: &dyn DurableStore, now: Timestamp) -> Result<Self, StoreError> {
        let mut ids = HashMap::new();
        let mut after = String::new();
        loop {
            let page = store.registry(RegistryKind::Revoked, after.clone(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            ids.extend(page.into_iter().filter_map(|entry| Some((entry.id, entry.ends.filter(|ends| *ends > now)?))));
        }
        Ok(Self { ids: RwLock::new(ids) })
    }

    /// Whether a token does not count any more.
    pub(crate) fn has(&self, claims: &Claims) -> bool {
        let ids = self.ids.read().expect("no panic while held");
        let grant = claims.person.as_ref().map(|person| person.grant.as_str());
        ids.contains_key(&claims.jti) || grant.is_some_and(|grant| ids.contains_key(grant))
    }

    /// Revokes by an id until what has it would have ended anyway. It counts from the answer on, restarts included.
    pub(crate) async fn add(
        &self,
        store: &dyn DurableStore,
        id: &str,
        ends: Timestamp,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let entry = RegistryEntry {
            kind: RegistryKind::Revoked,
            id: id.to_owned(),
            value: bytes::Bytes::from_static(b"{}"),
            ends: Some(ends),
        };
        let now = audit.at;
        store
            .change_registry(RegistryChange { create: Vec::new(), put: vec![entry], remove: Vec::new(), audit })
            .await?;
        let mut ids = self.ids.write().expect("no panic while held");
        if ids.len() >= MANY {
            ids.retain(|_, end| *end > now);
        }
        ids.insert(id.to_owned(), ends);
        Ok(())
    }
}

/// Beyond so many, those that have ended are dropped from memory.
const MANY: usize = 10_000;
