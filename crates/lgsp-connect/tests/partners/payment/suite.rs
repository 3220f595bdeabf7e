//! What every payment provider promises, whatever it speaks: one suite, run on each kind.
//!
//! What only one protocol has stands in its own file. A difference between kinds is data of a [`Member`]; no case asks which one it
//! runs on.

use std::sync::Arc;

use lgsp_connect::{
    PAYMENT_PROVIDERS, PayFailure, PaymentProvider, RefundReport, RefundStanding, Report, ReportStanding,
};
use lgsp_model::Cause;
use serde_json::Value;

use super::member::{MEMBERS, Member, NEW, OLD};
use super::stub::{Back, Stands, Stub, deaf};
use super::{AMOUNT, ORDER, REFUND, order, refund, refund_id};
use crate::server::Answer;

/// Nothing of what is secret, or of what a provider wrote, stands in a failure.
fn no_secrets(text: &str) {
    for secret in [NEW, OLD, "geheim", "F8BBA842ECF85", "Rút", "Lệ phí", "Thành công"] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn told<T>(result: Result<T, PayFailure>) -> Result<T, PayFailure> {
    if let Err(failure) = &result {
        no_secrets(&format!("{failure:?}"));
    }
    result
}

async fn query(provider: &Arc<dyn PaymentProvider>) -> Result<Report, PayFailure> {
    told(provider.query(&order()).await)
}

/// What a call for a refund may be: `None` at a provider that takes none, which says so.
async fn sent_back(provider: &Arc<dyn PaymentProvider>, member: &Member) -> Option<PayFailure> {
    let sent = send_back(provider, member, true).await;
    if member.refunds {
        return Some(sent.unwrap_err());
    }
    assert_eq!(sent, Err(PayFailure::Unsupported), "{}", member.kind);
    None
}

/// The same for the question about one.
async fn asked_back(provider: &Arc<dyn PaymentProvider>, member: &Member) -> Option<PayFailure> {
    let asked = ask_refund(provider, member, None).await;
    if member.refunds {
        return Some(asked.unwrap_err());
    }
    assert_eq!(asked, Err(PayFailure::Unsupported), "{}", member.kind);
    None
}

async fn send_back(
    provider: &Arc<dyn PaymentProvider>,
    member: &Member,
    full: bool,
) -> Result<RefundReport, PayFailure> {
    told(provider.refund(refund(&order(), &refund_id(), member.transaction, full)).await)
}

async fn ask_refund(
    provider: &Arc<dyn PaymentProvider>,
    member: &Member,
    provider_id: Option<&str>,
) -> Result<RefundReport, PayFailure> {
    told(provider.query_refund(refund(&order(), &refund_id(), member.transaction, true), provider_id).await)
}

fn kind(failure: &PayFailure) -> (&'static str, &str) {
    let (kind, Cause { code, .. }) = match failure {
        PayFailure::Unsupported => return ("unsupported", ""),
        PayFailure::Deferred(cause) => ("deferred", cause),
        PayFailure::Refused(cause) => ("refused", cause),
        PayFailure::Unknown(cause) => ("unknown", cause),
    };
    (kind, code)
}

#[test]
fn the_suite_runs_on_every_kind_of_provider() {
    // A transfer is no order at anybody: what it promises stands in `transfer.rs`.
    let kinds = PAYMENT_PROVIDERS.iter().map(|family| family.name).filter(|kind| *kind != "transfer");
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(MEMBERS.iter().map(|member| member.kind).collect::<Vec<_>>(), kinds);
}

#[tokio::test]
async fn an_order_is_opened_and_the_citizen_goes_where_the_provider_says() {
    for member in MEMBERS {
        let stub = Stub::start(member).await;
        let opened = told(stub.provider(member, "").open(&order()).await).unwrap();
        assert!(opened.pay_url.starts_with(&stub.base()), "{}: {}", member.kind, opened.pay_url);
        assert!(opened.pay_url.contains(ORDER) && opened.pay_url.is_ascii() && !opened.pay_url.contains(' '));
        assert_eq!(stub.calls().len(), usize::from(member.opens_by_call), "{}", member.kind);
        assert_eq!(opened.evidence.is_empty(), !member.opens_by_call);
        let everything = format!("{} {:?} {:?}", opened.pay_url, stub.calls(), opened.evidence);
        assert!(!everything.contains("geheim"), "{}", member.kind);
    }
}

#[tokio::test]
async fn where_an_order_stands_is_told() {
    for member in MEMBERS {
        let stub = Stub::start(member).await;
        let provider = stub.provider(member, "");
        for (stands, standing) in [
            (Stands::Waiting, ReportStanding::Pending),
            (Stands::Paid, ReportStanding::Paid),
            (Stands::Failed, ReportStanding::Failed),
            (Stands::Unclear, ReportStanding::Unclear),
            (Stands::Missing, ReportStanding::NotFound),
        ] {
            stub.play(|play| play.stands = stands);
            let report = query(&provider).await.unwrap();
            assert_eq!(report.standing, standing, "{} {stands:?}", member.kind);
            assert!(!report.code.is_empty() && !report.evidence.is_empty());
            if stands == Stands::Paid {
                assert_eq!(report.amount.map(|amount| amount.get()), Some(AMOUNT), "{}", member.kind);
                assert_eq!(report.transaction.as_deref(), Some(member.transaction), "{}", member.kind);
            }
        }
        if member.tells_refunded {
            stub.play(|play| play.stands = Stands::Refunded);
            assert_eq!(query(&provider).await.unwrap().standing, ReportStanding::Refunded, "{}", member.kind);
        }
    }
}

#[tokio::test]
async fn another_amount_is_told_as_it_is_for_the_caller_to_compare() {
    for member in MEMBERS {
        let stub = Stub::start(member).await;
        stub.play(|play| play.amount = AMOUNT - 1);
        let report = query(&stub.provider(member, "")).await.unwrap();
        assert_eq!(report.amount.map(|amount| amount.get()), Some(AMOUNT - 1), "{}", member.kind);
    }
}

#[tokio::test]
async fn money_goes_back_in_whole_or_in_part_and_by_one_name_at_every_try() {
    for member in MEMBERS.iter().filter(|member| member.refunds) {
        for (back, standing) in [
            (Back::Done, RefundStanding::Done),
            (Back::Pending, RefundStanding::Pending),
            (Back::Refused, RefundStanding::Refused),
        ] {
            let stub = Stub::start(member).await;
            let provider = stub.provider(member, "");
            stub.play(|play| play.back = back);
            for full in [true, false] {
                let report = send_back(&provider, member, full).await.unwrap();
                assert_eq!(report.standing, standing, "{} {back:?}", member.kind);
                assert!(!report.code.is_empty() && !report.evidence.is_empty());
                assert!(report.provider_id.as_deref() != Some(member.transaction), "a refund is not its payment");
            }
            let calls = stub.calls();
            let name = |call: &crate::server::Call| match serde_json::from_str::<Value>(&call.body) {
                Ok(asked) => asked[member.refund_name].to_string(),
                Err(_) => call.body.split('&').find(|pair| pair.starts_with(member.refund_name)).unwrap().to_owned(),
            };
            assert_eq!(name(&calls[0]), name(&calls[1]), "{}", member.kind);
            assert!(name(&calls[0]).contains(REFUND), "{}", member.kind);
        }
    }
}

#[tokio::test]
async fn where_a_refund_stands_is_told() {
    for member in MEMBERS.iter().filter(|member| member.refunds) {
        let stub = Stub::start(member).await;
        let provider = stub.provider(member, "");
        let sent = send_back(&provider, member, true).await.unwrap();
        assert!(sent.provider_id.is_some(), "{}", member.kind);
        for (back, standing) in [
            (Back::Done, RefundStanding::Done),
            (Back::Pending, RefundStanding::Pending),
            (Back::Refused, RefundStanding::Refused),
        ] {
            stub.play(|play| play.back = back);
            let report = ask_refund(&provider, member, sent.provider_id.as_deref()).await.unwrap();
            assert_eq!(report.standing, standing, "{} {back:?}", member.kind);
        }
        stub.play(|play| play.back = Back::Missing);
        let report = ask_refund(&provider, member, None).await.unwrap();
        assert_eq!(report.standing, RefundStanding::NotFound, "{}", member.kind);
    }
}

/// What is lost when: a call that left may have had its effect, one that only asked is made again. All kinds at once, because each of
/// them waits.
async fn lost(answer: fn() -> Answer, code: &'static str) {
    let mut all: tokio::task::JoinSet<()> = MEMBERS.iter().map(|member| lost_at(member, answer, code)).collect();
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

async fn lost_at(member: &'static Member, answer: fn() -> Answer, code: &str) {
    let stub = Stub::start(member).await;
    stub.instead(answer);
    let short = "timeout = '300ms'";
    let asked = query(&stub.provider(member, short)).await.unwrap_err();
    assert_eq!(kind(&asked), ("deferred", code), "{}", member.kind);
    if let Some(asked) = asked_back(&stub.provider(member, short), member).await {
        assert_eq!(kind(&asked), ("deferred", code), "{}", member.kind);
    }
    if let Some(sent) = sent_back(&stub.provider(member, short), member).await {
        assert_eq!(kind(&sent), ("unknown", code), "{}", member.kind);
    }
    if member.opens_by_call {
        let opened = told(stub.provider(member, short).open(&order()).await).unwrap_err();
        assert_eq!(kind(&opened), ("unknown", code), "{}", member.kind);
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_the_effect_unknown() {
    lost(|| Answer::Reset, "reset").await;
    lost(|| Answer::Torn("{\"return_code\":1".into()), "reset").await;
}

#[tokio::test]
async fn a_slow_provider_leaves_the_effect_unknown() {
    lost(|| Answer::Silence, "timeout").await;
    lost(|| Answer::Stalled("{".into()), "timeout").await;
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    lost(|| Answer::Endless, "answer_too_large").await;
}

#[tokio::test]
async fn an_error_of_the_server_leaves_the_effect_unknown_and_a_redirect_is_not_followed() {
    lost(|| Answer::Words(502, "<h1>Bad gateway</h1>".into()), "http_502").await;
    lost(|| Answer::Status(302, &[("location", "http://127.0.0.1/")]), "http_302").await;
    lost(|| Answer::Words(404, "<h1>Not here</h1>".into()), "http_404").await;
}

#[tokio::test]
async fn what_certainly_did_not_happen_may_be_tried_again() {
    for member in MEMBERS {
        let nobody = deaf(member);
        assert_eq!(kind(&query(&nobody).await.unwrap_err()), ("deferred", "connect"), "{}", member.kind);
        if let Some(sent) = sent_back(&nobody, member).await {
            assert_eq!(kind(&sent), ("deferred", "connect"), "{}", member.kind);
        }
        if member.opens_by_call {
            assert_eq!(kind(&told(nobody.open(&order()).await).unwrap_err()), ("deferred", "connect"));
        }
        let stub = Stub::start(member).await;
        stub.instead(|| Answer::Status(429, &[]));
        let provider = stub.provider(member, "");
        assert_eq!(kind(&query(&provider).await.unwrap_err()), ("deferred", "http_429"));
        if let Some(sent) = sent_back(&provider, member).await {
            assert_eq!(kind(&sent), ("deferred", "http_429"), "{}", member.kind);
        }
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_means_nothing() {
    for member in MEMBERS {
        for body in ["", "<html>", "[]", "null", "{\"a\":1,\"a\":1}", "\u{feff}{}"] {
            let stub = Stub::start(member).await;
            stub.say(body);
            let provider = stub.provider(member, "");
            let failures = [query(&provider).await.err(), sent_back(&provider, member).await];
            assert!(failures[0].is_some(), "{} {body}", member.kind);
            for failure in failures.into_iter().flatten() {
                assert_eq!(kind(&failure), ("unknown", "answer_malformed"), "{} {body}", member.kind);
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_value_is_never_a_payment_or_a_refund() {
    for member in MEMBERS {
        let stub = Stub::start(member).await;
        stub.say("{}");
        let provider = stub.provider(member, "");
        let standing = query(&provider).await.map_or(ReportStanding::Unclear, |report| report.standing);
        assert_eq!(standing, ReportStanding::Unclear, "{}", member.kind);
        if let Some(failure) = sent_back(&provider, member).await {
            assert_eq!(kind(&failure).0, "unknown", "{}", member.kind);
        }
        if member.opens_by_call {
            assert_eq!(kind(&told(provider.open(&order()).await).unwrap_err()).0, "unknown", "{}", member.kind);
        }
    }
}

#[tokio::test]
async fn a_wrongly_signed_answer_means_nothing_and_the_old_key_is_good_during_the_change() {
    for member in MEMBERS.iter().filter(|member| member.signs_answers) {
        let stub = Stub::start(member).await;
        let provider = stub.provider(member, "");
        stub.play(|play| play.key = OLD);
        assert_eq!(query(&provider).await.unwrap().standing, ReportStanding::Paid, "{}", member.kind);
        stub.play(|play| play.key = "forged");
        assert_eq!(kind(&query(&provider).await.unwrap_err()), ("unknown", "answer_signature"), "{}", member.kind);
        let failures = [sent_back(&provider, member).await, asked_back(&provider, member).await];
        for failure in failures.into_iter().flatten() {
            assert_eq!(kind(&failure), ("unknown", "answer_signature"), "{}", member.kind);
        }
    }
}

#[tokio::test]
async fn an_answer_about_another_order_is_none() {
    for member in MEMBERS.iter().filter(|member| member.names_orders) {
        let stub = Stub::start(member).await;
        stub.play(|play| play.order = "zzzzzzzzzzzzzzzzzzzz");
        let provider = stub.provider(member, "");
        let failures =
            [query(&provider).await.err(), sent_back(&provider, member).await, asked_back(&provider, member).await];
        assert!(failures[0].is_some(), "{}", member.kind);
        for failure in failures.into_iter().flatten() {
            assert_eq!(kind(&failure), ("unknown", "answer_reference"), "{}", member.kind);
        }
    }
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_for_a_while() {
    for member in MEMBERS {
        let stub = Stub::start(member).await;
        stub.instead(|| Answer::Status(500, &[]));
        let provider = stub.provider(member, "");
        for _ in 0..5 {
            assert_eq!(kind(&query(&provider).await.unwrap_err()), ("deferred", "http_500"));
        }
        assert_eq!(kind(&query(&provider).await.unwrap_err()), ("deferred", "failing"), "{}", member.kind);
        if let Some(sent) = sent_back(&provider, member).await {
            assert_eq!(kind(&sent), ("deferred", "failing"), "{}", member.kind);
        }
        assert_eq!(stub.calls().len(), 5);
        stub.play(|play| play.instead = None);
        stub.pass(6);
        assert_eq!(query(&provider).await.unwrap().standing, ReportStanding::Paid, "{}", member.kind);
    }
}

#[test]
fn what_a_provider_takes_is_known_and_narrowed_by_the_contract() {
    for member in MEMBERS {
        let abilities = deaf(member).abilities();
        assert_eq!((abilities.refund, abilities.partial_refund), (member.refunds, member.refunds), "{}", member.kind);
        assert!(0 < abilities.least.get() && abilities.least < abilities.most, "{}", member.kind);
    }
}
