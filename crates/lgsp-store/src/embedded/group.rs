//! One commit: every call of a group applied inside one transaction, on copies of what the writer knows, so that a
//! failure leaves memory as it was. Committing, and telling the callers, is the writer's business.

use std::collections::HashMap;

use lgsp_model::{
    AgencyCode, ContentDigest, Digest, Disposition, DossierCode, DossierState, EventKind, MemberId, PortalTime, Seq,
    Verdict,
};
use rusqlite::{CachedStatement, Connection, params};

use super::codec::{Packed, sha256};
use super::dossiers::{self, Recent};
use super::failure::{damaged, unavailable};
use super::names::Names;
use super::queue::Job;
use super::registry::{self, Changed};
use super::row::{Carried, NO_INCOMING, Prepared, Row, encode_incoming};
use super::seen::Seen;
use super::{audit, chain, clean_stop, held, idempotency, messages, payment_rows, payments, targets};
use crate::{Appended, AuditEntry, DossierEvent, PaymentChanged, StoreError, Subject, TargetChange, TraceId};

/// How far back a row may point for its trace; keeps the distance at two bytes.
const LONGEST_RUN: u64 = 32_000;

/// The end of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    /// The newest event.
    pub(super) seq: u64,
    /// The chain's value after it.
    pub(super) chain: Digest,
    /// The newest run of events with one trace, and the row that has it.
    pub(super) run: Option<(TraceId, u64)>,
}

/// What a call gets once the group is on disk.
pub(super) enum Answer {
    Appended(Vec<Appended>),
    Changed,
    Decided(Option<Seq>),
    Logged(Seq),
    Payment(PaymentChanged),
    Postponed(bool),
    NotThere,
    Taken,
}

/// The group being applied.
pub(super) struct Group<'c> {
    pub(super) conn: &'c Connection,
    pub(super) tail: Tail,
    pub(super) states: HashMap<DossierCode, DossierState>,
    /// Dossiers that the store had not met before.
    pub(super) new_dossiers: Vec<DossierCode>,
    names: &'c mut Names,
    recent: &'c Recent,
    insert: CachedStatement<'c>,
}

const INSERT: &str = "INSERT INTO log(seq, at, kind, disposition, key, previous, sender, agency, incoming, step, content, \
     trace, payload, dictionary) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// A log row that the group is about to write.
pub(super) struct NewRow<'a> {
    pub(super) at: i64,
    pub(super) kind: EventKind,
    pub(super) disposition: Disposition,
    pub(super) key: &'a str,
    pub(super) previous: Option<Seq>,
    pub(super) sender: &'a str,
    pub(super) agency: &'a str,
    pub(super) incoming: (u8, Option<PortalTime>),
    pub(super) content: Option<&'a ContentDigest>,
    pub(super) trace: &'a TraceId,
    pub(super) payload: &'a Packed,
}

impl<'a> NewRow<'a> {
    /// A row of an event that no status machine judges: it takes effect as it comes.
    pub(super) fn unjudged(
        kind: EventKind,
        key: &'a str,
        previous: Option<Seq>,
        (sender, agency): (&'a str, &'a str),
        carried: &'a Carried,
    ) -> Self {
        let Carried { at, payload, trace } = carried;
        let (disposition, incoming) = (Disposition::Applied, (NO_INCOMING, None));
        Self { at: at.0, kind, disposition, key, previous, sender, agency, incoming, content: None, trace, payload }
    }
}

impl<'c> Group<'c> {
    pub(super) fn begin(
        conn: &'c Connection,
        tail: Tail,
        names: &'c mut Names,
        recent: &'c Recent,
    ) -> Result<Self, StoreError> {
        let insert = conn.prepare_cached(INSERT).map_err(unavailable)?;
        Ok(Self { conn, tail, states: HashMap::new(), new_dossiers: Vec::new(), names, recent, insert })
    }

    /// Finds the states of all dossiers of the group: memory first, then the table in its order.
    pub(super) fn find_states(&mut self, jobs: &[Job], seen: &Seen) -> Result<(), StoreError> {
        let mut unknown = Vec::new();
        {
            let recent = self.recent.lock();
            for DossierEvent { code, .. } in jobs.iter().flat_map(events_of).filter_map(Prepared::dossier) {
                if self.states.contains_key(code) {
                    continue;
                }
                if let Some(state) = recent.get(code) {
                    self.states.insert(code.clone(), state.clone());
                } else if seen.maybe(code.as_str()) {
                    unknown.push(code);
                }
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        for code in unknown {
            if let Some(state) = dossiers::load(self.conn, code.as_str())? {
                self.states.insert(code.clone(), state);
            }
        }
        Ok(())
    }

    /// Applies one call.
    pub(super) fn apply(&mut self, job: &Job) -> Result<Answer, StoreError> {
        match job {
            Job::Append { events, .. } => {
                events.iter().map(|event| self.append(event)).collect::<Result<_, _>>().map(Answer::Appended)
            }
            Job::Target { target, change, .. } => {
                targets::write(self.conn, target, change)?;
                if let Some(entry) = &change.audit {
                    let about = self.dossier_of_change(change)?;
                    self.audit(entry, about)?;
                }
                Ok(Answer::Changed)
            }
            Job::Decide { seq, decision, audit, .. } => held::decide(self, *seq, *decision, audit),
            Job::Reply { to, carried, .. } => messages::reply(self, *to, carried),
            Job::Audit { entry, .. } => self.audit(entry, None).map(Answer::Logged),
            Job::Registry { change, .. } => registry::apply(self, change),
            Job::Payment { change, .. } => payments::apply(self, change).map(Answer::Payment),
            Job::Postpone { id, after, due, .. } => {
                payment_rows::postpone(self.conn, id, *after, *due).map(Answer::Postponed)
            }
            Job::CleanStop { targets, .. } => clean_stop::mark(self.conn, targets).map(|()| Answer::Changed),
            #[cfg(test)]
            Job::LimitPages { .. } => Ok(Answer::Changed),
        }
    }

    fn append(&mut self, event: &Prepared) -> Result<Appended, StoreError> {
        let Some(key) = &event.idempotency else { return self.append_new(event) };
        let (sender, at) = (self.names.id(self.conn, event.sender.as_str()).map_err(unavailable)?, event.carried.at);
        if let Some(first) = idempotency::find(self.conn, sender, key, at)? {
            return idempotency::repeat(self.conn, &event.subject, first);
        }
        let answer = self.append_new(event)?;
        idempotency::remember(self.conn, sender, key, at, answer)?;
        Ok(answer)
    }

    fn append_new(&mut self, event: &Prepared) -> Result<Appended, StoreError> {
        let Prepared { subject, sender, carried, idempotency: _ } = event;
        let (key, agency) = match subject {
            Subject::Dossier(about) => return self.judge_and_store(about, sender, carried),
            Subject::Message { key, agency } | Subject::Access { key, agency } => (key.as_str(), agency.as_ref()),
            Subject::Evidence { key } => (key.as_str(), None),
        };
        let who = (sender.as_str(), agency.map_or("", AgencyCode::as_str));
        let seq = self.insert(&NewRow::unjudged(subject.kind(), key, None, who, carried))?;
        Ok(Appended::Accepted { seq })
    }

    fn judge_and_store(
        &mut self,
        about: &DossierEvent,
        sender: &MemberId,
        carried: &Carried,
    ) -> Result<Appended, StoreError> {
        let state = self.states.get(&about.code);
        let verdict = state.map_or_else(
            || DossierState::default().judge(about.incoming, &about.content),
            |state| state.judge(about.incoming, &about.content),
        );
        if let Verdict::Duplicate(seq) = verdict {
            return Ok(Appended::Duplicate { seq });
        }
        if state.is_none() {
            self.new_dossiers.push(about.code.clone());
            self.states.insert(about.code.clone(), DossierState::default());
        }
        self.store(about, sender, carried, verdict)
    }

    /// Writes an event that was judged and moves its dossier. The dossier's state is in `states`.
    pub(super) fn store(
        &mut self,
        about: &DossierEvent,
        sender: &MemberId,
        carried: &Carried,
        verdict: Verdict,
    ) -> Result<Appended, StoreError> {
        let disposition = match verdict {
            Verdict::History => Disposition::History,
            Verdict::Hold(_) => Disposition::Held,
            Verdict::Apply | Verdict::Duplicate(_) => Disposition::Applied,
        };
        let seq = self.insert(&NewRow {
            at: carried.at.0,
            kind: about.incoming.kind(),
            disposition,
            key: about.code.as_str(),
            previous: self.states.get(&about.code).and_then(|state| state.last),
            sender: sender.as_str(),
            agency: about.agency.as_str(),
            incoming: encode_incoming(about.incoming),
            content: Some(&about.content),
            trace: &carried.trace,
            payload: &carried.payload,
        })?;
        let state = self.states.get_mut(&about.code).expect("found or made before");
        state.absorb(about.incoming, about.content, verdict, seq);
        match verdict {
            Verdict::Hold(reason) => {
                held::remember(self.conn, seq, reason)?;
                Ok(Appended::Held { seq, reason })
            }
            _ => Ok(Appended::Accepted { seq }),
        }
    }

    /// Writes a row at the end of the log.
    pub(super) fn insert(&mut self, new: &NewRow<'_>) -> Result<Seq, StoreError> {
        let seq = self.tail.seq + 1;
        let run = self.tail.run.filter(|(trace, first)| trace == new.trace && seq - first <= LONGEST_RUN);
        let row = Row {
            seq,
            at: new.at,
            kind: new.kind.code(),
            disposition: new.disposition.code(),
            key: new.key,
            previous: new.previous.map(|seq| seq.0),
            sender: new.sender,
            agency: new.agency,
            incoming: new.incoming.0,
            step: new.incoming.1.map(PortalTime::number),
            content: new.content.map(|content| &content.0[..]),
            trace: new.trace,
            digest: &new.payload.digest,
        };
        self.write(&row, run.map(|(_, first)| (seq - first) as i64), new.payload).map_err(unavailable)?;
        let run = run.or(Some((*new.trace, seq)));
        self.tail = Tail { seq, chain: chain::extend(&self.tail.chain, &row), run };
        Ok(Seq(seq))
    }

    /// Writes a row; `back` is the distance to the row that has its trace, if an earlier one has.
    fn write(&mut self, row: &Row<'_>, back: Option<i64>, payload: &Packed) -> rusqlite::Result<()> {
        let sender = self.names.id(self.conn, row.sender)?;
        let agency = self.names.id(self.conn, row.agency)?;
        let own = &row.trace[..];
        let trace: &dyn rusqlite::ToSql = if let Some(back) = &back { back } else { &own };
        let values = params![
            row.seq as i64,
            row.at,
            row.kind,
            row.disposition,
            row.key,
            row.previous.map(|seq| seq as i64),
            sender,
            agency,
            row.incoming,
            row.step.map(|step| step as i64),
            row.content,
            trace,
            &payload.bytes[..],
            payload.dictionary,
        ];
        self.insert.execute(values).map(drop)
    }

    /// The state of a dossier for changing it, loaded when the group has not met it; `None` when there is no such one.
    pub(super) fn state(&mut self, code: &DossierCode) -> Result<Option<&mut DossierState>, StoreError> {
        if !self.states.contains_key(code) {
            let known = match self.recent.get(code) {
                Some(state) => Some(state),
                None => dossiers::load(self.conn, code.as_str())?,
            };
            let Some(known) = known else { return Ok(None) };
            self.states.insert(code.clone(), known);
        }
        Ok(self.states.get_mut(code))
    }

    /// Appends an operator's act; chained to the dossier that it is about, if it is about one.
    pub(super) fn audit(&mut self, entry: &AuditEntry, about: Option<DossierCode>) -> Result<Seq, StoreError> {
        self.audit_with(entry, about, &[])
    }

    /// The same with the entries of the registry that the act changed.
    pub(super) fn audit_with(
        &mut self,
        entry: &AuditEntry,
        about: Option<DossierCode>,
        changed: &[Changed],
    ) -> Result<Seq, StoreError> {
        let text = audit::to_json(entry, changed);
        let digest = sha256(&text);
        let previous = match &about {
            Some(code) => self.state(code)?.and_then(|state| state.last),
            None => None,
        };
        let seq = self.insert(&NewRow {
            at: entry.at.0,
            kind: EventKind::Audit,
            disposition: Disposition::Applied,
            key: &entry.object,
            previous,
            sender: audit::SENDER,
            agency: "",
            incoming: (NO_INCOMING, None),
            content: None,
            trace: &entry.trace,
            payload: &Packed { bytes: text, dictionary: super::codec::RAW, digest },
        })?;
        if let Some(code) = about
            && let Some(state) = self.state(&code)?
        {
            state.last = Some(seq);
        }
        Ok(seq)
    }

    /// The dossier that a target's change is about, when it is about exactly one.
    fn dossier_of_change(&self, change: &TargetChange) -> Result<Option<DossierCode>, StoreError> {
        let mut keys: Vec<String> = change.park.iter().map(|parked| parked.key.clone()).collect();
        let mut find = self.conn.prepare_cached("SELECT key FROM log WHERE seq = ?1").map_err(damaged)?;
        for seq in &change.unpark {
            let mut rows = find.query([seq.0 as i64]).map_err(damaged)?;
            if let Some(row) = rows.next().map_err(damaged)? {
                keys.push(row.get(0).map_err(damaged)?);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(if let [only] = &keys[..] { only.parse().ok() } else { None })
    }

    /// Ends the group's rows with the chain's value; nothing when it appended nothing.
    pub(super) fn seal(&mut self, before: u64) -> Result<(), StoreError> {
        if self.tail.seq == before {
            return Ok(());
        }
        let mut put = self.conn.prepare_cached("INSERT INTO chain VALUES (?1, ?2)").map_err(unavailable)?;
        put.execute((self.tail.seq as i64, &self.tail.chain.0[..])).map_err(unavailable)?;
        Ok(())
    }
}

fn events_of(job: &Job) -> &[Prepared] {
    match job {
        Job::Append { events, .. } => events,
        _ => &[],
    }
}
