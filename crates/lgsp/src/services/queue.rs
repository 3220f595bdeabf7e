//! Calls that are stored: the commit is on disk before the caller is told, and delivery goes on from the log.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use lgsp_contract::{Format, UpstreamCall};
use lgsp_model::{AgencyCode, ErrorCode, EventKey, Finding};
use lgsp_store::{Appended, IdempotencyKey, NewEvent, Subject};

use super::call::{Call, Whole};
use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::intake;

pub(super) async fn accept(call: &Call<'_>, whole: &Whole, made: &UpstreamCall) -> Result<Answer, Failure> {
    // What cannot be delivered here is not taken, although it would wait.
    call.running.upstream()?;
    check_stored(call, whole, made)?;
    let key = EventKey::of(call.service.id(), call.operation.name(), made.key.as_deref()).map_err(|error| {
        let message = format!("the key of the message must be {}", error.expected);
        Failure::findings(vec![Finding::new("", "key", message)])
    })?;
    let idempotency = intake::idempotency_key(&whole.parts.headers)?;
    let event = NewEvent {
        subject: Subject::Message { key, agency: agency(call, made) },
        sender: call.caller.member.id.clone(),
        at: call.now,
        payload: whole.body.clone(),
        trace: call.trace.id(),
        idempotency: idempotency.map(|key| IdempotencyKey { key, body: intake::sha256(&whole.body) }),
    };
    let (seq, duplicate) = match call.app.store.append(vec![event]).await?[..] {
        [Appended::Accepted { seq }] => (seq, false),
        [Appended::Duplicate { seq }] => (seq, true),
        [Appended::KeyReused] => {
            let detail = "this Idempotency-Key came earlier with another message";
            return Err(Failure::new(ErrorCode::IdempotencyMismatch, detail));
        }
        _ => return Err(Failure::new(ErrorCode::Internal, "the store held a message")),
    };
    call.app.metrics.events(lgsp_model::EventKind::Message, if duplicate { "duplicate" } else { "accepted" }, 1);
    let id = seq.to_string();
    let told = call.operation.accepted(made.caller, &id, duplicate);
    let status = StatusCode::from_u16(told.status).expect("the contract answers 200 or 202");
    let mut answer = answer::with_body(status, "application/json", told.body);
    if let Some(content_type) = told.content_type.and_then(|text| HeaderValue::from_str(&text).ok()) {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    let location = HeaderValue::from_str(&format!("/v1/messages/{id}")).expect("digits are visible ASCII");
    answer.headers_mut().insert(LOCATION, location);
    Ok(answer)
}

/// The agency that a message belongs to: the one that it names, or its sender's only one.
fn agency(call: &Call<'_>, made: &UpstreamCall) -> Option<AgencyCode> {
    let named = made.agency.as_deref().and_then(|agency| agency.parse().ok());
    named.or_else(|| call.caller.member.agencies.only().cloned())
}

/// The log keeps a message's body and nothing else, so the body has to say everything by itself.
fn check_stored(call: &Call<'_>, whole: &Whole, made: &UpstreamCall) -> Result<(), Failure> {
    if whole.parts.uri.query().is_some() {
        let detail = "a message to this service is stored: say everything in its body, nothing in the query";
        return Err(Failure::new(ErrorCode::BadParameter, detail));
    }
    let fits = call.operation.stored_form(&whole.body).is_some_and(|form| match (form, made.caller) {
        (Format::Soap11 | Format::Soap12, caller) => caller.is_soap(),
        (form, caller) => form == caller,
    });
    if fits {
        return Ok(());
    }
    let detail = "a message to this service is stored: send it with a body in UTF-8 and without attachments";
    Err(Failure::new(ErrorCode::UnsupportedMediaType, detail))
}
