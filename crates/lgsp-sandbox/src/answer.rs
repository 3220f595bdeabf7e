//! A partner's answer before it is sent, and the sending: late, spoilt or swallowed as the faults say.
//!
//! It does not decide which faults strike.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use crate::faults::{After, Before, Spoil, Struck};
use crate::scripted::{Body, Cut, Scripted, Step};

/// How long an unanswered connection is held open, at most.
const MAX_SILENCE: Duration = Duration::from_secs(600);
/// Spaces that follow an answer that is to be too large, in pieces.
const SPACES: &[u8] = &[b' '; 16 << 10];

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";

/// What is to be sent.
pub(crate) struct Answer {
    status: StatusCode,
    /// Boxed, so that a refusal stays a small error.
    headers: Box<HeaderMap>,
    body: Content,
}

enum Content {
    Whole(Bytes),
    Scripted(Scripted),
}

impl Answer {
    pub(crate) fn of(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers: Box::new(headers), body: Content::Whole(body.into()) }
    }

    pub(crate) fn text(status: StatusCode, body: &'static str) -> Self {
        Self::of(status, TEXT, Bytes::from_static(body.as_bytes()))
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::of(status, JSON, body.to_string())
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(crate) fn scripted(status: StatusCode, content_type: &'static str, body: Scripted) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers: Box::new(headers), body: Content::Scripted(body) }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = match self.body {
            Content::Whole(bytes) => Full::new(bytes).map_err(Cut::from).boxed_unsync(),
            Content::Scripted(body) => body.boxed_unsync(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        response
    }

    fn spoilt(mut self, spoil: Spoil) -> Self {
        self.body = match (spoil, self.body) {
            (Spoil::ContentType, body) => {
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PAGE));
                body
            }
            (Spoil::Malformed, Content::Whole(bytes)) => Content::Whole(bytes.slice(..bytes.len() / 2)),
            (Spoil::Oversize { bytes }, Content::Whole(whole)) => {
                let missing = bytes.saturating_sub(whole.len() as u64);
                let announced = whole.len() as u64 + missing;
                let steps = std::iter::once(whole).chain(spaces(missing)).map(Step::Data);
                Content::Scripted(Scripted::new(steps).announcing(announced))
            }
            // What is generated has no form that could be hurt.
            (Spoil::Malformed | Spoil::Oversize { .. }, body @ Content::Scripted(_)) => body,
        };
        self
    }
}

fn spaces(count: u64) -> impl Iterator<Item = Bytes> + Send {
    let mut left = count;
    std::iter::from_fn(move || {
        let take = left.min(SPACES.len() as u64);
        left -= take;
        (take > 0).then(|| Bytes::from_static(&SPACES[..take as usize]))
    })
}

/// Sends the answer or commits the faults in its place. The answer is absent when a fault struck before the call took
/// effect.
pub(crate) async fn deliver(answer: Option<Answer>, struck: &Struck, delay_ms: u64) -> Result<Response<Body>, Cut> {
    let wait = Duration::from_millis(delay_ms.max(struck.delay_ms));
    if !wait.is_zero() {
        tokio::time::sleep(wait.min(MAX_SILENCE)).await;
    }
    match (struck.before, struck.after) {
        (Some(before), _) => return refusal(before).map(Answer::into_response),
        (None, Some(After::Reset)) => return Err(Cut),
        (None, Some(After::Silence { hold_ms })) => {
            tokio::time::sleep(Duration::from_millis(hold_ms).min(MAX_SILENCE)).await;
            return Err(Cut);
        }
        (None, None) => {}
    }
    let answer = answer.expect("only a fault before the call leaves no answer");
    Ok(match struck.spoil {
        Some(spoil) => answer.spoilt(spoil).into_response(),
        None => answer.into_response(),
    })
}

fn refusal(before: Before) -> Result<Answer, Cut> {
    Ok(match before {
        Before::Reset => return Err(Cut),
        Before::BadGateway => Answer::text(StatusCode::BAD_GATEWAY, "<html>502 Bad Gateway</html>\n"),
        Before::ServerError => {
            let page: &[u8] = b"<html><body><h1>500 Internal Server Error</h1></body></html>\n";
            Answer::of(StatusCode::INTERNAL_SERVER_ERROR, PAGE, Bytes::from_static(page))
        }
        Before::Unavailable { retry_after_s } => {
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, "the service is being maintained\n")
                .with(RETRY_AFTER, HeaderValue::from(retry_after_s))
        }
    })
}
