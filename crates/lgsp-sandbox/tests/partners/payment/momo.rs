//! MoMo: strings in the order of names without any encoding, the IPN that wants a 204, one answer for one `requestId`.

use lgsp_sandbox::payment::{
    AttemptOutcome, MOMO_ACCESS_KEY, MOMO_PARTNER_CODE, MOMO_SECRET_KEY, OrderState, RefundConduct,
};
use lgsp_sandbox::{Fault, FaultRule, Sandbox};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::sandbox;
use super::{Merchant, hmac256, http, location, of, pairs_of, post, press};

const API: &str = "/pay-sandbox/momo/v2/gateway/api";

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The signature over fields, `accessKey` among them.
fn signature(body: &Value, names: &[&str]) -> String {
    let pair = |name: &&str| {
        let value = if *name == "accessKey" { MOMO_ACCESS_KEY.to_owned() } else { text(&body[*name]) };
        format!("{name}={value}")
    };
    hmac256(MOMO_SECRET_KEY, &names.iter().map(pair).collect::<Vec<_>>().join("&"))
}

const CREATE: [&str; 10] = [
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
const IPN: [&str; 13] = [
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

fn signed(mut body: Value, names: &[&str]) -> Value {
    body["signature"] = signature(&body, names).into();
    body
}

fn order(id: &str, merchant: &Merchant) -> Value {
    json!({
        "partnerCode": MOMO_PARTNER_CODE, "requestId": format!("req-{id}"), "orderId": id, "amount": 50_000,
        "orderInfo": "Lệ phí & hồ sơ", "redirectUrl": "https://gw.example/r", "ipnUrl": merchant.url,
        "requestType": "captureWallet", "extraData": "", "lang": "vi",
    })
}

async fn create(sandbox: &Sandbox, body: Value) -> (u16, Value) {
    post(sandbox.url(&format!("{API}/create")), &signed(body, &CREATE)).await
}

async fn query(sandbox: &Sandbox, path: &str, id: &str) -> Value {
    let body = json!({"partnerCode": MOMO_PARTNER_CODE, "requestId": "ask", "orderId": id, "lang": "vi"});
    let body = signed(body, &["accessKey", "orderId", "partnerCode", "requestId"]);
    post(sandbox.url(&format!("{API}/{path}")), &body).await.1
}

async fn refund(sandbox: &Sandbox, id: &str, transaction: &Value, amount: i64) -> Value {
    let body = json!({
        "partnerCode": MOMO_PARTNER_CODE, "requestId": format!("refund-{id}"), "orderId": id, "amount": amount,
        "transId": transaction, "description": "trả lại", "lang": "vi",
    });
    let names = ["accessKey", "amount", "description", "orderId", "partnerCode", "requestId", "transId"];
    post(sandbox.url(&format!("{API}/refund")), &signed(body, &names)).await.1
}

#[test]
fn the_vectors_are_signed_as_published() {
    let create = json!({
        "amount": 50_000, "extraData": "", "ipnUrl": "https://gw.example/ipn", "orderId": "HS-1",
        "orderInfo": "Lệ phí HS-1", "partnerCode": "MOMO", "redirectUrl": "https://gw.example/r",
        "requestId": "11111111-1111-4111-8111-111111111111", "requestType": "captureWallet",
    });
    assert_eq!(signature(&create, &CREATE), "ecfe35ef19176bb1629de8bdaeba41ff8cb5e38f5b3efe80e9edcec7659fa3d9");
    let ipn = json!({
        "amount": 50_000, "extraData": "", "message": "Successful.", "orderId": "HS-1", "orderInfo": "Lệ phí HS-1",
        "orderType": "momo_wallet", "partnerCode": "MOMO", "payType": "qr",
        "requestId": "11111111-1111-4111-8111-111111111111", "responseTime": 1_767_238_200_000_u64, "resultCode": 0,
        "transId": 4_088_878_653_u64,
    });
    assert_eq!(signature(&ipn, &IPN), "2679646acb34bb68d5f8861fb46930d45e50a1970e7be35e596f745b75f58004");
}

#[tokio::test]
async fn an_order_is_paid_and_told_of_once() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(204, "").await);
    let momo = &sandbox.payments().momo;
    let (status, answer) = create(&sandbox, order("HS-1", &merchant)).await;
    assert_eq!((status, &answer["resultCode"], &answer["amount"]), (200, &json!(0), &json!(50_000)));
    assert_eq!(query(&sandbox, "query", "HS-1").await["resultCode"], 1000);
    let back = location(&press(answer["payUrl"].as_str().unwrap(), "pay").await);
    let pairs = pairs_of(&back);
    assert!(back.as_str().starts_with("https://gw.example/r?") && of(&pairs, "orderInfo") == "Lệ phí & hồ sơ");
    let calls = momo.callbacks_of("HS-1", 1).await;
    assert_eq!((calls[0].outcome, calls[0].status), (AttemptOutcome::Accepted, Some(204)));
    let ipn = merchant.came()[0].json();
    assert_eq!(
        (&ipn["resultCode"], &ipn["amount"], &ipn["requestId"]),
        (&json!(0), &json!(50_000), &json!("req-HS-1"))
    );
    assert_eq!(ipn["signature"], signature(&ipn, &IPN));
    assert_eq!(of(&pairs, "signature"), ipn["signature"], "the browser takes the same home");
    assert_eq!(ipn.get("accessKey"), None);
    let stands = query(&sandbox, "query", "HS-1").await;
    assert_eq!(
        (&stands["resultCode"], &stands["transId"], &stands["payType"]),
        (&json!(0), &ipn["transId"], &json!("qr"))
    );

    create(&sandbox, order("HS-2", &merchant)).await;
    momo.fail("HS-2", "1001").await.unwrap();
    momo.callbacks_of("HS-2", 1).await;
    assert_eq!(merchant.came()[1].json()["resultCode"], 1001);
    assert_eq!(query(&sandbox, "query", "HS-2").await["resultCode"], 1001);
    create(&sandbox, order("HS-3", &merchant)).await;
    momo.cancel("HS-3").await.unwrap();
    assert_eq!(query(&sandbox, "query", "HS-3").await["resultCode"], 1006);
    assert_eq!(query(&sandbox, "query", "HS-9").await["resultCode"], 42);
}

#[tokio::test]
async fn a_merchant_that_does_not_say_204_is_not_called_again_and_has_to_ask() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, "{}").await);
    let momo = &sandbox.payments().momo;
    momo.change_settings(|settings| settings.defer_ms = None);
    create(&sandbox, order("HS-1", &merchant)).await;
    momo.act("HS-1", lgsp_sandbox::payment::Act::Defer, None).await.unwrap();
    assert_eq!(query(&sandbox, "query", "HS-1").await["resultCode"], 7002);
    momo.pay("HS-1").await.unwrap();
    assert_eq!(momo.callbacks_of("HS-1", 1).await[0].outcome, AttemptOutcome::Again);
    assert_eq!(query(&sandbox, "query", "HS-1").await["resultCode"], 0);
    momo.change_settings(|settings| {
        settings.order_lifetime_ms = Some(0);
        settings.late_ms = 60_000;
    });
    create(&sandbox, order("HS-2", &merchant)).await;
    momo.order_when("HS-2", |order| order.state == OrderState::Open).await;
    let expired = async |id: &str| query(&sandbox, "query", id).await["resultCode"] == 1005;
    while !expired("HS-2").await {
        // The clock of the order is the system's, in milliseconds.
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requests_are_refused_by_the_documented_codes() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(204, "").await);
    let good = order("HS-1", &merchant);
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let cases = [
        (with("partnerCode", json!("OTHER")), 400, 13),
        (with("requestId", json!("")), 400, 20),
        (with("requestId", json!("r".repeat(51))), 400, 20),
        (with("ipnUrl", json!("https://gw.example/ipn?x=1")), 400, 20),
        (with("redirectUrl", json!("gw.example")), 400, 20),
        (with("requestType", json!("free")), 400, 20),
        (with("amount", json!(999)), 400, 22),
        (with("amount", json!(50_000_001)), 400, 22),
        (with("amount", json!("1.5")), 400, 21),
        (with("orderId", json!("-HS")), 200, 42),
    ];
    for (body, status, code) in cases {
        let (got, answer) = create(&sandbox, body).await;
        assert_eq!((got, &answer["resultCode"]), (status, &json!(code)), "{answer}");
    }
    let mut forged = signed(good.clone(), &CREATE);
    forged["amount"] = json!(1_000);
    assert_eq!(post(sandbox.url(&format!("{API}/create")), &forged).await.1["resultCode"], 13);
    let form = http().post(sandbox.url(&format!("{API}/create"))).body("a=b").send().await.unwrap();
    assert_eq!(form.status(), StatusCode::BAD_REQUEST);
    assert!(sandbox.payments().momo.orders().is_empty());
}

#[tokio::test]
async fn one_request_id_is_one_request() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(204, "").await);
    let momo = &sandbox.payments().momo;
    momo.add_fault(FaultRule::times(Fault::ResetAfterStoring, 1).on("create")).unwrap();
    let body = signed(order("HS-1", &merchant), &CREATE);
    http().post(sandbox.url(&format!("{API}/create"))).json(&body).send().await.unwrap_err();
    assert_eq!(momo.orders().len(), 1, "the answer was lost, not the order");
    momo.change_settings(|settings| settings.in_flight_ms = 600_000);
    let (status, answer) = create(&sandbox, order("HS-1", &merchant)).await;
    assert_eq!((status, &answer["resultCode"]), (422, &json!(7000)));
    momo.change_settings(|settings| settings.in_flight_ms = 0);
    let (status, answer) = create(&sandbox, order("HS-1", &merchant)).await;
    assert_eq!((status, &answer["resultCode"]), (200, &json!(0)));
    assert!(answer["payUrl"].as_str().unwrap().ends_with(&momo.orders()[0].page));
    let mut other = order("HS-1", &merchant);
    other["amount"] = json!(60_000);
    assert_eq!(create(&sandbox, other.clone()).await.1["resultCode"], 40);
    other["requestId"] = json!("another");
    assert_eq!(create(&sandbox, other).await.1["resultCode"], 41);
}

#[tokio::test]
async fn refunds_have_their_own_names_and_can_be_asked_about() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(204, "").await);
    let momo = &sandbox.payments().momo;
    create(&sandbox, order("HS-1", &merchant)).await;
    assert_eq!(refund(&sandbox, "R-0", &json!(1), 1_000).await["resultCode"], 1088);
    momo.pay("HS-1").await.unwrap();
    let transaction = query(&sandbox, "query", "HS-1").await["transId"].clone();
    assert_eq!(refund(&sandbox, "HS-1", &transaction, 1_000).await["resultCode"], 41);
    assert_eq!(refund(&sandbox, "R-1", &transaction, 999).await["resultCode"], 22);
    assert_eq!(refund(&sandbox, "R-1", &transaction, 50_001).await["resultCode"], 1088);
    momo.change_settings(|settings| {
        settings.refunds = RefundConduct::Pending;
        settings.defer_ms = Some(1);
    });
    assert_eq!(refund(&sandbox, "R-2", &transaction, 20_000).await["resultCode"], 7002);
    momo.order_when("HS-1", |order| order.refunds[0].state == lgsp_sandbox::payment::RefundState::Done).await;
    let stands = query(&sandbox, "refund/query", "R-2").await;
    assert_eq!((&stands["resultCode"], &stands["amount"]), (&json!(0), &json!(20_000)));
    momo.change_settings(|settings| settings.refunds = RefundConduct::Done);
    assert_eq!(refund(&sandbox, "R-3", &transaction, 30_000).await["resultCode"], 0);
    assert_eq!(refund(&sandbox, "R-4", &transaction, 1_000).await["resultCode"], 1081);
    let all = query(&sandbox, "refund/query", "HS-1").await;
    assert_eq!(all["refundTrans"].as_array().unwrap().len(), 2);
    assert_eq!(query(&sandbox, "refund/query", "R-9").await["resultCode"], 42);
    assert_eq!(momo.totals().refunded_amount, 50_000);
}
