//! The targets as operators see them, and pausing, resuming and replaying them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use bytes::Bytes;
use hyper::Response;
use lgsp_core::BreakerState;
use lgsp_core::delivery::Act;
use lgsp_model::{ErrorCode, Seq, TargetId};
use serde::Deserialize;
use serde_json::json;

use super::operator::{Operator, Reason, Refusal, read_body, read_path};
use super::{Admin, health, shown};
use crate::delivery::ActError;
use crate::failure::Failure;

/// `GET targets`.
pub(super) async fn list(State(admin): State<Arc<Admin>>, _: Operator) -> Result<Response<Body>, Refusal> {
    let (app, mut rows) = (&admin.app, Vec::new());
    let head = *app.store.head().borrow();
    for target in app.targets.all() {
        let (status, words) = (target.handle.status(), target.handle.last_words());
        rows.push(json!({
            "id": target.id.as_str(),
            "connector": target.connector,
            "state": state_word(status.paused, status.blocked, status.breaker),
            "done_through": status.done_through.0,
            "head": head.0,
            "lag_events": head.0.saturating_sub(status.done_through.0),
            "lag_seconds": health::lag(app, &status, head).await.as_secs(),
            "in_flight": status.in_flight,
            "parked": {"retry": status.retry, "unknown": status.unknown, "dead": status.dead},
            "breaker": breaker_word(status.breaker),
            "paused": status.paused,
            "blocked": status.blocked,
            "last_success": words.success.map(|at| at.to_string()),
            "last_failure": words.failure.map(|(at, cause)| {
                json!({"at": at.to_string(), "cause": cause.code, "detail": cause.detail})
            }),
        }));
    }
    Ok(shown(&json!({"targets": rows})))
}

/// One word for what a target is doing.
pub(super) fn state_word(paused: bool, blocked: bool, breaker: BreakerState) -> &'static str {
    match (paused, breaker, blocked) {
        (true, _, _) => "paused",
        (false, BreakerState::Open | BreakerState::HalfOpen, _) => "not answering",
        (false, BreakerState::Closed, true) => "too much parked",
        (false, BreakerState::Closed, false) => "delivering",
    }
}

fn breaker_word(breaker: BreakerState) -> &'static str {
    match breaker {
        BreakerState::Closed => "closed",
        BreakerState::HalfOpen => "half-open",
        BreakerState::Open => "open",
    }
}

/// `POST targets/{id}/pause`: nothing new is sent until it is resumed.
pub(super) async fn pause(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let target = read_path("the target's id", &id)?;
    act(&admin, &operator, &target, Act::Pause, Reason::of_body(&body)?).await?;
    Ok(shown(&json!({"target": target.as_str(), "paused": true})))
}

/// `POST targets/{id}/resume`.
pub(super) async fn resume(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let target = read_path("the target's id", &id)?;
    act(&admin, &operator, &target, Act::Resume, Reason::of_body(&body)?).await?;
    Ok(shown(&json!({"target": target.as_str(), "paused": false})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: u64,
    to: u64,
    reason: String,
}

/// `POST targets/{id}/replay`: what the target has taken of a range is delivered once more.
pub(super) async fn replay(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let target = read_path("the target's id", &id)?;
    let Range { from, to, reason } = read_body(&body)?;
    let range = Act::Replay { from: Seq(from), to: Seq(to) };
    act(&admin, &operator, &target, range, Reason::new(&reason)?).await?;
    Ok(shown(&json!({"target": target.as_str(), "from": from, "to": to})))
}

/// Does an act and records it.
pub(super) async fn act(
    admin: &Admin,
    operator: &Operator,
    target: &TargetId,
    act: Act,
    reason: Reason,
) -> Result<(), Failure> {
    let unknown = || Failure::new(ErrorCode::NotFound, "there is no such target; GET /admin/v1/targets lists them");
    let handle = admin.app.targets.get(target).ok_or_else(unknown)?;
    let (action, object) = match act {
        Act::Pause => ("target.pause", target.to_string()),
        Act::Resume => ("target.resume", target.to_string()),
        Act::Replay { from, to } => ("target.replay", format!("{target}/{from}-{to}")),
        Act::Retry(seq) => ("parked.retry", format!("{target}/{seq}")),
        Act::Drop(seq) => ("parked.drop", format!("{target}/{seq}")),
    };
    handle.act(act, operator.entry(admin, action, object, reason)).await.map_err(not_done)
}

/// How long a target that is starting or overrun should be left alone.
const TRY_AGAIN: Duration = Duration::from_secs(1);

fn not_done(error: ActError) -> Failure {
    match error {
        ActError::Refused(why) => Failure::new(ErrorCode::Conflict, why.to_string()),
        ActError::NotRunning => Failure::retry(ErrorCode::Overloaded, error.to_string(), TRY_AGAIN),
        ActError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lgsp_core::delivery::ActRefused;

    #[test]
    fn an_act_that_was_not_done_says_whether_it_may_be_tried_again() {
        for (error, code) in [
            (ActError::Refused(ActRefused::NotParked), ErrorCode::Conflict),
            (ActError::NotRunning, ErrorCode::Overloaded),
            (ActError::Store(lgsp_store::StoreError::Busy), ErrorCode::Overloaded),
        ] {
            assert_eq!(not_done(error).code, code);
        }
    }

    #[test]
    fn the_word_for_a_target_names_what_an_operator_has_to_look_at_first() {
        assert_eq!(state_word(true, true, BreakerState::Open), "paused");
        assert_eq!(state_word(false, true, BreakerState::HalfOpen), "not answering");
        assert_eq!(state_word(false, true, BreakerState::Closed), "too much parked");
        assert_eq!(state_word(false, false, BreakerState::Closed), "delivering");
    }
}
