//! What operators do with payments: see what waits, read what became of one and by whose word, have its provider asked now, and say that
//! they have looked at what a flag says.

use std::sync::Arc;

use lgsp_core::payment::{Fact, NotNow, RefundSaying};
use lgsp_model::{EventKind, PaymentId, RefundStanding, Seq, Timestamp};
use lgsp_store::{PAYMENTS_AT_ONCE, StoredEvent, TraceId};

use super::facts;
use super::inquiry::{self, Asked};
use super::keeper::{self, Because, Kept};
use super::lines::NEVER;
use super::record::{Record, Review};
use crate::app::App;
use crate::failure::Failure;

/// Changes of one payment that are told; lives have three to ten.
const CHANGES: usize = 200;

/// Payments that nobody has the end of, and those that only a person can do something about: the first ones of each.
pub(crate) async fn waiting(app: &App) -> Result<Vec<(Record, Option<Timestamp>)>, Failure> {
    let before = NEVER.plus_millis(-1);
    let mut entries = app.store.payments_due(Timestamp(i64::MIN)..=before, PAYMENTS_AT_ONCE).await?;
    entries.extend(app.store.payments_due(NEVER..=NEVER, PAYMENTS_AT_ONCE).await?);
    let row = |entry: lgsp_store::PaymentEntry| {
        let due = entry.due.filter(|due| *due != NEVER);
        Kept::of(entry).map(|kept| (kept.record, due))
    };
    entries.into_iter().map(row).collect()
}

/// A payment and all that led to where it stands.
pub(crate) struct Story {
    pub(crate) record: Record,
    /// Its changes, the first one first, each behind what the provider said that led to it.
    pub(crate) events: Vec<StoredEvent>,
}

/// The story of a payment; `None`: there is no such payment.
pub(crate) async fn story(app: &App, id: &PaymentId) -> Result<Option<Story>, Failure> {
    let Some(kept) = keeper::load(app, id).await? else { return Ok(None) };
    let (mut events, mut next) = (Vec::new(), Some(kept.seq()));
    while let Some(seq) = next.filter(|_| events.len() < CHANGES) {
        let Some(event) = app.store.event(seq).await? else { break };
        let mut said = said_before(app, &event).await?;
        next = event.previous;
        events.push(event);
        events.append(&mut said);
    }
    events.reverse();
    Ok(Some(Story { record: kept.record, events }))
}

/// What a provider said stands right before the change that it led to, in the same commit.
async fn said_before(app: &App, change: &StoredEvent) -> Result<Vec<StoredEvent>, Failure> {
    let (mut said, mut seq) = (Vec::new(), change.seq.0);
    while seq > 1 {
        seq -= 1;
        let event = app.store.event(Seq(seq)).await?;
        let belongs = |event: &StoredEvent| {
            event.kind == EventKind::Evidence && event.key == change.key && event.trace == change.trace
        };
        match event.filter(belongs) {
            Some(event) => said.push(event),
            None => break,
        }
    }
    Ok(said)
}

/// Has the provider asked now; what it said, in a word.
pub(crate) async fn ask_now(app: &Arc<App>, id: &PaymentId) -> Result<&'static str, Failure> {
    let kept = keeper::load(app, id).await?.ok_or_else(keeper::unknown)?;
    Ok(match inquiry::ask(app, &app.snapshot(), &kept.record).await? {
        Asked::Settled => "settled",
        Asked::NoMoney | Asked::NotThere => "no_money",
        Asked::Unclear => "unclear",
    })
}

/// Notes what a person found out about a refund whose end the provider does not tell.
pub(crate) async fn settle_refund(
    app: &Arc<App>,
    (id, refund): (PaymentId, PaymentId),
    done: bool,
    trace: TraceId,
) -> Result<Record, Failure> {
    let standing = if done { RefundStanding::Done } else { RefundStanding::Refused };
    let settled = keeper::change(app, id, Because::of(trace), |record, now| {
        if record.payment().refund_under_way().is_none_or(|under_way| under_way.id != refund) {
            return Err(NotNow::NothingToReview);
        }
        let saying = RefundSaying { standing, provider_id: None, code: "operator".to_owned() };
        facts::learn(record, &Fact::RefundSaid(refund.clone(), saying), now)
    });
    Ok(settled.await?.0)
}

/// Notes that somebody has looked at what the flags say.
pub(crate) async fn review(
    app: &Arc<App>,
    id: PaymentId,
    (by, reason): (&str, &str),
    trace: TraceId,
) -> Result<Record, Failure> {
    let reviewed = keeper::change(app, id, Because::of(trace), |record, now| {
        if !record.needs_a_person() {
            return Err(NotNow::NothingToReview);
        }
        record.review = Some(Review { at: now, by: by.to_owned(), reason: reason.to_owned() });
        Ok(())
    });
    Ok(reviewed.await?.0)
}
