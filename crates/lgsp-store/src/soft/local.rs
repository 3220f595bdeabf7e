//! Soft state in this process, lost when it ends. Bounded by the number of values of each kind; callers bound their size.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{LONGEST, SHORTEST, SoftKind, SoftState};
use crate::{StoreError, StoreFuture};

/// Ended values that one call takes away beside its own work: more than it can add.
const SWEPT_AT_ONCE: usize = 8;

/// Soft state in this process.
pub struct LocalSoft {
    tables: Vec<Mutex<Table>>,
    most: fn(SoftKind) -> usize,
}

#[derive(Default)]
struct Table {
    values: HashMap<Arc<str>, Value>,
    by_end: BTreeSet<(Instant, Arc<str>)>,
}

struct Value {
    bytes: Bytes,
    ends: Instant,
}

impl Default for LocalSoft {
    fn default() -> Self {
        Self::bounded(SoftKind::most)
    }
}

impl LocalSoft {
    /// Nothing yet, with room for so many values of each kind.
    fn bounded(most: fn(SoftKind) -> usize) -> Self {
        Self { tables: SoftKind::ALL.iter().map(|_| Mutex::default()).collect(), most }
    }

    fn table(&self, kind: SoftKind) -> MutexGuard<'_, Table> {
        let at = SoftKind::ALL.iter().position(|known| *known == kind).expect("every kind is in the list");
        self.tables[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a value, with what a full table does.
    fn keep(&self, kind: SoftKind, key: &str, bytes: Bytes, keep: Duration, anew: bool) -> Result<bool, StoreError> {
        let now = Instant::now();
        let mut table = self.table(kind);
        table.sweep(now);
        let known = table.living(key, now);
        if anew && known {
            return Ok(false);
        }
        if !known && table.values.len() >= (self.most)(kind) {
            table.sweep_all(now);
            if table.values.len() >= (self.most)(kind) {
                if !kind.gives_way() {
                    return Err(StoreError::Busy);
                }
                table.drop_first();
            }
        }
        table.insert(key.into(), Value { bytes, ends: now + keep.clamp(SHORTEST, LONGEST) });
        Ok(true)
    }
}

impl Table {
    fn living(&self, key: &str, now: Instant) -> bool {
        self.values.get(key).is_some_and(|value| value.ends > now)
    }

    fn insert(&mut self, key: Arc<str>, value: Value) {
        self.remove(&key);
        self.by_end.insert((value.ends, key.clone()));
        self.values.insert(key, value);
    }

    fn remove(&mut self, key: &str) -> Option<Value> {
        let (key, value) = self.values.remove_entry(key)?;
        self.by_end.remove(&(value.ends, key));
        Some(value)
    }

    fn drop_first(&mut self) {
        if let Some((_, key)) = self.by_end.pop_first() {
            self.values.remove(&key);
        }
    }

    /// Takes away some values that have ended.
    fn sweep(&mut self, now: Instant) {
        for _ in 0..SWEPT_AT_ONCE {
            if self.by_end.first().is_none_or(|(ends, _)| *ends > now) {
                return;
            }
            self.drop_first();
        }
    }

    fn sweep_all(&mut self, now: Instant) {
        while self.by_end.first().is_some_and(|(ends, _)| *ends <= now) {
            self.drop_first();
        }
    }
}

impl SoftState for LocalSoft {
    fn put(&self, kind: SoftKind, key: &str, value: Bytes, keep: Duration) -> StoreFuture<'_, ()> {
        let kept = self.keep(kind, key, value, keep, false).map(drop);
        Box::pin(std::future::ready(kept))
    }

    fn put_new(&self, kind: SoftKind, key: &str, value: Bytes, keep: Duration) -> StoreFuture<'_, bool> {
        Box::pin(std::future::ready(self.keep(kind, key, value, keep, true)))
    }

    fn get(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, Option<Bytes>> {
        let now = Instant::now();
        let found = self.table(kind).values.get(key).filter(|value| value.ends > now).map(|value| value.bytes.clone());
        Box::pin(std::future::ready(Ok(found)))
    }

    fn take(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, Option<Bytes>> {
        let now = Instant::now();
        let taken = self.table(kind).remove(key).filter(|value| value.ends > now).map(|value| value.bytes);
        Box::pin(std::future::ready(Ok(taken)))
    }

    fn remove(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, ()> {
        self.table(kind).remove(key);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    async fn put(soft: &LocalSoft, kind: SoftKind, key: &str, keep: Duration) -> Result<(), StoreError> {
        soft.put(kind, key, Bytes::from_static(b"x"), keep).await
    }

    #[tokio::test]
    async fn a_full_table_lets_go_of_what_ends_first() {
        let soft = LocalSoft::bounded(|_| 3);
        for (key, keep) in [("a", LONG), ("b", LONG / 2), ("c", LONG)] {
            put(&soft, SoftKind::Session, key, keep).await.unwrap();
        }
        put(&soft, SoftKind::Session, "a", LONG).await.unwrap();
        assert!(soft.get(SoftKind::Session, "b").await.unwrap().is_some(), "one that was there takes no new room");
        put(&soft, SoftKind::Session, "d", LONG).await.unwrap();
        assert_eq!(soft.get(SoftKind::Session, "b").await.unwrap(), None);
        for key in ["a", "c", "d"] {
            assert!(soft.get(SoftKind::Session, key).await.unwrap().is_some(), "{key}");
        }
    }

    #[tokio::test]
    async fn what_must_not_count_twice_is_not_forgotten_for_something_new() {
        let soft = LocalSoft::bounded(|_| 2);
        for key in ["a", "b"] {
            assert_eq!(soft.put_new(SoftKind::Replay, key, Bytes::new(), LONG).await, Ok(true));
        }
        assert_eq!(soft.put_new(SoftKind::Replay, "c", Bytes::new(), LONG).await, Err(StoreError::Busy));
        assert_eq!(soft.put_new(SoftKind::Replay, "a", Bytes::new(), LONG).await, Ok(false));
        soft.remove(SoftKind::Replay, "b").await.unwrap();
        assert_eq!(soft.put_new(SoftKind::Replay, "c", Bytes::new(), LONG).await, Ok(true));
    }

    #[tokio::test]
    async fn values_that_ended_leave_memory() {
        let soft = LocalSoft::default();
        for n in 0..100 {
            put(&soft, SoftKind::Login, &n.to_string(), Duration::ZERO).await.unwrap();
        }
        let began = Instant::now();
        while soft.table(SoftKind::Login).values.len() > 1 {
            put(&soft, SoftKind::Login, "last", LONG).await.unwrap();
            assert!(began.elapsed() < LONG, "they never ended");
        }
        assert_eq!(soft.table(SoftKind::Login).by_end.len(), 1);
    }
}
