//! A provider says what happened: signature, then order, then amount, then state; on disk before it is answered. What is said falsely is
//! recorded too, within a bound.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, COOKIE};
use lgsp_connect::{CallbackRequest, CallbackVerdict, Heard, Unheard};
use lgsp_model::{ErrorCode, EventKey, MemberId, ReportStanding};
use lgsp_store::{NewEvent, Subject, TraceId};

use super::facts::{self, evidence};
use super::keeper::{self, Because, Changing, Kept, Kind};
use super::order::order;
use super::providers::PaymentProvider;
use super::word::Word;
use crate::answer::{self, Answer};
use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::request::Accepted;

/// Bytes that are kept of what is not signed.
const MOST_NOISE: usize = 512;

pub(crate) async fn callback(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let snapshot = request.snapshot.clone();
    let provider = snapshot.payment_providers.get(id);
    let provider = provider.ok_or_else(|| Failure::new(ErrorCode::NotFound, "there is no such payment provider"))?;
    let trace = request.trace.id();
    let word = Word::read(request, "callback", app.clock.wall()).await?;
    let came = word.came();
    let verdict = judge(app, &snapshot, provider, &came, trace).await;
    app.metrics.payments.callback(provider.id(), verdict);
    let reply = provider.connector.reply(&came, verdict);
    Ok(answer::with_body(reply.status, reply.content_type, reply.body))
}

async fn judge(
    app: &Arc<App>,
    snapshot: &Snapshot,
    provider: &PaymentProvider,
    came: &CallbackRequest<'_>,
    trace: TraceId,
) -> CallbackVerdict {
    let heard = match provider.connector.hear(came) {
        Ok(heard) => heard,
        Err(Unheard::BadSignature) => return noise(app, provider, came, CallbackVerdict::BadSignature, trace).await,
        Err(Unheard::Malformed(_)) => return noise(app, provider, came, CallbackVerdict::Malformed, trace).await,
        Err(Unheard::UnknownOrder) => return noted(app, provider, came, CallbackVerdict::UnknownOrder, trace).await,
    };
    let said = evidence(provider.id(), "callback", &raw(came));
    match heard_of(app, snapshot, provider, &heard, Because::said(trace, said)).await {
        Ok(verdict @ (CallbackVerdict::UnknownOrder | CallbackVerdict::WrongAmount)) => {
            noted(app, provider, came, verdict, trace).await
        }
        Ok(verdict) => verdict,
        Err(failure) => {
            tracing::warn!(
                provider = provider.id(),
                code = failure.code.code(),
                "a callback could not be recorded now"
            );
            CallbackVerdict::TryAgain
        }
    }
}

/// What the provider sent, so that it can be checked again by hand; without what browsers and proxies are known by.
fn raw(came: &CallbackRequest<'_>) -> Vec<u8> {
    let mut raw = format!("{} {}?{}\n", came.method, came.path, came.query).into_bytes();
    let headers = came.headers.iter().filter(|(name, _)| !matches!(**name, AUTHORIZATION | COOKIE));
    for (name, value) in headers {
        raw.extend_from_slice(name.as_str().as_bytes());
        raw.extend_from_slice(b": ");
        raw.extend_from_slice(value.as_bytes());
        raw.push(b'\n');
    }
    raw.push(b'\n');
    raw.extend_from_slice(came.body);
    raw
}

async fn heard_of(
    app: &Arc<App>,
    snapshot: &Snapshot,
    provider: &PaymentProvider,
    heard: &Heard,
    because: Because,
) -> Result<CallbackVerdict, Failure> {
    let Some(kept) = keeper::load(app, &heard.order).await? else { return Ok(CallbackVerdict::UnknownOrder) };
    if kept.record.provider.as_deref() != Some(provider.id()) {
        return Ok(CallbackVerdict::UnknownOrder);
    }
    let amount = kept.record.payment().amount;
    if heard.report.amount.is_some_and(|said| said != amount) {
        if heard.proven {
            learn(app, kept, heard, because).await?;
        }
        return Ok(CallbackVerdict::WrongAmount);
    }
    if heard.proven {
        return learn(app, kept, heard, because).await;
    }
    confirmed(app, snapshot, provider, &kept, because).await
}

async fn learn(app: &Arc<App>, kept: Kept, heard: &Heard, because: Because) -> Result<CallbackVerdict, Failure> {
    let report = &heard.report;
    recorded(keeper::change_kept(app, kept, because, |record, now| facts::said(record, report, now)).await)
}

fn recorded(change: Result<(super::Record, Kind), Changing>) -> Result<CallbackVerdict, Failure> {
    Ok(match change? {
        (_, Kind::Changed) => CallbackVerdict::Recorded,
        (_, Kind::Same) => CallbackVerdict::AlreadyRecorded,
    })
}

/// A callback whose signature does not cover what happened only says that something did: the provider is asked what.
async fn confirmed(
    app: &Arc<App>,
    snapshot: &Snapshot,
    provider: &PaymentProvider,
    kept: &Kept,
    mut because: Because,
) -> Result<CallbackVerdict, Failure> {
    // What came to its end was confirmed then. Such a callback can be sent again by whoever saw it once.
    if kept.record.state().had_money() || kept.record.state().is_final() {
        return Ok(CallbackVerdict::AlreadyRecorded);
    }
    let Ok(_place) = provider.asking.clone().try_acquire_owned() else { return Ok(CallbackVerdict::TryAgain) };
    let order = order(&snapshot.config, &kept.record, provider.id());
    let Ok(report) = provider.connector.query(&order).await else { return Ok(CallbackVerdict::TryAgain) };
    because.evidence.push(evidence(provider.id(), "query", &report.evidence));
    let settled =
        !matches!(report.standing, ReportStanding::Pending | ReportStanding::Unclear | ReportStanding::NotFound);
    let verdict = recorded(
        keeper::change(app, order.id.clone(), because, |record, now| facts::said(record, &report, now)).await,
    )?;
    Ok(if settled { verdict } else { CallbackVerdict::TryAgain })
}

/// Keeps what is not signed by the provider. Anybody can send such things, so that their share of the log is bounded in number and size; what
/// is beyond is counted only.
async fn noise(
    app: &Arc<App>,
    provider: &PaymentProvider,
    came: &CallbackRequest<'_>,
    verdict: CallbackVerdict,
    trace: TraceId,
) -> CallbackVerdict {
    tracing::warn!(provider = provider.id(), ?verdict, "a callback does not count");
    if !provider.noise.may(app.clock.steady()) {
        return verdict;
    }
    let raw = raw(came);
    let shown = &raw[..raw.len().min(MOST_NOISE)];
    keep(app, provider, evidence(provider.id(), verdict_word(verdict), shown), verdict, trace).await
}

/// Keeps what the provider did say and what leads to no payment. It is not acknowledged before it is on disk; somebody who repeats what he
/// saw once is asked to come again.
async fn noted(
    app: &Arc<App>,
    provider: &PaymentProvider,
    came: &CallbackRequest<'_>,
    verdict: CallbackVerdict,
    trace: TraceId,
) -> CallbackVerdict {
    tracing::warn!(provider = provider.id(), ?verdict, "a callback leads to no payment");
    if !provider.strays.may(app.clock.steady()) {
        return CallbackVerdict::TryAgain;
    }
    keep(app, provider, evidence(provider.id(), verdict_word(verdict), &raw(came)), verdict, trace).await
}

async fn keep(
    app: &Arc<App>,
    provider: &PaymentProvider,
    said: Bytes,
    verdict: CallbackVerdict,
    trace: TraceId,
) -> CallbackVerdict {
    let key = EventKey::of("payment", provider.id(), None).expect("a provider's id is a name");
    let event = NewEvent {
        subject: Subject::Evidence { key },
        sender: provider.id().parse::<MemberId>().expect("a provider's id has the letters of a member's"),
        at: app.clock.wall(),
        payload: said,
        trace,
        idempotency: None,
    };
    match app.store.append(vec![event]).await {
        Ok(_) => verdict,
        Err(_) => CallbackVerdict::TryAgain,
    }
}

/// The word for a verdict in metrics.
pub(crate) const fn verdict_word(verdict: CallbackVerdict) -> &'static str {
    match verdict {
        CallbackVerdict::Recorded => "recorded",
        CallbackVerdict::AlreadyRecorded => "already_recorded",
        CallbackVerdict::UnknownOrder => "unknown_order",
        CallbackVerdict::WrongAmount => "wrong_amount",
        CallbackVerdict::BadSignature => "bad_signature",
        CallbackVerdict::Malformed => "malformed",
        CallbackVerdict::TryAgain => "try_again",
    }
}
