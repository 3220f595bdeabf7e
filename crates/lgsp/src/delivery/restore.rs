//! What a target's delivery begins with: its position and its parked events, read from the store.
//!
//! It changes nothing; what to do with them is the machine's business.

use std::sync::Arc;

use lgsp_core::delivery::{LogEvent, MAX_PAGE, ParkRow, ParkState, ParkedEvent, Start};
use lgsp_model::{Cause, EventKind, Seq};
use lgsp_store::{Parked, ParkedState, StoreError, StoredEvent};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::calls::STORE_PAUSE;
use super::{Begin, Command, Setup};

pub(super) fn log_event(event: &StoredEvent) -> LogEvent {
    LogEvent {
        seq: event.seq,
        key: order_key(event),
        kind: event.kind,
        at: event.at,
        size: event.payload.as_ref().map_or(0, |payload| payload.len()),
    }
}

/// What keeps an event's order. Events of a dossier go by its code. Messages go by the key that their contract declares,
/// whatever the operation: an order before its cancellation. A message without one follows nothing, and one that is dead
/// holds up no other; only its replies keep their order.
fn order_key(event: &StoredEvent) -> Arc<str> {
    if !matches!(event.kind, EventKind::Message | EventKind::Reply) {
        return event.key.as_str().into();
    }
    let mut parts = event.key.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(service), Some(_), Some(declared)) => format!("{service}/*/{declared}").into(),
        _ => {
            let message = if event.kind == EventKind::Reply { event.previous } else { None };
            format!("{}#{}", event.key, message.unwrap_or(event.seq)).into()
        }
    }
}

/// Reads the target's state, again and again while the store cannot; `None` when it is stopped before that.
pub(super) async fn load_until_stopped(setup: &Setup, commands: &mut mpsc::Receiver<Command>) -> Option<Start> {
    loop {
        match load(setup).await {
            Ok(start) => return Some(start),
            Err(error) => tracing::warn!(target_id = %setup.id, error = %error, "the target's state cannot be read"),
        }
        // Dropping other commands tells their senders that the target is not running.
        tokio::select! {
            () = sleep(STORE_PAUSE) => {}
            command = commands.recv() => if matches!(command, Some(Command::Stop) | None) { return None },
        }
    }
}

async fn load(setup: &Setup) -> Result<Start, StoreError> {
    let store = &setup.store;
    let head = *store.head().borrow();
    let position = store.target(setup.id.clone()).await?;
    let mut parked = Vec::new();
    let mut after = Seq(0);
    loop {
        let rows = store.parked(setup.id.clone(), None, after, MAX_PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        for row in rows {
            let event = store.event(row.seq).await?.map(|event| log_event(&event));
            parked.push(restored(row, event));
        }
    }
    let from = match setup.begin {
        Begin::Beginning => Seq(0),
        Begin::Now => head,
    };
    // Asked last: it answers once, and a start that failed is tried again.
    let clean = setup.after_clean_stop || store.take_clean_stop(&setup.id);
    Ok(Start {
        clean,
        position: position.map(|position| position.done_through),
        from,
        paused: position.is_some_and(|position| position.paused),
        parked,
        head,
    })
}

fn restored(row: Parked, event: Option<LogEvent>) -> ParkedEvent {
    let key: Arc<str> = row.key.as_str().into();
    let event = event.unwrap_or(LogEvent {
        seq: row.seq,
        key: Arc::clone(&key),
        kind: if row.key.contains('/') { EventKind::Message } else { EventKind::Dossier },
        at: row.since,
        size: 0,
    });
    let state = match row.state {
        ParkedState::Retry => ParkState::Retry,
        ParkedState::Unknown => ParkState::Unknown,
        ParkedState::Dead => ParkState::Dead,
    };
    let cause = (!row.cause.is_empty()).then_some(Cause { code: row.cause, detail: row.detail });
    ParkedEvent {
        event: LogEvent { key: Arc::clone(&key), ..event },
        row: ParkRow { seq: row.seq, key, state, attempts: row.attempts, due_at: row.due_at, since: row.since, cause },
    }
}
