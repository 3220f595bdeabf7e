//! ZaloPay as it is scripted, and what only it has.

use lgsp_connect::{CallbackVerdict, PayFailure, RefundStanding, ReportStanding, Unheard};
use serde_json::{Value, json};

use super::member::{Came, Change, Member, NEW, OLD, Told};
use super::sign::sha256;
use super::stub::{Back, Play, Stands, Stub, deaf};
use super::{AMOUNT, NOW, ORDER, REFUND, order, refund, refund_id, request};
use crate::server::{Answer, Call};

const KEY1: &str = "geheim-eins-0123456789abcdef";

pub(super) const MEMBER: Member = Member {
    kind: "zalopay",
    settings: |base| format!("url = '{base}'\napp_id = 2553\nkey1 = '{KEY1}'\nkey2 = ['{NEW}', '{OLD}']"),
    callback_key: "key2",
    answer,
    callback,
    needed: &["app_id", "app_trans_id", "amount", "zp_trans_id"],
    replies: &[
        (CallbackVerdict::Recorded, 200, r#""return_code":1,"#),
        (CallbackVerdict::AlreadyRecorded, 200, r#""return_code":1,"#),
        (CallbackVerdict::UnknownOrder, 200, r#""return_code":0,"#),
        (CallbackVerdict::WrongAmount, 200, r#""return_code":0,"#),
        (CallbackVerdict::BadSignature, 200, r#""return_code":-1,"#),
        (CallbackVerdict::Malformed, 200, r#""return_code":-1,"#),
        (CallbackVerdict::TryAgain, 200, r#""return_code":0,"#),
    ],
    opens_by_call: true,
    refunds: true,
    signs_answers: false,
    names_orders: false,
    tells_failures: false,
    proves: true,
    tells_refunded: false,
    transaction: "260101000000389",
    refund_name: "m_refund_id",
};

fn answer(call: &Call, play: &Play) -> Answer {
    let host = call.headers["host"].to_str().unwrap();
    let (code, sub) = match (call.path.strip_prefix("/v2/").unwrap(), play.stands, play.back) {
        ("create", ..) => (1, 1),
        ("refund" | "query_refund", _, Back::Done) => (1, 1),
        ("refund" | "query_refund", _, Back::Pending) => (3, 2),
        ("refund" | "query_refund", _, Back::Refused) => (2, -13),
        ("refund" | "query_refund", _, Back::Missing) => (2, -21),
        ("query", Stands::Waiting, _) => (3, -49),
        ("query", Stands::Paid | Stands::Refunded, _) => (1, 1),
        ("query", Stands::Failed, _) => (2, -329),
        ("query", Stands::Unclear, _) => (2, -31_337),
        ("query", Stands::Missing, _) => (2, -49),
        (other, ..) => panic!("nobody serves {other}"),
    };
    let paid = call.path == "/v2/query" && code == 1;
    let told = json!({"return_code": code, "return_message": "Giao dịch", "sub_return_code": sub,
        "order_url": format!("http://{host}/pay/{ORDER}"), "qr_code": "00020101", "is_processing": code == 3,
        "amount": play.amount, "zp_trans_id": if paid { 260_101_000_000_389_i64 } else { 0 },
        "server_time": 1_767_238_500_000_i64, "refund_id": if code == 1 { 260_101_000_000_390_i64 } else { 0 }});
    Answer::Reply(told.to_string())
}

fn callback(told: &Told) -> Came {
    let data = vec![
        ("app_id", "2553".to_owned()),
        ("app_trans_id", format!("\"260101_{}\"", told.order)),
        ("app_time", "1767238200000".to_owned()),
        ("app_user", "\"lgsp".to_owned()),
        ("amount", told.amount.to_string()),
        ("embed_data", r#""{\"redirecturl\":\"https://gw.example/r\"}""#.to_owned()),
        ("item", "\"[]\"".to_owned()),
        ("zp_trans_id", MEMBER.transaction.to_owned()),
        ("server_time", "1767238500000".to_owned()),
        ("channel", "38".to_owned()),
    ];
    let mut data = told.change.apply(data, "app_user");
    for (_, value) in data.iter_mut().filter(|(name, _)| *name == "app_user") {
        value.push('"');
    }
    let members: Vec<_> = data.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    came(&format!("{{{}}}", members.join(",")), told.key)
}

/// A text, rightly signed.
fn came(data: &str, key: &str) -> Came {
    Came::post(format!(r#"{{"data":{},"mac":"{}","type":1}}"#, Value::from(data), sha256(key, data)))
}

#[test]
fn the_callback_of_the_document_is_zalopays_and_about_no_order_of_ours() {
    let body = r#"{"data":"{\"app_id\":2553,\"app_trans_id\":\"200904_2553_1598435687208\",\"app_time\":1599189392817,\"app_user\":\"demo\",\"amount\":10000,\"embed_data\":\"{\\\"merchantinfo\\\":\\\"embeddata123\\\",\\\"promotioninfo\\\":\\\"\\\"}\",\"item\":\"[{\\\"itemid\\\":\\\"knb\\\",\\\"itemname\\\":\\\"kim nguyen bao\\\",\\\"itemprice\\\":198400,\\\"itemquantity\\\":1}]\",\"zp_trans_id\":200904000000389,\"server_time\":1599189413498,\"channel\":38,\"merchant_user_id\":\"7ZMSl3nEg5sOUJzOLSoUFT8xKNQVaLOLXHB--8Eytqc\",\"user_fee_amount\":0,\"discount_amount\":0}","mac":"d8d33baf449b31d7f9b94fa50d7c942c08cd4d83f28fa185557da21acb104f67","type":1}"#;
    for (keys, heard) in [
        ("'kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz'", Unheard::UnknownOrder),
        ("['next', 'kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz']", Unheard::UnknownOrder),
        ("'next'", Unheard::BadSignature),
    ] {
        let settings = format!("url = 'https://sb-openapi.zalopay.vn'\napp_id = '2553'\nkey1 = 'x'\nkey2 = {keys}");
        let zalopay = lgsp_connect::check_payment_provider("zalopay", &settings.parse().unwrap()).unwrap();
        let zalopay = zalopay.build(std::sync::Arc::new(|| NOW)).unwrap();
        assert_eq!(zalopay.hear(&request(&Came::post(body.to_owned()))), Err(heard));
    }
}

#[test]
fn only_callbacks_about_orders_of_this_application_count() {
    let provider = deaf(&MEMBER);
    let hear = |data: &str| provider.hear(&request(&came(data, NEW))).map(|heard| heard.order.to_string());
    let data = |app: u32, reference: &str| {
        format!(r#"{{"app_id":{app},"app_trans_id":"{reference}","amount":50000,"zp_trans_id":389}}"#)
    };
    assert_eq!(hear(&data(2553, &format!("260101_{ORDER}"))), Ok(ORDER.to_owned()));
    assert_eq!(hear(&data(2554, &format!("260101_{ORDER}"))), Err(Unheard::UnknownOrder));
    for reference in [ORDER, "260101_", "", "26010é_0123456789abcdefghjk", "x60101_0123456789abcdefghjk"] {
        assert_eq!(hear(&data(2553, reference)), Err(Unheard::UnknownOrder), "{reference}");
    }
    assert_eq!(hear("[]"), Err(Unheard::Malformed("data")));
    assert_eq!(
        hear(&data(2553, &format!("260101_{ORDER}")).replace("389", "0")),
        Err(Unheard::Malformed("zp_trans_id"))
    );
    let agreement = callback(&Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change: Change::None });
    let agreement = String::from_utf8(agreement.body.to_vec()).unwrap().replace("\"type\":1", "\"type\":2");
    assert_eq!(provider.hear(&request(&Came::post(agreement))), Err(Unheard::Malformed("type")));
}

/// The form of a call, decoded.
fn form(call: &Call) -> std::collections::BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [byte, tail @ ..] = rest {
            rest = tail;
            if *byte == b'%' {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(*byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    call.body.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (n.to_owned(), decode(v))).collect()
}

#[tokio::test]
async fn every_call_is_signed_with_the_first_key() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "bank_code = 'zalopayapp'\napp_user = 'h11'");
    let (order, id) = (order(), refund_id());
    let opened = provider.open(&order).await.unwrap();
    assert_eq!((opened.pay_url, opened.qr.as_deref()), (format!("{}/pay/{ORDER}", stub.base()), Some("00020101")));
    provider.query(&order).await.unwrap();
    provider.refund(refund(&order, &id, MEMBER.transaction, false)).await.unwrap();
    provider.query_refund(refund(&order, &id, MEMBER.transaction, false), None).await.unwrap();
    let calls = stub.calls();
    let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/v2/create", "/v2/query", "/v2/refund", "/v2/query_refund"]);
    let (reference, name, now) = (format!("260101_{ORDER}"), format!("260101_2553_{REFUND}"), NOW.0.to_string());
    let embedded = format!(r#"{{"redirecturl":"{}"}}"#, order.return_url);
    for (call, signed) in [
        (0, format!("2553|{reference}|h11|50000|{now}|{embedded}|[]")),
        (1, format!("2553|{reference}|{KEY1}")),
        (2, format!("2553|{}|25000|Rút hồ sơ|{now}", MEMBER.transaction)),
        (3, format!("2553|{name}|{now}")),
    ] {
        assert_eq!(form(&calls[call])["mac"], sha256(KEY1, &signed), "{signed}");
    }
    let created = form(&calls[0]);
    assert_eq!(
        (created["callback_url"].as_str(), created["bank_code"].as_str()),
        (order.callback_url.as_str(), "zalopayapp")
    );
    assert_eq!(created["expire_duration_seconds"], "779", "fifteen minutes from two minutes ago");
    assert_eq!(form(&calls[2])["m_refund_id"], name);
}

#[tokio::test]
async fn what_is_not_found_after_two_days_may_have_been_paid() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    stub.play(|play| play.stands = Stands::Missing);
    assert_eq!(provider.query(&order()).await.unwrap().standing, ReportStanding::NotFound);
    stub.pass(48 * 3600);
    assert_eq!(provider.query(&order()).await.unwrap().standing, ReportStanding::Unclear);
}

/// `-101` means "went back" or "no such"; which of them shows where ZaloPay has a name for what was asked about.
#[tokio::test]
async fn what_went_back_is_told_from_what_nobody_knows_where_zalopay_names_it() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    for (more, standing) in [
        ("", ReportStanding::NotFound),
        (r#","zp_trans_id":0,"amount":0"#, ReportStanding::NotFound),
        (r#","zp_trans_id":260101000000389,"amount":50000"#, ReportStanding::Refunded),
        (r#","zp_trans_id":260101000000389,"amount":0"#, ReportStanding::Unclear),
    ] {
        stub.say(format!(r#"{{"return_code":2,"sub_return_code":-101{more}}}"#));
        let report = provider.query(&order()).await.unwrap();
        assert_eq!((report.standing, report.paid_at), (standing, None), "{more}");
    }
    let (order, id) = (order(), refund_id());
    for (named, earlier, standing) in
        [(0, None, RefundStanding::Pending), (390, None, RefundStanding::Done), (0, Some("390"), RefundStanding::Done)]
    {
        stub.say(format!(r#"{{"return_code":2,"sub_return_code":-101,"refund_id":{named}}}"#));
        let report = provider.query_refund(refund(&order, &id, MEMBER.transaction, true), earlier).await.unwrap();
        assert_eq!(report.standing, standing, "{named} {earlier:?}");
    }
}

#[tokio::test]
async fn a_payment_without_an_amount_is_not_believed_to_be_over_all_of_it() {
    let stub = Stub::start(&MEMBER).await;
    stub.say(r#"{"return_code":1,"zp_trans_id":260101000000389,"server_time":1767238500000}"#);
    let report = stub.provider(&MEMBER, "").query(&order()).await.unwrap();
    assert_eq!((report.standing, report.amount, report.paid_at), (ReportStanding::Unclear, None, None));
}

#[tokio::test]
async fn an_order_that_may_be_open_is_not_called_refused() {
    let stub = Stub::start(&MEMBER).await;
    for (code, sub) in [(2, "-68"), (2, "-500"), (3, "1"), (2, "-31337")] {
        stub.say(format!(r#"{{"return_code":{code},"sub_return_code":{sub}}}"#));
        let failure = stub.provider(&MEMBER, "").open(&order()).await.unwrap_err();
        let expected = match (code, sub) {
            (3, _) => "zalopay_3".to_owned(),
            (_, "-31337") => "zalopay_other".to_owned(),
            (_, sub) => format!("zalopay_{sub}"),
        };
        assert!(matches!(&failure, PayFailure::Unknown(cause) if cause.code == expected), "{failure:?}");
    }
    stub.say(r#"{"return_code":2,"sub_return_code":-402}"#);
    assert!(matches!(stub.provider(&MEMBER, "").open(&order()).await, Err(PayFailure::Refused(_))));
    stub.say(r#"{"return_code":2,"sub_return_code":-429}"#);
    assert!(matches!(stub.provider(&MEMBER, "").open(&order()).await, Err(PayFailure::Deferred(_))));
}
