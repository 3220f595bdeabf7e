//! Targets: how far each one is, and the events that it has not taken.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lgsp_model::{Seq, TargetId, Timestamp};
use rusqlite::{Connection, Row, params};

use super::failure::{damaged, unavailable};
use crate::{Parked, ParkedState, StoreError, TargetChange, TargetPosition};

/// Where every target stands, as the table has it: asked for often, so it is kept in memory.
#[derive(Default)]
pub(super) struct Positions {
    known: Mutex<HashMap<TargetId, TargetPosition>>,
}

impl Positions {
    pub(super) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let mut all = conn.prepare("SELECT id, done_through, paused FROM target").map_err(damaged)?;
        let mut rows = all.query([]).map_err(damaged)?;
        let mut known = HashMap::new();
        while let Some(row) = rows.next().map_err(damaged)? {
            let id: String = row.get(0).map_err(damaged)?;
            let id = id.parse().map_err(|_| StoreError::Damaged("a target's name is not one".into()))?;
            let done_through = Seq(row.get::<_, i64>(1).map_err(damaged)? as u64);
            let position = TargetPosition { done_through, paused: row.get(2).map_err(damaged)? };
            known.insert(id, position);
        }
        Ok(Self { known: Mutex::new(known) })
    }

    pub(super) fn get(&self, target: &TargetId) -> Option<TargetPosition> {
        self.lock().get(target).copied()
    }

    /// This change is on disk now.
    pub(super) fn committed(&self, target: &TargetId, change: &TargetChange) {
        if let Some(position) = change.position {
            self.lock().insert(target.clone(), position);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TargetId, TargetPosition>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a position inside the open transaction.
fn write_position(conn: &Connection, target: &TargetId, at: TargetPosition) -> Result<(), StoreError> {
    let mut put = conn
        .prepare_cached(
            "INSERT INTO target VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET done_through = excluded.done_through, paused = excluded.paused",
        )
        .map_err(unavailable)?;
    put.execute(params![target.as_str(), at.done_through.0 as i64, at.paused]).map_err(unavailable)?;
    Ok(())
}

/// Writes a change inside the open transaction.
pub(super) fn write(conn: &Connection, target: &TargetId, change: &TargetChange) -> Result<(), StoreError> {
    if let Some(position) = change.position {
        write_position(conn, target, position)?;
    }
    let mut put = conn
        .prepare_cached("INSERT OR REPLACE INTO parked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
        .map_err(unavailable)?;
    for parked in &change.park {
        let Parked { seq, key, state, attempts, due_at, since, cause, detail } = parked;
        let values =
            params![target.as_str(), seq.0 as i64, key, code(*state), attempts, due_at.0, since.0, cause, detail];
        put.execute(values).map_err(unavailable)?;
    }
    let mut forget = conn.prepare_cached("DELETE FROM parked WHERE target = ?1 AND seq = ?2").map_err(unavailable)?;
    for seq in &change.unpark {
        forget.execute((target.as_str(), seq.0 as i64)).map_err(unavailable)?;
    }
    Ok(())
}

/// The number that stands for a state on disk.
fn code(state: ParkedState) -> u8 {
    match state {
        ParkedState::Retry => 1,
        ParkedState::Unknown => 2,
        ParkedState::Dead => 3,
    }
}

fn state(code: u8) -> Result<ParkedState, StoreError> {
    match code {
        1 => Ok(ParkedState::Retry),
        2 => Ok(ParkedState::Unknown),
        3 => Ok(ParkedState::Dead),
        _ => Err(StoreError::Damaged("a parked event has an impossible state".into())),
    }
}

const COLUMNS: &str = "seq, key, state, attempts, due_at, since, cause, detail";

fn parked_of_row(row: &Row<'_>) -> rusqlite::Result<(u8, Parked)> {
    let parked = Parked {
        seq: Seq(row.get::<_, i64>(0)? as u64),
        key: row.get(1)?,
        state: ParkedState::Dead,
        attempts: row.get(3)?,
        due_at: Timestamp(row.get(4)?),
        since: Timestamp(row.get(5)?),
        cause: row.get(6)?,
        detail: row.get(7)?,
    };
    Ok((row.get(2)?, parked))
}

fn with_state((code, parked): (u8, Parked)) -> Result<Parked, StoreError> {
    Ok(Parked { state: state(code)?, ..parked })
}

/// A target's parked events after a position.
pub(super) fn parked(
    conn: &Connection,
    target: &TargetId,
    of: Option<ParkedState>,
    after: i64,
    limit: usize,
) -> Result<Vec<Parked>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (filter, of) = match of {
        Some(of) => ("AND state = ?4", Some(code(of))),
        None => ("AND ?4 IS NULL", None),
    };
    let text = format!("SELECT {COLUMNS} FROM parked WHERE target = ?1 AND seq > ?2 {filter} ORDER BY seq LIMIT ?3");
    let mut find = conn.prepare_cached(&text).map_err(damaged)?;
    let rows = find.query_map(params![target.as_str(), after, limit, of], parked_of_row).map_err(damaged)?;
    rows.map(|row| row.map_err(damaged).and_then(with_state)).collect()
}

/// One event of a target, if it is parked.
pub(super) fn parked_event(conn: &Connection, target: &TargetId, seq: Seq) -> Result<Option<Parked>, StoreError> {
    let Some(before) = seq.0.checked_sub(1).and_then(|before| i64::try_from(before).ok()) else { return Ok(None) };
    let next = parked(conn, target, None, before, 1)?.pop();
    Ok(next.filter(|parked| parked.seq == seq))
}

/// One dossier's parked events of all targets.
pub(super) fn parked_of(conn: &Connection, key: &str) -> Result<Vec<(TargetId, Parked)>, StoreError> {
    let text = format!("SELECT {COLUMNS}, target FROM parked WHERE key = ?1 ORDER BY target, seq");
    let mut find = conn.prepare_cached(&text).map_err(damaged)?;
    let rows = find.query_map([key], |row| Ok((parked_of_row(row)?, row.get::<_, String>(8)?))).map_err(damaged)?;
    rows.map(|row| {
        let (parked, target) = row.map_err(damaged)?;
        let target = target.parse().map_err(|_| StoreError::Damaged("a target's name is not one".into()))?;
        Ok((target, with_state(parked)?))
    })
    .collect()
}

/// A target's parked events by state.
pub(super) fn count(conn: &Connection, target: &TargetId) -> Result<Vec<(ParkedState, u64)>, StoreError> {
    let mut find = conn
        .prepare_cached("SELECT state, count(*) FROM parked WHERE target = ?1 GROUP BY state ORDER BY state")
        .map_err(damaged)?;
    let rows = find.query_map([target.as_str()], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).map_err(damaged)?;
    rows.map(|row| {
        let (code, count) = row.map_err(damaged)?;
        Ok((state(code)?, count as u64))
    })
    .collect()
}
