//! What a provider does outside: it tells the merchant what happened, again if it must, and does later what it put off.
//!
//! Over plain http only. What is said stands in the provider's own file.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Serialize;

use super::act::{Act, House, perform};
use super::clock;
use super::desk::{Desk, Kind};
use super::rules::{Message, Verb, Verdict};
use crate::partner::Partner;

/// What is kept of a reply, and read of it.
const MAX_REPLY: usize = 64 << 10;

/// The client of one provider; connections are kept.
pub(super) type Caller = Client<HttpConnector, Full<Bytes>>;

/// What became of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The merchant has it.
    Accepted,
    /// The provider calls again, unless this was the last time.
    Again,
    /// The merchant refused it for good.
    Refused,
    /// Nobody said where to call, or the address is no http address.
    NoAddress,
}

/// One call of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallbackAttempt {
    /// The order.
    pub reference: String,
    /// Which call of this callback it was, from 1.
    pub number: u32,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Where to.
    pub url: String,
    /// The query of a GET, the body of a POST.
    pub sent: String,
    /// The status of the reply; absent when none came.
    pub status: Option<u16>,
    /// The reply's body, at most 64 KiB.
    pub reply: String,
    /// How long it took to come, in milliseconds.
    pub took_ms: u64,
    /// What became of it.
    pub outcome: AttemptOutcome,
}

/// A callback that is to be sent.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) reference: String,
    pub(super) message: Message,
    /// Whether the browser waits for the first call's reply.
    pub(super) before_return: bool,
}

/// Something to be done outside.
pub(super) enum Errand {
    Call(Delivery),
    PayLate { reference: String, after: Duration },
    Settle { reference: String, after: Duration },
    SettleRefund { name: String, after: Duration },
}

/// Does errands: those that somebody waits for before it ends, the others beside.
pub(super) fn run<K: Kind>(
    partner: Partner<Desk<K>>,
    errands: Vec<Errand>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        for errand in errands {
            match errand {
                Errand::Call(call) if call.before_return => {
                    if attempt(&partner, &call, 1).await == AttemptOutcome::Again {
                        tokio::spawn(repeat(partner.clone(), call, 2));
                    }
                }
                Errand::Call(call) => {
                    tokio::spawn(repeat(partner.clone(), call, 1));
                }
                Errand::PayLate { reference, after } => {
                    tokio::spawn(later(partner.clone(), reference, Act::PayLate, after));
                }
                Errand::Settle { reference, after } => {
                    tokio::spawn(later(partner.clone(), reference, Act::Pay, after));
                }
                Errand::SettleRefund { name, after } => {
                    let partner = partner.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(after).await;
                        partner.settle_refund(&name);
                    });
                }
            }
        }
    })
}

async fn later<K: Kind>(partner: Partner<Desk<K>>, reference: String, act: Act, after: Duration) {
    tokio::time::sleep(after).await;
    let errands = {
        let mut inside = partner.lock();
        let settings = inside.settings.clone();
        let house = House { rules: K::RULES, settings: &settings, now_ms: clock::now_ms() };
        // Whoever was quicker with another end has it.
        let _ = perform(house, &mut inside.own.book, &reference, act, None);
        std::mem::take(&mut inside.own.book.errands)
    };
    partner.announce();
    run(partner, errands).await;
}

/// Calls until the merchant has it, or the provider has enough.
async fn repeat<K: Kind>(partner: Partner<Desk<K>>, call: Delivery, first: u32) {
    let settings = partner.settings();
    let tries = settings.callback_tries.unwrap_or(K::RULES.tries);
    let interval = Duration::from_millis(settings.callback_interval_ms.unwrap_or(K::RULES.interval_ms));
    if first == 1 {
        tokio::time::sleep(Duration::from_millis(settings.callback_delay_ms)).await;
    }
    for number in first..=tries {
        if number > 1 {
            tokio::time::sleep(interval).await;
        }
        if attempt(&partner, &call, number).await != AttemptOutcome::Again {
            return;
        }
    }
}

/// One call, on record when it ends.
async fn attempt<K: Kind>(partner: &Partner<Desk<K>>, call: &Delivery, number: u32) -> AttemptOutcome {
    let (caller, patience) = {
        let inside = partner.lock();
        (inside.own.caller.clone(), Duration::from_millis(inside.settings.callback_timeout_ms))
    };
    let at_ms = clock::now_ms();
    let (outcome, status, reply) = match request(&call.message) {
        None => (AttemptOutcome::NoAddress, None, String::new()),
        Some(request) => match tokio::time::timeout(patience, ask(&caller, request)).await {
            Ok(Some((status, body))) => {
                let outcome = match (K::RULES.verdict)(status, &body) {
                    Verdict::Accepted => AttemptOutcome::Accepted,
                    Verdict::Again => AttemptOutcome::Again,
                    Verdict::Refused => AttemptOutcome::Refused,
                };
                (outcome, Some(status), String::from_utf8_lossy(&body).into_owned())
            }
            Ok(None) | Err(_) => (AttemptOutcome::Again, None, String::new()),
        },
    };
    let record = CallbackAttempt {
        reference: call.reference.clone(),
        number,
        at_ms,
        url: call.message.url.clone().unwrap_or_default(),
        sent: call.message.content.clone(),
        status,
        reply,
        took_ms: clock::now_ms().saturating_sub(at_ms),
        outcome,
    };
    partner.lock().own.book.callbacks.push(record);
    partner.announce();
    outcome
}

fn request(message: &Message) -> Option<Request<Full<Bytes>>> {
    let url = message.url.as_deref()?;
    match message.verb {
        Verb::Get => {
            let joint = if url.contains('?') { '&' } else { '?' };
            http(Method::GET, &format!("{url}{joint}{}", message.content), None, None)
        }
        Verb::Post => http(Method::POST, url, Some(&message.content), None),
    }
}

/// A request over plain http; absent when the address is none.
pub(super) fn http(
    method: Method,
    url: &str,
    json: Option<&str>,
    authorization: Option<&str>,
) -> Option<Request<Full<Bytes>>> {
    let url: hyper::Uri = url.parse().ok().filter(|url: &hyper::Uri| url.scheme_str() == Some("http"))?;
    let mut request = Request::builder().method(method).uri(url);
    if json.is_some() {
        request = request.header(CONTENT_TYPE, "application/json; charset=utf-8");
    }
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    request.body(Full::new(Bytes::from(json.unwrap_or_default().to_owned()))).ok()
}

/// The status and body of an answer; absent when none came whole.
pub(super) async fn ask(caller: &Caller, request: Request<Full<Bytes>>) -> Option<(u16, Bytes)> {
    let response = caller.request(request).await.ok()?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MAX_REPLY).collect().await.ok()?;
    Some((status, body.to_bytes()))
}
