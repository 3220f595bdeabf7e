//! A partner whose every answer is given by the test, and that remembers what it was asked.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) enum Answer {
    Reply(String),
    Status(u16, &'static [(&'static str, &'static str)]),
    /// A status with the partner's own words below it.
    Words(u16, String),
    /// Success, and a body that goes on for ever.
    Endless,
    /// Success, the first part of a body, and nothing more.
    Stalled(String),
    /// Success, the first part of a body, and the connection breaks.
    Torn(String),
    /// The call is taken, and nothing ever comes back.
    Silence,
    /// The call is taken, and the connection breaks.
    Reset,
}

/// Larger pieces make an endless body quick to reach every bound.
const PIECE: &[u8] = &[b' '; 64 * 1024];

struct Script {
    first: Option<Bytes>,
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    End,
    Repeat,
    Wait,
    Break,
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match self.then {
            Then::End => Poll::Ready(None),
            Then::Repeat => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PIECE))))),
            Then::Wait => Poll::Pending,
            Then::Break => Poll::Ready(Some(Err(io::Error::other("torn")))),
        }
    }
}

pub(crate) struct Partner {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Partner {
    pub(crate) async fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&calls));
        tokio::spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else { return };
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                tokio::spawn(async move {
                    let service = service_fn(|request| serve(request, &*answer, &seen));
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { address, calls }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

async fn serve(
    request: Request<Incoming>,
    answer: &(impl Fn(&Call) -> Answer + Send + Sync),
    seen: &Mutex<Vec<Call>>,
) -> Result<Response<Script>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let call = Call {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let answer = answer(&call);
    seen.lock().unwrap().push(call);
    match answer {
        Answer::Reply(body) => Ok(script(200, &[], body, Then::End)),
        Answer::Status(status, headers) => Ok(script(status, headers, String::new(), Then::End)),
        Answer::Words(status, body) => Ok(script(status, &[], body, Then::End)),
        Answer::Endless => Ok(script(200, &[], String::new(), Then::Repeat)),
        Answer::Stalled(body) => Ok(script(200, &[], body, Then::Wait)),
        Answer::Torn(body) => Ok(script(200, &[], body, Then::Break)),
        Answer::Silence => Ok(std::future::pending::<Result<_, Infallible>>().await.unwrap()),
        Answer::Reset => Err(io::Error::other("reset")),
    }
}

fn script(status: u16, headers: &[(&str, &str)], body: String, then: Then) -> Response<Script> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let first = Some(Bytes::from(body)).filter(|body| !body.is_empty());
    response.body(Script { first, then }).unwrap()
}
