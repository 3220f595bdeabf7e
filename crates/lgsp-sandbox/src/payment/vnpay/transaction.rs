//! VNPAY's calls between servers: `querydr` and `refund`, signed both ways.
//!
//! What a payment is, and where its page stands, is not decided here.

use serde_json::{Map, Value, json};

use super::super::book::{Answered, OrderState, PaymentOrder, PaymentRefund, RefundState};
use super::super::clock;
use super::super::day::BANK;
use super::super::rules::{Counter, Fields, dong};
use super::super::sign::hmac_sha512;
use super::status;
use crate::answer::Answer;
use crate::call::Call;

const QUERY_SIGNED: [&str; 9] = [
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_TransactionDate",
    "vnp_CreateDate",
    "vnp_IpAddr",
    "vnp_OrderInfo",
];
const REFUND_SIGNED: [&str; 13] = [
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TransactionType",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_TransactionNo",
    "vnp_TransactionDate",
    "vnp_CreateBy",
    "vnp_CreateDate",
    "vnp_IpAddr",
    "vnp_OrderInfo",
];
const QUERY_ANSWER_SIGNED: [&str; 15] = [
    "vnp_ResponseId",
    "vnp_Command",
    "vnp_ResponseCode",
    "vnp_Message",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_BankCode",
    "vnp_PayDate",
    "vnp_TransactionNo",
    "vnp_TransactionType",
    "vnp_TransactionStatus",
    "vnp_OrderInfo",
    "vnp_PromotionCode",
    "vnp_PromotionAmount",
];

/// A refusal: the code and the words.
type Refusal = (&'static str, &'static str);

/// `POST …/merchant_webapi/api/transaction`.
pub(super) fn answer(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
    let Some(fields) = Fields::of(call).filter(|_| call.media_type() == "application/json") else {
        return Answer::ok(&json!({"vnp_ResponseCode": "03", "vnp_Message": "Invalid data format"}));
    };
    let done = match service {
        "querydr" => admitted(counter, &fields, &QUERY_SIGNED).and_then(|()| query(counter, &fields)),
        "refund" => admitted(counter, &fields, &REFUND_SIGNED).and_then(|()| refund(counter, &fields)),
        _ => Err(("03", "Invalid vnp_Command")),
    };
    let (code, message, about) = match done {
        Ok(about) => ("00", "Success", about),
        Err((code, message)) => (code, message, Map::new()),
    };
    let mut reply = about;
    for (name, value) in [
        ("vnp_ResponseId", counter.book.number()),
        ("vnp_Command", fields.text("vnp_Command")),
        ("vnp_ResponseCode", code.to_owned()),
        ("vnp_Message", message.to_owned()),
        ("vnp_TmnCode", fields.text("vnp_TmnCode")),
        ("vnp_TxnRef", fields.text("vnp_TxnRef")),
    ] {
        reply.insert(name.to_owned(), value.into());
    }
    let mut reply = Fields(reply);
    let signed = if service == "refund" { &QUERY_ANSWER_SIGNED[..13] } else { &QUERY_ANSWER_SIGNED };
    let hash = hmac_sha512(counter.terms.answer_key(), &reply.joined(signed, "|"));
    reply.0.insert("vnp_SecureHash".to_owned(), hash.into());
    Answer::ok(&Value::Object(reply.0))
}

/// Merchant, signature, form and novelty of a request, in this order.
fn admitted(counter: &mut Counter<'_>, fields: &Fields, signed: &[&str]) -> Result<(), Refusal> {
    if fields.text("vnp_TmnCode") != counter.terms.merchant {
        return Err(("02", "Invalid vnp_TmnCode"));
    }
    if hmac_sha512(&counter.terms.key, &fields.joined(signed, "|")) != fields.text("vnp_SecureHash") {
        return Err(("97", "Invalid checksum"));
    }
    let id = fields.text("vnp_RequestId");
    let dated = |name: &str| clock::moment(&fields.text(name)).is_some();
    let good = (1..=32).contains(&id.len())
        && fields.text("vnp_Version") == "2.1.0"
        && dated("vnp_TransactionDate")
        && dated("vnp_CreateDate")
        && (7..=45).contains(&fields.text("vnp_IpAddr").len())
        && (1..=255).contains(&fields.text("vnp_OrderInfo").chars().count());
    if !good {
        return Err(("03", "Invalid data format"));
    }
    // The day is part of the name: an id is unique within a day.
    let name = format!("{} {id}", clock::day(counter.now_ms));
    if counter.book.requests.get(&name).is_some() {
        return Err(("94", "Duplicate vnp_RequestId"));
    }
    let answered = Answered { at_ms: counter.now_ms, body: Vec::new(), answer: Value::Null };
    counter.book.requests.put(name, answered);
    Ok(())
}

/// The order that a request names by reference and date.
fn named<'a>(counter: &'a Counter<'_>, fields: &Fields) -> Result<&'a PaymentOrder, Refusal> {
    let order = counter.book.order(&fields.text("vnp_TxnRef"));
    let order = order.filter(|order| order.asked("vnp_CreateDate") == fields.text("vnp_TransactionDate"));
    order.ok_or(("91", "Transaction not found"))
}

fn query(counter: &mut Counter<'_>, fields: &Fields) -> Result<Map<String, Value>, Refusal> {
    let order = named(counter, fields)?;
    let mut about = described(order);
    // What happened last is what is told, unless the payment had no refund that was not refused.
    if let Some(refund) = order.refunds.last() {
        about.extend(described_refund(refund));
    }
    about.insert("vnp_PromotionCode".into(), "".into());
    about.insert("vnp_PromotionAmount".into(), "".into());
    Ok(about)
}

fn described(order: &PaymentOrder) -> Map<String, Value> {
    let text = |name: &str, value: String| (name.to_owned(), Value::from(value));
    let settled = order.paid_ms.map(clock::compact).unwrap_or_default();
    Map::from_iter([
        text("vnp_Amount", (order.amount * 100).to_string()),
        text("vnp_BankCode", BANK.to_owned()),
        text("vnp_PayDate", settled),
        text("vnp_TransactionNo", order.transaction.clone().unwrap_or_else(|| "0".to_owned())),
        text("vnp_TransactionType", "01".to_owned()),
        text("vnp_TransactionStatus", status(order).to_owned()),
        text("vnp_OrderInfo", order.description.clone()),
    ])
}

fn described_refund(refund: &PaymentRefund) -> Map<String, Value> {
    let text = |name: &str, value: String| (name.to_owned(), Value::from(value));
    let status = match refund.state {
        RefundState::Pending => "05",
        RefundState::Done => "00",
        RefundState::Refused => "09",
    };
    Map::from_iter([
        text("vnp_Amount", (refund.amount * 100).to_string()),
        text("vnp_PayDate", clock::compact(refund.at_ms)),
        text("vnp_TransactionNo", refund.transaction.clone()),
        text("vnp_TransactionType", if refund.full { "02" } else { "03" }.to_owned()),
        text("vnp_TransactionStatus", status.to_owned()),
    ])
}

fn refund(counter: &mut Counter<'_>, fields: &Fields) -> Result<Map<String, Value>, Refusal> {
    let order = named(counter, fields)?.clone();
    let amount = dong(&fields.text("vnp_Amount")).filter(|amount| amount % 100 == 0).map(|amount| amount / 100);
    let full = match fields.text("vnp_TransactionType").as_str() {
        "02" => true,
        "03" => false,
        _ => return Err(("03", "Invalid vnp_TransactionType")),
    };
    let amount = amount.ok_or(("03", "Invalid vnp_Amount"))?;
    if fields.text("vnp_CreateBy").is_empty() {
        return Err(("03", "Invalid vnp_CreateBy"));
    }
    if order.state != OrderState::Paid {
        return Err(("95", "The original transaction was not successful"));
    }
    let transaction = fields.text("vnp_TransactionNo");
    if !matches!(transaction.as_str(), "" | "0") && Some(&transaction) != order.transaction.as_ref() {
        return Err(("91", "Transaction not found"));
    }
    if order.refunds.iter().any(|refund| refund.state == RefundState::Pending) {
        return Err(("94", "A refund is being processed"));
    }
    let left = order.amount - order.refunded();
    if amount > left || (full && amount != order.amount) {
        return Err(("99", "The amount is more than what is left, or not all of it"));
    }
    let refund = counter.new_refund(fields.text("vnp_RequestId"), amount, full);
    let mut about = described(&order);
    about.extend(described_refund(&refund));
    counter.put_refund(&order.reference, refund);
    Ok(about)
}
