//! Calls to the servers of one service: connections that are kept, the choice of a server, repeats, a breaker, probes.
//!
//! It passes requests and answers on as they are: which headers may cross, what the messages mean, and who may call at
//! all, the shell decides.

mod admission;
mod answer;
mod attempt;
mod bell;
mod failure;
mod line;
mod multiplexed;
mod names;
mod outgoing;
mod patience;
mod pool;
mod settings;
mod tls;
mod transport;
mod tries;
mod watch;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Response;
use hyper::http::request::Parts;
use lgsp_core::{Breaker, BreakerState, Outliers, RetryBudget};
use lgsp_model::Timestamp;
use rustls::pki_types::ServerName;
use tokio::time::Instant;

pub use answer::{ResponseBody, SwitchedLine};
pub use failure::{BodyFailure, CallFailure, FailureKind, Sent};
pub use outgoing::{BodyError, BodyStream, UpstreamBody};
pub use settings::{
    AddressError, Http2, Identity, ProbeSettings, RetrySettings, ServerAddress, ServerSettings, TlsSettings,
    UpstreamError, UpstreamSettings,
};

use admission::{Ticket, Verdicts};
use multiplexed::Multiplexed;
use names::Names;
use outgoing::Outgoing;
use pool::Pool;
use tls::Tls;
use tries::Tries;

use crate::Clock;

/// A set of servers is kept as the bits of one number.
const MOST_SERVERS: usize = 64;

/// Idle connections kept to one server, however many calls it may have at a time.
const MOST_IDLE: usize = 1024;

/// The step of the generator behind [`Upstream::random`] (SplitMix64).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Whether a call may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeatable {
    /// It is tried once.
    Never,
    /// As long as nothing of it can have reached a server.
    IfUnsent,
    /// In any case: the server does the same for one as for several. Bodies that come in pieces are not repeated once
    /// they were begun.
    Always,
}

/// How one call is made.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// When the head of the answer must be there, all tries counted.
    pub deadline: Instant,
    /// When the body of the answer must be at its end; none for those that may go on, like server-sent events.
    pub end: Option<Instant>,
    /// Whether it may be sent again.
    pub repeatable: Repeatable,
    /// Whether the answer may be 101, to another protocol. The request's `Connection` and `Upgrade` headers are the
    /// caller's.
    pub upgrade: bool,
}

/// An answer with its body still to come.
pub type UpstreamResponse = Response<ResponseBody>;

/// One server and what is known of it.
struct Server {
    address: ServerAddress,
    weight: u32,
    names: Names,
    /// The name that it proves under TLS; none without.
    tls_name: Option<ServerName<'static>>,
    pool: Pool,
    multiplexed: Multiplexed,
    in_flight: AtomicU32,
    calls: AtomicU64,
    failures: AtomicU64,
}

/// The servers of one service, ready to be called.
pub struct Upstream {
    settings: UpstreamSettings,
    servers: Vec<Server>,
    tls: Option<Tls>,
    clock: Clock,
    in_flight: AtomicU32,
    /// Copies for busy paths of what [`Verdicts`] know: a bit for each ejected server, and whether none failed lately.
    ejected: AtomicU64,
    quiet: AtomicBool,
    verdicts: Mutex<Verdicts>,
    random: AtomicU64,
}

/// What a metric shows of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// Its address.
    pub address: String,
    /// Calls that it has now.
    pub in_flight: u32,
    /// Connections that wait for calls, or carry several.
    pub connections: usize,
    /// Whether it is left out for now.
    pub ejected: bool,
    /// Tries since the start.
    pub calls: u64,
    /// Failed ones among them.
    pub failures: u64,
}

/// What a metric shows of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamState {
    /// The breaker of the whole.
    pub breaker: BreakerState,
    /// Calls that are running.
    pub in_flight: u32,
    /// Tries after the first one of a call, since the start.
    pub repeats: u64,
    /// In the order of the settings.
    pub servers: Vec<ServerState>,
}

impl Upstream {
    /// Builds an upstream. It connects when it is first used; in a tokio runtime, because what closes idle connections
    /// and probes servers starts here. `clock` must not jump.
    pub fn build(settings: UpstreamSettings, clock: Clock) -> Result<Arc<Self>, UpstreamError> {
        let count = settings.servers.len();
        if count == 0 || count > MOST_SERVERS {
            return Err(UpstreamError::Servers(count));
        }
        let needs_tls = settings.servers.iter().any(|server| server.address.is_tls());
        let tls = if needs_tls { Some(Tls::build(&settings.tls)?) } else { None };
        let servers = settings.servers.iter().map(|server| Server::build(server, &settings));
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        let verdicts = Verdicts {
            breaker: Breaker::new(settings.breaker),
            budget: RetryBudget::new(settings.retry.budget),
            outliers: Outliers::new(settings.outlier, count),
            repeats: 0,
        };
        let upstream = Arc::new(Self {
            settings,
            servers,
            tls,
            clock,
            in_flight: AtomicU32::new(0),
            ejected: AtomicU64::new(0),
            quiet: AtomicBool::new(true),
            verdicts: Mutex::new(verdicts),
            random: AtomicU64::new(RandomState::new().hash_one(count)),
        });
        watch::start(&upstream);
        Ok(upstream)
    }

    /// Makes one call. The request's path and query go behind the server's own path; `Host`, `Content-Length` and
    /// `Transfer-Encoding` are set here, every other header goes out as it is; `Expect` has to be taken out by a caller
    /// that streams, because a body is sent without waiting for a `100`.
    pub fn call(
        self: &Arc<Self>,
        request: Parts,
        body: UpstreamBody,
        how: CallOptions,
    ) -> impl Future<Output = Result<UpstreamResponse, CallFailure>> + Send + use<> {
        // Made before the future, which then holds no room for what it is made from.
        let made = Ticket::take(self).map(|ticket| {
            let mut outgoing = Outgoing::new(request, body);
            (Tries::new(ticket, &mut outgoing, how), outgoing.request)
        });
        async move {
            let (tries, request) = made?;
            tries.run(request).await
        }
    }

    /// What is known now.
    pub fn state(&self) -> UpstreamState {
        let verdicts = self.verdicts();
        let servers = self.servers.iter().enumerate().map(|(index, server)| ServerState {
            address: server.address.to_string(),
            in_flight: server.in_flight.load(Ordering::Relaxed),
            connections: server.pool.len() + server.multiplexed.len(),
            ejected: verdicts.outliers.is_ejected(index),
            calls: server.calls.load(Ordering::Relaxed),
            failures: server.failures.load(Ordering::Relaxed),
        });
        UpstreamState {
            breaker: verdicts.breaker.state(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            repeats: verdicts.repeats,
            servers: servers.collect(),
        }
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Good enough to spread load, and nothing else.
    fn random(&self) -> u64 {
        let mut mixed = self.random.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn jitter(&self) -> f64 {
        (self.random() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Server {
    fn build(server: &ServerSettings, settings: &UpstreamSettings) -> Result<Self, UpstreamError> {
        let address = server.address.clone();
        let tls_name = if address.is_tls() { Some(tls::server_name(&settings.tls, &address)?) } else { None };
        let most_idle = usize::try_from(settings.concurrency).unwrap_or(MOST_IDLE).min(MOST_IDLE);
        Ok(Self {
            names: Names::new(&address),
            address,
            weight: server.weight,
            tls_name,
            pool: Pool::new(most_idle, settings.idle_timeout),
            multiplexed: Multiplexed::default(),
            in_flight: AtomicU32::new(0),
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        })
    }
}
