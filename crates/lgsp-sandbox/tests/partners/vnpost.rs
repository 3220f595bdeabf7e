//! The post: orders counted, refusals under HTTP 200, tracking by pages.

use lgsp_sandbox::{Fault, FaultRule, Sandbox};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{sandbox, token};

async fn send(sandbox: &Sandbox, service: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
    let url = sandbox.url(&format!("/vnpost/api?service={service}"));
    reqwest::Client::new().post(url).bearer_auth(token(sandbox, "vnpost").await).json(body).send().await
}

async fn call(sandbox: &Sandbox, service: &str, body: &Value) -> Value {
    let answer = send(sandbox, service, body).await.expect("the sandbox answers");
    assert_eq!(answer.status(), StatusCode::OK, "refusals too");
    answer.json().await.expect("the sandbox answers")
}

fn order(number: &str) -> Value {
    json!({"CustomerCode": "KH0001", "OrderNumber": number, "CODAmount": 0, "SenderProvince": 10,
           "SenderDistrict": 1010, "SenderAddress": "Số 1", "SenderName": "Một cửa", "SenderTel": "0900000001",
           "ReceiverName": "Nguyễn Văn Thử", "ReceiverAddress": "Số 2", "ReceiverTel": "0900000002",
           "ReceiverProvince": 10, "ReceiverDistrict": 1020, "FlagConfig": 2})
}

#[tokio::test]
async fn an_order_is_taken_once_or_as_often_as_it_comes() {
    let sandbox = sandbox();
    let taken = call(&sandbox, "orderPost", &order("H56-1")).await;
    assert_eq!((&taken["Status"], &taken["ItemCode"]), (&json!("100"), &json!("EH000000001VN")));
    let again = call(&sandbox, "orderPost", &order("H56-1")).await;
    assert_eq!(again["Status"], "104");
    assert_eq!(sandbox.vnpost().times_ordered("H56-1"), 1);
    sandbox.vnpost().change_settings(|settings| settings.idempotent = false);
    assert_eq!(call(&sandbox, "orderpost", &order("H56-1")).await["Status"], "100");
    assert_eq!(sandbox.vnpost().times_ordered("H56-1"), 2);
    assert_eq!(sandbox.vnpost().orders()[1].body, order("H56-1"));
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_order() {
    let sandbox = sandbox();
    sandbox.vnpost().add_fault(FaultRule::times(Fault::ResetBeforeStoring, 1).on("orderPost")).unwrap();
    send(&sandbox, "orderPost", &order("H56-2")).await.unwrap_err();
    assert_eq!(sandbox.vnpost().times_ordered("H56-2"), 0, "lost before it took effect");
    assert_eq!(call(&sandbox, "orderPost", &order("H56-2")).await["Status"], "100");
    sandbox.vnpost().add_fault(FaultRule::times(Fault::ResetAfterStoring, 1).on("orderPost")).unwrap();
    send(&sandbox, "orderPost", &order("H56-3")).await.unwrap_err();
    assert_eq!(sandbox.vnpost().times_ordered("H56-3"), 1, "stored, and nobody was told");
}

#[tokio::test]
async fn orders_with_missing_or_quoted_fields_and_unknown_things_are_refused() {
    let sandbox = sandbox();
    let with = |name: &str, value: Value| {
        let mut body = order("H56-4");
        body[name] = value;
        body
    };
    for (service, body, status) in [
        ("orderPost", with("SenderDistrict", Value::Null), "101"),
        ("orderPost", with("ReceiverDistrict", json!("1020")), "101"),
        ("orderPost", with("ReceiverName", json!("")), "101"),
        ("orderPost", with("CustomerCode", json!("KH9999")), "102"),
        ("orderPost", json!([]), "110"),
        ("orderCancel", json!({"OrderNumber": "H56-4"}), "103"),
        ("orderTracking", json!({"OrderNumber": "H56-4"}), "103"),
        ("orderTracking", json!({"CustomerCode": "KH0001", "lastId": "7"}), "101"),
        ("getPriceHcc", json!({"SenderProvince": 10}), "101"),
        ("orderSteal", json!({}), "111"),
    ] {
        assert_eq!(call(&sandbox, service, &body).await["Status"], status, "{service} {body}");
    }
    assert!(sandbox.vnpost().orders().is_empty());
    assert_eq!(call(&sandbox, "getPriceHcc", &order("x")).await["Price"], 26_000);
}

#[tokio::test]
async fn tracking_comes_in_pages_after_a_cursor() {
    let sandbox = sandbox();
    for number in 0..60 {
        call(&sandbox, "orderPost", &order(&format!("H56-{number}"))).await;
    }
    let poll =
        async |last: Value| call(&sandbox, "orderTracking", &json!({"CustomerCode": "KH0001", "lastId": last})).await;
    let first = poll(Value::Null).await;
    assert_eq!((first["data"].as_array().unwrap().len(), first["lastId"].as_str().unwrap().len()), (50, 24));
    let rest = poll(first["lastId"].clone()).await;
    assert_eq!(rest["data"].as_array().unwrap().len(), 10);
    assert!(sandbox.vnpost().advance("H56-7", 4));
    assert!(!sandbox.vnpost().advance("H57-7", 4));
    let news = poll(rest["lastId"].clone()).await;
    assert_eq!((&news["data"][0]["OrderNumber"], &news["data"][0]["statusCode"]), (&json!("H56-7"), &json!(4)));
    assert_eq!(poll(news["lastId"].clone()).await["data"], json!([]));
    assert_eq!(call(&sandbox, "orderCancel", &json!({"OrderNumber": "H56-7"})).await["Status"], "105");
    assert_eq!(call(&sandbox, "orderCancel", &json!({"OrderNumber": "H56-8"})).await["Status"], "100");
    assert_eq!(call(&sandbox, "orderCancel", &json!({"OrderNumber": "H56-8"})).await["Status"], "106");
    let one = call(&sandbox, "orderTracking", &json!({"OrderNumber": "H56-8"})).await;
    assert_eq!(one["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_token_may_come_in_a_header_of_its_own() {
    let sandbox = sandbox();
    let url = || sandbox.url("/vnpost/api?service=getprice");
    let request = reqwest::Client::new().post(url()).header("access_token", token(&sandbox, "vnpost").await);
    assert_eq!(request.json(&order("x")).send().await.unwrap().status(), StatusCode::OK);
    let wrong = reqwest::Client::new().post(url()).header("access_token", "x").json(&order("x"));
    assert_eq!(wrong.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}
