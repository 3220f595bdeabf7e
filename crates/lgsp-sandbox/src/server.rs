//! The listener of the sandbox: accepts, hands each request to the partner whose path it has, answers or cuts.
//!
//! It knows no partner's protocol.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::control;
use crate::portal::{self, Portal};

/// Connections at a time; with bodies of at most 16 MiB this bounds what requests can hold.
const MAX_CONNECTIONS: usize = 1024;

/// The simulated partners, listening until stopped or dropped.
pub struct Sandbox {
    addr: SocketAddr,
    portal: Portal,
    stop: CancellationToken,
}

impl Sandbox {
    /// Listens on `listen` (port 0 takes a free one) and serves on the current tokio runtime. Fails when the address
    /// cannot be bound.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(listen: SocketAddr) -> io::Result<Self> {
        Self::start_with(listen, Portal::default())
    }

    /// The same with a portal that exists already: a portal that was away and comes back with what it had.
    pub fn start_with(listen: SocketAddr, portal: Portal) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(accept(TcpListener::from_std(listener)?, portal.clone(), stop.clone()));
        Ok(Self { addr, portal, stop })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The national portal: its settings, faults and what it stored.
    pub fn portal(&self) -> &Portal {
        &self.portal
    }

    /// The portal's `adapter_url` as a connector is configured with it.
    pub fn adapter_url(&self) -> String {
        format!("http://{}{}", self.addr, portal::XRD_ADAPTER)
    }

    /// Stops listening and cuts every connection. What was stored stays readable.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The connection ends here without an answer, on purpose.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox closed the connection on purpose")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn accept(listener: TcpListener, portal: Portal, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await.expect("the semaphore is never closed");
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of file descriptors or an aborted handshake: the next accept may work.
                Err(_) => { tokio::task::yield_now().await; continue }
            },
        };
        tokio::spawn(serve(stream, portal.clone(), stop.clone(), permit));
    }
}

async fn serve(stream: TcpStream, portal: Portal, stop: CancellationToken, _permit: OwnedSemaphorePermit) {
    // Without it a small answer waits for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let portal = portal.clone();
        async move { route(&portal, request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = stop.cancelled() => {}
        // A broken or cut connection is the caller's news; the sandbox has nobody to tell.
        _ = connection => {}
    }
}

async fn route(portal: &Portal, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let path = request.uri().path();
    if portal::is_portal_path(path) {
        portal::answer(portal, request).await
    } else if path.starts_with("/sandbox/") {
        Ok(control::answer(portal, request).await)
    } else {
        Ok(text(StatusCode::NOT_FOUND, "nothing here; the portal is under /XrdAdapter/RestService/forward/mapi/\n"))
    }
}

pub(crate) fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
}
