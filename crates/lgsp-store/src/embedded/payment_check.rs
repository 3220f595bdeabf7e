//! Checks the payments' tables against the log: each payment stands at its newest event, which vouches for its names and
//! ledger lines; none is missing, and no name or line leads nowhere. The chain vouches for the log; when a payment is
//! looked at next is no truth and is not checked.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use lgsp_model::{EventKind, PaymentId, Seq};
use rusqlite::{Connection, OptionalExtension as _};

use super::failure::damaged;
use super::payment_rows::{self, STAND, Stand};
use crate::StoreError;

/// Payments compared in one read transaction, some 50 ms of work.
const SLICE: i64 = 1_000;

/// The check, beside the walk over the log.
pub(super) struct PaymentCheck {
    /// A store of an older format has no payments.
    exists: bool,
    newest: Sum,
}

/// A set of positions in the log as one number: each position adds a number that only this check knows, and takes it
/// away when it goes. Two sets that differ have the same sum by chance alone, one in 2^128.
struct Sum {
    keys: [RandomState; 2],
    value: u128,
}

impl Sum {
    fn of_nothing() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], value: 0 }
    }

    fn number(&self, seq: u64) -> u128 {
        let [high, low] = [&self.keys[0], &self.keys[1]].map(|key| u128::from(key.hash_one(seq)));
        high << 64 | low
    }

    fn add(&mut self, seq: u64) {
        self.value = self.value.wrapping_add(self.number(seq));
    }

    fn take(&mut self, seq: u64) {
        self.value = self.value.wrapping_sub(self.number(seq));
    }
}

/// What is wrong, and at which event.
type Problem = (Seq, String);

impl PaymentCheck {
    pub(super) fn of(conn: &Connection) -> Result<Self, StoreError> {
        let mut find =
            conn.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'payment'").map_err(damaged)?;
        Ok(Self { exists: find.exists([]).map_err(damaged)?, newest: Sum::of_nothing() })
    }

    /// Follows one change of a payment.
    pub(super) fn follow(&mut self, seq: u64, previous: Option<u64>) {
        self.newest.add(seq);
        if let Some(previous) = previous {
            self.newest.take(previous);
        }
    }

    /// What is wrong once the log was walked up to `end`.
    pub(super) fn end(self, conn: &Connection, end: u64) -> Result<Option<Problem>, StoreError> {
        let Self { exists, mut newest } = self;
        if exists && let Some(problem) = compare_all(conn, end, |seq| newest.take(seq))? {
            return Ok(Some(problem));
        }
        if newest.value == 0 {
            return if exists { leads_nowhere(conn, end) } else { Ok(None) };
        }
        // Something is wrong, and it is worth memory and a second walk to say where.
        let mut stands = HashSet::new();
        if exists {
            compare_all(conn, end, |seq| _ = stands.insert(seq))?;
        }
        first_difference(conn, end, stands).map(Some)
    }
}

/// Compares every payment with the log; `newest` learns of the last change of each up to `end`.
fn compare_all(conn: &Connection, end: u64, mut newest: impl FnMut(u64)) -> Result<Option<Problem>, StoreError> {
    let mut after = i64::MIN;
    loop {
        // A payment, its names and its lines as they were at one moment.
        let moment = conn.unchecked_transaction().map_err(damaged)?;
        let stands = slice(conn, after)?;
        let Some((_, last)) = stands.last() else { return Ok(None) };
        after = last.made.0 as i64;
        for (id, stand) in &stands {
            if let Some(problem) = compare(conn, id, stand)? {
                return Ok(Some(problem));
            }
            if let Some(seq) = newest_until(conn, stand.seq.0, end)? {
                newest(seq);
            }
        }
        moment.commit().map_err(damaged)?;
    }
}

/// The next payments in the order of their making.
fn slice(conn: &Connection, after: i64) -> Result<Vec<(PaymentId, Stand)>, StoreError> {
    let text = format!("SELECT {STAND} FROM payment WHERE made > ?1 ORDER BY made LIMIT ?2");
    let mut find = conn.prepare_cached(&text).map_err(damaged)?;
    let rows = find.query_map((after, SLICE), payment_rows::read_stand);
    rows.and_then(Iterator::collect).map_err(damaged)
}

/// What is wrong with one payment, if anything.
fn compare(conn: &Connection, id: &PaymentId, stand: &Stand) -> Result<Option<Problem>, StoreError> {
    let mut find = conn.prepare_cached("SELECT kind, key, content FROM log WHERE seq = ?1").map_err(damaged)?;
    let found: Option<(u8, String, Option<Vec<u8>>)> = find
        .query_row([stand.seq.0 as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .map_err(damaged)?;
    let problem = match found {
        Some((kind, key, content)) if kind == EventKind::Payment.code() && key == stand.dossier => {
            let expected = payment_rows::digest(conn, id, stand.made)?;
            (content.as_deref() != Some(&expected.0))
                .then(|| format!("payment {id} has not the names and lines that this event gave it"))
        }
        _ => Some(format!("payment {id} stands at this event, which is none of its dossier's payments")),
    };
    Ok(problem.map(|problem| (stand.seq, problem)))
}

/// The last change up to `end` of the payment whose last change at all is `seq`, if it was there then.
fn newest_until(conn: &Connection, seq: u64, end: u64) -> Result<Option<u64>, StoreError> {
    let mut find = conn.prepare_cached("SELECT previous FROM log WHERE seq = ?1").map_err(damaged)?;
    let mut next = Some(seq);
    while let Some(seq) = next.filter(|seq| *seq > end) {
        let previous: Option<i64> =
            find.query_row([seq as i64], |row| row.get(0)).optional().map_err(damaged)?.flatten();
        // Only what is not verified yet could lead in a circle.
        next = previous.map(|previous| previous as u64).filter(|previous| *previous < seq);
    }
    Ok(next)
}

/// The first change that is a payment's last by the log or by the table, but not by both.
fn first_difference(conn: &Connection, end: u64, mut stands: HashSet<u64>) -> Result<Problem, StoreError> {
    let mut logged = HashSet::new();
    let mut find =
        conn.prepare("SELECT seq, previous FROM log WHERE kind = ?1 AND seq <= ?2 ORDER BY seq").map_err(damaged)?;
    let mut rows = find.query((EventKind::Payment.code(), end as i64)).map_err(damaged)?;
    while let Some(row) = rows.next().map_err(damaged)? {
        logged.insert(row.get::<_, i64>(0).map_err(damaged)? as u64);
        if let Some(previous) = row.get::<_, Option<i64>>(1).map_err(damaged)? {
            logged.remove(&(previous as u64));
        }
    }
    let missing = logged.iter().filter(|seq| !stands.contains(seq)).min().copied();
    stands.retain(|seq| !logged.contains(seq));
    Ok(match (stands.into_iter().min(), missing) {
        (Some(old), _) => (Seq(old), "a payment stands at this event, which is not its last".to_owned()),
        (None, Some(seq)) => (Seq(seq), "no payment stands at this event, which is the last of one".to_owned()),
        (None, None) => (Seq(end), "two payments stand at one event".to_owned()),
    })
}

/// A name or a line of a payment that does not exist.
fn leads_nowhere(conn: &Connection, end: u64) -> Result<Option<Problem>, StoreError> {
    for (table, what) in [("payment_name", "a name"), ("ledger", "a ledger line")] {
        let text = format!(
            "SELECT DISTINCT led.payment, made IS NULL FROM {table} AS led LEFT JOIN payment ON made = led.payment \
             WHERE led.payment > ?1 ORDER BY led.payment LIMIT ?2"
        );
        let mut find = conn.prepare(&text).map_err(damaged)?;
        let mut after = i64::MIN;
        loop {
            let rows = find.query_map((after, SLICE), |row| Ok((row.get(0)?, row.get(1)?)));
            let led: Vec<(i64, bool)> = rows.and_then(Iterator::collect).map_err(damaged)?;
            if led.iter().any(|(_, nowhere)| *nowhere) {
                return Ok(Some((Seq(end), format!("{what} leads to a payment that is not there"))));
            }
            let Some((last, _)) = led.into_iter().next_back() else { break };
            after = last;
        }
    }
    Ok(None)
}
