//! The truth in the end: everything that is open is asked about until the provider says, on a schedule that outlives restarts. It also
//! ends what nobody waits for any more, sends refunds that may not have left, and finds fees that were paid twice.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lgsp_connect::PayFailure;
use lgsp_core::payment::{EndCause, Fact, NotNow};
use lgsp_model::{DossierCode, PaymentId, PaymentState, ReportStanding, Timestamp};
use lgsp_store::{PaymentEntry, TraceId};
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use super::facts::{self, evidence};
use super::keeper::{self, Because, Kept};
use super::lines;
use super::open;
use super::operate;
use super::order::order;
use super::providers::PaymentProvider;
use super::read;
use super::record::Record;
use super::refund;
use crate::app::{App, Snapshot};
use crate::failure::Failure;

/// How often the store is asked what is due.
const EVERY: Duration = Duration::from_millis(500);

/// Payments that are taken up at one time; those of one provider wait for its own bound.
const AT_ONCE: usize = 256;

/// How long a payment that could not be looked at waits; an error is logged each time.
const AFTER_TROUBLE_MILLIS: i64 = 30_000;

/// How long a payment waits whose provider is asked about others.
const BUSY_MILLIS: i64 = 2_000;

/// How often it is counted what waits, in rounds.
const COUNTED_EVERY: u32 = 60;

/// Who confirmed in his bank's program in the last moment is still waited for so long.
const STILL_PAYING_MILLIS: i64 = 15 * 60_000;

/// The job. It runs as long as the gateway.
#[derive(Default)]
pub(crate) struct Inquiry {
    /// What is being looked at now.
    busy: Mutex<HashSet<PaymentId>>,
}

impl Inquiry {
    fn take(&self, id: &PaymentId) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone())
    }

    fn leave(&self, id: &PaymentId) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn room(&self) -> usize {
        AT_ONCE.saturating_sub(self.busy.lock().unwrap_or_else(PoisonError::into_inner).len())
    }

    /// Runs until the gateway stops.
    pub(crate) async fn run(app: Arc<App>) {
        for round in 0u32.. {
            if round % COUNTED_EVERY == 0 {
                count(&app).await;
            }
            let room = app.inquiry.room();
            if room > 0 {
                match app.store.payments_due(Timestamp(0)..=app.clock.wall(), room + AT_ONCE).await {
                    Ok(due) => {
                        due.into_iter().filter(|entry| app.inquiry.take(&entry.id)).take(room).for_each(|entry| {
                            let app = app.clone();
                            tokio::spawn(async move {
                                let id = entry.id.clone();
                                // A stopping gateway waits for no provider: what was not learnt now is asked again.
                                tokio::select! {
                                    () = look(&app, entry) => {}
                                    () = app.drained() => {}
                                }
                                app.inquiry.leave(&id);
                            });
                        })
                    }
                    Err(error) => tracing::warn!(cause = %error, "it cannot be found out which payments are due"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = app.drained() => return,
            }
        }
    }
}

/// Shows how many payments have no end yet, and how many wait for a person; of more than a thousand, a thousand.
async fn count(app: &App) {
    match operate::waiting(app).await {
        Ok(waiting) => app.metrics.payments.waiting(
            waiting.iter().map(
                |(record, _)| {
                    if record.needs_a_person() { "needs_a_person" } else { record.state().as_str() }
                },
            ),
        ),
        Err(failure) => tracing::warn!(code = failure.code.code(), "it cannot be counted which payments wait"),
    }
}

/// Looks at one payment and sees to it that it is looked at again when it has to be.
async fn look(app: &Arc<App>, entry: PaymentEntry) {
    let (id, seq) = (entry.id.clone(), entry.seq);
    let next = match Kept::of(entry) {
        Ok(kept) => match look_at(app, &kept).await {
            Ok(next) => next,
            Err(failure) => {
                tracing::warn!(
                    payment = id.as_str(),
                    code = failure.code.code(),
                    "a payment could not be looked at now"
                );
                Some(app.clock.wall().plus_millis(AFTER_TROUBLE_MILLIS))
            }
        },
        Err(_) => Some(app.clock.wall().plus_millis(AFTER_TROUBLE_MILLIS)),
    };
    // When it changed meanwhile, the change said when to look next.
    if let Err(error) = app.store.postpone_payment(id, seq, next).await {
        tracing::warn!(cause = %error, "when a payment is looked at next could not be stored");
    }
}

async fn look_at(app: &Arc<App>, kept: &Kept) -> Result<Option<Timestamp>, Failure> {
    let snapshot = app.snapshot();
    let record = &kept.record;
    let (state, now) = (record.state(), app.clock.wall());
    // Who finds its provider busy comes back a little later: payments of other providers do not wait behind it.
    let Ok(_place) = free_place(&snapshot, record) else { return Ok(Some(now.plus_millis(BUSY_MILLIS))) };
    match state {
        PaymentState::Created if !record.sent => {
            if now >= record.expires_at {
                end(app, record, EndCause::Expired).await?;
            }
        }
        PaymentState::RefundPending => refund::pursue(app, &snapshot, record, TraceId::default()).await?,
        state if state.had_money() => {
            paid_twice(app, record).await?;
        }
        _ => {
            let asked = asked(app, &snapshot, record).await?;
            if asked == Asked::NotThere && open::is_overdue(record, now) {
                open::again(app, &snapshot, record).await?;
            }
        }
    }
    Ok(lines::next(record, app.clock.wall()))
}

/// A place among the questions that are asked of a payment's provider now; of a payment without one there is nothing to wait for.
fn free_place(snapshot: &Snapshot, record: &Record) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
    let asks = record.sent && (!record.state().had_money() || record.state() == PaymentState::RefundPending);
    let provider = snapshot.payment_providers.of(record);
    provider.filter(|_| asks).map(|provider| provider.asking.clone().try_acquire_owned()).transpose()
}

async fn end(app: &Arc<App>, record: &Record, cause: EndCause) -> Result<(), Failure> {
    let because = Because::of(TraceId::default());
    keeper::change(app, record.id(), because, |record, now| facts::learn(record, &Fact::Ended(cause), now)).await?;
    Ok(())
}

/// What asking a provider brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It has the money, or said that it will not have it.
    Settled,
    /// It has no money for it now.
    NoMoney,
    /// It knows no such order, and so has no money for it.
    NotThere,
    /// It cannot say, or did not answer.
    Unclear,
}

/// Asks the provider of a payment where it stands, after those who ask it now.
pub(crate) async fn ask(app: &Arc<App>, snapshot: &Snapshot, record: &Record) -> Result<Asked, Failure> {
    let provider = snapshot.payment_providers.of(record);
    let _place = match provider {
        Some(provider) => Some(provider.asking.clone().acquire_owned().await.expect("it is never closed")),
        None => None,
    };
    asked(app, snapshot, record).await
}

/// Asks, and ends the payment when its time is over and the provider has no money for it.
async fn asked(app: &Arc<App>, snapshot: &Snapshot, record: &Record) -> Result<Asked, Failure> {
    let Some(provider) = snapshot.payment_providers.of(record) else {
        tracing::warn!(
            payment = record.id,
            provider = record.provider,
            "a payment's provider is not configured any more"
        );
        return Ok(Asked::Unclear);
    };
    let order = order(&snapshot.config, record, provider.id());
    // What was said before a payment's end does not end it.
    let asked_at = app.clock.wall();
    match provider.connector.query(&order).await {
        Ok(report) => {
            let because = Because::said(TraceId::default(), evidence(provider.id(), "query", &report.evidence));
            keeper::change(app, order.id.clone(), because, |record, now| {
                facts::said(record, &report, now)?;
                let patience = match report.standing {
                    ReportStanding::NotFound => Some(0),
                    ReportStanding::Pending => Some(STILL_PAYING_MILLIS),
                    _ => None,
                };
                end_if_over(record, asked_at, patience, now)
            })
            .await?;
            Ok(match report.standing {
                ReportStanding::Paid | ReportStanding::Refunded | ReportStanding::Failed => Asked::Settled,
                ReportStanding::Pending => Asked::NoMoney,
                ReportStanding::NotFound => Asked::NotThere,
                ReportStanding::Unclear => Asked::Unclear,
            })
        }
        // It cannot be asked at all: nobody will ever say more than its callbacks did.
        Err(PayFailure::Unsupported) => {
            let because = Because::of(TraceId::default());
            keeper::change(app, order.id.clone(), because, |record, now| {
                end_if_over(record, asked_at, Some(STILL_PAYING_MILLIS), now)
            })
            .await?;
            Ok(Asked::NoMoney)
        }
        Err(failure) => {
            silent(app, provider, record, &failure).await?;
            Ok(Asked::Unclear)
        }
    }
}

/// Ends a payment that has no money so long after its time; `None`: it is not known whether it has.
fn end_if_over(record: &mut Record, asked_at: Timestamp, patience: Option<i64>, now: Timestamp) -> Result<(), NotNow> {
    let waits = record.state().is_open() || record.state() == PaymentState::Created;
    let over = patience.is_some_and(|millis| asked_at >= record.expires_at.plus_millis(millis));
    if waits && over { facts::learn(record, &Fact::Ended(EndCause::Expired), now) } else { Ok(()) }
}

async fn silent(
    app: &Arc<App>,
    provider: &PaymentProvider,
    record: &Record,
    failure: &PayFailure,
) -> Result<(), Failure> {
    tracing::info!(
        payment = record.id,
        provider = provider.id(),
        ?failure,
        "a provider did not say where a payment stands"
    );
    if app.clock.wall() < record.expires_at || record.state() != PaymentState::Pending {
        return Ok(());
    }
    let because = Because::of(TraceId::default());
    keeper::change(app, record.id(), because, |record, now| facts::learn(record, &Fact::Silent, now)).await?;
    Ok(())
}

/// Whether the same fee of the same dossier was paid before this payment. The one that was paid later is flagged.
async fn paid_twice(app: &Arc<App>, record: &Record) -> Result<(), Failure> {
    let Ok(dossier) = record.dossier.parse::<DossierCode>() else { return Ok(()) };
    let mut same = Vec::new();
    for other in read::records_of(app, dossier).await? {
        if other.holds_money() && (other.id == record.id || other.shares_a_fee_with(record)) {
            same.push(other);
        }
    }
    // By when the money came, which providers tell to the second; everybody who looks finds the same order.
    same.sort_by(|a, b| (a.paid_at, a.created_at, &a.id).cmp(&(b.paid_at, b.created_at, &b.id)));
    for later in same.iter().skip(1) {
        let because = Because::of(TraceId::default());
        keeper::change(app, later.id(), because, |record, now| facts::learn(record, &Fact::PaidBefore, now)).await?;
    }
    Ok(())
}
