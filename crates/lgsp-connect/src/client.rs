//! The HTTP client that every connector and identity provider uses: a deadline, byte caps in both directions, no redirects, and a clear
//! word on whether a failed request can have reached the partner.
//!
//! It knows no protocol on top of HTTP.

mod address;
mod body;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lgsp_model::{Cause, Timestamp};
use tokio::time::timeout;

use address::GuardedResolver;
pub(crate) use address::{Reach, forbidden_literal};
use body::Tracked;

use crate::BuildError;
use crate::redact::own_cause;

/// Idle connections kept to one partner: as many as a target may have calls in flight by default, with room.
const IDLE_PER_HOST: usize = 32;

/// Below the idle time-out of common servers (60 s and more), so that they seldom close a connection under us.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that is not up by then is given up, whatever the whole deadline is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What bounds one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpLimits {
    /// From the first byte to the last of one call.
    pub total: Duration,
    /// The largest request body.
    pub request_bytes: usize,
    /// The largest response body.
    pub response_bytes: usize,
}

/// What came back.
pub(crate) struct HttpAnswer {
    pub status: StatusCode,
    pub retry_after: Option<RetryAfter>,
    pub body: Bytes,
}

/// `Retry-After` as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    In(Duration),
    At(Timestamp),
}

impl RetryAfter {
    pub(crate) fn from(self, now: Timestamp) -> Duration {
        match self {
            Self::In(duration) => duration,
            Self::At(at) => Duration::from_millis(u64::try_from(at.0 - now.0).unwrap_or(0)),
        }
    }

    fn parse(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Self::In(Duration::from_secs(seconds)));
        }
        let at = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
        Some(Self::At(Timestamp(at.as_millisecond())))
    }
}

/// Why nothing readable came back.
#[derive(Clone, Debug)]
pub(crate) enum HttpFailure {
    /// The request certainly did not reach the partner.
    NotSent(Cause),
    /// It may have.
    Unanswered(Cause),
}

/// A bounded client of one partner.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector<GuardedResolver>>, Tracked>,
    limits: HttpLimits,
}

impl Http {
    pub(crate) fn build(limits: HttpLimits, reach: Reach, needs_tls: bool) -> Result<Self, BuildError> {
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver::new(reach));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT.min(limits.total)));
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let builder = if needs_tls {
            builder
                .with_provider_and_native_roots(provider)
                .map_err(|error| BuildError::Certificates(error.to_string()))?
        } else {
            let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
                .with_safe_default_protocol_versions()
                .map_err(|error| BuildError::Certificates(error.to_string()))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build(connector);
        Ok(Self { client, limits })
    }

    /// Posts a body and reads the whole answer.
    pub(crate) async fn post(
        &self,
        uri: &Uri,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<HttpAnswer, HttpFailure> {
        if body.len() > self.limits.request_bytes {
            return Err(HttpFailure::NotSent(own_cause("too_large", "the message is larger than this partner takes")));
        }
        let started = Arc::new(AtomicBool::new(false));
        let mut request = Request::post(uri.clone())
            .body(Tracked::new(body, Arc::clone(&started)))
            .expect("a checked address makes a request");
        request.headers_mut().extend(headers.iter().cloned());
        self.send(request, started).await
    }

    /// Gets an address and reads the whole answer. Nobody needs to know whether the request reached the partner.
    pub(crate) async fn get(
        &self,
        uri: &Uri,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<HttpAnswer, HttpFailure> {
        // An empty body is never looked at, so that it cannot tell.
        let started = Arc::new(AtomicBool::new(true));
        let mut request = Request::get(uri.clone())
            .body(Tracked::empty(Arc::clone(&started)))
            .expect("a checked address makes a request");
        request.headers_mut().extend(headers.iter().cloned());
        self.send(request, started).await
    }

    async fn send(&self, request: Request<Tracked>, started: Arc<AtomicBool>) -> Result<HttpAnswer, HttpFailure> {
        match timeout(self.limits.total, self.exchange(request)).await {
            Ok(result) => result.map_err(|failed| failed.classify(started.load(Ordering::Acquire))),
            Err(_) => Err(Failed::Timeout.classify(started.load(Ordering::Acquire))),
        }
    }

    async fn exchange(&self, request: Request<Tracked>) -> Result<HttpAnswer, Failed> {
        let response = self.client.request(request).await.map_err(|error| Failed::Request(Box::new(error)))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, self.limits.response_bytes).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() { Failed::TooLarge } else { Failed::Broken }
        })?;
        Ok(HttpAnswer { status: head.status, retry_after: retry_after(&head.headers), body: body.to_bytes() })
    }
}

fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    headers.get(RETRY_AFTER).and_then(RetryAfter::parse)
}

enum Failed {
    Timeout,
    Request(Box<hyper_util::client::legacy::Error>),
    TooLarge,
    Broken,
}

impl Failed {
    /// Nothing of a request is written before its body is looked at: `started` tells whether that happened.
    fn classify(self, started: bool) -> HttpFailure {
        let (code, detail) = match &self {
            Self::Timeout if started => ("timeout", "no answer in time"),
            Self::Timeout => ("connect_timeout", "no connection in time"),
            Self::Request(error) if error.is_connect() => ("connect", "cannot connect"),
            Self::Request(_) => ("reset", "the connection broke before an answer came"),
            Self::TooLarge => ("answer_too_large", "the answer is larger than allowed"),
            Self::Broken => ("reset", "the connection broke in the middle of the answer"),
        };
        let cause = own_cause(code, detail);
        if started { HttpFailure::Unanswered(cause) } else { HttpFailure::NotSent(cause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let parse = |text: &'static str| RetryAfter::parse(&HeaderValue::from_static(text));
        assert_eq!(parse("120"), Some(RetryAfter::In(Duration::from_secs(120))));
        let at = parse("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(at.from(Timestamp(784_111_770_000)), Duration::from_secs(7));
        assert_eq!(at.from(Timestamp(784_111_800_000)), Duration::ZERO);
        assert_eq!(parse("soon"), None);
    }
}
