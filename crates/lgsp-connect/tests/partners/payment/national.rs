//! The national payment platform as it is scripted, and what only it has: the built-in profile `national`.

use lgsp_connect::{CallbackVerdict, Order, PayFailure, Receipt, Unheard};
use serde_json::{Value, json};

use super::bill::{bill, filled};
use super::member::{Came, Change, Member, NEW, OLD, Told};
use super::sign::digest;
use super::stub::{Play, Stands, Stub, deaf};
use super::{AMOUNT, NOW, ORDER, order, request};
use crate::server::{Answer, Call};

pub(super) const MEMBER: Member = Member {
    kind: "national",
    settings: |base| format!("url = '{base}'\npartner = 'DT1'\nsecret = ['{NEW}', '{OLD}']"),
    callback_key: "secret",
    answer,
    callback,
    needed: &[],
    replies: &[
        (CallbackVerdict::Recorded, 200, r#""MaLoi":"00""#),
        (CallbackVerdict::AlreadyRecorded, 200, r#""MaLoi":"00""#),
        (CallbackVerdict::UnknownOrder, 200, r#""MaLoi":"99""#),
        (CallbackVerdict::WrongAmount, 200, r#""MaLoi":"99""#),
        (CallbackVerdict::BadSignature, 200, r#""MaLoi":"99""#),
        (CallbackVerdict::Malformed, 200, r#""MaLoi":"99""#),
        (CallbackVerdict::TryAgain, 200, r#""MaLoi":"99""#),
    ],
    opens_by_call: true,
    refunds: false,
    signs_answers: false,
    names_orders: true,
    tells_failures: false,
    proves: true,
    tells_refunded: false,
    transaction: "GD000389",
    refund_name: "",
};

fn told(call: &Call, play: &Play) -> Value {
    let host = call.headers["host"].to_str().unwrap();
    let asked: Value = serde_json::from_str(&call.body).unwrap();
    let (code, standing) = match (asked["LoaiBanTin"].as_str().unwrap(), play.stands) {
        ("INIT", _) => return json!({"MaLoi": "00", "UrlThanhToan": format!("http://{host}/p/{ORDER}")}),
        ("GET_BILL", _) => {
            return json!({"MaLoi": "00", "UrlBienLai": format!("http://{host}/viewbill?token=1&dstcode=2")});
        }
        ("QUERY", Stands::Waiting) => ("00", "3"),
        ("QUERY", Stands::Paid | Stands::Refunded) => ("00", "1"),
        ("QUERY", Stands::Failed) => ("00", "4"),
        ("QUERY", Stands::Unclear) => ("00", "7"),
        ("QUERY", Stands::Missing) => ("01", ""),
        (other, _) => panic!("nobody serves {other}"),
    };
    json!({"MaLoi": code, "MoTaLoi": "Thành công", "MaDoiTac": "DT1", "MaThamChieu": play.order, "SoTien": play.amount.to_string(),
        "MaGiaoDich": MEMBER.transaction, "ThoiGianGD": "20260101103500", "TrangThaiGD": standing})
}

fn answer(call: &Call, play: &Play) -> Answer {
    Answer::Reply(told(call, play).to_string())
}

fn callback(told: &Told) -> Came {
    let fields = vec![
        ("LoaiBanTin", "\"CONFIRM\"".to_owned()),
        ("MaLoi", if told.paid { "\"00\"" } else { "\"99\"" }.to_owned()),
        ("MaDoiTac", "\"DT1\"".to_owned()),
        ("MaThamChieu", format!("\"{}\"", told.order)),
        // A number here, and a text in INIT.
        ("SoTien", told.amount.to_string()),
        ("MaTienTe", "\"VND\"".to_owned()),
        ("MaGiaoDich", format!("\"{}\"", MEMBER.transaction)),
        ("MaNganHang", "\"VCB\"".to_owned()),
        ("ThoiGianGD", "\"20260101103500\"".to_owned()),
        ("ThongTinGiaoDich", "\"Lệ phí".to_owned()),
    ];
    let mut fields = told.change.apply(fields, "ThongTinGiaoDich");
    for (_, value) in fields.iter_mut().filter(|(name, _)| *name == "ThongTinGiaoDich") {
        value.push('"');
    }
    came(&fields, told.key)
}

const SIGNED: [&str; 10] = [
    "LoaiBanTin",
    "MaLoi",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "MaTienTe",
    "MaGiaoDich",
    "MaNganHang",
    "ThoiGianGD",
    "ThongTinGiaoDich",
];

/// Fields, rightly signed.
fn came(fields: &[(&str, String)], key: &str) -> Came {
    let value =
        |name: &str| fields.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value.trim_matches('"'));
    let signed = digest(&format!("{}|{key}", SIGNED.map(value).join("|")));
    let members = fields.iter().map(|(name, value)| format!("\"{name}\":{value}"));
    let members: Vec<_> = members.chain([format!("\"MaXacThuc\":\"{signed}\"")]).collect();
    Came::post(format!("{{{}}}", members.join(",")))
}

fn fields(changes: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let good = [
        ("LoaiBanTin", "\"CONFIRM\""),
        ("MaLoi", "\"00\""),
        ("MaDoiTac", "\"DT1\""),
        ("MaThamChieu", "\"0123456789abcdefghjk\""),
        ("SoTien", "50000"),
        ("MaTienTe", "\"VND\""),
        ("MaGiaoDich", "\"GD1\""),
        ("MaNganHang", "\"VCB\""),
        ("ThoiGianGD", "\"20260101103500\""),
        ("ThongTinGiaoDich", "\"x\""),
    ];
    let changed = |name| changes.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    good.map(|(name, value)| (name, changed(name).unwrap_or(value).to_owned())).to_vec()
}

#[tokio::test]
async fn an_order_says_all_that_its_bill_says_and_both_forms_of_an_answer_are_read() {
    for wrapped in [false, true] {
        let stub = Stub::start(&MEMBER).await;
        let provider = stub.provider(&MEMBER, "");
        if wrapped {
            let url = r#"{\"MaLoi\":\"00\",\"UrlThanhToan\":\"http://127.0.0.1/p\"}"#;
            stub.say(format!(r#"{{"error_code":"0","message":"{url}"}}"#));
        }
        provider.open(&filled()).await.unwrap();
        let asked: Value = serde_json::from_str(&stub.calls()[0].body).unwrap();
        let mut receipt = bill();
        let more = json!({"MaDichVu": "2", "MaDVC": "1.001193", "TenDVC": "Đăng ký khai sinh", "MaLoaiHinhThuPhat": "",
            "TenLoaiHinhThuPhat": "", "MaCoQuanQD": "", "TenCoQuanQD": "", "NgayQD": "", "SoQD": "", "ThoiGianViPham": "",
            "DiaDiemViPham": "", "TenNguoiViPham": "", "TaiKhoanThuNSNN": ""});
        receipt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let info = "Le phi ho so H56.14-260101-0007";
        let signed =
            format!("INIT|1.0.6|DT1|{ORDER}|50000|PAY|1|1|vi-VN|VND|PAYMENT|{info}|20260101103000|203.0.113.7|{NEW}");
        let expected = json!({"LoaiBanTin": "INIT", "PhienBan": "1.0.6", "MaDoiTac": "DT1", "MaThamChieu": ORDER, "SoTien": "50000",
            "LoaiHinhThanhToan": "PAY", "MaKenhThanhToan": "1", "MaThietBi": "1", "NgonNgu": "vi-VN", "MaTienTe": "VND",
            "MaNganHang": "PAYMENT", "ThongTinGiaoDich": info, "ThoiGianGD": "20260101103000", "Ip": "203.0.113.7",
            "ThongTinBienLai": receipt, "MaXacThuc": digest(&signed)});
        assert_eq!(asked, expected);
    }
}

#[tokio::test]
async fn an_lgsp_that_says_no_leaves_the_effect_unknown() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    stub.say(r#"{"error_code":"-1","message":"x"}"#);
    assert!(matches!(provider.open(&order()).await, Err(PayFailure::Unknown(cause)) if cause.code == "lgsp_refused"));
    assert!(matches!(provider.query(&order()).await, Err(PayFailure::Deferred(cause)) if cause.code == "lgsp_refused"));
}

#[tokio::test]
async fn a_receipt_is_a_document_or_an_address_that_can_be_moved_to_the_units_own_host() {
    let stub = Stub::start(&MEMBER).await;
    let receipt = stub.provider(&MEMBER, "").receipt(&order()).await.unwrap();
    assert!(receipt == Receipt::Url(format!("{}/viewbill?token=1&dstcode=2", stub.base())));
    let moved =
        stub.provider(&MEMBER, "receipt_base = 'http://ss.example:8080/VXPAdapter'").receipt(&order()).await.unwrap();
    assert!(moved == Receipt::Url("http://ss.example:8080/VXPAdapter/viewbill?token=1&dstcode=2".into()));
    let asked: Value = serde_json::from_str(&stub.calls()[0].body).unwrap();
    assert_eq!(asked["MaXacThuc"], digest(&format!("GET_BILL|1.0.6|DT1|{ORDER}|20260101103000|{NEW}")));
    stub.say("%PDF-1.7 x");
    assert!(stub.provider(&MEMBER, "").receipt(&order()).await.unwrap() == Receipt::Pdf("%PDF-1.7 x".into()));
    stub.say(r#"{"MaLoi":"01"}"#);
    assert!(matches!(stub.provider(&MEMBER, "").receipt(&order()).await, Err(PayFailure::Refused(_))));
}

/// Whoever holds a right confirmation in his hands could write any address into it: `UrlBienLai` is not under its signature.
#[test]
fn a_receipts_address_that_is_not_signed_is_not_taken_whatever_the_profile_says() {
    for over in ["", "profile = { callback = { receipt_url = 'UrlBienLai' } }"] {
        let settings = format!("{}\n{over}", (MEMBER.settings)("https://pay.example"));
        let provider = lgsp_connect::check_payment_provider("national", &settings.parse().unwrap()).unwrap();
        let provider = provider.build(std::sync::Arc::new(|| NOW)).unwrap();
        let mut fields = fields(&[]);
        fields.push(("UrlBienLai", "\"https://evil.example/r\"".to_owned()));
        let heard = provider.hear(&request(&came(&fields, NEW))).unwrap();
        assert_eq!((heard.proven, heard.report.receipt_url), (true, None), "{over}");
    }
}

#[tokio::test]
async fn a_receipts_address_is_moved_to_the_units_own_host_wherever_it_is_told() {
    let stub = Stub::start(&MEMBER).await;
    let say = |url: &str| {
        let told = json!({"MaLoi": "00", "MaThamChieu": ORDER, "SoTien": "50000", "MaGiaoDich": "GD1", "TrangThaiGD": "1",
            "UrlBienLai": url});
        stub.say(told.to_string());
    };
    let base = "receipt_base = 'http://ss.example:8080/VXPAdapter'";
    let long = format!("https://npsp.example/{}", "a".repeat(4 * 1024));
    for (more, url, expected) in [
        ("", "https://npsp.example/viewbill?token=1", Some("https://npsp.example/viewbill?token=1")),
        (base, "https://npsp.example/viewbill?token=1", Some("http://ss.example:8080/VXPAdapter/viewbill?token=1")),
        ("", "javascript:alert(1)", None),
        (base, "javascript:alert(1)", None),
        ("", &long, None),
    ] {
        say(url);
        let report = stub.provider(&MEMBER, more).query(&order()).await.unwrap();
        assert_eq!(report.receipt_url.as_deref(), expected, "{url}");
    }
    // Plain http only where the provider itself is one; a signed address of a callback is no other.
    let over = "profile = { callback = { receipt_url = 'ThongTinGiaoDich' } }";
    let hear = |url: &str, receipt: &str, more: &str| {
        let settings = format!("{}\n{over}\n{more}", (MEMBER.settings)(url));
        let provider = lgsp_connect::check_payment_provider("national", &settings.parse().unwrap()).unwrap();
        let provider = provider.build(std::sync::Arc::new(|| NOW)).unwrap();
        let receipt = Value::from(receipt).to_string();
        let heard = provider.hear(&request(&came(&fields(&[("ThongTinGiaoDich", &receipt)]), NEW))).unwrap();
        heard.report.receipt_url
    };
    let https = "https://pay.example";
    assert_eq!(hear(https, "https://npsp.example/r", "").as_deref(), Some("https://npsp.example/r"));
    assert_eq!(hear(https, "http://npsp.example/r", ""), None);
    assert_eq!(hear(https, "https://npsp.example/r|1", ""), None, "it could run into the next value");
    assert_eq!(hear(https, "http://n.example/r", base).as_deref(), Some("http://ss.example:8080/VXPAdapter/r"));
}

#[test]
fn a_confirmation_for_another_or_of_another_kind_is_none() {
    let provider = deaf(&MEMBER);
    let hear = |changes: &[(&'static str, &str)]| provider.hear(&request(&came(&fields(changes), NEW)));
    assert!(hear(&[]).unwrap().proven);
    for (name, value, why) in [
        ("LoaiBanTin", "\"QUERY\"", Unheard::Malformed("expected value")),
        ("MaDoiTac", "\"DT2\"", Unheard::Malformed("expected value")),
        ("MaThamChieu", "\"HS-1\"", Unheard::UnknownOrder),
        ("MaThamChieu", "\"\"", Unheard::UnknownOrder),
        ("SoTien", "\"5e4\"", Unheard::Malformed("amount")),
        ("SoTien", "-50000", Unheard::Malformed("amount")),
    ] {
        assert_eq!(hear(&[(name, value)]), Err(why), "{name} {value}");
    }
}

#[test]
fn values_that_could_run_into_each_other_are_asked_about() {
    let provider = deaf(&MEMBER);
    for (name, value) in [("ThongTinGiaoDich", "\"a|b\""), ("MaGiaoDich", "\"GD1|VCB\"")] {
        assert!(!provider.hear(&request(&came(&fields(&[(name, value)]), NEW))).unwrap().proven, "{name}");
    }
    // A failure that is no end by the documents is asked about as well.
    let heard = provider.hear(&request(&came(&fields(&[("MaLoi", "\"99\"")]), NEW))).unwrap();
    assert_eq!((heard.report.standing, heard.proven), (lgsp_connect::ReportStanding::Unclear, false));
}

#[test]
fn a_reply_is_signed_for_the_platform_and_for_nobody_else() {
    let provider = deaf(&MEMBER);
    let came = callback(&Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change: Change::None });
    let reply = |verdict| serde_json::from_slice::<Value>(&provider.reply(&request(&came), verdict).body).unwrap();
    let signed = digest(&format!("00|Success|DT1|{ORDER}|20260101103200|{NEW}"));
    let expected = json!({"MaLoi": "00", "MoTaLoi": "Success", "MaDoiTac": "DT1", "MaThamChieu": ORDER, "ThoiGianGD": "20260101103200",
        "MaXacThuc": signed});
    assert_eq!(reply(CallbackVerdict::Recorded), expected);
    for verdict in [CallbackVerdict::BadSignature, CallbackVerdict::Malformed] {
        assert_eq!(reply(verdict)["MaXacThuc"], "");
    }
    let empty = provider.reply(&request(&Came::post("x".into())), CallbackVerdict::Malformed);
    assert_eq!(serde_json::from_slice::<Value>(&empty.body).unwrap()["MaThamChieu"], "");
}

#[test]
fn the_portal_is_told_what_is_to_be_paid_for_a_dossier() {
    let provider = deaf(&MEMBER);
    let lookup = |body: &str, order: Option<&Order>| {
        let came = Came::post(body.to_owned());
        let asked = lgsp_connect::CallbackRequest { path: "lookup", ..request(&came) };
        let reply = provider.pull_reply(&asked, order);
        assert_eq!((reply.status.as_u16(), reply.content_type), (200, "application/json"));
        (provider.pulled(&asked).unwrap(), serde_json::from_slice::<Value>(&reply.body).unwrap())
    };
    let body = r#"{"MaHoSo":"H56.14-260101-0007"}"#;
    let (dossier, told) = lookup(body, Some(&filled()));
    assert_eq!((dossier.as_deref(), &told["error_code"]), (Ok("H56.14-260101-0007"), &json!(1)));
    let mut expected = bill();
    let more = json!({"transaction_id": ORDER, "client_id": "DT1", "MaTraCuuTT": "H56.14-260101-000720260101103000", "MaDichVu": "2",
        "SoTien": "50000", "MaDVC": "1.001193", "TenDVC": "Đăng ký khai sinh"});
    expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(told["message"], expected);
    assert_eq!(lookup(body, None).1["error_code"], 0);
    for wrong in ["{}", "x", r#"{"MaHoSo":""}"#, r#"{"MaHoSo":["a"]}"#] {
        let (dossier, told) = lookup(wrong, None);
        assert!(matches!(dossier, Err(Unheard::Malformed(_))), "{wrong}");
        assert_eq!(told["error_code"], -1, "{wrong}");
    }
    assert!(provider.pulled(&request(&Came::post(body.into()))).is_none(), "a callback is no question");
}
