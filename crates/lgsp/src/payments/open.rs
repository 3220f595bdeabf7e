//! Opening an order at the provider that was chosen. On disk before the provider is told: an answer that is lost cannot hide that it was.

use std::sync::Arc;

use lgsp_connect::{Opened, PayFailure};
use lgsp_core::payment::{Fact, NotNow};
use lgsp_model::{DossierCode, ErrorCode, PaymentState, Timestamp};
use lgsp_store::TraceId;

use super::facts::{self, evidence};
use super::keeper::{self, Because};
use super::order::{order, to_the_second};
use super::providers::PaymentProvider;
use super::record::Record;
use crate::app::{App, Snapshot};
use crate::failure::Failure;

/// Notes in a record that this provider is about to be told of it.
pub(crate) fn choose(record: &mut Record, provider: &str, now: Timestamp) {
    record.provider = Some(provider.to_owned());
    record.sent = true;
    record.opened_at = Some(to_the_second(now));
}

/// Chooses the provider of a payment that was only asked for. Who chose first, chose.
pub(crate) async fn choose_and_open(
    app: &Arc<App>,
    snapshot: &Snapshot,
    record: &Record,
    provider: &PaymentProvider,
    trace: TraceId,
) -> Result<Record, Failure> {
    check_payee(snapshot, record, provider)?;
    let chosen = keeper::change(app, record.id(), Because::of(trace), |record, now| {
        if record.state() != PaymentState::Created || record.sent || now >= record.expires_at {
            return Err(NotNow::Over);
        }
        choose(record, provider.id(), now);
        Ok(())
    });
    let (record, _) = chosen.await?;
    open(app, snapshot, &record, provider, trace).await
}

/// Whether the account is still one that this provider may pay to: the configuration may have changed since the payment was asked for.
fn check_payee(snapshot: &Snapshot, record: &Record, provider: &PaymentProvider) -> Result<(), Failure> {
    let payee = snapshot.config.payees.iter().find(|payee| payee.id.as_str() == record.payee);
    let agency = record.dossier.parse::<DossierCode>().map(|code| code.agency()).ok();
    let takes = payee.zip(agency).is_some_and(|(payee, agency)| {
        payee.agency.covers(&agency) && provider.takes(payee, &agency, record.payment().amount)
    });
    let detail = "the account of this payment is no longer one that may be paid to here; ask for a new payment";
    if takes { Ok(()) } else { Err(Failure::new(ErrorCode::Conflict, detail)) }
}

/// An order that the provider does not know so long after it was told of it did not reach it.
const STILL_ON_ITS_WAY_MILLIS: i64 = 60_000;

/// Whether nobody knows where the citizen pays although the provider was told long ago: the gateway died in between, or the answer was lost.
pub(crate) fn is_overdue(record: &Record, now: Timestamp) -> bool {
    let waits = matches!(record.state(), PaymentState::Created | PaymentState::Unknown) && record.payment_url.is_none();
    let told = record.opened_at.filter(|_| record.sent);
    waits && now < record.expires_at && told.is_some_and(|at| now.0 - at.0 > STILL_ON_ITS_WAY_MILLIS)
}

/// Tells a provider of an order once more that it was asked about and does not know. It may come to know it meanwhile by what it was told
/// the first time, so that a refusal now says nothing.
pub(crate) async fn again(app: &Arc<App>, snapshot: &Snapshot, record: &Record) -> Result<(), Failure> {
    let provider = snapshot.payment_providers.of(record);
    let Some(provider) = provider.filter(|provider| check_payee(snapshot, record, provider).is_ok()) else {
        return Ok(());
    };
    let order = order(&snapshot.config, record, provider.id());
    match provider.connector.open(&order).await {
        Ok(opened) => {
            let because = Because::said(TraceId::default(), evidence(provider.id(), "open", &opened.evidence));
            let came = Ok(opened);
            keeper::change(app, order.id.clone(), because, |record, now| take(record, &came, now)).await?;
        }
        Err(failure) => {
            tracing::warn!(payment = record.id, provider = provider.id(), ?failure, "an order was not opened again");
        }
    }
    Ok(())
}

/// Tells the provider of an order, and the record what came of it.
pub(crate) async fn open(
    app: &Arc<App>,
    snapshot: &Snapshot,
    record: &Record,
    provider: &PaymentProvider,
    trace: TraceId,
) -> Result<Record, Failure> {
    let order = order(&snapshot.config, record, provider.id());
    let came = provider.connector.open(&order).await;
    let because = match &came {
        Ok(Opened { evidence: said, .. }) if !said.is_empty() => {
            Because::said(trace, evidence(provider.id(), "open", said))
        }
        _ => Because::of(trace),
    };
    if let Err(failure) = &came {
        tracing::warn!(payment = record.id, provider = provider.id(), ?failure, "an order was not opened");
    }
    let learnt = keeper::change(app, order.id.clone(), because, |record, now| take(record, &came, now));
    Ok(learnt.await?.0)
}

fn take(record: &mut Record, came: &Result<Opened, PayFailure>, now: Timestamp) -> Result<(), NotNow> {
    match came {
        Ok(opened) => {
            record.payment_url = Some(opened.pay_url.clone());
            record.qr.clone_from(&opened.qr);
            facts::learn(record, &Fact::Opened, now)
        }
        Err(PayFailure::Unknown(_)) => facts::learn(record, &Fact::OpenedMaybe, now),
        Err(PayFailure::Refused(cause)) => facts::learn(record, &Fact::NotTaken(cause.code.clone()), now),
        // It certainly knows nothing: the citizen may choose again on his page.
        Err(PayFailure::Deferred(_) | PayFailure::Unsupported) => {
            if record.state() == PaymentState::Created {
                record.sent = false;
                record.opened_at = None;
            }
            Ok(())
        }
    }
}
