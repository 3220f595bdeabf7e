//! VNPAY 2.1.0: the signed way to the page, the IPN to a registered address, `querydr` and `refund`.
//!
//! Codes that are not on VNPAY's public pages are not used. Tokens, instalments and recurring payments are left out.

mod transaction;

use hyper::{Method, StatusCode};
use serde_json::{Map, Value};

use super::book::{NewOrder, OrderState, PaymentOrder};
use super::clock;
use super::day::BANK;
use super::desk::{Desk, Kind};
use super::page;
use super::rules::{Counter, Fields, Merchant, Message, Rules, Terms, Verb, Verdict, dong};
use super::sign::{form_encoded, hmac_sha512};
use crate::address::send_back;
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
        ("querydr" | "refund" | "transaction", &Method::POST) => transaction::answer(counter, call, service),
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
            send_back(&counter.page_url(&known.page), &[])
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
    send_back(&counter.open(new), &[])
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
