//! Metrics of the upstreams of services: read from their own counts when they are scraped, so that calls pay nothing.

use lgsp_connect::UpstreamState;
use lgsp_core::BreakerState;
use prometheus::{IntCounterVec, IntGaugeVec};

use super::metrics::Maker;

/// One row for every service, and one for each of its servers.
pub(crate) struct UpstreamMetrics {
    ready: IntGaugeVec,
    breaker: IntGaugeVec,
    in_flight: IntGaugeVec,
    repeats: IntCounterVec,
    ejected: IntGaugeVec,
    calls: IntCounterVec,
    failures: IntCounterVec,
}

impl UpstreamMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let (service, server) = (&["service"], &["service", "server"]);
        Self {
            ready: make.gauges("lgsp_service_ready", "0 when an operator has to set the service up first.", service),
            breaker: make.gauges("lgsp_upstream_breaker_state", "0 closed, 1 half open, 2 open.", service),
            in_flight: make.gauges("lgsp_upstream_in_flight", "Calls to the service's servers now.", service),
            repeats: make.counters("lgsp_upstream_repeats_total", "Tries after the first one of a call.", service),
            ejected: make.gauges("lgsp_upstream_server_ejected", "1 while a server is left alone.", server),
            calls: make.counters("lgsp_upstream_calls_total", "Tries at a server.", server),
            failures: make.counters("lgsp_upstream_failures_total", "Tries at a server that failed.", server),
        }
    }

    /// Shows these, and forgets services that are gone.
    pub(crate) fn show<'s>(&self, states: impl Iterator<Item = (&'s str, Option<UpstreamState>)>) {
        for gauge in [&self.ready, &self.breaker, &self.in_flight, &self.ejected] {
            gauge.reset();
        }
        for counter in [&self.repeats, &self.calls, &self.failures] {
            counter.reset();
        }
        for (service, state) in states {
            let name = &[service];
            self.ready.with_label_values(name).set(i64::from(state.is_some()));
            let Some(state) = state else { continue };
            self.breaker.with_label_values(name).set(match state.breaker {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            });
            self.in_flight.with_label_values(name).set(i64::from(state.in_flight));
            self.repeats.with_label_values(name).inc_by(state.repeats);
            for server in &state.servers {
                let names = &[service, server.address.as_str()];
                self.ejected.with_label_values(names).set(i64::from(server.ejected));
                self.calls.with_label_values(names).inc_by(server.calls);
                self.failures.with_label_values(names).inc_by(server.failures);
            }
        }
    }
}
