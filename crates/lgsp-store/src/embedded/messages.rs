//! Messages and what became of them: a reply is an event chained to its message, and a table names the newest one.
//!
//! It delivers nothing and reads no payload.

use lgsp_model::{EventKind, Seq};
use rusqlite::{Connection, OptionalExtension as _};

use super::failure::{damaged, unavailable};
use super::group::{Answer, Group, NewRow};
use super::read::Reader;
use super::row::Carried;
use crate::{StoreError, StoredEvent};

/// What a reply takes over of its message.
struct Message {
    key: String,
    sender: String,
    agency: String,
}

/// Appends a reply to a message inside the open transaction.
pub(super) fn reply(group: &mut Group<'_>, to: Seq, carried: &Carried) -> Result<Answer, StoreError> {
    let Some(Message { key, sender, agency }) = message(group.conn, to)? else { return Ok(Answer::NotThere) };
    let seq = group.insert(&NewRow::unjudged(EventKind::Reply, &key, Some(to), (&sender, &agency), carried))?;
    let mut put = group
        .conn
        .prepare_cached("INSERT INTO reply VALUES (?1, ?2) ON CONFLICT DO UPDATE SET seq = excluded.seq")
        .map_err(unavailable)?;
    put.execute((to.0 as i64, seq.0 as i64)).map_err(unavailable)?;
    Ok(Answer::Logged(seq))
}

fn message(conn: &Connection, seq: Seq) -> Result<Option<Message>, StoreError> {
    let Ok(position) = i64::try_from(seq.0) else { return Ok(None) };
    let mut find = conn
        .prepare_cached(
            "SELECT key, s.text, a.text FROM log JOIN name s ON s.id = sender JOIN name a ON a.id = agency \
             WHERE seq = ?1 AND kind = ?2",
        )
        .map_err(damaged)?;
    let found = find.query_row((position, EventKind::Message.code()), |row| {
        Ok(Message { key: row.get(0)?, sender: row.get(1)?, agency: row.get(2)? })
    });
    found.optional().map_err(damaged)
}

impl Reader {
    /// The newest reply to a message, up to `head`.
    pub(super) fn reply_of(&mut self, message: Seq, head: Seq) -> Result<Option<StoredEvent>, StoreError> {
        let Ok(position) = i64::try_from(message.0) else { return Ok(None) };
        let newest: Option<i64> = self
            .conn
            .prepare_cached("SELECT seq FROM reply WHERE message = ?1")
            .and_then(|mut find| find.query_row([position], |row| row.get(0)).optional())
            .map_err(damaged)?;
        // One that is committed but not published yet will be there in a moment, and was not a moment ago.
        let Some(seq) = newest.map(|seq| Seq(seq as u64)).filter(|seq| *seq <= head) else { return Ok(None) };
        let is_it = |event: &StoredEvent| event.kind == EventKind::Reply && event.previous == Some(message);
        let wrong = || StoreError::Damaged(format!("event {seq} is not the reply that it should be"));
        self.event(seq)?.filter(is_it).map(Some).ok_or_else(wrong)
    }
}
