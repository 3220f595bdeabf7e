//! Checks the log against its hash chain, from first to last, in slices that hold no lock for long, and has the registry
//! and the payments checked against the log on the way.

use std::path::Path;

use lgsp_model::{Digest, EventKind, Seq};
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow};

use super::chain::{self, GENESIS};
use super::codec::{Unpacker, sha256};
use super::failure::damaged;
use super::names::NameTexts;
use super::payment_check::PaymentCheck;
use super::read::Traces;
use super::registry_check::RegistryCheck;
use super::row::Row;
use super::schema;
use crate::{StoreError, VerifyReport};

/// Events checked in one read transaction, some 50 ms of work.
const SLICE: i64 = 10_000;

/// Checks the store in a directory that no process has open; changes nothing.
pub fn verify_dir(dir: &Path) -> Result<VerifyReport, StoreError> {
    let conn = schema::open_reader(dir)?;
    verify(&conn, None)
}

/// Checks events up to `head`, or to the end of the log.
pub(super) fn verify(conn: &Connection, head: Option<Seq>) -> Result<VerifyReport, StoreError> {
    let mut check = Check {
        conn,
        unpacker: Unpacker::default(),
        names: NameTexts::default(),
        traces: Traces::default(),
        registry: RegistryCheck::of(conn)?,
        payments: PaymentCheck::of(conn)?,
        report: VerifyReport { events: 0, head: GENESIS, broken: None },
    };
    let end = head.map_or(i64::MAX, |head| head.0 as i64);
    while check.report.broken.is_none() && check.slice(end)? {}
    if check.report.broken.is_none() {
        check.ends(end)?;
    }
    let Check { mut report, registry, payments, .. } = check;
    if report.broken.is_none() {
        report.broken = registry.end(conn, report.events)?;
    }
    if report.broken.is_none() {
        report.broken = payments.end(conn, report.events)?;
    }
    Ok(report)
}

struct Check<'c> {
    conn: &'c Connection,
    unpacker: Unpacker,
    names: NameTexts,
    traces: Traces,
    registry: RegistryCheck,
    payments: PaymentCheck,
    report: VerifyReport,
}

impl Check<'_> {
    /// Checks the next events; whether there were any.
    fn slice(&mut self, end: i64) -> Result<bool, StoreError> {
        let conn = self.conn;
        let mut find = conn
            .prepare_cached(
                "SELECT seq, at, kind, disposition, key, previous, sender, agency, incoming, step, content, trace, \
                 payload, dictionary, digest, value FROM log LEFT JOIN chain USING (seq) \
                 WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
            )
            .map_err(damaged)?;
        let mut rows = find.query((self.report.events as i64, end, SLICE)).map_err(damaged)?;
        let mut some = false;
        while let Some(row) = rows.next().map_err(damaged)? {
            some = true;
            let expected = self.report.events + 1;
            let problem = match row.get::<_, i64>(0) {
                Ok(seq) if seq as u64 == expected => match self.event(row, expected) {
                    None => self.beside(row, expected)?,
                    problem => problem,
                },
                _ => Some("the event is missing".to_owned()),
            };
            if let Some(problem) = problem {
                self.report.broken = Some((Seq(expected), problem));
                return Ok(true);
            }
            self.report.events = expected;
        }
        Ok(some)
    }

    /// What is wrong with a row, if anything.
    fn event(&mut self, row: &SqlRow<'_>, seq: u64) -> Option<String> {
        let value = match self.value(row, seq) {
            Ok(value) => value,
            Err(StoreError::Damaged(what)) => return Some(what),
            Err(other) => return Some(other.to_string()),
        };
        self.report.head = value;
        match row.get::<_, Option<[u8; 32]>>(15) {
            Ok(None) => None,
            Ok(Some(stored)) if stored == value.0 => None,
            _ => Some("the log differs from its chain here, or at an earlier event of the same commit".to_owned()),
        }
    }

    fn value(&mut self, row: &SqlRow<'_>, seq: u64) -> Result<Digest, StoreError> {
        let text = |column| row.get_ref(column).and_then(|text| Ok(text.as_str()?)).map_err(damaged);
        let number = |column| row.get::<_, Option<i64>>(column).map_err(damaged);
        let small = |column| row.get::<_, u8>(column).map_err(damaged);
        let sender = self.names.text(self.conn, row.get(6).map_err(damaged)?).map_err(damaged)?;
        let agency = self.names.text(self.conn, row.get(7).map_err(damaged)?).map_err(damaged)?;
        let trace = self.traces.resolve(self.conn, seq as i64, row.get_ref(11).map_err(damaged)?)?;
        let digest = self.digest(row)?;
        let covered = Row {
            seq,
            at: row.get(1).map_err(damaged)?,
            kind: small(2)?,
            disposition: small(3)?,
            key: text(4)?,
            previous: number(5)?.map(|previous| previous as u64),
            sender: &sender,
            agency: &agency,
            incoming: small(8)?,
            step: number(9)?.map(|step| step as u64),
            content: row.get_ref(10).and_then(|content| Ok(content.as_blob_or_null()?)).map_err(damaged)?,
            trace: &trace,
            digest: &digest,
        };
        Ok(chain::extend(&self.report.head, &covered))
    }

    /// What is wrong with what an event made of the tables beside the log, if anything can be said already.
    fn beside(&mut self, row: &SqlRow<'_>, seq: u64) -> Result<Option<String>, StoreError> {
        match EventKind::from_code(row.get(2).map_err(damaged)?) {
            Some(EventKind::Audit) => self.registry(row, seq),
            Some(EventKind::Payment) => {
                let previous: Option<i64> = row.get(5).map_err(damaged)?;
                self.payments.follow(seq, previous.map(|previous| previous as u64));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// What is wrong with what an operator's act made of the registry, if anything.
    fn registry(&mut self, row: &SqlRow<'_>, seq: u64) -> Result<Option<String>, StoreError> {
        let stored = row.get_ref(12).and_then(|stored| Ok(stored.as_blob_or_null()?)).map_err(damaged)?;
        let Some(stored) = stored else { return Ok(None) };
        let act = self.unpacker.unpack(self.conn, stored, row.get(13).map_err(damaged)?)?;
        self.registry.follow(self.conn, seq, &act)
    }

    /// The payload's digest: of what is there, or what was kept when it was purged.
    fn digest(&mut self, row: &SqlRow<'_>) -> Result<Digest, StoreError> {
        let kept: Option<[u8; 32]> = row.get(14).map_err(damaged)?;
        let stored = row.get_ref(12).and_then(|stored| Ok(stored.as_blob_or_null()?)).map_err(damaged)?;
        match (stored, kept) {
            (Some(stored), None) => {
                let dictionary = row.get(13).map_err(damaged)?;
                self.unpacker.unpack(self.conn, stored, dictionary).map(|payload| sha256(&payload))
            }
            (None, Some(kept)) => Ok(Digest(kept)),
            (Some(_), Some(_)) => Err(StoreError::Damaged("both a payload and a purged one's digest are there".into())),
            (None, None) => Err(StoreError::Damaged("neither the payload nor its digest is there".into())),
        }
    }

    /// The log must end where its chain ends.
    fn ends(&mut self, end: i64) -> Result<(), StoreError> {
        let last: Option<i64> = self
            .conn
            .query_row("SELECT seq FROM chain WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1", [end], |row| row.get(0))
            .optional()
            .map_err(damaged)?;
        let (log, chain) = (self.report.events, last.unwrap_or(0) as u64);
        if log < chain {
            self.report.broken = Some((Seq(log + 1), "the event is missing".to_owned()));
        } else if log > chain {
            self.report.broken = Some((Seq(log), "the chain ends before the log".to_owned()));
        }
        Ok(())
    }
}
