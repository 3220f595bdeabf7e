//! Reconciliation: a provider's account of a day, as a file or by asking, beside our ledger; what came of it is stored, and payments
//! that the provider has money for are asked about at once.
//!
//! It changes no payment: money in a file is a reason to ask the provider, never a fact. How lines are compared is `lgsp-core`'s.

mod asked;
mod awaken;
mod day;
mod file;
mod found;
mod outcome;
mod sheet;
mod stored;

use std::sync::Arc;

use lgsp_config::PaymentProvider;
use lgsp_core::reconcile::{LineKind, Merge, MergeError, Money, OurLine, Pair, Statement, StatementError};
use lgsp_model::ErrorCode;
use lgsp_store::{AuditEntry, DurableStore, LedgerKind, LedgerLine, LedgerState, StoreError};

use crate::app::App;
use crate::failure::Failure;

pub(crate) use asked::with_answers;
pub(crate) use day::Day;
pub(crate) use file::Upload;
pub(crate) use found::Found;
use found::Row;
pub(crate) use outcome::Outcome;
use outcome::Source;
pub(crate) use sheet::{csv, xlsx};
pub(crate) use stored::{Rows, list, read};

/// Lines of the ledger that are read at once: some milliseconds of comparing, and some hundred KiB.
const PAGE: usize = 5_000;
/// From so many lines on each side it is not believed that none of them is about the same payment.
const STRANGE: u64 = 10;

/// A reconciliation on its way to be stored.
pub(crate) struct Compared {
    pub(crate) outcome: Outcome,
    pub(crate) found: Found,
}

/// A provider of the configuration.
pub(crate) fn provider(app: &App, id: &str) -> Result<PaymentProvider, Failure> {
    let snapshot = app.snapshot();
    let found = snapshot.config.payment_providers.iter().find(|provider| provider.id.as_str() == id);
    found.cloned().ok_or_else(|| Failure::new(ErrorCode::NotFound, "there is no such payment provider"))
}

/// Compares a provider's file with our ledger.
pub(crate) async fn with_file(app: &App, provider: &str, day: Day, statement: Statement) -> Result<Compared, Failure> {
    // Sorting a million lines takes a good part of a second: not on a thread that others wait for.
    let merge = tokio::task::spawn_blocking(move || Merge::new(statement)).await.expect("comparing does not panic");
    let mut merge = merge.map_err(|error: StatementError| refused(error.to_string()))?;
    let (mut found, mut ours, theirs) = (Found::default(), 0u64, merge.theirs() as u64);
    for (reference, transaction) in stored::elsewhere(&*app.store, provider, day, None).await? {
        merge.elsewhere(reference, transaction);
    }
    let mut tell = |pair: &Pair<'_>| found.take(pair);
    let mut ledger = Ledger::of(&*app.store, provider, day);
    while let Some(lines) = ledger.next().await? {
        for line in &lines {
            merge.ours(&our_line(line), &mut tell).map_err(damaged)?;
        }
        ours += lines.len() as u64;
    }
    if merge.day_ended(&mut tell) {
        ours += beside(app, provider, day, &mut merge, &mut found).await?;
    }
    let (summary, met) = merge.end(&mut |pair| found.take(pair));
    if met == 0 && ours.min(theirs) >= STRANGE {
        return Err(refused(format!(
            "none of the file's {theirs} rows is about one of the {ours} lines of that day: it is another provider's file, or another \
             merchant's"
        )));
    }
    Ok(Compared { outcome: Outcome::new(provider, day, Source::File, [ours, theirs], summary), found })
}

/// Compares what is left of the file with the days beside it; how many lines of theirs it has.
async fn beside(app: &App, provider: &str, day: Day, merge: &mut Merge, found: &mut Found) -> Result<u64, Failure> {
    let mut count = 0;
    for day in day.beside() {
        let mut ledger = Ledger::of(&*app.store, provider, day);
        while let Some(lines) = ledger.next().await? {
            for line in &lines {
                merge.beside(&our_line(line), &mut |pair: &Pair<'_>| {
                    count += 1;
                    found.take_beside(day, pair);
                });
            }
        }
    }
    Ok(count)
}

/// Makes payments due that the provider has money for and we do not, stores the result, and shows it in the metrics.
pub(crate) async fn finish(app: &Arc<App>, compared: Compared, by: AuditEntry) -> Result<Outcome, Failure> {
    let Compared { mut outcome, mut found } = compared;
    outcome.made_due = awaken::awaken(app, found.take_doubtful()).await?;
    outcome.clears = stored::clears(&*app.store, &outcome, found.take_all_beside()).await?;
    stored::store(app, &mut outcome, found, by).await?;
    show(app, &outcome.provider).await?;
    tracing::info!(
        provider = outcome.provider,
        day = %outcome.day,
        differing = outcome.differing,
        difference = outcome.difference,
        "payments reconciled"
    );
    Ok(outcome)
}

/// Shows a provider's standing in the metrics.
async fn show(app: &App, provider: &str) -> Result<(), StoreError> {
    let standing = stored::standing(&*app.store, provider, app.clock.wall()).await?;
    app.metrics.reconciled(provider, standing.differing, standing.last);
    Ok(())
}

/// Shows what is known of every provider of the configuration; without this a restart would make the alarm forget.
pub(crate) async fn show_all(app: &App) {
    app.metrics.forget_reconciliations();
    for provider in &app.snapshot().config.payment_providers {
        if let Err(error) = show(app, provider.id.as_str()).await {
            tracing::warn!(provider = %provider.id, cause = %error, "reconciliations cannot be read for the metrics");
        }
    }
}

/// The ledger of a day, page by page.
pub(crate) struct Ledger<'a> {
    store: &'a dyn DurableStore,
    provider: &'a str,
    day: Day,
    after: Option<String>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn of(store: &'a dyn DurableStore, provider: &'a str, day: Day) -> Self {
        Self { store, provider, day, after: Some(String::new()) }
    }

    /// The next lines, in the order of references.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<LedgerLine>>, StoreError> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let lines = self.store.ledger(self.provider.to_owned(), self.day.number(), after, PAGE).await?;
        self.after = lines.last().filter(|_| lines.len() == PAGE).map(|line| line.reference.clone());
        Ok(Some(lines))
    }
}

/// A line of the ledger as it is compared.
pub(crate) fn our_line(line: &LedgerLine) -> OurLine<'_> {
    OurLine {
        kind: match line.kind {
            LedgerKind::Payment => LineKind::Payment,
            LedgerKind::Refund => LineKind::Refund,
        },
        reference: &line.reference,
        payment: line.payment.as_str(),
        transaction: line.transaction.as_deref().unwrap_or_default(),
        amount: line.amount,
        money: match line.state {
            LedgerState::Open => Money::Open,
            LedgerState::Settled => Money::Moved,
            LedgerState::Void => Money::Still,
        },
    }
}

/// A file that cannot be compared.
pub(crate) fn refused(detail: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::ContractViolation, format!("nothing was stored: {}", detail.into()))
}

fn damaged(error: MergeError) -> Failure {
    tracing::error!(cause = %error, "the ledger cannot be compared");
    Failure::new(ErrorCode::Internal, "the ledger of that day cannot be compared")
}
