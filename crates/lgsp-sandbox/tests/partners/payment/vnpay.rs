//! VNPAY: the signed way in, every button, the IPN and its repeats, `querydr`, `refund`, the day file.

use lgsp_sandbox::payment::{
    Act, ActRefused, AttemptOutcome, DAY_FILE_HEAD, OrderState, RefundConduct, VNPAY_HASH_SECRET, VNPAY_TMN_CODE,
    vietnamese_day,
};
use lgsp_sandbox::{Fault, FaultRule, Sandbox};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::super::sandbox;
use super::{Merchant, hmac512, http, location, now_ms, of, pairs_of, post, press, vietnam};

const OK: &str = r#"{"RspCode":"00","Message":"Confirm Success"}"#;
const REFERENCE: &str = "0123456789abcdefghjk";
const BACK: &str = "https://gw.example/pay/0123456789abcdefghjk/return";
const API: &str = "/pay-sandbox/vnpay/merchant_webapi/api/transaction";

/// Form encoding as the URL standard has it, by another implementation than the sandbox's.
fn query(pairs: &[(&str, String)]) -> String {
    let mut url = Url::parse("http://x/").expect("an address");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

fn signature(secret: &str, pairs: &[(&str, String)]) -> String {
    let mut pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    pairs.sort();
    hmac512(secret, &query(&pairs))
}

/// The fields of an order that opens now and ends in a quarter of an hour.
fn order(reference: &str) -> Vec<(&'static str, String)> {
    let now = now_ms();
    [
        ("vnp_Version", "2.1.0".to_owned()),
        ("vnp_Command", "pay".into()),
        ("vnp_TmnCode", VNPAY_TMN_CODE.into()),
        ("vnp_Amount", "5000000".into()),
        ("vnp_CreateDate", vietnam(now)),
        ("vnp_CurrCode", "VND".into()),
        ("vnp_IpAddr", "127.0.0.1".into()),
        ("vnp_Locale", "vn".into()),
        ("vnp_OrderInfo", "Le phi ho so: 5".into()),
        ("vnp_OrderType", "other".into()),
        ("vnp_ReturnUrl", BACK.into()),
        ("vnp_ExpireDate", vietnam(now + 900_000)),
        ("vnp_TxnRef", reference.to_owned()),
    ]
    .into()
}

fn with(mut pairs: Vec<(&'static str, String)>, name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    pairs.retain(|(key, _)| *key != name);
    pairs.push((name, value.to_owned()));
    pairs
}

fn entry(sandbox: &Sandbox, mut pairs: Vec<(&'static str, String)>, secret: &str) -> String {
    let hash = signature(secret, &pairs);
    pairs.push(("vnp_SecureHash", hash));
    format!("{}?{}", sandbox.url("/pay-sandbox/vnpay/paymentv2/vpcpay.html"), query(&pairs))
}

/// Opens an order as a browser does; the address of its page.
async fn open(sandbox: &Sandbox, reference: &str) -> String {
    let entry = entry(sandbox, order(reference), VNPAY_HASH_SECRET);
    location(&http().get(entry).send().await.expect("an answer")).to_string()
}

/// Whether the pairs of an IPN or a return are VNPAY's.
fn is_true(secret: &str, raw: &str) -> bool {
    let url = Url::parse(&format!("http://x/?{raw}")).expect("a query");
    let pairs = pairs_of(&url);
    let signed: Vec<(&str, String)> = pairs
        .iter()
        .filter(|(name, _)| name != "vnp_SecureHash")
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    signature(secret, &signed) == of(&pairs, "vnp_SecureHash")
}

async fn started() -> (Sandbox, Merchant) {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, OK).await);
    sandbox.payments().vnpay.set_callback_url(&merchant.url);
    sandbox.payments().vnpay.change_settings(|settings| settings.callback_interval_ms = Some(1));
    (sandbox, merchant)
}

/// A request about an order, signed.
fn asked(fields: &[(&str, &str)], command: &str) -> Value {
    let mut body = json!({
        "vnp_RequestId": format!("r{}", fields.len()), "vnp_Version": "2.1.0", "vnp_Command": command,
        "vnp_TmnCode": VNPAY_TMN_CODE, "vnp_TxnRef": REFERENCE, "vnp_OrderInfo": "hoi", "vnp_IpAddr": "127.0.0.1",
        "vnp_CreateDate": vietnam(now_ms()), "vnp_TransactionType": "02", "vnp_Amount": 5_000_000,
        "vnp_TransactionNo": "", "vnp_CreateBy": "lgsp",
    });
    for (name, value) in fields {
        body[*name] = json!(value);
    }
    let signed: &[&str] = match command {
        "refund" => &[
            "RequestId",
            "Version",
            "Command",
            "TmnCode",
            "TransactionType",
            "TxnRef",
            "Amount",
            "TransactionNo",
            "TransactionDate",
            "CreateBy",
            "CreateDate",
            "IpAddr",
            "OrderInfo",
        ],
        _ => &[
            "RequestId",
            "Version",
            "Command",
            "TmnCode",
            "TxnRef",
            "TransactionDate",
            "CreateDate",
            "IpAddr",
            "OrderInfo",
        ],
    };
    body["vnp_SecureHash"] = hmac512(VNPAY_HASH_SECRET, &joined(&body, signed)).into();
    body
}

fn joined(body: &Value, names: &[&str]) -> String {
    let text = |name: &&str| match &body[format!("vnp_{name}")] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    names.iter().map(text).collect::<Vec<_>>().join("|")
}

/// Whether an answer is signed by VNPAY.
fn answer_is_true(answer: &Value, refund: bool) -> bool {
    let names = [
        "ResponseId",
        "Command",
        "ResponseCode",
        "Message",
        "TmnCode",
        "TxnRef",
        "Amount",
        "BankCode",
        "PayDate",
        "TransactionNo",
        "TransactionType",
        "TransactionStatus",
        "OrderInfo",
        "PromotionCode",
        "PromotionAmount",
    ];
    let names = if refund { &names[..13] } else { &names };
    hmac512(VNPAY_HASH_SECRET, &joined(answer, names)) == answer["vnp_SecureHash"]
}

#[test]
fn the_golden_vector_is_signed_as_published() {
    let pairs: Vec<(&str, String)> = [
        ("vnp_Amount", "1806000"),
        ("vnp_Command", "pay"),
        ("vnp_CreateDate", "20260101103000"),
        ("vnp_CurrCode", "VND"),
        ("vnp_ExpireDate", "20260101104500"),
        ("vnp_IpAddr", "127.0.0.1"),
        ("vnp_Locale", "vn"),
        ("vnp_OrderInfo", "Le phi ho so: 5"),
        ("vnp_OrderType", "other"),
        ("vnp_ReturnUrl", "https://gw.example/return"),
        ("vnp_TmnCode", "TESTTMN1"),
        ("vnp_TxnRef", "HS20260101-5"),
        ("vnp_Version", "2.1.0"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    assert_eq!(
        signature("SECRETKEY0123456789ABCDEFGHIJKLM", &pairs),
        "5e1327d1804cec65a17ee6cbbb31e9af0ea5f94fe16ede5703af458754a3d8038ffa8690a9249281a66e35ede7b2520c7952d07d28949b4c4155e60482e2c8bc"
    );
    assert_eq!(vietnam(1_767_238_200_000), "20260101103000");
}

#[tokio::test]
async fn a_citizen_pays_and_the_merchant_learns_it_twice_over() {
    let (sandbox, merchant) = started().await;
    let vnpay = &sandbox.payments().vnpay;
    let page = open(&sandbox, REFERENCE).await;
    assert_eq!(open(&sandbox, REFERENCE).await, page, "the same address again leads to the same page");
    let shown = http().get(&page).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("<strong>50.000 ₫</strong>") && shown.contains("Le phi ho so: 5"), "{shown}");
    assert!(shown.contains("<form method=\"post\">") && !shown.contains("<script"));
    for act in Act::ALL {
        assert!(shown.contains(&format!("<button name=\"act\" value=\"{}\">", act.as_str())), "{}", act.as_str());
    }
    assert_eq!(press(&page, "nothing").await.status(), StatusCode::BAD_REQUEST);

    let back = location(&press(&page, "pay").await);
    assert!(back.as_str().starts_with(BACK) && is_true(VNPAY_HASH_SECRET, back.query().unwrap()));
    let pairs = pairs_of(&back);
    assert_eq!((of(&pairs, "vnp_ResponseCode"), of(&pairs, "vnp_TransactionStatus")), ("00", "00"));
    let calls = vnpay.callbacks_of(REFERENCE, 1).await;
    assert_eq!((calls[0].outcome, calls[0].status, calls[0].reply.as_str()), (AttemptOutcome::Accepted, Some(200), OK));
    let came = merchant.came();
    assert_eq!((came.len(), came[0].method.as_str()), (1, "GET"));
    assert!(is_true(VNPAY_HASH_SECRET, &came[0].query), "{}", came[0].query);
    assert!(came[0].query.contains("vnp_Amount=5000000") && came[0].query.contains("vnp_OrderInfo=Le+phi+ho+so%3A+5"));
    let order = vnpay.order(REFERENCE).unwrap();
    assert_eq!((order.state, order.amount, order.code.as_str()), (OrderState::Paid, 50_000, "00"));
    assert_eq!(press(&page, "cancel").await.status(), StatusCode::BAD_REQUEST, "it is over");
    let after = http().get(&page).send().await.unwrap().text().await.unwrap();
    assert!(
        after.contains("Giao dịch thành công.") && after.contains("Quay về") && !after.contains("<button"),
        "{after}"
    );
    assert_eq!(
        http().get(sandbox.url("/pay-sandbox/vnpay/pay/none")).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_is_not_signed_or_formed_as_documented_is_shown_no_page() {
    let sandbox = sandbox();
    let mut cases = vec![(entry(&sandbox, order(REFERENCE), "another-secret"), "Sai chữ ký")];
    let good = entry(&sandbox, order(REFERENCE), VNPAY_HASH_SECRET);
    cases.push((good.replace("vnp_Amount=5000000", "vnp_Amount=500"), "Sai chữ ký"));
    let past = vietnam(now_ms() - 60_000);
    for (name, value, words) in [
        ("vnp_TmnCode", "LGSPSBX2", "vnp_TmnCode"),
        ("vnp_Version", "2.0.0", "vnp_Version"),
        ("vnp_Amount", "5000050", "vnp_Amount"),
        ("vnp_Amount", "0", "vnp_Amount"),
        ("vnp_OrderInfo", "Lệ phí", "vnp_OrderInfo"),
        ("vnp_OrderInfo", "a#b", "vnp_OrderInfo"),
        ("vnp_ExpireDate", "20261301000000", "vnp_ExpireDate"),
        ("vnp_ExpireDate", "", "vnp_ExpireDate"),
        ("vnp_ExpireDate", past.as_str(), "quá thời gian"),
        ("vnp_CurrCode", "USD", "vnp_CurrCode"),
        ("vnp_IpAddr", "", "vnp_IpAddr"),
        ("vnp_SecureHashType", "HmacSHA512", "Sai chữ ký"),
    ] {
        cases.push((entry(&sandbox, with(order(REFERENCE), name, value), VNPAY_HASH_SECRET), words));
    }
    for (url, words) in cases {
        let answer = http().get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{words}");
        let shown = answer.text().await.unwrap();
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(sandbox.payments().vnpay.orders().is_empty());
    open(&sandbox, REFERENCE).await;
    let other = entry(&sandbox, with(order(REFERENCE), "vnp_Amount", "100"), VNPAY_HASH_SECRET);
    let shown = http().get(other).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("đã tồn tại"), "one reference, one order: {shown}");
}

#[tokio::test]
async fn every_button_does_what_it_says() {
    let (sandbox, merchant) = started().await;
    let vnpay = &sandbox.payments().vnpay;
    vnpay.change_settings(|settings| {
        settings.callback_tries = Some(1);
        settings.defer_ms = Some(1);
    });
    let run = async |reference: &str, act: &str, calls: usize| {
        let page = open(&sandbox, reference).await;
        let answer = press(&page, act).await;
        (answer, vnpay.callbacks_of(reference, calls).await, vnpay.order(reference).unwrap())
    };
    let sent =
        |call: &str, name: &str| of(&pairs_of(&Url::parse(&format!("http://x/?{call}")).unwrap()), name).to_owned();

    let page = open(&sandbox, "failed").await;
    let form = [("code", "65"), ("act", "fail")];
    let answer = http().post(page).form(&form).send().await.unwrap();
    assert_eq!(of(&pairs_of(&location(&answer)), "vnp_ResponseCode"), "65");
    let calls = vnpay.callbacks_of("failed", 1).await;
    assert_eq!(
        (sent(&calls[0].sent, "vnp_ResponseCode"), sent(&calls[0].sent, "vnp_TransactionStatus")),
        ("65".into(), "02".into())
    );

    let (answer, calls, order) = run("cancelled", "cancel", 1).await;
    assert_eq!((order.state, sent(&calls[0].sent, "vnp_ResponseCode")), (OrderState::Cancelled, "24".to_owned()));
    assert_eq!(of(&pairs_of(&location(&answer)), "vnp_TransactionNo"), "0");

    let (answer, _, order) = run("closed", "close", 0).await;
    assert_eq!((answer.status(), order.state), (StatusCode::OK, OrderState::Open));

    let (_, calls, _) = run("twice", "callback_twice", 2).await;
    assert_eq!((calls.len(), &calls[0].sent), (2, &calls[1].sent));

    let before = merchant.came().len();
    let (answer, ..) = run("before", "callback_before_return", 0).await;
    assert_eq!((answer.status(), merchant.came().len()), (StatusCode::FOUND, before + 1));

    let (answer, _, order) = run("lost", "callback_lost", 0).await;
    assert_eq!((answer.status(), order.state), (StatusCode::FOUND, OrderState::Paid));

    let (_, calls, order) = run("badly-signed", "wrong_signature", 1).await;
    assert!(order.state == OrderState::Paid && !is_true(VNPAY_HASH_SECRET, &calls[0].sent));

    let (_, calls, order) = run("wrong-amount", "wrong_amount", 1).await;
    assert_eq!((order.amount, sent(&calls[0].sent, "vnp_Amount")), (50_000, "5100000".to_owned()));
    assert!(is_true(VNPAY_HASH_SECRET, &calls[0].sent));

    let (_, calls, _) = run("deferred", "defer", 2).await;
    let codes: Vec<_> = calls.iter().map(|call| sent(&call.sent, "vnp_TransactionStatus")).collect();
    assert_eq!(codes, ["07", "00"]);

    let (_, calls, order) = run("forged", "forge", 1).await;
    assert_eq!((order.state, sent(&calls[0].sent, "vnp_TransactionStatus")), (OrderState::Open, "00".to_owned()));
    let lost = vnpay.callbacks().iter().filter(|call| ["lost", "closed"].contains(&call.reference.as_str())).count();
    assert_eq!(lost, 0);
}

#[tokio::test]
async fn money_can_come_after_the_end() {
    let (sandbox, _merchant) = started().await;
    let vnpay = &sandbox.payments().vnpay;
    vnpay.change_settings(|settings| settings.late_ms = 1);
    let soon = vietnam(now_ms() + 2_000);
    let entry = entry(&sandbox, with(order(REFERENCE), "vnp_ExpireDate", &soon), VNPAY_HASH_SECRET);
    let page = location(&http().get(entry).send().await.unwrap());
    assert_eq!(press(page.as_str(), "pay_late").await.status(), StatusCode::OK);
    assert!(vnpay.order(REFERENCE).unwrap().pays_late);
    let order = vnpay.order_when(REFERENCE, |order| order.state == OrderState::Paid).await;
    assert!(order.paid_ms > Some(order.expires_ms));
    assert_eq!(vnpay.callbacks_of(REFERENCE, 1).await.len(), 1);
    assert_eq!(vnpay.pay(REFERENCE).await, Err(ActRefused::Over));
    assert_eq!(vnpay.pay("none").await, Err(ActRefused::UnknownOrder));
}

#[tokio::test]
async fn the_merchant_is_called_again_until_it_has_it_and_ten_times_at_most() {
    let (sandbox, merchant) = started().await;
    let vnpay = &sandbox.payments().vnpay;
    let reply = |code: &str| format!(r#"{{"RspCode":"{code}","Message":""}}"#);
    let (missing, amount, late) = (reply("01"), reply("04"), reply("02"));
    merchant.next(&[(200, missing.as_str()), (200, &amount), (500, OK), (200, "no JSON"), (200, &late)]);
    open(&sandbox, REFERENCE).await;
    vnpay.pay(REFERENCE).await.unwrap();
    let calls = vnpay.callbacks_of(REFERENCE, 5).await;
    let outcomes: Vec<_> = calls.iter().map(|call| call.outcome == AttemptOutcome::Accepted).collect();
    assert_eq!(outcomes, [false, false, false, false, true]);
    assert_eq!(calls.iter().map(|call| call.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);

    let deaf = Merchant::answering(200, &reply("97")).await;
    vnpay.set_callback_url(&deaf.url);
    open(&sandbox, "second").await;
    vnpay.act("second", Act::CallbackTwice, None).await.unwrap();
    assert_eq!(vnpay.callbacks_of("second", 20).await.len(), 20);
    vnpay.change_settings(|settings| settings.callback_url = None);
    open(&sandbox, "third").await;
    vnpay.pay("third").await.unwrap();
    assert_eq!(vnpay.callbacks_of("third", 1).await[0].outcome, AttemptOutcome::NoAddress);
    assert_eq!(deaf.came().len(), 20, "ten for each and no more");
}

#[tokio::test]
async fn querydr_tells_where_an_order_stands() {
    let (sandbox, _merchant) = started().await;
    let vnpay = &sandbox.payments().vnpay;
    let ask = async |fields: &[(&str, &str)]| post(sandbox.url(API), &asked(fields, "querydr")).await.1;
    let now = vietnam(now_ms());
    assert_eq!(ask(&[("vnp_TransactionDate", &now)]).await["vnp_ResponseCode"], "91");
    open(&sandbox, REFERENCE).await;
    let created = vnpay.order(REFERENCE).unwrap().asked["vnp_CreateDate"].as_str().unwrap().to_owned();
    let date = ("vnp_TransactionDate", created.as_str());
    let answer = ask(&[date, ("vnp_RequestId", "q1")]).await;
    assert_eq!((&answer["vnp_ResponseCode"], &answer["vnp_TransactionStatus"]), (&json!("00"), &json!("01")));
    assert!(answer_is_true(&answer, false), "{answer}");
    assert_eq!(ask(&[date, ("vnp_RequestId", "q1")]).await["vnp_ResponseCode"], "94", "an id is good once");
    let other_day = ("vnp_TransactionDate", "20200101000000");
    assert_eq!(ask(&[other_day, ("vnp_RequestId", "q2")]).await["vnp_ResponseCode"], "91");
    vnpay.pay(REFERENCE).await.unwrap();
    let answer = ask(&[date, ("vnp_RequestId", "q3")]).await;
    let order = vnpay.order(REFERENCE).unwrap();
    assert_eq!((&answer["vnp_TransactionStatus"], &answer["vnp_Amount"]), (&json!("00"), &json!("5000000")));
    assert_eq!(
        (&answer["vnp_TransactionNo"], &answer["vnp_PayDate"]),
        (&json!(order.transaction), &json!(vietnam(order.paid_ms.unwrap())))
    );

    let mut forged = asked(&[date, ("vnp_RequestId", "q4")], "querydr");
    forged["vnp_OrderInfo"] = json!("another");
    let answer = post(sandbox.url(API), &forged).await.1;
    assert!(answer["vnp_ResponseCode"] == "97" && answer_is_true(&answer, false), "{answer}");
    assert_eq!(ask(&[date, ("vnp_RequestId", "q5"), ("vnp_TmnCode", "OTHER001")]).await["vnp_ResponseCode"], "02");
    assert_eq!(ask(&[date, ("vnp_RequestId", &"q".repeat(33))]).await["vnp_ResponseCode"], "03");
    vnpay.change_settings(|settings| settings.answers_signed_wrong = true);
    assert!(!answer_is_true(&ask(&[date, ("vnp_RequestId", "q6")]).await, false));
}

#[tokio::test]
async fn refunds_are_done_on_their_way_or_refused_and_never_more_than_paid() {
    let (sandbox, _merchant) = started().await;
    let vnpay = &sandbox.payments().vnpay;
    open(&sandbox, REFERENCE).await;
    let created = vnpay.order(REFERENCE).unwrap().asked["vnp_CreateDate"].as_str().unwrap().to_owned();
    let date = ("vnp_TransactionDate", created.as_str());
    let send = async |id: &str, kind: &str, amount: &str| {
        let fields = [date, ("vnp_RequestId", id), ("vnp_TransactionType", kind), ("vnp_Amount", amount)];
        post(sandbox.url(API), &asked(&fields, "refund")).await.1
    };
    assert_eq!(send("early", "02", "5000000").await["vnp_ResponseCode"], "95");
    vnpay.pay(REFERENCE).await.unwrap();
    assert_eq!(send("much", "03", "5000100").await["vnp_ResponseCode"], "99");
    assert_eq!(send("half", "02", "2500000").await["vnp_ResponseCode"], "99", "a full refund is all of it");
    vnpay.change_settings(|settings| {
        settings.refunds = RefundConduct::Pending;
        settings.defer_ms = None;
    });
    let answer = send("first", "03", "2000000").await;
    assert_eq!((&answer["vnp_ResponseCode"], &answer["vnp_TransactionStatus"]), (&json!("00"), &json!("05")));
    assert!(answer_is_true(&answer, true), "{answer}");
    assert_eq!(send("again", "03", "1000000").await["vnp_ResponseCode"], "94", "one at a time");
    assert!(vnpay.settle_refund("first") && !vnpay.settle_refund("first"));
    let fields = [date, ("vnp_RequestId", "ask")];
    let answer = post(sandbox.url(API), &asked(&fields, "querydr")).await.1;
    let told = (&answer["vnp_TransactionType"], &answer["vnp_TransactionStatus"], &answer["vnp_Amount"]);
    assert_eq!(told, (&json!("03"), &json!("00"), &json!("2000000")));
    vnpay.change_settings(|settings| settings.refunds = RefundConduct::Refused);
    assert_eq!(send("refused", "03", "1000000").await["vnp_TransactionStatus"], "09");
    vnpay.change_settings(|settings| settings.refunds = RefundConduct::Done);
    sandbox.payments().vnpay.add_fault(FaultRule::times(Fault::ResetAfterStoring, 1).on("refund")).unwrap();
    let fields = [date, ("vnp_RequestId", "lost"), ("vnp_TransactionType", "03"), ("vnp_Amount", "3000000")];
    http().post(sandbox.url(API)).json(&asked(&fields, "refund")).send().await.unwrap_err();
    assert_eq!(send("more", "03", "100").await["vnp_ResponseCode"], "99", "the lost one was made");
    let totals = vnpay.totals();
    assert_eq!((totals.paid_amount, totals.refunds, totals.refunded_amount), (50_000, 2, 50_000));

    let file = vnpay.day_file(vietnamese_day(now_ms()));
    let lines: Vec<_> = file.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, DAY_FILE_HEAD));
    let order = vnpay.order(REFERENCE).unwrap();
    assert!(lines[1].starts_with(&format!("1,{},{REFERENCE},Thanh toán,50000,", order.transaction.unwrap())));
    assert!(lines[1].ends_with(",NCB,00") && lines[2].contains(",first,Hoàn tiền,20000,"), "{file}");
    assert_eq!(vnpay.day_file(20_200_101).lines().count(), 1);
}

#[tokio::test]
async fn all_of_it_goes_by_control_too() {
    let (sandbox, _merchant) = started().await;
    let at = |path: &str| sandbox.url(&format!("/sandbox/payment-vnpay/{path}"));
    open(&sandbox, REFERENCE).await;
    let (status, order) = post(at("act"), &json!({"reference": REFERENCE, "act": "pay"})).await;
    assert_eq!((status, &order["state"], &order["amount"]), (200, &json!("paid"), &json!(50_000)));
    assert_eq!(post(at("act"), &json!({"reference": REFERENCE, "act": "pay"})).await.0, 400);
    assert_eq!(post(at("act"), &json!({"reference": REFERENCE, "act": "laugh"})).await.0, 400);
    sandbox.payments().vnpay.callbacks_of(REFERENCE, 1).await;
    let list = async |name: &str| http().get(at(name)).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(list("orders").await[0]["reference"], REFERENCE);
    assert_eq!(list("callbacks").await[0]["outcome"], "accepted");
    assert_eq!(list("ledger").await[0]["kind"], "payment");
    assert_eq!(list("totals").await["paid_amount"], 50_000);
    let today = format!("day-file?day={}", vietnamese_day(now_ms()));
    let file = http().get(at(&today)).send().await.unwrap();
    assert!(file.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    assert_eq!(file.text().await.unwrap(), sandbox.payments().vnpay.day_file(vietnamese_day(now_ms())));

    let (status, settings) = post(at("settings"), &json!({"automatic": "fail", "automatic_code": "51"})).await;
    assert_eq!((status, &settings["automatic"]), (200, &json!("fail")));
    let page = open(&sandbox, "second").await;
    let back = location(&http().get(page).send().await.unwrap());
    assert_eq!(of(&pairs_of(&back), "vnp_ResponseCode"), "51", "nobody has to press a button");
    sandbox.payments().register("http://gw.example:8080/");
    let settings = sandbox.payments().vnpay.settings();
    assert_eq!(settings.callback_url.as_deref(), Some("http://gw.example:8080/payments/vnpay/callback"));
    assert!(sandbox.variables().contains(&("VNPAY_URL".to_owned(), sandbox.url("/pay-sandbox/vnpay"))));
    assert_eq!(post(at("settle-refund"), &json!({"refund": "none"})).await.0, 400);
}
