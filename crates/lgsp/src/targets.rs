//! The set of targets: built from the configuration, each with its running delivery; changed by a reload without touching
//! those that stay as they were.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use lgsp_config::Target;
use lgsp_connect::{CheckError, Connector, QueryFailure};
use lgsp_model::{AgencyCode, Disposition, ErrorCode, TargetId};
use lgsp_store::{DurableStore, ReadFilter, StoredEvent};

use crate::clock::Clock;
use crate::delivery::{self, Begin, Setup, TargetHandle};
use crate::failure::Failure;
use crate::telemetry::Metrics;

/// How long a target's calls in flight may take when it is stopped: longer than any connector's deadline by default.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The connector that answers catalogue queries.
const PORTAL: &str = "npsp";

/// All targets of one gateway.
pub(crate) struct Targets {
    running: ArcSwap<HashMap<TargetId, Running>>,
}

#[derive(Clone)]
struct Running {
    configured: Arc<Target>,
    connector: Arc<dyn Connector>,
    handle: Arc<TargetHandle>,
}

/// What a running target is built on.
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Arc<dyn DurableStore>,
    pub(crate) clock: &'a Clock,
    pub(crate) metrics: &'a Arc<Metrics>,
}

/// Why a target cannot run.
#[derive(Debug)]
pub enum TargetError {
    /// Its settings are wrong.
    Check(TargetId, CheckError),
    /// Its connector cannot be built on this machine.
    Build(TargetId, lgsp_connect::BuildError),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(id, error) => write!(f, "target {id}: {error}"),
            Self::Build(id, error) => write!(f, "target {id}: {error}"),
        }
    }
}

impl std::error::Error for TargetError {}

impl Targets {
    /// Starts them all.
    pub(crate) fn start(configured: &[Target], ground: &Ground<'_>) -> Result<Self, TargetError> {
        let mut running = HashMap::new();
        for (target, connector) in build_all(configured, ground.clock)? {
            running.insert(target.id.clone(), run(target, connector, ground));
        }
        Ok(Self { running: ArcSwap::from_pointee(running) })
    }

    /// Makes the running targets those of `configured`. Nothing changes when one of them cannot be built.
    pub(crate) async fn replace(&self, configured: &[Target], ground: &Ground<'_>) -> Result<(), TargetError> {
        let built = build_all(configured, ground.clock)?;
        let before = self.running.load_full();
        let mut after = HashMap::new();
        let mut changed = Vec::new();
        for (target, connector) in built {
            match before.get(&target.id) {
                Some(same) if is_same(&same.configured, target) => {
                    after.insert(target.id.clone(), same.clone());
                }
                _ => changed.push((target, connector)),
            }
        }
        // One target never has two deliveries at a time: the old one ends before the new one begins.
        for (_, old) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
            old.handle.stop(STOP_WITHIN).await;
        }
        for (target, connector) in changed {
            after.insert(target.id.clone(), run(target, connector, ground));
        }
        self.running.store(Arc::new(after));
        Ok(())
    }

    /// Stops them all; what is in flight may end.
    pub(crate) async fn stop(&self) {
        let mut stopping = tokio::task::JoinSet::new();
        for target in self.running.load_full().values().cloned() {
            stopping.spawn(async move { target.handle.stop(STOP_WITHIN).await });
        }
        stopping.join_all().await;
    }

    /// A running target.
    pub(crate) fn get(&self, id: &TargetId) -> Option<Arc<TargetHandle>> {
        self.running.load().get(id).map(|running| running.handle.clone())
    }

    /// Asks the portal's catalogue, whichever target speaks to it.
    pub(crate) async fn query(
        &self,
        service: &str,
        parameters: &BTreeMap<String, serde_json::Value>,
    ) -> Result<Bytes, Failure> {
        let running = self.running.load_full();
        let mut portals: Vec<_> = running.values().filter(|target| target.configured.connector == PORTAL).collect();
        portals.sort_by(|a, b| a.configured.id.cmp(&b.configured.id));
        let portal = portals.first().ok_or_else(|| {
            Failure::new(ErrorCode::UpstreamUnreachable, "no target with the connector npsp is configured to ask")
        })?;
        let parameters = parameters.clone().into_iter().collect();
        portal.connector.query(service, &parameters).await.map_err(|failure| match failure {
            QueryFailure::Unsupported => Failure::new(ErrorCode::UnknownService, "the portal answers no queries"),
            QueryFailure::Unreachable(cause) => Failure::new(ErrorCode::UpstreamUnreachable, cause.detail),
            QueryFailure::Timeout(cause) => Failure::new(ErrorCode::UpstreamTimeout, cause.detail),
            QueryFailure::Refused(cause) => Failure::new(ErrorCode::UpstreamRefused, cause.detail),
        })
    }
}

/// Whether an event is one that a target gets.
pub(crate) fn goes_to(target: &Target, event: &StoredEvent) -> bool {
    event.disposition != Disposition::Held
        && target.kinds.contains(&event.kind)
        && event.agency.parse::<AgencyCode>().is_ok_and(|agency| target.agencies.covers(&agency))
}

fn is_same(a: &Target, b: &Target) -> bool {
    let plain =
        |t: &Target| (t.connector.clone(), t.agencies.clone(), t.kinds.clone(), t.start, t.flow, t.retry, t.breaker);
    plain(a) == plain(b) && a.settings == b.settings
}

/// A target's configuration and the connector made of it.
type Built<'a> = (&'a Target, Arc<dyn Connector>);

fn build_all<'a>(configured: &'a [Target], clock: &Clock) -> Result<Vec<Built<'a>>, TargetError> {
    let build = |target: &'a Target| {
        let checked = lgsp_connect::check(&target.connector, target.settings.table())
            .map_err(|error| TargetError::Check(target.id.clone(), error))?;
        let connector =
            checked.build(clock.steady_fn()).map_err(|error| TargetError::Build(target.id.clone(), error))?;
        Ok((target, connector))
    };
    configured.iter().map(build).collect()
}

fn run(target: &Target, connector: Arc<dyn Connector>, ground: &Ground<'_>) -> Running {
    let handle = TargetHandle::start(Setup {
        id: target.id.clone(),
        store: ground.store.clone(),
        connector: connector.clone(),
        filter: ReadFilter::new(target.kinds.clone(), target.agencies.clone()),
        begin: match target.start {
            lgsp_config::Start::Beginning => Begin::Beginning,
            lgsp_config::Start::Now => Begin::Now,
        },
        policy: delivery::policy(target),
        clock: ground.clock.steady_fn(),
        cursor: crate::feed::cursor,
        meter: ground.metrics.clone(),
    });
    Running { configured: Arc::new(target.clone()), connector, handle: Arc::new(handle) }
}
