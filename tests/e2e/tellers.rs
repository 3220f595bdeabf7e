//! What every payment provider has to do, whatever it speaks: each case runs on all of them, through the gateway, against the simulated
//! one. A difference between them is data of a `Teller`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::cashier::{Cashier, TELLERS, Teller, fee};
use super::gateway::send;
use super::records::with;

/// Runs a case on every provider at once.
async fn each<F: Future<Output = ()> + Send + 'static>(case: impl Fn(Arc<Cashier>, Teller) -> F) {
    let cashier = Arc::new(Cashier::start().await);
    let mut all = JoinSet::new();
    for teller in TELLERS {
        all.spawn(case(cashier.clone(), teller));
    }
    all.join_all().await;
}

/// The fee of a provider's own dossier, payable there only.
fn fee_at(teller: Teller) -> Value {
    let n = TELLERS.iter().position(|other| other.kind == teller.kind).unwrap() + 100;
    with(fee(n), "providers", json!([teller.kind]))
}

async fn opened(cashier: &Cashier, teller: Teller) -> (Value, String) {
    let payment = cashier.make(&fee_at(teller)).await;
    assert_eq!((&payment["state"], &payment["provider"]), (&"pending".into(), &teller.kind.into()), "{payment}");
    let id = payment["id"].as_str().unwrap().to_owned();
    (payment, id)
}

/// The order's name at the provider.
fn reference(teller: Teller, payment: &Value) -> String {
    let (id, opened) = (payment["id"].as_str().unwrap(), payment["opened_at"].as_str().unwrap());
    if teller.kind == "zalopay" {
        return format!("{}{}{}_{id}", &opened[2..4], &opened[5..7], &opened[8..10]);
    }
    id.to_owned()
}

async fn act(cashier: &Cashier, teller: Teller, payment: &Value, act: &str) {
    let body = json!({ "reference": reference(teller, payment), "act": act });
    cashier.control(&format!("payment-{}/act", teller.kind), &body).await;
}

/// So often the feed has the payment in this state.
async fn told(cashier: &Cashier, id: &str, state: &str) -> usize {
    let feed = cashier.world.get(&cashier.token, "/v1/changes?kind=payment&limit=10000").await.expect(200).json();
    let changes = feed["changes"].as_array().unwrap().iter();
    let mut last = Value::Null;
    let mut times = 0;
    for change in changes.filter(|change| change["record"]["id"] == id) {
        times += usize::from(change["record"]["state"] == state && last != state);
        last = change["record"]["state"].clone();
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_is_known_once_and_can_go_back_where_it_can() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        let back = cashier.press(&payment, "pay").await;
        assert!(
            !teller.returns || back.header("location").contains(&format!("/pay/{id}/return")),
            "{teller:?} {}",
            back.header("location")
        );
        let paid = cashier.until(&id, "paid").await;
        assert_eq!((&paid["flags"], &paid["received"]), (&json!([]), &50_000.into()), "{paid}");
        assert!(paid["transaction"].is_string(), "{paid}");
        let part = json!({ "reference": "hoan-1", "SoTien": 20_000, "reason": "Ho so rut" });
        if !teller.refunds {
            cashier.refund(&id, &part).await.expect_problem(409, "GW1401");
            return;
        }
        cashier.refund(&id, &part).await.expect(200);
        let refunded = cashier.until(&id, "partly_refunded").await;
        assert_eq!(refunded["refunded"], 20_000);
        cashier.refund(&id, &json!({ "reference": "hoan-2", "reason": "Ho so rut" })).await.expect(200);
        assert_eq!(cashier.until(&id, "refunded").await["refunded"], 50_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_as_failed() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        cashier.press(&payment, "fail").await;
        let failed = cashier.until(&id, "failed").await;
        assert_eq!((&failed["received"], &failed["cause"]), (&Value::Null, &"not_paid".into()), "{failed}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_is_not_sure_of_is_waited_for() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        cashier.press(&payment, "defer").await;
        let paid = cashier.until(&id, "paid").await;
        assert_eq!(paid["received"], 50_000);
        assert_eq!(told(&cashier, &id, "failed").await, 0, "{teller:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_callback_is_made_up_for_by_asking() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        cashier.press(&payment, "callback_lost").await;
        assert_eq!(cashier.until(&id, "paid").await["received"], 50_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_comes_twice_counts_once() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        cashier.press(&payment, "callback_twice").await;
        cashier.until(&id, "paid").await;
        cashier.counted(teller.kind, "already_recorded").await;
        assert_eq!(told(&cashier, &id, "paid").await, 1, "{teller:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_of_a_forger_counts_nothing() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        cashier.control(&format!("payment-{}/settings", teller.kind), &json!({ "callback_tries": 1 })).await;
        cashier.press(&payment, "wrong_signature").await;
        cashier.counted(teller.kind, "bad_signature").await;
        // The money did move; the provider's own word says it.
        cashier.until(&id, "paid").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_anybody_could_have_changed_counts_nothing_alone() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        if teller.proves {
            return;
        }
        cashier.control(&format!("payment-{}/settings", teller.kind), &json!({ "callback_tries": 1 })).await;
        act(&cashier, teller, &payment, "forge").await;
        cashier.counted(teller.kind, "try_again").await;
        let still = cashier.payment(&id).await;
        assert_eq!((&still["state"], &still["received"]), (&"pending".into(), &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_never_counts_as_paid() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        cashier.control(&format!("payment-{}/settings", teller.kind), &json!({ "callback_tries": 1 })).await;
        cashier.press(&payment, "wrong_amount").await;
        cashier.counted(teller.kind, "wrong_amount").await;
        let payment = cashier.payment(&id).await;
        assert!(payment["state"] == "pending" || payment["received"] == 50_000, "{payment}");
        if teller.proves {
            assert!(payment["flags"].as_array().unwrap().contains(&"wrong_amount".into()), "{payment}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_when_nobody_waits_any_more_is_paid_and_flagged() {
    each(async |cashier: Arc<Cashier>, teller| {
        let (payment, id) = opened(&cashier, teller).await;
        let page = cashier.browse(payment["payment_url"].as_str().unwrap()).await;
        assert!(page.status < 400, "{}", page.text());
        let cancel = format!("/v1/payments/{id}/cancel");
        let cancelled = cashier.world.post(&cashier.token, &cancel, "").await.expect(200).json();
        assert_eq!(cancelled["cause"], "cancelled");
        act(&cashier, teller, &payment, "pay").await;
        let late = cashier.until(&id, "paid").await;
        assert_eq!((&late["flags"], &late["cause"]), (&json!(["late"]), &Value::Null));
    })
    .await;
}

/// Opens an order while the provider misbehaves; the payment as it is told at once.
async fn troubled(cashier: &Cashier, teller: Teller, service: &str, fault: Value) -> Value {
    let faults = format!("payment-{}/faults", teller.kind);
    let mut rule = fault;
    rule["service"] = json!(service);
    rule["times"] = json!(1);
    cashier.control(&faults, &json!([rule])).await;
    let begun = Instant::now();
    let payment = cashier.make(&fee_at(teller)).await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    payment
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_was_lost_is_unknown_and_never_opened_twice() {
    each(async |cashier: Arc<Cashier>, teller| {
        let Some(service) = teller.opens else { return };
        let payment = troubled(&cashier, teller, service, json!({ "fault": "reset_after_storing" })).await;
        let id = payment["id"].as_str().unwrap();
        assert_eq!((&payment["state"], &payment["final"]), (&"unknown".into(), &false.into()), "{teller:?}");
        act(&cashier, teller, &payment, "pay").await;
        cashier.until(id, "paid").await;
        let orders = send_get(&cashier, &format!("/sandbox/payment-{}/orders", teller.kind)).await;
        assert_eq!(orders.as_array().map(Vec::len), Some(1), "{teller:?} {orders}");
    })
    .await;
}

async fn send_get(cashier: &Cashier, path: &str) -> Value {
    send(cashier.world.http.get(cashier.world.sandbox.url(path))).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_slow_or_endless_or_errors_cost_bounded_time_and_lose_nothing() {
    for fault in [
        json!({ "fault": "slow", "delay_ms": 60_000 }),
        json!({ "fault": "oversize", "bytes": 50_000_000 }),
        json!({ "fault": "server_error" }),
        json!({ "fault": "malformed_body" }),
    ] {
        each(|cashier: Arc<Cashier>, teller| {
            let fault = fault.clone();
            async move {
                let Some(service) = teller.opens else { return };
                let payment = troubled(&cashier, teller, service, fault.clone()).await;
                let id = payment["id"].as_str().unwrap();
                assert!(
                    ["unknown", "created", "pending"].iter().any(|state| payment["state"] == *state),
                    "{teller:?} {payment}"
                );
                assert_eq!(cashier.payment(id).await["received"], Value::Null);
                let again = cashier.ask(&fee_at(teller)).await.expect(200).json();
                assert_eq!(again["id"], payment["id"], "a repeat finds it");
            }
        })
        .await;
    }
}
