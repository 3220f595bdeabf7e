//! The services that are answered here, durably: records in, and the question whether a dossier is known.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_contract::parse_strict;
use lgsp_model::{DossierCode, DossierState, ErrorCode, Finding};
use serde_json::{Value, json};

use super::envelope::Envelope;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::intake::{StoredOrRefused, Takes, Tally};
use crate::request::Authorised;

/// The words by which clients know success.
const DONE: &str = "Đồng bộ thành công";

/// Stores the records of `data`. `error_code` is `"0"` only when every one of them is durable: those that are not are
/// named, the others are stored, and sending all again is harmless.
pub(super) async fn records(app: &Arc<App>, takes: Takes, envelope: &Envelope) -> Result<Answer, Failure> {
    if envelope.data.is_empty() {
        return Err(Failure::new(ErrorCode::BadParameter, "data holds no record"));
    }
    let mut checked = Vec::with_capacity(envelope.data.len());
    for record in &envelope.data {
        let mut result = takes.check(record.clone());
        if let Ok(ready) = &mut result
            && let Some(warning) = mismatch(app, envelope.is_updating, &ready.code).await?
        {
            ready.warnings.push(warning);
        }
        checked.push(result);
    }
    let results = takes.store_checked(checked).await?;
    let mut tally = Tally::default();
    let mut lines = b"[".to_vec();
    for (index, result) in results.iter().enumerate() {
        lines.extend_from_slice(if index == 0 { b"" } else { b"," });
        tally.write(&mut lines, index, result);
    }
    lines.push(b']');
    let (code, message) = verdict(&results);
    let mut body = json!({"error_code": code, "message": message}).to_string().into_bytes();
    body.pop();
    body.extend_from_slice(b",\"result\":");
    body.extend_from_slice(&lines);
    body.push(b'}');
    Ok(answer::json(StatusCode::OK, body))
}

/// The code and sentence over all results: success, or the first refusal and how many there are.
fn verdict(results: &[StoredOrRefused]) -> (String, String) {
    let refused = |result: &StoredOrRefused| match result {
        StoredOrRefused::Refused(refusal) => Some((refusal.code.clone(), (*refusal.failure).clone())),
        StoredOrRefused::Stored { .. } => None,
    };
    let mut refusals = results.iter().filter_map(refused);
    let Some((code, failure)) = refusals.next() else {
        return ("0".into(), format!("{DONE} {} bản ghi", results.len()));
    };
    let more = refusals.count();
    let mut message = failure.code.advice_vi().to_owned();
    if let Some(code) = code {
        message.push_str(&format!(" MaHoSo {code}."));
    }
    if let Some(finding) = failure.findings.first() {
        message.push_str(&format!(" {}: {}", finding.path, finding.message));
    }
    if more > 0 {
        message.push_str(&format!(" Còn {more} bản ghi khác bị từ chối."));
    }
    (failure.code.number().into(), message)
}

/// Whether `isUpdating` says something else than what is stored. What is stored decides; the caller gets a warning.
async fn mismatch(app: &App, is_updating: Option<bool>, code: &DossierCode) -> Result<Option<Finding>, Failure> {
    let Some(is_updating) = is_updating else { return Ok(None) };
    let known = app.store.dossier(code.clone()).await?.is_some_and(|state| state.record.is_some());
    let message = match (is_updating, known) {
        (true, false) => "isUpdating is True, but this dossier was not known; it was taken as new",
        (false, true) => "isUpdating is False, but this dossier was known; it was taken as an update",
        _ => return Ok(None),
    };
    Ok(Some(Finding::new("/isUpdating", "update-mismatch", message)))
}

/// `TraCuuHoSo`: whether a dossier is known and where it stands. Pull fields are upper case.
pub(super) async fn look_up(app: &Arc<App>, caller: &Authorised, envelope: &Envelope) -> Result<Answer, Failure> {
    let text = envelope.text("mahoso").or_else(|| envelope.text("MaHoSo"));
    let text = text.ok_or_else(|| Failure::new(ErrorCode::BadParameter, "mahoso is missing"))?;
    let code: DossierCode =
        text.parse().map_err(|error| Failure::new(ErrorCode::BadParameter, format!("mahoso: {error}")))?;
    let visible = caller.check_agency(&code.agency()).is_ok();
    let state = if visible { app.store.dossier(code.clone()).await? } else { None };
    let result = match state {
        Some(state) => vec![found(app, &code, &state).await?],
        None => Vec::new(),
    };
    let message = if result.is_empty() {
        "Không tìm thấy hồ sơ. Tra cứu thành công"
    } else {
        "Tra cứu thành công"
    };
    Ok(answer::json(StatusCode::OK, json!({"error_code": "0", "message": message, "result": result}).to_string()))
}

/// Fields of the current record that a lookup gives back, besides code and status.
const SHOWN: [&str; 6] = ["MaTTHC", "TenTTHC", "ChuHoSo", "NgayTiepNhan", "NgayHenTra", "DonViXuLy"];

async fn found(app: &App, code: &DossierCode, state: &DossierState) -> Result<Value, Failure> {
    let mut fields = serde_json::Map::new();
    fields.insert("MAHOSO".into(), code.as_str().into());
    fields.insert("TRANGTHAIHOSO".into(), state.status.map(|status| status.text()).into());
    let event = match state.record {
        Some(seq) => app.store.event(seq).await?,
        None => None,
    };
    let record = event.and_then(|event| parse_strict(&event.payload?).ok()).unwrap_or(Value::Null);
    for name in SHOWN {
        if let Some(value) = record.get(name) {
            fields.insert(name.to_uppercase(), value.clone());
        }
    }
    Ok(Value::Object(fields))
}
