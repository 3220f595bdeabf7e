//! The mark that the last life of the store ended with nothing in flight. It decides nothing: who sets it knows.

use lgsp_model::Seq;
use rusqlite::{Connection, OptionalExtension as _};

use super::failure::{damaged, unavailable};
use crate::StoreError;

/// After a group inside its transaction: sets the mark at the group's last position, or takes an earlier one away.
pub(super) fn note(conn: &Connection, stopped_before: bool, stops_at: Option<Seq>) -> Result<(), StoreError> {
    if stopped_before {
        forget(conn)?;
    }
    let Some(seq) = stops_at else { return Ok(()) };
    let mut put = conn.prepare_cached("INSERT INTO clean_stop VALUES (?1)").map_err(unavailable)?;
    put.execute([seq.0 as i64]).map(drop).map_err(unavailable)
}

/// Whether the mark stands at the end of the log. It is taken away: this life has yet to end.
pub(super) fn take(conn: &Connection, head: Seq) -> Result<bool, StoreError> {
    let mark: Option<i64> =
        conn.query_row("SELECT seq FROM clean_stop", [], |row| row.get(0)).optional().map_err(damaged)?;
    if mark.is_some() {
        forget(conn)?;
    }
    Ok(mark == Some(head.0 as i64))
}

fn forget(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM clean_stop")
        .and_then(|mut delete| delete.execute([]))
        .map(drop)
        .map_err(unavailable)
}
