//! Held events: the list of those that nobody decided about, and what a decision does.

use lgsp_model::{
    AgencyCode, ContentDigest, Disposition, DossierCode, HoldReason, Incoming, MemberId, Seq, Status, Verdict,
};
use rusqlite::{Connection, OptionalExtension as _};

use super::codec::{Packed, Unpacker, sha256};
use super::failure::{damaged, unavailable};
use super::group::{Answer, Group};
use super::row::Carried;
use crate::{AuditEntry, DossierEvent, HeldDecision, StoreError};

/// Notes that an event waits for a person.
pub(super) fn remember(conn: &Connection, seq: Seq, reason: HoldReason) -> Result<(), StoreError> {
    let mut put = conn.prepare_cached("INSERT INTO held VALUES (?1, ?2, ?3)").map_err(unavailable)?;
    put.execute((seq.0 as i64, reason.from.code(), reason.to.code())).map_err(unavailable)?;
    Ok(())
}

/// The reason of one row of `held`.
pub(super) fn reason(from: u8, to: u8) -> Result<HoldReason, StoreError> {
    match (Status::from_code(from), Status::from_code(to)) {
        (Some(from), Some(to)) => Ok(HoldReason { from, to }),
        _ => Err(StoreError::Damaged("a held event has an impossible reason".into())),
    }
}

/// Carries out a decision and records it; the audit event stands after what it did.
pub(super) fn decide(
    group: &mut Group<'_>,
    seq: Seq,
    decision: HeldDecision,
    entry: &AuditEntry,
) -> Result<Answer, StoreError> {
    let waits: Option<i64> = group
        .conn
        .prepare_cached("SELECT seq FROM held WHERE seq = ?1")
        .and_then(|mut find| find.query_row([seq.0 as i64], |row| row.get(0)).optional())
        .map_err(damaged)?;
    let Some((key, event)) = waits.map(|_| original(group.conn, seq)).transpose()? else {
        return Ok(Answer::NotThere);
    };
    let code: DossierCode = key.parse().map_err(|_| StoreError::Damaged(format!("event {seq} has no dossier")))?;
    if group.state(&code)?.is_none() {
        return Err(StoreError::Damaged(format!("the dossier of event {seq} is not known")));
    }
    let released = match decision {
        HeldDecision::Drop => None,
        HeldDecision::Release(incoming) => {
            let Some(event) = event.filter(|event| event.kind == incoming.kind().code()) else {
                return Ok(Answer::NotThere);
            };
            Some(release(group, event, code.clone(), incoming, entry)?)
        }
    };
    let mut forget = group.conn.prepare_cached("DELETE FROM held WHERE seq = ?1").map_err(unavailable)?;
    forget.execute([seq.0 as i64]).map_err(unavailable)?;
    drop(forget);
    group.audit(entry, Some(code))?;
    Ok(Answer::Decided(released))
}

fn release(
    group: &mut Group<'_>,
    event: Original,
    code: DossierCode,
    incoming: Incoming,
    entry: &AuditEntry,
) -> Result<Seq, StoreError> {
    let incoming = match incoming {
        Incoming::Record(status) => Incoming::ReleasedRecord(status),
        Incoming::Progress(status, at) => Incoming::ReleasedProgress(status, at),
        other => other,
    };
    let Original { kind: _, sender, agency, content, payload } = event;
    let carried = Carried { at: entry.at, payload, trace: entry.trace };
    match group.store(&DossierEvent { code, agency, incoming, content }, &sender, &carried, Verdict::Apply)? {
        crate::Appended::Accepted { seq } => Ok(seq),
        _ => unreachable!("a released event is applied"),
    }
}

/// What a release takes over of the held event.
struct Original {
    kind: u8,
    sender: MemberId,
    agency: AgencyCode,
    content: ContentDigest,
    payload: Packed,
}

/// The held event's dossier, and the event as it came unless its payload was purged.
fn original(conn: &Connection, seq: Seq) -> Result<(String, Option<Original>), StoreError> {
    let damage = || StoreError::Damaged(format!("event {seq} has impossible values"));
    let mut find = conn
        .prepare_cached(
            "SELECT key, kind, disposition, s.text, a.text, content, payload, dictionary FROM log \
             JOIN name s ON s.id = sender JOIN name a ON a.id = agency WHERE seq = ?1",
        )
        .map_err(damaged)?;
    let mut rows = find.query([seq.0 as i64]).map_err(damaged)?;
    let row = rows.next().map_err(damaged)?.ok_or_else(damage)?;
    let key: String = row.get(0).map_err(damaged)?;
    if row.get::<_, u8>(2).map_err(damaged)? != Disposition::Held.code() {
        return Err(damage());
    }
    let Some(stored) = row.get::<_, Option<Vec<u8>>>(6).map_err(damaged)? else { return Ok((key, None)) };
    let dictionary = row.get(7).map_err(damaged)?;
    let digest = sha256(&Unpacker::default().unpack(conn, &stored, dictionary)?);
    let text = |column| row.get::<_, String>(column).map_err(damaged);
    let event = Original {
        kind: row.get(1).map_err(damaged)?,
        sender: text(3)?.parse().map_err(|_| damage())?,
        agency: text(4)?.parse().map_err(|_| damage())?,
        content: ContentDigest(row.get(5).map_err(damaged)?),
        payload: Packed { bytes: stored.into(), dictionary, digest },
    };
    Ok((key, Some(event)))
}
