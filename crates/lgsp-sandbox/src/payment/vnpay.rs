//! VNPAY 2.1.0: the signed way to the page, the IPN to a registered address, `querydr` and `refund`.
//!
//! Codes that are not on VNPAY's public pages are not used. Tokens, instalments and recurring payments are left out.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::book::{NewOrder, OrderState, PaymentOrder, PaymentRefund, RefundState};
use super::clock;
use super::day::BANK;
use super::desk::{Desk, Kind};
use super::page;
use super::rules::{Counter, Fields, Merchant, Message, Rules, Terms, Verb, Verdict, dong};
use super::sign::{form_encoded, hmac_sha512};
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::Partner;

/// The merchant of the sandbox, `vnp_TmnCode`.
pub const VNPAY_TMN_CODE: &str = "LGSPSBX1";
/// Its secret.
pub const VNPAY_HASH_SECRET: &str = "SANDBOXVNPAYSECRET0123456789ABCD";

/// VNPAY: see [`crate::Sandbox::payments`].
#[derive(Default)]
pub struct Vnpay;

/// The simulated VNPAY; clones are the same.
pub type VnpayPartner = Partner<Desk<Vnpay>>;

impl Kind for Vnpay {
    const RULES: &'static Rules = &RULES;
}

static RULES: Rules = Rules {
    name: "payment-vnpay",
    root: "/pay-sandbox/vnpay",
    title: "VNPAY",
    merchant: Merchant { id: VNPAY_TMN_CODE, access_key: "", key: VNPAY_HASH_SECRET, callback_key: None },
    tries: 10,
    interval_ms: 300_000,
    lifetime_ms: 900_000,
    paid: "00",
    deferred: "07",
    cancelled: "24",
    failures: &[
        ("51", "Tài khoản không đủ số dư"),
        ("09", "Thẻ chưa đăng ký Internet Banking"),
        ("10", "Xác thực sai quá 3 lần"),
        ("11", "Hết hạn chờ thanh toán"),
        ("12", "Thẻ bị khóa"),
        ("13", "Sai OTP"),
        ("65", "Vượt hạn mức trong ngày"),
        ("75", "Ngân hàng đang bảo trì"),
        ("79", "Sai mật khẩu quá số lần"),
        ("99", "Lỗi khác"),
    ],
    service,
    answer,
    callback,
    back,
    verdict,
};

fn service(call: &Call) -> &'static str {
    match call.path.as_str() {
        "/paymentv2/vpcpay.html" => "vpcpay",
        "/merchant_webapi/api/transaction" => {
            match Fields::of(call).map(|fields| fields.text("vnp_Command")).as_deref() {
                Some("querydr") => "querydr",
                Some("refund") => "refund",
                _ => "transaction",
            }
        }
        _ => "other",
    }
}

fn answer(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
    match (service, &call.method) {
        ("vpcpay", &Method::GET) => pay(counter, call),
        ("querydr" | "refund" | "transaction", &Method::POST) => transaction(counter, call, service),
        ("other", _) => Answer::text(StatusCode::NOT_FOUND, "no such endpoint\n"),
        _ => Answer::text(StatusCode::METHOD_NOT_ALLOWED, "not this method\n"),
    }
}

/// The string that is signed: without the hash and without empty values, in the order of names, encoded as a form.
fn canonical<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let signed =
        |(name, value): &(&str, &str)| !value.is_empty() && !matches!(*name, "vnp_SecureHash" | "vnp_SecureHashType");
    let mut pairs: Vec<_> = pairs.filter(signed).collect();
    pairs.sort_unstable();
    let pair = |(name, value): &(&str, &str)| format!("{}={}", form_encoded(name), form_encoded(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// `GET …/paymentv2/vpcpay.html`.
fn pay(counter: &mut Counter<'_>, call: &Call) -> Answer {
    let refuse = |reason: &str| page::refused(StatusCode::BAD_REQUEST, "VNPAY", reason);
    let field = |name: &str| call.query.get(name).unwrap_or_default();
    if field("vnp_TmnCode") != counter.terms.merchant {
        return refuse("Không tìm thấy website (vnp_TmnCode).");
    }
    if hmac_sha512(&counter.terms.key, &canonical(call.query.pairs())) != field("vnp_SecureHash") {
        return refuse("Sai chữ ký (vnp_SecureHash).");
    }
    if let Err(name) = check(call) {
        return refuse(&format!("Dữ liệu gửi sang không đúng định dạng ({name})."));
    }
    let asked: Map<String, Value> =
        call.query.pairs().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    if let Some(known) = counter.book.order(field("vnp_TxnRef")) {
        // The same address again is the citizen who comes back to the page.
        return if known.asked == asked {
            to_page(counter, &known.page)
        } else {
            refuse("Giao dịch đã tồn tại (vnp_TxnRef).")
        };
    }
    let expires_ms = clock::moment(field("vnp_ExpireDate")).unwrap_or_default();
    if expires_ms <= counter.now_ms {
        return refuse("Giao dịch đã quá thời gian chờ thanh toán.");
    }
    let new = NewOrder {
        reference: field("vnp_TxnRef").to_owned(),
        amount: dong(field("vnp_Amount")).unwrap_or_default() / 100,
        description: field("vnp_OrderInfo").to_owned(),
        expires_ms,
        return_url: Some(field("vnp_ReturnUrl").to_owned()),
        callback_url: None,
        asked,
    };
    let now_ms = counter.now_ms;
    let page = counter.book.open(new, now_ms);
    to_page(counter, &page)
}

fn to_page(counter: &Counter<'_>, page: &str) -> Answer {
    crate::address::send_back(&counter.page_url(page), &[])
}

/// The first field that has not its form.
fn check(call: &Call) -> Result<(), &'static str> {
    let field = |name: &str| call.query.get(name).unwrap_or_default();
    let within = |text: &str, least: usize, most: usize| (least..=most).contains(&text.chars().count());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" .,:_-".contains(&byte);
    let amount = field("vnp_Amount");
    let info = field("vnp_OrderInfo");
    let rules: [(&'static str, bool); 13] = [
        ("vnp_Version", field("vnp_Version") == "2.1.0"),
        ("vnp_Command", field("vnp_Command") == "pay"),
        ("vnp_Amount", dong(amount).is_some_and(|amount| amount % 100 == 0)),
        ("vnp_CreateDate", clock::moment(field("vnp_CreateDate")).is_some()),
        ("vnp_CurrCode", field("vnp_CurrCode") == "VND"),
        ("vnp_IpAddr", within(field("vnp_IpAddr"), 7, 45)),
        ("vnp_Locale", matches!(field("vnp_Locale"), "vn" | "en")),
        ("vnp_OrderInfo", within(info, 1, 255) && info.bytes().all(plain)),
        ("vnp_OrderType", within(field("vnp_OrderType"), 1, 100)),
        ("vnp_ReturnUrl", within(field("vnp_ReturnUrl"), 10, 255)),
        ("vnp_ExpireDate", clock::moment(field("vnp_ExpireDate")).is_some()),
        ("vnp_TxnRef", within(field("vnp_TxnRef"), 1, 100)),
        ("vnp_SecureHashType", call.query.get("vnp_SecureHashType").is_none()),
    ];
    rules.into_iter().find(|(_, good)| !good).map_or(Ok(()), |(name, _)| Err(name))
}

/// The status of a transaction for the code of its payment.
fn status(order: &PaymentOrder) -> &'static str {
    match order.state {
        OrderState::Open => "01",
        OrderState::Deferred => "07",
        OrderState::Paid => "00",
        OrderState::Failed | OrderState::Cancelled => "02",
    }
}

/// What IPN and return say.
fn told(terms: &Terms, order: &PaymentOrder) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("vnp_TmnCode", terms.merchant.clone()),
        ("vnp_Amount", (order.amount * 100).to_string()),
        ("vnp_BankCode", BANK.to_owned()),
        ("vnp_CardType", "ATM".to_owned()),
        ("vnp_PayDate", clock::compact(order.paid_ms.unwrap_or_else(clock::now_ms))),
        ("vnp_OrderInfo", order.description.clone()),
        ("vnp_TransactionNo", order.transaction.clone().unwrap_or_else(|| "0".to_owned())),
        ("vnp_ResponseCode", order.code.clone()),
        ("vnp_TransactionStatus", status(order).to_owned()),
        ("vnp_TxnRef", order.reference.clone()),
    ];
    if order.state == OrderState::Paid {
        pairs.push(("vnp_BankTranNo", format!("VNP{}", order.transaction.as_deref().unwrap_or_default())));
    }
    let hash = hmac_sha512(&terms.callback_key, &canonical(pairs.iter().map(|(name, value)| (*name, value.as_str()))));
    pairs.push(("vnp_SecureHash", hash));
    pairs
}

fn callback(terms: &Terms, order: &PaymentOrder) -> Option<Message> {
    let pairs = told(terms, order);
    let pair = |(name, value): &(&str, String)| format!("{name}={}", form_encoded(value));
    let content = pairs.iter().map(pair).collect::<Vec<_>>().join("&");
    Some(Message { verb: Verb::Get, url: terms.callback_url(order), content })
}

fn back(terms: &Terms, order: &PaymentOrder) -> Vec<(&'static str, String)> {
    told(terms, order)
}

/// 00 and 02 end it, everything else is called again.
fn verdict(status: u16, body: &[u8]) -> Verdict {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    match reply["RspCode"].as_str() {
        Some("00" | "02") if status == 200 => Verdict::Accepted,
        _ => Verdict::Again,
    }
}

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
fn transaction(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
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
    let answered = super::book::Answered { at_ms: counter.now_ms, body: Vec::new(), answer: Value::Null };
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
