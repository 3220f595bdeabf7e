//! Calls to one provider: bounded by the client below, and answered at once while the provider keeps failing.
//!
//! It tries nothing twice: a code is good for one try.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{StatusCode, Uri};
use lgsp_model::Timestamp;

use super::failure::{ProviderFailure, malformed, refused, unreachable};
use super::form;
use crate::BuildError;
use crate::client::{Http, HttpAnswer, HttpFailure, HttpLimits, Reach};
use crate::connector::Clock;

/// A form with a code and a redirect address; anything larger is no login.
const REQUEST_BYTES: usize = 64 * 1024;

/// Claims and key sets have some KiB; a provider that sends more than this is not listened to.
const RESPONSE_BYTES: usize = 64 * 1024;

/// So many failures in a row, and the provider is left alone for a while.
const FAILURES_IN_A_ROW: u32 = 5;

/// How long it is left alone; then one call tries.
const PAUSE: Duration = Duration::from_secs(5);

/// Which call it is, for the codes of failures.
#[derive(Clone, Copy)]
pub(super) enum What {
    Discovery,
    Keys,
    Token,
    UserInfo,
    Ticket,
}

impl What {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Keys => "jwks",
            Self::Token => "token",
            Self::UserInfo => "userinfo",
            Self::Ticket => "ticket",
        }
    }
}

/// How a call shows who makes it.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    Nothing,
    Basic(&'a str, &'a str),
    Bearer(&'a str),
}

/// A run of failures, and until when nothing is tried because of it.
struct Health {
    failures: u32,
    retry_at: Timestamp,
}

pub(super) struct Caller {
    http: Http,
    health: Mutex<Health>,
    clock: Clock,
}

impl Caller {
    pub(super) fn build(timeout: Duration, reach: Reach, needs_tls: bool, clock: Clock) -> Result<Self, BuildError> {
        let limits = HttpLimits { total: timeout, request_bytes: REQUEST_BYTES, response_bytes: RESPONSE_BYTES };
        let health = Mutex::new(Health { failures: 0, retry_at: Timestamp(0) });
        Ok(Self { http: Http::build(limits, reach, needs_tls)?, health, clock })
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn clock(&self) -> Clock {
        Arc::clone(&self.clock)
    }

    /// The body of a successful answer.
    pub(super) async fn get(&self, what: What, uri: &Uri, shown: Shown<'_>) -> Result<Bytes, ProviderFailure> {
        let headers = headers(what, shown)?;
        self.admit()?;
        successful(what, self.judge(self.http.get(uri, &headers).await)?)
    }

    /// Whatever answer a form got.
    pub(super) async fn post(
        &self,
        what: What,
        uri: &Uri,
        fields: &[(&str, &str)],
        shown: Shown<'_>,
    ) -> Result<HttpAnswer, ProviderFailure> {
        let mut headers = headers(what, shown)?;
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
        self.admit()?;
        self.judge(self.http.post(uri, &headers, form::pairs(fields).into()).await)
    }

    /// While the provider keeps failing, one call in a pause may try.
    fn admit(&self) -> Result<(), ProviderFailure> {
        let now = self.now();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if health.failures < FAILURES_IN_A_ROW {
            return Ok(());
        }
        let wait = health.retry_at.0 - now.0;
        if (1..=millis(PAUSE)).contains(&wait) {
            return Err(unreachable("failing", "the provider failed several times in a row and is left alone for now"));
        }
        health.retry_at = now.plus_millis(millis(PAUSE));
        Ok(())
    }

    fn judge(&self, result: Result<HttpAnswer, HttpFailure>) -> Result<HttpAnswer, ProviderFailure> {
        let works = result.as_ref().is_ok_and(|answer| !answer.status.is_server_error());
        let now = self.now();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if works {
            health.failures = 0;
        } else {
            health.failures = health.failures.saturating_add(1);
            health.retry_at = now.plus_millis(millis(PAUSE));
        }
        result.map_err(ProviderFailure::from)
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The body of an answer that is a success; a redirect is none and is not followed.
pub(super) fn successful(what: What, answer: HttpAnswer) -> Result<Bytes, ProviderFailure> {
    if answer.status == StatusCode::OK {
        return Ok(answer.body);
    }
    let code = format!("{}_http_{}", what.as_str(), answer.status.as_u16());
    Err(refused(code, "the provider answered with an error"))
}

fn headers(what: What, shown: Shown<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, ProviderFailure> {
    let accept = if matches!(what, What::Ticket) { "application/xml, text/xml" } else { "application/json" };
    let mut headers = vec![(ACCEPT, HeaderValue::from_static(accept)), (USER_AGENT, HeaderValue::from_static("lgsp"))];
    let text = match shown {
        Shown::Nothing => return Ok(headers),
        // RFC 6749, 2.3.1: both parts are encoded as in a form first.
        Shown::Basic(id, secret) => {
            format!("Basic {}", STANDARD.encode(format!("{}:{}", form::encoded(id), form::encoded(secret))))
        }
        Shown::Bearer(token) => format!("Bearer {token}"),
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| malformed("access_token", "the provider's access token cannot stand in a header"))?;
    value.set_sensitive(true);
    headers.push((AUTHORIZATION, value));
    Ok(headers)
}
