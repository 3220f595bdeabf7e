//! The one place that turns results and errors into status lines, headers and bodies, for each dialect.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use lgsp_connect::{BodyFailure, ResponseBody};
use lgsp_contract::{Blame, Format, Operation};
use lgsp_model::ErrorCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::broker::{self, OAuthError};
use crate::failure::Failure;
use crate::identity::Authentication;
use crate::services::Place;
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
    /// A page for people, in Vietnamese and English.
    Page,
    /// `application/problem+xml` (RFC 9457, appendix B) or a SOAP fault.
    Xml(Format),
}

impl Dialect {
    /// The word in metric labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::National => "national",
            Self::OAuth => "oauth",
            Self::Page => "page",
            Self::Xml(Format::Xml | Format::Json) => "xml",
            Self::Xml(Format::Soap11 | Format::Soap12) => "soap",
        }
    }
}

impl From<Format> for Dialect {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            xml => Self::Xml(xml),
        }
    }
}

/// A body that is there already or comes in pieces.
pub(crate) enum AnswerBody {
    /// All of it, once.
    Full(Option<Bytes>),
    /// Pieces as they become ready; the sender's end is the body's end.
    Pieces(mpsc::Receiver<Bytes>),
    /// A partner's answer that flows through; the place among the caller's calls is given back at its end.
    Upstream(Box<ResponseBody>, Option<Arc<Place>>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => pieces.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
            Self::Upstream(body, _place) => Pin::new(body.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Pieces(_) => false,
            Self::Upstream(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces(_) => SizeHint::default(),
            Self::Upstream(body, _) => body.size_hint(),
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
        Dialect::Page => page_failure(failure, trace),
        Dialect::Xml(format) => xml_failure(failure, format, trace),
    }
}

/// The same in the words that the contract of an operation has for errors, if it has any.
pub(crate) fn in_own_words(failure: &Failure, operation: &Operation, trace: &Trace) -> Option<Answer> {
    let told = operation.problem(&described(failure, trace))?;
    let mut answer = with_body(StatusCode::from_u16(told.status).ok()?, "application/json", told.body);
    add_headers(&mut answer, failure);
    Some(answer)
}

fn problem(failure: &Failure, trace: &Trace) -> Answer {
    let body = described(failure, trace);
    let mut answer = with_body(status_of(failure), "application/problem+json", body.to_string());
    add_headers(&mut answer, failure);
    answer
}

/// The members of a problem (RFC 9457 §3.1), and those that are ours.
fn described(failure: &Failure, trace: &Trace) -> Value {
    let code = failure.code;
    let errors: Vec<_> = failure
        .findings
        .iter()
        .map(|finding| json!({"path": finding.path, "rule": finding.rule, "message": finding.message}))
        .collect();
    let mut body = json!({
        "type": format!("/errors/{}", code.slug()),
        "title": code.title(),
        "status": status_of(failure).as_u16(),
        "code": code.code(),
        "detail": failure.detail,
        "trace_id": trace.id_hex(),
        "errors": errors,
    });
    if let Some(fault) = &failure.fault {
        body["fault"] = without_nulls(json!({
            "status": fault.upstream_status, "code": fault.code, "reason": fault.reason, "detail": fault.detail
        }));
    }
    body
}

/// A JSON object without its members that are null.
pub(crate) fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|_, value| !value.is_null());
    }
    object
}

/// The same for callers who speak XML: a problem document, or a SOAP fault whose detail it is.
fn xml_failure(failure: &Failure, format: Format, trace: &Trace) -> Answer {
    let status = status_of(failure);
    let problem = lgsp_contract::Problem {
        members: described(failure, trace),
        reason_en: failure.code.title(),
        reason_vi: failure.code.advice_vi(),
        blame: failure.blame.unwrap_or(if status.is_client_error() { Blame::Sender } else { Blame::Receiver }),
    };
    let (media_type, body) = problem.write(format);
    // SOAP 1.1 answers every fault with 500 (§6.2); 1.2 tells whose fault it is by the status too.
    let status = match format {
        Format::Soap11 if !KEPT_BY_SOAP11.contains(&status.as_u16()) => StatusCode::INTERNAL_SERVER_ERROR,
        Format::Soap12 if status.is_client_error() && !KEPT_BY_SOAP11.contains(&status.as_u16()) => {
            StatusCode::BAD_REQUEST
        }
        _ => status,
    };
    let mut answer = with_body(status, media_type, body);
    add_headers(&mut answer, failure);
    answer
}

/// Statuses that mean something to HTTP itself, so that SOAP callers get them too.
const KEPT_BY_SOAP11: [u16; 8] = [401, 403, 405, 408, 413, 415, 429, 503];

fn add_headers(answer: &mut Answer, failure: &Failure) {
    let headers = answer.headers_mut();
    if let Some(after) = failure.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if let Some(allow) = &failure.allow {
        headers.insert(ALLOW, HeaderValue::from_str(allow).expect("methods are visible ASCII"));
    }
    match failure.code {
        ErrorCode::Unauthenticated if failure.level.is_some() => {
            let level = failure.level.map(|level| level.to_string()).unwrap_or_default();
            let error = "Bearer realm=\"lgsp\", error=\"insufficient_user_authentication\"";
            let challenge = HeaderValue::from_str(&format!("{error}, acr_values=\"{level}\""));
            headers.insert(WWW_AUTHENTICATE, challenge.expect("levels are visible ASCII"));
        }
        ErrorCode::Unauthenticated if failure.challenges.is_empty() => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge(Authentication::Bearer)));
        }
        ErrorCode::Unauthenticated => {
            for kind in CHALLENGES.into_iter().filter(|kind| failure.challenges.has(*kind)) {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge(kind)));
            }
            if failure.challenges.has(Authentication::Signature) {
                headers.insert(ACCEPT_SIGNATURE, HeaderValue::from_static(WANTED_SIGNATURE));
            }
        }
        ErrorCode::InsufficientScope => {
            let mut challenge = String::from("Bearer realm=\"lgsp\", error=\"insufficient_scope\"");
            if let Some(scope) = &failure.scope {
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
/// The order of challenges: many clients look at the first one only, and know tokens.
const CHALLENGES: [Authentication; 6] = [
    Authentication::Bearer,
    Authentication::Basic,
    Authentication::ApiKey,
    Authentication::LgspAccessToken,
    Authentication::Signature,
    Authentication::Mtls,
];

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
    let error = OAuthError::of(failure);
    let status = match error {
        OAuthError::InvalidClient => StatusCode::UNAUTHORIZED,
        OAuthError::TemporarilyUnavailable => status_of(failure),
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({"error": error.as_str(), "error_description": failure.detail, "trace_id": trace.id_hex()});
    let mut answer = json(status, body.to_string());
    if let Some(after) = failure.retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"lgsp\""));
    }
    answer
}

/// A page that says what went wrong and what to do; it shows nothing of what was sent.
fn page_failure(failure: &Failure, trace: &Trace) -> Answer {
    let status = status_of(failure);
    let mut answer = broker::page::error(status, failure.code.title(), failure.code.advice_vi(), failure, trace);
    add_headers(&mut answer, failure);
    answer
}

fn status_of(failure: &Failure) -> StatusCode {
    let chosen = failure.fault.as_ref().and_then(|fault| fault.status);
    StatusCode::from_u16(chosen.unwrap_or(failure.code.status())).expect("errors have statuses from 400 to 599")
}

/// The header that tells the caller the trace (W3C Trace Context level 2).
pub(crate) const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceSource;

    #[test]
    fn a_refusal_names_every_kind_of_proof_that_is_accepted() {
        let told = |kinds: &[Authentication]| {
            let answer =
                problem(&Failure::unproven("x", kinds), &TraceSource::new().of_request(&hyper::HeaderMap::new()));
            let values =
                answer.headers().get_all(WWW_AUTHENTICATE).iter().map(|value| value.to_str().unwrap().to_owned());
            (values.collect::<Vec<_>>(), answer.headers().contains_key(ACCEPT_SIGNATURE))
        };
        let (values, wants_signature) = told(&Authentication::ALL);
        assert!(values.len() == Authentication::ALL.len() && wants_signature);
        let basic = "Basic realm=\"lgsp\", charset=\"UTF-8\"".to_owned();
        assert_eq!(told(&[Authentication::Basic]), (vec![basic], false));
        assert_eq!(told(&[]).0, ["Bearer realm=\"lgsp\", error=\"invalid_token\""]);
    }
}
