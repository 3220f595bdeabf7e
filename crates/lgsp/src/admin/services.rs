//! The services as operators see them: what is set up, and how their servers are.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use hyper::Response;
use lgsp_core::BreakerState;
use serde_json::{Value, json};

use super::operator::{Operator, Refusal};
use super::{Admin, shown};

/// `GET services`: every version of every service.
pub(super) async fn list(State(admin): State<Arc<Admin>>, _: Operator) -> Result<Response<Body>, Refusal> {
    let (snapshot, now) = (admin.app.snapshot(), admin.app.clock.wall());
    let mut rows = Vec::new();
    for service in snapshot.contracts.services() {
        let in_force =
            snapshot.contracts.service_at(service.id(), now).is_some_and(|other| Arc::ptr_eq(other, service));
        let running = snapshot.services.running(service);
        let mut row = json!({
            "id": service.id(),
            "version": service.version(),
            "valid_from": service.valid_from().to_string(),
            "mode": service.mode().as_str(),
            "path": service.exposed().path,
            "in_force": in_force,
            "operations": service.operations().iter().map(lgsp_contract::Operation::name).collect::<Vec<_>>(),
        });
        match running.map(|running| running.standing()) {
            Some(Ok(state)) => {
                row["ready"] = true.into();
                if let Some(state) = state {
                    row["upstream"] = described(&state);
                }
            }
            Some(Err(cause)) => {
                row["ready"] = false.into();
                row["cause"] = cause.into();
            }
            None => row["ready"] = false.into(),
        }
        rows.push(row);
    }
    Ok(shown(&json!({"services": rows})))
}

fn described(state: &lgsp_connect::UpstreamState) -> Value {
    let server = |server: &lgsp_connect::ServerState| {
        json!({
            "address": server.address,
            "in_flight": server.in_flight,
            "connections": server.connections,
            "ejected": server.ejected,
            "calls": server.calls,
            "failures": server.failures,
        })
    };
    json!({
        "breaker": match state.breaker {
            BreakerState::Closed => "closed",
            BreakerState::HalfOpen => "half open",
            BreakerState::Open => "open",
        },
        "in_flight": state.in_flight,
        "repeats": state.repeats,
        "servers": state.servers.iter().map(server).collect::<Vec<_>>(),
    })
}
