//! What each fact makes of a payment. Every change of state follows the one table of `PaymentState`, with one bridge: a provider that was
//! told of an order may say how it ended before its answer to the telling was read, so that `created` stands for `pending` then.

use lgsp_model::{Dong, PaymentId, PaymentState, RefundStanding, ReportStanding, Timestamp};

use super::{EndCause, Fact, Flag, NotNow, Payment, Refund, RefundSaying, RefundState, Saying, Step};

pub(super) fn learn(before: &Payment, fact: &Fact, now: Timestamp) -> Step {
    let mut after = before.clone();
    match (apply(&mut after, fact, now), after == *before) {
        (Err(why), _) => Step::Refused(why),
        (Ok(()), true) => Step::Same,
        (Ok(()), false) => Step::Changed(Box::new(after)),
    }
}

fn apply(payment: &mut Payment, fact: &Fact, now: Timestamp) -> Result<(), NotNow> {
    use PaymentState::{Created, Pending, Unknown};
    match fact {
        Fact::Opened => {
            payment.sent = true;
            become_if(payment, Pending, &[Created, Unknown], now);
        }
        Fact::OpenedMaybe => {
            payment.sent = true;
            become_if(payment, Unknown, &[Created], now);
        }
        Fact::NotTaken(code) => {
            if matches!(payment.state, Created | Unknown) {
                end(payment, PaymentState::Failed, EndCause::NotTaken, now);
                payment.code = Some(code.clone());
            }
        }
        Fact::Said(saying) => said(payment, saying, now),
        Fact::Silent => become_if(payment, Unknown, &[Pending], now),
        Fact::Ended(cause) => return ended(payment, *cause, now),
        Fact::RefundAsked(id, amount) => return refund_asked(payment, id, *amount, now),
        Fact::RefundSaid(id, saying) => refund_said(payment, id, saying, now),
        Fact::UsedElsewhere => {
            payment.flags.insert(Flag::OtherTransaction);
        }
        Fact::PaidBefore => {
            if payment.state.had_money() {
                payment.flags.insert(Flag::PaidTwice);
            }
        }
    }
    Ok(())
}

fn become_if(payment: &mut Payment, state: PaymentState, from: &[PaymentState], now: Timestamp) {
    if from.contains(&payment.state) {
        turn(payment, state, now);
    }
}

/// The one place where a state changes.
fn turn(payment: &mut Payment, state: PaymentState, now: Timestamp) {
    let from = payment.state;
    let bridged = from == PaymentState::Created && PaymentState::Pending.may_become(state);
    debug_assert!(from.may_become(state) || bridged, "{from} never becomes {state}");
    payment.state = state;
    payment.changed_at = now;
}

fn end(payment: &mut Payment, state: PaymentState, cause: EndCause, now: Timestamp) {
    turn(payment, state, now);
    payment.cause = Some(cause);
}

fn ended(payment: &mut Payment, cause: EndCause, now: Timestamp) -> Result<(), NotNow> {
    match payment.state {
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown => {
            end(payment, PaymentState::Expired, cause, now);
            Ok(())
        }
        PaymentState::Expired => Ok(()),
        _ => Err(NotNow::Over),
    }
}

fn said(payment: &mut Payment, saying: &Saying, now: Timestamp) {
    use PaymentState::{Created, Pending, Unknown};
    payment.sent = true;
    let open = matches!(payment.state, Created | Pending | Unknown);
    let tells_an_end =
        matches!(saying.standing, ReportStanding::Paid | ReportStanding::Refunded | ReportStanding::Failed);
    // Another amount than the payment's is about something else: it neither counts as paid nor ends it.
    if tells_an_end && saying.amount.is_some_and(|amount| amount != payment.amount) {
        return wrong_amount(payment, saying);
    }
    match saying.standing {
        ReportStanding::Paid => paid(payment, saying, now),
        ReportStanding::Refunded => {
            paid(payment, saying, now);
            let asked_here = payment.refunds.iter().any(|refund| refund.state != RefundState::Refused);
            if payment.state.had_money() && !asked_here {
                payment.flags.insert(Flag::RefundedElsewhere);
            }
        }
        ReportStanding::Failed if open => {
            end(payment, PaymentState::Failed, EndCause::NotPaid, now);
            payment.code = Some(saying.code.clone());
        }
        ReportStanding::Failed => {
            if payment.state.had_money() {
                payment.flags.insert(Flag::Contradicted);
            }
        }
        ReportStanding::Pending => become_if(payment, Pending, &[Created, Unknown], now),
        ReportStanding::Unclear => {
            become_if(payment, Unknown, &[Created, Pending], now);
            if payment.state.is_open() {
                payment.code = Some(saying.code.clone());
            }
        }
        // A provider may not know an order before the citizen comes to its page.
        ReportStanding::NotFound => {}
    }
}

fn wrong_amount(payment: &mut Payment, saying: &Saying) {
    payment.flags.insert(Flag::WrongAmount);
    if saying.standing != ReportStanding::Failed && payment.received != Some(payment.amount) {
        payment.received = saying.amount;
    }
}

/// The provider has the money.
fn paid(payment: &mut Payment, saying: &Saying, now: Timestamp) {
    match payment.state {
        PaymentState::Failed => {
            payment.flags.insert(Flag::PaidAfterFailed);
            take(payment, saying, now);
        }
        state if state.had_money() => match (&payment.transaction, &saying.transaction) {
            (None, Some(_)) => payment.transaction.clone_from(&saying.transaction),
            (Some(known), Some(other)) if known != other => {
                payment.flags.insert(Flag::OtherTransaction);
            }
            _ => {}
        },
        state => {
            let late = state == PaymentState::Expired || saying.paid_at.is_some_and(|at| at > payment.expires_at);
            turn(payment, PaymentState::Paid, now);
            payment.cause = None;
            take(payment, saying, now);
            if late {
                payment.flags.insert(Flag::Late);
            }
        }
    }
}

/// Notes what the provider says of the money, the first time.
fn take(payment: &mut Payment, saying: &Saying, now: Timestamp) {
    if payment.paid_at.is_none() {
        payment.paid_at = Some(saying.paid_at.unwrap_or(now));
        payment.received = Some(payment.amount);
        payment.code = Some(saying.code.clone());
    }
    if payment.transaction.is_none() {
        payment.transaction.clone_from(&saying.transaction);
    }
}

fn refund_asked(payment: &mut Payment, id: &PaymentId, amount: Dong, now: Timestamp) -> Result<(), NotNow> {
    if let Some(known) = payment.refunds.iter().find(|refund| refund.id == *id) {
        return if known.amount == amount { Ok(()) } else { Err(NotNow::OtherAmount) };
    }
    if payment.state == PaymentState::RefundPending {
        return Err(NotNow::RefundUnderWay);
    }
    if !payment.state.may_become(PaymentState::RefundPending) {
        return Err(NotNow::NothingToRefund);
    }
    let left = payment.left();
    if amount > left || amount == Dong::ZERO {
        return Err(NotNow::TooMuch { left });
    }
    turn(payment, PaymentState::RefundPending, now);
    let refund = Refund { id: id.clone(), amount, state: RefundState::Pending, provider_id: None, code: None };
    payment.refunds.push(refund);
    Ok(())
}

fn refund_said(payment: &mut Payment, id: &PaymentId, saying: &RefundSaying, now: Timestamp) {
    let Some(refund) = payment.refunds.iter_mut().find(|refund| refund.id == *id) else { return };
    if refund.state != RefundState::Pending {
        return;
    }
    if saying.provider_id.is_some() {
        refund.provider_id.clone_from(&saying.provider_id);
    }
    match saying.standing {
        // What the provider does not know can be sent again; what is on its way has a code that may change.
        RefundStanding::Pending | RefundStanding::NotFound => return,
        RefundStanding::Done => refund.state = RefundState::Done,
        RefundStanding::Refused => refund.state = RefundState::Refused,
    }
    refund.code = Some(saying.code.clone());
    let (refunded, amount) = (payment.refunded(), payment.amount);
    let state = match refunded {
        Dong::ZERO => PaymentState::Paid,
        all if all == amount => PaymentState::Refunded,
        _ => PaymentState::PartlyRefunded,
    };
    turn(payment, state, now);
}
