//! The members' entries of the registry, in memory as they are on disk, and when each member was seen last. Every change
//! is on disk, with its audit event, before it counts.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use lgsp_model::{MemberId, Timestamp};
use lgsp_store::{
    AuditEntry, DurableStore, RegistryChange, RegistryEntry, RegistryKind, SoftKind, SoftState, StoreError,
};
use tokio::sync::Mutex;

use super::record::Record;

/// Entries read at a time at start.
const PAGE: usize = 1_000;
/// How long it is remembered when a member was seen last: longer than any rule about idle members.
const SEEN_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// Entries by member.
pub(crate) type Records = BTreeMap<MemberId, Record>;

/// When members were seen last.
#[derive(Default)]
pub(crate) struct Seen {
    by_member: RwLock<HashMap<MemberId, Arc<LastUse>>>,
}

/// When one member was seen last, in milliseconds; 0: never since it is known.
#[derive(Default)]
pub(crate) struct LastUse {
    at: AtomicI64,
    written: AtomicI64,
}

impl LastUse {
    /// It was seen now.
    pub(crate) fn note(&self, now: Timestamp) {
        self.at.store(now.0, Ordering::Relaxed);
    }

    pub(crate) fn at(&self) -> Option<Timestamp> {
        Some(self.at.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Timestamp)
    }
}

impl Seen {
    pub(super) fn of(&self, member: &MemberId) -> Arc<LastUse> {
        if let Some(known) = self.by_member.read().unwrap_or_else(PoisonError::into_inner).get(member) {
            return known.clone();
        }
        let mut all = self.by_member.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(member.clone()).or_default().clone()
    }

    /// Writes what changed since the last time, so that other gateways and the next life of this one know it, as far as
    /// the soft state lives on.
    pub(crate) async fn flush(&self, soft: &dyn SoftState) -> Result<(), StoreError> {
        let all: Vec<_> = {
            let all = self.by_member.read().unwrap_or_else(PoisonError::into_inner);
            all.iter().map(|(member, last)| (member.clone(), last.clone())).collect()
        };
        for (member, last) in all {
            let at = last.at.load(Ordering::Relaxed);
            if at > last.written.load(Ordering::Relaxed) {
                soft.put(SoftKind::LastUse, member.as_str(), Bytes::from(at.to_string()), SEEN_KEPT).await?;
                last.written.store(at, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// When it was seen last, here or by another gateway.
    pub(crate) async fn last(&self, member: &MemberId, soft: &dyn SoftState) -> Option<Timestamp> {
        let kept = soft.get(SoftKind::LastUse, member.as_str()).await.ok().flatten();
        let kept = kept.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()).map(Timestamp);
        kept.max(self.of(member).at())
    }
}

/// The registry's members.
pub(crate) struct Roster {
    records: RwLock<Arc<Records>>,
    pub(crate) seen: Arc<Seen>,
    /// One change at a time: each is made from what the one before left.
    pub(crate) changing: Mutex<()>,
}

impl Roster {
    /// Reads the registry.
    pub(crate) async fn load(store: &dyn DurableStore, now: Timestamp) -> Result<Self, StoreError> {
        let (mut records, mut after) = (Records::new(), String::new());
        loop {
            let page = store.registry(RegistryKind::Member, after.clone(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            for RegistryEntry { id, value, .. } in page {
                match id.parse() {
                    Ok(member) => drop(records.insert(member, Record::read(&id, &value, now))),
                    Err(_) => tracing::error!(id, "the registry has a member whose id is none"),
                }
            }
        }
        Ok(Self { records: RwLock::new(Arc::new(records)), seen: Arc::default(), changing: Mutex::default() })
    }

    /// The entries as they are now.
    pub(crate) fn records(&self) -> Arc<Records> {
        self.records.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a member's entry with its audit event; then it counts. The caller holds `changing`.
    pub(crate) async fn write(
        &self,
        store: &dyn DurableStore,
        member: &MemberId,
        record: Record,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let (kind, value) = (RegistryKind::Member, Bytes::from(record.to_json()));
        let entry = RegistryEntry { kind, id: member.to_string(), value, ends: None };
        let (create, put) =
            if self.records().contains_key(member) { (Vec::new(), vec![entry]) } else { (vec![entry], Vec::new()) };
        store.change_registry(RegistryChange { create, put, remove: Vec::new(), audit }).await?;
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut records).insert(member.clone(), record);
        Ok(())
    }

    /// Whether a member or a secret ended by itself in a span of time, its first moment excluded.
    pub(crate) fn ended(&self, after: Timestamp, through: Timestamp) -> bool {
        self.records().values().any(|record| record.ended(after, through))
    }
}

#[cfg(test)]
mod tests {
    use lgsp_store::LocalSoft;

    use super::*;

    #[tokio::test]
    async fn when_a_member_was_seen_is_written_when_it_changed_and_known_to_others() {
        let (here, there, soft) = (Seen::default(), Seen::default(), LocalSoft::default());
        let member: MemberId = "m".parse().unwrap();
        assert_eq!(here.last(&member, &soft).await, None);
        here.of(&member).note(Timestamp(5));
        assert_eq!(here.last(&member, &soft).await, Some(Timestamp(5)));
        assert_eq!(there.last(&member, &soft).await, None);
        here.flush(&soft).await.unwrap();
        assert_eq!(there.last(&member, &soft).await, Some(Timestamp(5)));
        soft.remove(SoftKind::LastUse, "m").await.unwrap();
        here.flush(&soft).await.unwrap();
        assert_eq!(there.last(&member, &soft).await, None, "nothing changed, nothing is written");
        there.of(&member).note(Timestamp(9));
        there.flush(&soft).await.unwrap();
        assert_eq!(here.last(&member, &soft).await, Some(Timestamp(9)));
    }
}
