//! `GET dossiers/{MaHoSo}`: everything that is known about one dossier, and in words why its copies are where they are.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use hyper::Response;
use lgsp_config::Target;
use lgsp_core::delivery::EventState;
use lgsp_model::{Disposition, DossierCode, DossierState, ErrorCode, EventKind, HoldReason, Seq};
use lgsp_store::{Parked, StoredEvent};
use serde_json::{Value, json};

use super::explain::Copy;
use super::operator::{Operator, Query, Refusal, read_path};
use super::{Admin, parked, shown};
use crate::app::App;
use crate::failure::Failure;
use crate::intake::reason_text;
use crate::lookup::HISTORY;
use crate::payments;
use crate::targets::goes_to;
use crate::trace::hex_of;

/// What is known about a dossier.
struct Known {
    code: DossierCode,
    state: DossierState,
    events: Vec<StoredEvent>,
    parked: Vec<(lgsp_model::TargetId, Parked)>,
    /// Held events that wait for a decision.
    held: Vec<(Seq, HoldReason)>,
}

/// The time line. Records are left out unless `records=true`: they are personal data, and mostly not needed.
pub(super) async fn time_line(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    code: Path<String>,
    query: Query,
) -> Result<Response<Body>, Refusal> {
    let known = Known::gather(&admin.app, read_path("MaHoSo", &code)?).await?;
    let records = query.value("records")?.unwrap_or(false);
    let targets = admin.app.snapshot();
    let (mut sync, mut explanation) = (Vec::new(), known.explain_held());
    for target in &targets.config.targets {
        let (row, text) = known.copy_at(&admin.app, target).await;
        sync.push(row);
        explanation.push(text);
    }
    let mut of_payments = Vec::new();
    for record in payments::records_of(&admin.app, known.code.clone()).await? {
        let told = payments::explanation(&record, admin.app.clock.wall()).join(" ");
        explanation.push(format!("Payment {} of {} đồng: {told}", record.id, record.amount));
        of_payments.push(super::payments::row(&record, None));
    }
    let (acts, events): (Vec<_>, Vec<_>) = known.events.iter().partition(|event| event.kind == EventKind::Audit);
    Ok(shown(&json!({
        "MaHoSo": known.code.as_str(),
        "agency": known.code.agency().as_str(),
        "status": known.state.status.map(|status| {
            json!({"code": status.text(), "name": status.name_en(), "name_vi": status.name_vi(), "final": status.is_final()})
        }),
        "record_seq": known.state.record.map(|seq| seq.0),
        "newest_step": known.state.newest_step.map(|at| at.timestamp().to_string()),
        "explanation": explanation,
        "payments": of_payments,
        "sync": sync,
        "events": events.into_iter().map(|event| known.event(event, records)).collect::<Vec<_>>(),
        "acts": acts.into_iter().map(act).collect::<Vec<_>>(),
    })))
}

impl Known {
    async fn gather(app: &App, code: DossierCode) -> Result<Self, Failure> {
        let events = app.store.history(code.clone(), HISTORY).await?;
        if events.is_empty() {
            let detail = "no event of this dossier was accepted: look for it at its sender, and among rejected records";
            return Err(Failure::new(ErrorCode::DossierNotFound, detail));
        }
        let mut held = Vec::new();
        for event in events.iter().filter(|event| event.disposition == Disposition::Held) {
            if let Some(waiting) = app.store.held_event(event.seq).await? {
                held.push((event.seq, waiting.reason));
            }
        }
        let state = app.store.dossier(code.clone()).await?.unwrap_or_default();
        let parked = app.store.parked_of(code.clone()).await?;
        Ok(Self { code, state, events, parked, held })
    }

    fn explain_held(&self) -> Vec<String> {
        let sentence = |(seq, reason): &(Seq, HoldReason)| {
            format!(
                "Event {seq} is held and goes nowhere: {}. If the sender is right: lgsp held release {seq} --reason \"…\"; \
                 otherwise: lgsp held drop {seq} --reason \"…\".",
                reason_text(*reason)
            )
        };
        self.held.iter().map(sentence).collect()
    }

    /// The copy at one target, as a row and in words.
    async fn copy_at(&self, app: &App, target: &Target) -> (Value, String) {
        let handle = app.targets.get(&target.id);
        let running = handle.as_ref().map(|handle| (handle.status(), handle.last_words()));
        let newest = self.events.iter().rev().find(|event| goes_to(target, event)).map(|event| event.seq);
        let trouble = running.as_ref().and_then(|(_, words)| {
            let (at, cause) = words.failure.as_ref()?;
            words.success.is_none_or(|success| success < *at).then_some(cause)
        });
        let copy = Copy {
            target: &target.id,
            delivery: running.as_ref().map(|(summary, _)| summary),
            trouble,
            newest,
            taken: match (handle, newest) {
                (Some(handle), Some(newest)) => handle.event_state(newest).await == Some(EventState::Done),
                _ => false,
            },
            parked: self.parked.iter().filter(|(at, _)| *at == target.id).map(|(_, parked)| parked).collect(),
            starts_now: target.start == lgsp_config::Start::Now,
        };
        let row = json!({
            "target": target.id.as_str(),
            "state": copy.standing().word(),
            "newest_seq": copy.newest.map(|seq| seq.0),
            "parked": copy.parked.iter().map(|parked| parked::sync_row(parked)).collect::<Vec<_>>(),
        });
        (row, copy.explain())
    }

    fn event(&self, event: &StoredEvent, with_record: bool) -> Value {
        let mut row = json!({
            "seq": event.seq.0,
            "kind": event.kind.as_str(),
            "disposition": event.disposition.as_str(),
            "sender": event.sender,
            "received_at": event.at.to_string(),
            "trace_id": hex_of(&event.trace),
        });
        if event.disposition == Disposition::Held {
            let waiting = self.held.iter().find(|(seq, _)| *seq == event.seq);
            row["decision"] = waiting.map_or("decided", |_| "waiting").into();
            row["reason"] = waiting.map(|(_, reason)| reason_text(*reason)).into();
        }
        if with_record {
            let record = event.payload.as_deref().and_then(|payload| serde_json::from_slice(payload).ok());
            row["record"] = record.unwrap_or(Value::Null);
        }
        row
    }
}

/// An operator's act; what it says was written by the store as JSON.
fn act(event: &StoredEvent) -> Value {
    let said = event.payload.as_deref().and_then(|payload| serde_json::from_slice::<Value>(payload).ok());
    let mut row = said.filter(Value::is_object).unwrap_or_else(|| json!({}));
    row["seq"] = event.seq.0.into();
    row["trace_id"] = hex_of(&event.trace).into();
    row
}
