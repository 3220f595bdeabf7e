//! `GET /v1/dossiers/{MaHoSo}` and its history: where a dossier stands, and where every copy of it stands.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_model::{DossierCode, DossierState, ErrorCode, EventKind};
use lgsp_store::StoredEvent;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::payments::{self, Financial};
use crate::request::Authorised;
use crate::sync::{self, Copies};
use crate::trace;

/// Events of one dossier in its history; lives have 5 to 15.
pub(crate) const HISTORY: usize = 1000;

/// A dossier as callers see it.
#[derive(Serialize)]
pub(crate) struct DossierView<'a> {
    #[serde(rename = "MaHoSo")]
    code: &'a str,
    #[serde(rename = "TrangThaiHoSo")]
    status: Option<&'static str>,
    status_name: Option<&'static str>,
    seq: Option<u64>,
    agency: String,
    sender: Option<&'a str>,
    received_at: Option<String>,
    record: Option<&'a RawValue>,
    financial: Option<Financial>,
    sync: &'a Copies,
}

/// A dossier's events as callers see them.
#[derive(Serialize)]
struct HistoryView<'a> {
    #[serde(rename = "MaHoSo")]
    code: &'a str,
    events: Vec<EventView<'a>>,
}

/// One event as callers see it.
#[derive(Serialize)]
pub(crate) struct EventView<'a> {
    seq: u64,
    kind: &'static str,
    state: &'static str,
    sender: &'a str,
    received_at: String,
    trace_id: String,
    record: Option<&'a RawValue>,
}

impl<'a> EventView<'a> {
    pub(crate) fn of(event: &'a StoredEvent) -> Self {
        Self {
            seq: event.seq.0,
            kind: event.kind.as_str(),
            state: event.disposition.as_str(),
            sender: &event.sender,
            received_at: event.at.to_string(),
            trace_id: trace::hex_of(&event.trace),
            record: raw(event),
        }
    }
}

/// The payload as it came; it was checked to be JSON when it was accepted.
fn raw(event: &StoredEvent) -> Option<&RawValue> {
    serde_json::from_slice(event.payload.as_deref()?).ok()
}

/// The current record, its status, and its copies.
pub(crate) async fn dossier(app: &Arc<App>, caller: &Authorised, code: &str) -> Result<Answer, Failure> {
    let code = readable(caller, code)?;
    let state = app.store.dossier(code.clone()).await?.ok_or_else(unknown)?;
    let sync = sync::copies(app, &app.snapshot(), &code).await?;
    let body = view(app, &code, &state, &sync).await?;
    Ok(answer::json(StatusCode::OK, body))
}

async fn view(app: &App, code: &DossierCode, state: &DossierState, sync: &Copies) -> Result<Vec<u8>, Failure> {
    let record = match state.record {
        Some(seq) => app.store.event(seq).await?,
        None => None,
    };
    let view = DossierView {
        code: code.as_str(),
        status: state.status.map(|status| status.text()),
        status_name: state.status.map(|status| status.name_vi()),
        seq: state.record.or(state.last).map(|seq| seq.0),
        agency: code.agency().to_string(),
        sender: record.as_ref().map(|event| event.sender.as_str()),
        received_at: record.as_ref().map(|event| event.at.to_string()),
        record: record.as_ref().and_then(raw),
        financial: payments::financial_state(app, code.clone()).await?,
        sync,
    };
    Ok(serde_json::to_vec(&view).expect("plain data writes into memory"))
}

/// A dossier's events in order.
pub(crate) async fn history(app: &Arc<App>, caller: &Authorised, code: &str) -> Result<Answer, Failure> {
    let code = readable(caller, code)?;
    let events = app.store.history(code.clone(), HISTORY).await?;
    if events.is_empty() {
        return Err(unknown());
    }
    let shown = events.iter().filter(|event| event.kind != EventKind::Audit).map(EventView::of).collect();
    let body = HistoryView { code: code.as_str(), events: shown };
    Ok(answer::json(StatusCode::OK, serde_json::to_vec(&body).expect("plain data writes into memory")))
}

fn readable(caller: &Authorised, code: &str) -> Result<DossierCode, Failure> {
    let bad = |error| Failure::new(ErrorCode::BadParameter, format!("MaHoSo: {error}"));
    let code: DossierCode = code.parse().map_err(bad)?;
    // Whether a dossier of another agency exists is none of the caller's business.
    caller.check_agency(&code.agency()).map_err(|_| unknown())?;
    Ok(code)
}

fn unknown() -> Failure {
    Failure::new(ErrorCode::DossierNotFound, "no event of this dossier was accepted, or its agency is not yours")
}
