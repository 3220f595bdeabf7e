//! Events that would move a dossier backwards: the list, and what a person decides about each.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use bytes::Bytes;
use hyper::Response;
use lgsp_model::{ErrorCode, EventKind, Incoming, Seq};
use lgsp_store::{Held, HeldDecision};
use serde_json::{Value, json};

use super::operator::{Operator, Query, Reason, Refusal, read_path};
use super::{Admin, shown};
use crate::app::{App, RecordContract};
use crate::failure::Failure;
use crate::intake::reason_text;
use crate::trace::hex_of;

/// `GET held?after=&limit=`.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    query: Query,
) -> Result<Response<Body>, Refusal> {
    let (after, limit) = (Seq(query.value("after")?.unwrap_or(0)), query.limit()?);
    let held = admin.app.store.held(after, limit).await?;
    let next = held.last().filter(|_| held.len() == limit).map(|last| last.event.seq.0);
    let rows: Vec<Value> = held.iter().map(row).collect();
    Ok(shown(&json!({"held": rows, "next": next})))
}

fn row(held: &Held) -> Value {
    let Held { event, reason } = held;
    json!({
        "seq": event.seq.0,
        "kind": event.kind.as_str(),
        "MaHoSo": event.key,
        "agency": event.agency,
        "sender": event.sender,
        "received_at": event.at.to_string(),
        "trace_id": hex_of(&event.trace),
        "from": {"status": reason.from.text(), "name": reason.from.name_en(), "name_vi": reason.from.name_vi()},
        "to": {"status": reason.to.text(), "name": reason.to.name_en(), "name_vi": reason.to.name_vi()},
        "reason": reason_text(*reason),
    })
}

/// `POST held/{seq}/release`: a new event carries the record and moves the dossier.
pub(super) async fn release(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    seq: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let (seq, reason) = (Seq(read_path("seq", &seq)?), Reason::of_body(&body)?);
    let held = waiting(&admin.app, seq).await?;
    let decision = HeldDecision::Release(released(&admin.app, &held)?);
    let entry = operator.entry(&admin, "held.release", format!("{}/{seq}", held.event.key), reason);
    let released = admin.app.store.decide_held(seq, decision, entry).await?;
    Ok(shown(&json!({"held": seq.0, "MaHoSo": held.event.key, "seq": released.map(|seq| seq.0)})))
}

/// `POST held/{seq}/drop`: it stays in the log for ever, applied to nothing.
pub(super) async fn discard(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    seq: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let (seq, reason) = (Seq(read_path("seq", &seq)?), Reason::of_body(&body)?);
    let held = waiting(&admin.app, seq).await?;
    let entry = operator.entry(&admin, "held.drop", format!("{}/{seq}", held.event.key), reason);
    admin.app.store.decide_held(seq, HeldDecision::Drop, entry).await?;
    Ok(shown(&json!({"held": seq.0, "MaHoSo": held.event.key, "dropped": true})))
}

async fn waiting(app: &App, seq: Seq) -> Result<Held, Failure> {
    let nothing =
        || Failure::new(ErrorCode::NotFound, format!("event {seq} is not held, or was decided about already"));
    app.store.held_event(seq).await?.ok_or_else(nothing)
}

/// What the record says, read by the contract that was in force when it came.
fn released(app: &App, held: &Held) -> Result<Incoming, Failure> {
    let conflict = |detail| Failure::new(ErrorCode::Conflict, detail);
    let which = match held.event.kind {
        EventKind::Dossier => RecordContract::Dossier,
        EventKind::Progress => RecordContract::Progress,
        EventKind::Status
        | EventKind::Audit
        | EventKind::Message
        | EventKind::Reply
        | EventKind::Access
        | EventKind::Payment
        | EventKind::Evidence => {
            return Err(conflict("events of this kind move no dossier"));
        }
    };
    let payload = held.event.payload.as_ref();
    let payload = payload.ok_or_else(|| conflict("its record was deleted; it can only be dropped"))?;
    let snapshot = app.snapshot();
    let checked = snapshot.contract(which, held.event.at)?.check(payload)?;
    match checked.head.incoming() {
        Incoming::Record(status) => Ok(Incoming::ReleasedRecord(status)),
        Incoming::Progress(status, at) => Ok(Incoming::ReleasedProgress(status, at)),
        Incoming::Notice | Incoming::ReleasedRecord(_) | Incoming::ReleasedProgress(..) => {
            Err(conflict("its record moves no dossier"))
        }
    }
}
