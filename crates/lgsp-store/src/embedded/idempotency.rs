//! Callers' idempotency keys: what was answered first, for a day.

use lgsp_model::{HoldReason, Seq, Status, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::{damaged, unavailable};
use crate::{Appended, DossierEvent, IDEMPOTENCY_KEPT, IdempotencyKey, StoreError, Subject};

/// Keys forgotten at a time, so that no commit waits for many.
const FORGET_AT_ONCE: i64 = 500;
const ACCEPTED: i64 = 1;
const DUPLICATE: i64 = 2;
/// Plus 16 times where the dossier stood, plus where the event would have moved it.
const HELD: i64 = 0x100;

/// The answer to an event that came with this key less than a day before `now`, if one did. A clock that jumped back
/// makes keys last longer, never shorter.
pub(super) fn find(
    conn: &Connection,
    sender: i64,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Result<Option<Appended>, StoreError> {
    let mut find = conn
        .prepare_cached("SELECT body, outcome, seq FROM idempotency WHERE sender = ?1 AND key = ?2 AND at > ?3")
        .map_err(damaged)?;
    let known = find
        .query_row(params![sender, key.key, oldest(now)], |row| {
            let same = row.get_ref(0)?.as_blob()? == key.body.0;
            Ok((same, row.get(1)?, row.get::<_, i64>(2)?))
        })
        .optional()
        .map_err(damaged)?;
    match known {
        None => Ok(None),
        Some((false, ..)) => Ok(Some(Appended::KeyReused)),
        Some((true, outcome, seq)) => decode(outcome, Seq(seq as u64)).map(Some),
    }
}

/// The answer to an event whose key and body came before and were answered with `first`: the same, unless it was for
/// something else. A message's repeat is named as one: it may look like any other message.
pub(super) fn repeat(conn: &Connection, subject: &Subject, first: Appended) -> Result<Appended, StoreError> {
    let (Appended::Accepted { seq } | Appended::Duplicate { seq } | Appended::Held { seq, .. }) = first else {
        return Ok(first);
    };
    let (key, repeated) = match subject {
        Subject::Dossier(DossierEvent { code, .. }) => (code.as_str(), first),
        Subject::Message { key, .. } | Subject::Access { key, .. } | Subject::Evidence { key } => {
            (key.as_str(), Appended::Duplicate { seq })
        }
    };
    let mut find = conn.prepare_cached("SELECT kind = ?2 AND key = ?3 FROM log WHERE seq = ?1").map_err(damaged)?;
    let same = find.query_row(params![seq.0 as i64, subject.kind().code(), key], |row| row.get(0)).map_err(damaged)?;
    Ok(if same { repeated } else { Appended::KeyReused })
}

/// Remembers what was answered, and forgets some keys that are older than a day.
pub(super) fn remember(
    conn: &Connection,
    sender: i64,
    key: &IdempotencyKey,
    now: Timestamp,
    answer: Appended,
) -> Result<(), StoreError> {
    let (outcome, seq) = match answer {
        Appended::Accepted { seq } => (ACCEPTED, seq),
        Appended::Duplicate { seq } => (DUPLICATE, seq),
        Appended::Held { seq, reason } => {
            (HELD | i64::from(reason.from.code()) << 4 | i64::from(reason.to.code()), seq)
        }
        Appended::KeyReused => return Ok(()),
    };
    let mut put = conn
        .prepare_cached("INSERT OR REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .map_err(unavailable)?;
    let values = params![sender, key.key, &key.body.0[..], now.0, outcome, seq.0 as i64];
    put.execute(values).map_err(unavailable)?;
    let mut forget = conn
        .prepare_cached(
            "DELETE FROM idempotency WHERE (sender, key) IN \
             (SELECT sender, key FROM idempotency WHERE at <= ?1 ORDER BY at LIMIT ?2)",
        )
        .map_err(unavailable)?;
    forget.execute((oldest(now), FORGET_AT_ONCE)).map_err(unavailable)?;
    Ok(())
}

fn oldest(now: Timestamp) -> i64 {
    now.0.saturating_sub(IDEMPOTENCY_KEPT.as_millis() as i64)
}

fn decode(outcome: i64, seq: Seq) -> Result<Appended, StoreError> {
    let status = |code: i64| Status::from_code((code & 0x0f) as u8);
    match outcome {
        ACCEPTED => Ok(Appended::Accepted { seq }),
        DUPLICATE => Ok(Appended::Duplicate { seq }),
        _ => match (outcome & HELD, status(outcome >> 4), status(outcome)) {
            (HELD, Some(from), Some(to)) => Ok(Appended::Held { seq, reason: HoldReason { from, to } }),
            _ => Err(StoreError::Damaged("a remembered answer is not one".into())),
        },
    }
}
