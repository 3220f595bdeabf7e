//! The registry's table: entries with the log position of their last change, and the salt of the digest that stands
//! there. It writes inside the open transaction; the audit event is the group's business.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use lgsp_model::{Digest, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};

use super::failure::{damaged, unavailable};
use super::group::{Answer, Group};
use super::queue::CALL_BYTES;
use crate::{REGISTRY_KEPT_MILLIS, RegistryChange, RegistryEntry, RegistryKind, StoreError};

/// Ended entries that one change takes away, so that no commit takes long.
const PURGED_AT_ONCE: usize = 100;
/// Bytes of salt: an entry of few possible values must not be guessed from the log after it is gone.
const SALT_BYTES: usize = 16;

/// What became of an entry, as an audit event says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Act {
    Created,
    Put,
    Removed,
}

/// One entry of the list in an audit event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changed {
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) change: Act,
    /// The salted digest in hex; of a removed entry there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    /// Whether the entry may go without an event, after its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ends: bool,
}

/// What a change counts for while it waits.
pub(super) fn weight(change: &RegistryChange) -> usize {
    let entries = change.create.iter().chain(&change.put);
    entries.map(|entry| CALL_BYTES + entry.value.len()).sum::<usize>() + CALL_BYTES * (change.remove.len() + 1)
}

/// Applies a change with its audit event, or nothing of it.
pub(super) fn apply(group: &mut Group<'_>, change: &RegistryChange) -> Result<Answer, StoreError> {
    purge(group.conn, change.audit.at)?;
    for (at, entry) in change.create.iter().enumerate() {
        let twice = change.create[..at].iter().any(|other| (other.kind, &other.id) == (entry.kind, &entry.id));
        if twice || is_there(group.conn, entry.kind, &entry.id)? {
            return Ok(Answer::Taken);
        }
    }
    // The event comes after what it tells of, and takes the next place in the log.
    let seq = Seq(group.tail.seq + 1);
    let mut list = Vec::with_capacity(change.create.len() + change.put.len() + change.remove.len());
    for entry in &change.create {
        list.push(write(group.conn, entry, Act::Created, seq)?);
    }
    for entry in &change.put {
        list.push(write(group.conn, entry, Act::Put, seq)?);
    }
    for (kind, id) in &change.remove {
        remove(group.conn, *kind, id)?;
        let (kind, id) = (kind.as_str().to_owned(), id.clone());
        list.push(Changed { kind, id, change: Act::Removed, digest: None, ends: false });
    }
    group.audit_with(&change.audit, None, &list).map(Answer::Logged)
}

fn remove(conn: &Connection, kind: RegistryKind, id: &str) -> Result<(), StoreError> {
    let mut remove = conn.prepare_cached("DELETE FROM registry WHERE kind = ?1 AND id = ?2").map_err(unavailable)?;
    remove.execute((kind.as_str(), id)).map(drop).map_err(unavailable)
}

fn write(conn: &Connection, entry: &RegistryEntry, change: Act, seq: Seq) -> Result<Changed, StoreError> {
    let mut salt = [0u8; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| StoreError::Unavailable("the system has no randomness".into()))?;
    let RegistryEntry { kind, id, value, ends } = entry;
    let ends = ends.map(|ends| ends.0);
    let mut put = conn
        .prepare_cached("INSERT OR REPLACE INTO registry(kind, id, value, ends, salt, seq) VALUES (?1,?2,?3,?4,?5,?6)")
        .map_err(unavailable)?;
    put.execute((kind.as_str(), id, &value[..], ends, &salt[..], seq.0 as i64)).map_err(unavailable)?;
    let digest = Some(digest(kind.as_str(), id, value, ends, &salt).to_string());
    Ok(Changed { kind: kind.as_str().to_owned(), id: id.clone(), change, digest, ends: ends.is_some() })
}

/// What the log says of an entry. Texts carry their length, so that no two entries have the same bytes.
pub(super) fn digest(kind: &str, id: &str, value: &[u8], ends: Option<i64>, salt: &[u8]) -> Digest {
    let mut hash = Context::new(&SHA256);
    for part in [salt, kind.as_bytes(), id.as_bytes(), value] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(&[u8::from(ends.is_some())]);
    hash.update(&ends.unwrap_or(0).to_le_bytes());
    let mut value = [0; 32];
    value.copy_from_slice(hash.finish().as_ref());
    Digest(value)
}

/// Takes entries away whose end is long past.
fn purge(conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut purge = conn
        .prepare_cached(
            "DELETE FROM registry WHERE (kind, id) IN \
             (SELECT kind, id FROM registry WHERE ends < ?1 ORDER BY ends LIMIT ?2)",
        )
        .map_err(unavailable)?;
    let long_past = now.0.saturating_sub(REGISTRY_KEPT_MILLIS);
    purge.execute((long_past, PURGED_AT_ONCE as i64)).map(drop).map_err(unavailable)
}

fn is_there(conn: &Connection, kind: RegistryKind, id: &str) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached("SELECT 1 FROM registry WHERE kind = ?1 AND id = ?2").map_err(unavailable)?;
    find.exists((kind.as_str(), id)).map_err(damaged)
}

/// One entry.
pub(super) fn entry(conn: &Connection, kind: RegistryKind, id: &str) -> Result<Option<RegistryEntry>, StoreError> {
    let mut find =
        conn.prepare_cached("SELECT id, value, ends FROM registry WHERE kind = ?1 AND id = ?2").map_err(damaged)?;
    find.query_row((kind.as_str(), id), |row| read(kind, row)).optional().map_err(damaged)
}

/// Entries of a kind whose ids come after `after`, in the order of their ids.
pub(super) fn page(
    conn: &Connection,
    kind: RegistryKind,
    after: &str,
    limit: usize,
) -> Result<Vec<RegistryEntry>, StoreError> {
    let mut find = conn
        .prepare_cached("SELECT id, value, ends FROM registry WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
        .map_err(damaged)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = find.query_map((kind.as_str(), after, limit), |row| read(kind, row));
    rows.and_then(Iterator::collect).map_err(damaged)
}

fn read(kind: RegistryKind, row: &Row<'_>) -> rusqlite::Result<RegistryEntry> {
    let value: Vec<u8> = row.get(1)?;
    let ends = row.get::<_, Option<i64>>(2)?.map(Timestamp);
    Ok(RegistryEntry { kind, id: row.get(0)?, value: Bytes::from(value), ends })
}
