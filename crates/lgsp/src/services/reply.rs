//! What the sender of a stored message is told: the reply in the log.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_contract::{CallerAnswer, Refusal};
use lgsp_model::{EventKind, Seq, TargetId};
use lgsp_store::{DurableStore, NewReply, StoreError, StoredEvent};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::app::App;
use crate::failure::Failure;
use crate::targets::service_of;

/// An answer longer than this is not kept: replies go to the call-back address in one request, and the log keeps them.
const MOST_KEPT: usize = 4 * 1024 * 1024;

/// A store that cannot commit is tried again after this long.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The service took it.
    Settled,
    /// The service refused it, or an operator gave it up.
    Refused,
}

impl End {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Refused => "refused",
        }
    }
}

/// One reply.
pub(super) struct Told {
    pub(super) end: End,
    /// The status of the partner's answer, if there was one.
    pub(super) status: Option<u16>,
    /// The answer in the sender's form; JSON as such, everything else as text.
    pub(super) body: Value,
    /// Why there is no body, in our words.
    pub(super) detail: Option<String>,
}

impl Told {
    /// Without an answer.
    pub(super) fn end(end: End, detail: &str) -> Self {
        Self { end, status: None, body: Value::Null, detail: Some(detail.to_owned()) }
    }

    /// With the partner's answer, as the contract makes it for the sender.
    pub(super) fn of_answer(end: End, made: Result<CallerAnswer, Refusal>) -> Self {
        let without = |detail: &str| Self::end(end, detail);
        match made {
            Ok(made) if made.body.len() > MOST_KEPT => without("the partner's answer is too long to keep"),
            Ok(made) => match body(&made.body) {
                Some(body) => Self { end, status: None, body, detail: None },
                None => without("the partner's answer is no text"),
            },
            Err(Refusal::Fault(fault)) => {
                let body = json!({"code": fault.code, "reason": fault.reason, "detail": fault.detail});
                Self { end, status: None, body, detail: None }
            }
            Err(_) => without("the partner's answer breaks its contract"),
        }
    }

    pub(super) fn payload(&self, message: Seq, key: &str) -> Bytes {
        let mut parts = key.splitn(3, '/');
        let (service, operation) = (parts.next(), parts.next());
        let mut told = json!({
            "message_id": message.to_string(),
            "service": service,
            "operation": operation,
            "outcome": self.end.as_str(),
            "status": self.status,
            "body": self.body,
        });
        if let Some(detail) = &self.detail {
            told["detail"] = detail.as_str().into();
        }
        told.to_string().into()
    }
}

fn body(bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    let json = serde_json::from_slice(bytes).ok();
    json.or_else(|| std::str::from_utf8(bytes).ok().map(Value::from))
}

/// How the message of a stored reply ended.
pub(super) fn end_of(reply: &StoredEvent) -> Option<End> {
    let told: Value = serde_json::from_slice(reply.payload.as_ref()?).ok()?;
    match told["outcome"].as_str()? {
        "settled" => Some(End::Settled),
        "refused" => Some(End::Refused),
        _ => None,
    }
}

/// Stores a reply. The store is tried until it works: what it answers is lost otherwise.
pub(super) async fn keep(store: &Arc<dyn DurableStore>, reply: NewReply) {
    loop {
        match store.reply(reply.clone()).await {
            Ok(_) => return,
            Err(StoreError::NotThere) => {
                return tracing::error!(seq = reply.to.0, "a reply without its message");
            }
            Err(error) => tracing::warn!(seq = reply.to.0, %error, "a reply cannot be stored"),
        }
        sleep(STORE_PAUSE).await;
    }
}

/// Tells the sender of a message that an operator gave it up. Events of other targets have nobody to be told.
pub(crate) async fn give_up(app: &App, target: &TargetId, seq: Seq) -> Result<(), Failure> {
    let Some(service) = service_of(target) else { return Ok(()) };
    let Some(event) = app.store.event(seq).await? else { return Ok(()) };
    if event.kind != EventKind::Message || event.key.split('/').next() != Some(service) {
        return Ok(());
    }
    let told = Told::end(End::Refused, "an operator gave the message up");
    let payload = told.payload(seq, &event.key);
    app.store.reply(NewReply { to: seq, at: app.clock.wall(), payload, trace: event.trace }).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &'static [u8]) -> Result<CallerAnswer, Refusal> {
        Ok(CallerAnswer { status: 200, content_type: None, body: Bytes::from_static(body), observed: Vec::new() })
    }

    fn payload(told: &Told) -> Value {
        serde_json::from_slice(&told.payload(Seq(7), "post/create/DH/1")).unwrap()
    }

    #[test]
    fn a_json_answer_stands_in_the_reply_as_such_and_another_as_text() {
        let told = Told { status: Some(200), ..Told::of_answer(End::Settled, answer(b"{\"a\":1}")) };
        let expected = json!({"message_id": "7", "service": "post", "operation": "create", "outcome": "settled",
            "status": 200, "body": {"a": 1}});
        assert_eq!(payload(&told), expected);
        assert_eq!(payload(&Told::of_answer(End::Refused, answer(b"<a/>")))["body"], "<a/>");
        assert_eq!(payload(&Told::of_answer(End::Settled, answer(b"")))["body"], Value::Null);
    }

    #[test]
    fn what_cannot_be_kept_is_left_out_and_said() {
        for made in [
            answer(b"\xff"),
            answer(vec![b'1'; MOST_KEPT + 1].leak()),
            Err(Refusal::Answer { findings: Vec::new(), why: "x".into() }),
        ] {
            let told = payload(&Told::of_answer(End::Settled, made));
            assert_eq!((&told["outcome"], &told["body"]), (&"settled".into(), &Value::Null));
            assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        }
    }
}
