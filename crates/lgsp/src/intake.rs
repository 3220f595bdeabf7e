//! Taking in records: one, an array, or a stream. Each is checked against its contract and the caller's agencies, stored
//! durably, and only then answered.

mod record;
mod results;
mod stream;

use std::sync::Arc;

use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};
use lgsp_model::{Digest, ErrorCode};
use lgsp_store::{Appended, IdempotencyKey};
use serde_json::value::RawValue;

use record::Ready;
pub(crate) use record::Takes;
use results::RecordResult;
pub(crate) use results::{StoredOrRefused, Tally, reason_text};

use crate::answer::{self, Answer};
use crate::app::{App, RecordContract};
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

/// Records that are checked before other connections get a turn: about half a millisecond of work.
const RECORDS_AT_ONCE: usize = 64;

/// `POST /v1/dossiers` and `POST /v1/progress`, in their three forms.
pub(crate) async fn push(
    app: &Arc<App>,
    caller: Authorised,
    contract: RecordContract,
    request: Accepted,
) -> Result<Answer, Failure> {
    let takes = Takes::new(app, caller, contract, request.trace, &request.snapshot)?;
    match request.media_type().as_str() {
        "application/json" => {
            let key = idempotency_key(&request.parts.headers)?;
            let most = request.snapshot.config.limits.array_records as usize;
            let body = request.into_body()?.read_whole().await?;
            if body.trim_ascii_start().first() == Some(&b'[') {
                array(&takes, &body, most).await
            } else {
                single(&takes, body, key).await
            }
        }
        "application/x-ndjson" | "application/ndjson" => {
            let record_limit = request.snapshot.config.limits.record_bytes.as_usize();
            let body = request.into_body()?;
            Ok(answer::ndjson_pieces(stream::start(takes, body, record_limit)))
        }
        _ => Err(Failure::new(
            ErrorCode::UnsupportedMediaType,
            "Content-Type must be application/json or application/x-ndjson",
        )),
    }
}

/// The longest `Idempotency-Key`.
const MAX_KEY: usize = 255;

pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=MAX_KEY).contains(&key.len()));
    let bad = || Failure::new(ErrorCode::BadParameter, "Idempotency-Key must have 1 to 255 visible ASCII characters");
    key.map(|key| Some(key.to_owned())).ok_or_else(bad)
}

async fn single(takes: &Takes, body: Bytes, key: Option<String>) -> Result<Answer, Failure> {
    one(takes, body, key).await.map(|(status, line)| answer::json(status, line))
}

/// Takes in one record: the status and the text of its result.
pub(crate) async fn one(takes: &Takes, body: Bytes, key: Option<String>) -> Result<(StatusCode, Bytes), Failure> {
    let mut ready = takes.check(body.clone()).map_err(|refusal| {
        takes.count_rejected(1);
        *refusal.failure
    })?;
    ready.event.idempotency = key.map(|key| IdempotencyKey { key, body: sha256(&body) });
    let Ready { event, code, warnings } = ready;
    let appended = takes.store(vec![event]).await?[0];
    if appended == Appended::KeyReused {
        let detail = "this Idempotency-Key came earlier with another body";
        return Err(Failure::new(ErrorCode::IdempotencyMismatch, detail));
    }
    let status = if matches!(appended, Appended::Duplicate { .. }) { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut line = Vec::with_capacity(160);
    RecordResult::stored(None, &code, appended, &warnings).write(&mut line);
    Ok((status, line.into()))
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    Digest(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

async fn array(takes: &Takes, body: &Bytes, most: usize) -> Result<Answer, Failure> {
    let records = split_array(body, most)?;
    let mut checked = Vec::with_capacity(records.len());
    for record in records {
        checked.push(takes.check(record));
        if checked.len() % RECORDS_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    let (mut results, mut tally) = (Vec::with_capacity(checked.len() * 100), Tally::default());
    for (index, result) in takes.store_checked(checked).await?.iter().enumerate() {
        results.extend_from_slice(if index == 0 { b"" } else { b"," });
        tally.write(&mut results, index, result);
    }
    let mut out = tally.open_object();
    out.extend_from_slice(b",\"results\":[");
    out.extend_from_slice(&results);
    out.extend_from_slice(b"]}");
    Ok(answer::json(StatusCode::OK, out))
}

/// The records of an array, each as the bytes that came.
fn split_array(body: &Bytes, most: usize) -> Result<Vec<Bytes>, Failure> {
    let records: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}: not a JSON array of records", error.line(), error.column());
        Failure::new(ErrorCode::MalformedJson, place)
    })?;
    if records.len() > most {
        let detail = format!("an array may have at most {most} records; send application/x-ndjson for more");
        return Err(Failure::new(ErrorCode::TooLarge, detail));
    }
    Ok(records.into_iter().map(|record| body.slice_ref(record.get().as_bytes())).collect())
}
