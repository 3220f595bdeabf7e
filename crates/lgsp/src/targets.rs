//! The set of targets: those of the configuration, one for each service in queue mode, one for each call-back address.
//! Each has its running delivery; a reload changes those that are not as they were and no other.

mod plan;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use lgsp_config::{Config, Target};
use lgsp_connect::{CheckError, Connector, QueryFailure};
use lgsp_model::{AgencyCode, Disposition, ErrorCode, TargetId};
use lgsp_store::{DurableStore, StoredEvent};

use crate::clock::Clock;
use crate::delivery::{Setup, TargetHandle};
use crate::failure::Failure;
use crate::identity::DigestKey;
use crate::services::Services;
use crate::telemetry::Metrics;
use plan::Plan;
pub(crate) use plan::{of_service, service_of};

/// How long a target's calls in flight may take when it is stopped: longer than any connector's deadline by default.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The connector that answers catalogue queries.
const PORTAL: &str = "npsp";

/// All targets of one gateway.
pub(crate) struct Targets {
    running: ArcSwap<HashMap<TargetId, Running>>,
    /// The services as they are now: what is delivered to them goes by the contract in force at that moment.
    services: Arc<ArcSwap<Services>>,
}

#[derive(Clone)]
struct Running {
    plan: Arc<Plan>,
    connector: Arc<dyn Connector>,
    handle: Arc<TargetHandle>,
}

/// What a running target is built on.
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Arc<dyn DurableStore>,
    pub(crate) clock: &'a Clock,
    pub(crate) metrics: &'a Arc<Metrics>,
    pub(crate) digest_key: &'a Arc<DigestKey>,
}

/// Why a target cannot run.
#[derive(Debug)]
pub enum TargetError {
    /// Its settings are wrong.
    Check(TargetId, CheckError),
    /// Its connector cannot be built on this machine.
    Build(TargetId, lgsp_connect::BuildError),
    /// Two have this name: one of the configuration and one of a service or member.
    Name(TargetId),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(id, error) => write!(f, "target {id}: {error}"),
            Self::Build(id, error) => write!(f, "target {id}: {error}"),
            Self::Name(id) => write!(f, "target {id}: this name belongs to a service or a member; choose another"),
        }
    }
}

impl std::error::Error for TargetError {}

/// A target as operators see it.
pub(crate) struct Shown {
    pub(crate) id: TargetId,
    /// What speaks to it.
    pub(crate) connector: String,
    pub(crate) handle: Arc<TargetHandle>,
}

impl Targets {
    /// Starts them all.
    pub(crate) fn start(config: &Config, services: &Arc<Services>, ground: &Ground<'_>) -> Result<Self, TargetError> {
        let services = Arc::new(ArcSwap::new(services.clone()));
        let mut running = HashMap::new();
        for (plan, connector) in build_all(config, &services.load(), &services, ground)? {
            running.insert(plan.id.clone(), run(plan, connector, false, ground));
        }
        Ok(Self { running: ArcSwap::from_pointee(running), services })
    }

    /// Makes the running targets those of a configuration and its services. Nothing changes when one of them cannot be
    /// built.
    pub(crate) async fn replace(
        &self,
        config: &Config,
        services: &Arc<Services>,
        ground: &Ground<'_>,
    ) -> Result<(), TargetError> {
        let built = build_all(config, services, &self.services, ground)?;
        let before = self.running.load_full();
        let mut after = HashMap::new();
        let mut changed = Vec::new();
        for (plan, connector) in built {
            match before.get(&plan.id) {
                Some(same) if *same.plan == plan => {
                    after.insert(plan.id.clone(), same.clone());
                }
                _ => changed.push((plan, connector)),
            }
        }
        self.services.store(services.clone());
        // One target never has two deliveries at a time: the old one ends before the new one begins.
        let mut clean = Vec::new();
        for (id, old) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
            if old.handle.stop(STOP_WITHIN).await {
                clean.push(id);
            }
        }
        for (plan, connector) in changed {
            let ended_clean = clean.contains(&&plan.id);
            after.insert(plan.id.clone(), run(plan, connector, ended_clean, ground));
        }
        self.running.store(Arc::new(after));
        Ok(())
    }

    /// Stops them all; what is in flight may end. Those that have nothing in doubt are marked, so that a start does not
    /// ask about what was never sent.
    pub(crate) async fn stop(&self, store: &Arc<dyn DurableStore>) {
        let mut stopping = tokio::task::JoinSet::new();
        for (id, target) in self.running.load_full().iter() {
            let (id, handle) = (id.clone(), target.handle.clone());
            stopping.spawn(async move { handle.stop(STOP_WITHIN).await.then_some(id) });
        }
        let clean: Vec<TargetId> = stopping.join_all().await.into_iter().flatten().collect();
        if let Err(error) = store.mark_clean_stop(clean).await {
            tracing::warn!(%error, "the next start will ask targets about what may have been sent");
        }
    }

    /// A running target.
    pub(crate) fn get(&self, id: &TargetId) -> Option<Arc<TargetHandle>> {
        self.running.load().get(id).map(|running| running.handle.clone())
    }

    /// All that run, by name.
    pub(crate) fn all(&self) -> Vec<Shown> {
        let shown = |(id, running): (&TargetId, &Running)| Shown {
            id: id.clone(),
            connector: running.plan.connector().to_owned(),
            handle: running.handle.clone(),
        };
        let mut all: Vec<_> = self.running.load().iter().map(shown).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Asks the portal's catalogue, whichever target speaks to it.
    pub(crate) async fn query(
        &self,
        service: &str,
        parameters: &BTreeMap<String, serde_json::Value>,
    ) -> Result<Bytes, Failure> {
        let running = self.running.load_full();
        let mut portals: Vec<_> = running.values().filter(|target| target.plan.connector() == PORTAL).collect();
        portals.sort_by(|a, b| a.plan.id.cmp(&b.plan.id));
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

/// Whether an event is one that a target of the configuration gets.
pub(crate) fn goes_to(target: &Target, event: &StoredEvent) -> bool {
    event.disposition != Disposition::Held
        && target.kinds.contains(&event.kind)
        && event.agency.parse::<AgencyCode>().is_ok_and(|agency| target.agencies.covers(&agency))
}

/// A target and the connector made for it.
type Built = (Plan, Arc<dyn Connector>);

fn build_all(
    config: &Config,
    services: &Services,
    shared: &Arc<ArcSwap<Services>>,
    ground: &Ground<'_>,
) -> Result<Vec<Built>, TargetError> {
    let plans = Plan::all(config, services, ground.clock.wall())?;
    let build = |plan: Plan| {
        let connector = plan.build(shared, ground)?;
        Ok((plan, connector))
    };
    plans.into_iter().map(build).collect()
}

fn run(plan: Plan, connector: Arc<dyn Connector>, after_clean_stop: bool, ground: &Ground<'_>) -> Running {
    let handle = TargetHandle::start(Setup {
        id: plan.id.clone(),
        store: ground.store.clone(),
        connector: connector.clone(),
        filter: plan.filter.clone(),
        begin: plan.begin,
        after_clean_stop,
        policy: plan.policy.clone(),
        clock: ground.clock.steady_fn(),
        cursor: crate::feed::cursor,
        meter: ground.metrics.clone(),
    });
    Running { plan: Arc::new(plan), connector, handle: Arc::new(handle) }
}
