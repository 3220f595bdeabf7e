//! What happens between calls: idle connections are closed, and servers are asked whether they are well.
//!
//! Its tasks end when the upstream is gone. Probes take no part in breaker, budget and counts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use hyper::Request;
use hyper::header::{HeaderValue, USER_AGENT};
use lgsp_core::Probed;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Upstream;
use super::attempt::{Answered, Attempt, Lines};
use super::outgoing::{Outgoing, UpstreamBody};
use super::patience::Patience;
use super::settings::{Http2, ProbeSettings};

/// How often idle connections are looked at: they live a little longer than they should by this much at most.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

pub(super) fn start(upstream: &Arc<Upstream>) {
    tokio::spawn(sweep(Arc::downgrade(upstream)));
    if let Some(probe) = &upstream.settings.probe {
        for index in 0..upstream.servers.len() {
            tokio::spawn(probe_server(Arc::downgrade(upstream), probe.clone(), index));
        }
    }
}

async fn sweep(upstream: Weak<Upstream>) {
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(upstream) = upstream.upgrade() else { return };
        let now = Instant::now();
        for server in &upstream.servers {
            server.pool.sweep(now);
            server.multiplexed.sweep(now, upstream.settings.idle_timeout);
        }
    }
}

async fn probe_server(upstream: Weak<Upstream>, probe: ProbeSettings, index: usize) {
    let mut ticks = interval(probe.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(upstream) = upstream.upgrade() else { return };
        let probed = if is_well(&upstream, &probe, index).await { Probed::Well } else { Probed::Badly };
        upstream.probed(index, probed);
    }
}

async fn is_well(upstream: &Upstream, probe: &ProbeSettings, index: usize) -> bool {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.uri = probe.path.clone().into();
    parts.headers.insert(USER_AGENT, HeaderValue::from_static("lgsp-probe"));
    let outgoing = Outgoing::new(parts, UpstreamBody::Whole(bytes::Bytes::new()));
    let deadline = Instant::now() + probe.timeout;
    let patience = Patience { timeout: probe.timeout, deadline, progress: None };
    let server = &upstream.servers[index];
    let attempt = Attempt { upstream, server, target: &outgoing.target, patience: &patience };
    // A new connection: the question is whether the server takes calls, not whether an old one still stands.
    let answered = match upstream.settings.http2 {
        Http2::Always => attempt.over_stream(outgoing.request).await,
        Http2::Never => attempt.over_line(outgoing.request, Lines::Fresh).await,
    };
    let status = answered.as_ref().map(Answered::status);
    status.is_ok_and(|status| status.is_success() || status.is_redirection())
}
