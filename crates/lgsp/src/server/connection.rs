//! One connection from its first byte to its last: PROXY header, handshake, requests, end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, server};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lgsp_config::Limits;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::conversation::{Conversation, Tracked};
use super::crowd::Place;
use super::guarded::{GuardedStream, REFUSED_PATH};
use super::peer::Peer;
use super::target::{self, OwnHosts};
use super::tls::TlsSetup;
use super::transport::Transport;
use super::{Service, proxy};
use crate::answer::Answer;

/// What all connections of a listener share.
pub(super) struct Hall<S> {
    pub(super) service: Arc<S>,
    pub(super) limits: Limits,
    pub(super) tls: Arc<ArcSwapOption<TlsSetup>>,
    pub(super) handshakes: Semaphore,
    pub(super) own_hosts: OwnHosts,
    /// Set when answers begin to end their connections.
    pub(super) closing: CancellationToken,
    /// Set when idle connections end.
    pub(super) stop: CancellationToken,
}

/// Streams of one HTTP/2 connection at a time, and resets that it may provoke.
const HTTP2_STREAMS: u32 = 100;
const HTTP2_RESETS: usize = 256;
const HTTP2_WINDOW: u32 = 256 * 1024;

/// How often it is looked whether a connection rests; it does when two looks find the same.
const REST_LOOK: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 100 });

/// How long a client that connected just before the listener stopped may take to begin its request.
const LATE_REQUEST: Duration = Duration::from_secs(1);

impl<S: Service> Hall<S> {
    /// Converses with a client of which a balancer tells the address.
    pub(super) async fn converse_behind(self: Arc<Self>, mut socket: TcpStream, balancer: IpAddr, place: Place) {
        let header = match tokio::time::timeout(proxy::TIMEOUT, proxy::read(&mut socket)).await {
            Ok(Ok(header)) => header,
            Ok(Err(cause)) => return tracing::warn!(address = %balancer, %cause, "connection of a balancer refused"),
            Err(_) => return tracing::warn!(address = %balancer, "no PROXY protocol header in time"),
        };
        let address = header.unwrap_or(balancer);
        match place.named(address) {
            Some(place) => self.converse(socket, address, place).await,
            None => tracing::warn!(%address, "too many connections"),
        }
    }

    /// Converses with a client until the connection ends.
    pub(super) async fn converse(self: Arc<Self>, socket: TcpStream, address: IpAddr, place: Place) {
        let (transport, peer, protocol) = match self.tls.load_full() {
            None => (Transport::Plain(socket), Peer::plain(address), None),
            // Boxed: a handshake's state is large, and most of a connection's life is spent after it.
            Some(tls) => match Box::pin(self.shake_hands(&tls, socket, address)).await {
                Some(encrypted) => encrypted,
                None => return,
            },
        };
        let limits = &self.limits;
        let mut stream = GuardedStream::new(transport, limits.header_bytes.as_usize(), limits.header_timeout, place);
        let Some(http2) = self.first_bytes(&mut stream).await else { return };
        if protocol.is_some_and(|agreed| agreed != http2) {
            return tracing::debug!(%address, "another protocol than was agreed on");
        }
        let result = if http2 { Box::pin(self.http2(stream, peer)).await } else { self.http1(stream, peer).await };
        if let Err(error) = result {
            tracing::debug!(%address, cause = %error, "connection ended");
        }
    }

    async fn shake_hands(
        &self,
        tls: &TlsSetup,
        socket: TcpStream,
        address: IpAddr,
    ) -> Option<(Transport, Peer, Option<bool>)> {
        let handshake = async {
            // Who says nothing holds no place among those who do.
            socket.readable().await?;
            let _place = self.handshakes.acquire().await.expect("never closed");
            TlsAcceptor::from(tls.config.clone()).accept(socket).await
        };
        match tokio::time::timeout(self.limits.header_timeout, handshake).await {
            Ok(Ok(stream)) => {
                let (shown, http2) = tls.peer(&stream);
                let peer = Peer { address, tls: Some(Arc::new(shown)) };
                Some((Transport::Tls(Box::new(stream)), peer, http2))
            }
            Ok(Err(cause)) => {
                tracing::debug!(%address, %cause, "handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!(%address, "handshake too slow");
                None
            }
        }
    }

    /// Waits for the first bytes of the first request: whether they are HTTP/2.
    async fn first_bytes(&self, stream: &mut GuardedStream) -> Option<bool> {
        let late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LATE_REQUEST).await;
        };
        tokio::select! {
            biased;
            first = tokio::time::timeout(self.limits.header_timeout, stream.speaks_http2()) => first.ok()?.ok(),
            () = late => None,
        }
    }

    /// Converses in HTTP/1. hyper holds 16 KiB for a connection whether they are used or not, so one that rests for a
    /// while is taken from it and given back when bytes come.
    async fn http1(self: &Arc<Self>, mut stream: GuardedStream, peer: Peer) -> hyper::Result<()> {
        let conversation = stream.conversation();
        let told = conversation.clone();
        let mut service = service_fn(move |request| {
            let (hall, peer, conversation) = (self.clone(), peer.clone(), told.clone());
            // hyper keeps room for this future as long as it has the connection: boxed, it is there during a request only.
            Box::pin(async move { Ok::<_, Infallible>(hall.answer1(peer, request, conversation).await) })
        });
        loop {
            let mut connection =
                Box::pin(http1_builder(&self.limits).serve_connection(stream, service).with_upgrades());
            tokio::select! {
                biased;
                result = &mut connection => return result,
                () = self.stop.cancelled() => {
                    return finish(connection, |connection| connection.graceful_shutdown(), &conversation).await;
                }
                () = rest(&conversation) => {}
            }
            let Some(parts) = Pin::into_inner(connection).into_parts() else { return Ok(()) };
            (stream, service) = (parts.io, parts.service);
            stream.take_back(&parts.read_buf);
            // Even when nothing is in it, it is hyper's buffer.
            drop(parts.read_buf);
            if !self.wakes(&mut stream).await {
                return Ok(());
            }
        }
    }

    /// Waits for the next request of a connection that rests; closes it when none comes.
    async fn wakes(&self, stream: &mut GuardedStream) -> bool {
        let woken = tokio::select! {
            biased;
            woken = tokio::time::timeout(self.limits.idle_timeout, stream.wakes()) => woken,
            () = self.stop.cancelled() => Ok(Ok(false)),
        };
        let woken = matches!(woken, Ok(Ok(true)));
        if !woken {
            let _ = tokio::time::timeout(LATE_REQUEST, stream.close()).await;
        }
        woken
    }

    async fn http2(self: &Arc<Self>, stream: GuardedStream, peer: Peer) -> hyper::Result<()> {
        let service = service_fn(move |request| {
            let (hall, peer) = (self.clone(), peer.clone());
            async move { Ok::<_, Infallible>(hall.answer(peer, request).await) }
        });
        let connection = http2_builder(&self.limits).serve_connection(stream, service);
        let mut connection = Box::pin(connection);
        tokio::select! {
            biased;
            result = &mut connection => return result,
            () = self.stop.cancelled() => {}
        }
        // What was asked before the client hears of the end is answered by the protocol itself.
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    /// The answer to a request of HTTP/1, which says when the connection ends with it.
    async fn answer1(
        &self,
        peer: Peer,
        request: Request<Incoming>,
        conversation: Arc<Conversation>,
    ) -> Response<Tracked> {
        conversation.request();
        let asks = request.headers().contains_key(UPGRADE);
        let mut answer = self.answer(peer, request).await;
        let switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        if asks {
            conversation.tell(switched);
        }
        if self.closing.is_cancelled() && !switched {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer.map(|body| Tracked::new(body, conversation))
    }

    async fn answer(&self, peer: Peer, mut request: Request<Incoming>) -> Answer {
        if let Err(misplaced) = target::check(&request, &peer, &self.own_hosts) {
            // Answered where all answers are made.
            let path = format!("{REFUSED_PATH}{}", misplaced.word());
            *request.uri_mut() = path.parse().unwrap_or(Uri::from_static(REFUSED_PATH));
        }
        self.service.clone().answer(peer, request).await
    }
}

/// Ends a connection as the listener stops.
///
/// hyper closes a connection without a request at once, also when the request is on its way. A client may repeat a request
/// that an old connection did not answer, but hardly one that a new connection did not.
async fn finish<C>(
    mut connection: Pin<Box<C>>,
    shut_down: impl Fn(Pin<&mut C>),
    conversation: &Conversation,
) -> hyper::Result<()>
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut late = Box::pin(tokio::time::sleep(LATE_REQUEST));
    let ended = poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending if conversation.was_used() => Poll::Ready(None),
        Poll::Pending => late.as_mut().poll(cx).map(|()| None),
    });
    if let Some(result) = ended.await {
        return result;
    }
    shut_down(connection.as_mut());
    connection.await
}

/// Waits until a connection rests: nothing is under way and no request came for a while.
async fn rest(conversation: &Conversation) {
    let (mut looks, mut seen) = (tokio::time::interval(REST_LOOK), None);
    loop {
        looks.tick().await;
        let now = conversation.rests();
        if now.is_some() && now == seen {
            return;
        }
        seen = now;
    }
}

fn http1_builder(limits: &Limits) -> server::conn::http1::Builder {
    let mut builder = server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // A client may say that it sends nothing more and still wait for its answer.
        .half_close(true)
        // Unfinished heads never get here, so what hyper waits for is the next request.
        .header_read_timeout(limits.idle_timeout)
        .max_buf_size(limits.header_bytes.as_usize().max(64 * 1024));
    builder
}

fn http2_builder(limits: &Limits) -> server::conn::http2::Builder<TokioExecutor> {
    let mut builder = server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_local_error_reset_streams(HTTP2_RESETS)
        .initial_stream_window_size(HTTP2_WINDOW)
        .initial_connection_window_size(HTTP2_WINDOW)
        .max_header_list_size(u32::try_from(limits.header_bytes.as_usize()).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}
