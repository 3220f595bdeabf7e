//! Whether the program lives, whether it should get work, and its metrics. Open to whoever reaches the listener.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use lgsp_core::BreakerState;
use lgsp_core::delivery::Summary;
use lgsp_model::{ErrorCode, Seq, TargetId};
use lgsp_store::Health;
use serde_json::json;

use super::operator::Refusal;
use super::{Admin, shown};
use crate::app::App;
use crate::failure::Failure;

/// `GET /livez`: answered as long as the program runs.
pub(super) async fn alive() -> Response<Body> {
    shown(&json!({"alive": true}))
}

/// After how long readiness is worth another look.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// `GET /readyz`: 503 with the reason while the gateway should get no work.
pub(super) async fn ready(State(admin): State<Arc<Admin>>) -> Result<Response<Body>, Refusal> {
    if admin.app.is_retiring() {
        return Err(Failure::retry(ErrorCode::Draining, "this gateway takes no new work", LOOK_AGAIN).into());
    }
    let health = admin.app.store.health().borrow().clone();
    match health {
        Health::Writable => Ok(shown(&json!({"ready": true}))),
        Health::ReadOnly { reason } => {
            let detail = format!("the store cannot commit: {reason}");
            Err(Failure::retry(ErrorCode::StoreUnavailable, detail, LOOK_AGAIN).into())
        }
    }
}

/// `GET /metrics`, in the text format of Prometheus.
pub(super) async fn metrics(State(admin): State<Arc<Admin>>) -> Response<Body> {
    let app = &admin.app;
    let head = *app.store.head().borrow();
    app.metrics.log_seq.set(gauge(head.0));
    // A store that cannot be read leaves these as they were; its own metrics and readiness say so.
    if let Ok(held) = app.store.count_held().await {
        app.metrics.held.set(gauge(held));
    }
    for target in app.targets.all() {
        set_target(app, &target.id, &target.handle.status(), head).await;
    }
    app.metrics.upstreams.show(app.snapshot().services.states());
    let mut response = Response::new(Body::from(app.metrics.render()));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

async fn set_target(app: &App, target: &TargetId, status: &Summary, head: Seq) {
    let (metrics, name) = (&app.metrics, &[target.as_str()]);
    metrics.target_lag_events.with_label_values(name).set(gauge(head.0.saturating_sub(status.done_through.0)));
    metrics.target_lag_seconds.with_label_values(name).set(lag(app, status, head).await.as_secs_f64());
    metrics.breaker_state.with_label_values(name).set(match status.breaker {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    });
    for (state, count) in [("retry", status.retry), ("unknown", status.unknown), ("dead", status.dead)] {
        metrics.parked.with_label_values(&[target.as_str(), state]).set(gauge(count as u64));
    }
}

/// The age of the oldest event that a target has not got. Of what the target has not read yet the first event stands
/// in, though it may not be for this target.
pub(super) async fn lag(app: &App, status: &Summary, head: Seq) -> Duration {
    let oldest = match status.oldest {
        Some(oldest) => Some(oldest),
        None if status.read_through < head => {
            let next = app.store.event(status.read_through.next()).await;
            next.ok().flatten().map(|event| event.at)
        }
        None => None,
    };
    let age = oldest.map_or(0, |oldest| app.clock.wall().0.saturating_sub(oldest.0));
    Duration::from_millis(age.try_into().unwrap_or(0))
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
