//! KeyPay-DVCQG 3.0: `PAY`, the detail of a transaction, and a callback whose check sum does not cover what it says.
//!
//! The two calls have one address here and are told apart by what they carry, since every customer's addresses are others. What
//! public documents do not say is made up: -1 refuses, 1 knows no such transaction; a status of 1 failed, 2 waits, 3 is not known.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::bill;
use super::book::{NewOrder, OrderState, PaymentOrder};
use super::desk::{Desk, Kind};
use super::rules::{Counter, Fields, Merchant, Message, Rules, Terms, Verb, Verdict, dong};
use super::sign::hmac_sha256;
use crate::address::may_return;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::Partner;

/// The merchant of the sandbox, `client_id`.
pub const KEYPAY_CLIENT_ID: &str = "lgsp-sandbox";
/// What it signs with, `hash_key_1`.
pub const KEYPAY_HASH_KEY_1: &str = "keypay-sandbox-hash-key-1";
/// What callbacks to it are signed with, `hash_key_2`.
pub const KEYPAY_HASH_KEY_2: &str = "keypay-sandbox-hash-key-2";

/// KeyPay: see [`crate::Sandbox::payments`].
#[derive(Default)]
pub struct Keypay;

/// The simulated KeyPay; clones are the same.
pub type KeypayPartner = Partner<Desk<Keypay>>;

impl Kind for Keypay {
    const RULES: &'static Rules = &RULES;
}

static RULES: Rules = Rules {
    name: "payment-keypay",
    root: "/pay-sandbox/keypay",
    title: "KeyPay",
    merchant: Merchant {
        id: KEYPAY_CLIENT_ID,
        access_key: "",
        key: KEYPAY_HASH_KEY_1,
        callback_key: Some(KEYPAY_HASH_KEY_2),
    },
    tries: 3,
    interval_ms: 60_000,
    lifetime_ms: 900_000,
    paid: "0",
    deferred: "3",
    cancelled: "1",
    failures: &[("1", "Giao dịch thất bại")],
    service,
    answer,
    callback,
    back,
    verdict,
};

/// The longest `transaction_id`.
const MAX_NAME: usize = 20;
const PAY_SIGNED: [&str; 6] = ["addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version"];
const DETAIL_SIGNED: [&str; 3] = ["client_id", "command", "transaction_id"];

/// A refusal: `error`, and what is wrong.
type Refused = (&'static str, String);

fn service(call: &Call) -> &'static str {
    match Fields::of(call) {
        Some(fields) if fields.has("trans_amount") => "create",
        Some(fields) if fields.has("transaction_id") => "detail",
        _ => "other",
    }
}

fn answer(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
    if call.method != Method::POST {
        return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n");
    }
    if let Err(refused) = counter.admit(call) {
        return refused;
    }
    let done = Fields::of(call).ok_or_else(|| ("-1", "JSON".to_owned())).and_then(|fields| match service {
        "create" => create(counter, &fields),
        "detail" => detail(counter, &fields),
        _ => Err(("-1", "transaction_id".to_owned())),
    });
    Answer::ok(&done.unwrap_or_else(|(error, msg)| json!({"error": error, "msg": msg})))
}

fn admitted(counter: &Counter<'_>, fields: &Fields, signed: &[&str]) -> Result<(), Refused> {
    if fields.text("client_id") != counter.terms.merchant {
        return Err(("-1", "client_id".to_owned()));
    }
    let right = hmac_sha256(&counter.terms.key, &fields.joined(signed, "|")) == fields.text("check_sum");
    if right { Ok(()) } else { Err(("-1", "check_sum".to_owned())) }
}

fn create(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    admitted(counter, fields, &PAY_SIGNED)?;
    let amount = dong(&fields.text("trans_amount")).ok_or_else(|| ("-1", "trans_amount".to_owned()))?;
    let fee = fields.text("addition_fee");
    let rules = [
        ("transaction_id", (1..=MAX_NAME).contains(&fields.text("transaction_id").len())),
        ("command", fields.text("command") == "PAY"),
        ("version", fields.text("version") == "3.0"),
        ("currency_code", fields.text("currency_code") == "VND"),
        ("environment", matches!(fields.text("environment").as_str(), "1" | "2")),
        ("return_url", may_return(&[], &fields.text("return_url"))),
        ("addition_fee", !fee.is_empty() && fee.bytes().all(|byte| byte.is_ascii_digit())),
        ("description", !fields.text("description").is_empty()),
    ];
    if let Some((name, _)) = rules.into_iter().find(|(_, good)| !good) {
        return Err(("-1", name.to_owned()));
    }
    let bill = fields.0.get("bill_info").unwrap_or(&Value::Null);
    bill::check(bill, amount).map_err(|name| ("-1", format!("bill_info.{name}")))?;
    let name = fields.text("transaction_id");
    if counter.book.order(&name).is_some() {
        return Err(("-1", "transaction_id is known already".to_owned()));
    }
    let url = counter.open(NewOrder {
        reference: name,
        amount,
        description: fields.text("description"),
        expires_ms: counter.now_ms + counter.lifetime_ms(),
        return_url: Some(fields.text("return_url")),
        callback_url: None,
        asked: fields.0.clone(),
    });
    Ok(json!({"error": "0", "msg": "success", "payment_url": url}))
}

fn status(order: &PaymentOrder) -> i64 {
    match order.state {
        OrderState::Open => 2,
        OrderState::Deferred | OrderState::Paid | OrderState::Failed | OrderState::Cancelled => {
            order.code.parse().unwrap_or(1)
        }
    }
}

fn detail(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    admitted(counter, fields, &DETAIL_SIGNED)?;
    let name = fields.text("transaction_id");
    let order = counter.book.order(&name).ok_or_else(|| ("1", "transaction_id".to_owned()))?;
    Ok(json!({
        "error": "0", "msg": "success", "client_id": counter.terms.merchant, "transaction_id": name,
        "transaction_code": order.transaction.clone().unwrap_or_default(), "trans_amount": order.amount.to_string(),
        "addition_fee": order.asked("addition_fee"), "payment_fee": "0", "status": if counter.is_expired(order) { 1 } else { status(order) },
        "bill_info": order.asked.get("bill_info"),
    }))
}

fn callback(terms: &Terms, order: &PaymentOrder) -> Option<Message> {
    order.is_over().then(|| {
        let mut fields = Fields(order.asked.clone());
        fields.0.insert("trans_amount".to_owned(), order.amount.to_string().into());
        let check_sum = hmac_sha256(&terms.callback_key, &fields.joined(&PAY_SIGNED, "|"));
        fields.0.insert("check_sum".to_owned(), check_sum.into());
        fields.0.insert("status".to_owned(), status(order).into());
        fields.0.insert("transaction_code".to_owned(), order.transaction.clone().unwrap_or_default().into());
        fields.0.insert("payment_fee".to_owned(), "0".into());
        Message { verb: Verb::Post, url: terms.callback_url(order), content: Value::Object(fields.0).to_string() }
    })
}

fn back(_terms: &Terms, order: &PaymentOrder) -> Vec<(&'static str, String)> {
    vec![("transaction_id", order.reference.clone()), ("status", status(order).to_string())]
}

fn verdict(status: u16, body: &[u8]) -> Verdict {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = super::book::text_of(&reply["return_code"]);
    if status == 200 && code == "0" { Verdict::Accepted } else { Verdict::Again }
}
