//! ZaloPay v2: `create`, `query`, `refund` and `query_refund`, the callback that comes only when money did.
//!
//! No tokens, no disbursement.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::book::{NewOrder, OrderState, PaymentOrder, PaymentRefund, RefundState};
use super::clock;
use super::desk::{Desk, Kind};
use super::rules::{Counter, Fields, Merchant, Message, Rules, Terms, Verb, Verdict, dong};
use super::sign::hmac_sha256;
use crate::address::may_return;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::Partner;

/// The merchant of ZaloPay's published demonstration, `app_id`.
pub const ZALOPAY_APP_ID: &str = "2553";
/// What it signs with, published as well.
pub const ZALOPAY_KEY1: &str = "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL";
/// What callbacks to it are signed with, published as well.
pub const ZALOPAY_KEY2: &str = "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz";

/// ZaloPay: see [`crate::Sandbox::payments`].
#[derive(Default)]
pub struct Zalopay;

/// The simulated ZaloPay; clones are the same.
pub type ZalopayPartner = Partner<Desk<Zalopay>>;

impl Kind for Zalopay {
    const RULES: &'static Rules = &RULES;
}

static RULES: Rules = Rules {
    name: "payment-zalopay",
    root: "/pay-sandbox/zalopay",
    title: "ZaloPay",
    merchant: Merchant { id: ZALOPAY_APP_ID, access_key: "", key: ZALOPAY_KEY1, callback_key: Some(ZALOPAY_KEY2) },
    tries: 3,
    interval_ms: 60_000,
    lifetime_ms: 900_000,
    paid: "1",
    deferred: "3",
    cancelled: "-54",
    // -500 and -429 are not among them: they are of a call that came to nothing, not of a payment.
    failures: &[("-54", "Hết hạn"), ("-63", "Không đủ số dư"), ("-329", "Người dùng huỷ")],
    service,
    answer,
    callback,
    back,
    verdict,
};

/// How old `app_time` may be.
const MAX_AGE_MS: u64 = 900_000;
/// The longest `app_trans_id`.
const MAX_NAME: usize = 40;
/// The longest `app_user`.
const MAX_USER: usize = 50;

/// A refusal: `sub_return_code`.
type Refused = i64;

const BAD_DATA: Refused = -401;
const BAD_MERCHANT: Refused = -402;
const BAD_SIGNATURE: Refused = -403;
const DUPLICATE: Refused = -68;
const NO_ORDER: Refused = -101;
const EXPIRED: Refused = -54;
const BROKEN: Refused = -500;
const REFUND_TOO_LATE: Refused = -13;
const NO_REFUND: Refused = -21;

fn service(call: &Call) -> &'static str {
    match call.path.as_str() {
        "/v2/create" => "create",
        "/v2/query" => "query",
        "/v2/refund" => "refund",
        "/v2/query_refund" => "query_refund",
        _ => "other",
    }
}

fn answer(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
    if service == "other" {
        return Answer::text(StatusCode::NOT_FOUND, "no such endpoint\n");
    }
    if call.method != Method::POST {
        return Answer::json(StatusCode::METHOD_NOT_ALLOWED, &told(2, -405));
    }
    let signed: &[&str] = match service {
        "create" => &["app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item"],
        "query" => &["app_id", "app_trans_id"],
        "refund" => &["app_id", "zp_trans_id", "amount", "description", "timestamp"],
        _ => &["app_id", "m_refund_id", "timestamp"],
    };
    let done = Fields::of(call).ok_or(BAD_DATA).and_then(|fields| {
        admitted(counter, &fields, signed, service == "query")?;
        match service {
            "create" => create(counter, &fields),
            "query" => query(counter, &fields),
            "refund" => refund(counter, &fields),
            _ => query_refund(counter, &fields),
        }
    });
    Answer::ok(&done.unwrap_or_else(|code| told(2, code)))
}

fn told(code: i64, sub: i64) -> Value {
    let words = match code {
        1 => "Giao dịch thành công",
        3 => "Giao dịch đang xử lý",
        _ => "Giao dịch thất bại",
    };
    json!({"return_code": code, "return_message": words, "sub_return_code": sub, "sub_return_message": words})
}

/// Merchant and signature.
fn admitted(counter: &Counter<'_>, fields: &Fields, signed: &[&str], key_signed: bool) -> Result<(), Refused> {
    if fields.text("app_id") != counter.terms.merchant {
        return Err(BAD_MERCHANT);
    }
    let key = &counter.terms.key;
    let mut text = fields.joined(signed, "|");
    if key_signed {
        text = format!("{text}|{key}");
    }
    if hmac_sha256(key, &text) == fields.text("mac") { Ok(()) } else { Err(BAD_SIGNATURE) }
}

/// `yyMMdd` of now.
fn today(counter: &Counter<'_>) -> String {
    clock::compact(counter.now_ms)[2..8].to_owned()
}

fn is_recent(counter: &Counter<'_>, ms: &str) -> bool {
    ms.parse::<u64>().is_ok_and(|ms| ms.abs_diff(counter.now_ms) <= MAX_AGE_MS)
}

fn create(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let name = fields.text("app_trans_id");
    let amount = dong(&fields.text("amount")).ok_or(BAD_DATA)?;
    let embedded: Value = serde_json::from_str(&fields.text("embed_data")).map_err(|_| BAD_DATA)?;
    let items: Value = serde_json::from_str(&fields.text("item")).map_err(|_| BAD_DATA)?;
    let callback = Some(fields.text("callback_url")).filter(|url| !url.is_empty());
    let lifetime_ms = match fields.text("expire_duration_seconds").as_str() {
        "" => counter.lifetime_ms(),
        text => {
            let seconds = text.parse::<u64>().ok().filter(|seconds| (300..=2_592_000).contains(seconds));
            // An order of five minutes is shorter than a test waits for: the setting goes before.
            counter.settings.order_lifetime_ms.unwrap_or(seconds.ok_or(BAD_DATA)? * 1000)
        }
    };
    let good = name.len() <= MAX_NAME
        && name.strip_prefix(&format!("{}_", today(counter))).is_some_and(|rest| !rest.is_empty())
        && (1..=MAX_USER).contains(&fields.text("app_user").len())
        && is_recent(counter, &fields.text("app_time"))
        && embedded.is_object()
        && items.is_array()
        && !fields.text("description").is_empty()
        && callback.as_deref().is_none_or(|url| may_return(&[], url));
    if !good {
        return Err(BAD_DATA);
    }
    if counter.book.order(&name).is_some() {
        return Err(DUPLICATE);
    }
    let url = counter.open(NewOrder {
        reference: name,
        amount,
        description: fields.text("description"),
        expires_ms: counter.now_ms + lifetime_ms,
        return_url: embedded["redirecturl"].as_str().map(str::to_owned),
        callback_url: callback,
        asked: fields.0.clone(),
    });
    let token = url.rsplit('/').next().unwrap_or_default();
    let mut answer = told(1, 1);
    answer["zp_trans_token"] = token.into();
    answer["order_token"] = token.into();
    answer["order_url"] = url.clone().into();
    answer["qr_code"] = url.into();
    Ok(answer)
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn query(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let order = counter.book.order(&fields.text("app_trans_id")).ok_or(NO_ORDER)?;
    let mut answer = match order.state {
        OrderState::Open if counter.is_expired(order) => told(2, EXPIRED),
        OrderState::Open | OrderState::Deferred => told(3, 3),
        OrderState::Paid => told(1, 1),
        OrderState::Failed | OrderState::Cancelled => told(2, order.code.parse().unwrap_or(BROKEN)),
    };
    answer["is_processing"] = matches!(order.state, OrderState::Deferred).into();
    answer["amount"] = order.amount.into();
    answer["discount_amount"] = 0.into();
    answer["zp_trans_id"] = number(order.transaction.as_deref()).into();
    answer["server_time"] = order.paid_ms.unwrap_or(counter.now_ms).into();
    Ok(answer)
}

fn told_refund(refund: &PaymentRefund) -> Value {
    let mut answer = match refund.state {
        RefundState::Pending => told(3, 3),
        RefundState::Done => told(1, 1),
        RefundState::Refused => told(2, REFUND_TOO_LATE),
    };
    answer["refund_id"] = number(Some(&refund.transaction)).into();
    answer
}

fn refund(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let name = fields.text("m_refund_id");
    let prefix = format!("{}_{}_", today(counter), counter.terms.merchant);
    let amount = dong(&fields.text("amount")).ok_or(BAD_DATA)?;
    let good = name.strip_prefix(&prefix).is_some_and(|rest| !rest.is_empty())
        && is_recent(counter, &fields.text("timestamp"))
        && !fields.text("description").is_empty();
    if !good {
        return Err(BAD_DATA);
    }
    if counter.book.refund(&name).is_some() {
        return Err(DUPLICATE);
    }
    let order = counter.book.of_transaction(&fields.text("zp_trans_id"));
    let order = order.filter(|order| order.state == OrderState::Paid).ok_or(BAD_DATA)?;
    if amount > order.amount - order.refunded() {
        return Err(BAD_DATA);
    }
    let (reference, full) = (order.reference.clone(), amount == order.amount);
    let refund = counter.new_refund(name, amount, full);
    let answer = told_refund(&refund);
    counter.put_refund(&reference, refund);
    Ok(answer)
}

fn query_refund(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    if !is_recent(counter, &fields.text("timestamp")) {
        return Err(BAD_DATA);
    }
    counter.book.refund(&fields.text("m_refund_id")).map(|(_, refund)| told_refund(refund)).ok_or(NO_REFUND)
}

/// Only money is told of.
fn callback(terms: &Terms, order: &PaymentOrder) -> Option<Message> {
    (order.state == OrderState::Paid).then(|| {
        let number_of = |name: &str| number(Some(&order.asked(name)));
        let data = json!({
            "app_id": number(Some(&terms.merchant)), "app_trans_id": order.reference, "app_time": number_of("app_time"),
            "app_user": order.asked("app_user"), "amount": order.amount, "embed_data": order.asked("embed_data"),
            "item": order.asked("item"), "zp_trans_id": number(order.transaction.as_deref()),
            "server_time": order.paid_ms.unwrap_or_default(), "channel": 38, "merchant_user_id": order.asked("app_user"),
            "user_fee_amount": 0, "discount_amount": 0,
        })
        .to_string();
        let mac = hmac_sha256(&terms.callback_key, &data);
        let content = json!({"data": data, "mac": mac, "type": 1}).to_string();
        Message { verb: Verb::Post, url: terms.callback_url(order), content }
    })
}

fn back(terms: &Terms, order: &PaymentOrder) -> Vec<(&'static str, String)> {
    let status = if order.state == OrderState::Paid { "1" } else { "-49" };
    let mut pairs = vec![
        ("appid", terms.merchant.clone()),
        ("apptransid", order.reference.clone()),
        ("pmcid", "38".to_owned()),
        ("bankcode", String::new()),
        ("amount", order.amount.to_string()),
        ("discountamount", "0".to_owned()),
        ("status", status.to_owned()),
    ];
    let signed: Vec<&str> = pairs.iter().map(|(_, value)| value.as_str()).collect();
    let checksum = hmac_sha256(&terms.callback_key, &signed.join("|"));
    pairs.push(("checksum", checksum));
    pairs
}

/// 1 and 2 end it, -1 refuses it, 0 and whatever else is called again.
fn verdict(status: u16, body: &[u8]) -> Verdict {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    match reply["return_code"].as_i64() {
        Some(1 | 2) if status == 200 => Verdict::Accepted,
        Some(-1) if status == 200 => Verdict::Refused,
        _ => Verdict::Again,
    }
}
