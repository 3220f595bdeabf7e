//! A bank that tells of credits and gives statements, as it is scripted. It opens nothing and fails nothing, so that it has tests of its own
//! in place of the suite's.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use lgsp_connect::{
    CallbackVerdict, CheckError, Heard, Opened, PayFailure, PaymentProvider, ReportStanding, Unheard,
    check_payment_provider, decode_vietqr,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::bill::filled;
use super::member::{Came, NEW, OLD};
use super::sign::sha256;
use super::{NOW, ORDER, dong, request};
use crate::server::{Answer, Partner};

fn provider(more: &str) -> Arc<dyn PaymentProvider> {
    let settings = format!("secret = ['{NEW}', '{OLD}']\npaid_at = 'time'\n{more}");
    check_payment_provider("transfer", &settings.parse().unwrap()).unwrap().build(Arc::new(|| NOW)).unwrap()
}

fn order() -> lgsp_connect::Order {
    let mut order = filled();
    order.bill.payee.account = "257678859".into();
    order
}

fn credit() -> Value {
    json!({"amount": 50_000, "description": format!("MBVCB.1.{}.CT", ORDER.to_uppercase()), "transaction": "FT1", "time": "20260101103500"})
}

fn came(body: &str, key: &str) -> Came {
    let mut came = Came::post(body.to_owned());
    came.headers.insert("x-signature", sha256(key, body).parse().unwrap());
    came
}

fn hear(credit: &Value) -> Result<Heard, Unheard> {
    provider("").hear(&request(&came(&credit.to_string(), NEW)))
}

#[tokio::test]
async fn a_citizen_is_shown_a_code_with_the_account_the_amount_and_the_payments_name() {
    let Opened { pay_url, qr, evidence } = provider("").open(&order()).await.unwrap();
    assert!(pay_url.is_empty() && evidence.is_empty());
    let qr = decode_vietqr(&qr.unwrap()).unwrap();
    let read = (qr.bin.as_str(), qr.account.as_str(), qr.amount, qr.purpose.as_deref(), qr.once);
    assert_eq!(read, ("970436", "257678859", Some(dong(50_000)), Some(ORDER), true));
    for (bin, account, word) in [("", "1", "bank_bin"), ("970436", "3511.0.1057642", "account")] {
        let mut order = order();
        order.bill.payee.bank_bin = bin.into();
        order.bill.payee.account = account.into();
        let refused = provider("").open(&order).await;
        assert!(matches!(&refused, Err(PayFailure::Refused(cause)) if cause.detail.contains(word)), "{refused:?}");
    }
}

#[test]
fn a_credit_is_heard_by_either_key_and_its_purpose_says_what_it_pays() {
    for key in [NEW, OLD] {
        let body = credit().to_string();
        let heard = provider("").hear(&request(&came(&body, key))).unwrap();
        assert_eq!((heard.order.as_str(), heard.proven, heard.report.standing), (ORDER, true, ReportStanding::Paid));
        assert_eq!((heard.report.amount, heard.report.transaction.as_deref()), (Some(dong(50_000)), Some("FT1")));
        assert_eq!(heard.report.paid_at.unwrap().to_string(), "2026-01-01T10:35:00.000+07:00");
        assert_eq!(heard.report.evidence, body);
    }
}

#[test]
fn what_is_no_credit_for_a_payment_says_nothing() {
    assert_eq!(provider("").hear(&request(&came(&credit().to_string(), "forged"))), Err(Unheard::BadSignature));
    assert_eq!(provider("").hear(&request(&Came::post(credit().to_string()))), Err(Unheard::BadSignature));
    let get = Came { method: Method::GET, ..came(&credit().to_string(), NEW) };
    assert_eq!(provider("").hear(&request(&get)), Err(Unheard::Malformed("method")));
    assert_eq!(provider("").hear(&request(&came("[]", NEW))), Err(Unheard::Malformed("message")));
    assert_eq!(provider("").hear(&request(&came(&"x".repeat(65_537), NEW))), Err(Unheard::Malformed("length")));
    for (name, value, why) in [
        ("description", json!("tien nha"), Unheard::UnknownOrder),
        ("description", json!(""), Unheard::Malformed("purpose")),
        ("amount", json!(-50_000), Unheard::Malformed("amount")),
        ("amount", json!(0), Unheard::Malformed("amount")),
        ("amount", json!(50_000.5), Unheard::Malformed("amount")),
        ("amount", json!(null), Unheard::Malformed("amount")),
        ("transaction", json!(""), Unheard::Malformed("transaction")),
        ("transaction", json!("x".repeat(121)), Unheard::Malformed("transaction")),
    ] {
        let mut changed = credit();
        changed[name] = value;
        assert_eq!(hear(&changed), Err(why), "{changed}");
    }
}

#[test]
fn money_that_goes_out_is_no_payment() {
    let provider = provider("direction = 'type'\ncredit = 'C'");
    let hear = |direction: Value| {
        let mut credit = credit();
        credit["type"] = direction;
        provider.hear(&request(&came(&credit.to_string(), NEW)))
    };
    assert!(hear(json!("C")).is_ok());
    assert_eq!(hear(json!("D")), Err(Unheard::UnknownOrder));
    assert_eq!(hear(json!(null)), Err(Unheard::Malformed("direction")));
}

#[test]
fn the_bank_calls_again_only_when_that_can_help() {
    let came = came("{}", NEW);
    for (verdict, status) in [
        (CallbackVerdict::Recorded, 200),
        (CallbackVerdict::AlreadyRecorded, 200),
        (CallbackVerdict::UnknownOrder, 200),
        (CallbackVerdict::WrongAmount, 200),
        (CallbackVerdict::BadSignature, 401),
        (CallbackVerdict::Malformed, 400),
        (CallbackVerdict::TryAgain, 503),
    ] {
        let reply = provider("").reply(&request(&came), verdict);
        assert_eq!(reply.status.as_u16(), status, "{verdict:?}");
        assert!(serde_json::from_slice::<Value>(&reply.body).is_ok());
    }
}

#[tokio::test]
async fn a_statement_is_asked_for_where_there_is_one() {
    assert_eq!(provider("").query(&order()).await, Err(PayFailure::Unsupported), "asking later is no help either");
    let other = json!({"amount": 49_000, "description": ORDER, "transaction": "FT0"});
    let stranger = json!({"amount": 50_000, "description": "zzzzzzzzzzzzzzzzzzzz", "transaction": "FT9"});
    for (credits, standing, transaction) in [
        (json!([]), ReportStanding::Pending, None),
        (json!([stranger, {"a": 1}]), ReportStanding::Pending, None),
        (json!([other, stranger, credit()]), ReportStanding::Paid, Some("FT1")),
        (json!([other]), ReportStanding::Paid, Some("FT0")),
    ] {
        let body = json!({"data": credits}).to_string();
        let bank = Partner::start(move |_| Answer::Reply(body.clone())).await;
        let more = format!(
            "url = 'http://{}'\nallow_private = true\nstatement_path = '/s'\nstatement_list = 'data'\ntoken = 'geheim'",
            bank.address
        );
        let report = provider(&more).query(&order()).await.unwrap();
        assert_eq!((report.standing, report.transaction.as_deref()), (standing, transaction));
        let call = &bank.calls()[0];
        assert_eq!(
            (call.path.as_str(), call.query.as_str()),
            ("/s", "account=257678859&purpose=0123456789abcdefghjk&from=2026-01-01")
        );
        assert_eq!(call.headers["authorization"], "Bearer geheim");
    }
}

#[tokio::test]
async fn a_statement_that_cannot_be_read_says_nothing() {
    for answer in [
        || Answer::Reply("{}".into()),
        || Answer::Reply(r#"{"transactions":"none"}"#.into()),
        || Answer::Reply(r#"{"transactions":[{"description":"x"},7]}"#.into()),
        || Answer::Reply("x".into()),
        || Answer::Status(500, &[]),
        || Answer::Words(403, "{}".into()),
    ] {
        let bank = Partner::start(move |_| answer()).await;
        let more = format!("url = 'http://{}'\nallow_private = true", bank.address);
        let failure = provider(&more).query(&order()).await.unwrap_err();
        assert!(matches!(failure, PayFailure::Unknown(_) | PayFailure::Deferred(_)), "{failure:?}");
    }
}

#[test]
fn settings_are_read_strictly() {
    for (settings, keys) in [
        ("", &["secret"][..]),
        ("secret = 's'", &[]),
        ("secret = 's'\nsurprise = 1", &["surprise"]),
        ("secret = 's'\nsignature_header = 'a b'", &["signature_header"]),
        ("secret = 's'\npaid_at_pattern = 'hh'", &["paid_at_pattern"]),
        ("secret = 's'\ncredit = 'C'", &["direction"]),
        ("secret = 's'\ndirection = 'type'", &["credit"]),
        ("secret = 's'\nurl = 'http://10.0.0.1'", &["url"]),
        ("secret = 's'\nurl = 'https://bank.example'\nstatement_path = 'x'", &["statement_path"]),
        ("secret = 's'\nleast = 0", &["least"]),
    ] {
        let found = match check_payment_provider("transfer", &settings.parse().unwrap()) {
            Err(CheckError::Settings(errors)) => errors.into_iter().map(|error| error.key).collect(),
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        };
        assert_eq!(found, keys, "{settings}");
    }
}

proptest! {
    #[test]
    fn no_signed_text_is_heard_into_a_panic(text in "\\PC{0,60}", purpose in "[0-9a-z .]{0,40}", amount in any::<i64>()) {
        let provider = provider("");
        let body = json!({"amount": amount, "description": purpose, "transaction": text}).to_string();
        for body in [text.as_str(), body.as_str()] {
            let _ = provider.hear(&request(&came(body, NEW)));
        }
    }

    #[test]
    fn a_changed_byte_is_a_wrong_signature(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let good = came(&credit().to_string(), NEW);
        let mut bytes = good.body.to_vec();
        bytes[at.index(good.body.len())] ^= 1 << bit;
        let changed = Came { body: Bytes::from(bytes), ..good };
        prop_assert_eq!(provider("").hear(&request(&changed)), Err(Unheard::BadSignature));
    }
}
