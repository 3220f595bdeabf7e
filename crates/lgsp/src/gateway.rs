//! A whole gateway from its configuration: opens the stores, starts targets, identity providers and listeners, reloads, drains. Used by
//! `serve`, by the demo and by tests alike.

mod listeners;
mod variables;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use lgsp_config::{Config, SoftState as SoftStateOf, Store, TokenAlgorithm};
use lgsp_contract::Catalogue;
use lgsp_store::{DurableStore, EmbeddedOptions, EmbeddedStore, LocalSoft, RedisSoft, SoftState, StoreError};
use tokio::sync::Mutex;

use crate::admin::AdminServer;
use crate::app::{App, Parts, Snapshot};
use crate::broker::{ProviderProblem, Providers};
use crate::clock::Clock;
use crate::identity::{DigestKey, Issuer, KeyError, KeyRing, Members, Revoked, Roster};
use crate::payments::{Inquiry, PaymentProviderProblem, PaymentProviders, reconcile};
use crate::server::Server;
pub use crate::server::{BadSocket, Sockets, TlsError};
use crate::services::{self, Services, Values};
use crate::targets::{Ground, TargetError, Targets};
use crate::telemetry::Metrics;
use listeners::{Encryption, Entrances};
pub use variables::Variables;

/// A running gateway.
pub struct Gateway {
    app: Arc<App>,
    public: Server,
    admin: AdminServer,
    keys: PathBuf,
    variables: Variables,
    /// One reload at a time.
    reloading: Mutex<()>,
}

/// Why a gateway did not start.
#[derive(Debug)]
pub enum StartError {
    /// The store cannot be used.
    Store(PathBuf, StoreError),
    /// The server of the soft state cannot be used.
    SoftState(StoreError),
    /// The signing keys cannot be used.
    Keys(KeyError),
    /// An identity provider cannot be used.
    Provider(ProviderProblem),
    /// A payment provider cannot be used.
    PaymentProvider(PaymentProviderProblem),
    /// A target cannot be built.
    Target(TargetError),
    /// A listener cannot be opened.
    Listen(SocketAddr, std::io::Error),
    /// Certificates or keys cannot be used.
    Tls(Vec<TlsError>),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(path, error) => write!(f, "store in {}: {error}", path.display()),
            Self::SoftState(StoreError::Unavailable(why)) => {
                write!(f, "soft state: {why}; is the server of [soft_state] url there?")
            }
            Self::SoftState(error) => write!(f, "soft state: {error}"),
            Self::Keys(error) => error.fmt(f),
            Self::Provider(error) => error.fmt(f),
            Self::PaymentProvider(error) => error.fmt(f),
            Self::Target(error) => error.fmt(f),
            Self::Listen(address, error) => {
                write!(f, "cannot listen on {address}: {error}; choose another address or stop what uses it")
            }
            Self::Tls(errors) => {
                let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
        }
    }
}

impl std::error::Error for StartError {}

impl Gateway {
    /// Starts a gateway. Both listeners answer when this returns.
    pub async fn start(config: Config, contracts: Catalogue) -> Result<Self, StartError> {
        Self::start_on(Sockets::default(), config, contracts).await
    }

    /// Starts a gateway on sockets that came with the process; those that did not are opened.
    pub async fn start_on(sockets: Sockets, config: Config, contracts: Catalogue) -> Result<Self, StartError> {
        Self::start_with(sockets, Variables::of_environment(), config, contracts).await
    }

    /// The same with values of its own for what contracts write as `${NAME}`.
    pub async fn start_with(
        sockets: Sockets,
        variables: Variables,
        config: Config,
        contracts: Catalogue,
    ) -> Result<Self, StartError> {
        let encryption = Encryption::load(&config).await?;
        let (clock, metrics) = (Clock::start(), Arc::new(Metrics::new()));
        let soft = open_soft(&config.soft_state).await?;
        let store = open_store(&config.store, metrics.clone()).await?;
        let keys = config.issuer.keys.clone();
        let ring = KeyRing::open(&keys, clock.wall(), &algorithms(&config)).map_err(StartError::Keys)?;
        let issuer = Issuer::new(&config.issuer.url, ring, config.issuer.token_ttl);
        let digest_key = Arc::new(DigestKey::open(&keys).map_err(StartError::Keys)?);
        let services = Arc::new(services_of(&config, &contracts, &variables, &clock, None));
        let ground = Ground { store: &store, clock: &clock, metrics: &metrics, digest_key: &digest_key };
        let targets = Targets::start(&config, &services, &ground).map_err(StartError::Target)?;
        let entrances = Entrances::open(sockets, &config)?;
        let limits = config.limits.clone();
        let providers = Providers::build(&config, &shared_clock(&clock), None).map_err(StartError::Provider)?;
        let payment_providers =
            PaymentProviders::build(&config, &shared_clock(&clock), None).map_err(StartError::PaymentProvider)?;
        let store_failed = |error| StartError::Store(config.store.place().to_owned(), error);
        let revoked = Revoked::load(&*store, clock.steady()).await.map_err(store_failed)?;
        let roster = Roster::load(&*store, clock.wall()).await.map_err(store_failed)?;
        let members = Members::joined(&config.members, &roster.records(), &roster.seen, clock.wall());
        let snapshot = Snapshot { members, config, contracts, services, providers, payment_providers };
        let parts = Parts { clock, store, soft, metrics, issuer, revoked, digest_key, targets, roster, snapshot };
        let app = Arc::new(App::new(parts));
        app.keep_members();
        tokio::spawn(Inquiry::run(app.clone()));
        reconcile::show_all(&app).await;
        app.metrics.certificates(&encryption.ends());
        // Operators' listener comes last: who finds it ready finds the other one too.
        let (public, admin) = entrances.start(encryption, &limits, &app)?;
        tracing::info!(public = %public.address(), admin = %admin.address(), "gateway ready");
        Ok(Self { app, public, admin, keys, variables, reloading: Mutex::default() })
    }

    /// Where members call.
    pub fn public_address(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where operators call.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Takes over members, limits, contracts, targets, keys and certificates; requests in flight keep what they began
    /// with, and connections their encryption. Addresses, store and issuer stay as they are until a restart.
    pub async fn reload(&self, config: Config, contracts: Catalogue) -> Result<(), StartError> {
        let _alone = self.reloading.lock().await;
        let now = self.app.clock.wall();
        let taken_over = self.take_over(config, contracts).await;
        self.app.metrics.reloaded(taken_over.is_ok(), now);
        taken_over
    }

    async fn take_over(&self, config: Config, contracts: Catalogue) -> Result<(), StartError> {
        let now = self.app.clock.wall();
        let ring = KeyRing::open(&self.keys, now, &algorithms(&config)).map_err(StartError::Keys)?;
        let encryption = Encryption::load(&config).await?;
        let app = &self.app;
        let before = app.snapshot();
        let services = Arc::new(services_of(&config, &contracts, &self.variables, &app.clock, Some(&before.services)));
        let digest_key = app.digest_key_shared();
        let ground = Ground { store: &app.store, clock: &app.clock, metrics: &app.metrics, digest_key: &digest_key };
        app.targets.replace(&config, &services, &ground).await.map_err(StartError::Target)?;
        let clock = shared_clock(&app.clock);
        let providers = Providers::build(&config, &clock, Some(&before.providers)).map_err(StartError::Provider)?;
        let payment_providers = PaymentProviders::build(&config, &clock, Some(&before.payment_providers));
        let payment_providers = payment_providers.map_err(StartError::PaymentProvider)?;
        app.issuer.replace_keys(ring);
        app.metrics.certificates(&encryption.ends());
        self.public.replace_tls(encryption.public);
        self.admin.replace_tls(encryption.admin);
        app.replace(Snapshot {
            members: Members::default(),
            config,
            contracts,
            services,
            providers,
            payment_providers,
        });
        reconcile::show_all(app).await;
        tracing::info!("configuration taken over");
        Ok(())
    }

    /// Notes that a new configuration was bad; the old one stays.
    pub fn reload_failed(&self) {
        self.app.metrics.reloaded(false, self.app.clock.wall());
    }

    /// Lets balancers notice, takes no new work, finishes what is in flight, and closes the store.
    pub async fn stop(self) {
        let delay = self.app.snapshot().config.limits.drain_delay;
        self.app.retire();
        self.public.send_away();
        tokio::time::sleep(delay).await;
        self.app.begin_drain();
        self.public.drain().await;
        self.app.targets.stop(&self.app.store).await;
        self.admin.stop().await;
        self.app.flush_last_uses().await;
        tracing::info!("gateway stopped");
    }
}

/// The services of a catalogue, with this installation's addresses and secrets.
fn services_of(
    config: &Config,
    contracts: &Catalogue,
    variables: &Variables,
    clock: &Clock,
    before: Option<&Services>,
) -> Services {
    let ground = services::Ground {
        values: Values {
            base: &config.contracts.path,
            variable: &|name| variables.value(name),
            read_file: &crate::load::read_secret,
        },
        clock,
    };
    Services::new(contracts, &ground, before)
}

/// The algorithms that tokens are signed with.
fn algorithms(config: &Config) -> Vec<TokenAlgorithm> {
    TokenAlgorithm::ALL.into_iter().filter(|algorithm| config.uses(*algorithm)).collect()
}

/// The wall's time, for those who compare it with what others write.
fn shared_clock(clock: &Clock) -> lgsp_connect::Clock {
    let clock = clock.clone();
    Arc::new(move || clock.wall())
}

async fn open_soft(soft: &SoftStateOf) -> Result<Arc<dyn SoftState>, StartError> {
    match soft {
        SoftStateOf::Local => Ok(Arc::new(LocalSoft::default())),
        SoftStateOf::Redis { url, prefix } => {
            let opened = RedisSoft::open(url.expose(), prefix).await.map_err(StartError::SoftState)?;
            Ok(Arc::new(opened))
        }
    }
}

async fn open_store(store: &Store, metrics: Arc<Metrics>) -> Result<Arc<dyn DurableStore>, StartError> {
    let path = store.place().to_owned();
    let open = {
        let path = path.clone();
        move || EmbeddedStore::open(&path, EmbeddedOptions { observer: Some(metrics), ..EmbeddedOptions::default() })
    };
    let opened = tokio::task::spawn_blocking(open).await.expect("opening the store does not panic");
    opened.map(|store| Arc::new(store) as Arc<dyn DurableStore>).map_err(|error| StartError::Store(path, error))
}
