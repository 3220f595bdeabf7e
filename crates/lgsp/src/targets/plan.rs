//! Which targets there are to be: what each gets, within which bounds, and what speaks to it. It starts nothing.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use lgsp_config::{Config, ConnectorSettings, Member, Target};
use lgsp_connect::Connector;
use lgsp_core::delivery::{KindPolicies, KindPolicy, Policy, Repeat};
use lgsp_core::{Backoff, BreakerPolicy};
use lgsp_model::{AgencyGrant, EventKind, MemberId, TargetId, Timestamp};
use lgsp_store::ReadFilter;

use super::{Ground, TargetError};
use crate::delivery::{self, Begin, SAVE_EVERY};
use crate::load::CALLBACK;
use crate::services::{Callback, Outbox, Services};

/// The name of a service's target is this and the service's id.
const OF_SERVICE: &str = "service-";

/// The name of the target of a member's call-back address is this and the member's id.
const OF_CALLBACK: &str = "callback-";

/// Calls at once to a queue's upstream: what waits is in no hurry, and the upstream has other callers.
const MOST_AT_ONCE: u32 = 16;

/// Calls at once to one call-back address.
const CALLBACKS_AT_ONCE: usize = 4;

/// Events that may be on their way. After a crash so many are in doubt, and where a partner cannot be asked a person has to
/// look at each: so no more than keep the calls busy. Never smaller in a later version: see `Policy::window`.
const WINDOW: usize = 64;

/// Their payloads.
const WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// Parked events held in memory; some hundred bytes each.
const MOST_PARKED: usize = 100_000;

/// The share of a pause that chance may take away.
const SPREAD: f64 = 0.5;

/// One target.
#[derive(PartialEq)]
pub(super) struct Plan {
    pub(super) id: TargetId,
    pub(super) filter: ReadFilter,
    pub(super) begin: Begin,
    pub(super) policy: Policy,
    speaker: Speaker,
}

/// What speaks to a target.
#[derive(PartialEq)]
enum Speaker {
    /// A connector of the configuration.
    Connector { name: String, settings: ConnectorSettings },
    /// The upstream of a service.
    Service(String),
    /// A member's call-back address.
    Callback(ConnectorSettings),
}

/// The name of a service's target, if the service can have one.
pub(crate) fn of_service(id: &str) -> Option<TargetId> {
    format!("{OF_SERVICE}{id}").parse().ok()
}

/// The service whose target this is.
pub(crate) fn service_of(target: &TargetId) -> Option<&str> {
    target.as_str().strip_prefix(OF_SERVICE)
}

impl Plan {
    /// Every target of a configuration and its services.
    pub(super) fn all(config: &Config, services: &Services, now: Timestamp) -> Result<Vec<Self>, TargetError> {
        let mut plans: Vec<Self> = config.targets.iter().map(Self::configured).collect();
        let mut queues: Vec<&str> = services.all().filter(|service| service.has_queue()).map(|s| s.id()).collect();
        queues.dedup();
        plans.extend(queues.iter().filter_map(|id| Self::queue(id, services, now)));
        if services.all().any(|service| service.has_queue() && service.queue().callback) {
            let delivery = &config.delivery;
            plans.extend(config.members.iter().filter_map(|member| Self::callback(member, delivery)));
        }
        let mut seen = HashSet::new();
        match plans.iter().find(|plan| !seen.insert(&plan.id)) {
            Some(twice) => Err(TargetError::Name(twice.id.clone())),
            None => Ok(plans),
        }
    }

    fn configured(target: &Target) -> Self {
        Self {
            id: target.id.clone(),
            filter: ReadFilter::new(target.kinds.clone(), target.agencies.clone()),
            begin: match target.start {
                lgsp_config::Start::Beginning => Begin::Beginning,
                lgsp_config::Start::Now => Begin::Now,
            },
            policy: delivery::policy(&target.flow, &target.retry, &target.breaker),
            speaker: Speaker::Connector { name: target.connector.clone(), settings: target.settings.clone() },
        }
    }

    /// The messages of a service, by the terms of the version in force; before the first one is, by those of the last.
    fn queue(id: &str, services: &Services, now: Timestamp) -> Option<Self> {
        let in_force = services.in_force(id, now).map(|(service, _)| service).filter(|service| service.has_queue());
        let newest = || services.all().filter(|service| service.id() == id && service.has_queue()).last();
        let terms = in_force.or_else(newest)?.upstream()?;
        let (failures, open, open_max) = terms.breaker;
        let attempts = terms.deliveries;
        let pause = |first, max| Backoff { first, max, spread: SPREAD };
        let kind = KindPolicy { batch_events: 1, batch_bytes: usize::MAX, repeat: Repeat::AskIfUnknown };
        let policy = Policy {
            attempts,
            backoff: pause(terms.pauses.0, terms.pauses.1.max(terms.pauses.0)),
            // Once it is open no attempt counts: it has to be sooner than a message's last one.
            breaker: BreakerPolicy {
                consecutive: failures.min(attempts.saturating_sub(1)).max(1),
                open: pause(open, open_max.max(open)),
            },
            concurrency: terms.concurrency.clamp(1, MOST_AT_ONCE) as usize,
            window: WINDOW,
            window_bytes: WINDOW_BYTES,
            max_parked: MOST_PARKED,
            save_every: SAVE_EVERY,
            kinds: KindPolicies::all(kind),
        };
        Some(Self {
            // Contracts whose id is too long for a target are not loaded in queue mode.
            id: of_service(id)?,
            filter: ReadFilter {
                key_prefix: Some(format!("{id}/")),
                ..ReadFilter::new(vec![EventKind::Message], AgencyGrant::All)
            },
            // A message may have been accepted before the target's place was first recorded.
            begin: Begin::Beginning,
            policy,
            speaker: Speaker::Service(id.to_owned()),
        })
    }

    /// The replies to a member's messages. Earlier ones were there to be asked for.
    fn callback(member: &Member, delivery: &lgsp_config::Delivery) -> Option<Self> {
        let settings = member.callback.clone()?;
        let policy = delivery::policy(&delivery.flow, &delivery.retry, &delivery.breaker);
        Some(Self {
            id: callback_id(&member.id)?,
            filter: ReadFilter {
                sender: Some(member.id.clone()),
                ..ReadFilter::new(vec![EventKind::Reply], AgencyGrant::All)
            },
            begin: Begin::Now,
            policy: Policy { concurrency: policy.concurrency.min(CALLBACKS_AT_ONCE), ..policy },
            speaker: Speaker::Callback(settings),
        })
    }

    /// The word that operators see.
    pub(super) fn connector(&self) -> &str {
        match &self.speaker {
            Speaker::Connector { name, .. } => name,
            Speaker::Service(_) => "service",
            Speaker::Callback(_) => CALLBACK,
        }
    }

    /// Makes what speaks to it. It connects when it is first used.
    pub(super) fn build(
        &self,
        services: &Arc<ArcSwap<Services>>,
        ground: &Ground<'_>,
    ) -> Result<Arc<dyn Connector>, TargetError> {
        let connector = |name: &str, settings: &ConnectorSettings| {
            let checked = lgsp_connect::check(name, settings.table())
                .map_err(|error| TargetError::Check(self.id.clone(), error))?;
            checked.build(ground.clock.steady_fn()).map_err(|error| TargetError::Build(self.id.clone(), error))
        };
        Ok(match &self.speaker {
            Speaker::Connector { name, settings } => connector(name, settings)?,
            Speaker::Service(id) => Arc::new(Outbox {
                service: id.clone(),
                services: services.clone(),
                store: ground.store.clone(),
                clock: ground.clock.clone(),
                digest_key: ground.digest_key.clone(),
            }),
            Speaker::Callback(settings) => Arc::new(Callback {
                hook: connector(CALLBACK, settings)?,
                services: services.clone(),
                clock: ground.clock.clone(),
            }),
        })
    }
}

/// The name of a member's call-back target. The configuration has no call-back address for a member whose id is too long.
fn callback_id(member: &MemberId) -> Option<TargetId> {
    format!("{OF_CALLBACK}{member}").parse().ok()
}
