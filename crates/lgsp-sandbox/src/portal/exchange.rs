//! One HTTP exchange with the portal: path, `dstcode`, body, the call, then the answer or the fault in its place.
//!
//! It does not know what the services do.

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};

use super::Portal;
use super::reply::Reply;
use super::services::{Envelope, Login};
use crate::answer::{self, Answer};
use crate::faults::Struck;
use crate::scripted::{Body, Cut};

/// The older adapter's path.
pub(crate) const XRD_ADAPTER: &str = "/XrdAdapter/RestService/forward/";
/// The newer adapter's path.
const VXP_ADAPTER: &str = "/VXPAdapter/RestService/forward/";
/// The login below the adapter.
const LOGIN: &str = "mapi/login";
/// The data call below the adapter.
const DATA: &str = "mapi/g";
/// A body as large as the largest batch that a gateway would send.
const MAX_BODY: usize = 16 << 20;

pub(crate) fn is_portal_path(path: &str) -> bool {
    below_adapter(path).is_some()
}

fn below_adapter(path: &str) -> Option<&str> {
    path.strip_prefix(XRD_ADAPTER).or_else(|| path.strip_prefix(VXP_ADAPTER))
}

pub(crate) async fn answer(portal: &Portal, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let login = match below_adapter(request.uri().path()) {
        Some(LOGIN) => true,
        Some(DATA) => false,
        _ => {
            return Ok(Answer::text(StatusCode::NOT_FOUND, "the adapter knows mapi/login and mapi/g\n").into_response());
        }
    };
    if request.method() != Method::POST {
        return Ok(Answer::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n").into_response());
    }
    if !names_destination(&request) {
        return Ok(Answer::text(StatusCode::BAD_REQUEST, "dstcode is missing in header and query\n").into_response());
    }
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
        return Ok(Answer::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broke off\n").into_response());
    };
    let body = body.to_bytes();
    let Some((reply, struck)) = (if login { sign_in(portal, &body) } else { call(portal, &body) }) else {
        return Ok(Answer::text(StatusCode::BAD_REQUEST, "the body is not the JSON object that was expected\n")
            .into_response());
    };
    deliver(portal, reply, struck).await
}

fn names_destination(request: &Request<Incoming>) -> bool {
    let in_query = || {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).any(|(name, value)| name == "dstcode" && !value.is_empty())
    };
    request.headers().get("dstcode").is_some_and(|code| !code.is_empty()) || in_query()
}

/// `None` when the body cannot be read. The reply is absent when a fault struck before the call took effect.
fn sign_in(portal: &Portal, body: &[u8]) -> Option<(Option<Reply>, Struck)> {
    let login: Login<'_> = serde_json::from_slice(body).ok()?;
    let mut state = portal.lock();
    let struck = state.strike("login", &[]);
    let reply = struck.before.is_none().then(|| state.login(&login, &struck));
    Some((reply, struck))
}

fn call(portal: &Portal, body: &[u8]) -> Option<(Option<Reply>, Struck)> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    let mut state = portal.lock();
    let codes = if state.faults_stand() { envelope.codes() } else { Vec::new() };
    let struck = state.strike(&envelope.service, &codes);
    let reply = struck.before.is_none().then(|| state.call(&envelope, &struck));
    drop(state);
    portal.announce();
    Some((reply, struck))
}

async fn deliver(portal: &Portal, reply: Option<Reply>, struck: Struck) -> Result<Response<Body>, Cut> {
    let settings = portal.settings();
    if struck.spoils_transport() {
        portal.lock().count_transport_fault();
    }
    let answer = reply.map(|reply| {
        let rendered = reply.render(&settings, &struck);
        Answer::of(StatusCode::OK, rendered.content_type, rendered.body)
    });
    answer::deliver(answer, &struck, settings.answer_delay_ms).await
}
