//! The listener of the sandbox: accepts, hands each request to the partner whose path it has, answers or cuts.
//!
//! It knows no partner's protocol.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::control;
use crate::echo::{self, Echo};
use crate::enterprise::Enterprise;
use crate::identity::{self, Cas, Province, VnConnect, Vneid};
use crate::line::Line;
use crate::ministry::Ministry;
use crate::partner::exchange;
use crate::payment::{self, Payments};
use crate::population::Population;
use crate::portal::{self, Portal};
use crate::profiles::Profiles;
use crate::scripted::{Body, Cut, Ending};
use crate::vnpost::VnPost;

/// Connections at a time; with bodies of at most 16 MiB this bounds what requests can hold.
const MAX_CONNECTIONS: usize = 1024;

/// All simulated partners; clones are the same partners.
#[derive(Clone, Default)]
pub struct Partners {
    /// The national portal, at `/XrdAdapter/` and `/VXPAdapter/`.
    pub portal: Portal,
    /// The population database, at `/population/`.
    pub population: Population,
    /// The enterprise register, at `/enterprise/`.
    pub enterprise: Enterprise,
    /// The profile exchange between units, at `/profiles/`.
    pub profiles: Profiles,
    /// The post, at `/vnpost/`.
    pub vnpost: VnPost,
    /// The ministry's connector, at `/ministry/`.
    pub ministry: Ministry,
    /// The national portal's sign-in, at `/identity/vnconnect/`.
    pub vnconnect: VnConnect,
    /// VNeID, at `/identity/vneid/`.
    pub vneid: Vneid,
    /// The province's own sign-in, at `/identity/province/`.
    pub province: Province,
    /// The older one of the province, at `/identity/cas/`.
    pub cas: Cas,
    /// The payment providers, at `/pay-sandbox/`.
    pub payments: Payments,
    /// The echo for tests of proxies, at `/echo/`.
    pub echo: Echo,
}

/// The simulated partners, listening until stopped or dropped.
pub struct Sandbox {
    addr: SocketAddr,
    partners: Partners,
    stop: CancellationToken,
}

impl Sandbox {
    /// Listens on `listen` (port 0 takes a free one) and serves every partner on the current tokio runtime. Fails when
    /// the address cannot be bound.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(listen: SocketAddr) -> io::Result<Self> {
        Self::start_all(listen, Partners::default())
    }

    /// The same with a portal that exists already: a portal that was away and comes back with what it had.
    pub fn start_with(listen: SocketAddr, portal: Portal) -> io::Result<Self> {
        Self::start_all(listen, Partners { portal, ..Partners::default() })
    }

    /// The same with partners that exist already.
    pub fn start_all(listen: SocketAddr, partners: Partners) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(accept(TcpListener::from_std(listener)?, Arc::new(partners.clone()), stop.clone()));
        Ok(Self { addr, partners, stop })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// All partners.
    pub fn partners(&self) -> &Partners {
        &self.partners
    }

    /// The national portal: its settings, faults and what it stored.
    pub fn portal(&self) -> &Portal {
        &self.partners.portal
    }

    /// The population database.
    pub fn population(&self) -> &Population {
        &self.partners.population
    }

    /// The enterprise register.
    pub fn enterprise(&self) -> &Enterprise {
        &self.partners.enterprise
    }

    /// The profile exchange between units.
    pub fn profiles(&self) -> &Profiles {
        &self.partners.profiles
    }

    /// The post.
    pub fn vnpost(&self) -> &VnPost {
        &self.partners.vnpost
    }

    /// The ministry's connector.
    pub fn ministry(&self) -> &Ministry {
        &self.partners.ministry
    }

    /// The national portal's sign-in.
    pub fn vnconnect(&self) -> &VnConnect {
        &self.partners.vnconnect
    }

    /// VNeID.
    pub fn vneid(&self) -> &Vneid {
        &self.partners.vneid
    }

    /// The province's own sign-in.
    pub fn province(&self) -> &Province {
        &self.partners.province
    }

    /// The older sign-in of the province.
    pub fn cas(&self) -> &Cas {
        &self.partners.cas
    }

    /// The payment providers.
    pub fn payments(&self) -> &Payments {
        &self.partners.payments
    }

    /// The echo.
    pub fn echo(&self) -> &Echo {
        &self.partners.echo
    }

    /// The portal's `adapter_url` as a connector is configured with it.
    pub fn adapter_url(&self) -> String {
        self.url(portal::XRD_ADAPTER)
    }

    /// The address of a path of the sandbox, such as `/population` or `/echo/any`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
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

async fn accept(listener: TcpListener, partners: Arc<Partners>, stop: CancellationToken) {
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
        tokio::spawn(serve(stream, Arc::clone(&partners), stop.clone(), permit));
    }
}

async fn serve(stream: TcpStream, partners: Arc<Partners>, stop: CancellationToken, _permit: OwnedSemaphorePermit) {
    // Without it a small answer waits for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let ending = Ending::default();
    let line = Line::new(stream, ending.clone());
    let closing = stop.clone();
    let service = service_fn(move |request| {
        let (partners, ending, stop) = (Arc::clone(&partners), ending.clone(), closing.clone());
        async move { route(&partners, request, &ending, stop).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(line), service);
    tokio::select! {
        () = stop.cancelled() => {}
        // A broken or cut connection is the caller's news; the sandbox has nobody to tell.
        _ = connection => {}
    }
}

async fn route(
    partners: &Partners,
    request: Request<Incoming>,
    ending: &Ending,
    stop: CancellationToken,
) -> Result<Response<Body>, Cut> {
    let path = request.uri().path().to_owned();
    if portal::is_portal_path(&path) {
        return portal::answer(&partners.portal, request).await;
    }
    // "/population/soap" is "population" and "/soap".
    let inner = path.strip_prefix('/').unwrap_or(&path);
    let (name, below) = inner.split_at(inner.find('/').unwrap_or(inner.len()));
    match name {
        "sandbox" => Ok(control::answer(partners, request).await),
        "population" => exchange(&partners.population, below, request).await,
        "enterprise" => exchange(&partners.enterprise, below, request).await,
        "profiles" => exchange(&partners.profiles, below, request).await,
        "vnpost" => exchange(&partners.vnpost, below, request).await,
        "ministry" => exchange(&partners.ministry, below, request).await,
        "pay-sandbox" => payment::answer(&partners.payments, below, request).await,
        "identity" => identity::answer(partners, below, request).await,
        "echo" => echo::answer(&partners.echo, below, request, ending, stop).await,
        _ => Ok(Answer::text(
            StatusCode::NOT_FOUND,
            "nothing here; the portal is under /XrdAdapter/RestService/forward/mapi/, the others under /population/, \
             /enterprise/, /profiles/, /vnpost/, /ministry/, /identity/, /pay-sandbox/, /echo/, the controls under \
             /sandbox/\n",
        )
        .into_response()),
    }
}
