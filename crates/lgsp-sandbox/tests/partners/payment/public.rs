//! The public providers: KeyPay, PayGov, and the national platform with its own question.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lgsp_sandbox::payment::{
    Act, AttemptOutcome, BillForm, KEYPAY_CLIENT_ID, KEYPAY_HASH_KEY_1, KEYPAY_HASH_KEY_2, NATIONAL_PARTNER,
    NATIONAL_SECRET, OrderState, PAYGOV_ACCESS_KEY, PAYGOV_PARTNER_CODE, PAYGOV_SECRET_KEY,
};
use lgsp_sandbox::{LgspKey, Sandbox};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::{sandbox, token_answer};
use super::{Merchant, hmac256, http, location, now_ms, post, press, sha256, vietnam};

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn joined(body: &Value, names: &[&str], separator: &str) -> String {
    names.iter().map(|name| text(&body[*name])).collect::<Vec<_>>().join(separator)
}

fn bill(amount: i64) -> Value {
    json!({
        "MaDichVu": "2", "TKThuHuong": "1234567890", "MaNHThuHuong": "VCB", "TenTKThuHuong": "KHO BAC", "MaDonVi": "H11",
        "TenDonVi": "Sở", "MaHoSo": "H11-261122-0001", "MaTTHC": "1.000001", "TenTTHC": "Cấp giấy", "KhoBac": "",
        "NoiDungThanhToan": "Lệ phí", "HoTenNguoiNop": "Nguyễn Thử", "SoCMNDNguoiNop": "", "DSKhoanNop": [],
        "PhiLePhi": [{"LoaiPhiLePhi": "2", "MaPhiLePhi": "1", "TenPhiLePhi": "Lệ phí", "SoTien": amount}],
    })
}

const KEYPAY_PAY: [&str; 6] = ["addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version"];

fn keypay_order(id: &str) -> Value {
    json!({
        "client_id": KEYPAY_CLIENT_ID, "transaction_id": id, "trans_amount": "50000", "command": "PAY", "version": "3.0",
        "description": "Lệ phí", "locale": "vn", "country_code": "vi", "currency_code": "VND", "environment": "1",
        "return_url": "https://gw.example/r", "addition_fee": "0", "bill_info": bill(50_000),
    })
}

async fn keypay(sandbox: &Sandbox, mut body: Value) -> Value {
    body["check_sum"] = hmac256(KEYPAY_HASH_KEY_1, &joined(&body, &KEYPAY_PAY, "|")).into();
    post(sandbox.url("/pay-sandbox/keypay/create"), &body).await.1
}

async fn keypay_detail(sandbox: &Sandbox, id: &str) -> Value {
    let check_sum = hmac256(KEYPAY_HASH_KEY_1, &format!("{KEYPAY_CLIENT_ID}|DETAIL|{id}"));
    let body =
        json!({"client_id": KEYPAY_CLIENT_ID, "command": "DETAIL", "transaction_id": id, "check_sum": check_sum});
    post(sandbox.url("/pay-sandbox/keypay/detail"), &body).await.1
}

#[test]
fn the_check_sum_is_that_of_the_vector() {
    let sum = hmac256("hash_key_1_demo", "0|gwclient|PAY|50000|12345_abc|3.0");
    assert_eq!(sum, "36d9f9783b1a8e90a8ef53842178c82fac7f2d3f119e5d6d7e7318b886dbe72a");
}

#[tokio::test]
async fn keypay_tells_by_a_callback_that_anybody_could_turn_round() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, r#"{"return_code":0,"return_msg":"ok"}"#).await);
    let provider = &sandbox.payments().keypay;
    provider.set_callback_url(&merchant.url);
    provider.change_settings(|settings| settings.callback_interval_ms = Some(1));
    let answer = keypay(&sandbox, keypay_order("k1")).await;
    assert_eq!(answer["error"], "0", "{answer}");
    assert_eq!(keypay_detail(&sandbox, "k1").await["status"], 2);
    provider.act("k1", Act::Forge, None).await.unwrap();
    provider.callbacks_of("k1", 1).await;
    let forged = merchant.came()[0].json();
    assert_eq!(forged["check_sum"], json!(hmac256(KEYPAY_HASH_KEY_2, &joined(&forged, &KEYPAY_PAY, "|"))));
    assert_eq!((&forged["status"], &keypay_detail(&sandbox, "k1").await["status"]), (&json!(0), &json!(2)));
    let back = location(&press(answer["payment_url"].as_str().unwrap(), "pay").await);
    assert!(back.as_str().starts_with("https://gw.example/r?transaction_id=k1"));
    let detail = keypay_detail(&sandbox, "k1").await;
    assert_eq!((&detail["status"], &detail["trans_amount"]), (&json!(0), &json!("50000")));
    assert_eq!(provider.callbacks_of("k1", 2).await[1].outcome, AttemptOutcome::Accepted);
    assert_eq!(merchant.came()[1].json()["transaction_code"], detail["transaction_code"]);

    merchant.next(&[(200, r#"{"return_code":-1}"#)]);
    keypay(&sandbox, keypay_order("k2")).await;
    provider.fail("k2", "1").await.unwrap();
    assert_eq!(provider.callbacks_of("k2", 2).await.len(), 2);
    assert_eq!(keypay_detail(&sandbox, "k2").await["status"], 1);
}

#[tokio::test]
async fn keypay_refuses_what_is_not_signed_whole_or_new() {
    let sandbox = sandbox();
    let with = |name: &str, value: Value| {
        let mut body = keypay_order("k1");
        body[name] = value;
        body
    };
    let mut without_payee = bill(50_000);
    without_payee["TKThuHuong"] = json!("");
    for (body, wrong) in [
        (with("client_id", json!("other")), "client_id"),
        (with("transaction_id", json!("x".repeat(21))), "transaction_id"),
        (with("trans_amount", json!("0")), "trans_amount"),
        (with("version", json!("2.0")), "version"),
        (with("return_url", json!("")), "return_url"),
        (with("bill_info", bill(49_999)), "bill_info.PhiLePhi"),
        (with("bill_info", without_payee), "bill_info.TKThuHuong"),
    ] {
        let answer = keypay(&sandbox, body).await;
        assert_eq!((&answer["error"], &answer["msg"]), (&json!("-1"), &json!(wrong)));
    }
    let mut forged = keypay_order("k1");
    forged["check_sum"] = json!("0");
    assert_eq!(post(sandbox.url("/pay-sandbox/keypay/create"), &forged).await.1["msg"], "check_sum");
    assert_eq!(keypay(&sandbox, keypay_order("k1")).await["error"], "0");
    assert_eq!(keypay(&sandbox, keypay_order("k1")).await["error"], "-1", "one order for one name");
    assert_eq!(keypay_detail(&sandbox, "k9").await["error"], "1");
    sandbox.payments().keypay.change_settings(|settings| settings.order_lifetime_ms = Some(0));
    keypay(&sandbox, keypay_order("k2")).await;
    while keypay_detail(&sandbox, "k2").await["status"] != 1 {
        // The clock of the order is the system's, in milliseconds: it ends with the next.
        tokio::task::yield_now().await;
    }
}

fn paygov_order(id: &str) -> Value {
    json!({
        "partnerCode": PAYGOV_PARTNER_CODE, "accessKey": PAYGOV_ACCESS_KEY, "returnUrl": "https://gw.example/r", "orderId": id,
        "amount": 50_000, "orderInfo": "Le phi ho so", "requestCode": "r1", "ipAddress": "127.0.0.1", "serviceCode": "S1",
    })
}

fn paygov_signed(mut body: Value, names: &[&str]) -> Value {
    body["checksum"] = sha256(&format!("{PAYGOV_SECRET_KEY}{}", joined(&body, names, ""))).into();
    body
}

const PAYGOV_ORDER: [&str; 5] = ["accessKey", "partnerCode", "orderId", "requestCode", "amount"];

async fn paygov(sandbox: &Sandbox, body: Value) -> Value {
    post(sandbox.url("/pay-sandbox/paygov/order"), &paygov_signed(body, &PAYGOV_ORDER)).await.1
}

#[tokio::test]
async fn paygov_takes_an_order_calls_and_gives_a_receipt() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, r#"{"error_code":"SUCCESSFUL"}"#).await);
    let provider = &sandbox.payments().paygov;
    provider.set_callback_url(&merchant.url);
    provider.change_settings(|settings| settings.callback_interval_ms = Some(1));
    let answer = paygov(&sandbox, paygov_order("H11-1-01")).await;
    let standing = async |id: &str| {
        let mut body = paygov_order(id);
        body.as_object_mut().expect("an object").remove("returnUrl");
        paygov(&sandbox, body).await
    };
    assert_eq!(standing("H11-1-01").await["data"]["errorCode"], "01");
    assert_eq!(standing("H11-2-01").await["error_code"], "NOT_FOUND");
    merchant.next(&[(200, r#"{"error_code":"FAILED"}"#)]);
    location(&press(answer["data"]["url"].as_str().expect("a page"), "pay").await);
    assert_eq!(provider.callbacks_of("H11-1-01", 2).await[1].outcome, AttemptOutcome::Accepted);
    let ipn = merchant.came()[1].json();
    let fields = [
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
    assert_eq!(ipn["checksum"], json!(sha256(&format!("{PAYGOV_SECRET_KEY}{}", joined(&ipn, &fields, "")))));
    assert_eq!((&ipn["errorCode"], &ipn["amount"]), (&json!("00"), &json!(50_000)));
    assert_eq!(standing("H11-1-01").await["data"], ipn, "who asks is told the same");

    let receipt = |paids: &str| {
        json!({
            "partnerCode": PAYGOV_PARTNER_CODE, "accessKey": PAYGOV_ACCESS_KEY, "payerId": "", "payerName": "Nguyễn Thử",
            "payerAddress": "", "payerDistrict": "", "payerProvince": "", "docCode": "H11-1", "procedureName": "Cấp giấy",
            "paids": STANDARD.encode(json!([paids]).to_string()),
            "otherInfo": STANDARD.encode(r#"{"beneficiaryUnitCode":"H11","beneficiaryUnitName":"So"}"#),
            "decisionDate": "22-11-2026",
        })
    };
    let names = [
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
    let ask = async |paids: &str| {
        post(sandbox.url("/pay-sandbox/paygov/receipt"), &paygov_signed(receipt(paids), &names)).await.1
    };
    let given = ask(ipn["transactionCode"].as_str().unwrap()).await;
    let document = http().get(given["transactionReceipt"].as_str().expect("an address")).send().await.unwrap();
    assert_eq!(document.headers()["content-type"], "application/pdf");
    assert!(document.bytes().await.unwrap().starts_with(b"%PDF-1.4"));
    assert_eq!(ask("PG1").await["error_code"], "FAILED");
    let none = http().get(sandbox.url("/pay-sandbox/paygov/receipt/PG1")).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn paygov_refuses_by_its_words_and_wants_both_keys_behind_an_lgsp() {
    let sandbox = sandbox();
    let with = |name: &str, value: Value| {
        let mut body = paygov_order("o1");
        body[name] = value;
        body
    };
    for (name, value) in [
        ("accessKey", json!("other")),
        ("orderInfo", json!("Lệ phí")),
        ("amount", json!("1,5")),
        ("returnUrl", json!("x")),
        ("serviceCode", json!("")),
    ] {
        assert_eq!(paygov(&sandbox, with(name, value)).await["error_code"], "FAILED", "{name}");
    }
    let mut forged = paygov_order("o1");
    forged["checksum"] = json!("0");
    let url = sandbox.url("/pay-sandbox/paygov/order");
    assert_eq!(post(url.clone(), &forged).await.1["error_code"], "SIGNATURE_WRONG");

    sandbox.payments().paygov.change_settings(|settings| settings.token_required = true);
    let body = paygov_signed(paygov_order("o1"), &PAYGOV_ORDER);
    let send = async |token: &str, key: &str| {
        let request = http().post(&url).header("lgspaccesstoken", key).bearer_auth(token).json(&body);
        request.send().await.unwrap().status()
    };
    let given: Value = token_answer(sandbox.url("/pay-sandbox/paygov/token")).await.json().await.unwrap();
    let token = given["access_token"].as_str().unwrap();
    let key = LgspKey::default().header();
    assert_eq!(send("none", &key).await, StatusCode::UNAUTHORIZED);
    assert_eq!(send(token, "none").await, StatusCode::UNAUTHORIZED);
    assert!(sandbox.payments().paygov.orders().is_empty());
    assert_eq!(send(token, &key).await, StatusCode::OK);
    assert_eq!(sandbox.payments().paygov.orders().len(), 1);
}

const INIT: [&str; 14] = [
    "LoaiBanTin",
    "PhienBan",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "LoaiHinhThanhToan",
    "MaKenhThanhToan",
    "MaThietBi",
    "NgonNgu",
    "MaTienTe",
    "MaNganHang",
    "ThongTinGiaoDich",
    "ThoiGianGD",
    "Ip",
];
const QUERY: [&str; 5] = ["LoaiBanTin", "PhienBan", "MaDoiTac", "MaThamChieu", "ThoiGianGD"];

fn national_signed(mut body: Value, names: &[&str]) -> Value {
    body["MaXacThuc"] = sha256(&format!("{}|{NATIONAL_SECRET}", joined(&body, names, "|"))).into();
    body
}

fn national_order(id: &str) -> Value {
    json!({
        "LoaiBanTin": "INIT", "PhienBan": "1.0.6", "MaDoiTac": NATIONAL_PARTNER, "MaThamChieu": id, "SoTien": "50000",
        "LoaiHinhThanhToan": "PAY", "MaKenhThanhToan": "1", "MaThietBi": "1", "NgonNgu": "vi-VN", "MaTienTe": "VND",
        "MaNganHang": "PAYMENT", "ThongTinGiaoDich": "Lệ phí hồ sơ", "ThoiGianGD": vietnam(now_ms()), "Ip": "127.0.0.1",
        "ThongTinBienLai": bill(50_000),
    })
}

fn national_ask(kind: &str, id: &str) -> Value {
    let body = json!({
        "LoaiBanTin": kind, "PhienBan": "1.0.6", "MaDoiTac": NATIONAL_PARTNER, "MaThamChieu": id,
        "ThoiGianGD": vietnam(now_ms()),
    });
    national_signed(body, &QUERY)
}

#[tokio::test]
async fn the_national_platform_confirms_answers_and_gives_a_receipt() {
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, r#"{"MaLoi":"00","MoTaLoi":""}"#).await);
    let provider = &sandbox.payments().national;
    provider.set_callback_url(&merchant.url);
    let url = sandbox.url("/pay-sandbox/national");
    let send = async |body: Value| post(url.clone(), &body).await.1;
    assert_eq!(send(national_ask("QUERY", "n1")).await["MaLoi"], "01");
    let answer = send(national_signed(national_order("n1"), &INIT)).await;
    assert_eq!(answer["MaLoi"], "00", "{answer}");
    assert_eq!(send(national_ask("QUERY", "n1")).await["TrangThaiGD"], "3");
    assert_eq!(send(national_ask("GET_BILL", "n1")).await["MaLoi"], "99");
    let shown = press(answer["UrlThanhToan"].as_str().unwrap(), "pay").await;
    assert!(shown.text().await.unwrap().contains("Giao dịch thành công."), "nobody said where to go back to");
    provider.callbacks_of("n1", 1).await;
    let confirm = merchant.came()[0].json();
    let names = [
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
    assert_eq!(confirm["MaXacThuc"], national_signed(confirm.clone(), &names)["MaXacThuc"]);
    assert_eq!((&confirm["SoTien"], &confirm["MaHoSo"]), (&json!(50_000), &json!("H11-261122-0001")));
    let stands = send(national_ask("QUERY", "n1")).await;
    assert_eq!((&stands["TrangThaiGD"], &stands["MaGiaoDich"]), (&json!("1"), &confirm["MaGiaoDich"]));

    let bill = http().post(&url).json(&national_ask("GET_BILL", "n1")).send().await.unwrap();
    assert_eq!(bill.headers()["content-type"], "application/pdf");
    let bytes = bill.bytes().await.unwrap();
    provider.change_settings(|settings| settings.bill = BillForm::Url);
    let told = send(national_ask("GET_BILL", "n1")).await;
    assert_eq!(told["UrlBienLai"], confirm["UrlBienLai"]);
    let document = http().get(told["UrlBienLai"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(document.bytes().await.unwrap(), bytes);

    let (_, wrapped) =
        post(sandbox.url("/pay-sandbox/national/lgsp"), &national_signed(national_order("n2"), &INIT)).await;
    let inner: Value = serde_json::from_str(wrapped["message"].as_str().unwrap()).unwrap();
    assert_eq!((&wrapped["error_code"], &inner["MaLoi"]), (&json!("0"), &json!("00")));
    provider.fail("n2", "99").await.unwrap();
    assert_eq!(send(national_ask("QUERY", "n2")).await["TrangThaiGD"], "4");
}

#[tokio::test]
async fn the_national_platform_refuses_what_is_wrong() {
    let sandbox = sandbox();
    let url = sandbox.url("/pay-sandbox/national");
    let with = |name: &str, value: Value| {
        let mut body = national_order("n1");
        body[name] = value;
        national_signed(body, &INIT)
    };
    let mut forged = national_signed(national_order("n1"), &INIT);
    forged["SoTien"] = json!("1000");
    for (body, code, words) in [
        (forged, "97", "MaXacThuc"),
        (with("SoTien", json!(50_000)), "99", "SoTien"),
        (with("PhienBan", json!("1.0.5")), "99", "PhienBan"),
        (with("ThoiGianGD", json!("20261122250000")), "99", "ThoiGianGD"),
        (with("MaDoiTac", json!("other")), "99", "MaDoiTac"),
        (with("ThongTinBienLai", bill(1)), "99", "PhiLePhi"),
        (with("LoaiBanTin", json!("PAY")), "99", "LoaiBanTin"),
    ] {
        let answer = post(url.clone(), &body).await.1;
        assert_eq!((&answer["MaLoi"], &answer["MoTaLoi"]), (&json!(code), &json!(words)));
    }
    sandbox.payments().national.change_settings(|settings| settings.token_required = true);
    let refused = http().post(&url).json(&national_signed(national_order("n1"), &INIT)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(sandbox.payments().national.orders().is_empty());
}

#[tokio::test]
async fn the_portal_asks_what_is_to_be_paid_and_pays_it() {
    let mut message = bill(50_000);
    message["transaction_id"] = json!("n7");
    message["MaTraCuuTT"] = json!("H11-261122-000120261122");
    let to_pay = json!({"error_code": "1", "message": message}).to_string();
    let unit = Merchant::answering(200, r#"{"error_code":0,"message":{}}"#).await;
    let (sandbox, merchant) = (sandbox(), Merchant::answering(200, r#"{"MaLoi":"00"}"#).await);
    let provider = &sandbox.payments().national;
    assert!(provider.pull("H11-261122-0001", false).await.is_err(), "nobody said where to ask");
    provider.set_callback_url(&merchant.url);
    provider.change_settings(|settings| {
        settings.lookup_url = Some(unit.url.clone());
        settings.lookup_authorization = Some("Bearer t".into());
    });
    assert_eq!(provider.pull("H11-261122-0001", false).await.unwrap().0["error_code"], 0);
    assert!(provider.pull("H11-261122-0001", true).await.is_err(), "there is nothing to pay");
    let came = unit.came();
    assert_eq!((came[0].json(), came[0].authorization.as_str()), (json!({"MaHoSo": "H11-261122-0001"}), "Bearer t"));
    unit.next(&[(200, &to_pay), (200, &to_pay)]);
    let at = sandbox.url("/sandbox/payment-national/pull");
    let (status, done) = post(at.clone(), &json!({"MaHoSo": "H11-261122-0001", "pay": true})).await;
    assert_eq!((status, &done["order"]["state"], &done["order"]["amount"]), (200, &json!("paid"), &json!(50_000)));
    assert_eq!(provider.callbacks_of("n7", 1).await[0].outcome, AttemptOutcome::Accepted);
    assert_eq!(merchant.came()[0].json()["MaHoSo"], "H11-261122-0001");
    assert_eq!(post(at, &json!({"MaHoSo": "H11-261122-0001", "pay": true})).await.0, 400, "it is paid");
    assert_eq!(provider.order("n7").map(|order| order.state), Some(OrderState::Paid));
}
