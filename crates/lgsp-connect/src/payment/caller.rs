//! Calls to one payment provider: bounded, answered at once while the provider keeps failing, and with a clear word on whether money
//! can have been touched.
//!
//! It tries nothing twice.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{StatusCode, Uri};
use lgsp_model::{Cause, Timestamp};

use super::members::Members;
use super::provider::PayFailure;
use crate::BuildError;
use crate::client::{Http, HttpAnswer, HttpFailure, HttpLimits};
use crate::connector::Clock;
use crate::form;
use crate::health::Health;
use crate::place::Place;
use crate::redact::own_cause;

/// An order with its bill has some KiB.
const REQUEST_BYTES: usize = 64 * 1024;

/// An answer has some KiB; a provider that sends more than this is not listened to.
const RESPONSE_BYTES: usize = 256 * 1024;

/// A citizen waits while an order is opened; a provider that says how long a client has to wait says so in its own file.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a call may do at the provider, and so what it means when nobody knows how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It may open an order or move money: it must be asked about.
    Changes,
    /// It only asks: it is made again.
    Asks,
}

impl Call {
    /// The call left, and what it did cannot be said.
    pub(super) fn lost(self, cause: Cause) -> PayFailure {
        match self {
            Self::Changes => PayFailure::Unknown(cause),
            Self::Asks => PayFailure::Deferred(cause),
        }
    }
}

/// What is sent.
pub(super) enum Message<'a> {
    Json(String),
    /// Names are ours and need no escape.
    Form(&'a [(&'a str, &'a str)]),
    /// A form that is written already, and is not empty.
    Encoded(String),
    /// Everything stands in the address: a GET.
    Nothing,
}

/// An answer that was read to its end.
pub(super) struct Answered {
    pub call: Call,
    pub status: StatusCode,
    pub body: Bytes,
}

impl Answered {
    /// The answer as a JSON object, whatever its status: providers say what is wrong in the body.
    pub(super) fn members(&self) -> Result<Members<'_>, PayFailure> {
        Members::read(&self.body).ok_or_else(|| self.unreadable())
    }

    /// It says nothing that could be believed.
    pub(super) fn unreadable(&self) -> PayFailure {
        if self.status == StatusCode::OK {
            return PayFailure::Unknown(own_cause("answer_malformed", "the provider's answer cannot be read"));
        }
        self.call.lost(by_status(self.status))
    }
}

/// The answer is not signed by the provider: nothing in it counts, and the call may have had its effect.
pub(super) fn unsigned() -> PayFailure {
    PayFailure::Unknown(own_cause(
        "answer_signature",
        "the provider's answer is not signed with the key in the settings",
    ))
}

/// The answer is about something else than what was asked.
pub(super) fn of_another() -> PayFailure {
    PayFailure::Unknown(own_cause("answer_reference", "the provider's answer is about another order"))
}

pub(super) struct Caller {
    http: Http,
    health: Health,
    clock: Clock,
}

impl Caller {
    pub(super) fn build(place: &Place, clock: Clock) -> Result<Self, BuildError> {
        Self::build_for(place, clock, RESPONSE_BYTES)
    }

    /// One that reads answers of so many bytes.
    pub(super) fn build_for(place: &Place, clock: Clock, response_bytes: usize) -> Result<Self, BuildError> {
        let limits = HttpLimits { total: place.timeout, request_bytes: REQUEST_BYTES, response_bytes };
        let http = Http::build(limits, place.rule.reach, place.needs_tls())?;
        Ok(Self { http, health: Health::new(), clock })
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The answer, unless the provider is out of order.
    pub(super) async fn post(&self, call: Call, uri: &Uri, message: Message<'_>) -> Result<Answered, PayFailure> {
        self.send(call, uri, message, &[]).await
    }

    /// The same, with headers of its own.
    pub(super) async fn send(
        &self,
        call: Call,
        uri: &Uri,
        message: Message<'_>,
        more: &[(HeaderName, HeaderValue)],
    ) -> Result<Answered, PayFailure> {
        if !self.health.admit(self.now()) {
            let detail = "the provider failed several times in a row and is left alone for now";
            return Err(PayFailure::Deferred(own_cause("failing", detail)));
        }
        let urlencoded = "application/x-www-form-urlencoded";
        let sent = match message {
            Message::Json(text) => Some(("application/json; charset=UTF-8", text)),
            Message::Form(fields) => Some((urlencoded, form::pairs(fields))),
            Message::Encoded(text) => Some((urlencoded, text)),
            Message::Nothing => None,
        };
        let mut headers = vec![(USER_AGENT, HeaderValue::from_static("lgsp"))];
        if !more.iter().any(|(name, _)| *name == ACCEPT) {
            headers.push((ACCEPT, HeaderValue::from_static("application/json")));
        }
        headers.extend(more.iter().cloned());
        let result = match sent {
            Some((kind, body)) => {
                headers.push((CONTENT_TYPE, HeaderValue::from_static(kind)));
                self.http.post(uri, &headers, body.into()).await
            }
            None => self.http.get(uri, &headers).await,
        };
        self.health.judge(result.as_ref().is_ok_and(|answer| !answer.status.is_server_error()), self.now());
        judged(call, result)
    }
}

fn judged(call: Call, result: Result<HttpAnswer, HttpFailure>) -> Result<Answered, PayFailure> {
    let answer = result.map_err(|failure| match failure {
        HttpFailure::NotSent(cause) => PayFailure::Deferred(cause),
        HttpFailure::Unanswered(cause) => call.lost(cause),
    })?;
    let (status, body) = (answer.status, answer.body);
    match status {
        // It was counted and not looked at.
        StatusCode::TOO_MANY_REQUESTS => Err(PayFailure::Deferred(by_status(status))),
        _ if status.is_server_error() || status.is_redirection() => Err(call.lost(by_status(status))),
        _ => Ok(Answered { call, status, body }),
    }
}

fn by_status(status: StatusCode) -> Cause {
    own_cause(format!("http_{}", status.as_u16()), "the provider answered with an error")
}
