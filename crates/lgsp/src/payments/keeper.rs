//! The one place where a payment changes: read, decide, commit; and again when it changed meanwhile.

use std::sync::Arc;

use bytes::Bytes;
use lgsp_core::payment::{Fact, NotNow};
use lgsp_model::{ErrorCode, PaymentId, PaymentState, Seq, Timestamp};
use lgsp_store::{PaymentChange, PaymentChanged, PaymentEntry, TraceId};

use super::facts;
use super::lines;
use super::record::Record;
use crate::app::App;
use crate::failure::Failure;

/// So often a change is decided anew because another came in between: each time somebody else's change was stored.
const MOST_TRIES: usize = 64;

/// A payment and the version that it was read at.
pub(crate) struct Kept {
    pub(crate) record: Record,
    entry: PaymentEntry,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Changed,
    Same,
}

/// A change on its way: what led to it.
pub(crate) struct Because {
    pub(crate) trace: TraceId,
    /// What the provider said; kept when something changes by it.
    pub(crate) evidence: Vec<Bytes>,
}

impl Because {
    pub(crate) fn of(trace: TraceId) -> Self {
        Self { trace, evidence: Vec::new() }
    }

    pub(crate) fn said(trace: TraceId, evidence: Bytes) -> Self {
        Self { trace, evidence: vec![evidence] }
    }
}

impl Kept {
    pub(crate) fn of(entry: PaymentEntry) -> Result<Self, Failure> {
        let record = Record::read(&entry.record).map_err(|_| {
            tracing::error!(payment = entry.id.as_str(), seq = entry.seq.0, "a payment's record cannot be read");
            Failure::new(ErrorCode::Internal, "the payment's record cannot be read; an operator must look")
        })?;
        Ok(Self { record, entry })
    }

    /// The event of its last change.
    pub(crate) fn seq(&self) -> Seq {
        self.entry.seq
    }
}

/// A payment as it stands.
pub(crate) async fn load(app: &App, id: &PaymentId) -> Result<Option<Kept>, Failure> {
    app.store.payment(id.clone()).await?.map(Kept::of).transpose()
}

/// Changes a payment: `decide` is called with the record as it is, again when another change came in between.
pub(crate) async fn change(
    app: &Arc<App>,
    id: PaymentId,
    because: Because,
    decide: impl Fn(&mut Record, Timestamp) -> Result<(), NotNow> + Send + Sync,
) -> Result<(Record, Kind), Changing> {
    let kept = load(app, &id).await?.ok_or_else(unknown)?;
    change_kept(app, kept, because, decide).await
}

/// The same for who has just read it.
pub(crate) async fn change_kept(
    app: &Arc<App>,
    mut kept: Kept,
    because: Because,
    decide: impl Fn(&mut Record, Timestamp) -> Result<(), NotNow> + Send + Sync,
) -> Result<(Record, Kind), Changing> {
    let id = kept.entry.id.clone();
    let mut decide: &(dyn Fn(&mut Record, Timestamp) -> Result<(), NotNow> + Send + Sync) = &decide;
    for _ in 0..MOST_TRIES {
        let now = app.clock.wall();
        let mut record = kept.record.clone();
        decide(&mut record, now).map_err(Changing::Refused)?;
        let written = record.write();
        if written == kept.entry.record {
            return Ok((record, Kind::Same));
        }
        let change = PaymentChange {
            id: id.clone(),
            after: Some(kept.seq()),
            names: lines::names(&record),
            ledger: lines::ledger(&record),
            due: lines::due(Some(kept.record.state()), &record, now),
            record: written,
            evidence: because.evidence.clone(),
            dossier: kept.entry.dossier.clone(),
            agency: kept.entry.agency.clone(),
            sender: kept.entry.sender.clone(),
            at: now,
            trace: because.trace,
        };
        match app.store.change_payment(change).await.map_err(Failure::from)? {
            PaymentChanged::Stored(_) => {
                note(app, Some(&kept.record), &record);
                return Ok((record, Kind::Changed));
            }
            PaymentChanged::Stale => {}
            // A provider's transaction that paid another payment does not pay this one.
            PaymentChanged::Taken(_) => decide = &used_elsewhere,
        }
        kept = load(app, &id).await?.ok_or_else(unknown)?;
    }
    Err(Changing::Failed(Failure::retry(
        ErrorCode::Overloaded,
        "the payment is being changed by others",
        std::time::Duration::from_secs(1),
    )))
}

fn used_elsewhere(record: &mut Record, now: Timestamp) -> Result<(), NotNow> {
    facts::learn(record, &Fact::UsedElsewhere, now)
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum Changing {
    /// The payment does not allow it.
    Refused(NotNow),
    /// It could not be stored, or there is no such payment.
    Failed(Failure),
}

impl From<Failure> for Changing {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Changing> for Failure {
    fn from(changing: Changing) -> Self {
        match changing {
            Changing::Refused(why) => super::answer::not_now(why),
            Changing::Failed(failure) => failure,
        }
    }
}

pub(crate) fn unknown() -> Failure {
    Failure::new(ErrorCode::PaymentNotFound, "no payment of your agencies has this id")
}

/// Counts what a change says and tells the log of what a person should look at.
pub(crate) fn note(app: &App, before: Option<&Record>, after: &Record) {
    let provider = after.provider.as_deref().unwrap_or("none");
    if before.is_none_or(|before| before.state != after.state) {
        app.metrics.payments.changed(provider, after.state());
    }
    for flag in after.flags.iter().filter(|flag| before.is_none_or(|before| !before.flags.contains(flag))) {
        app.metrics.payments.flagged(provider, flag);
        tracing::warn!(
            payment = after.id,
            provider,
            flag,
            "a payment needs a person's eye: lgsp payments show {}",
            after.id
        );
    }
    if after.state() == PaymentState::Unknown && before.is_none_or(|before| before.state != after.state) {
        tracing::warn!(
            payment = after.id,
            provider,
            "nobody knows now where a payment stands; the provider is asked until it says"
        );
    }
}
