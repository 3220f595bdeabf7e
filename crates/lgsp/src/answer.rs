//! The one place that turns results and errors into status lines, headers and bodies, for each dialect.

use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use lgsp_model::ErrorCode;
use serde_json::json;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::identity::Authentication;
use crate::trace::Trace;

/// An answer on its way out.
pub(crate) type Answer = Response<AnswerBody>;

/// How an error is written: by the language that the caller speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `application/problem+json` (RFC 9457).
    Json,
    /// HTTP 200 with `error_code` and a Vietnamese sentence.
    National,
    /// RFC 6749 §5.2.
    OAuth,
}

impl Dialect {
    /// The word in metric labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::National => "national",
            Self::OAuth => "oauth",
        }
    }
}

/// A body that is there already or comes in pieces.
pub(crate) enum AnswerBody {
    /// All of it, once.
    Full(Option<Bytes>),
    /// Pieces as they become ready; the sender's end is the body's end.
    Pieces(mpsc::Receiver<Bytes>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => pieces.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

/// An answer with this status, type and body.
pub(crate) fn with_body(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body: Bytes = body.into();
    let mut answer = Response::new(AnswerBody::Full((!body.is_empty()).then_some(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    with_body(status, "application/json", body)
}

/// An NDJSON answer whose lines come through the receiver.
pub(crate) fn ndjson_pieces(pieces: mpsc::Receiver<Bytes>) -> Answer {
    let mut answer = Response::new(AnswerBody::Pieces(pieces));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    answer
}

/// The answer to a failed request, in the caller's dialect.
pub(crate) fn failure(failure: &Failure, dialect: Dialect, trace: &Trace) -> Answer {
    match dialect {
        Dialect::Json => problem(failure, trace),
        Dialect::National => national_failure(failure),
        Dialect::OAuth => oauth_failure(failure, trace),
    }
}

fn problem(failure: &Failure, trace: &Trace) -> Answer {
    let code = failure.code;
    let errors: Vec<_> = failure
        .findings
        .iter()
        .map(|finding| json!({"path": finding.path, "rule": finding.rule, "message": finding.message}))
        .collect();
    let body = json!({
        "type": format!("/errors/{}", code.slug()),
        "title": code.title(),
        "status": code.status(),
        "code": code.code(),
        "detail": failure.detail,
        "trace_id": trace.id_hex(),
        "errors": errors,
    });
    let mut answer = with_body(status_of(code), "application/problem+json", body.to_string());
    add_headers(&mut answer, failure);
    answer
}

fn add_headers(answer: &mut Answer, failure: &Failure) {
    let headers = answer.headers_mut();
    if let Some(after) = failure.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if let Some(allow) = failure.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    match failure.code {
        ErrorCode::Unauthenticated if failure.challenges.is_empty() => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge(Authentication::Bearer)));
        }
        ErrorCode::Unauthenticated => {
            for kind in &failure.challenges {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge(*kind)));
            }
            if failure.challenges.contains(&Authentication::Signature) {
                headers.insert(ACCEPT_SIGNATURE, HeaderValue::from_static(WANTED_SIGNATURE));
            }
        }
        ErrorCode::InsufficientScope => {
            let mut challenge = String::from("Bearer realm=\"lgsp\", error=\"insufficient_scope\"");
            if let Some(scope) = failure.scope {
                let _ = write!(challenge, ", scope=\"{scope}\"");
            }
            let challenge = HeaderValue::from_str(&challenge).expect("scopes are visible ASCII");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        ErrorCode::MalformedRequest | ErrorCode::RequestTimeout | ErrorCode::Draining => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
}

/// What asks for a kind of proof. Bearer and Basic are registered schemes; a 401 has to have a challenge, so the others
/// are named too.
const fn challenge(kind: Authentication) -> &'static str {
    match kind {
        Authentication::Bearer => "Bearer realm=\"lgsp\", error=\"invalid_token\"",
        Authentication::Basic => "Basic realm=\"lgsp\", charset=\"UTF-8\"",
        Authentication::Mtls => "ClientCertificate realm=\"lgsp\"",
        Authentication::ApiKey => "ApiKey realm=\"lgsp\", header=\"X-API-Key\"",
        Authentication::Signature => "Signature realm=\"lgsp\"",
        Authentication::LgspAccessToken => "LgspAccessToken realm=\"lgsp\", header=\"lgspaccesstoken\"",
    }
}

/// RFC 9421 §5.1.
const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");
const WANTED_SIGNATURE: &str =
    "sig=(\"@method\" \"@target-uri\" \"content-digest\" \"content-type\");created;expires;keyid;nonce";

/// The dialect of systems written for the portal's adapter: always HTTP 200, and `error_code` is a string.
fn national_failure(failure: &Failure) -> Answer {
    let mut message = failure.code.advice_vi().to_owned();
    for finding in failure.findings.iter().take(NATIONAL_FINDINGS) {
        let _ = write!(message, " {}: {}.", finding.path, finding.message.trim_end_matches('.'));
    }
    json(StatusCode::OK, json!({"error_code": failure.code.number(), "message": message}).to_string())
}

/// How many findings the one sentence of the national dialect carries.
const NATIONAL_FINDINGS: usize = 3;

fn oauth_failure(failure: &Failure, trace: &Trace) -> Answer {
    let (status, error) = match failure.code {
        ErrorCode::BadCredentials => (StatusCode::UNAUTHORIZED, "invalid_client"),
        ErrorCode::InsufficientScope => (StatusCode::BAD_REQUEST, "invalid_scope"),
        ErrorCode::UnknownService => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        code if code.status() < 500 && code.status() != 429 => (StatusCode::BAD_REQUEST, "invalid_request"),
        code => (status_of(code), "temporarily_unavailable"),
    };
    let body = json!({"error": error, "error_description": failure.detail, "trace_id": trace.id_hex()});
    let mut answer = json(status, body.to_string());
    if let Some(after) = failure.retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"lgsp\""));
    }
    answer
}

fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).expect("the table of codes holds statuses from 400 to 599")
}

/// The header that tells the caller the trace (W3C Trace Context level 2).
pub(crate) const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
