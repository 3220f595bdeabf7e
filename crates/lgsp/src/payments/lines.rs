//! What the store is told beside the record: the names by which the payment is found, its lines in the provider's ledger, and when it is
//! looked at next.

use lgsp_core::payment::next_look;
use lgsp_model::{Dong, PaymentState, Timestamp};
use lgsp_store::{LedgerKind, LedgerLine, LedgerState, PaymentName};

use super::record::{Record, RefundLine};

/// The name by which a caller's own reference is found.
pub(crate) fn reference_name(member: &str, reference: &str) -> Option<PaymentName> {
    PaymentName::new("reference", &[member, reference]).ok()
}

/// The name by which the payment of an order at the post is found.
pub(crate) fn post_name(message: &str) -> Option<PaymentName> {
    PaymentName::new("post", &[message]).ok()
}

/// All names that a record has. A provider's transaction pays one payment.
pub(crate) fn names(record: &Record) -> Vec<PaymentName> {
    let mut names: Vec<_> = reference_name(&record.member, &record.reference).into_iter().collect();
    names.extend(record.post.as_ref().and_then(|post| post_name(&post.message)));
    if let (Some(provider), Some(transaction)) = (&record.provider, &record.transaction)
        && record.state().had_money()
    {
        names.extend(PaymentName::new("transaction", &[provider, transaction]).ok());
    }
    names
}

/// The lines of a payment at its provider.
pub(crate) fn ledger(record: &Record) -> Vec<LedgerLine> {
    let Some(provider) = &record.provider else { return Vec::new() };
    let state = match record.state() {
        _ if record.received == Some(record.amount) => LedgerState::Settled,
        // A provider that could not be told has nothing of it.
        PaymentState::Failed => LedgerState::Void,
        _ if !record.sent => LedgerState::Void,
        _ => LedgerState::Open,
    };
    let id = record.id();
    let line = |reference: &str, kind, at: Timestamp, amount, state, transaction| LedgerLine {
        provider: provider.clone(),
        day: day_of(at),
        reference: reference.to_owned(),
        kind,
        amount: Dong::new(amount).unwrap_or_default(),
        state,
        transaction,
        payment: id.clone(),
    };
    let at = record.paid_at.or(record.opened_at).unwrap_or(record.created_at);
    let paid = line(&record.id, LedgerKind::Payment, at, record.amount, state, record.transaction.clone());
    let refund = |refund: &RefundLine| {
        let state = match refund.state.as_str() {
            "done" => LedgerState::Settled,
            "refused" => LedgerState::Void,
            _ => LedgerState::Open,
        };
        let at = refund.done_at.unwrap_or(refund.asked_at);
        line(&refund.id, LedgerKind::Refund, at, refund.amount, state, refund.provider_id.clone())
    };
    std::iter::once(paid).chain(record.refunds.iter().map(refund)).collect()
}

/// The day in Vietnam as a number: 20261122.
pub(crate) fn day_of(at: Timestamp) -> u32 {
    let digits: String = at.to_string().chars().take(10).filter(char::is_ascii_digit).collect();
    digits.parse().expect("a time begins with its date")
}

/// When a payment is looked at next. One that was just paid is looked at once, at once: whether the fee was paid before. So is one whose
/// refund ended: it may have been asked for before that look.
pub(crate) fn due(before: Option<PaymentState>, record: &Record, now: Timestamp) -> Option<Timestamp> {
    let holds = |state: PaymentState| state.had_money() && state != PaymentState::RefundPending;
    let newly = holds(record.state()) && !before.is_some_and(holds);
    if newly { Some(now) } else { next(record, now) }
}

/// When a payment is looked at that nothing has just happened to. One that only a person can do something about is due in a time that
/// never comes, where the list of such payments is read.
pub(crate) fn next(record: &Record, now: Timestamp) -> Option<Timestamp> {
    next_look(&record.payment(), now).or_else(|| record.needs_a_person().then_some(NEVER))
}

/// After every time that a payment may have: 1 January 9999.
pub(crate) const NEVER: Timestamp = Timestamp(253_370_764_800_000);
