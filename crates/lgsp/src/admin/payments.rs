//! Payments as operators see them: what waits, the story of one, and what they may do about it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use bytes::Bytes;
use hyper::Response;
use lgsp_model::{ErrorCode, PaymentId, Timestamp};
use lgsp_store::StoredEvent;
use serde_json::{Value, json};

use super::operator::{Operator, Reason, Refusal, read_path};
use super::{Admin, shown};
use crate::failure::Failure;
use crate::payments::{self, Record, Story};
use crate::trace::hex_of;

/// `GET payments`: open ones, the one that is looked at soonest first, then those that wait for a person.
pub(super) async fn list(State(admin): State<Arc<Admin>>, _: Operator) -> Result<Response<Body>, Refusal> {
    let waiting = payments::waiting(&admin.app).await?;
    let rows: Vec<Value> = waiting.iter().map(|(record, due)| row(record, *due)).collect();
    Ok(shown(&json!({ "payments": rows })))
}

/// A payment without who pays.
pub(super) fn row(record: &Record, due: Option<Timestamp>) -> Value {
    json!({
        "id": record.id,
        "MaHoSo": record.dossier,
        "member": record.member,
        "reference": record.reference,
        "provider": record.provider,
        "state": record.state,
        "SoTien": record.amount,
        "refunded": record.refunded,
        "flags": record.flags,
        "needs_a_person": record.needs_a_person(),
        "cause": record.cause,
        "provider_code": record.provider_code,
        "changed_at": record.changed_at.to_string(),
        "next_look": due.map(|due| due.to_string()),
    })
}

/// `GET payments/{id}`: where it stands, in words too, and what led there.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    id: Path<String>,
) -> Result<Response<Body>, Refusal> {
    let id: PaymentId = read_path("id", &id)?;
    let unknown = || Failure::new(ErrorCode::PaymentNotFound, "there is no such payment");
    let Story { record, events } = payments::story(&admin.app, &id).await?.ok_or_else(unknown)?;
    let events: Vec<Value> = events.iter().map(event).collect();
    Ok(shown(&json!({
        "payment": row(&record, None),
        "explanation": payments::explanation(&record, admin.app.clock.wall()),
        "review": record.review,
        "refunds": record.refunds,
        "events": events,
    })))
}

fn event(event: &StoredEvent) -> Value {
    let payload = event.payload.as_deref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let of = |name: &str| payload.as_ref().map_or(Value::Null, |payload| payload[name].clone());
    json!({
        "seq": event.seq.0,
        "at": event.at.to_string(),
        "kind": event.kind.as_str(),
        "trace_id": hex_of(&event.trace),
        "state": of("state"),
        "flags": of("flags"),
        "provider": of("provider"),
        "what": of("what"),
        "said": of("said"),
    })
}

/// `POST payments/{id}/ask`: its provider is asked now.
pub(super) async fn ask(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let (id, reason): (PaymentId, _) = (read_path("id", &id)?, Reason::of_body(&body)?);
    let entry = operator.entry(&admin, "payment.ask", format!("payment/{id}"), reason);
    admin.app.store.audit(entry).await?;
    let said = payments::ask_now(&admin.app, &id).await?;
    Ok(shown(&json!({ "id": id.as_str(), "said": said })))
}

/// Takes whether the money went back out of a body; what is left is the reason.
fn found(body: &[u8]) -> Result<(bool, Bytes), Failure> {
    let bad = || Failure::new(ErrorCode::BadParameter, "send {\"done\": true or false, \"reason\": …}");
    let mut body: Value = serde_json::from_slice(body).map_err(|_| bad())?;
    let done = body.as_object_mut().and_then(|body| body.remove("done")).as_ref().and_then(Value::as_bool);
    Ok((done.ok_or_else(bad)?, body.to_string().into()))
}

/// `POST payments/{id}/refunds/{refund}/settle`: its end as a person found it out, where the provider does not tell.
pub(super) async fn settle_refund(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    Path((id, refund)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let unknown = |_| Failure::new(ErrorCode::PaymentNotFound, "there is no such payment or refund");
    let (id, refund): (PaymentId, PaymentId) = (id.parse().map_err(unknown)?, refund.parse().map_err(unknown)?);
    let (done, rest) = found(&body)?;
    let reason = Reason::of_body(&rest)?;
    let entry = operator.entry(&admin, "payment.settle-refund", format!("payment/{id}/{refund}/{done}"), reason);
    let record = payments::settle_refund(&admin.app, (id, refund), done, entry.trace).await?;
    admin.app.store.audit(entry).await?;
    Ok(shown(&row(&record, None)))
}

/// `POST payments/{id}/review`: somebody has looked at what the flags say.
pub(super) async fn review(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let (id, reason): (PaymentId, _) = (read_path("id", &id)?, Reason::of_body(&body)?);
    let entry = operator.entry(&admin, "payment.review", format!("payment/{id}"), reason);
    let (actor, why, trace) = (entry.actor.clone(), entry.reason.clone(), entry.trace);
    let record = payments::review(&admin.app, id, (&actor, &why), trace).await?;
    admin.app.store.audit(entry).await?;
    Ok(shown(&row(&record, None)))
}
