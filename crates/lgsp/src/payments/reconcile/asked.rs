//! Reconciliation without a file: the provider is asked about each of our lines of the day. What it has and we have not cannot be found
//! so, and what it answers changes no payment here.

use std::sync::Arc;

use lgsp_connect::PayFailure;
use lgsp_core::reconcile::{Class, Dated, Money, Pair, Summary, TheirLine, judge};
use lgsp_model::{Dong, ErrorCode, PaymentId, RefundStanding, ReportStanding};
use lgsp_store::{LedgerKind, LedgerLine};
use tokio::task::JoinSet;

use super::{Compared, Day, Found, Ledger, Outcome, Source, our_line};
use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::payments::order::order;
use crate::payments::providers::PaymentProvider;
use crate::payments::record::Record;
use crate::payments::{keeper, refund};

/// Lines of a day that a provider is asked about: at some ten milliseconds an answer, minutes. More are compared by file.
const MOST_LINES: usize = 20_000;
/// Questions on their way; how many of them the provider sees at one time is `[payments] asking`.
const AT_ONCE: usize = 64;

/// What a provider says of a line.
struct Said {
    money: Money,
    amount: Option<Dong>,
    transaction: Option<String>,
}

/// What came of asking.
enum Answer {
    Said(Said),
    /// It knows nothing of it.
    Nothing,
    /// It did not say.
    None,
}

/// Compares our ledger with what the provider answers.
pub(crate) async fn with_answers(app: &Arc<App>, provider: &str, day: Day) -> Result<Compared, Failure> {
    let snapshot = app.snapshot();
    let unknown = || Failure::new(ErrorCode::NotFound, "there is no such payment provider");
    let asked = snapshot.payment_providers.get(provider).cloned().ok_or_else(unknown)?;
    let lines = lines_of(app, provider, day).await?;
    let (ours, mut theirs) = (lines.len() as u64, 0);
    let (mut summary, mut found, mut waiting) = (Summary::default(), Found::default(), JoinSet::new());
    let mut lines = lines.into_iter();
    loop {
        while waiting.len() < AT_ONCE
            && let Some(line) = lines.next()
        {
            let (app, snapshot, asked) = (app.clone(), snapshot.clone(), asked.clone());
            waiting.spawn(async move { (ask(&app, &snapshot, &asked, &line).await, line) });
        }
        let Some(ended) = waiting.join_next().await else { break };
        let (answer, line) = ended.expect("asking does not panic");
        theirs += u64::from(matches!(answer, Ok(Answer::Said(_))));
        count(&line, &answer?, &mut summary, &mut found);
    }
    Ok(Compared { outcome: Outcome::new(provider, day, Source::Query, [ours, theirs], summary), found })
}

/// All lines of the day.
async fn lines_of(app: &App, provider: &str, day: Day) -> Result<Vec<LedgerLine>, Failure> {
    let (mut lines, mut ledger) = (Vec::new(), Ledger::of(&*app.store, provider, day));
    while let Some(page) = ledger.next().await? {
        lines.extend(page);
        if lines.len() > MOST_LINES {
            let detail = format!("the day has more than {MOST_LINES} lines: send the provider's file");
            return Err(Failure::new(ErrorCode::BadParameter, detail));
        }
    }
    Ok(lines)
}

fn count(line: &LedgerLine, answer: &Answer, summary: &mut Summary, found: &mut Found) {
    let ours = our_line(line);
    let theirs = match answer {
        Answer::Said(said) => Some(TheirLine {
            kind: ours.kind,
            reference: ours.reference,
            transaction: said.transaction.as_deref().unwrap_or_default(),
            amount: said.amount.unwrap_or(ours.amount),
            money: said.money,
            dated: Dated::Asked,
            line: 0,
        }),
        Answer::Nothing | Answer::None => None,
    };
    let class = match answer {
        Answer::None => Class::Unanswered,
        Answer::Said(_) | Answer::Nothing => judge(Some(&ours), theirs.as_ref()),
    };
    summary.count(class, Some(&ours), theirs.as_ref());
    found.take(&Pair { class, ours: Some(ours), theirs });
}

async fn ask(app: &App, snapshot: &Snapshot, provider: &PaymentProvider, line: &LedgerLine) -> Result<Answer, Failure> {
    let Some(kept) = keeper::load(app, &line.payment).await? else { return Ok(Answer::None) };
    let record = kept.record;
    if !record.sent {
        return Ok(Answer::Nothing);
    }
    let _place = provider.asking.clone().acquire_owned().await.expect("it is never closed");
    let answer = match line.kind {
        LedgerKind::Payment => payment(snapshot, provider, &record).await,
        LedgerKind::Refund => refund(snapshot, provider, &record, &line.reference).await,
    };
    Ok(answer.unwrap_or_else(|failure| {
        tracing::info!(reference = line.reference, provider = provider.id(), ?failure, "a provider did not answer");
        Answer::None
    }))
}

async fn payment(snapshot: &Snapshot, provider: &PaymentProvider, record: &Record) -> Result<Answer, PayFailure> {
    let report = provider.connector.query(&order(&snapshot.config, record, provider.id())).await?;
    let money = match report.standing {
        ReportStanding::NotFound => return Ok(Answer::Nothing),
        // What went back is a line of its own.
        ReportStanding::Paid | ReportStanding::Refunded => Money::Moved,
        ReportStanding::Pending | ReportStanding::Unclear => Money::Open,
        ReportStanding::Failed => Money::Still,
    };
    Ok(Answer::Said(Said { money, amount: report.amount, transaction: report.transaction }))
}

async fn refund(
    snapshot: &Snapshot,
    provider: &PaymentProvider,
    record: &Record,
    reference: &str,
) -> Result<Answer, PayFailure> {
    let line = record.refunds.iter().find(|line| line.id == reference);
    let (Some(line), Ok(id)) = (line, reference.parse::<PaymentId>()) else { return Ok(Answer::None) };
    let order = order(&snapshot.config, record, provider.id());
    let others = refund::others(record, line);
    let asked = refund::refund_order(&order, record, line, (&id, &others));
    let report = provider.connector.query_refund(asked, line.provider_id.as_deref()).await?;
    let money = match report.standing {
        RefundStanding::NotFound => return Ok(Answer::Nothing),
        RefundStanding::Done => Money::Moved,
        RefundStanding::Pending => Money::Open,
        RefundStanding::Refused => Money::Still,
    };
    Ok(Answer::Said(Said { money, amount: None, transaction: report.provider_id }))
}
