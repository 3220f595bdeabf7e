//! PayGov: an order, the IPN, the receipt. Public clients ask nothing more; here an order is asked about with the check sum of its opening.
//!
//! The calls have one address here and are told apart by what they carry. How the IPN's checksum is made is public nowhere: here it is
//! SHA-256 of the secret key and all fields in the order of the message, or of those in `callback_fields`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::bill;
use super::book::{NewOrder, OrderState, PaymentOrder};
use super::clock;
use super::desk::{Desk, Kind};
use super::rules::{Counter, Fields, Merchant, Message, Rules, Terms, Verb, Verdict, dong};
use super::sign::sha256;
use crate::address::may_return;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::Partner;

/// The merchant of the sandbox, `partnerCode`.
pub const PAYGOV_PARTNER_CODE: &str = "PAYGOV-SANDBOX";
/// Its `accessKey`.
pub const PAYGOV_ACCESS_KEY: &str = "paygov-sandbox-access";
/// Its secret.
pub const PAYGOV_SECRET_KEY: &str = "paygov-sandbox-secret";

/// PayGov: see [`crate::Sandbox::payments`].
#[derive(Default)]
pub struct Paygov;

/// The simulated PayGov; clones are the same.
pub type PaygovPartner = Partner<Desk<Paygov>>;

impl Kind for Paygov {
    const RULES: &'static Rules = &RULES;
}

static RULES: Rules = Rules {
    name: "payment-paygov",
    root: "/pay-sandbox/paygov",
    title: "PayGov",
    merchant: Merchant {
        id: PAYGOV_PARTNER_CODE,
        access_key: PAYGOV_ACCESS_KEY,
        key: PAYGOV_SECRET_KEY,
        callback_key: None,
    },
    tries: 3,
    interval_ms: 60_000,
    lifetime_ms: 900_000,
    paid: "00",
    deferred: "01",
    cancelled: "24",
    failures: &[("51", "Tài khoản không đủ số dư"), ("11", "Hết hạn"), ("02", "Lỗi khác")],
    service,
    answer,
    callback,
    back,
    verdict,
};

const ORDER_SIGNED: [&str; 5] = ["accessKey", "partnerCode", "orderId", "requestCode", "amount"];
const RECEIPT_SIGNED: [&str; 12] = [
    "partnerCode",
    "accessKey",
    "payerId",
    "payerName",
    "payerAddress",
    "payerDistrict",
    "payerProvince",
    "docCode",
    "procedureName",
    "paids",
    "otherInfo",
    "decisionDate",
];
/// The fields of the IPN in the order of its description.
const CALLBACK_FIELDS: [&str; 10] = [
    "orderId",
    "amount",
    "orderInfo",
    "requestCode",
    "transactionNo",
    "payDate",
    "paygate",
    "errorCode",
    "type",
    "transactionCode",
];
/// What stands before the number in a transaction's code.
const CODE: &str = "PG";

/// A refusal: `error_code`, and what is wrong.
type Refused = (&'static str, &'static str);

fn service(call: &Call) -> &'static str {
    match Fields::of(call) {
        _ if call.path.starts_with("/receipt/") => "document",
        Some(fields) if fields.has("payerId") || fields.has("paids") => "receipt",
        Some(fields) if fields.has("returnUrl") => "create",
        Some(fields) if fields.has("orderId") => "query",
        _ => "other",
    }
}

fn answer(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
    if service == "document" {
        let paid = call.path.rsplit('/').next().and_then(|code| paid(counter, code));
        let document = paid.map(|order| Answer::of(StatusCode::OK, "application/pdf", bill::pdf(order)));
        return document.unwrap_or_else(|| Answer::text(StatusCode::NOT_FOUND, "no such receipt\n"));
    }
    if call.method != Method::POST {
        return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n");
    }
    let key = if counter.settings.token_required { counter.settings.lgsp_key.check(call) } else { Ok(()) };
    if let Err(refused) = counter.admit(call).and(key) {
        return refused;
    }
    let done = Fields::of(call).ok_or(("FAILED", "JSON")).and_then(|fields| match service {
        "create" => create(counter, &fields),
        "query" => query(counter, &fields),
        "receipt" => receipt(counter, &fields),
        _ => Err(("FAILED", "orderId")),
    });
    Answer::ok(&done.unwrap_or_else(|(code, message)| json!({"error_code": code, "error_message": message})))
}

fn admitted(counter: &Counter<'_>, fields: &Fields, signed: &[&str]) -> Result<(), Refused> {
    let Terms { merchant, access_key, key, .. } = &counter.terms;
    if fields.text("partnerCode") != *merchant || fields.text("accessKey") != *access_key {
        return Err(("FAILED", "partnerCode, accessKey"));
    }
    let right = sha256(&format!("{key}{}", fields.joined(signed, ""))) == fields.text("checksum");
    if right { Ok(()) } else { Err(("SIGNATURE_WRONG", "checksum")) }
}

fn create(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    admitted(counter, fields, &ORDER_SIGNED)?;
    let amount = dong(&fields.text("amount")).ok_or(("FAILED", "amount"))?;
    let info = fields.text("orderInfo");
    let rules = [
        ("orderId", (1..=100).contains(&fields.text("orderId").len())),
        ("orderInfo", !info.is_empty() && info.is_ascii()),
        ("requestCode", !fields.text("requestCode").is_empty()),
        ("ipAddress", (7..=45).contains(&fields.text("ipAddress").len())),
        ("serviceCode", !fields.text("serviceCode").is_empty()),
        ("returnUrl", may_return(&[], &fields.text("returnUrl"))),
    ];
    if let Some((name, _)) = rules.into_iter().find(|(_, good)| !good) {
        return Err(("FAILED", name));
    }
    let name = fields.text("orderId");
    if counter.book.order(&name).is_some() {
        return Err(("FAILED", "orderId is known already"));
    }
    let url = counter.open(NewOrder {
        reference: name,
        amount,
        description: info,
        expires_ms: counter.now_ms + counter.lifetime_ms(),
        return_url: Some(fields.text("returnUrl")),
        callback_url: None,
        asked: fields.0.clone(),
    });
    Ok(json!({"error_code": "SUCCESSFUL", "error_message": "", "data": {"url": url}}))
}

/// Where an order stands, in the words of the IPN.
fn query(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    admitted(counter, fields, &ORDER_SIGNED)?;
    let order = counter.book.order(&fields.text("orderId")).ok_or(("NOT_FOUND", "orderId"))?;
    let code = match order.state {
        OrderState::Open if counter.is_expired(order) => "11",
        OrderState::Open => "01",
        OrderState::Deferred | OrderState::Paid | OrderState::Failed | OrderState::Cancelled => &order.code,
    };
    let standing = PaymentOrder { code: code.to_owned(), ..order.clone() };
    let data = told(&counter.terms, &standing);
    Ok(json!({"error_code": "SUCCESSFUL", "error_message": "", "data": data.0}))
}

/// The paid order of a transaction's code. The number alone is taken too: which of the two the receipt wants is not written down.
fn paid<'a>(counter: &'a Counter<'_>, code: &str) -> Option<&'a PaymentOrder> {
    let order = counter.book.of_transaction(code.strip_prefix(CODE).unwrap_or(code))?;
    (order.state == OrderState::Paid).then_some(order)
}

fn receipt(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    admitted(counter, fields, &RECEIPT_SIGNED)?;
    let json_of = |name: &str| {
        let bytes = STANDARD.decode(fields.text(name)).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let codes = json_of("paids").and_then(|paids| serde_json::from_value::<Vec<String>>(paids).ok());
    let codes = codes.filter(|codes| !codes.is_empty()).ok_or(("FAILED", "paids"))?;
    let other = json_of("otherInfo").ok_or(("FAILED", "otherInfo"))?;
    if !other["beneficiaryUnitCode"].is_string() || !other["beneficiaryUnitName"].is_string() {
        return Err(("FAILED", "otherInfo"));
    }
    if !crate::forms::is_date(&fields.text("decisionDate"), "dd-MM-yyyy") {
        return Err(("FAILED", "decisionDate"));
    }
    if codes.iter().any(|code| paid(counter, code).is_none()) {
        return Err(("FAILED", "not paid"));
    }
    let url = format!("{}/receipt/{}", counter.at, codes[0]);
    Ok(json!({"error_code": "SUCCESSFUL", "error_message": "", "transactionReceipt": url}))
}

/// What is told of an order, by whatever way.
fn told(terms: &Terms, order: &PaymentOrder) -> Fields {
    let number = order.transaction.clone().unwrap_or_default();
    let ended = order.is_over().then(clock::now_ms);
    let pay_date = order.paid_ms.or(ended).map(clock::compact).unwrap_or_default();
    let body = json!({
        "orderId": order.reference, "amount": order.amount, "orderInfo": order.description,
        "requestCode": order.asked("requestCode"), "transactionNo": number,
        "payDate": pay_date, "paygate": "SANDBOX",
        "errorCode": order.code, "type": "1", "transactionCode": format!("{CODE}{number}"),
    });
    let mut fields = Fields(body.as_object().cloned().unwrap_or_default());
    let covered: Vec<&str> = if terms.callback_fields.is_empty() {
        CALLBACK_FIELDS.into()
    } else {
        terms.callback_fields.iter().map(String::as_str).collect()
    };
    let text = |name: &str| match name {
        "accessKey" => terms.access_key.clone(),
        "partnerCode" => terms.merchant.clone(),
        field => fields.text(field),
    };
    let signed: String = covered.into_iter().map(text).collect();
    let checksum = sha256(&format!("{}{signed}", terms.callback_key));
    fields.0.insert("checksum".to_owned(), checksum.into());
    fields
}

fn callback(terms: &Terms, order: &PaymentOrder) -> Option<Message> {
    order.is_over().then(|| {
        let content = Value::Object(told(terms, order).0).to_string();
        Message { verb: Verb::Post, url: terms.callback_url(order), content }
    })
}

fn back(_terms: &Terms, order: &PaymentOrder) -> Vec<(&'static str, String)> {
    vec![("orderId", order.reference.clone()), ("errorCode", order.code.clone())]
}

fn verdict(status: u16, body: &[u8]) -> Verdict {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    if status == 200 && reply["error_code"] == "SUCCESSFUL" { Verdict::Accepted } else { Verdict::Again }
}
