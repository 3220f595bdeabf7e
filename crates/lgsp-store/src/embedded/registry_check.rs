//! Checks the registry against the log: entries that were changed, put in, put back or taken away behind the store's
//! back are found. The chain vouches for the log; this trusts it and holds no more than what seems to be missing.

use std::collections::BTreeMap;

use lgsp_model::{EventKind, Seq};
use rusqlite::{Connection, OptionalExtension as _};

use super::audit;
use super::codec::Unpacker;
use super::failure::damaged;
use super::registry::{self, Act, Changed};
use crate::StoreError;

/// Entries compared in one read transaction, some 50 ms of work.
const SLICE: i64 = 1_000;

/// What stands in the registry's table for one entry.
struct Entry {
    kind: String,
    id: String,
    digest: String,
    seq: i64,
}

/// The check, beside the walk over the log.
pub(super) struct RegistryCheck {
    /// A store of an older format has no registry.
    exists: bool,
    /// Entries that the log made and the registry does not have; some later event may have taken them away.
    missing: BTreeMap<(String, String), u64>,
}

impl RegistryCheck {
    pub(super) fn of(conn: &Connection) -> Result<Self, StoreError> {
        let mut find =
            conn.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'registry'").map_err(damaged)?;
        Ok(Self { exists: find.exists([]).map_err(damaged)?, missing: BTreeMap::new() })
    }

    /// Follows one audit event; what is wrong with what it tells of, if anything.
    pub(super) fn follow(&mut self, conn: &Connection, seq: u64, act: &[u8]) -> Result<Option<String>, StoreError> {
        let list = audit::changed(act).unwrap_or_default();
        for (at, changed) in list.iter().enumerate() {
            let again = list[at + 1..].iter().any(|later| (&later.kind, &later.id) == (&changed.kind, &changed.id));
            if !again && let Some(problem) = self.follow_entry(conn, seq, changed)? {
                return Ok(Some(problem));
            }
        }
        Ok(None)
    }

    fn follow_entry(&mut self, conn: &Connection, seq: u64, changed: &Changed) -> Result<Option<String>, StoreError> {
        let key = (changed.kind.clone(), changed.id.clone());
        let stands: Option<i64> = match self.exists {
            true => conn
                .prepare_cached("SELECT seq FROM registry WHERE kind = ?1 AND id = ?2")
                .and_then(|mut find| find.query_row((&key.0, &key.1), |row| row.get(0)).optional())
                .map_err(damaged)?,
            false => None,
        };
        match stands {
            None if changed.change == Act::Removed || changed.ends => drop(self.missing.remove(&key)),
            None => drop(self.missing.insert(key, seq)),
            Some(stands) if (stands as u64) < seq || (stands as u64 == seq && changed.change == Act::Removed) => {
                return Ok(Some(format!(
                    "the registry does not have what this act made of an entry of kind {}",
                    key.0
                )));
            }
            Some(_) => drop(self.missing.remove(&key)),
        }
        Ok(None)
    }

    /// What is wrong once the log was walked up to `end`, and where.
    pub(super) fn end(mut self, conn: &Connection, end: u64) -> Result<Option<(Seq, String)>, StoreError> {
        if !self.exists && self.missing.is_empty() {
            return Ok(None);
        }
        if !self.missing.is_empty() {
            self.take_away_later(conn, end)?;
        }
        if let Some(((kind, _), seq)) = self.missing.first_key_value() {
            return Ok(Some((Seq(*seq), format!("the registry lacks an entry of kind {kind} that this act made"))));
        }
        let (mut unpacker, mut after) = (Unpacker::default(), (String::new(), String::new()));
        loop {
            let entries = slice(conn, &after)?;
            let Some(last) = entries.last() else { return Ok(None) };
            after = (last.kind.clone(), last.id.clone());
            for entry in entries.iter().filter(|entry| entry.seq as u64 <= end) {
                if !vouched_for(conn, &mut unpacker, entry)? {
                    let problem = format!("the registry has an entry of kind {} that this event does not", entry.kind);
                    return Ok(Some((Seq(entry.seq as u64), problem)));
                }
            }
        }
    }

    /// What was taken away while the log was walked is not missing.
    fn take_away_later(&mut self, conn: &Connection, end: u64) -> Result<(), StoreError> {
        let mut find = conn
            .prepare("SELECT payload, dictionary FROM log WHERE seq > ?1 AND kind = ?2 AND payload IS NOT NULL")
            .map_err(damaged)?;
        let mut rows = find.query((end as i64, EventKind::Audit.code())).map_err(damaged)?;
        let mut unpacker = Unpacker::default();
        while let Some(row) = rows.next().map_err(damaged)? {
            let stored: Vec<u8> = row.get(0).map_err(damaged)?;
            let act = unpacker.unpack(conn, &stored, row.get(1).map_err(damaged)?)?;
            for changed in audit::changed(&act).unwrap_or_default() {
                self.missing.remove(&(changed.kind, changed.id));
            }
        }
        Ok(())
    }
}

/// The next entries after a kind and an id, in order.
fn slice(conn: &Connection, after: &(String, String)) -> Result<Vec<Entry>, StoreError> {
    let mut find = conn
        .prepare_cached(
            "SELECT kind, id, value, ends, salt, seq FROM registry WHERE (kind, id) > (?1, ?2) ORDER BY kind, id LIMIT ?3",
        )
        .map_err(damaged)?;
    let rows = find.query_map((&after.0, &after.1, SLICE), |row| {
        let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
        let (value, ends, salt): (Vec<u8>, Option<i64>, Vec<u8>) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let digest = registry::digest(&kind, &id, &value, ends, &salt).to_string();
        Ok(Entry { kind, id, digest, seq: row.get(5)? })
    });
    rows.and_then(Iterator::collect).map_err(damaged)
}

/// Whether the audit event of an entry's last change has its digest. One whose payload was purged vouches for all.
fn vouched_for(conn: &Connection, unpacker: &mut Unpacker, entry: &Entry) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached("SELECT kind, payload, dictionary FROM log WHERE seq = ?1").map_err(damaged)?;
    let found: Option<(u8, Option<Vec<u8>>, i64)> =
        find.query_row([entry.seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional().map_err(damaged)?;
    let Some((kind, stored, dictionary)) = found else { return Ok(false) };
    if kind != EventKind::Audit.code() {
        return Ok(false);
    }
    let Some(stored) = stored else { return Ok(true) };
    let list = audit::changed(&unpacker.unpack(conn, &stored, dictionary)?).unwrap_or_default();
    let last = list.iter().rfind(|changed| (&changed.kind, &changed.id) == (&entry.kind, &entry.id));
    Ok(last.is_some_and(|changed| changed.digest.as_ref() == Some(&entry.digest)))
}
