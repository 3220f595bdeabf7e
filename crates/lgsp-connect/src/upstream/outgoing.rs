//! A request on its way out: its body, what of it can be sent again, and how it is addressed to one server.
//!
//! Which headers may pass at all, the caller decides; only `Host` and the framing are set here.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Uri, Version};

use super::settings::ServerAddress;

/// Why a caller's body failed.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// A body that comes in pieces.
pub type BodyStream = Pin<Box<dyn Body<Data = Bytes, Error = BodyError> + Send>>;

/// The body of a call.
pub enum UpstreamBody {
    /// All of it; only this can be sent again.
    Whole(Bytes),
    /// In pieces, with trailers if a `Trailer` header announces them.
    Stream(BodyStream),
}

/// How far a streamed body is, seen from outside the connection that sends it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pieces: AtomicU32,
    waits_for_caller: AtomicBool,
}

impl Progress {
    /// Changes with every piece.
    pub(super) fn mark(&self) -> u32 {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Whether the next piece is the caller's to give.
    pub(super) fn waits_for_caller(&self) -> bool {
        self.waits_for_caller.load(Ordering::Relaxed)
    }
}

/// What hyper sends.
pub(super) enum OutgoingBody {
    Whole(Bytes),
    Stream { body: BodyStream, progress: Arc<Progress> },
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream { body, progress } => {
                let polled = body.as_mut().poll_frame(cx);
                progress.waits_for_caller.store(polled.is_pending(), Ordering::Relaxed);
                if polled.is_ready() {
                    progress.pieces.fetch_add(1, Ordering::Relaxed);
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream { body, .. } => body.size_hint(),
        }
    }
}

/// A request with the path that its caller asked for. Boxed, because it is handed on many times before it is sent.
pub(super) struct Outgoing {
    pub request: Box<Request<OutgoingBody>>,
    pub target: PathAndQuery,
    pub progress: Option<Arc<Progress>>,
}

/// What is needed to send a request once more.
pub(super) struct Spare {
    parts: Parts,
    body: Bytes,
}

impl Spare {
    pub(super) fn request(&self) -> Box<Request<OutgoingBody>> {
        Box::new(Request::from_parts(self.parts.clone(), OutgoingBody::Whole(self.body.clone())))
    }
}

impl Outgoing {
    pub(super) fn new(mut parts: Parts, body: UpstreamBody) -> Self {
        // What the listener and the shell remembered of the request means nothing to the server.
        parts.extensions.clear();
        let target = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let (body, progress) = match body {
            UpstreamBody::Whole(bytes) => (OutgoingBody::Whole(bytes), None),
            UpstreamBody::Stream(body) => {
                let progress = Arc::new(Progress::default());
                (OutgoingBody::Stream { body, progress: Arc::clone(&progress) }, Some(progress))
            }
        };
        frame(&mut parts, &body);
        Self { request: Box::new(Request::from_parts(parts, body)), target, progress }
    }

    /// A copy, if all of the body is at hand.
    pub(super) fn spare(&self) -> Option<Box<Spare>> {
        let OutgoingBody::Whole(body) = self.request.body() else { return None };
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = self.request.method().clone();
        parts.headers = self.request.headers().clone();
        Some(Box::new(Spare { parts, body: body.clone() }))
    }
}

/// Framing is ours: what the caller's own message said of it was about that message.
fn frame(parts: &mut Parts, body: &OutgoingBody) {
    parts.headers.remove(TRANSFER_ENCODING);
    parts.headers.remove(CONTENT_LENGTH);
    if body.is_end_stream() {
        // A method that usually has a body says that it has none (RFC 9110, 8.6).
        if parts.method == Method::POST || parts.method == Method::PUT || parts.method == Method::PATCH {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
    } else if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    } else {
        // hyper sends no body of unknown length with GET unless told so; for HTTP/2 this header is taken out again.
        parts.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Makes the request one to this server over HTTP/1.1.
pub(super) fn address_http1(request: &mut Request<OutgoingBody>, server: &ServerAddress, target: &PathAndQuery) {
    *request.uri_mut() = Uri::from(behind(&server.base, target));
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().insert(HOST, server.host.clone());
}

/// Makes the request one to this server over HTTP/2.
pub(super) fn address_http2(request: &mut Request<OutgoingBody>, server: &ServerAddress, target: &PathAndQuery) {
    let mut uri = hyper::http::uri::Parts::default();
    uri.scheme = Some(server.scheme.clone());
    uri.authority = Some(server.authority.clone());
    uri.path_and_query = Some(behind(&server.base, target));
    *request.uri_mut() = Uri::from_parts(uri).expect("a scheme, an authority and a path make an address");
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(HOST);
    request.headers_mut().remove(TRANSFER_ENCODING);
}

fn behind(base: &str, target: &PathAndQuery) -> PathAndQuery {
    if base.is_empty() || target.as_str() == "*" {
        return target.clone();
    }
    // A call of nothing below the base is a call of the base itself: many services have an address and no paths.
    let below = if target.path() == "/" { &target.as_str()[1..] } else { target.as_str() };
    let joined = Bytes::from([base, below].concat());
    PathAndQuery::from_maybe_shared(joined).expect("two paths make a path")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(method: Method, uri: &'static str, body: &'static str) -> Outgoing {
        let (mut parts, ()) = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(77));
        parts.headers.insert(HOST, HeaderValue::from_static("outside.example"));
        Outgoing::new(parts, UpstreamBody::Whole(Bytes::from_static(body.as_bytes())))
    }

    #[test]
    fn a_call_goes_behind_the_servers_own_path() {
        for (base, target, expected) in [
            ("http://h", "/a?b=1", "/a?b=1"),
            ("http://h/base/", "/a?b=1", "/base/a?b=1"),
            ("http://h/base", "/", "/base"),
            ("http://h/base", "/?a=1", "/base?a=1"),
        ] {
            let mut call = outgoing(Method::POST, target, "x");
            address_http1(&mut call.request, &base.parse().unwrap(), &call.target);
            assert_eq!(call.request.uri(), expected);
            assert_eq!(call.request.headers()[HOST], "h");
        }
        let mut call = outgoing(Method::POST, "/a", "x");
        address_http2(&mut call.request, &"https://h:81/base".parse().unwrap(), &call.target);
        assert_eq!(call.request.uri(), "https://h:81/base/a");
        assert!(!call.request.headers().contains_key(HOST));
    }

    #[test]
    fn the_length_is_that_of_the_body_whatever_the_caller_said() {
        for (method, body, expected) in
            [(Method::POST, "four", Some("4")), (Method::POST, "", Some("0")), (Method::GET, "", None)]
        {
            let call = outgoing(method, "/", body);
            let length = call.request.headers().get(CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!(length, expected);
        }
    }
}
