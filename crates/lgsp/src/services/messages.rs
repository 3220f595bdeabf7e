//! `GET /v1/messages/{id}`: what became of a stored message. Only its sender may ask.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_core::delivery::EventState;
use lgsp_model::{Cause, ErrorCode, EventKind, Seq};
use lgsp_store::{Parked, ParkedState, StoredEvent};
use serde_json::{Value, json};

use super::outbox::REFUSED;
use super::reply::{End, end_of};
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::identity::{Identified, authenticate};
use crate::payments;
use crate::request::{Accepted, OWN_KINDS};
use crate::targets;

/// What a message's delivery says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not sent yet, or on its way.
    Pending,
    /// Waits for another try, or behind an earlier one of its key.
    Retry,
    /// It may have arrived.
    Unknown,
    /// Waits for a person.
    Dead,
    /// The partner said no.
    Refused,
    /// Over; how, the reply says.
    Over,
}

/// Answers one question about one message.
pub(crate) async fn message(app: &Arc<App>, request: &Accepted, id: &str) -> Result<Answer, Failure> {
    let not_there = || Failure::new(ErrorCode::MessageNotFound, "no message of yours has this id");
    let seq = id.parse().map(Seq).ok();
    let event = match seq {
        Some(seq) => app.store.event(seq).await?.filter(|event| event.kind == EventKind::Message),
        None => None,
    };
    // Who sent it is proven as its service accepts it; about what is not there everybody is asked in the usual way.
    let caller = identify(app, request, event.as_ref()).await?;
    let event = event.filter(|event| event.sender == caller.member.id.as_str()).ok_or_else(not_there)?;
    Ok(answer::json(StatusCode::OK, describe(app, id, &event).await?.to_string()))
}

fn identify<'a>(
    app: &'a App,
    request: &'a Accepted,
    event: Option<&StoredEvent>,
) -> impl Future<Output = Result<Arc<Identified>, Failure>> + Send + use<'a> {
    let service = event.and_then(|event| {
        let id = event.key.split('/').next()?;
        request.snapshot.services.in_force(id, app.clock.wall()).map(|(service, _)| service.clone())
    });
    let mut kinds = OWN_KINDS.to_vec();
    kinds.extend(service.iter().flat_map(|service| service.exposed().authentication.iter().copied()));
    let (head, members) = (request.head(), &request.snapshot.members);
    async move {
        let service = service.as_ref().map(|service| service.id());
        Ok(authenticate(&app.keepers(), members, &head, service, &kinds).await?.identified)
    }
}

async fn describe(app: &App, id: &str, event: &StoredEvent) -> Result<Value, Failure> {
    let mut parts = event.key.splitn(3, '/');
    let (service, operation) = (parts.next().unwrap_or_default(), parts.next());
    let target = targets::of_service(service).ok_or_else(|| Failure::new(ErrorCode::Internal, "a bad event's key"))?;
    let running = match app.targets.get(&target) {
        Some(handle) => handle.event_state(event.seq).await,
        None => None,
    };
    let parked = app.store.parked_event(target.clone(), event.seq).await?;
    let (stage, attempts, cause) = match (running, &parked) {
        (Some(state), _) => of_delivery(state),
        (None, Some(parked)) => of_parked(parked),
        (None, None) => {
            let position = app.store.target(target).await?;
            let over = position.is_some_and(|position| position.done_through >= event.seq);
            (if over { Stage::Over } else { Stage::Pending }, 0, None)
        }
    };
    // Asked last: a reply is stored before its message counts as over.
    let reply = app.store.reply_of(event.seq).await?;
    let status = word(stage, reply.as_ref().and_then(end_of));
    let waits = matches!(stage, Stage::Retry | Stage::Unknown);
    let payment = payments::of_message(app, id).await?;
    Ok(json!({
        "message_id": id,
        "service": service,
        "operation": operation,
        "received_at": event.at.to_string(),
        "status": status,
        "attempts": attempts,
        "next_attempt": parked.as_ref().filter(|_| waits).map(|parked| parked.due_at.to_string()),
        "cause": cause.as_ref().map(|cause| cause.code.as_str()),
        "detail": cause.as_ref().map(|cause| cause.detail.as_str()),
        "payment": payment,
        "reply": reply.and_then(|reply| serde_json::from_slice::<Value>(&reply.payload?).ok()),
    }))
}

fn of_delivery(state: EventState) -> (Stage, u32, Option<Cause>) {
    match state {
        EventState::Done => (Stage::Over, 0, None),
        EventState::Pending => (Stage::Pending, 0, None),
        EventState::Retry { attempts, cause, .. } => (Stage::Retry, attempts, cause),
        EventState::Unknown { attempts, cause } => (Stage::Unknown, attempts, cause),
        EventState::Dead { attempts, cause } => (dead(cause.as_ref()), attempts, cause),
    }
}

fn of_parked(parked: &Parked) -> (Stage, u32, Option<Cause>) {
    let cause = Cause { code: parked.cause.clone(), detail: parked.detail.clone() };
    let cause = Some(cause).filter(|cause| !cause.code.is_empty());
    match parked.state {
        ParkedState::Retry => (Stage::Retry, parked.attempts, cause),
        ParkedState::Unknown => (Stage::Unknown, parked.attempts, cause),
        ParkedState::Dead => (dead(cause.as_ref()), parked.attempts, cause),
    }
}

fn dead(cause: Option<&Cause>) -> Stage {
    if cause.is_some_and(|cause| cause.code == REFUSED) { Stage::Refused } else { Stage::Dead }
}

/// The word for a message. A message that is over without a reply was taken: who refuses or gives up says so.
fn word(stage: Stage, reply: Option<End>) -> &'static str {
    match (stage, reply) {
        (Stage::Over, Some(end)) => end.as_str(),
        (Stage::Over, None) => End::Settled.as_str(),
        // The reply is stored a moment before the delivery knows.
        (Stage::Pending, Some(End::Settled)) => End::Settled.as_str(),
        (Stage::Pending, _) => "pending",
        (Stage::Retry, _) => "retry",
        (Stage::Unknown, _) => "unknown",
        (Stage::Dead, _) => "dead",
        (Stage::Refused, _) => End::Refused.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delivery_says_where_a_message_is_and_the_reply_how_it_ended() {
        for (stage, reply, expected) in [
            (Stage::Over, None, "settled"),
            (Stage::Over, Some(End::Refused), "refused"),
            (Stage::Pending, Some(End::Settled), "settled"),
            (Stage::Pending, None, "pending"),
            // A refused one that is tried again.
            (Stage::Retry, Some(End::Refused), "retry"),
            (Stage::Unknown, None, "unknown"),
            (Stage::Dead, None, "dead"),
        ] {
            assert_eq!(word(stage, reply), expected, "{stage:?} {reply:?}");
        }
        let refused = Cause { code: REFUSED.into(), detail: String::new() };
        assert_eq!(of_delivery(EventState::Dead { attempts: 1, cause: Some(refused) }).0, Stage::Refused);
        assert_eq!(of_delivery(EventState::Dead { attempts: 10, cause: None }).0, Stage::Dead);
    }
}
