//! `POST /v1/payments/{id}/refund`, and what becomes of it: on disk before the provider is told, sent again only when the provider knows
//! nothing of it.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{Context, SHA256};
use hyper::StatusCode;
use lgsp_connect::{PayFailure, RefundOrder, RefundReport};
use lgsp_contract::BodySchema;
use lgsp_core::payment::{Fact, NotNow, RefundState, Step};
use lgsp_model::{Dong, ErrorCode, PaymentId, RefundStanding, Scope, Timestamp};
use lgsp_store::TraceId;
use serde::Deserialize;

use super::facts::{self, evidence};
use super::keeper::{self, Because};
use super::order::{order, to_the_second};
use super::providers::PaymentProvider;
use super::record::{Record, RefundLine};
use super::{answer, read};
use crate::answer::Answer;
use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

pub(crate) const SCHEMA: &str = include_str!("schema/refund.json");

static BODY: LazyLock<BodySchema> = LazyLock::new(|| BodySchema::compile(SCHEMA).expect("the shipped schema is one"));

const MOST_BYTES: lgsp_model::ByteCount = lgsp_model::ByteCount(16 * 1024);

/// A refund that the provider knows nothing of so long after it was asked for did not reach it.
const STILL_ON_ITS_WAY_MILLIS: i64 = 60_000;

/// The body.
#[derive(Deserialize)]
pub(crate) struct Ask {
    reference: String,
    #[serde(rename = "SoTien")]
    amount: Option<i64>,
    reason: String,
}

pub(crate) async fn ask(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentCreate)?;
    let record = read::own(app, &caller, id).await?;
    let (snapshot, trace) = (request.snapshot.clone(), request.trace.id());
    let body = request.into_body_within(MOST_BYTES)?.read_whole().await?;
    BODY.check(&body)?;
    let ask: Ask =
        serde_json::from_slice(&body).map_err(|_| Failure::new(ErrorCode::MalformedJson, "the body cannot be read"))?;
    let by = caller.caller().member.id.as_str();
    let record = refund(app, &snapshot, &record, &ask, by, trace).await?;
    Ok(answer::one(StatusCode::OK, &record, &snapshot.config.payments.url))
}

/// Asks for a refund and sends it. The same reference again finds the same refund.
async fn refund(
    app: &Arc<App>,
    snapshot: &Snapshot,
    record: &Record,
    ask: &Ask,
    by: &str,
    trace: TraceId,
) -> Result<Record, Failure> {
    let provider = snapshot.payment_providers.of(record);
    let provider =
        provider.ok_or_else(|| Failure::new(ErrorCode::Conflict, "the payment has no provider to refund it"))?;
    let id = refund_id(record, &ask.reference);
    let known = record.refunds.iter().find(|line| line.id == id.as_str());
    let amount = match (ask.amount.and_then(Dong::new), known) {
        (Some(amount), _) => amount,
        (None, Some(known)) => Dong::new(known.amount).unwrap_or_default(),
        (None, None) => record.payment().left(),
    };
    check_able(provider, record, amount)?;
    let asked = keeper::change(app, record.id(), Because::of(trace), |record, now| {
        match record.payment().learn(&Fact::RefundAsked(id.clone(), amount), now) {
            Step::Refused(why) => return Err(why),
            Step::Same => {}
            Step::Changed(payment) => {
                record.refunds.push(line(ask, &id, amount, by, now));
                record.take(&payment, now);
            }
        }
        Ok(())
    });
    let (record, kind) = asked.await?;
    if kind == keeper::Kind::Same {
        return Ok(record);
    }
    let line = record.refunds.iter().find(|line| line.id == id.as_str()).expect("it was added just now");
    send(app, snapshot, provider, &record, line, (Try::First, trace)).await
}

fn line(ask: &Ask, id: &PaymentId, amount: Dong, by: &str, now: Timestamp) -> RefundLine {
    RefundLine {
        id: id.as_str().to_owned(),
        reference: ask.reference.clone(),
        amount: amount.get(),
        state: RefundState::Pending.as_str().to_owned(),
        reason: ask.reason.clone(),
        by: by.to_owned(),
        asked_at: to_the_second(now),
        done_at: None,
        provider_id: None,
        code: None,
        sent: true,
    }
}

fn check_able(provider: &PaymentProvider, record: &Record, amount: Dong) -> Result<(), Failure> {
    let abilities = provider.connector.abilities();
    let able = if amount.get() == record.amount { abilities.refund } else { abilities.partial_refund };
    if able {
        return Ok(());
    }
    let what = if abilities.refund { "parts of payments" } else { "payments" };
    Err(Failure::new(ErrorCode::Conflict, format!("{} sends no {what} back; refund by bank transfer", provider.id())))
}

/// The name of a refund: the same for the same reference, so that it is never made twice.
fn refund_id(record: &Record, reference: &str) -> PaymentId {
    let mut context = Context::new(&SHA256);
    for part in ["refund", &record.id, reference] {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    let mut bytes = [0; PaymentId::LENGTH];
    bytes.copy_from_slice(&context.finish().as_ref()[..PaymentId::LENGTH]);
    PaymentId::of_random(bytes)
}

/// What a provider's answer is an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    /// It was not told of the refund before.
    First,
    /// It was told before and knows nothing of it. Should it know by now, it refuses the repetition: that says nothing of the refund.
    Repeated,
    /// It is only asked.
    Question,
}

/// Tells the provider of a refund. That it is about to be told is on disk.
async fn send(
    app: &Arc<App>,
    snapshot: &Snapshot,
    provider: &PaymentProvider,
    record: &Record,
    line: &RefundLine,
    (attempt, trace): (Try, TraceId),
) -> Result<Record, Failure> {
    let (order, id, others) = (order(&snapshot.config, record, provider.id()), refund_name(line), others(record, line));
    let came = provider.connector.refund(refund_order(&order, record, line, (&id, &others))).await;
    took(app, provider, record, &id, (attempt, came), trace).await
}

/// Tells the provider of a refund that certainly did not reach it.
async fn send_anew(
    app: &Arc<App>,
    snapshot: &Snapshot,
    provider: &PaymentProvider,
    record: &Record,
    line: &RefundLine,
    trace: TraceId,
) -> Result<(), Failure> {
    let name = &line.id;
    let marked = keeper::change(app, record.id(), Because::of(trace), |record, now| {
        let line = record.refunds.iter_mut().find(|line| line.id == *name && !line.sent);
        let line = line.filter(|line| line.state == RefundState::Pending.as_str()).ok_or(NotNow::RefundUnderWay)?;
        line.sent = true;
        line.asked_at = to_the_second(now);
        Ok(())
    });
    let (record, _) = marked.await?;
    let line = record.refunds.iter().find(|line| line.id == *name).expect("it was marked just now");
    send(app, snapshot, provider, &record, line, (Try::First, trace)).await.map(drop)
}

/// Finds out where a refund stands that is under way; one that the provider knows nothing of is sent again.
pub(crate) async fn pursue(
    app: &Arc<App>,
    snapshot: &Snapshot,
    record: &Record,
    trace: TraceId,
) -> Result<(), Failure> {
    let line = record.refunds.iter().find(|line| line.state == RefundState::Pending.as_str());
    let provider = snapshot.payment_providers.of(record);
    let (Some(line), Some(provider)) = (line, provider) else { return Ok(()) };
    if !line.sent {
        return send_anew(app, snapshot, provider, record, line, trace).await;
    }
    let (order, id, others) = (order(&snapshot.config, record, provider.id()), refund_name(line), others(record, line));
    let asked = refund_order(&order, record, line, (&id, &others));
    let came = provider.connector.query_refund(asked, line.provider_id.as_deref()).await;
    let unknown_there = came.as_ref().is_ok_and(|report| report.standing == RefundStanding::NotFound);
    let old = app.clock.wall().0 - line.asked_at.0 > STILL_ON_ITS_WAY_MILLIS;
    let record = took(app, provider, record, &id, (Try::Question, came), trace).await?;
    // What the provider gave a name once it has.
    if unknown_there && old && line.provider_id.is_none() {
        send(app, snapshot, provider, &record, line, (Try::Repeated, trace)).await?;
    }
    Ok(())
}

fn refund_name(line: &RefundLine) -> PaymentId {
    line.id.parse().expect("it was checked when it was read or made")
}

/// What the provider calls the other refunds of a payment.
pub(crate) fn others(record: &Record, line: &RefundLine) -> Vec<String> {
    let others = record.refunds.iter().filter(|other| other.id != line.id);
    others.filter_map(|other| other.provider_id.clone()).collect()
}

/// A refund as a provider is told of it: by its name, and with the provider's names of the others.
pub(crate) fn refund_order<'a>(
    order: &'a lgsp_connect::Order,
    record: &'a Record,
    line: &'a RefundLine,
    (id, others): (&'a PaymentId, &'a [String]),
) -> RefundOrder<'a> {
    RefundOrder {
        order,
        others,
        transaction: record.transaction.as_deref().unwrap_or_default(),
        id,
        amount: Dong::new(line.amount).unwrap_or_default(),
        full: line.amount == record.amount,
        asked_at: line.asked_at,
        reason: &line.reason,
        by: &line.by,
    }
}

async fn took(
    app: &Arc<App>,
    provider: &PaymentProvider,
    record: &Record,
    id: &PaymentId,
    (attempt, came): (Try, Result<RefundReport, PayFailure>),
    trace: TraceId,
) -> Result<Record, Failure> {
    let report = match came {
        Ok(report) => report,
        Err(PayFailure::Refused(cause)) if attempt == Try::First => {
            let (standing, evidence) = (RefundStanding::Refused, bytes::Bytes::new());
            RefundReport { standing, provider_id: None, code: cause.code, evidence }
        }
        Err(failure) => {
            tracing::warn!(
                payment = record.id,
                provider = provider.id(),
                ?failure,
                ?attempt,
                "a refund's end is not known"
            );
            let unsent = attempt == Try::First && matches!(failure, PayFailure::Deferred(_));
            return if unsent { not_sent(app, record, id, trace).await } else { Ok(record.clone()) };
        }
    };
    if attempt == Try::Repeated && report.standing == RefundStanding::Refused {
        return Ok(record.clone());
    }
    let what = if attempt == Try::Question { "query_refund" } else { "refund" };
    let because = Because::said(trace, evidence(provider.id(), what, &report.evidence));
    let said = keeper::change(app, record.id(), because, |record, now| facts::refund_said(record, id, &report, now));
    Ok(said.await?.0)
}

/// Notes that the provider was not reached: the refund can be sent like a new one.
async fn not_sent(app: &Arc<App>, record: &Record, id: &PaymentId, trace: TraceId) -> Result<Record, Failure> {
    let noted = keeper::change(app, record.id(), Because::of(trace), |record, _| {
        if let Some(line) = record.refunds.iter_mut().find(|line| line.id == id.as_str()) {
            line.sent = false;
        }
        Ok(())
    });
    Ok(noted.await?.0)
}
