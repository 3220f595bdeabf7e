//! MoMo AIO v2: `create`, `query`, `refund` and its query, the IPN that wants a 204.
//!
//! One-step payments by wallet only: no `confirm`, no tokens, no disbursement.

mod refund;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::book::{Answered, NewOrder, OrderState, PaymentOrder};
use super::clock;
use super::desk::{Desk, Kind};
use super::rules::{Counter, Fields, Merchant, Message, Rules, Terms, Verb, Verdict, dong};
use super::sign::hmac_sha256;
use crate::address::may_return;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::Partner;

/// The merchant of MoMo's published demonstration, `partnerCode`.
pub const MOMO_PARTNER_CODE: &str = "MOMO";
/// Its `accessKey`.
pub const MOMO_ACCESS_KEY: &str = "F8BBA842ECF85";
/// Its secret, published as well.
pub const MOMO_SECRET_KEY: &str = "K951B6PE1waDMi640xX08PD3vg6EkVlz";

/// MoMo: see [`crate::Sandbox::payments`].
#[derive(Default)]
pub struct Momo;

/// The simulated MoMo; clones are the same.
pub type MomoPartner = Partner<Desk<Momo>>;

impl Kind for Momo {
    const RULES: &'static Rules = &RULES;
}

static RULES: Rules = Rules {
    name: "payment-momo",
    root: "/pay-sandbox/momo",
    title: "MoMo",
    merchant: Merchant { id: MOMO_PARTNER_CODE, access_key: MOMO_ACCESS_KEY, key: MOMO_SECRET_KEY, callback_key: None },
    // No schedule of repeats is published: whoever misses the IPN asks.
    tries: 1,
    interval_ms: 60_000,
    lifetime_ms: 6_000_000,
    paid: "0",
    deferred: "7002",
    cancelled: "1006",
    failures: &[
        ("1001", "Không đủ số dư"),
        ("1002", "Bị từ chối bởi nhà phát hành"),
        ("1003", "Giao dịch đã bị hủy"),
        ("1004", "Vượt hạn mức"),
        ("1005", "Hết hạn"),
        ("1007", "Tài khoản bị khóa"),
        ("1017", "Bị hủy bởi đối tác"),
        ("1026", "Bị hạn chế theo chương trình"),
        ("2019", "orderGroupId không hợp lệ"),
        ("4001", "Tài khoản bị hạn chế"),
        ("4002", "Tài khoản chưa xác thực"),
        ("4100", "Đăng nhập không thành công"),
        ("98", "Không tạo được mã QR"),
        ("99", "Lỗi không xác định"),
    ],
    service,
    answer,
    callback,
    back,
    verdict,
};

/// What MoMo takes for one payment, in đồng.
const LEAST: i64 = 1_000;
const MOST: i64 = 50_000_000;
/// The longest `requestId`.
const MAX_REQUEST_ID: usize = 50;
/// Minutes to milliseconds.
const MINUTE_MS: u64 = 60_000;

const CREATE_SIGNED: [&str; 10] = [
    "accessKey",
    "amount",
    "extraData",
    "ipnUrl",
    "orderId",
    "orderInfo",
    "partnerCode",
    "redirectUrl",
    "requestId",
    "requestType",
];
const QUERY_SIGNED: [&str; 4] = ["accessKey", "orderId", "partnerCode", "requestId"];
const REFUND_SIGNED: [&str; 7] =
    ["accessKey", "amount", "description", "orderId", "partnerCode", "requestId", "transId"];
const CALLBACK_SIGNED: [&str; 13] = [
    "accessKey",
    "amount",
    "extraData",
    "message",
    "orderId",
    "orderInfo",
    "orderType",
    "partnerCode",
    "payType",
    "requestId",
    "responseTime",
    "resultCode",
    "transId",
];

fn service(call: &Call) -> &'static str {
    match call.path.as_str() {
        "/v2/gateway/api/create" => "create",
        "/v2/gateway/api/query" => "query",
        "/v2/gateway/api/refund" => "refund",
        "/v2/gateway/api/refund/query" => "query_refund",
        _ => "other",
    }
}

/// A refusal: the result code. The words are MoMo's business.
type Refused = i64;

fn answer(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
    if service == "other" {
        return Answer::text(StatusCode::NOT_FOUND, "no such endpoint\n");
    }
    if call.method != Method::POST {
        return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n");
    }
    let Some(fields) = Fields::of(call).filter(|_| call.media_type() == "application/json") else {
        return Answer::json(StatusCode::BAD_REQUEST, &refusal(&Fields(serde_json::Map::new()), 20));
    };
    let signed: &[&str] = match service {
        "create" => &CREATE_SIGNED,
        "refund" => &REFUND_SIGNED,
        _ => &QUERY_SIGNED,
    };
    if let Err(code) = admitted(counter, &fields, signed) {
        return told(&fields, code);
    }
    match service {
        "create" | "refund" => once(counter, &fields, if service == "create" { create } else { refund::refund }),
        "query" => query(counter, &fields).map_or_else(|code| told(&fields, code), |answer| Answer::ok(&answer)),
        _ => refund::query(counter, &fields).map_or_else(|code| told(&fields, code), |answer| Answer::ok(&answer)),
    }
}

fn told(fields: &Fields, code: Refused) -> Answer {
    // What is wrong with the request itself is told in HTTP as well.
    let status = if matches!(code, 13 | 20 | 21 | 22) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Answer::json(status, &refusal(fields, code))
}

fn refusal(fields: &Fields, code: Refused) -> Value {
    json!({
        "partnerCode": fields.text("partnerCode"), "orderId": fields.text("orderId"), "requestId": fields.text("requestId"),
        "responseTime": clock::now_ms(), "message": words(code), "resultCode": code,
    })
}

fn words(code: i64) -> &'static str {
    match code {
        0 => "Thành công.",
        13 => "Xác thực đối tác thất bại.",
        20 => "Yêu cầu sai định dạng.",
        21 | 22 => "Số tiền không hợp lệ.",
        40 => "Trùng requestId.",
        41 => "Trùng orderId.",
        42 => "orderId không hợp lệ hoặc không tìm thấy.",
        1000 => "Giao dịch đã được khởi tạo, chờ người dùng xác nhận.",
        1081 => "Giao dịch đã được hoàn tiền.",
        1088 => "Giao dịch không thể hoàn tiền.",
        7000 | 7002 => "Giao dịch đang được xử lý.",
        _ => "Giao dịch thất bại.",
    }
}

/// Merchant and signature. `accessKey` stands in the signature and not in the body.
fn admitted(counter: &Counter<'_>, fields: &Fields, signed: &[&str]) -> Result<(), Refused> {
    let known = fields.text("partnerCode") == counter.terms.merchant;
    let mut all = fields.0.clone();
    all.insert("accessKey".to_owned(), counter.terms.access_key.clone().into());
    let signature = hmac_sha256(&counter.terms.key, &Fields(all).pairs(signed));
    if !known || fields.text("signature") != signature {
        return Err(13);
    }
    let id = fields.text("requestId");
    if id.is_empty() || id.len() > MAX_REQUEST_ID { Err(20) } else { Ok(()) }
}

/// Does what is asked once for a `requestId`: the same request gets the same answer, another one under its name none.
fn once(
    counter: &mut Counter<'_>,
    fields: &Fields,
    then: fn(&mut Counter<'_>, &Fields) -> Result<Value, Refused>,
) -> Answer {
    let (id, signature) = (fields.text("requestId"), fields.text("signature"));
    if let Some(known) = counter.book.requests.get(&id) {
        if known.body != signature.as_bytes() {
            return told(fields, 40);
        }
        if counter.now_ms < known.at_ms + counter.settings.in_flight_ms {
            return Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &refusal(fields, 7000));
        }
        return Answer::ok(&known.answer);
    }
    match then(counter, fields) {
        Ok(answer) => {
            let body = signature.into_bytes();
            let answered = Answered { at_ms: counter.now_ms, body, answer: answer.clone() };
            counter.book.requests.put(id, answered);
            Answer::ok(&answer)
        }
        Err(code) => told(fields, code),
    }
}

/// Letters and digits with `-`, `_` and `.` inside.
fn is_order_id(id: &str) -> bool {
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    edge(id.chars().next())
        && edge(id.chars().next_back())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn amount_of(fields: &Fields) -> Result<i64, Refused> {
    let amount = dong(&fields.text("amount")).ok_or(21)?;
    if (LEAST..=MOST).contains(&amount) { Ok(amount) } else { Err(22) }
}

fn is_new(counter: &Counter<'_>, id: &str) -> Result<(), Refused> {
    if !is_order_id(id) {
        return Err(42);
    }
    if counter.book.order(id).is_some() || counter.book.refund(id).is_some() { Err(41) } else { Ok(()) }
}

fn create(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let (ipn, back) = (fields.text("ipnUrl"), fields.text("redirectUrl"));
    let kinds = ["captureWallet", "payWithATM", "payWithCC", "payWithMethod"];
    let good = may_return(&[], &ipn)
        && !ipn.contains('?')
        && may_return(&[], &back)
        && kinds.contains(&fields.text("requestType").as_str())
        && !fields.text("orderInfo").is_empty()
        && fields.has("extraData")
        && matches!(fields.text("lang").as_str(), "vi" | "en" | "");
    if !good {
        return Err(20);
    }
    let amount = amount_of(fields)?;
    let id = fields.text("orderId");
    is_new(counter, &id)?;
    let minutes = fields.text("orderExpireTime").parse::<u64>().ok();
    let lifetime_ms = minutes.map_or_else(|| counter.lifetime_ms(), |minutes| minutes * MINUTE_MS);
    let url = counter.open(NewOrder {
        reference: id.clone(),
        amount,
        description: fields.text("orderInfo"),
        expires_ms: counter.now_ms + lifetime_ms,
        return_url: Some(back),
        callback_url: Some(ipn),
        asked: fields.0.clone(),
    });
    Ok(json!({
        "partnerCode": counter.terms.merchant, "requestId": fields.text("requestId"), "orderId": id, "amount": amount,
        "responseTime": counter.now_ms, "message": words(0), "resultCode": 0, "payUrl": url, "deeplink": url, "qrCodeUrl": url,
    }))
}

/// The result code of an order as it stands.
fn code(counter: &Counter<'_>, order: &PaymentOrder) -> i64 {
    match order.state {
        OrderState::Open if counter.is_expired(order) => 1005,
        OrderState::Open => 1000,
        OrderState::Deferred | OrderState::Paid | OrderState::Failed | OrderState::Cancelled => {
            order.code.parse().unwrap_or(99)
        }
    }
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn query(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let order = counter.book.order(&fields.text("orderId")).ok_or(42)?;
    let code = code(counter, order);
    Ok(json!({
        "partnerCode": counter.terms.merchant, "requestId": fields.text("requestId"), "orderId": order.reference,
        "extraData": order.asked("extraData"), "amount": order.amount, "transId": number(order.transaction.as_deref()),
        "payType": if order.state == OrderState::Paid { "qr" } else { "" }, "resultCode": code,
        "refundTrans": refund::rows(order.refunds.iter()), "message": words(code), "responseTime": counter.now_ms,
    }))
}

/// What IPN and return say, signed.
fn result(terms: &Terms, order: &PaymentOrder) -> Fields {
    let code: i64 = order.code.parse().unwrap_or(99);
    let message = if code == 0 { "Successful." } else { words(code) };
    let body = json!({
        "partnerCode": terms.merchant, "orderId": order.reference, "requestId": order.asked("requestId"),
        "amount": order.amount, "orderInfo": order.description, "orderType": "momo_wallet",
        "transId": number(order.transaction.as_deref()), "resultCode": code, "message": message, "payType": "qr",
        "responseTime": order.paid_ms.unwrap_or_else(clock::now_ms), "extraData": order.asked("extraData"),
    });
    let mut fields = Fields(body.as_object().cloned().unwrap_or_default());
    fields.0.insert("accessKey".to_owned(), terms.access_key.clone().into());
    let signature = hmac_sha256(&terms.callback_key, &fields.pairs(&CALLBACK_SIGNED));
    fields.0.remove("accessKey");
    fields.0.insert("signature".to_owned(), signature.into());
    fields
}

/// Nothing is told of what is not final.
fn callback(terms: &Terms, order: &PaymentOrder) -> Option<Message> {
    let over = order.is_over();
    over.then(|| {
        let content = Value::Object(result(terms, order).0).to_string();
        Message { verb: Verb::Post, url: terms.callback_url(order), content }
    })
}

fn back(terms: &Terms, order: &PaymentOrder) -> Vec<(&'static str, String)> {
    const NAMES: [&str; 13] = [
        "partnerCode",
        "orderId",
        "requestId",
        "amount",
        "orderInfo",
        "orderType",
        "transId",
        "resultCode",
        "message",
        "payType",
        "responseTime",
        "extraData",
        "signature",
    ];
    let fields = result(terms, order);
    NAMES.map(|name| (name, fields.text(name))).into()
}

fn verdict(status: u16, _body: &[u8]) -> Verdict {
    if status == 204 { Verdict::Accepted } else { Verdict::Again }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_orders_begin_and_end_with_letters_or_digits() {
        for good in ["HS-1", "a", "a-_.b", "01"] {
            assert!(is_order_id(good), "{good}");
        }
        for wrong in ["", "-a", "a.", "a b", "ạ", "a/b"] {
            assert!(!is_order_id(wrong), "{wrong}");
        }
    }
}
