//! PayGov as it is scripted, and what only it has: the built-in profile `paygov`, called through an LGSP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lgsp_connect::{CallbackVerdict, PayFailure, Receipt, ReportStanding};
use serde_json::{Value, json};

use super::bill::filled;
use super::member::{Came, Member, NEW, OLD, Told};
use super::sign::digest;
use super::stub::{Play, Stands, Stub};
use super::{ORDER, order};
use crate::server::{Answer, Call};

pub(super) const MEMBER: Member = Member {
    kind: "paygov",
    settings: |base| {
        format!(
            "url = '{base}'\npartner_code = 'PAYGOV-TEST'\naccess_key = 'AK-1'\nsecret_key = ['{NEW}', '{OLD}']\nservice_code = 'DVC'"
        )
    },
    callback_key: "secret_key",
    answer,
    callback,
    needed: &[],
    replies: &[
        (CallbackVerdict::Recorded, 200, r#""error_code":"SUCCESSFUL""#),
        (CallbackVerdict::AlreadyRecorded, 200, r#""error_code":"SUCCESSFUL""#),
        (CallbackVerdict::UnknownOrder, 200, r#""error_code":"FAILED""#),
        (CallbackVerdict::WrongAmount, 200, r#""error_code":"FAILED""#),
        (CallbackVerdict::BadSignature, 200, r#""error_code":"SIGNATURE_WRONG""#),
        (CallbackVerdict::Malformed, 200, r#""error_code":"FAILED""#),
        (CallbackVerdict::TryAgain, 200, r#""error_code":"FAILED""#),
    ],
    opens_by_call: true,
    refunds: false,
    signs_answers: false,
    names_orders: true,
    tells_failures: true,
    proves: false,
    tells_refunded: false,
    transaction: "PG000389",
    refund_name: "",
};

fn answer(call: &Call, play: &Play) -> Answer {
    let host = call.headers["host"].to_str().unwrap();
    let code = match (call.path.as_str(), play.stands) {
        ("/token", _) => {
            return Answer::Reply(json!({"access_token": "token-1", "expires_in": 3600}).to_string());
        }
        ("/payment/create", _) => {
            let url = format!("http://{host}/p/{ORDER}");
            return Answer::Reply(json!({"error_code": "SUCCESSFUL", "data": {"url": url}}).to_string());
        }
        ("/payment/receipt", _) => {
            return Answer::Reply(
                json!({"error_code": "SUCCESSFUL", "transactionReceipt": format!("http://{host}/r/1")}).to_string(),
            );
        }
        ("/payment/query", Stands::Waiting) => "01",
        ("/payment/query", Stands::Paid | Stands::Refunded) => "00",
        ("/payment/query", Stands::Failed) => "24",
        ("/payment/query", Stands::Unclear) => "07",
        ("/payment/query", Stands::Missing) => "91",
        (other, _) => panic!("nobody serves {other}"),
    };
    let data = json!({"orderId": play.order, "amount": play.amount, "errorCode": code, "payDate": "20260101103500",
        "transactionNo": "389", "transactionCode": if code == "00" { MEMBER.transaction } else { "" }, "paygate": "VNPAY"});
    Answer::Reply(json!({"error_code": "SUCCESSFUL", "data": data}).to_string())
}

fn callback(told: &Told) -> Came {
    let fields = vec![
        ("orderId", told.order.to_owned()),
        ("amount", told.amount.to_string()),
        ("orderInfo", "Le phi".to_owned()),
        ("requestCode", told.order.to_owned()),
        ("transactionNo", "389".to_owned()),
        ("payDate", if told.paid { "20260101103500" } else { "" }.to_owned()),
        ("paygate", "VNPAY".to_owned()),
        ("errorCode", if told.paid { "00" } else { "24" }.to_owned()),
        ("type", "1".to_owned()),
        ("transactionCode", MEMBER.transaction.to_owned()),
    ];
    let fields = told.change.apply(fields, "orderInfo");
    let values: String = fields.iter().map(|(_, value)| value.as_str()).collect();
    let members = fields.iter().map(|(name, value)| format!("\"{name}\":{}", Value::from(value.as_str())));
    let signed = digest(&format!("{}{values}", told.key));
    let members: Vec<_> = members.chain([format!("\"checksum\":\"{signed}\"")]).collect();
    Came::post(format!("{{{}}}", members.join(",")))
}

const BEHIND_LGSP: &str = "consumer_key = 'lgsp'\nconsumer_secret = 'geheim-lgsp'\nlgspaccesstoken = 'geheim-header'";

fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_shown_with_every_call() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, BEHIND_LGSP);
    provider.open(&order()).await.unwrap();
    provider.query(&order()).await.unwrap();
    stub.pass(3600);
    provider.query(&order()).await.unwrap();
    let calls = stub.calls();
    let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/token", "/payment/create", "/payment/query", "/token", "/payment/query"]);
    let basic = format!("Basic {}", STANDARD.encode("lgsp:geheim-lgsp"));
    assert_eq!(
        (header(&calls[0], "authorization"), calls[0].body.as_str()),
        (Some(basic.as_str()), "grant_type=client_credentials")
    );
    for call in [&calls[1], &calls[2], &calls[4]] {
        assert_eq!(
            (header(call, "authorization"), header(call, "lgspaccesstoken")),
            (Some("Bearer token-1"), Some("geheim-header"))
        );
    }
    let asked: Value = serde_json::from_str(&calls[1].body).unwrap();
    let expected = json!({"partnerCode": "PAYGOV-TEST", "accessKey": "AK-1", "returnUrl": order().return_url, "orderId": ORDER,
        "amount": "50000", "orderInfo": "Le phi ho so H56.14-260101-0007", "requestCode": ORDER, "ipAddress": "203.0.113.7",
        "serviceCode": "DVC", "checksum": digest(&format!("{NEW}AK-1PAYGOV-TEST{ORDER}{ORDER}50000"))});
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn without_an_lgsp_no_token_is_asked_for_and_none_is_shown() {
    let stub = Stub::start(&MEMBER).await;
    stub.provider(&MEMBER, "").query(&order()).await.unwrap();
    let calls = stub.calls();
    assert_eq!(
        (calls.len(), header(&calls[0], "authorization"), header(&calls[0], "lgspaccesstoken")),
        (1, None, None)
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_asked_for_again_and_an_order_waits_for_it() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, BEHIND_LGSP);
    provider.query(&order()).await.unwrap();
    stub.instead(|| Answer::Words(401, "{}".into()));
    let refused = provider.open(&order()).await.unwrap_err();
    assert!(matches!(&refused, PayFailure::Deferred(cause) if cause.code == "http_401"), "{refused:?}");
    let none = provider.open(&order()).await.unwrap_err();
    assert!(matches!(&none, PayFailure::Deferred(cause) if cause.code == "http_401"), "{none:?}");
    for body in ["{}", r#"{"access_token":""}"#, "x"] {
        stub.say(body);
        assert!(matches!(provider.open(&order()).await, Err(PayFailure::Deferred(_))), "{body}");
    }
    stub.play(|play| play.instead = None);
    provider.open(&order()).await.unwrap();
    let paths: Vec<_> = stub.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(
        paths,
        [
            "/token",
            "/payment/query",
            "/payment/create",
            "/token",
            "/token",
            "/token",
            "/token",
            "/token",
            "/payment/create"
        ]
    );
}

#[tokio::test]
async fn a_receipt_is_asked_for_with_paygovs_name_of_the_payment() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    let receipt = provider.receipt(&filled()).await.unwrap();
    assert!(receipt == Receipt::Url(format!("{}/r/1", stub.base())));
    let asked: Value = serde_json::from_str(&stub.calls()[1].body).unwrap();
    let paids = STANDARD.encode(r#"["PG000389"]"#);
    let other =
        STANDARD.encode(r#"{"beneficiaryUnitCode":"000.14.01.H56","beneficiaryUnitName":"UBND phường Hạc Thành"}"#);
    assert_eq!(
        (&asked["paids"], &asked["otherInfo"], &asked["decisionDate"]),
        (&json!(paids), &json!(other), &json!("01-01-2026"))
    );
    let signed = format!(
        "{NEW}PAYGOV-TESTAK-1038000000001Nguyễn Thị Hoa12 Lê LợiThành phốThanh HóaH56.14-260101-0007Đăng ký khai sinh{paids}{other}01-01-2026"
    );
    assert_eq!(asked["checksum"], digest(&signed));
    stub.play(|play| play.stands = Stands::Waiting);
    assert!(
        matches!(provider.receipt(&filled()).await, Err(PayFailure::Refused(cause)) if cause.code == "profile_value")
    );
}

#[tokio::test]
async fn a_payment_that_came_to_nothing_has_no_name_and_no_time() {
    let stub = Stub::start(&MEMBER).await;
    stub.say(format!(
        r#"{{"data":{{"orderId":"{ORDER}","amount":50000,"errorCode":"51","transactionCode":"PG","payDate":"20260101103500"}}}}"#
    ));
    let report = stub.provider(&MEMBER, "").query(&order()).await.unwrap();
    assert_eq!((report.standing, report.transaction, report.paid_at), (ReportStanding::Failed, None, None));
}

#[tokio::test]
async fn an_answer_without_a_code_says_yes_only_when_it_is_a_success() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    stub.say(r#"{"data":{"url":"http://127.0.0.1/p"}}"#);
    assert_eq!(provider.open(&order()).await.unwrap().pay_url, "http://127.0.0.1/p");
    stub.instead(|| Answer::Words(403, r#"{"data":{"url":"http://127.0.0.1/p"}}"#.into()));
    let failure = provider.open(&order()).await.unwrap_err();
    assert!(matches!(&failure, PayFailure::Unknown(cause) if cause.code == "http_403"), "{failure:?}");
}
