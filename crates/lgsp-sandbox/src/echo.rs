//! An upstream for tests of proxies: says what arrived, and answers slowly, in halves, without end, with trailers, as
//! events, as a WebSocket, in ranges, compressed.
//!
//! No body is ever held: uploads are counted and digested as they come, downloads are generated.

mod body;
mod replies;
mod websocket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::access::{Access, invalid_credentials, token};
use crate::answer::{self, Answer};
use crate::call::{Call, Query};
use crate::partner::{Inspect, Journal, Partner, Peer};
use crate::scripted::{Body, Cut, Ending};
use body::Arrived;

/// Requests that are remembered; with headers of some KB each they take a few MB.
const MAX_SEEN: usize = 1000;
/// How long the echo waits at most before it answers.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// A token request.
const MAX_FORM: u64 = 64 << 10;

/// How the echo behaves when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EchoSettings {
    /// Who gets tokens for `guarded`.
    pub access: Access,
    /// Whether `health` answers 200 instead of 503.
    pub healthy: bool,
    /// A name that its answers carry, to tell several upstreams apart.
    pub name: String,
}

impl Default for EchoSettings {
    fn default() -> Self {
        Self { access: Access::default(), healthy: true, name: "echo".into() }
    }
}

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EchoSeen {
    /// The method.
    pub method: String,
    /// The path and query as they came.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Names in lower case and values, in the order of arrival by name.
    pub headers: Vec<(String, String)>,
    /// Bytes of the body that came.
    pub body_bytes: u64,
    /// SHA-256 of them.
    pub body_sha256: String,
    /// Whether the body came to its end.
    pub complete: bool,
    /// The trailers.
    pub trailers: Vec<(String, String)>,
}

impl EchoSeen {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What the echo has.
pub struct Room {
    seen: Journal<Arc<EchoSeen>>,
}

impl Default for Room {
    fn default() -> Self {
        Self { seen: Journal::with_limit(MAX_SEEN) }
    }
}

/// The echo, shared.
pub type Echo = Partner<Room>;

impl Echo {
    /// The requests whose bodies were read (`any`, `guarded`, `sink`), in order; the newest 1000.
    pub fn seen(&self) -> Vec<Arc<EchoSeen>> {
        self.lock().own.seen.rows()
    }

    /// How many such requests there were.
    pub fn seen_count(&self) -> u64 {
        self.lock().own.seen.count()
    }
}

impl Peer for Room {
    const NAME: &'static str = "echo";
    type Settings = EchoSettings;
    fn access(settings: &EchoSettings) -> &Access {
        &settings.access
    }
}

impl Inspect for Room {
    fn list(&self, list: &str) -> Option<Value> {
        (list == "seen").then(|| self.seen.rows().iter().map(|seen| json!(**seen)).collect())
    }
}

/// The first part of the path is the service; what is not known is `any`.
fn service(path: &str) -> &'static str {
    const SERVICES: [&str; 19] = [
        "token",
        "guarded",
        "sink",
        "health",
        "early",
        "slow-head",
        "slow-body",
        "stall",
        "half",
        "trailers",
        "sse",
        "ws",
        "bytes",
        "status",
        "gzip",
        "headers",
        "big-header",
        "text",
        "reset",
    ];
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    SERVICES.into_iter().find(|service| *service == first).unwrap_or("any")
}

/// Answers one request; `path` is what stands below the echo.
pub(crate) async fn answer(
    echo: &Echo,
    path: &str,
    request: Request<Incoming>,
    ending: &Ending,
    stop: CancellationToken,
) -> Result<Response<Body>, Cut> {
    let service = service(path);
    let (struck, delay_ms) = echo.strike(service);
    if struck.before.is_some() {
        return answer::deliver(None, &struck, delay_ms).await;
    }
    if struck.sessions_expire {
        echo.expire_tokens();
    }
    if service == "ws" {
        echo.announce();
        return Ok(websocket::accept(request, stop).into_response());
    }
    let query = Query::parse(request.uri().query().unwrap_or_default());
    if service == "slow-head" {
        let wait = Duration::from_millis(query.number("ms").unwrap_or(1000));
        tokio::time::sleep(wait.min(MAX_WAIT)).await;
    }
    let answer = match service {
        "token" => give_token(echo, path, request, struck.wrong_credentials).await?,
        "any" | "guarded" | "sink" | "slow-head" => said(echo, service, path, query, request).await?,
        "reset" => {
            ending.reset();
            return Err(Cut);
        }
        "health" if echo.settings().healthy => Answer::ok(&json!({"status": "up", "server": echo.settings().name})),
        "health" => Answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "down"})),
        _ => replies::answer(service, path, &query, request.headers(), ending),
    };
    echo.announce();
    answer::deliver(Some(answer), &struck, delay_ms).await
}

/// Reads the whole request and says what arrived.
async fn said(
    echo: &Echo,
    service: &'static str,
    path: &str,
    query: Query,
    request: Request<Incoming>,
) -> Result<Answer, Cut> {
    let (parts, incoming) = request.into_parts();
    if service == "guarded" {
        let call = call(parts.method.clone(), path, query, parts.headers.clone(), Bytes::new());
        let mut inside = echo.lock();
        if !inside.tokens.spend(&call) {
            inside.counters.tokens_refused += 1;
            return Ok(invalid_credentials());
        }
    }
    let arrived = Arrived::read(incoming).await;
    let complete = arrived.complete;
    let seen = EchoSeen {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        version: format!("{:?}", parts.version),
        headers: pairs(&parts.headers),
        body_bytes: arrived.bytes,
        body_sha256: arrived.digest.to_string(),
        complete,
        trailers: pairs(&arrived.trailers),
    };
    let name = echo.settings().name;
    let body = if service == "sink" {
        json!({"server": name, "bytes": seen.body_bytes, "sha256": seen.body_sha256})
    } else {
        let mut body = json!(seen);
        body["server"] = json!(name);
        body
    };
    echo.lock().own.seen.push(Arc::new(seen));
    // A body that broke off has nobody left to answer to.
    if complete { Ok(Answer::ok(&body)) } else { Err(Cut) }
}

async fn give_token(echo: &Echo, path: &str, request: Request<Incoming>, wrong: bool) -> Result<Answer, Cut> {
    let (parts, incoming) = request.into_parts();
    let form = body::whole(incoming, MAX_FORM).await.ok_or(Cut)?;
    let call = call(parts.method, path, Query::default(), parts.headers, form);
    let mut inside = echo.lock();
    let access = inside.settings.access.clone();
    let given = token(&mut inside.tokens, &access, &call, wrong);
    inside.counters.tokens += u64::from(given.is_ok());
    Ok(given.unwrap_or_else(|refusal| refusal))
}

fn call(method: hyper::Method, path: &str, query: Query, headers: HeaderMap, body: Bytes) -> Call {
    Call { method, path: path.to_owned(), query, headers, body, now: Instant::now() }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let value = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, text)| (name.to_string(), value(text))).collect()
}
