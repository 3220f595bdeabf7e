//! What callers are told of payments.

use hyper::StatusCode;
use lgsp_core::payment::NotNow;
use lgsp_model::ErrorCode;
use serde_json::{Value, json};

use super::record::Record;
use crate::answer::{self, Answer};
use crate::failure::Failure;

/// The record as callers see it: with the address of the citizen's page, without what only the gateway needs.
pub(crate) fn view(record: &Record, base: &str) -> Value {
    let mut view = serde_json::to_value(record).expect("plain data becomes a value");
    let page = format!("{base}/pay/{}", record.id);
    let fields = view.as_object_mut().expect("a record is an object");
    fields.remove("asked");
    fields.remove("sent");
    for refund in fields.get_mut("refunds").and_then(Value::as_array_mut).into_iter().flatten() {
        refund.as_object_mut().expect("a refund is an object").remove("sent");
    }
    let direct = record.payment_url.as_deref().filter(|url| !url.is_empty());
    fields.insert("payment_url".to_owned(), json!(direct.unwrap_or(&page)));
    fields.insert("page_url".to_owned(), json!(page));
    fields.insert("final".to_owned(), json!(record.state().is_final() || record.state().had_money()));
    view
}

/// An answer with a payment.
pub(crate) fn one(status: StatusCode, record: &Record, base: &str) -> Answer {
    answer::json(status, view(record, base).to_string())
}

/// Why a payment does not allow what was asked.
pub(crate) fn not_now(why: NotNow) -> Failure {
    let detail = match why {
        NotNow::NothingToRefund => {
            "there is no money to send back: the payment is not paid, or all of it went back".to_owned()
        }
        NotNow::RefundUnderWay => "a refund of this payment is under way; wait for its end".to_owned(),
        NotNow::TooMuch { left } => format!("more than is left of the payment; at most {left} đồng can go back"),
        NotNow::OtherAmount => {
            "a refund with this reference is there over another amount; use a new reference".to_owned()
        }
        NotNow::NothingToReview => "nothing about this payment waits for a person".to_owned(),
        NotNow::Over => "the payment is paid or has ended; it cannot be cancelled".to_owned(),
    };
    Failure::new(if why == NotNow::OtherAmount { ErrorCode::IdempotencyMismatch } else { ErrorCode::Conflict }, detail)
}
