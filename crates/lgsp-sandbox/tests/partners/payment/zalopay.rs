//! ZaloPay: codes over fields in their order, the callback over its data as it is sent, only when money came.

use lgsp_sandbox::payment::{
    Act, AttemptOutcome, OrderState, RefundConduct, ZALOPAY_APP_ID, ZALOPAY_KEY1, ZALOPAY_KEY2,
};
use lgsp_sandbox::{Fault, FaultRule, Sandbox};
use serde_json::{Value, json};

use super::super::sandbox;
use super::{Merchant, hmac256, http, location, now_ms, of, pairs_of, post, press, vietnam};

const OK: &str = r#"{"return_code":1,"return_message":"success"}"#;

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn mac(body: &Value, names: &[&str]) -> String {
    hmac256(ZALOPAY_KEY1, &names.iter().map(|name| text(&body[*name])).collect::<Vec<_>>().join("|"))
}

fn today() -> String {
    vietnam(now_ms())[2..8].to_owned()
}

fn order(id: &str, merchant: &Merchant) -> Value {
    json!({
        "app_id": 2553, "app_user": "user123", "app_trans_id": id, "app_time": now_ms(), "amount": 50_000, "item": "[]",
        "embed_data": "{\"redirecturl\":\"https://gw.example/r\"}", "description": "Lệ phí", "bank_code": "",
        "callback_url": merchant.url, "expire_duration_seconds": 900,
    })
}

async fn call(sandbox: &Sandbox, path: &str, mut body: Value, names: &[&str]) -> Value {
    body["mac"] = mac(&body, names).into();
    post(sandbox.url(&format!("/pay-sandbox/zalopay/v2/{path}")), &body).await.1
}

async fn create(sandbox: &Sandbox, body: Value) -> Value {
    let names = ["app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item"];
    call(sandbox, "create", body, &names).await
}

async fn query(sandbox: &Sandbox, id: &str) -> Value {
    let mut body = json!({"app_id": 2553, "app_trans_id": id});
    body["mac"] = hmac256(ZALOPAY_KEY1, &format!("2553|{id}|{ZALOPAY_KEY1}")).into();
    post(sandbox.url("/pay-sandbox/zalopay/v2/query"), &body).await.1
}

async fn refund(sandbox: &Sandbox, id: &str, transaction: &Value, amount: i64) -> Value {
    let body = json!({
        "app_id": 2553, "m_refund_id": id, "zp_trans_id": transaction, "amount": amount, "timestamp": now_ms(),
        "description": "trả lại",
    });
    call(sandbox, "refund", body, &["app_id", "zp_trans_id", "amount", "description", "timestamp"]).await
}

fn codes(answer: &Value) -> (i64, i64) {
    let code = |name: &str| answer[name].as_i64().expect("a number");
    (code("return_code"), code("sub_return_code"))
}

#[test]
fn the_vector_is_signed_as_published() {
    let body = json!({
        "app_id": 2553, "app_trans_id": "260101_HS1", "app_user": "user123", "amount": 50_000,
        "app_time": 1_767_238_200_000_u64, "embed_data": "{}", "item": "[]",
    });
    let names = ["app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item"];
    assert_eq!(mac(&body, &names), "a1da939e89c53b6e0abc5f43c6e7a2174a2eb20860de8dd2664186abcbbead49");
    assert_eq!(ZALOPAY_APP_ID, "2553");
}

#[tokio::test]
async fn money_is_told_of_and_failure_is_not() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, OK).await);
    let zalopay = &sandbox.payments().zalopay;
    let id = format!("{}_hs1", today());
    let answer = create(&sandbox, order(&id, &merchant)).await;
    assert_eq!(codes(&answer), (1, 1), "{answer}");
    assert_eq!(codes(&query(&sandbox, &id).await).0, 3);
    let back = location(&press(answer["order_url"].as_str().unwrap(), "pay").await);
    let pairs = pairs_of(&back);
    let signed: Vec<_> = ["appid", "apptransid", "pmcid", "bankcode", "amount", "discountamount", "status"]
        .iter()
        .map(|name| of(&pairs, name))
        .collect();
    assert_eq!(
        (of(&pairs, "checksum"), of(&pairs, "status")),
        (hmac256(ZALOPAY_KEY2, &signed.join("|")).as_str(), "1")
    );
    assert_eq!(zalopay.callbacks_of(&id, 1).await[0].outcome, AttemptOutcome::Accepted);
    let came = merchant.came()[0].json();
    let data = came["data"].as_str().unwrap();
    assert_eq!((&came["mac"], &came["type"]), (&json!(hmac256(ZALOPAY_KEY2, data)), &json!(1)));
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["app_trans_id"], &data["amount"], &data["app_id"]), (&json!(id), &json!(50_000), &json!(2553)));
    let stands = query(&sandbox, &id).await;
    assert_eq!((codes(&stands), &stands["zp_trans_id"]), ((1, 1), &data["zp_trans_id"]));

    let id = format!("{}_hs2", today());
    create(&sandbox, order(&id, &merchant)).await;
    zalopay.fail(&id, "-63").await.unwrap();
    assert_eq!(codes(&query(&sandbox, &id).await), (2, -63));
    assert_eq!(merchant.came().len(), 1, "failures are not told of");
    assert_eq!(codes(&query(&sandbox, "none").await), (2, -101));
}

#[tokio::test]
async fn a_callback_comes_three_times_at_most() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, r#"{"return_code":0}"#).await);
    let zalopay = &sandbox.payments().zalopay;
    zalopay.change_settings(|settings| settings.callback_interval_ms = Some(1));
    let [asked, refused, known] = ["a", "b", "c"].map(|name| format!("{}_{name}", today()));
    for id in [&asked, &refused, &known] {
        create(&sandbox, order(id, &merchant)).await;
    }
    zalopay.act(&asked, Act::Pay, None).await.unwrap();
    assert_eq!(zalopay.callbacks_of(&asked, 3).await.len(), 3);
    merchant.next(&[(200, r#"{"return_code":-1,"return_message":"mac not equal"}"#)]);
    zalopay.act(&refused, Act::WrongSignature, None).await.unwrap();
    assert_eq!(zalopay.callbacks_of(&refused, 1).await[0].outcome, AttemptOutcome::Refused);
    let came = merchant.came()[3].json();
    assert_ne!(came["mac"], json!(hmac256(ZALOPAY_KEY2, came["data"].as_str().unwrap())));
    merchant.next(&[(500, OK), (200, r#"{"return_code":2}"#)]);
    zalopay.act(&known, Act::Pay, None).await.unwrap();
    let outcomes: Vec<_> = zalopay.callbacks_of(&known, 2).await.iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Again, AttemptOutcome::Accepted]);
    assert_eq!(merchant.came().len(), 6);
}

#[tokio::test]
async fn requests_are_refused_by_the_documented_codes() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, OK).await);
    let id = format!("{}_hs1", today());
    let with = |name: &str, value: Value| {
        let mut body = order(&id, &merchant);
        body[name] = value;
        body
    };
    for (body, sub) in [
        (with("app_id", json!(1)), -402),
        (with("app_trans_id", json!("200101_hs1")), -401),
        (with("app_trans_id", json!(format!("{}_", today()))), -401),
        (with("app_trans_id", json!(format!("{}_{}", today(), "x".repeat(34)))), -401),
        (with("app_time", json!(now_ms() - 901_000)), -401),
        (with("amount", json!(0)), -401),
        (with("item", json!("{}")), -401),
        (with("embed_data", json!("x")), -401),
        (with("expire_duration_seconds", json!(299)), -401),
        (with("app_user", json!("u".repeat(51))), -401),
    ] {
        let answer = create(&sandbox, body).await;
        assert_eq!(codes(&answer), (2, sub), "{answer}");
    }
    let mut forged = order(&id, &merchant);
    forged["mac"] = json!("0".repeat(64));
    let url = sandbox.url("/pay-sandbox/zalopay/v2/create");
    assert_eq!(codes(&post(url.clone(), &forged).await.1), (2, -403));
    assert!(sandbox.payments().zalopay.orders().is_empty());

    let names = ["app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item"];
    let mut body = order(&id, &merchant);
    body["mac"] = mac(&body, &names).into();
    let form: Vec<(String, String)> =
        body.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let answer: Value = http().post(url).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!(codes(&answer), (1, 1), "forms are taken as well");
    assert_eq!(codes(&create(&sandbox, order(&id, &merchant)).await), (2, -68));
}

#[tokio::test]
async fn refunds_are_asked_about_until_they_are_final() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, OK).await);
    let zalopay = &sandbox.payments().zalopay;
    let id = format!("{}_hs1", today());
    create(&sandbox, order(&id, &merchant)).await;
    zalopay.pay(&id).await.unwrap();
    let transaction = query(&sandbox, &id).await["zp_trans_id"].clone();
    let name = |place: &str| format!("{}_2553_{place}", today());
    let ask = async |name: &str| {
        let body = json!({"app_id": 2553, "m_refund_id": name, "timestamp": now_ms()});
        codes(&call(&sandbox, "query_refund", body, &["app_id", "m_refund_id", "timestamp"]).await)
    };
    zalopay.change_settings(|settings| {
        settings.refunds = RefundConduct::Pending;
        settings.defer_ms = None;
    });
    assert_eq!(codes(&refund(&sandbox, &name("1"), &transaction, 20_000).await).0, 3);
    assert_eq!(ask(&name("1")).await.0, 3);
    assert!(zalopay.settle_refund(&name("1")));
    assert_eq!(ask(&name("1")).await.0, 1);
    assert_eq!(codes(&refund(&sandbox, &name("1"), &transaction, 20_000).await), (2, -68));
    assert_eq!(codes(&refund(&sandbox, "1", &transaction, 1_000).await), (2, -401), "the name has a form");
    assert_eq!(codes(&refund(&sandbox, &name("2"), &transaction, 30_001).await), (2, -401));
    zalopay.change_settings(|settings| settings.refunds = RefundConduct::Refused);
    assert_eq!(codes(&refund(&sandbox, &name("3"), &transaction, 30_000).await), (2, -13));
    assert_eq!(ask(&name("3")).await, (2, -13));
    assert_eq!(ask(&name("none")).await, (2, -21), "it may be sent again");
    zalopay.change_settings(|settings| settings.refunds = RefundConduct::Done);
    zalopay.add_fault(FaultRule::times(Fault::ResetAfterStoring, 1).on("refund")).unwrap();
    let mut body = json!({
        "app_id": 2553, "m_refund_id": name("4"), "zp_trans_id": transaction, "amount": 30_000, "timestamp": now_ms(),
        "description": "trả lại",
    });
    body["mac"] = mac(&body, &["app_id", "zp_trans_id", "amount", "description", "timestamp"]).into();
    http().post(sandbox.url("/pay-sandbox/zalopay/v2/refund")).json(&body).send().await.unwrap_err();
    assert_eq!(ask(&name("4")).await.0, 1, "the answer was lost, not the refund");
    let order = zalopay.order(&id).unwrap();
    assert_eq!((order.state, order.refunded()), (OrderState::Paid, 50_000));
}
