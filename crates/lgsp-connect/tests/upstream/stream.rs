//! Bodies in pieces, both ways: trailers, bounded memory, answers before the request's end, and other protocols.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use lgsp_connect::{BodyError, CallOptions, FailureKind, Repeatable, UpstreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::backend::{Backend, Reply, ok};
use crate::{build, how, post, request, settings, text, until, whole};

const PIECE: usize = 64 * 1024;
const PIECES: usize = 1024;

/// More pieces than two sockets, hyper's buffers and this crate's may hold, far fewer than all.
const AHEAD: usize = 256;

/// Frames in order, then the end or nothing more.
pub(crate) struct Script {
    frames: VecDeque<Result<Frame<Bytes>, BodyError>>,
    stays: bool,
}

impl Body for Script {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.frames.pop_front() {
            None if self.stays => Poll::Pending,
            frame => Poll::Ready(frame),
        }
    }
}

fn script(frames: Vec<Result<Frame<Bytes>, BodyError>>, stays: bool) -> UpstreamBody {
    UpstreamBody::Stream(Box::pin(Script { frames: frames.into(), stays }))
}

fn data(text: &'static str) -> Result<Frame<Bytes>, BodyError> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

pub(crate) fn pieces(texts: Vec<&'static str>) -> UpstreamBody {
    script(texts.into_iter().map(data).collect(), false)
}

/// Many pieces that count how many were taken.
struct Flood(Arc<AtomicUsize>);

impl Body for Flood {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        static ZEROS: [u8; PIECE] = [0; PIECE];
        if self.0.fetch_add(1, Ordering::SeqCst) >= PIECES {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&ZEROS)))))
    }
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let backend = Backend::start(|_, _, _| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n";
        Reply::Bytes(format!("{head}2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n"))
    })
    .await;
    let upstream = build(settings(&[backend.address]));
    let mut parts = request(Method::POST);
    parts.headers.insert("trailer", HeaderValue::from_static("x-digest"));
    let trailers = HeaderMap::from_iter([("x-digest".parse().unwrap(), HeaderValue::from_static("9"))]);
    let body = script(vec![data("ab"), Ok(Frame::trailers(trailers))], false);
    let response = upstream.call(parts, body, how(Repeatable::IfUnsent)).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "7");
    assert_eq!(collected.to_bytes(), "ok");
    let sent = &backend.seen()[0].text;
    assert!(sent.ends_with("\r\n2\r\nab\r\n0\r\nx-digest: 9\r\n\r\n"), "{sent}");
    assert_eq!(upstream.state().servers[0].connections, 1, "the connection is kept");
}

/// A server that reads uploads slowly: nothing of a body before `gate` is open; downloads are `Flood`s.
async fn slow_server(gate: Arc<tokio::sync::Semaphore>, produced: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (gate, produced) = (Arc::clone(&gate), Arc::clone(&produced));
            let service = service_fn(move |request: Request<Incoming>| {
                let (gate, produced) = (Arc::clone(&gate), Arc::clone(&produced));
                async move {
                    if request.method() == Method::PUT {
                        gate.acquire().await.unwrap().forget();
                        let mut body = request.into_body();
                        let mut length = 0;
                        while let Some(frame) = body.frame().await {
                            length += frame.unwrap().into_data().unwrap().len();
                        }
                        produced.store(length, Ordering::SeqCst);
                    }
                    Ok::<_, Infallible>(Response::new(Flood(produced)))
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test]
async fn a_large_download_waits_for_its_reader() {
    let produced = Arc::new(AtomicUsize::new(0));
    let address = slow_server(Arc::new(tokio::sync::Semaphore::new(0)), Arc::clone(&produced)).await;
    let upstream = build(settings(&[address]));
    let response = upstream.call(request(Method::GET), whole(""), how(Repeatable::Always)).await.unwrap();
    let mut body = response.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.unwrap().into_data().unwrap().len();
        let ahead = produced.load(Ordering::SeqCst).saturating_sub(length / PIECE);
        assert!(ahead < AHEAD, "{ahead} pieces are on their way");
    }
    assert_eq!(length, PIECE * PIECES);
}

#[tokio::test]
async fn a_large_upload_waits_for_the_server_and_may_take_longer_than_the_time_out() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let arrived = Arc::new(AtomicUsize::new(0));
    let address = slow_server(Arc::clone(&gate), Arc::clone(&arrived)).await;
    let upstream = build(settings(&[address]));
    let taken = Arc::new(AtomicUsize::new(0));
    let body = UpstreamBody::Stream(Box::pin(Flood(Arc::clone(&taken))));
    let call = tokio::spawn({
        let upstream = upstream.clone();
        async move { upstream.call(request(Method::PUT), body, how(Repeatable::Always)).await.unwrap() }
    });
    until("the way is full", || taken.load(Ordering::SeqCst) > 4).await;
    let mut before = 0;
    until("no more is taken", || std::mem::replace(&mut before, taken.load(Ordering::SeqCst)) == before).await;
    assert!(before < AHEAD, "{before} pieces were taken by nobody");
    gate.add_permits(1);
    assert_eq!(call.await.unwrap().status(), StatusCode::OK);
    until("all of it is there", || arrived.load(Ordering::SeqCst) >= PIECE * PIECES).await;
}

#[tokio::test]
async fn an_upload_that_goes_on_is_not_cut_by_the_time_out_and_one_that_stops_is_the_callers_fault() {
    let backend = Backend::start(|_, _, _| ok("done")).await;
    let mut settings = settings(&[backend.address]);
    settings.timeout = Duration::from_millis(150);
    let upstream = build(settings);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let feed = tokio::spawn(async move {
        // Together longer than the time-out, each pause shorter.
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..8 {
            ticks.tick().await;
            sender.send(data("x")).await.unwrap();
        }
    });
    let body = UpstreamBody::Stream(Box::pin(Channel(receiver)));
    let response = upstream.call(request(Method::PUT), body, how(Repeatable::Never)).await.unwrap();
    assert_eq!(text(response).await, "done");
    feed.await.unwrap();

    let stuck = script(vec![data("x")], true);
    let failure = upstream.call(request(Method::PUT), stuck, how(Repeatable::Never)).await.map(|_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::CallerBody);
    let failing = script(vec![data("x"), Err(io::Error::other("gone").into())], false);
    let failure = upstream.call(request(Method::PUT), failing, how(Repeatable::Never)).await.map(|_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::CallerBody);
    assert_eq!(upstream.state().servers[0].failures, 0, "the server did nothing wrong");
}

struct Channel(tokio::sync::mpsc::Receiver<Result<Frame<Bytes>, BodyError>>);

impl Body for Channel {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_recv(cx)
    }
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_reaches_the_caller() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = build(settings(&[listener.local_addr().unwrap()]));
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig").await.unwrap();
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    let body = script(vec![data("begin")], true);
    let response = upstream.call(request(Method::PUT), body, how(Repeatable::Always)).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(response).await, "big");
    served.await.unwrap();
    assert_eq!(upstream.state().servers[0].connections, 0, "half a request is on it: it is not used again");
}

#[tokio::test]
async fn pieces_reach_the_reader_when_they_come() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = build(settings(&[listener.local_addr().unwrap()]));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head).await.unwrap();
        stream.write_all(b"9\r\ndata: 1\n\n\r\n").await.unwrap();
        receiver.await.unwrap();
        stream.write_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n").await.unwrap();
    });
    let mut body = post(&upstream).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
    sender.send(()).unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 2\n\n");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_connection_that_switches_protocols_is_handed_over_with_what_was_read() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst";
    let backend = Backend::start(move |_, _, _| Reply::Echo(head.into())).await;
    let upstream = build(settings(&[backend.address]));
    let mut parts = request(Method::GET);
    parts.headers.insert("connection", HeaderValue::from_static("upgrade"));
    parts.headers.insert("upgrade", HeaderValue::from_static("echo"));
    let how = CallOptions { upgrade: true, ..how(Repeatable::Never) };
    let response = upstream.call(parts, whole(""), how).await.unwrap();
    assert_eq!(
        (response.status(), response.headers()["upgrade"].as_bytes()),
        (StatusCode::SWITCHING_PROTOCOLS, &b"echo"[..])
    );
    let mut line = response.into_body().into_switched().unwrap();
    line.write_all(b" second").await.unwrap();
    let mut buffer = [0; 12];
    line.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"first second");
    assert_eq!(upstream.state().in_flight, 1, "it counts for as long as it lives");
    drop(line);
    assert_eq!((upstream.state().in_flight, upstream.state().servers[0].connections), (0, 0));
}

#[tokio::test]
async fn a_refused_switch_is_an_ordinary_answer() {
    let backend = Backend::start(|_, _, _| ok("no")).await;
    let upstream = build(settings(&[backend.address]));
    let how = CallOptions { upgrade: true, ..how(Repeatable::Never) };
    let response = upstream.call(request(Method::GET), whole(""), how).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().into_switched().is_none());
}
