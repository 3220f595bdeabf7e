//! A seventh provider that the gateway was never built for: everything about it stands in its settings, as config/payment-profiles.md
//! shows. Its scheme is one of the field: concatenated values under an HMAC-SHA1, forms, a redirect, signed answers, refunds.

use lgsp_connect::{CallbackVerdict, PayFailure, ReportStanding, Unheard};
use proptest::prelude::*;
use serde_json::json;
use toml::{Table, Value};

use super::member::{Came, Change, MEMBERS, Member, NEW, OLD, Told};
use super::sign::sha1;
use super::stub::{Back, Play, Stands, Stub, deaf};
use super::{AMOUNT, ORDER, REFUND, order, refund, refund_id, request};
use crate::server::{Answer, Call};

const PROFILE: &str = include_str!("seventh.toml");

const ACCESS: &str = "geheim-access";

pub(super) const MEMBER: Member = Member {
    kind: "declared",
    settings: |base| {
        // On one line, so that the suite can take settings out one by one.
        let profile = Value::Table(PROFILE.parse::<Table>().unwrap());
        format!(
            "url = '{base}'\naccess_code = '{ACCESS}'\nmerchant_code = 'LGSP'\nhash_key = ['{NEW}', '{OLD}']\nprofile = {profile}"
        )
    },
    callback_key: "hash_key",
    answer,
    callback,
    needed: &[],
    replies: &[
        (CallbackVerdict::Recorded, 200, r#""error_code":"00""#),
        (CallbackVerdict::AlreadyRecorded, 200, r#""error_code":"00""#),
        (CallbackVerdict::UnknownOrder, 200, r#""error_code":"01""#),
        (CallbackVerdict::WrongAmount, 200, r#""error_code":"03""#),
        (CallbackVerdict::BadSignature, 200, r#""error_code":"02""#),
        (CallbackVerdict::Malformed, 400, r#""error_code":"03""#),
        (CallbackVerdict::TryAgain, 503, r#""error_code":"03""#),
    ],
    opens_by_call: false,
    refunds: true,
    signs_answers: true,
    names_orders: true,
    tells_failures: true,
    proves: false,
    tells_refunded: true,
    transaction: "VT000389",
    refund_name: "refund_id",
};

fn answer(call: &Call, play: &Play) -> Answer {
    let (error, status) = match (call.path.as_str(), play.stands, play.back) {
        ("/inquiry", Stands::Missing, _) => ("01", "0"),
        ("/inquiry", Stands::Waiting, _) => ("00", "0"),
        ("/inquiry", Stands::Paid, _) => ("00", "1"),
        ("/inquiry", Stands::Failed, _) => ("00", "2"),
        ("/inquiry", Stands::Unclear, _) => ("00", "6"),
        ("/inquiry", Stands::Refunded, _) => ("00", "5"),
        ("/refund" | "/refund-inquiry", _, Back::Done) => ("00", "1"),
        ("/refund" | "/refund-inquiry", _, Back::Pending) => ("10", "0"),
        ("/refund" | "/refund-inquiry", _, Back::Refused) => ("11", "0"),
        ("/refund" | "/refund-inquiry", _, Back::Missing) => ("12", "0"),
        (other, ..) => panic!("nobody serves {other}"),
    };
    let signed = sha1(play.key, &format!("{ACCESS}|{error}|{}|{status}|{}", play.order, play.amount));
    let told = json!({"error_code": error, "order_id": play.order, "payment_status": status, "trans_amount": play.amount,
        "vt_transaction_id": MEMBER.transaction, "refund_no": "RF000390", "check_sum": signed});
    Answer::Reply(told.to_string())
}

fn callback(told: &Told) -> Came {
    let fields = vec![
        ("billcode", "H56".to_owned()),
        ("merchant_code", "LGSP".to_owned()),
        ("order_id", told.order.to_owned()),
        ("trans_amount", told.amount.to_string()),
        ("payment_status", if told.paid { "1" } else { "2" }.to_owned()),
        ("vt_transaction_id", MEMBER.transaction.to_owned()),
    ];
    let fields = told.change.apply(fields, "billcode");
    let value = |name: &str| fields.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value);
    let values: String = ["billcode", "merchant_code", "order_id", "trans_amount"].map(value).concat();
    let pairs = fields.iter().map(|(name, value)| format!("{name}={value}"));
    let signed = sha1(told.key, &format!("{ACCESS}{values}"));
    Came::post(pairs.chain([format!("check_sum={signed}")]).collect::<Vec<_>>().join("&"))
}

#[tokio::test]
async fn a_citizen_is_sent_with_a_signed_address_and_every_call_is_the_profiles() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    let opened = provider.open(&order()).await.unwrap();
    let signed = sha1(NEW, &format!("{ACCESS}{ORDER}LGSP{ORDER}50000"));
    let expected = format!(
        "{}/pay?billcode={ORDER}&check_sum={signed}&command=PAYMENT&desc=Le+phi+ho+so+H56.14-260101-0007&merchant_code=LGSP&order_id={ORDER}\
         &return_url=https%3A%2F%2Fgw.example%2Fpay%2F{ORDER}%2Freturn&trans_amount=50000",
        stub.base()
    );
    assert_eq!((opened.pay_url, opened.qr), (expected, None));
    let (order, id) = (order(), refund_id());
    provider.refund(refund(&order, &id, MEMBER.transaction, false)).await.unwrap();
    provider.refund(refund(&order, &id, MEMBER.transaction, true)).await.unwrap();
    provider.query_refund(refund(&order, &id, MEMBER.transaction, true), None).await.unwrap();
    let calls = stub.calls();
    let signed = sha1(NEW, &format!("{ACCESS}LGSP{ORDER}{REFUND}25000"));
    assert_eq!(
        calls[0].body,
        format!(
            "check_sum={signed}&merchant_code=LGSP&order_id={ORDER}&reason=Rut+ho+so&refund_id={REFUND}&trans_amount=25000&type=03&\
             vt_transaction_id=VT000389"
        )
    );
    assert!(calls[1].body.contains("trans_amount=50000&type=02"), "{}", calls[1].body);
    assert_eq!((calls[2].path.as_str(), calls[2].query.contains(REFUND)), ("/refund-inquiry", true));
}

#[test]
fn what_a_form_lacks_is_told() {
    let provider = deaf(&MEMBER);
    for (name, word) in [("order_id", "order"), ("payment_status", "standing"), ("merchant_code", "expected value")] {
        let told = Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change: Change::Without(name) };
        assert_eq!(provider.hear(&request(&callback(&told))), Err(Unheard::Malformed(word)), "{name}");
    }
}

#[tokio::test]
async fn what_will_be_taken_later_is_deferred_and_what_is_unknown_is_asked_again() {
    let stub = Stub::start(&MEMBER).await;
    let provider = stub.provider(&MEMBER, "");
    stub.say(r#"{"error_code":"03"}"#);
    assert!(matches!(provider.query(&order()).await, Err(PayFailure::Deferred(_))));
    stub.say(r#"{"error_code":"98"}"#);
    assert!(matches!(provider.query(&order()).await, Err(PayFailure::Unknown(cause)) if cause.code == "code_unknown"));
}

/// What a profile has a place for must stand there before it is believed; only of what nobody knows nothing need be said.
#[tokio::test]
async fn an_answer_that_names_no_order_or_no_amount_is_no_payment() {
    for member in MEMBERS.iter().filter(|member| ["keypay", "paygov", "national", "declared"].contains(&member.kind)) {
        let stub = Stub::start(member).await;
        let provider = stub.provider(member, "");
        let (paid, missing, order, amount) = match member.kind {
            "keypay" => (json!({"error": "0", "status": 0}), json!({"error": "1"}), "transaction_id", "trans_amount"),
            "paygov" => (json!({"errorCode": "00"}), json!({"errorCode": "91"}), "orderId", "amount"),
            "national" => (json!({"MaLoi": "00", "TrangThaiGD": "1"}), json!({"MaLoi": "01"}), "MaThamChieu", "SoTien"),
            _ => (json!({"error_code": "00", "payment_status": "1"}), json!(null), "order_id", "trans_amount"),
        };
        let say = |told: &serde_json::Value| {
            let mut told = told.clone();
            if member.kind == "declared" {
                let text = |name: &str| told[name].as_str().map_or_else(String::new, ToOwned::to_owned);
                let values = ["error_code", "order_id", "payment_status", "trans_amount"].map(text);
                told["check_sum"] = sha1(NEW, &format!("{ACCESS}|{}", values.join("|"))).into();
            }
            stub.say(told.to_string());
        };
        let mut unnamed = paid.clone();
        unnamed[amount] = "50000".into();
        say(&unnamed);
        let failure = provider.query(&super::order()).await.unwrap_err();
        assert!(matches!(failure, PayFailure::Unknown(_)), "{} {failure:?}", member.kind);
        let mut whole = unnamed;
        whole[order] = ORDER.into();
        say(&whole);
        assert_eq!(provider.query(&super::order()).await.unwrap().standing, ReportStanding::Paid, "{}", member.kind);
        let mut unsaid = paid;
        unsaid[order] = ORDER.into();
        say(&unsaid);
        let report = provider.query(&super::order()).await.unwrap();
        assert_eq!((report.standing, report.amount), (ReportStanding::Unclear, None), "{}", member.kind);
        // The seventh's profile wants the name in every answer.
        if !missing.is_null() {
            say(&missing);
            assert_eq!(
                provider.query(&super::order()).await.unwrap().standing,
                ReportStanding::NotFound,
                "{}",
                member.kind
            );
        }
    }
}

/// The blocks of TOML under a heading of the guide.
fn blocks(heading: &str) -> Vec<Table> {
    let guide = include_str!("../../../../../config/payment-profiles.md");
    let section = guide.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let lines: Vec<&str> = section.lines().map(str::trim).collect();
    let blocks = lines.split(|line| *line == "```toml").skip(1);
    blocks.map(|block| block.split(|line| *line == "```").next().unwrap().join("\n").parse().unwrap()).collect()
}

#[test]
fn the_steps_of_the_guide_make_a_provider() {
    let steps = blocks("A seventh provider");
    let mut profile = Table::new();
    for step in &steps[..4] {
        profile.extend(step.clone());
    }
    let mut settings = steps[4]["payment_provider"][0]["settings"].as_table().unwrap().clone();
    settings.insert("profile".into(), Value::Table(profile));
    lgsp_connect::check_payment_provider("declared", &settings).unwrap();
    let transfer = blocks("Bank transfers")[0]["payment_provider"]["settings"].as_table().unwrap().clone();
    lgsp_connect::check_payment_provider("transfer", &transfer).unwrap();
    let keypay = blocks("# Payment providers without code").remove(0);
    let keypay = keypay["payment_provider"][0]["settings"].as_table().unwrap();
    lgsp_connect::check_payment_provider("keypay", keypay).unwrap();
}

#[tokio::test]
async fn a_provider_that_sends_back_only_everything_is_not_asked_for_less() {
    let stub = Stub::start(&MEMBER).await;
    let settings = (MEMBER.settings)(&stub.base()).replace("partial = true", "partial = false");
    let settings = format!("{settings}\nallow_private = true");
    let provider = lgsp_connect::check_payment_provider("declared", &settings.parse().unwrap()).unwrap();
    let provider = provider.build(std::sync::Arc::new(|| super::NOW)).unwrap();
    assert!(provider.abilities().refund && !provider.abilities().partial_refund);
    let (order, id) = (order(), refund_id());
    let less = provider.refund(refund(&order, &id, MEMBER.transaction, false)).await;
    assert_eq!((less, stub.calls().len()), (Err(PayFailure::Unsupported), 0));
    provider.refund(refund(&order, &id, MEMBER.transaction, true)).await.unwrap();
}

#[tokio::test]
async fn a_provider_that_nobody_can_ask_says_so() {
    let settings = "url = 'https://pay.example'\npartner = 'DT1'\nsecret = 's'";
    let national: Table = include_str!("../../../src/payment/profiles/national.toml").parse().unwrap();
    let mut profile = national;
    profile.remove("query").unwrap();
    let mut settings: Table = settings.parse().unwrap();
    settings.insert("profile".into(), Value::Table(profile));
    let provider = lgsp_connect::check_payment_provider("declared", &settings).unwrap();
    let provider = provider.build(std::sync::Arc::new(|| super::NOW)).unwrap();
    assert_eq!(provider.query(&order()).await, Err(PayFailure::Unsupported));
}

proptest! {
    #[test]
    fn another_letter_in_a_signed_value_is_a_wrong_signature(
        which in 0_usize..4, order: bool, at in any::<prop::sample::Index>(), other in "[0-9a-z]",
    ) {
        let kinds = ["keypay", "paygov", "national", "declared"];
        let member = MEMBERS.iter().find(|member| member.kind == kinds[which]).unwrap();
        let told = Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change: Change::None };
        let good = (member.callback)(&told);
        let text = String::from_utf8(good.body.to_vec()).unwrap();
        let value = if order { ORDER.to_owned() } else { AMOUNT.to_string() };
        let from = text.find(&value).unwrap() + at.index(value.len());
        prop_assume!(text[from..=from] != other);
        // A letter in a number that stands without quotes is no JSON.
        prop_assume!(order || other.bytes().all(|b| b.is_ascii_digit() && b != b'0'));
        let changed = format!("{}{other}{}", &text[..from], &text[from + 1..]);
        prop_assert_eq!(deaf(member).hear(&request(&Came::post(changed))), Err(Unheard::BadSignature));
    }
}
