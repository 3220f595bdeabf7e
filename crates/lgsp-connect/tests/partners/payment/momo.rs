//! MoMo as it is scripted, and what only it has.

use lgsp_connect::{CallbackVerdict, PayFailure, ReportStanding, Unheard};
use serde_json::{Value, json};

use super::member::{Came, Change, Member, NEW, OLD, Told};
use super::sign::sha256;
use super::stub::{Back, Play, Stands, Stub, deaf};
use super::{AMOUNT, NOW, ORDER, REFUND, order, refund, refund_id, request};
use crate::server::{Answer, Call};

pub(super) const MEMBER: Member = Member {
    kind: "momo",
    settings: |base| {
        format!("url = '{base}'\npartner_code = 'MOMO'\naccess_key = 'F8BBA842ECF85'\nsecret_key = ['{NEW}', '{OLD}']")
    },
    callback_key: "secret_key",
    answer,
    callback,
    needed: &["amount", "extraData", "orderId", "partnerCode", "resultCode", "transId", "responseTime"],
    replies: &[
        (CallbackVerdict::Recorded, 204, ""),
        (CallbackVerdict::AlreadyRecorded, 204, ""),
        (CallbackVerdict::UnknownOrder, 204, ""),
        (CallbackVerdict::WrongAmount, 204, ""),
        (CallbackVerdict::BadSignature, 400, ""),
        (CallbackVerdict::Malformed, 400, ""),
        (CallbackVerdict::TryAgain, 503, ""),
    ],
    opens_by_call: true,
    refunds: true,
    signs_answers: false,
    names_orders: true,
    tells_failures: true,
    proves: true,
    tells_refunded: true,
    transaction: "4088878653",
    refund_name: "requestId",
};

fn answer(call: &Call, play: &Play) -> Answer {
    let asked: Value = serde_json::from_str(&call.body).unwrap();
    let order = &asked["orderId"];
    let (code, transaction) = match (call.path.strip_prefix("/v2/gateway/api/").unwrap(), play.stands, play.back) {
        ("create", ..) => (0, 0),
        ("refund" | "refund/query", _, Back::Done) => (0, 4_088_878_654_i64),
        ("refund" | "refund/query", _, Back::Pending) => (7002, 0),
        ("refund" | "refund/query", _, Back::Refused) => (1088, 0),
        ("refund" | "refund/query", _, Back::Missing) => (42, 0),
        ("query", Stands::Waiting, _) => (1000, 0),
        ("query", Stands::Paid | Stands::Refunded, _) => (0, 4_088_878_653),
        ("query", Stands::Failed, _) => (1006, 0),
        ("query", Stands::Unclear, _) => (31_337, 0),
        ("query", Stands::Missing, _) => (42, 0),
        (other, ..) => panic!("nobody serves {other}"),
    };
    let host = call.headers["host"].to_str().unwrap();
    let refunds = if play.stands == Stands::Refunded {
        json!([{"orderId": REFUND, "amount": play.amount, "resultCode": 0, "transId": 4_088_878_654_i64}])
    } else {
        json!([])
    };
    // A refund's order has its own name.
    let named = if order == REFUND && play.order == ORDER { REFUND } else { play.order };
    let told = json!({"partnerCode": "MOMO", "requestId": asked["requestId"], "orderId": named, "amount": play.amount,
        "transId": transaction, "resultCode": code, "message": "Thành công.", "responseTime": NOW.0, "payType": "qr",
        "payUrl": format!("http://{host}/pay/{ORDER}"), "qrCodeUrl": "00020101", "refundTrans": refunds});
    Answer::Reply(told.to_string())
}

const SIGNED: [&str; 13] = [
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

fn callback(told: &Told) -> Came {
    let text = |text: &str| format!("\"{text}\"");
    let fields = vec![
        ("partnerCode", text("MOMO")),
        ("orderId", text(told.order)),
        ("requestId", text(told.order)),
        ("amount", told.amount.to_string()),
        ("orderInfo", "\"Lệ phí HS-1".to_owned()),
        ("orderType", text("momo_wallet")),
        ("transId", MEMBER.transaction.to_owned()),
        ("resultCode", if told.paid { "0" } else { "1006" }.to_owned()),
        ("message", text("Thành công.")),
        ("payType", text("qr")),
        ("responseTime", "1767238500000".to_owned()),
        ("extraData", text("")),
    ];
    let mut fields = told.change.apply(fields, "orderInfo");
    for (_, value) in fields.iter_mut().filter(|(name, _)| *name == "orderInfo") {
        value.push('"');
    }
    came(&fields, told.key)
}

/// Members as they are written, rightly signed.
fn came(fields: &[(&str, String)], key: &str) -> Came {
    let said = |name: &str| {
        let value = fields.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value.as_str());
        if name == "accessKey" { "F8BBA842ECF85".to_owned() } else { value.trim_matches('"').to_owned() }
    };
    let signed: Vec<_> = SIGNED.iter().map(|name| format!("{name}={}", said(name))).collect();
    let members: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    Came::post(format!("{{{},\"signature\":\"{}\"}}", members.join(","), sha256(key, &signed.join("&"))))
}

#[test]
fn the_published_callback_is_momos_and_about_no_order_of_ours() {
    let body = |signature: &str| {
        Came::post(format!(
            r#"{{"partnerCode":"MOMO","orderId":"HS-1","requestId":"11111111-1111-4111-8111-111111111111","amount":50000,
            "orderInfo":"Lệ phí HS-1","orderType":"momo_wallet","transId":4088878653,"resultCode":0,"message":"Successful.",
            "payType":"qr","responseTime":1767238200000,"extraData":"","signature":"{signature}"}}"#
        ))
    };
    let signature = "2679646acb34bb68d5f8861fb46930d45e50a1970e7be35e596f745b75f58004";
    for (keys, heard) in [
        ("'K951B6PE1waDMi640xX08PD3vg6EkVlz'", Unheard::UnknownOrder),
        ("['next', 'K951B6PE1waDMi640xX08PD3vg6EkVlz']", Unheard::UnknownOrder),
        ("'next'", Unheard::BadSignature),
    ] {
        let settings = format!(
            "url = 'https://test-payment.momo.vn'\npartner_code = 'MOMO'\naccess_key = 'F8BBA842ECF85'\nsecret_key = {keys}"
        );
        let momo = lgsp_connect::check_payment_provider("momo", &settings.parse().unwrap()).unwrap();
        let momo = momo.build(std::sync::Arc::new(|| NOW)).unwrap();
        assert_eq!(momo.hear(&request(&body(signature))), Err(heard));
    }
}

#[test]
fn numbers_are_signed_with_the_digits_that_came() {
    let provider = deaf(&MEMBER);
    let told = Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change: Change::None };
    let fields = |name: &str, value: &str| {
        let body = String::from_utf8(callback(&told).body.to_vec()).unwrap();
        let value: String = value.to_owned();
        let members: Value = serde_json::from_str(&body).unwrap();
        let mut fields: Vec<(String, String)> =
            members.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        fields.retain(|(other, _)| other != "signature" && other != name);
        fields.push((name.to_owned(), value));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        provider.hear(&request(&came(&fields, NEW)))
    };
    assert_eq!(fields("amount", "50000").unwrap().report.amount.map(|amount| amount.get()), Some(AMOUNT));
    assert_eq!(fields("amount", "\"50000\"").unwrap().report.amount.map(|amount| amount.get()), Some(AMOUNT));
    for wrong in ["5e4", "50000.0", "-50000", "12345678901"] {
        assert_eq!(fields("amount", wrong), Err(Unheard::Malformed("amount")), "rightly signed: {wrong}");
    }
    assert_eq!(fields("amount", "null"), Err(Unheard::Malformed("amount")));
    assert_eq!(fields("resultCode", "9000").unwrap().report.standing, ReportStanding::Paid);
    assert_eq!(fields("resultCode", "1000").unwrap().report.standing, ReportStanding::Pending);
    assert_eq!(
        fields("resultCode", "7002").unwrap().report.standing,
        ReportStanding::Unclear,
        "money may be on its way"
    );
    assert_eq!(fields("resultCode", "13").unwrap().report.standing, ReportStanding::Unclear);
    assert_eq!(fields("resultCode", "42").unwrap().report.standing, ReportStanding::Unclear);
    assert_eq!(fields("partnerCode", "\"OTHER\""), Err(Unheard::UnknownOrder));
}

#[tokio::test]
async fn an_order_says_what_is_signed_and_the_access_key_stays_at_home() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    let opened = provider.open(&order()).await.unwrap();
    assert_eq!((opened.pay_url, opened.qr.as_deref()), (format!("{}/pay/{ORDER}", stub.base()), Some("00020101")));
    let call = stub.calls().remove(0);
    assert_eq!(call.path, "/v2/gateway/api/create");
    let sent: Value = serde_json::from_str(&call.body).unwrap();
    let expected = json!({"partnerCode": "MOMO", "requestId": ORDER, "orderId": ORDER, "amount": 50000,
        "orderInfo": "Lệ phí hồ sơ (H56.14-260101-0007)", "redirectUrl": order().return_url,
        "ipnUrl": order().callback_url, "requestType": "captureWallet", "extraData": "", "lang": "vi",
        "autoCapture": true, "signature": sent["signature"]});
    assert_eq!(sent, expected);
    let signed = format!(
        "accessKey=F8BBA842ECF85&amount=50000&extraData=&ipnUrl={}&orderId={ORDER}\
        &orderInfo=Lệ phí hồ sơ (H56.14-260101-0007)&partnerCode=MOMO&redirectUrl={}&requestId={ORDER}\
        &requestType=captureWallet",
        order().callback_url,
        order().return_url
    );
    assert_eq!(sent["signature"], sha256(NEW, &signed));
}

#[tokio::test]
async fn a_repeated_or_busy_order_may_be_open_and_a_page_elsewhere_is_not_shown() {
    let stub = Stub::start(&MEMBER).await;
    for (instead, expected) in [
        (r#"{"resultCode":40}"#, Some("momo_40")),
        (r#"{"resultCode":41}"#, Some("momo_41")),
        (r#"{"resultCode":43}"#, Some("momo_43")),
        (r#"{"resultCode":31337}"#, Some("momo_other")),
        (r#"{"resultCode":0,"payUrl":"javascript:alert(1)"}"#, Some("answer_malformed")),
        (r#"{"resultCode":0}"#, Some("answer_malformed")),
        (r#"{"resultCode":0,"resultCode":0}"#, Some("answer_malformed")),
        (r#"{"resultCode":13}"#, None),
    ] {
        let status = if instead.contains(":40}") { 422 } else { 200 };
        stub.instead(move || Answer::Words(status, instead.to_owned()));
        let failure = stub.provider(&MEMBER, "").open(&order()).await.unwrap_err();
        match (failure, expected) {
            (PayFailure::Unknown(cause), Some(code)) => assert_eq!(cause.code, code),
            (PayFailure::Refused(cause), None) => assert_eq!(cause.code, "momo_13"),
            (other, _) => panic!("{instead}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn refunds_have_one_name_and_questions_a_new_one_each() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    let (order, id) = (order(), refund_id());
    for _ in 0..2 {
        provider.query_refund(refund(&order, &id, MEMBER.transaction, true), None).await.unwrap();
        provider.query(&order).await.unwrap();
    }
    let sent: Vec<Value> = stub.calls().iter().map(|call| serde_json::from_str(&call.body).unwrap()).collect();
    let names: std::collections::BTreeSet<_> = sent.iter().map(|call| call["requestId"].to_string()).collect();
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.len() <= 52));
    let signed = |call: &Value| {
        let text = |name: &str| call[name].as_str().unwrap().to_owned();
        let (order, request) = (text("orderId"), text("requestId"));
        sha256(NEW, &format!("accessKey=F8BBA842ECF85&orderId={order}&partnerCode=MOMO&requestId={request}"))
    };
    assert!(sent.iter().all(|call| call["signature"] == signed(call)));
}

#[tokio::test]
async fn what_is_being_worked_on_may_be_money_and_money_without_an_amount_is_not_believed() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    for (code, amount, standing) in [
        (1000, "50000", ReportStanding::Pending),
        (7000, "50000", ReportStanding::Unclear),
        (7002, "50000", ReportStanding::Unclear),
        (8000, "50000", ReportStanding::Unclear),
        (0, "50000", ReportStanding::Paid),
        (0, "null", ReportStanding::Unclear),
        (9000, "null", ReportStanding::Unclear),
        (1006, "null", ReportStanding::Failed),
    ] {
        stub.say(format!(r#"{{"orderId":"{ORDER}","resultCode":{code},"amount":{amount}}}"#));
        assert_eq!(provider.query(&order()).await.unwrap().standing, standing, "{code} {amount}");
    }
    let (order, id) = (order(), refund_id());
    for code in [7000, 7002, 8000] {
        stub.say(format!(r#"{{"orderId":"{REFUND}","resultCode":{code}}}"#));
        let report = provider.query_refund(refund(&order, &id, MEMBER.transaction, true), None).await.unwrap();
        assert_eq!(report.standing, lgsp_connect::RefundStanding::Pending, "{code}");
    }
}
