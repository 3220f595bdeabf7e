//! Payments: a change applied inside the open transaction, all of it or nothing, and the payments as readers see them.
//!
//! It reads no record. What its tables hold is in `payment_rows`.

use std::ops::RangeInclusive;

use bytes::Bytes;
use lgsp_model::{AgencyCode, DossierCode, EventKind, MemberId, PaymentId, Seq, Timestamp};
use rusqlite::{Connection, params};

use super::codec::Packer;
use super::failure::damaged;
use super::group::{Group, NewRow};
use super::payment_rows::{self, STAND, Stand};
use super::queue::CALL_BYTES;
use super::read::Reader;
use super::row::Carried;
use crate::{LedgerLine, PAYMENTS_AT_ONCE, PaymentChange, PaymentChanged, PaymentEntry, PaymentName, StoreError};

/// A [`PaymentChange`] whose costly part is done.
pub(super) struct PreparedChange {
    id: PaymentId,
    after: Option<Seq>,
    record: Carried,
    evidence: Vec<Carried>,
    names: Vec<PaymentName>,
    ledger: Vec<LedgerLine>,
    due: Option<Timestamp>,
    dossier: DossierCode,
    agency: AgencyCode,
    sender: MemberId,
}

impl PreparedChange {
    pub(super) fn new(change: PaymentChange, packer: &Packer) -> Self {
        let PaymentChange { id, after, record, evidence, names, ledger, due, dossier, agency, sender, at, trace } =
            change;
        let payloads: Vec<Bytes> = evidence.into_iter().chain([record]).collect();
        let packed = packer.pack(payloads.iter());
        let mut evidence: Vec<Carried> = packed.into_iter().map(|payload| Carried { at, payload, trace }).collect();
        let record = evidence.pop().expect("one for each payload");
        Self { id, after, record, evidence, names, ledger, due, dossier, agency, sender }
    }

    /// Events that it may append.
    pub(super) fn events(&self) -> usize {
        self.evidence.len() + 1
    }

    /// What it weighs in the queue: a row's guess for each event, name and line.
    pub(super) fn weight(&self) -> usize {
        let payloads = self.evidence.iter().chain([&self.record]).map(|carried| carried.payload.bytes.len());
        let rows = self.events() + self.names.len() + self.ledger.len();
        payloads.sum::<usize>() + CALL_BYTES * rows
    }
}

/// Applies a change, or nothing of it: everything is looked at before anything is written.
pub(super) fn apply(group: &mut Group<'_>, change: &PreparedChange) -> Result<PaymentChanged, StoreError> {
    let PreparedChange { id, after, record, evidence, names, ledger, due, dossier, agency, sender } = change;
    let conn = group.conn;
    let stands = payment_rows::stand(conn, id)?;
    if stands.as_ref().map(|stand| stand.seq) != *after {
        return Ok(PaymentChanged::Stale);
    }
    let known = stands.map(|stand| stand.made);
    for name in names {
        if let Some(other) = payment_rows::named(conn, name)?.filter(|other| Some(*other) != known) {
            return taken(conn, other);
        }
    }
    for line in ledger {
        if let Some(other) = payment_rows::lined(conn, line)?.filter(|other| Some(*other) != known) {
            return taken(conn, other);
        }
    }
    let (key, who) = (dossier.as_str(), (sender.as_str(), agency.as_str()));
    for carried in evidence {
        group.insert(&NewRow::unjudged(EventKind::Evidence, key, None, who, carried))?;
    }
    // The event comes after what it vouches for, and takes the next place in the log.
    let seq = Seq(group.tail.seq + 1);
    let made = known.unwrap_or(seq);
    let stand = Stand { made, seq, due: *due, dossier: key.to_owned() };
    match known {
        Some(_) => payment_rows::change(conn, &stand)?,
        None => payment_rows::make(conn, id, &stand)?,
    }
    names.iter().try_for_each(|name| payment_rows::put_name(conn, name, made))?;
    ledger.iter().try_for_each(|line| payment_rows::put_line(conn, line, made))?;
    let content = payment_rows::digest(conn, id, made)?;
    let row = NewRow::unjudged(EventKind::Payment, key, *after, who, record);
    group.insert(&NewRow { content: Some(&content), ..row }).map(PaymentChanged::Stored)
}

fn taken(conn: &Connection, made: Seq) -> Result<PaymentChanged, StoreError> {
    // No payment is ever taken away.
    let owner = payment_rows::made_by(conn, made)?.ok_or_else(|| nowhere(made))?;
    Ok(PaymentChanged::Taken(owner.0))
}

fn nowhere(made: Seq) -> StoreError {
    StoreError::Damaged(format!("no payment was made by event {made}, and something leads to it"))
}

/// A row that is in another shape than the log says.
fn lies(id: &PaymentId) -> StoreError {
    StoreError::Damaged(format!("payment {id} does not stand where the log has it"))
}

impl Reader {
    /// One payment.
    pub(super) fn payment(&mut self, id: &PaymentId) -> Result<Option<PaymentEntry>, StoreError> {
        match payment_rows::stand(&self.conn, id)? {
            Some(stand) => self.entry(id.clone(), stand),
            None => Ok(None),
        }
    }

    /// The payment that a name leads to.
    pub(super) fn payment_named(&mut self, name: &PaymentName) -> Result<Option<PaymentEntry>, StoreError> {
        let Some(made) = payment_rows::named(&self.conn, name)? else { return Ok(None) };
        let (id, stand) = payment_rows::made_by(&self.conn, made)?.ok_or_else(|| nowhere(made))?;
        self.entry(id, stand)
    }

    /// A dossier's payments, the one made last first.
    pub(super) fn payments_of(&mut self, dossier: &DossierCode, limit: usize) -> Result<Vec<PaymentEntry>, StoreError> {
        let text = format!("SELECT {STAND} FROM payment WHERE dossier = ?1 ORDER BY made DESC LIMIT ?2");
        let stands = self.stands(&text, params![dossier.as_str(), at_most(limit)])?;
        self.entries(stands)
    }

    /// Payments due in this time, the earliest first.
    pub(super) fn payments_due(
        &mut self,
        between: &RangeInclusive<Timestamp>,
        limit: usize,
    ) -> Result<Vec<PaymentEntry>, StoreError> {
        let text = format!("SELECT {STAND} FROM payment WHERE due BETWEEN ?1 AND ?2 ORDER BY due, made LIMIT ?3");
        let stands = self.stands(&text, params![between.start().0, between.end().0, at_most(limit)])?;
        self.entries(stands)
    }

    fn stands(&self, text: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<(PaymentId, Stand)>, StoreError> {
        let mut find = self.conn.prepare_cached(text).map_err(damaged)?;
        let rows = find.query_map(values, payment_rows::read_stand);
        rows.and_then(Iterator::collect).map_err(damaged)
    }

    fn entries(&mut self, stands: Vec<(PaymentId, Stand)>) -> Result<Vec<PaymentEntry>, StoreError> {
        stands.into_iter().filter_map(|(id, stand)| self.entry(id, stand).transpose()).collect()
    }

    /// A payment with what the log says of it; `None` when its record was purged. A version that is committed and not
    /// published yet is given out: it is on disk, and a change decided on the one before would be stale.
    fn entry(&mut self, id: PaymentId, stand: Stand) -> Result<Option<PaymentEntry>, StoreError> {
        let event =
            self.event(stand.seq)?.filter(|event| event.kind == EventKind::Payment && event.key == stand.dossier);
        let Some(event) = event else { return Err(lies(&id)) };
        let Some(record) = event.payload else { return Ok(None) };
        let (Ok(dossier), Ok(agency), Ok(sender)) = (event.key.parse(), event.agency.parse(), event.sender.parse())
        else {
            return Err(lies(&id));
        };
        let Stand { made: _, seq, due, dossier: _ } = stand;
        Ok(Some(PaymentEntry { id, seq, due, dossier, agency, sender, record }))
    }
}

fn at_most(limit: usize) -> i64 {
    limit.min(PAYMENTS_AT_ONCE) as i64
}
