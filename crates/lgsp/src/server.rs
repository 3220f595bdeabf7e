//! The public listener: accepts connections under their limits, speaks HTTP/1.1 and HTTP/2, drains. It knows nothing
//! of what the requests mean.

mod body;
mod crowd;
mod framing;
mod guarded;

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lgsp_config::Limits;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use body::BodyReader;
pub(crate) use guarded::REFUSED_PATH;

use crate::answer::Answer;
use crowd::Crowd;
use guarded::GuardedStream;

/// Answers requests of one connection after the other.
pub(crate) trait Service: Send + Sync + 'static {
    /// The answer to one request; never fails, because every failure is an answer.
    fn answer(self: Arc<Self>, from: IpAddr, request: Request<Incoming>) -> impl Future<Output = Answer> + Send;
}

/// A listener that runs until it is drained.
pub(crate) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    connections: TaskTracker,
    drain_timeout: Duration,
}

/// Connections that the kernel keeps ready for us.
const BACKLOG: i32 = 4096;

/// How long to wait after the system refused a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Streams of one HTTP/2 connection at a time, and resets that it may provoke.
const HTTP2_STREAMS: u32 = 100;
const HTTP2_RESETS: usize = 256;
const HTTP2_WINDOW: u32 = 256 * 1024;

impl Server {
    /// Listens on `address` and answers with `service`.
    pub(crate) fn start<S: Service>(address: SocketAddr, limits: &Limits, service: Arc<S>) -> std::io::Result<Self> {
        let listener = listen(address)?;
        let this = Self {
            address: listener.local_addr()?,
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            drain_timeout: limits.drain_timeout,
        };
        let accepting = Accepting {
            listener,
            limits: limits.clone(),
            service,
            stop: this.stop.clone(),
            connections: this.connections.clone(),
        };
        this.connections.spawn(accepting.run());
        Ok(this)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections and waits for the requests in flight, as long as the limits say.
    pub(crate) async fn drain(&self) {
        self.stop.cancel();
        self.connections.close();
        if tokio::time::timeout(self.drain_timeout, self.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.connections.len(), "drain ended before all connections did");
        }
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG.unsigned_abs())
}

struct Accepting<S> {
    listener: TcpListener,
    limits: Limits,
    service: Arc<S>,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl<S: Service> Accepting<S> {
    async fn run(self) {
        let crowd = Crowd::new(self.limits.connections_per_address, self.limits.connections);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((socket, from)) => self.take(&crowd, socket, from.ip()),
                Err(error) => {
                    tracing::warn!(cause = %error, "connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn take(&self, crowd: &Arc<Crowd>, socket: TcpStream, from: IpAddr) {
        let Some(place) = crowd.enter(from) else {
            tracing::warn!(address = %from, "too many connections");
            return;
        };
        // Answers are small and wait for a commit: Nagle would add its delay to every one.
        let _ = socket.set_nodelay(true);
        let (limits, service, stop) = (self.limits.clone(), self.service.clone(), self.stop.clone());
        self.connections.spawn(async move {
            let _place = place;
            converse(socket, from, &limits, service, stop).await;
        });
    }
}

async fn converse<S: Service>(
    socket: TcpStream,
    from: IpAddr,
    limits: &Limits,
    service: Arc<S>,
    stop: CancellationToken,
) {
    let mut stream = GuardedStream::new(socket, limits.header_bytes.as_usize(), limits.header_timeout);
    let first = tokio::select! {
        first = tokio::time::timeout(limits.header_timeout, stream.speaks_http2()) => first,
        () = stop.cancelled() => return,
    };
    let Ok(Ok(http2)) = first else { return };
    let service = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(from, request).await) }
    });
    let result = if http2 {
        let connection = http2_builder(limits).serve_connection(stream, service);
        drive(connection, stop, |connection| connection.graceful_shutdown()).await
    } else {
        let connection = http1_builder(limits).serve_connection(stream, service);
        drive(connection, stop, |connection| connection.graceful_shutdown()).await
    };
    if let Err(error) = result {
        tracing::debug!(address = %from, cause = %error, "connection ended");
    }
}

async fn drive<C>(
    connection: C,
    stop: CancellationToken,
    shut_down: impl Fn(std::pin::Pin<&mut C>),
) -> hyper::Result<()>
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return result,
        () = stop.cancelled() => {}
    }
    shut_down(connection.as_mut());
    connection.await
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
