//! MoMo's refunds: their own names, their own query.
//!
//! Money goes back at once, later or not at all, as the settings say.

use serde_json::{Value, json};

use super::super::book::{OrderState, PaymentRefund, RefundState};
use super::super::rules::{Counter, Fields};
use super::{Refused, amount_of, is_new, number, words};

fn code_of(refund: &PaymentRefund) -> i64 {
    match refund.state {
        RefundState::Pending => 7002,
        RefundState::Done => 0,
        RefundState::Refused => 1088,
    }
}

pub(super) fn rows<'a>(refunds: impl Iterator<Item = &'a PaymentRefund>) -> Vec<Value> {
    let row = |refund: &PaymentRefund| {
        json!({
            "orderId": refund.name, "amount": refund.amount, "resultCode": code_of(refund),
            "transId": number(Some(&refund.transaction)), "createdTime": refund.at_ms,
        })
    };
    refunds.map(row).collect()
}

pub(super) fn refund(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let amount = amount_of(fields)?;
    let id = fields.text("orderId");
    is_new(counter, &id)?;
    let order = counter.book.of_transaction(&fields.text("transId")).filter(|order| order.state == OrderState::Paid);
    let order = order.ok_or(1088)?;
    let (reference, left, full) = (order.reference.clone(), order.amount - order.refunded(), amount == order.amount);
    if left == 0 {
        return Err(1081);
    }
    if amount > left {
        return Err(1088);
    }
    let refund = counter.new_refund(id, amount, full);
    let code = code_of(&refund);
    let answer = json!({
        "partnerCode": counter.terms.merchant, "orderId": refund.name, "requestId": fields.text("requestId"),
        "amount": amount, "transId": number(Some(&refund.transaction)), "resultCode": code, "message": words(code),
        "responseTime": counter.now_ms,
    });
    counter.put_refund(&reference, refund);
    Ok(answer)
}

/// Of a refund by its own name, or of all refunds of an order.
pub(super) fn query(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let id = fields.text("orderId");
    let (code, amount, transaction, rows) = match (counter.book.refund(&id), counter.book.order(&id)) {
        (Some((_, refund)), _) => {
            (code_of(refund), refund.amount, number(Some(&refund.transaction)), rows([refund].into_iter()))
        }
        (None, Some(order)) => (0, order.amount, number(order.transaction.as_deref()), rows(order.refunds.iter())),
        (None, None) => return Err(42),
    };
    Ok(json!({
        "partnerCode": counter.terms.merchant, "orderId": id, "requestId": fields.text("requestId"), "amount": amount,
        "transId": transaction, "resultCode": code, "message": words(code), "responseTime": counter.now_ms,
        "refundTrans": rows,
    }))
}
