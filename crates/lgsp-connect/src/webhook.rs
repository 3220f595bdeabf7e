//! Webhooks by Standard Webhooks 1.0: one signed event a call, the same id over all tries.
//!
//! Whether to try again is the caller's; receivers recognise repeats by `webhook-id`.

mod sign;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Uri;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use lgsp_model::{EventKind, Outcome, PaymentState, Timestamp};
use serde::Deserialize;
use toml::{Table, Value};

use crate::client::{Http, HttpFailure, HttpLimits, Reach, forbidden_literal};
use crate::connector::{Asked, BatchLimit, Clock, ConnectFuture, Connector, Delivered, Outgoing, Repeat, Standing};
use crate::family::Builder;
use crate::redact::own_cause;
use crate::settings::{Fields, Problem, SettingError};
use sign::Keys;

/// A secret, and the one before it while it is being replaced.
const MOST_SECRETS: usize = 2;

/// One record may be as large as the gateway accepts (16 MiB), plus what is around it.
const REQUEST_BYTES: usize = 17 * 1024 * 1024;

/// Nothing is read from an answer; this much is tolerated.
const RESPONSE_BYTES: usize = 64 * 1024;

const EXPECTED_SECRET: Problem =
    Problem::Expected("whsec_ and 24 to 64 bytes in base64, or a list of two of them during rotation");

struct Settings {
    url: Uri,
    keys: Keys,
    reach: Reach,
    timeout: Duration,
}

pub(crate) fn check(table: &Table) -> Result<Builder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let url = fields.address("url");
    let allow_private = fields.flag("allow_private", false);
    let reach = if allow_private { Reach::Anywhere } else { Reach::PublicOnly };
    let timeout =
        fields.duration("timeout", Duration::from_secs(15), Duration::from_millis(50)..=Duration::from_secs(300));
    let keys = secrets(&mut fields);
    if url.as_ref().and_then(Uri::host).is_some_and(|host| forbidden_literal(host, reach)) {
        fields.fail("url", Problem::Expected("a public address, or allow_private = true"));
    }
    let errors = fields.finish();
    match (url, keys, errors.is_empty()) {
        (Some(url), Some(keys), true) => {
            let settings = Settings { url, keys, reach, timeout };
            Ok(Box::new(move |clock| Webhook::build(settings, clock).map(|hook| Arc::new(hook) as Arc<dyn Connector>)))
        }
        _ => Err(errors),
    }
}

fn secrets(fields: &mut Fields<'_>) -> Option<Keys> {
    let Some(value) = fields.get("secret") else {
        fields.fail("secret", Problem::Missing);
        return None;
    };
    let texts: Option<Vec<&str>> = match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) if (1..=MOST_SECRETS).contains(&items.len()) => items.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let keys = texts.and_then(|texts| Keys::parse(&texts));
    if keys.is_none() {
        fields.fail("secret", EXPECTED_SECRET);
    }
    keys
}

struct Webhook {
    settings: Settings,
    http: Http,
    clock: Clock,
}

impl Webhook {
    fn build(settings: Settings, clock: Clock) -> Result<Self, crate::BuildError> {
        let limits =
            HttpLimits { total: settings.timeout, request_bytes: REQUEST_BYTES, response_bytes: RESPONSE_BYTES };
        let http = Http::build(limits, settings.reach, settings.url.scheme_str() == Some("https"))?;
        Ok(Self { settings, http, clock })
    }

    async fn send(&self, event: &Outgoing) -> Delivered {
        let Some(call) = Call::of(event) else {
            let cause = own_cause("unreadable", "the stored reply is none that this gateway made");
            return Delivered::all(&Outcome::Refused(cause), 1);
        };
        let headers = self.headers(event, (self.clock)(), &call);
        let answer = match self.http.post(&self.settings.url, &headers, call.body).await {
            Ok(answer) => answer,
            Err(HttpFailure::NotSent(cause)) => return Delivered::all(&Outcome::Deferred { cause, after: None }, 1),
            Err(HttpFailure::Unanswered(cause)) => return Delivered::all(&Outcome::Unknown(cause), 1),
        };
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            return Delivered::all(&Outcome::Settled, 1);
        }
        let gone = status == 410;
        let detail =
            if gone { "the receiver is gone and wants nothing more" } else { "the receiver did not accept it" };
        let after = answer.retry_after.map(|after| after.from((self.clock)()));
        let outcome = Outcome::Deferred { cause: own_cause(format!("http_{status}"), detail), after };
        let standing = if gone { Standing::Gone } else { Standing::Open };
        Delivered { outcomes: vec![outcome], standing }
    }

    fn headers(&self, event: &Outgoing, now: Timestamp, call: &Call) -> Vec<(HeaderName, HeaderValue)> {
        let id = call.id.clone();
        let seconds = now.0.div_euclid(1000).to_string();
        let signature = self.settings.keys.sign(&id, &seconds, &call.body);
        let trace: String = event.trace.iter().map(|byte| format!("{byte:02x}")).collect();
        let traceparent = format!("00-{trace}-{:016x}-01", event.seq.0.max(1));
        let text = |value: String| HeaderValue::try_from(value).expect("letters, digits and signs only");
        vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static("lgsp")),
            (HeaderName::from_static("webhook-id"), text(id)),
            (HeaderName::from_static("webhook-timestamp"), text(seconds)),
            (HeaderName::from_static("webhook-signature"), text(signature)),
            (HeaderName::from_static("traceparent"), text(traceparent)),
        ]
    }
}

/// One call: what it is known by over all tries, and what it says.
struct Call {
    id: String,
    body: Bytes,
}

/// What has to be known of a reply.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    message_id: Cow<'a, str>,
    outcome: End,
}

/// What has to be known of a payment.
#[derive(Deserialize)]
struct Paid<'a> {
    #[serde(borrow)]
    state: Cow<'a, str>,
}

/// How a message ended.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    Settled,
    Refused,
}

impl End {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Refused => "refused",
        }
    }
}

impl Call {
    /// `None` when a reply does not say what it is about.
    fn of(event: &Outgoing) -> Option<Self> {
        match event.kind {
            EventKind::Reply => {}
            EventKind::Payment => {
                let Paid { state } = serde_json::from_slice(&event.payload).ok()?;
                return Some(Self {
                    id: format!("evt_{}", event.seq),
                    body: body(event, &state.parse::<PaymentState>().ok()?),
                });
            }
            _ => return Some(Self { id: format!("evt_{}", event.seq), body: body(event, &"accepted") }),
        }
        let Told { message_id, outcome } = serde_json::from_slice(&event.payload).ok()?;
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !plain(&message_id) {
            return None;
        }
        let outcome = outcome.as_str();
        let mut body =
            format!("{{\"type\":\"message.{outcome}\",\"timestamp\":\"{}\",\"data\":", event.at).into_bytes();
        body.extend_from_slice(&event.payload);
        body.push(b'}');
        // A reply that was written twice around a crash is one for its receiver; another end of the message is not.
        Some(Self { id: format!("msg_{message_id}_{outcome}"), body: body.into() })
    }
}

/// `{"type":"dossier.accepted","timestamp":…,"data":{a change as the feed has it}}`; of a payment, `payment.paid` or what its state is.
fn body(event: &Outgoing, what: &dyn fmt::Display) -> Bytes {
    let quoted = |text: &str| serde_json::to_string(text).expect("a text is always JSON");
    let at = quoted(&event.at.to_string());
    let head = format!(
        "{{\"type\":\"{kind}.{what}\",\"timestamp\":{at},\"data\":{{\"cursor\":{cursor},\"seq\":{seq},\
         \"kind\":\"{kind}\",\"MaHoSo\":{code},\"agency\":{agency},\"sender\":{sender},\"received_at\":{at},\
         \"record\":",
        kind = event.kind,
        cursor = quoted(&event.cursor),
        seq = event.seq,
        code = quoted(&event.code),
        agency = quoted(&event.agency),
        sender = quoted(&event.sender),
    );
    let mut body = head.into_bytes();
    body.extend_from_slice(&event.payload);
    body.extend_from_slice(b"}}");
    body.into()
}

impl Connector for Webhook {
    fn limits(&self, _: EventKind) -> BatchLimit {
        BatchLimit { events: 1, bytes: REQUEST_BYTES, repeat: Repeat::Harmless }
    }

    fn wants_history(&self) -> bool {
        false
    }

    fn deliver<'a>(&'a self, _: EventKind, events: &'a [Outgoing]) -> ConnectFuture<'a, Delivered> {
        Box::pin(async move {
            let mut delivered = Delivered { outcomes: Vec::with_capacity(events.len()), standing: Standing::Open };
            for event in events {
                let one = self.send(event).await;
                delivered.outcomes.extend(one.outcomes);
                delivered.standing = one.standing;
            }
            delivered
        })
    }

    fn ask<'a>(&'a self, _: &'a Outgoing) -> ConnectFuture<'a, Asked> {
        Box::pin(async { Asked::CannotTell })
    }
}
