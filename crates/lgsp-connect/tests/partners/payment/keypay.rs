//! KeyPay as it is scripted, and what only it has: the built-in profile `keypay`.

use lgsp_connect::{CallbackVerdict, PayFailure, Unheard};
use serde_json::{Value, json};

use super::bill::{bill, filled};
use super::member::{Came, Change, Member, NEW, OLD, Told};
use super::sign::sha256;
use super::stub::{Play, Stands, Stub, deaf};
use super::{AMOUNT, ORDER, order, request};
use crate::server::{Answer, Call};

const KEY1: &str = "geheim-eins-0123456789abcdef";

pub(super) const MEMBER: Member = Member {
    kind: "keypay",
    settings: |base| {
        format!("url = '{base}'\nclient_id = 'gwclient'\nhash_key_1 = '{KEY1}'\nhash_key_2 = ['{NEW}', '{OLD}']")
    },
    callback_key: "hash_key_2",
    answer,
    callback,
    // What is missing has a name of the gateway's own; see below.
    needed: &[],
    replies: &[
        (CallbackVerdict::Recorded, 200, r#""return_code":0,"#),
        (CallbackVerdict::AlreadyRecorded, 200, r#""return_code":0,"#),
        (CallbackVerdict::UnknownOrder, 200, r#""return_code":-1,"#),
        (CallbackVerdict::WrongAmount, 200, r#""return_code":-1,"#),
        (CallbackVerdict::BadSignature, 200, r#""return_code":-1,"#),
        (CallbackVerdict::Malformed, 200, r#""return_code":-1,"#),
        (CallbackVerdict::TryAgain, 200, r#""return_code":-1,"#),
    ],
    opens_by_call: true,
    refunds: false,
    signs_answers: false,
    names_orders: true,
    tells_failures: true,
    proves: false,
    tells_refunded: false,
    transaction: "KP000389",
    refund_name: "",
};

fn answer(call: &Call, play: &Play) -> Answer {
    let host = call.headers["host"].to_str().unwrap();
    let (error, status) = match (call.path.as_str(), play.stands) {
        ("/pay", _) => ("0", 2),
        ("/detail", Stands::Waiting) => ("0", 2),
        ("/detail", Stands::Paid | Stands::Refunded) => ("0", 0),
        ("/detail", Stands::Failed) => ("0", 1),
        ("/detail", Stands::Unclear) => ("0", 31_337),
        ("/detail", Stands::Missing) => ("1", 2),
        (other, _) => panic!("nobody serves {other}"),
    };
    let told = json!({"error": error, "msg": "Thành công", "payment_url": format!("http://{host}/p/{ORDER}"),
        "client_id": "gwclient", "transaction_id": play.order, "trans_amount": play.amount.to_string(), "status": status,
        "transaction_code": if status == 0 { MEMBER.transaction } else { "" }, "bank_code": "VCB"});
    Answer::Reply(told.to_string())
}

fn callback(told: &Told) -> Came {
    let fields = vec![
        ("addition_fee", "0".to_owned()),
        ("client_id", "gwclient".to_owned()),
        ("command", "PAY".to_owned()),
        ("trans_amount", told.amount.to_string()),
        ("transaction_id", told.order.to_owned()),
        ("version", "3.0".to_owned()),
        ("status", if told.paid { "0" } else { "1" }.to_owned()),
        ("transaction_code", MEMBER.transaction.to_owned()),
        ("description", "Le phi".to_owned()),
    ];
    came(told.change.apply(fields, "description"), told.key)
}

/// Fields, rightly signed.
fn came(fields: Vec<(&str, String)>, key: &str) -> Came {
    let value = |name: &str| fields.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value);
    let names = ["addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version"];
    let signed = sha256(key, &names.map(value).join("|"));
    let members = fields.iter().map(|(name, value)| format!("\"{name}\":{}", Value::from(value.as_str())));
    let members: Vec<_> = members.chain([format!("\"check_sum\":\"{signed}\"")]).collect();
    Came::post(format!("{{{}}}", members.join(",")))
}

#[tokio::test]
async fn an_order_says_all_that_its_bill_says_and_is_signed_with_the_first_key() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    provider.open(&filled()).await.unwrap();
    provider.query(&filled()).await.unwrap();
    let calls = stub.calls();
    assert_eq!(calls.iter().map(|call| call.path.as_str()).collect::<Vec<_>>(), ["/pay", "/detail"]);
    let asked: Value = serde_json::from_str(&calls[0].body).unwrap();
    let mut info = bill();
    let more = json!({"MaDichVu": "2", "MaDVC": "1.001193", "TenDVC": "Đăng ký khai sinh", "MaLoaiHinhThuPhat": "", "MaCoQuanQD": "",
        "TenCoQuanQD": "", "NgayQD": "", "SoQD": "", "ThoiGianViPham": "", "DiaDiemViPham": "", "TenNguoiViPham": "",
        "TaiKhoanThuNSNN": ""});
    info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let expected = json!({"client_id": "gwclient", "transaction_id": ORDER, "trans_amount": "50000", "command": "PAY",
        "version": "3.0", "description": filled().description, "locale": "vi", "country_code": "+84", "currency_code": "VND",
        "environment": "1", "return_url": filled().return_url, "addition_fee": "0", "bill_info": info,
        "check_sum": sha256(KEY1, &format!("0|gwclient|PAY|50000|{ORDER}|3.0"))});
    assert_eq!(asked, expected);
    let asked: Value = serde_json::from_str(&calls[1].body).unwrap();
    assert_eq!(asked["check_sum"], sha256(KEY1, &format!("gwclient|DETAIL|{ORDER}")));
}

#[test]
fn what_a_callback_lacks_or_means_for_another_is_no_word_about_an_order() {
    let provider = deaf(&MEMBER);
    let hear = |change| {
        let told = Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change };
        provider.hear(&request(&callback(&told)))
    };
    for (name, word) in [("transaction_id", "order"), ("status", "standing"), ("client_id", "expected value")] {
        assert_eq!(hear(Change::Without(name)), Err(Unheard::Malformed(word)), "{name}");
    }
    assert_eq!(hear(Change::Without("trans_amount")).unwrap().report.amount, None);
    for (amount, heard) in [
        ("50000.00", Ok(Some(50_000))),
        ("50000.5", Err(Unheard::Malformed("amount"))),
        ("-1", Err(Unheard::Malformed("amount"))),
    ] {
        let fields = vec![
            ("client_id", "gwclient".to_owned()),
            ("trans_amount", amount.to_owned()),
            ("transaction_id", ORDER.to_owned()),
            ("status", "0".to_owned()),
        ];
        let told = provider.hear(&request(&came(fields, NEW)));
        assert_eq!(told.map(|heard| heard.report.amount.map(|amount| amount.get())), heard, "{amount}");
    }
}

#[tokio::test]
async fn an_order_that_may_be_open_is_not_called_refused() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    stub.say(r#"{"error":"-1","msg":"check_sum"}"#);
    assert!(
        matches!(provider.open(&order()).await, Err(PayFailure::Refused(cause)) if cause.detail.ends_with("code -1"))
    );
    for body in [
        r#"{"error":"4"}"#,
        r#"{"error":"0"}"#,
        r#"{"error":"0","payment_url":"javascript:alert(1)"}"#,
        r#"{"error":"0","payment_url":""}"#,
    ] {
        stub.say(body);
        assert!(matches!(provider.open(&order()).await, Err(PayFailure::Unknown(_))), "{body}");
    }
}

#[tokio::test]
async fn what_a_provider_would_cut_is_never_sent() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    for description in ["x".repeat(256), String::new()] {
        let refused = provider.open(&lgsp_connect::Order { description, ..order() }).await.unwrap_err();
        let PayFailure::Refused(cause) = refused else { panic!("{refused:?}") };
        assert!(cause.code == "profile_value" && cause.detail.contains("description"), "{cause:?}");
    }
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn a_customers_own_words_take_the_place_of_the_built_in_ones() {
    let stub = Stub::start(&MEMBER).await;
    stub.say(r#"{"ma_loi":"OK","data":{"link":"https://keypay.example/p/1","qr":"00020101"}}"#);
    let profile = "profile = { open = { path = '/v4/create', fields = { version = '4.0', locale = { omit = true }, ref = 'X-{order.id|upper}' }, answer = { code = 'ma_loi', codes = { OK = 'ok' }, pay_url = ['data.link', 'payment_url'], qr = 'data.qr' } } }";
    let opened = stub.provider(&MEMBER, profile).open(&order()).await.unwrap();
    assert_eq!((opened.pay_url.as_str(), opened.qr.as_deref()), ("https://keypay.example/p/1", Some("00020101")));
    let call = &stub.calls()[0];
    let asked: Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!(call.path, "/v4/create");
    assert_eq!(
        (&asked["version"], asked.get("locale"), &asked["ref"]),
        (&json!("4.0"), None, &json!(format!("X-{}", ORDER.to_uppercase())))
    );
    assert_eq!(asked["check_sum"], sha256(KEY1, &format!("0|gwclient|PAY|50000|{ORDER}|4.0")));
}
