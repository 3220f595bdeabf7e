//! Passes a call on to its upstream and the answer back: whole messages that are checked and mapped, and streams that
//! nobody needs to read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, IF_RANGE, RANGE,
    UPGRADE,
};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Response, StatusCode, Uri, Version};
use lgsp_connect::{BodyFailure, CallFailure, CallOptions, FailureKind, Repeatable, ResponseBody, Sent, UpstreamBody};
use lgsp_contract::{Format, MapContext, UpstreamAnswer, UpstreamCall};
use lgsp_model::ErrorCode;

use super::admission::Place;
use super::call::{Call, Whole, below};
use super::context::Facts;
use super::headers::{self, Origin};
use super::refusal::failure_of;
use super::running::Running;
use crate::answer::{Answer, AnswerBody};
use crate::failure::Failure;
use crate::request::Accepted;
use crate::server::BodyReader;

/// A body up to this size is read before it is passed on, so that a slow caller does not keep an upstream busy and the
/// call can be repeated on another server.
const BUFFERED: u64 = 16 * 1024;

/// The longest that a streamed body may take altogether; between its pieces the upstream's own bounds apply.
const LONGEST_STREAM: Duration = Duration::from_secs(24 * 3600);

/// Passes on what the contract made of a request.
pub(super) async fn whole(
    call: &Call<'_>,
    whole: Whole,
    made: UpstreamCall,
    context: &MapContext<'_>,
) -> Result<Answer, Failure> {
    let Whole { parts, from, secure, .. } = whole;
    let repeatable = repeatable(call, &parts);
    let mut parts = outgoing(call, parts, from, secure, false)?;
    let read_here = !call.operation.passes_answers(made.caller);
    if read_here {
        // What is read here must come whole and plain.
        for name in [ACCEPT_ENCODING, RANGE, IF_RANGE] {
            parts.headers.remove(name);
        }
    }
    apply(call.running.passed_headers(), &mut parts, &made)?;
    let answer = send(call, parts, made.body.clone(), How { repeatable, read_here }).await?;
    convert(call, made.caller, answer, context).await
}

/// Passes a whole request on as it is.
pub(super) async fn whole_unread(
    call: &Call<'_>,
    whole: Whole,
    parameters: &[(String, String)],
) -> Result<Answer, Failure> {
    let Whole { parts, from, secure, body } = whole;
    let repeatable = repeatable(call, &parts);
    let target = passed_target(call, &parts, parameters)?;
    let mut parts = outgoing(call, parts, from, secure, false)?;
    parts.uri = target.unwrap_or(parts.uri);
    let answer = send(call, parts, body, How { repeatable, read_here: false }).await?;
    Ok(pass_back(answer, None))
}

/// Where a call goes whose body nobody reads, when the contract says it.
fn passed_target(call: &Call<'_>, parts: &Parts, parameters: &[(String, String)]) -> Result<Option<Uri>, Failure> {
    if !call.operation.has_own_path() {
        return Ok(None);
    }
    let facts = Facts::of(call, parts, parameters);
    let below = below(call.service, parts.uri.path());
    let path = call.operation.passed_path(below, &facts.context(call)).map_err(failure_of)?;
    path.as_deref().map(uri).transpose()
}

/// Passes a request on whose body nobody reads here.
pub(super) async fn stream(
    call: &Call<'_>,
    request: Accepted,
    parameters: &[(String, String)],
    place: Arc<Place>,
) -> Result<Answer, Failure> {
    let Accepted { parts, body, peer, snapshot, .. } = request;
    let small = body.size_hint().exact().is_some_and(|size| size <= BUFFERED);
    let (from, secure) = (peer.address, peer.tls.is_some());
    if wants_web_socket(&parts) {
        return Box::pin(super::upgrade::pass(call, parts, &peer, place)).await;
    }
    let repeatable = repeatable(call, &parts);
    let target = passed_target(call, &parts, parameters)?;
    if small {
        let bytes = if body.is_end_stream() {
            Bytes::new()
        } else {
            BodyReader::plain(body, &snapshot.config.limits).read_whole().await?
        };
        let mut parts = outgoing(call, parts, from, secure, false)?;
        parts.uri = target.unwrap_or(parts.uri);
        let answer = send(call, parts, bytes, How { repeatable, read_here: false }).await?;
        return Ok(pass_back(answer, Some(place)));
    }
    let mut parts = outgoing(call, parts, from, secure, false)?;
    parts.uri = target.unwrap_or(parts.uri);
    let body = body.map_err(|error| -> Box<dyn std::error::Error + Send + Sync> { Box::new(error) });
    let how = CallOptions {
        deadline: (Instant::now() + LONGEST_STREAM).into(),
        repeatable: Repeatable::Never,
        upgrade: false,
        end: None,
    };
    let answer = try_once(call, parts, UpstreamBody::Stream(Box::pin(body)), how).await?;
    Ok(pass_back(answer, Some(place)))
}

/// Only WebSockets pass: another protocol, above all HTTP/2 in clear, would carry requests that nobody checks.
fn wants_web_socket(parts: &Parts) -> bool {
    let wanted = parts.headers.get(UPGRADE);
    parts.version == Version::HTTP_11
        && wanted.is_some_and(|wanted| wanted.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether a call may be made twice: it changes nothing, or its caller says how a repeat is recognised.
fn repeatable(call: &Call<'_>, parts: &Parts) -> Repeatable {
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    let keyed = parts.headers.contains_key(IDEMPOTENCY_KEY);
    if safe || keyed || call.operation.is_idempotent() { Repeatable::Always } else { Repeatable::IfUnsent }
}

/// The head of a request as it goes on: hop-by-hop headers gone, who asked made anew, the path below the service.
pub(super) fn outgoing(
    call: &Call<'_>,
    mut parts: Box<Parts>,
    from: std::net::IpAddr,
    secure: bool,
    keep_upgrade: bool,
) -> Result<Box<Parts>, Failure> {
    let host = match parts.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => parts.headers.get(HOST).cloned(),
    };
    let origin = Origin { address: from, secure, host };
    let accepted = &call.service.exposed().authentication;
    headers::to_upstream(&mut parts.headers, &origin, accepted, call.trace.header(), keep_upgrade);
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    parts.uri = uri(below(call.service, target))?;
    Ok(parts)
}

pub(super) fn uri(target: &str) -> Result<Uri, Failure> {
    // The service's own address and nothing below it.
    let whole = if target.starts_with('/') { None } else { Some(format!("/{target}")) };
    let target = PathAndQuery::try_from(whole.as_deref().unwrap_or(target));
    target.map(Uri::from).map_err(|_| Failure::new(ErrorCode::BadParameter, "the path or query cannot be passed on"))
}

/// Puts what the contract made into the head of a request.
pub(super) fn apply(passed: &[String], parts: &mut Parts, made: &UpstreamCall) -> Result<(), Failure> {
    if let Some(method) = &made.method {
        parts.method = method.parse().map_err(|_| Failure::new(ErrorCode::Internal, "the contract's method"))?;
    }
    if let Some(path) = &made.path {
        parts.uri = uri(path)?;
    }
    if let Some(content_type) = &made.content_type {
        keep_only(&mut parts.headers, passed);
        parts.headers.insert(CONTENT_TYPE, header(content_type)?);
        parts.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    }
    if made.body.is_empty() {
        parts.headers.remove(CONTENT_TYPE);
    }
    for (name, value) in &made.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let name = name.map_err(|_| Failure::new(ErrorCode::Internal, "the contract's map made a bad header"))?;
        parts.headers.insert(name, header(value)?);
    }
    Ok(())
}

fn header(value: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(value).map_err(|_| Failure::new(ErrorCode::BadParameter, "a header cannot be passed on"))
}

/// Headers that describe a body in another form, or ask for things that a conversion would break, stay here.
fn keep_only(headers: &mut HeaderMap, passed: &[String]) {
    const ALWAYS: [&str; 8] = [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "via",
        "traceparent",
        "accept-language",
        "idempotency-key",
    ];
    let kept = |name: &str| ALWAYS.contains(&name) || passed.iter().any(|passed| passed == name);
    let gone: Vec<_> = headers.keys().filter(|name| !kept(name.as_str())).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
}

/// How a request is sent whose body is at hand.
struct How {
    repeatable: Repeatable,
    /// The answer is read whole before anything of it goes to the caller, so its end has to come in time too.
    read_here: bool,
}

/// Sends a request whose body is at hand; a token that the partner refuses is renewed once.
async fn send(call: &Call<'_>, parts: Box<Parts>, body: Bytes, how: How) -> Result<Response<ResponseBody>, Failure> {
    let timeout = call.operation.timeout().unwrap_or(call.running.timeout);
    let deadline = (Instant::now() + timeout).into();
    let How { repeatable, read_here } = how;
    let how = CallOptions { deadline, repeatable, upgrade: false, end: read_here.then_some(deadline) };
    exchange(call.running, parts, body, how).await.map_err(|nothing| match nothing {
        NoAnswer::Failed(failure) => *failure,
        NoAnswer::Broken(failure) => unanswered(call, &failure),
    })
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// Nothing was sent: there is no upstream here, or nothing that proves who this gateway is.
    Failed(Box<Failure>),
    /// The call.
    Broken(CallFailure),
}

impl From<Failure> for NoAnswer {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// One call with what proves who this gateway is.
pub(super) async fn exchange(
    running: &Running,
    mut parts: Box<Parts>,
    body: Bytes,
    how: CallOptions,
) -> Result<Response<ResponseBody>, NoAnswer> {
    let upstream = running.upstream()?;
    let again = running.pass.is_renewable().then(|| (parts.clone(), body.clone()));
    running.sign(&mut parts.headers, None).await?;
    let used = running.pass.renewable(&parts.headers);
    let answer = upstream.call(*parts, UpstreamBody::Whole(body), how).await.map_err(NoAnswer::Broken)?;
    let (Some((mut parts, body)), StatusCode::UNAUTHORIZED) = (again, answer.status()) else { return Ok(answer) };
    drop(answer);
    running.sign(&mut parts.headers, used.as_ref()).await?;
    upstream.call(*parts, UpstreamBody::Whole(body), how).await.map_err(NoAnswer::Broken)
}

pub(super) async fn try_once(
    call: &Call<'_>,
    mut parts: Box<Parts>,
    body: UpstreamBody,
    how: CallOptions,
) -> Result<Response<ResponseBody>, Failure> {
    call.running.sign(&mut parts.headers, None).await?;
    call.running.upstream()?.call(*parts, body, how).await.map_err(|failure| unanswered(call, &failure))
}

/// What a caller is told when there is no answer.
fn unanswered(call: &Call<'_>, failure: &CallFailure) -> Failure {
    tracing::warn!(
        trace_id = %call.trace.id_hex(), service = call.service.id(), operation = call.operation.name(),
        cause = %failure, sent = ?failure.sent, "upstream did not answer"
    );
    let effect = match failure.sent {
        Sent::No => "it was not asked",
        Sent::Maybe => "it may have acted on the call: look before you repeat one that changes something",
    };
    let (code, what) = match failure.kind {
        FailureKind::Refused => {
            (ErrorCode::UpstreamUnreachable, "the partner has failed repeatedly and is left alone for a while")
        }
        FailureKind::Full => (ErrorCode::Overloaded, "too many calls to the partner are running"),
        FailureKind::TimedOut => (ErrorCode::UpstreamTimeout, "the partner did not answer in time"),
        FailureKind::CallerBody => (ErrorCode::MalformedRequest, "the body broke off"),
        FailureKind::Unreachable | FailureKind::Unsent => {
            (ErrorCode::UpstreamUnreachable, "the partner cannot be reached")
        }
        FailureKind::Broken => (ErrorCode::UpstreamUnreachable, "the partner broke off the connection"),
        FailureKind::BadAnswer => (ErrorCode::UpstreamBroken, "the partner's answer is no HTTP"),
    };
    let told = Failure::new(code, format!("{what}; {effect}"));
    Failure { retry_after: failure.retry_after, ..told }
}

/// An answer that flows through as it comes. `place` is given back when its last piece has passed.
pub(super) fn pass_back(answer: Response<ResponseBody>, place: Option<Arc<Place>>) -> Answer {
    let (mut parts, body) = answer.into_parts();
    headers::strip_connection(&mut parts.headers, false);
    parts.version = Version::HTTP_11;
    Response::from_parts(parts, AnswerBody::Upstream(Box::new(body), place))
}

/// Reads, checks and maps an answer.
async fn convert(
    call: &Call<'_>,
    caller: Format,
    answer: Response<ResponseBody>,
    context: &MapContext<'_>,
) -> Result<Answer, Failure> {
    if call.operation.passes_answers(caller) {
        return Ok(pass_back(answer, None));
    }
    let most = call.service.exposed().limits.answer.as_usize();
    let (mut parts, body) = answer.into_parts();
    headers::strip_connection(&mut parts.headers, false);
    let read = Limited::new(body, most).collect().await.map_err(|error| unreadable(call, error.as_ref(), most))?;
    let body = read.to_bytes();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let context = MapContext { status: Some(parts.status.as_u16()), ..*context };
    let came = UpstreamAnswer { status: parts.status.as_u16(), content_type: content_type.as_deref(), body: &body };
    let made = call.operation.response(caller, &came, &context).map_err(|refusal| {
        let failure = failure_of(refusal);
        let rules: Vec<&str> = failure.findings.iter().map(|finding| finding.rule.as_str()).collect();
        tracing::warn!(
            trace_id = %call.trace.id_hex(), service = call.service.id(), operation = call.operation.name(),
            status = parts.status.as_u16(), code = failure.code.code(), rules = %rules.join(" "), "answer not passed on"
        );
        failure
    })?;
    call.observe("response", &made.observed);
    parts.status = StatusCode::from_u16(made.status).unwrap_or(parts.status);
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(content_type) = &made.content_type {
        parts.headers = converted_headers(&parts.headers);
        parts.headers.insert(CONTENT_TYPE, header(content_type)?);
    }
    parts.version = Version::HTTP_11;
    Ok(Response::from_parts(parts, AnswerBody::Full((!made.body.is_empty()).then_some(made.body))))
}

/// Headers of an answer that still hold when its body was converted.
fn converted_headers(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in ["date", "retry-after", "cache-control", "content-language"] {
        if let Some(value) = headers.get(name) {
            kept.insert(name, value.clone());
        }
    }
    kept
}

fn unreadable(call: &Call<'_>, error: &(dyn std::error::Error + 'static), most: usize) -> Failure {
    if error.is::<http_body_util::LengthLimitError>() {
        let detail = format!("the partner's answer is longer than {most} bytes");
        return Failure::new(ErrorCode::UpstreamBroken, detail);
    }
    tracing::warn!(trace_id = %call.trace.id_hex(), service = call.service.id(), cause = %error, "answer broke off");
    let late = matches!(error.downcast_ref(), Some(BodyFailure::Late | BodyFailure::Silent));
    let code = if late { ErrorCode::UpstreamTimeout } else { ErrorCode::UpstreamUnreachable };
    Failure::new(code, format!("{error}; the partner may have acted on the call"))
}
