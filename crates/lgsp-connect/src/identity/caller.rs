//! Calls to one provider: bounded by the client below, and answered at once while the provider keeps failing.
//!
//! It tries nothing twice: a code is good for one try.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{StatusCode, Uri};
use lgsp_model::Timestamp;

use super::failure::{ProviderFailure, malformed, refused, unreachable};
use crate::BuildError;
use crate::client::{Http, HttpAnswer, HttpFailure, HttpLimits, Reach};
use crate::connector::Clock;
use crate::form;
use crate::health::Health;

/// A form with a code and a redirect address; anything larger is no login.
const REQUEST_BYTES: usize = 64 * 1024;

/// Claims and key sets have some KiB; a provider that sends more than this is not listened to.
const RESPONSE_BYTES: usize = 64 * 1024;

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

pub(super) struct Caller {
    http: Http,
    health: Health,
    clock: Clock,
}

impl Caller {
    pub(super) fn build(timeout: Duration, reach: Reach, needs_tls: bool, clock: Clock) -> Result<Self, BuildError> {
        let limits = HttpLimits { total: timeout, request_bytes: REQUEST_BYTES, response_bytes: RESPONSE_BYTES };
        Ok(Self { http: Http::build(limits, reach, needs_tls)?, health: Health::new(), clock })
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

    fn admit(&self) -> Result<(), ProviderFailure> {
        if self.health.admit(self.now()) {
            return Ok(());
        }
        Err(unreachable("failing", "the provider failed several times in a row and is left alone for now"))
    }

    fn judge(&self, result: Result<HttpAnswer, HttpFailure>) -> Result<HttpAnswer, ProviderFailure> {
        self.health.judge(result.as_ref().is_ok_and(|answer| !answer.status.is_server_error()), self.now());
        result.map_err(ProviderFailure::from)
    }
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
