//! The tables that lead to payments: where each one stands, its names, its lines in the ledgers; and the digest over
//! them that stands in the log. It writes inside the open transaction and decides nothing.

use aws_lc_rs::digest::{Context, SHA256};
use lgsp_model::{ContentDigest, Dong, PaymentId, Seq, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::failure::{damaged, unavailable};
use crate::{LEDGER_AT_ONCE, LedgerKind, LedgerLine, LedgerState, PaymentName, StoreError};

/// What the table of payments has of one, besides its id.
pub(super) struct Stand {
    /// Its first event.
    pub(super) made: Seq,
    /// Its last event.
    pub(super) seq: Seq,
    pub(super) due: Option<Timestamp>,
    pub(super) dossier: String,
}

/// A payment's id and its [`Stand`].
pub(super) const STAND: &str = "id, made, seq, due, dossier";

/// A payment's id and row out of [`STAND`].
pub(super) fn read_stand(row: &Row<'_>) -> rusqlite::Result<(PaymentId, Stand)> {
    let seq = |column| row.get::<_, i64>(column).map(|seq| Seq(seq as u64));
    let stand =
        Stand { made: seq(1)?, seq: seq(2)?, due: row.get::<_, Option<i64>>(3)?.map(Timestamp), dossier: row.get(4)? };
    Ok((id(row, 0)?, stand))
}

/// A payment's row, if there is such a payment.
pub(super) fn stand(conn: &Connection, id: &PaymentId) -> Result<Option<Stand>, StoreError> {
    let mut find = conn.prepare_cached(&format!("SELECT {STAND} FROM payment WHERE id = ?1")).map_err(damaged)?;
    let found = find.query_row([id.as_str()], read_stand).optional().map_err(damaged)?;
    Ok(found.map(|(_, stand)| stand))
}

/// The payment that a name leads to, by its first event.
pub(super) fn named(conn: &Connection, name: &PaymentName) -> Result<Option<Seq>, StoreError> {
    let mut find = conn.prepare_cached("SELECT payment FROM payment_name WHERE name = ?1").map_err(damaged)?;
    find.query_row([name.as_str()], made).optional().map_err(damaged)
}

/// The payment that has a line of this reference at a provider on a day, by its first event.
pub(super) fn lined(conn: &Connection, line: &LedgerLine) -> Result<Option<Seq>, StoreError> {
    let mut find = conn
        .prepare_cached("SELECT payment FROM ledger WHERE provider = ?1 AND day = ?2 AND reference = ?3")
        .map_err(damaged)?;
    find.query_row((&line.provider, line.day, &line.reference), made).optional().map_err(damaged)
}

/// The payment that was made by this event.
pub(super) fn made_by(conn: &Connection, made: Seq) -> Result<Option<(PaymentId, Stand)>, StoreError> {
    let mut find = conn.prepare_cached(&format!("SELECT {STAND} FROM payment WHERE made = ?1")).map_err(damaged)?;
    find.query_row([made.0 as i64], read_stand).optional().map_err(damaged)
}

/// Makes a payment's row.
pub(super) fn make(conn: &Connection, id: &PaymentId, stand: &Stand) -> Result<(), StoreError> {
    let mut put = conn.prepare_cached("INSERT INTO payment VALUES (?1, ?2, ?3, ?4, ?5)").map_err(unavailable)?;
    let Stand { made, seq, due, dossier } = stand;
    let values = params![made.0 as i64, id.as_str(), seq.0 as i64, due.map(|due| due.0), dossier];
    put.execute(values).map(drop).map_err(unavailable)
}

/// Moves a payment's row to another event.
pub(super) fn change(conn: &Connection, stand: &Stand) -> Result<(), StoreError> {
    // The index of dossiers is not touched: a payment hardly ever changes its dossier.
    let mut put = conn.prepare_cached("UPDATE payment SET seq = ?2, due = ?3 WHERE made = ?1").map_err(unavailable)?;
    let Stand { made, seq, due, dossier } = stand;
    put.execute((made.0 as i64, seq.0 as i64, due.map(|due| due.0))).map_err(unavailable)?;
    let mut move_it = conn
        .prepare_cached("UPDATE payment SET dossier = ?2 WHERE made = ?1 AND dossier <> ?2")
        .map_err(unavailable)?;
    move_it.execute((made.0 as i64, dossier)).map(drop).map_err(unavailable)
}

/// Changes when a payment is looked at next, if it is at this version.
pub(super) fn postpone(
    conn: &Connection,
    id: &PaymentId,
    after: Seq,
    due: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let Ok(after) = i64::try_from(after.0) else { return Ok(false) };
    let mut put = conn.prepare_cached("UPDATE payment SET due = ?1 WHERE id = ?2 AND seq = ?3").map_err(unavailable)?;
    let changed = put.execute((due.map(|due| due.0), id.as_str(), after)).map_err(unavailable)?;
    Ok(changed == 1)
}

/// Adds a name that leads to nothing yet, or to this payment.
pub(super) fn put_name(conn: &Connection, name: &PaymentName, made: Seq) -> Result<(), StoreError> {
    let mut put = conn.prepare_cached("INSERT OR IGNORE INTO payment_name VALUES (?1, ?2)").map_err(unavailable)?;
    put.execute((name.as_str(), made.0 as i64)).map(drop).map_err(unavailable)
}

/// Writes a line; the payment's line of the same provider and reference is changed in its place while it keeps its
/// day, so that the index need not be touched.
pub(super) fn put_line(conn: &Connection, line: &LedgerLine, made: Seq) -> Result<(), StoreError> {
    let LedgerLine { provider, day, reference, kind, amount, state, transaction, payment } = line;
    let made = made.0 as i64;
    let known: Option<u32> = conn
        .prepare_cached("SELECT day FROM ledger WHERE payment = ?1 AND provider = ?2 AND reference = ?3")
        .and_then(|mut find| find.query_row((made, provider, reference), |row| row.get(0)).optional())
        .map_err(damaged)?;
    if known == Some(*day) {
        let mut put = conn
            .prepare_cached(
                "UPDATE ledger SET kind = ?4, amount = ?5, state = ?6, number = ?7 \
                 WHERE provider = ?1 AND day = ?2 AND reference = ?3",
            )
            .map_err(unavailable)?;
        let values = params![provider, day, reference, kind.code(), amount.get(), state.code(), transaction];
        return put.execute(values).map(drop).map_err(unavailable);
    }
    if known.is_some() {
        let mut remove = conn
            .prepare_cached("DELETE FROM ledger WHERE provider = ?1 AND day = ?2 AND reference = ?3")
            .map_err(unavailable)?;
        remove.execute((provider, known, reference)).map_err(unavailable)?;
    }
    let mut put =
        conn.prepare_cached("INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)").map_err(unavailable)?;
    let (kind, amount, state) = (kind.code(), amount.get(), state.code());
    let id = Some(payment.as_str()).filter(|id| id != reference);
    let values = params![provider, day, reference, kind, amount, state, transaction, made, id];
    put.execute(values).map(drop).map_err(unavailable)
}

/// Lines of a provider's day after a reference, in the order of references: a walk over the table itself.
pub(super) fn ledger(
    conn: &Connection,
    provider: &str,
    day: u32,
    after: &str,
    limit: usize,
) -> Result<Vec<LedgerLine>, StoreError> {
    let mut find = conn
        .prepare_cached(
            "SELECT provider, day, reference, kind, amount, state, number, coalesce(id, reference) FROM ledger \
             WHERE provider = ?1 AND day = ?2 AND reference > ?3 ORDER BY reference LIMIT ?4",
        )
        .map_err(damaged)?;
    let rows = find.query_map((provider, day, after, limit.min(LEDGER_AT_ONCE) as i64), read_line);
    rows.and_then(Iterator::collect).map_err(damaged)
}

/// What the log says of a payment's rows: the digest over its id, its first event, all its names and all its lines.
/// Texts carry their length and lists their count, so that no two payments have the same bytes.
pub(super) fn digest(conn: &Connection, id: &PaymentId, made: Seq) -> Result<ContentDigest, StoreError> {
    let mut hash = Context::new(&SHA256);
    let text = |hash: &mut Context, text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    text(&mut hash, id.as_str());
    hash.update(&made.0.to_le_bytes());
    let names = names(conn, made)?;
    hash.update(&(names.len() as u64).to_le_bytes());
    names.iter().for_each(|name| text(&mut hash, name));
    for line in lines(conn, made)? {
        let LedgerLine { provider, day, reference, kind, amount, state, transaction, payment } = &line;
        [provider, reference, payment.as_str()].iter().for_each(|part| text(&mut hash, part));
        hash.update(&day.to_le_bytes());
        hash.update(&[kind.code(), state.code(), u8::from(transaction.is_some())]);
        hash.update(&amount.get().to_le_bytes());
        text(&mut hash, transaction.as_deref().unwrap_or_default());
    }
    let mut value = [0; 16];
    value.copy_from_slice(&hash.finish().as_ref()[..16]);
    Ok(ContentDigest(value))
}

/// A payment's names, in order.
fn names(conn: &Connection, made: Seq) -> Result<Vec<String>, StoreError> {
    let mut find =
        conn.prepare_cached("SELECT name FROM payment_name WHERE payment = ?1 ORDER BY name").map_err(damaged)?;
    let rows = find.query_map([made.0 as i64], |row| row.get(0));
    rows.and_then(Iterator::collect).map_err(damaged)
}

/// A payment's lines in all ledgers, in order.
fn lines(conn: &Connection, made: Seq) -> Result<Vec<LedgerLine>, StoreError> {
    let mut find = conn
        .prepare_cached(
            "SELECT provider, day, reference, kind, amount, state, number, coalesce(id, reference) FROM ledger \
             WHERE payment = ?1 ORDER BY provider, day, reference",
        )
        .map_err(damaged)?;
    let rows = find.query_map([made.0 as i64], read_line);
    rows.and_then(Iterator::collect).map_err(damaged)
}

fn read_line(row: &Row<'_>) -> rusqlite::Result<LedgerLine> {
    Ok(LedgerLine {
        provider: row.get(0)?,
        day: row.get(1)?,
        reference: row.get(2)?,
        kind: LedgerKind::from_code(row.get(3)?).ok_or_else(|| impossible(3, Type::Integer))?,
        amount: Dong::new(row.get(4)?).ok_or_else(|| impossible(4, Type::Integer))?,
        state: LedgerState::from_code(row.get(5)?).ok_or_else(|| impossible(5, Type::Integer))?,
        transaction: row.get(6)?,
        payment: id(row, 7)?,
    })
}

fn made(row: &Row<'_>) -> rusqlite::Result<Seq> {
    row.get::<_, i64>(0).map(|made| Seq(made as u64))
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<PaymentId> {
    row.get_ref(column)?.as_str()?.parse().map_err(|_| impossible(column, Type::Text))
}

/// A value that was never written.
fn impossible(column: usize, kind: Type) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, "an impossible value".into())
}
