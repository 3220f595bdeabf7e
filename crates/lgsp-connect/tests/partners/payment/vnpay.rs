//! VNPAY as it is scripted, and what only it has.

use lgsp_connect::{CallbackVerdict, PayFailure, RefundOrder, RefundStanding, ReportStanding, Unheard};
use serde_json::{Map, Value, json};

use super::member::{Came, Change, Member, NEW, OLD, Told};
use super::sign::sha512;
use super::stub::{Back, Play, Stands, Stub, deaf};
use super::{AMOUNT, ORDER, order, refund, refund_id, request};
use crate::server::{Answer, Call};

pub(super) const MEMBER: Member = Member {
    kind: "vnpay",
    settings: |base| format!("url = '{base}'\ntmn_code = 'TESTTMN1'\nsecret = ['{NEW}', '{OLD}']"),
    callback_key: "secret",
    answer,
    callback,
    needed: &["vnp_Amount", "vnp_ResponseCode", "vnp_TransactionStatus", "vnp_TmnCode", "vnp_TxnRef"],
    replies: &[
        (CallbackVerdict::Recorded, 200, r#""RspCode":"00""#),
        (CallbackVerdict::AlreadyRecorded, 200, r#""RspCode":"02""#),
        (CallbackVerdict::UnknownOrder, 200, r#""RspCode":"01""#),
        (CallbackVerdict::WrongAmount, 200, r#""RspCode":"04""#),
        (CallbackVerdict::BadSignature, 200, r#""RspCode":"97""#),
        (CallbackVerdict::Malformed, 200, r#""RspCode":"99""#),
        (CallbackVerdict::TryAgain, 200, r#""RspCode":"99""#),
    ],
    opens_by_call: false,
    refunds: true,
    signs_answers: true,
    names_orders: true,
    tells_failures: true,
    proves: true,
    tells_refunded: true,
    transaction: "14226112",
    refund_name: "vnp_RequestId",
};

const ANSWERED: [&str; 15] = [
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

fn answer(call: &Call, play: &Play) -> Answer {
    assert_eq!(call.path, "/merchant_webapi/api/transaction");
    let asked: Value = serde_json::from_str(&call.body).unwrap();
    let command = asked["vnp_Command"].as_str().unwrap();
    // The name of a refund there is the number after the payment's.
    let about_refund = command == "refund" || asked.get("vnp_TransactionNo").is_some() || play.back == Back::Missing;
    let (code, kind, status) = match (about_refund, play.stands, play.back) {
        (true, _, Back::Done) => ("00", "02", "00"),
        (true, _, Back::Pending) => ("00", "02", "05"),
        (true, _, Back::Refused) => ("00", "02", "09"),
        (true, _, Back::Missing) => ("91", "", ""),
        (false, Stands::Waiting, _) => ("00", "01", "01"),
        (false, Stands::Paid, _) => ("00", "01", "00"),
        (false, Stands::Failed, _) => ("00", "01", "02"),
        (false, Stands::Unclear, _) => ("00", "01", "07"),
        (false, Stands::Missing, _) => ("91", "", ""),
        (false, Stands::Refunded, _) => ("00", "02", "00"),
    };
    let number = if about_refund { "14226113" } else { MEMBER.transaction };
    let amount = asked["vnp_Amount"].as_str().map_or_else(|| (play.amount * 100).to_string(), ToOwned::to_owned);
    let mut told = Map::new();
    for (name, value) in [
        ("vnp_ResponseId", "8a9b"),
        ("vnp_Command", command),
        ("vnp_ResponseCode", code),
        ("vnp_Message", "Được"),
        ("vnp_TmnCode", "TESTTMN1"),
        ("vnp_TxnRef", play.order),
        ("vnp_Amount", &amount),
        ("vnp_BankCode", "NCB"),
        ("vnp_PayDate", "20260101103500"),
        ("vnp_TransactionNo", number),
        ("vnp_TransactionType", kind),
        ("vnp_TransactionStatus", status),
        ("vnp_OrderInfo", "Truy van"),
    ] {
        told.insert(name.to_owned(), value.into());
    }
    signed(told, play.key, command == "refund")
}

fn signed(mut told: Map<String, Value>, key: &str, refund: bool) -> Answer {
    let names = if refund { &ANSWERED[..13] } else { &ANSWERED };
    let values: Vec<_> = names.iter().map(|name| told.get(*name).map_or("", |value| value.as_str().unwrap())).collect();
    let hash = sha512(key, &values.join("|"));
    told.insert("vnp_SecureHash".to_owned(), hash.into());
    Answer::Reply(Value::Object(told).to_string())
}

fn callback(told: &Told) -> Came {
    let code = if told.paid { "00" } else { "24" };
    let fields = vec![
        ("vnp_TmnCode", "TESTTMN1".to_owned()),
        ("vnp_Amount", (told.amount * 100).to_string()),
        ("vnp_BankCode", "NCB".to_owned()),
        ("vnp_PayDate", "20260101103500".to_owned()),
        ("vnp_OrderInfo", "Le+phi+ho+so%3A+5".to_owned()),
        ("vnp_TransactionNo", MEMBER.transaction.to_owned()),
        ("vnp_ResponseCode", code.to_owned()),
        ("vnp_TransactionStatus", if told.paid { "00" } else { "02" }.to_owned()),
        ("vnp_TxnRef", told.order.to_owned()),
    ];
    came(&told.change.apply(fields, "vnp_OrderInfo"), told.key)
}

/// Fields as they are written, rightly signed.
fn came(fields: &[(&str, String)], key: &str) -> Came {
    let mut pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let came = pairs.join("&");
    // What is empty is not signed.
    pairs.retain(|pair| !pair.ends_with('='));
    pairs.sort_unstable();
    Came::get(format!("{came}&vnp_SecureHash={}", sha512(key, &pairs.join("&"))))
}

const TOLD: Told = Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change: Change::None };

#[tokio::test]
async fn the_address_is_the_order_and_its_fields_are_signed_in_the_order_of_their_names() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "bank_code = 'VNPAYQR'");
    let opened = provider.open(&order()).await.unwrap();
    let (page, query) = opened.pay_url.split_once('?').unwrap();
    assert_eq!(page, format!("{}/paymentv2/vpcpay.html", stub.base()));
    let (fields, hash) = query.split_once("&vnp_SecureHash=").unwrap();
    assert_eq!(
        fields,
        "vnp_Amount=5000000&vnp_BankCode=VNPAYQR&vnp_Command=pay&vnp_CreateDate=20260101103000&vnp_CurrCode=VND\
        &vnp_ExpireDate=20260101104500&vnp_IpAddr=203.0.113.7&vnp_Locale=vn\
        &vnp_OrderInfo=Le+phi+ho+so+H56.14-260101-0007&vnp_OrderType=other\
        &vnp_ReturnUrl=https%3A%2F%2Fgw.example%2Fpay%2F0123456789abcdefghjk%2Freturn&vnp_TmnCode=TESTTMN1\
        &vnp_TxnRef=0123456789abcdefghjk&vnp_Version=2.1.0"
    );
    assert_eq!(hash, sha512(NEW, fields));
    assert!(stub.calls().is_empty() && opened.evidence.is_empty());
}

#[test]
fn a_return_address_that_it_could_not_carry_back_is_refused_and_not_sent() {
    let mut order = order();
    order.return_url = format!("https://gw.example/{}", "a".repeat(255));
    let waker = std::task::Waker::noop();
    let provider = deaf(&MEMBER);
    let mut opening = provider.open(&order);
    let std::task::Poll::Ready(opened) = opening.as_mut().poll(&mut std::task::Context::from_waker(waker)) else {
        panic!("nothing is waited for")
    };
    assert!(matches!(opened, Err(PayFailure::Refused(cause)) if cause.code == "return_url"));
}

#[test]
fn a_callback_is_checked_as_it_was_written_and_else_as_the_java_library_writes_it() {
    let provider = deaf(&MEMBER);
    let mut fields = vec![
        ("vnp_TmnCode", "TESTTMN1".to_owned()),
        ("vnp_Amount", "5000000".to_owned()),
        ("vnp_ResponseCode", "00".to_owned()),
        ("vnp_TransactionStatus", "00".to_owned()),
        ("vnp_TxnRef", ORDER.to_owned()),
        ("vnp_OrderInfo", String::new()),
    ];
    // As Java, .NET, Node and Python write the same letters.
    for written in ["a%21*%27%28%29%7E", "a!*'()~", "a%21%2A%27%28%29%7e", "a!*%27()%7E"] {
        fields.last_mut().unwrap().1 = written.to_owned();
        let heard = provider.hear(&request(&came(&fields, OLD))).unwrap();
        assert_eq!((heard.report.standing, heard.proven), (ReportStanding::Paid, true), "{written}");
    }
    // A proxy that wrote the query anew: the letters are others, what they say is not.
    let signed = came(&fields[..5], NEW).query.replace("vnp_OrderInfo", "");
    let rewritten = signed.replace("TESTTMN1", "%54ESTTMN1");
    assert!(provider.hear(&request(&Came::get(rewritten))).is_ok());
    let empty = came(&fields[..5], NEW).query + "&vnp_CardType=";
    assert!(provider.hear(&request(&Came::get(empty))).is_ok(), "what is empty is not signed");
    let old_version = came(&fields[..5], NEW).query + "&vnp_SecureHashType=HmacSHA512";
    assert!(provider.hear(&request(&Came::get(old_version))).is_ok());
}

#[test]
fn an_amount_that_is_not_whole_and_another_merchants_order_are_told_apart_from_forgeries() {
    let provider = deaf(&MEMBER);
    let good = callback(&TOLD).query;
    let change = |name: &str, value: &str| {
        let fields: Vec<_> = good.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let fields = fields.into_iter().filter(|(name, _)| *name != "vnp_SecureHash");
        let fields: Vec<_> =
            fields.map(|(other, old)| (other, if other == name { value } else { old }.to_owned())).collect();
        provider.hear(&request(&came(&fields, NEW))).map(|heard| heard.report.standing)
    };
    assert_eq!(change("vnp_Amount", "5000001"), Err(Unheard::Malformed("vnp_Amount")));
    assert_eq!(change("vnp_Amount", "-5000000"), Err(Unheard::Malformed("vnp_Amount")));
    assert_eq!(change("vnp_TmnCode", "OTHERTMN"), Err(Unheard::UnknownOrder));
    assert_eq!(change("vnp_TxnRef", "HS20260101-5"), Err(Unheard::UnknownOrder));
    assert_eq!(change("vnp_TransactionStatus", "07"), Ok(ReportStanding::Unclear));
    assert_eq!(change("vnp_TransactionStatus", "02"), Ok(ReportStanding::Failed));
    assert_eq!(change("vnp_ResponseCode", "07"), Ok(ReportStanding::Unclear));
    assert_eq!(change("vnp_ResponseCode", "99"), Ok(ReportStanding::Unclear), "either code alone is not enough");
    assert_eq!(change("vnp_ResponseCode", ""), Err(Unheard::Malformed("vnp_ResponseCode")));
    assert_eq!(change("vnp_OrderInfo", "%E1%BB%87%ff"), Err(Unheard::Malformed("query")));
}

#[tokio::test]
async fn questions_and_refunds_are_signed_in_their_own_orders() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "address = '198.51.100.9'");
    let (order, id) = (order(), refund_id());
    provider.query(&order).await.unwrap();
    provider.refund(refund(&order, &id, "14226112", false)).await.unwrap();
    let calls: Vec<Value> = stub.calls().iter().map(|call| serde_json::from_str(&call.body).unwrap()).collect();
    let value = |call: usize, name: &str| calls[call][name].as_str().unwrap_or_else(|| panic!("{name}")).to_owned();
    let query = [
        "RequestId",
        "Version",
        "Command",
        "TmnCode",
        "TxnRef",
        "TransactionDate",
        "CreateDate",
        "IpAddr",
        "OrderInfo",
    ];
    let back = [
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
    ];
    for (call, names) in [(0, &query[..]), (1, &back[..])] {
        let values: Vec<_> = names.iter().map(|name| value(call, &format!("vnp_{name}"))).collect();
        assert_eq!(value(call, "vnp_SecureHash"), sha512(NEW, &values.join("|")));
    }
    for (call, name, expected) in [
        (0, "vnp_CreateDate", "20260101103200"),
        (0, "vnp_TransactionDate", "20260101103000"),
        (0, "vnp_IpAddr", "198.51.100.9"),
        (1, "vnp_TransactionType", "03"),
        (1, "vnp_Amount", "2500000"),
        (1, "vnp_CreateBy", "mot-cua"),
        (1, "vnp_CreateDate", "20260101103100"),
        (1, "vnp_OrderInfo", "Rut ho so"),
    ] {
        assert_eq!(value(call, name), expected);
    }
}

/// Of the last thing that happened to an order, which may be another refund, VNPAY tells no name that we gave it.
#[tokio::test]
async fn a_refund_whose_name_is_not_known_is_told_from_an_earlier_one() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    let (order, id) = (order(), refund_id());
    let mut told = json!({"vnp_ResponseCode": "00", "vnp_TmnCode": "TESTTMN1", "vnp_TxnRef": ORDER,
        "vnp_Amount": "2500000", "vnp_PayDate": "20260101103130", "vnp_TransactionNo": "14226113",
        "vnp_TransactionType": "03", "vnp_TransactionStatus": "05"});
    let mut ask = async |change: Value| {
        told.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = told.as_object().unwrap().clone();
        stub.instead(move || signed(answer.clone(), NEW, false));
        provider.query_refund(refund(&order, &id, "14226112", false), None).await.unwrap().standing
    };
    assert_eq!(ask(json!({})).await, RefundStanding::Pending);
    assert_eq!(ask(json!({"vnp_TransactionStatus": "00"})).await, RefundStanding::Done);
    assert_eq!(ask(json!({"vnp_PayDate": "20260101102900"})).await, RefundStanding::NotFound, "an earlier one");
    assert_eq!(ask(json!({"vnp_PayDate": "20260101103130", "vnp_Amount": "2000000"})).await, RefundStanding::NotFound);
    assert_eq!(ask(json!({"vnp_Amount": "2500000", "vnp_TransactionType": "01"})).await, RefundStanding::NotFound);
    assert_eq!(ask(json!({"vnp_TransactionType": "03"})).await, RefundStanding::Done);
    let named = provider.query_refund(refund(&order, &id, "14226112", false), None).await.unwrap();
    assert_eq!(named.provider_id.as_deref(), Some("14226113"), "its name is known from now on");
    let others = ["14226113".to_owned()];
    let second = RefundOrder { others: &others, ..refund(&order, &id, "14226112", false) };
    let another = provider.query_refund(second, None).await.unwrap();
    assert_eq!(
        (another.standing, another.provider_id),
        (RefundStanding::NotFound, None),
        "one just before it over as much"
    );
    // Near midnight, and the next day, VNPAY would not know a repetition by its name any more. It is 10:32:00.
    assert_eq!(ask(json!({"vnp_TransactionType": "01"})).await, RefundStanding::NotFound);
    stub.pass(13 * 3600 + 12 * 60 + 59);
    assert_eq!(ask(json!({})).await, RefundStanding::NotFound);
    for seconds in [1, 14 * 60, 60, 24 * 3600] {
        stub.pass(seconds);
        assert_eq!(ask(json!({})).await, RefundStanding::Pending, "{seconds}");
    }
}

#[tokio::test]
async fn a_refund_that_vnpay_gave_a_name_to_is_never_called_unknown_to_it() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    let (order, id) = (order(), refund_id());
    for told in [
        json!({"vnp_ResponseCode": "91"}),
        json!({"vnp_ResponseCode": "00", "vnp_TransactionType": "01", "vnp_TransactionStatus": "00"}),
    ] {
        let mut told = told.as_object().unwrap().clone();
        told.extend([("vnp_TmnCode".to_owned(), "TESTTMN1".into()), ("vnp_TxnRef".to_owned(), ORDER.into())]);
        stub.instead(move || signed(told.clone(), NEW, false));
        for (provider_id, standing) in [(Some("14226113"), RefundStanding::Pending), (None, RefundStanding::NotFound)] {
            let report = provider.query_refund(refund(&order, &id, "14226112", true), provider_id).await.unwrap();
            assert_eq!((report.standing, report.provider_id.as_deref()), (standing, provider_id));
        }
    }
}

#[tokio::test]
async fn a_payment_without_an_amount_is_not_believed_to_be_over_all_of_it() {
    let stub = Stub::start(&MEMBER).await;
    let told = json!({"vnp_ResponseCode": "00", "vnp_TmnCode": "TESTTMN1", "vnp_TxnRef": ORDER,
        "vnp_TransactionType": "01", "vnp_TransactionStatus": "00"});
    stub.instead(move || signed(told.as_object().unwrap().clone(), NEW, false));
    let report = stub.provider(&MEMBER, "").query(&order()).await.unwrap();
    assert_eq!((report.standing, report.amount, report.paid_at), (ReportStanding::Unclear, None, None));
}
