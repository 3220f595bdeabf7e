//! A listener: accepts connections under their limits, plain or in TLS, speaks HTTP/1.1 and HTTP/2, drains. It knows
//! nothing of what the requests mean.

mod body;
mod certificate;
mod connection;
mod conversation;
mod crowd;
mod framing;
mod guarded;
mod peer;
mod proxy;
mod sockets;
mod target;
mod tls;
mod transport;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper::Request;
use hyper::body::Incoming;
use lgsp_config::{Limits, Network};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use body::BodyReader;
pub(crate) use guarded::REFUSED_PATH;
pub(crate) use peer::Peer;
pub(crate) use sockets::Listening;
pub use sockets::{BadSocket, Sockets};
pub(crate) use target::OwnHosts;
pub use tls::TlsError;
pub(crate) use tls::{CertificateEnd, TlsSetup};

use crate::answer::Answer;
use connection::Hall;
use crowd::Crowd;

/// Answers requests of one connection after the other.
pub(crate) trait Service: Send + Sync + 'static {
    /// The answer to one request; never fails, because every failure is an answer.
    fn answer(self: Arc<Self>, from: Peer, request: Request<Incoming>) -> impl Future<Output = Answer> + Send;
}

/// What a listener is made of.
pub(crate) struct Entrance {
    /// Where connections come from.
    pub(crate) listening: Listening,
    /// Encrypts them; `None`: they are plain.
    pub(crate) tls: Option<TlsSetup>,
    /// Balancers, whose connections begin with a PROXY protocol header.
    pub(crate) proxies: Vec<Network>,
    /// The base URL by which clients know the listener.
    pub(crate) url: String,
}

/// A listener that runs until it is drained.
pub(crate) struct Server {
    address: SocketAddr,
    tls: Arc<ArcSwapOption<TlsSetup>>,
    closing: CancellationToken,
    stop: CancellationToken,
    connections: TaskTracker,
    drain_timeout: Duration,
}

/// Handshakes at once. Each holds some 40 KiB until it ends or its time is over, so that they have a bound of their own,
/// below that of connections.
const HANDSHAKES: usize = 1024;

/// How long to wait after the system refused a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Server {
    /// Answers what comes through `entrance` with `service`.
    pub(crate) fn start<S: Service>(entrance: Entrance, limits: &Limits, service: Arc<S>) -> std::io::Result<Self> {
        let Listening { listener, handed_over } = entrance.listening;
        let address = listener.local_addr()?;
        let this = Self {
            address,
            tls: Arc::new(ArcSwapOption::from_pointee(entrance.tls)),
            closing: CancellationToken::new(),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            drain_timeout: limits.drain_timeout,
        };
        let hall = Hall {
            service,
            limits: limits.clone(),
            tls: this.tls.clone(),
            handshakes: Semaphore::new(HANDSHAKES),
            own_hosts: OwnHosts::new(&entrance.url, address.ip()),
            closing: this.closing.clone(),
            stop: this.stop.clone(),
        };
        let accepting = Accepting {
            proxies: entrance.proxies,
            crowd: Crowd::new(limits.connections_per_address, limits.connections),
            hall: Arc::new(hall),
            connections: this.connections.clone(),
        };
        this.connections.spawn(accepting.run(listener, handed_over));
        Ok(this)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Encrypts new connections with this from now on. Those that are open keep what they began with.
    pub(crate) fn replace_tls(&self, tls: Option<TlsSetup>) {
        self.tls.store(tls.map(Arc::new));
    }

    /// Goes on answering, but asks clients to go elsewhere: each HTTP/1 answer ends its connection.
    pub(crate) fn send_away(&self) {
        self.closing.cancel();
    }

    /// Takes no new connections and waits for the requests in flight, as long as the limits say.
    pub(crate) async fn drain(&self) {
        self.closing.cancel();
        self.stop.cancel();
        self.connections.close();
        if tokio::time::timeout(self.drain_timeout, self.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.connections.len(), "drain ended before all connections did");
        }
    }
}

struct Accepting<S> {
    proxies: Vec<Network>,
    crowd: Arc<Crowd>,
    hall: Arc<Hall<S>>,
    connections: TaskTracker,
}

impl<S: Service> Accepting<S> {
    async fn run(self, listener: TcpListener, handed_over: bool) {
        let stop = self.hall.stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((socket, from)) => self.take(socket, from.ip().to_canonical()),
                Err(error) => {
                    tracing::warn!(cause = %error, "connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        if !handed_over {
            self.take_the_rest(listener);
        }
    }

    /// Connections that the kernel made for us already would be reset with the socket. A socket that was handed over
    /// stays open, and what waits there is for our successor.
    fn take_the_rest(&self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((socket, from)) = listener.accept() {
            let Ok(socket) = socket.set_nonblocking(true).and_then(|()| TcpStream::from_std(socket)) else { continue };
            self.take(socket, from.ip().to_canonical());
        }
    }

    fn take(&self, socket: TcpStream, from: IpAddr) {
        let balancer = self.proxies.iter().any(|network| network.contains(from));
        let place = if balancer { self.crowd.enter_unnamed() } else { self.crowd.enter(from) };
        let Some(place) = place else {
            tracing::warn!(address = %from, "too many connections");
            return;
        };
        // Answers are small and wait for a commit: Nagle would add its delay to every one.
        let _ = socket.set_nodelay(true);
        let hall = self.hall.clone();
        if balancer {
            self.connections.spawn(hall.converse_behind(socket, from, place));
        } else {
            self.connections.spawn(hall.converse(socket, from, place));
        }
    }
}

#[cfg(test)]
mod tests;
