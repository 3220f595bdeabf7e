//! The work that a target's task starts and waits for: reading the log, calling the partner, recording changes.
//!
//! Each is one future that ends with a [`Done`]. The store is tried until it works: the log waits, nothing is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lgsp_connect::{Asked, Connector, Delivered, Known, Outgoing, Standing};
use lgsp_core::delivery::{Answer, CallId, Change, ParkRow, ParkState, SendItem, Standing as Stands};
use lgsp_model::{Cause, Disposition, EventKind, Outcome, Seq, TargetId};
use lgsp_store::{
    AuditEntry, DurableStore, Page, PageLimit, Parked, ParkedState, ReadFilter, StoreError, StoredEvent, TargetChange,
    TargetPosition,
};
use tokio::time::sleep;

/// A store that fails is tried again after this long: it says itself that it needs some seconds.
pub(super) const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Payload bytes of one page: a large record more, never a large page.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Events that are looked at to find an earlier record of a dossier. Lives have 5 to 15 events.
const HISTORY_STEPS: usize = 20;

/// What ended.
pub(super) enum Done {
    Page { page: Page, replay: bool },
    Answered { call: CallId, seqs: Vec<Seq>, delivered: Delivered, took: Duration },
    Asked { call: CallId, seq: Seq, answer: Answer },
    Recorded(u64),
}

pub(super) async fn read_page(
    store: Arc<dyn DurableStore>,
    after: Seq,
    limit: usize,
    filter: ReadFilter,
    replay: bool,
) -> Done {
    let limit = PageLimit { events: limit.max(1), bytes: PAGE_BYTES };
    loop {
        match store.read(after, limit, filter.clone()).await {
            Ok(page) => return Done::Page { page, replay },
            Err(error) => pause("the log cannot be read", &error).await,
        }
    }
}

pub(super) async fn record(
    store: Arc<dyn DurableStore>,
    target: TargetId,
    change: Change,
    audit: Option<AuditEntry>,
) -> Done {
    let number = change.number;
    let change = TargetChange {
        position: Some(TargetPosition { done_through: change.position, paused: change.paused }),
        park: change.park.into_iter().map(parked).collect(),
        unpark: change.unpark,
        audit,
    };
    loop {
        match store.change_target(target.clone(), change.clone()).await {
            Ok(()) => return Done::Recorded(number),
            Err(error) => pause("the target's state cannot be recorded", &error).await,
        }
    }
}

async fn pause(what: &'static str, error: &StoreError) {
    tracing::warn!(error = %error, "{what}");
    sleep(STORE_PAUSE).await;
}

/// One call with its events, some of which must still be read from the log.
pub(super) struct SendCall {
    pub(super) call: CallId,
    pub(super) kind: EventKind,
    pub(super) items: Vec<(SendItem, Option<Arc<StoredEvent>>)>,
}

/// What a call needs besides its events.
#[derive(Clone)]
pub(super) struct Partner {
    pub(super) store: Arc<dyn DurableStore>,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) cursor: fn(Seq) -> String,
}

impl Partner {
    pub(super) async fn send(self, sending: SendCall) -> Done {
        let started = Instant::now();
        let seqs: Vec<Seq> = sending.items.iter().map(|(item, _)| item.seq).collect();
        let mut ready = Vec::with_capacity(seqs.len());
        let mut places = Vec::with_capacity(seqs.len());
        let mut outcomes: Vec<Option<Outcome>> = vec![None; seqs.len()];
        for (place, (item, held)) in sending.items.into_iter().enumerate() {
            match self.outgoing(item, held).await {
                Ok(outgoing) => {
                    ready.push(outgoing);
                    places.push(place);
                }
                Err(outcome) => outcomes[place] = Some(outcome),
            }
        }
        let mut standing = Standing::Open;
        if !ready.is_empty() {
            let delivered = self.connector.deliver(sending.kind, &ready).await;
            standing = delivered.standing;
            for (place, outcome) in places.into_iter().zip(delivered.outcomes) {
                outcomes[place] = Some(outcome);
            }
        }
        let missing = || Outcome::Unknown(cause("no_outcome", "the connector said nothing about this event"));
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect();
        Done::Answered {
            call: sending.call,
            seqs,
            delivered: Delivered { outcomes, standing },
            took: started.elapsed(),
        }
    }

    pub(super) async fn ask(self, call: CallId, seq: Seq, held: Option<Arc<StoredEvent>>) -> Done {
        let answer = match self.outgoing(SendItem { seq, found: Some(false) }, held).await {
            Ok(outgoing) => match self.connector.ask(&outgoing).await {
                Asked::Same => Answer::Same,
                Asked::Differs => Answer::Differs,
                Asked::Missing => Answer::Missing,
                Asked::CannotTell => Answer::CannotTell,
                Asked::Deferred { cause, after } => Answer::Deferred { cause, after },
            },
            Err(Outcome::Deferred { cause, after }) => Answer::Deferred { cause, after },
            Err(Outcome::Settled | Outcome::Refused(_) | Outcome::Unknown(_)) => Answer::CannotTell,
        };
        Done::Asked { call, seq, answer }
    }

    /// Reads what is missing of an event.
    async fn outgoing(&self, item: SendItem, held: Option<Arc<StoredEvent>>) -> Result<Outgoing, Outcome> {
        let unreadable =
            |error: StoreError| Outcome::Deferred { cause: cause("store", &error.to_string()), after: None };
        let event = match held {
            Some(event) => event,
            None => match self.store.event(item.seq).await.map_err(unreadable)? {
                Some(event) => Arc::new(event),
                None => return Err(Outcome::Refused(cause("gone", "the event is not in the log any more"))),
            },
        };
        let Some(payload) = event.payload.clone() else {
            return Err(Outcome::Refused(cause("purged", "the record was purged by law and cannot be sent")));
        };
        let known = match item.found {
            Some(true) => Known::Yes,
            Some(false) => Known::No,
            None if event.kind == EventKind::Dossier && self.connector.wants_history() => {
                self.known(event.previous).await.map_err(unreadable)?
            }
            None => Known::Unsure,
        };
        Ok(Outgoing {
            seq: event.seq,
            kind: event.kind,
            code: event.key.clone(),
            agency: event.agency.clone(),
            sender: event.sender.clone(),
            at: event.at,
            trace: event.trace,
            cursor: (self.cursor)(event.seq),
            payload,
            known,
        })
    }

    /// Whether an earlier record of the dossier went out. Order per key means that it is settled by now, unless an
    /// operator dropped it; the connector copes with that.
    async fn known(&self, mut previous: Option<Seq>) -> Result<Known, StoreError> {
        for _ in 0..HISTORY_STEPS {
            let Some(seq) = previous else { return Ok(Known::No) };
            let Some(event) = self.store.event(seq).await? else { return Ok(Known::Unsure) };
            if event.kind == EventKind::Dossier && event.disposition != Disposition::Held {
                return Ok(Known::Yes);
            }
            previous = event.previous;
        }
        Ok(Known::Unsure)
    }
}

pub(super) fn stands(standing: Standing) -> Stands {
    match standing {
        Standing::Open => Stands::Open,
        Standing::Gone => Stands::Gone,
        Standing::NotYet => Stands::NotYet,
    }
}

pub(super) fn cause(code: &str, detail: &str) -> Cause {
    Cause { code: code.to_owned(), detail: detail.to_owned() }
}

fn parked(row: ParkRow) -> Parked {
    let (cause, detail) = row.cause.map_or_else(Default::default, |cause| (cause.code, cause.detail));
    Parked {
        seq: row.seq,
        key: row.key.to_string(),
        state: match row.state {
            ParkState::Retry => ParkedState::Retry,
            ParkState::Unknown => ParkedState::Unknown,
            ParkState::Dead => ParkedState::Dead,
        },
        attempts: row.attempts,
        due_at: row.due_at,
        since: row.since,
        cause,
        detail,
    }
}
