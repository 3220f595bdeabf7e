//! The target of a service in queue mode: takes stored messages to the service's upstream and says what came of each.
//!
//! It tries once. Order, repeats and what waits are the delivery's, as for every target.

mod causes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT, VIA};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use lgsp_connect::{
    Asked, BatchLimit, CallFailure, CallOptions, ConnectFuture, Connector, Delivered, FailureKind, Outgoing, Repeat,
    Repeatable, Sent, Standing,
};
use lgsp_contract::{Format, Inbound, MapContext, Operation, Presence, Service, UpstreamAnswer, UpstreamCall, Verdict};
use lgsp_model::{Cause, EventKind, Outcome, Timestamp};
use lgsp_store::{DurableStore, NewReply};

use self::causes::{cause, http, misfit, why};
use super::call::below;
use super::forward::{self, NoAnswer};
use super::reply::{self, End, Told};
use super::running::{Running, Services};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::identity::DigestKey;
use crate::trace::hex_of;

/// When a service that an operator has to set up is looked at again; a reload changes it sooner than that seldom.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// When an upstream that is busy with other calls is tried again.
const COME_BACK: Duration = Duration::from_secs(1);

/// The code of a cause that stands for a partner's no.
pub(super) const REFUSED: &str = "refused";

/// One service's stored messages on their way out.
pub(crate) struct Outbox {
    /// The service. Which version of it serves is looked up for each message.
    pub(crate) service: String,
    /// The services as they are now.
    pub(crate) services: Arc<ArcSwap<Services>>,
    pub(crate) store: Arc<dyn DurableStore>,
    pub(crate) clock: Clock,
    pub(crate) digest_key: Arc<DigestKey>,
}

/// A service that can be called.
struct Ready {
    service: Arc<Service>,
    running: Arc<Running>,
}

/// A message as its contract reads it.
struct Message<'a> {
    event: &'a Outgoing,
    ready: &'a Ready,
    operation: &'a Operation,
    form: Format,
    trace: String,
    number: String,
}

/// What the upstream said.
struct Came {
    status: u16,
    content_type: Option<String>,
    retry_after: Option<Duration>,
    body: Read,
}

/// How much of an answer's body there is.
enum Read {
    Whole(Bytes),
    /// It broke off; the next answer may be whole.
    Broken,
    /// It is longer than the contract allows, and will be.
    TooLong,
}

impl Came {
    fn answer<'a>(&'a self, nothing: &'a Bytes) -> UpstreamAnswer<'a> {
        let body = match &self.body {
            Read::Whole(body) => body,
            Read::Broken | Read::TooLong => nothing,
        };
        UpstreamAnswer { status: self.status, content_type: self.content_type.as_deref(), body }
    }
}

impl Connector for Outbox {
    /// Whether a repeat harms differs between operations and versions: those that may be repeated are answered as
    /// "not there" when they are asked about, so that they are simply sent again.
    fn limits(&self, _: EventKind) -> BatchLimit {
        BatchLimit { events: 1, bytes: usize::MAX, repeat: Repeat::AskIfUnknown }
    }

    fn wants_history(&self) -> bool {
        false
    }

    fn deliver<'a>(&'a self, _: EventKind, events: &'a [Outgoing]) -> ConnectFuture<'a, Delivered> {
        Box::pin(async move {
            let mut delivered = Delivered { outcomes: Vec::with_capacity(events.len()), standing: Standing::Open };
            for event in events {
                let (outcome, standing) = self.send(event).await;
                delivered.outcomes.push(outcome);
                delivered.standing = standing;
            }
            delivered
        })
    }

    fn ask<'a>(&'a self, event: &'a Outgoing) -> ConnectFuture<'a, Asked> {
        Box::pin(self.look(event))
    }
}

impl Outbox {
    fn ready(&self) -> Result<Ready, Cause> {
        let services = self.services.load_full();
        let Some((service, running)) = services.in_force(&self.service, self.clock.wall()) else {
            return Err(cause("not_ready", "no version of the service is in force"));
        };
        match running.not_ready() {
            Some(why) => Err(cause("not_ready", why.to_string())),
            None => Ok(Ready { service: service.clone(), running: running.clone() }),
        }
    }

    async fn send(&self, event: &Outgoing) -> (Outcome, Standing) {
        let ready = match self.ready() {
            Ok(ready) => ready,
            Err(cause) => return (Outcome::Deferred { cause, after: Some(LOOK_AGAIN) }, Standing::NotYet),
        };
        match Message::read(&ready, event) {
            Ok(message) => self.deliver_one(&message).await,
            Err(cause) => (Outcome::Refused(cause), Standing::Open),
        }
    }

    async fn deliver_one(&self, message: &Message<'_>) -> (Outcome, Standing) {
        let made = message.with(self, |inbound| message.operation.request(inbound));
        let made = match made {
            Ok(made) => made,
            Err(refusal) => return (Outcome::Refused(misfit(&refusal)), Standing::Open),
        };
        let repeatable = if message.operation.is_idempotent() { Repeatable::Always } else { Repeatable::IfUnsent };
        let came = match message.call(&made, repeatable).await {
            Ok(came) => came,
            Err(nothing) => return message.unanswered(nothing),
        };
        let outcome = message.outcome(&came, self.clock.wall());
        // The reply is stored before the outcome is reported, because only what was not reported comes again: a crash in
        // between finds the reply (`look` takes the message for settled), a crash before it asks the partner or sends what
        // may be sent twice. The other way round a crash would leave a message that nobody looks at any more and whose
        // sender is never told. At worst a reply is stored twice; its receiver sees one id.
        let keeps = message.ready.service.queue().keep_reply;
        if let Some(told) = keeps.then(|| message.told(&outcome, &came, made.caller, self)).flatten() {
            self.keep(message.event, told).await;
        }
        (outcome, Standing::Open)
    }

    async fn keep(&self, event: &Outgoing, told: Told) {
        let payload = told.payload(event.seq, &event.code);
        let reply = NewReply { to: event.seq, at: self.clock.wall(), payload, trace: event.trace };
        reply::keep(&self.store, reply).await;
    }

    /// Whether the partner has a message that may have reached it.
    async fn look(&self, event: &Outgoing) -> Asked {
        match self.store.reply_of(event.seq).await {
            Ok(Some(kept)) if reply::end_of(&kept) == Some(End::Settled) => return Asked::Same,
            // One that was refused may have been sent again since.
            Ok(_) => {}
            Err(error) => return Asked::Deferred { cause: cause("store", error.to_string()), after: None },
        }
        let ready = match self.ready() {
            Ok(ready) => ready,
            Err(cause) => return Asked::Deferred { cause, after: Some(LOOK_AGAIN) },
        };
        let Ok(message) = Message::read(&ready, event) else { return Asked::CannotTell };
        if message.operation.is_idempotent() {
            return Asked::Missing;
        }
        let question = message.with(self, |inbound| message.operation.question(inbound));
        let Some(Ok(question)) = question else { return Asked::CannotTell };
        let came = match message.call(&question, Repeatable::Always).await {
            Ok(came) => came,
            Err(nothing) => {
                let (cause, after, _) = why(nothing);
                return Asked::Deferred { cause, after };
            }
        };
        let nothing = Bytes::new();
        match message.operation.presence(&came.answer(&nothing), message.form, self.clock.wall()) {
            Presence::Has => {
                if ready.service.queue().keep_reply {
                    self.keep(event, Told::end(End::Settled, "the partner has it; its first answer was lost")).await;
                }
                Asked::Same
            }
            Presence::Missing => Asked::Missing,
            Presence::Later => Asked::Deferred { cause: http(&came), after: came.retry_after },
            Presence::Unclear => Asked::CannotTell,
        }
    }
}

impl<'a> Message<'a> {
    fn read(ready: &'a Ready, event: &'a Outgoing) -> Result<Self, Cause> {
        let name = event.code.split('/').nth(1).unwrap_or_default();
        let operation = ready.service.operation(name);
        let operation = operation
            .ok_or_else(|| cause("contract", "the contract in force has no operation of this name any more"))?;
        let form = operation.stored_form(&event.payload);
        let form = form.ok_or_else(|| cause("contract", "the stored message is in no form that the contract knows"))?;
        Ok(Self { event, ready, operation, form, trace: hex_of(&event.trace), number: event.seq.to_string() })
    }

    /// Does something with the message and what its maps may look at. Time, trace and sender are those of its receipt, so
    /// that every try sends the same.
    fn with<T>(&self, outbox: &Outbox, act: impl FnOnce(&Inbound<'_>) -> T) -> T {
        let context = self.context(outbox);
        act(&Inbound {
            content_type: Some(self.form.media_type()),
            body: &self.event.payload,
            context: &context,
            path: self.below(),
        })
    }

    fn context<'c>(&'c self, outbox: &'c Outbox) -> MapContext<'c> {
        MapContext {
            trace: Some(&self.trace),
            now: Some(self.event.at),
            member: Some(&self.event.sender),
            person: None,
            agency: Some(self.event.agency.as_str()).filter(|agency| !agency.is_empty()),
            service: Some(self.ready.service.id()),
            operation: Some(self.operation.name()),
            message: Some(&self.number),
            status: None,
            query: &[],
            path: &[],
            headers: &[],
            digest_key: outbox.digest_key.as_bytes(),
        }
    }

    fn below(&self) -> &'a str {
        below(&self.ready.service, self.operation.path())
    }

    async fn call(&self, made: &UpstreamCall, repeatable: Repeatable) -> Result<Came, NoAnswer> {
        let running = &self.ready.running;
        let timeout = self.operation.timeout().unwrap_or(running.timeout);
        let deadline = Instant::now() + timeout;
        let end = Some((deadline + timeout).into());
        let how = CallOptions { deadline: deadline.into(), repeatable, upgrade: false, end };
        let answer = forward::exchange(running, Box::new(self.parts(made)?), made.body.clone(), how).await?;
        let (parts, body) = answer.into_parts();
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let most = self.ready.service.exposed().limits.answer.as_usize();
        let body = match Limited::new(body, most).collect().await {
            Ok(read) => Read::Whole(read.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Read::TooLong,
            Err(_) => Read::Broken,
        };
        Ok(Came {
            status: parts.status.as_u16(),
            content_type: text(CONTENT_TYPE).map(str::to_owned),
            retry_after: text(RETRY_AFTER).and_then(|text| text.trim().parse().ok()).map(Duration::from_secs),
            body,
        })
    }

    fn parts(&self, made: &UpstreamCall) -> Result<Parts, Failure> {
        let (mut parts, ()) = Request::new(()).into_parts();
        let method = self.operation.methods().first().map(String::as_str).filter(|method| *method != "*");
        parts.method = method.and_then(|method| method.parse().ok()).unwrap_or(Method::POST);
        parts.uri = forward::uri(self.below())?;
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(made.caller.media_type()));
        parts.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if made.caller == Format::Soap11 && made.content_type.is_none() {
            parts.headers.insert("soapaction", HeaderValue::from_static("\"\""));
        }
        forward::apply(&[], &mut parts, made)?;
        let ascii = |text: String| HeaderValue::from_str(&text).expect("hex, digits and dashes are visible ASCII");
        let traceparent = format!("00-{}-{:016x}-01", self.trace, self.event.seq.0.max(1));
        parts.headers.insert("traceparent", ascii(traceparent));
        parts.headers.insert("idempotency-key", ascii(self.number.clone()));
        parts.headers.insert(VIA, HeaderValue::from_static("1.1 lgsp"));
        parts.headers.insert(USER_AGENT, HeaderValue::from_static("lgsp"));
        Ok(parts)
    }

    /// What it means that there is no answer.
    fn unanswered(&self, nothing: NoAnswer) -> (Outcome, Standing) {
        // The upstream's own breaker or bound let nothing through: it knows when to come back, and nothing was tried.
        let is_untried = matches!(
            &nothing,
            NoAnswer::Broken(CallFailure { kind: FailureKind::Refused | FailureKind::Full, sent: Sent::No, .. })
        );
        let outcome = match why(nothing) {
            (cause, after, Sent::No) if is_untried => {
                return (Outcome::Deferred { cause, after: after.or(Some(COME_BACK)) }, Standing::NotYet);
            }
            (cause, after, Sent::No) => Outcome::Deferred { cause, after },
            (cause, after, Sent::Maybe) if self.operation.is_idempotent() => Outcome::Deferred { cause, after },
            (cause, _, Sent::Maybe) => Outcome::Unknown(cause),
        };
        (outcome, Standing::Open)
    }

    /// What an answer means.
    fn outcome(&self, came: &Came, now: Timestamp) -> Outcome {
        let idempotent = self.operation.is_idempotent();
        if idempotent && matches!(came.body, Read::Broken) {
            return Outcome::Deferred { cause: cause("broken_off", "the answer broke off"), after: None };
        }
        let nothing = Bytes::new();
        match self.operation.verdict(&came.answer(&nothing), self.form, now) {
            Verdict::Settled => Outcome::Settled,
            Verdict::Refused => {
                Outcome::Refused(cause(REFUSED, format!("the partner refused it, with status {}", came.status)))
            }
            Verdict::Deferred => Outcome::Deferred { cause: http(came), after: came.retry_after },
            Verdict::Unknown if idempotent => Outcome::Deferred { cause: http(came), after: came.retry_after },
            Verdict::Unknown => Outcome::Unknown(http(came)),
        }
    }

    /// What the sender is told; nothing while it is not over.
    fn told(&self, outcome: &Outcome, came: &Came, caller: Format, outbox: &Outbox) -> Option<Told> {
        let end = match outcome {
            Outcome::Settled => End::Settled,
            Outcome::Refused(_) => End::Refused,
            Outcome::Deferred { .. } | Outcome::Unknown(_) => return None,
        };
        let status = Some(came.status);
        let Read::Whole(_) = &came.body else {
            return Some(Told { status, ..Told::end(end, "the partner's answer broke off or is too long to keep") });
        };
        let nothing = Bytes::new();
        let context = MapContext { status, ..self.context(outbox) };
        let made = self.operation.response(caller, &came.answer(&nothing), &context);
        Some(Told { status, ..Told::of_answer(end, made) })
    }
}
