//! The marks of targets that stopped with nothing in flight. They hold from one life of the store to the next, so that
//! a target which was not there in between is in doubt again. It decides nothing: who sets them knows.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use lgsp_model::TargetId;
use rusqlite::Connection;

use super::failure::{damaged, unavailable};
use crate::StoreError;

/// The marks that the last life of the store left.
pub(super) struct CleanStops {
    targets: Mutex<HashSet<String>>,
}

impl CleanStops {
    /// Takes the marks off the disk: this life has yet to end.
    pub(super) fn take_all(conn: &Connection) -> Result<Self, StoreError> {
        let targets: HashSet<String> = {
            let mut all = conn.prepare("SELECT target FROM clean_stop").map_err(damaged)?;
            let rows = all.query_map([], |row| row.get(0)).map_err(damaged)?;
            rows.collect::<Result<_, _>>().map_err(damaged)?
        };
        if !targets.is_empty() {
            conn.execute("DELETE FROM clean_stop", []).map_err(unavailable)?;
        }
        Ok(Self { targets: Mutex::new(targets) })
    }

    /// Whether the target was marked; not a second time.
    pub(super) fn take(&self, target: &TargetId) -> bool {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).remove(target.as_str())
    }
}

/// Sets marks inside the open transaction.
pub(super) fn mark(conn: &Connection, targets: &[TargetId]) -> Result<(), StoreError> {
    let mut put = conn.prepare_cached("INSERT OR IGNORE INTO clean_stop VALUES (?1)").map_err(unavailable)?;
    targets.iter().try_for_each(|target| put.execute([target.as_str()]).map(drop).map_err(unavailable))
}
