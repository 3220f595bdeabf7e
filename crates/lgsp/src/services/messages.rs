//! `GET /v1/messages/{id}`: what became of a stored message. Only its sender may ask.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_model::{ErrorCode, EventKind, Seq};
use serde_json::json;

use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::identity::Identified;

pub(crate) async fn message(app: &Arc<App>, caller: &Identified, id: &str) -> Result<Answer, Failure> {
    let not_there = || Failure::new(ErrorCode::MessageNotFound, "no message of yours has this id");
    let seq = id.parse().map(Seq).map_err(|_| not_there())?;
    let event = app.store.event(seq).await?.ok_or_else(not_there)?;
    if event.kind != EventKind::Message || event.sender != caller.member.id.as_str() {
        return Err(not_there());
    }
    let reply = app.store.reply_of(seq).await?;
    let reply = reply.and_then(|reply| serde_json::from_slice::<serde_json::Value>(&reply.payload?).ok());
    let mut parts = event.key.splitn(3, '/');
    let (service, operation) = (parts.next(), parts.next());
    let body = json!({
        "message_id": id,
        "service": service,
        "operation": operation,
        "received_at": event.at.to_string(),
        "reply": reply,
    });
    Ok(answer::json(StatusCode::OK, body.to_string()))
}
