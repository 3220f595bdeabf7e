//! The target of a member's call-back address: replies to its messages, of those services that promise a call.
//!
//! How a call is made and signed is the connector's inside.

use std::sync::Arc;

use arc_swap::ArcSwap;
use lgsp_connect::{Asked, BatchLimit, ConnectFuture, Connector, Delivered, Outgoing};
use lgsp_model::{EventKind, Outcome};

use super::running::Services;
use crate::clock::Clock;

/// One member's call-back address.
pub(crate) struct Callback {
    /// What calls.
    pub(crate) hook: Arc<dyn Connector>,
    /// The services as they are now.
    pub(crate) services: Arc<ArcSwap<Services>>,
    pub(crate) clock: Clock,
}

impl Callback {
    /// Replies of services that call nobody stay for those who ask. One whose service is gone was made when it was there.
    fn is_promised(&self, reply: &Outgoing) -> bool {
        let service = reply.code.split('/').next().unwrap_or_default();
        let services = self.services.load();
        services.in_force(service, self.clock.wall()).is_none_or(|(service, _)| service.queue().callback)
    }
}

impl Connector for Callback {
    /// One call for each, whatever the address would take at once: some are left out.
    fn limits(&self, kind: EventKind) -> BatchLimit {
        BatchLimit { events: 1, ..self.hook.limits(kind) }
    }

    fn wants_history(&self) -> bool {
        false
    }

    fn deliver<'a>(&'a self, kind: EventKind, events: &'a [Outgoing]) -> ConnectFuture<'a, Delivered> {
        if events.iter().any(|event| self.is_promised(event)) {
            return self.hook.deliver(kind, events);
        }
        Box::pin(async { Delivered::all(&Outcome::Settled, events.len()) })
    }

    fn ask<'a>(&'a self, event: &'a Outgoing) -> ConnectFuture<'a, Asked> {
        self.hook.ask(event)
    }
}
