//! Payments as a one-stop system, a citizen and a provider see them.

use serde_json::{Value, json};

use super::cashier::{BACK, Cashier, fee};
use super::gateway::Setup;
use super::hook::Hook;
use super::records::{code, code_of_h11, dossier, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_is_asked_for_paid_and_known_to_everybody_who_may_know() {
    let cashier = Cashier::start().await;
    let asked = cashier.make(&fee(1)).await;
    assert_eq!(
        (&asked["state"], &asked["SoTien"], &asked["provider"]),
        (&"pending".into(), &50_000.into(), &"vnpay".into())
    );
    let id = asked["id"].as_str().unwrap();
    let back = cashier.press(&asked, "pay").await;
    assert!(back.header("location").contains(&format!("/pay/{id}/return")), "{}", back.header("location"));
    let paid = cashier.until(id, "paid").await;
    assert_eq!((&paid["received"], &paid["flags"], &paid["final"]), (&50_000.into(), &json!([]), &true.into()));
    assert!(paid["transaction"].is_string() && paid["paid_at"].is_string(), "{paid}");
    let there = cashier.browse(&format!("/pay/{id}/return?vnp_ResponseCode=24")).await.expect(303);
    assert_eq!(there.header("location"), format!("{BACK}?payment={id}&reference=lan-1.1"));

    let reader = cashier.world.token("reader").await;
    let feed = cashier.world.get(&reader, "/v1/changes?kind=payment").await.expect(200).json();
    let states: Vec<_> = feed["changes"].as_array().unwrap().iter().map(|change| &change["record"]["state"]).collect();
    assert_eq!(states, ["created", "pending", "paid"]);
    assert_eq!(feed["changes"][2]["MaHoSo"], code(1));
    let list = cashier.world.get(&reader, &format!("/v1/payments?MaHoSo={}", code(1))).await.expect(200).json();
    assert_eq!((&list["financial"]["state"], &list["financial"]["paid"]), (&"paid".into(), &50_000.into()));
    assert_eq!(list["payments"][0]["id"], id);
    let receipt = cashier.world.get(&reader, &format!("/v1/payments/{id}/receipt")).await.expect(200).json();
    assert_eq!((&receipt["SoTien"], &receipt["MaHoSo"]), (&50_000.into(), &code(1).into()));
    let page = cashier.browse(&format!("/pay/{id}")).await.expect(200);
    assert!(page.text().contains("Đã thanh toán") && page.text().contains("50.000 đ"), "{}", page.text());
    let metrics = cashier.world.metrics().await;
    for line in [
        r#"lgsp_payments_total{provider="vnpay",state="paid"} 1"#,
        r#"lgsp_payment_callbacks_total{provider="vnpay",verdict="recorded"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_with_the_browser_changes_nothing() {
    let cashier = Cashier::start().await;
    cashier.world.sandbox.payments().vnpay.change_settings(|settings| settings.callback_url = None);
    let asked = cashier.make(&fee(2)).await;
    let id = asked["id"].as_str().unwrap();
    let back = cashier.press(&asked, "pay").await;
    let signed = back.header("location").split_once("/return").unwrap().1.to_owned();
    cashier.browse(&format!("/pay/{id}/return{signed}")).await.expect(303);
    assert_eq!(cashier.payment(id).await["state"], "pending", "only the provider's own word counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_never_comes_is_made_up_for_by_asking() {
    let cashier = Cashier::start().await;
    let asked = cashier.make(&fee(3)).await;
    let id = asked["id"].as_str().unwrap();
    cashier.press(&asked, "callback_lost").await;
    let paid = cashier.until(id, "paid").await;
    assert_eq!(paid["received"], 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_reference_is_the_same_payment_and_another_one_under_it_is_refused() {
    let cashier = Cashier::start().await;
    let first = cashier.make(&fee(4)).await;
    let again = cashier.ask(&fee(4)).await.expect(200).json();
    assert_eq!((&again["id"], &again["payment_url"]), (&first["id"], &first["payment_url"]));
    let mut other = fee(4);
    other["description"] = "Khác".into();
    cashier.ask(&other).await.expect_problem(422, "GW1402");
    let (cashier, mut all) = (std::sync::Arc::new(cashier), tokio::task::JoinSet::new());
    for _ in 0..8 {
        let cashier = cashier.clone();
        all.spawn(async move { cashier.ask(&fee(5)).await.json()["id"].to_string() });
    }
    let ids: std::collections::BTreeSet<_> = all.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 1, "asked for eight times at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_a_request_is_told_at_once_without_its_values() {
    let cashier = Cashier::start().await;
    let paths = |answer: super::gateway::Answer| -> Vec<String> {
        assert!(!answer.text().contains("079199887766"), "{}", answer.text());
        answer.json()["errors"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect()
    };
    let mut wrong =
        with(with(with(fee(6), "SoTien", 49_999), "payee", "kho-bac-h11"), "return_url", "https://evil.test/");
    wrong["expires_at"] = "2020-01-01T00:00:00+07:00".into();
    wrong["payer_address"] = "nowhere".into();
    let told = paths(cashier.ask(&wrong).await.expect_problem(422, "GW1501"));
    assert_eq!(told, ["/SoTien", "/payee", "/return_url", "/expires_at", "/payer_address"]);
    for (field, value) in [
        ("providers", json!(["nobody"])),
        ("SoTien", json!(50_000.5)),
        ("SoTien", json!("50000")),
        ("reference", json!("a b")),
        ("PhiLePhi", json!([])),
        ("surprise", json!(1)),
    ] {
        let told = paths(cashier.ask(&with(fee(6), field, value)).await.expect_problem(422, "GW1501"));
        assert!(!told.is_empty(), "{field}");
    }
    cashier.world.post(&cashier.token, "/v1/payments", "{").await.expect_problem(400, "GW1002");
    cashier.ask(&with(fee(6), "MaHoSo", code_of_h11(1))).await.expect_problem(403, "GW1202");
    cashier.ask(&with(fee(6), "MaHoSo", "x")).await.expect_problem(422, "GW1501");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_or_changes_what_is_not_his() {
    let cashier = Cashier::start().await;
    let asked = cashier.make(&fee(7)).await;
    let id = asked["id"].as_str().unwrap();
    let (world, one) = (&cashier.world, format!("/v1/payments/{id}"));
    let (reader, stranger, pusher) =
        (world.token("reader").await, world.token("stranger").await, world.token("one-stop").await);
    world.get(&reader, &one).await.expect(200);
    world.get(&stranger, &one).await.expect_problem(404, "GW1305");
    world.get(&pusher, &one).await.expect_problem(403, "GW1201");
    world.get(&cashier.token, "/v1/payments/0123456789abcdefghjk").await.expect_problem(404, "GW1305");
    world.post(&reader, "/v1/payments", fee(8).to_string()).await.expect_problem(403, "GW1201");
    let refund = json!({ "reference": "r", "reason": "x" }).to_string();
    world.post(&reader, &format!("{one}/refund"), refund.clone()).await.expect_problem(403, "GW1201");
    world.post(&stranger, &format!("{one}/cancel"), "").await.expect_problem(404, "GW1305");
    world.get(&pusher, "/v1/changes?kind=payment").await.expect_problem(403, "GW1201");
    let feed = world.get(&pusher, "/v1/changes").await.expect(200).json();
    assert_eq!(feed["changes"], json!([]), "who does not ask for payments gets none");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_citizen_chooses_among_providers_once() {
    let more = r#"
[[payment_provider]]
id = "vnpay-2"
kind = "vnpay"
name = "VNPAY thứ hai"
[payment_provider.settings]
url = "{sandbox}/pay-sandbox/vnpay"
allow_private = true
tmn_code = "OTHER001"
secret = "0123456789abcdef0123456789abcdef"
"#;
    let cashier = Cashier::with(Setup { providers: more.to_owned(), ..Setup::default() }).await;
    let mut ask = fee(9);
    ask.as_object_mut().unwrap().remove("providers");
    let asked = cashier.make(&ask).await;
    let id = asked["id"].as_str().unwrap();
    assert_eq!((&asked["state"], &asked["provider"]), (&"created".into(), &Value::Null));
    let page = cashier.browse(&format!("/pay/{id}")).await.expect(200);
    assert!(page.text().contains("VNPAY thứ hai") && page.text().contains("<form method=\"post\""), "{}", page.text());
    cashier.submit(&format!("/pay/{id}"), &[("provider", "nobody")]).await.expect(400);
    let sent = cashier.submit(&format!("/pay/{id}"), &[("provider", "vnpay")]).await.expect(303);
    assert!(sent.header("location").contains("/paymentv2/vpcpay.html?"), "{}", sent.header("location"));
    let again = cashier.submit(&format!("/pay/{id}"), &[("provider", "vnpay-2")]).await.expect(303);
    assert_eq!(again.header("location"), sent.header("location"), "who chose first, chose");
    cashier.press(&cashier.payment(id).await, "pay").await;
    assert_eq!(cashier.until(id, "paid").await["provider"], "vnpay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_final_and_a_cancelled_payment_that_is_paid_later_is_paid_and_flagged() {
    let cashier = Cashier::start().await;
    let failed = cashier.make(&fee(10)).await;
    cashier.press(&failed, "fail").await;
    let failed = cashier.until(failed["id"].as_str().unwrap(), "failed").await;
    assert_eq!((&failed["cause"], &failed["final"]), (&"not_paid".into(), &true.into()));

    let asked = cashier.make(&fee(11)).await;
    let id = asked["id"].as_str().unwrap();
    let cancelled =
        cashier.world.post(&cashier.token, &format!("/v1/payments/{id}/cancel"), "").await.expect(200).json();
    assert_eq!(
        (&cancelled["state"], &cancelled["cause"], &cancelled["final"]),
        (&"expired".into(), &"cancelled".into(), &false.into())
    );
    cashier.press(&asked, "pay").await;
    let late = cashier.until(id, "paid").await;
    assert_eq!(late["flags"], json!(["late"]));
    cashier.world.post(&cashier.token, &format!("/v1/payments/{id}/cancel"), "").await.expect_problem(409, "GW1401");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_back_in_parts_and_a_repeat_is_not_a_second_refund() {
    let cashier = Cashier::start().await;
    let asked = cashier.make(&fee(12)).await;
    let id = asked["id"].as_str().unwrap();
    let part = json!({ "reference": "hoan-1", "SoTien": 20_000, "reason": "Hồ sơ rút" });
    cashier.refund(id, &part).await.expect_problem(409, "GW1401");
    cashier.press(&asked, "pay").await;
    cashier.until(id, "paid").await;
    let refunded = cashier.refund(id, &part).await.expect(200).json();
    assert_eq!((&refunded["state"], &refunded["refunded"]), (&"partly_refunded".into(), &20_000.into()));
    let again = cashier.refund(id, &part).await.expect(200).json();
    assert_eq!((&again["refunded"], again["refunds"].as_array().unwrap().len()), (&20_000.into(), 1));
    cashier.refund(id, &with(part, "SoTien", 1)).await.expect_problem(422, "GW1402");
    let too_much = json!({ "reference": "hoan-2", "SoTien": 30_001, "reason": "x" });
    cashier.refund(id, &too_much).await.expect_problem(409, "GW1401");
    let rest = cashier.refund(id, &json!({ "reference": "hoan-3", "reason": "Hồ sơ rút" })).await.expect(200).json();
    assert_eq!((&rest["state"], &rest["refunded"], &rest["final"]), (&"refunded".into(), &50_000.into(), &true.into()));
    let book = cashier.world.sandbox.payments().vnpay.orders();
    assert_eq!(book.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_is_paid_twice_is_flagged() {
    let cashier = Cashier::start().await;
    let mut ids = Vec::new();
    for reference in ["a", "b"] {
        let asked = cashier.make(&with(fee(13), "reference", reference)).await;
        cashier.press(&asked, "pay").await;
        ids.push(asked["id"].as_str().unwrap().to_owned());
        cashier.until(ids.last().unwrap(), "paid").await;
    }
    let flagged = cashier.when(&ids[1], "flagged", |payment| payment["flags"] == json!(["paid_twice"])).await;
    assert_eq!(flagged["state"], "paid");
    assert_eq!(cashier.payment(&ids[0]).await["flags"], json!([]), "the first one stays as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_that_lie_are_recorded_and_change_nothing() {
    let cashier = Cashier::start().await;
    let asked = cashier.make(&fee(14)).await;
    let id = asked["id"].as_str().unwrap();
    let vnpay = &cashier.world.sandbox.payments().vnpay;
    vnpay.change_settings(|settings| settings.callback_tries = Some(1));
    cashier.press(&asked, "wrong_signature").await;
    cashier.counted("vnpay", "bad_signature").await;
    let wrong = cashier.make(&fee(15)).await;
    cashier.press(&wrong, "wrong_amount").await;
    let wrong = cashier
        .when(wrong["id"].as_str().unwrap(), "flagged", |payment| payment["flags"] == json!(["wrong_amount"]))
        .await;
    assert_ne!(wrong["state"], "failed");
    let stranger = cashier.browse("/payments/vnpay/callback?vnp_TxnRef=x").await.expect(200).json();
    assert_eq!(stranger["RspCode"], "97");
    cashier.browse("/payments/nobody/callback?x=1").await.expect_problem(404, "GW1301");
    assert_eq!(cashier.payment(id).await["received"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_outlive_a_restart() {
    let cashier = Cashier::start().await;
    let asked = cashier.make(&fee(16)).await;
    let id = asked["id"].as_str().unwrap().to_owned();
    let cashier = cashier.restart().await;
    cashier.press(&asked, "callback_lost").await;
    cashier.until(&id, "paid").await;
    let cashier = cashier.restart().await;
    assert_eq!(cashier.payment(&id).await["state"], "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_waits_and_why_and_says_that_he_looked() {
    let cashier = Cashier::start().await;
    let world = &cashier.world;
    let open = cashier.make(&fee(20)).await;
    let paid = cashier.make(&fee(21)).await;
    let id = paid["id"].as_str().unwrap();
    world.post(&cashier.token, &format!("/v1/payments/{id}/cancel"), "").await.expect(200);
    cashier.press(&paid, "pay").await;
    cashier.until(id, "paid").await;
    let listed = || async {
        let list = world.admin("GET", "/admin/v1/payments", None).await.expect(200).json();
        let rows = list["payments"].as_array().unwrap().clone();
        rows.into_iter()
            .map(|row| (row["id"].as_str().unwrap().to_owned(), row["needs_a_person"] == true))
            .collect::<Vec<_>>()
    };
    let of_open = (open["id"].as_str().unwrap().to_owned(), false);
    let begun = std::time::Instant::now();
    while listed().await != [of_open.clone(), (id.to_owned(), true)] {
        assert!(begun.elapsed() < super::gateway::PATIENCE, "{:?}", listed().await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let story = world.admin("GET", &format!("/admin/v1/payments/{id}"), None).await.expect(200).json();
    let told = story["explanation"].to_string();
    assert!(told.contains("vnpay has the money since") && told.contains("after the payment's end"), "{told}");
    let events: Vec<_> =
        story["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(events, ["payment", "payment", "payment", "evidence", "payment"], "{story}");
    assert!(!story.to_string().contains("079199887766"), "who pays is none of his business");
    world
        .admin("POST", &format!("/admin/v1/payments/{id}/review"), Some(json!({})))
        .await
        .expect_problem(400, "GW1006");
    let why = json!({ "reason": "Đã báo một cửa" });
    world.admin("POST", &format!("/admin/v1/payments/{id}/review"), Some(why.clone())).await.expect(200);
    assert_eq!(listed().await, std::slice::from_ref(&of_open));
    world
        .admin("POST", &format!("/admin/v1/payments/{id}/review"), Some(why.clone()))
        .await
        .expect_problem(409, "GW1401");
    let asked =
        world.admin("POST", &format!("/admin/v1/payments/{}/ask", of_open.0), Some(why)).await.expect(200).json();
    assert_eq!(asked["said"], "no_money");
    world.admin("GET", "/admin/v1/payments/0123456789abcdefghjk", None).await.expect_problem(404, "GW1305");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_by_post_knows_its_fee_and_the_fee_its_result() {
    let cashier = Cashier::start().await;
    let world = &cashier.world;
    let order = |cod: i64| {
        json!({
            "CustomerCode": "H56", "OrderNumber": format!("KQ-{cod}"), "SenderName": "Một cửa", "SenderAddress": "Số 1", "SenderTel": "0200000000",
            "SenderProvince": 38, "SenderDistrict": 1, "ReceiverName": "Nguyễn Văn Thử", "ReceiverAddress": "Số 2",
            "ReceiverTel": "0900000000", "ReceiverProvince": 38, "ReceiverDistrict": 1, "CODAmount": cod, "FlagConfig": 2,
        })
    };
    let mut messages = Vec::new();
    for cod in [0, 50_000] {
        let stored =
            world.post(&cashier.token, "/services/vnpost/orders", order(cod).to_string()).await.expect(202).json();
        messages.push(stored["message_id"].as_str().map_or_else(|| stored["message_id"].to_string(), str::to_owned));
    }
    let linked = |n: usize, message: &str| with(fee(n), "post", json!({ "message": message, "CuocPhi": 30_000 }));
    cashier.ask(&linked(30, &messages[1])).await.expect_problem(422, "GW1501");
    cashier.ask(&linked(30, "999")).await.expect_problem(422, "GW1501");
    cashier
        .ask(&with(fee(30), "post", json!({ "message": messages[0], "CuocPhi": 1 })))
        .await
        .expect_problem(422, "GW1501");
    let payment = cashier.make(&linked(30, &messages[0])).await;
    assert_eq!((&payment["post"]["order"], &payment["post"]["CODAmount"]), (&"KQ-0".into(), &0.into()));
    cashier.ask(&linked(31, &messages[0])).await.expect_problem(409, "GW1401");
    let message = world.get(&cashier.token, &format!("/v1/messages/{}", messages[0])).await.expect(200).json();
    assert_eq!((&message["payment"]["id"], &message["payment"]["paid"]), (&payment["id"], &false.into()));
    cashier.press(&payment, "pay").await;
    cashier.until(payment["id"].as_str().unwrap(), "paid").await;
    let message = world.get(&cashier.token, &format!("/v1/messages/{}", messages[0])).await.expect(200).json();
    assert_eq!((&message["payment"]["paid"], &message["payment"]["CODAmount"]), (&true.into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_portal_pulls_is_bound_to_it_and_paid_there_once() {
    let cashier = Cashier::start().await;
    let world = &cashier.world;
    let reader = world.token("reader").await;
    let settings = json!({
        "lookup_url": world.url("/payments/national/lookup"),
        "lookup_authorization": format!("Bearer {reader}"),
    });
    cashier.control("payment-national/settings", &settings).await;
    let asked = cashier.make(&with(fee(40), "providers", json!(["vnpay", "national"]))).await;
    let id = asked["id"].as_str().unwrap();
    assert_eq!(asked["state"], "created");
    let pulled = cashier.control("payment-national/pull", &json!({ "MaHoSo": code(40), "pay": true })).await;
    assert!(pulled["answer"].to_string().contains(id), "{pulled}");
    let paid = cashier.until(id, "paid").await;
    assert_eq!((&paid["provider"], &paid["flags"]), (&"national".into(), &json!([])));
    let again = cashier.control("payment-national/pull", &json!({ "MaHoSo": code(40) })).await;
    assert!(!again["answer"].to_string().contains(id), "what is paid is not handed out again: {again}");

    let chosen = cashier.make(&with(fee(41), "providers", json!(["vnpay", "national"]))).await;
    let page = format!("/pay/{}", chosen["id"].as_str().unwrap());
    cashier.submit(&page, &[("provider", "vnpay")]).await.expect(303);
    let late = cashier.control("payment-national/pull", &json!({ "MaHoSo": code(41) })).await;
    assert!(!late["answer"].to_string().contains(chosen["id"].as_str().unwrap()), "who chose first, chose: {late}");
    send_lookup(&cashier, None).await.expect(401);
    send_lookup(&cashier, Some(&world.token("stranger").await)).await.expect_problem(403, "GW1202");
}

async fn send_lookup(cashier: &Cashier, token: Option<&str>) -> super::gateway::Answer {
    let request =
        cashier.world.http.post(cashier.world.url("/payments/national/lookup")).json(&json!({ "MaHoSo": code(40) }));
    super::gateway::send(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_its_provider_does_not_end_is_ended_by_a_person() {
    let cashier = Cashier::start().await;
    let world = &cashier.world;
    cashier.control("payment-vnpay/settings", &json!({ "refunds": "pending", "defer_ms": null })).await;
    let asked = cashier.make(&fee(42)).await;
    let id = asked["id"].as_str().unwrap();
    cashier.press(&asked, "pay").await;
    cashier.until(id, "paid").await;
    let pending = cashier.refund(id, &json!({ "reference": "h", "reason": "x" })).await.expect(200).json();
    assert_eq!(pending["state"], "refund_pending");
    let refund = pending["refunds"][0]["id"].as_str().unwrap();
    let settle = format!("/admin/v1/payments/{id}/refunds/{refund}/settle");
    world.admin("POST", &settle, Some(json!({ "reason": "x" }))).await.expect_problem(400, "GW1006");
    let found = json!({ "done": true, "reason": "VNPAY xác nhận qua điện thoại" });
    world.admin("POST", &settle, Some(found.clone())).await.expect(200);
    assert_eq!(cashier.payment(id).await["state"], "refunded");
    world.admin("POST", &settle, Some(found)).await.expect_problem(409, "GW1401");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_left_the_configuration_is_not_paid_to() {
    let mut cashier = Cashier::start().await;
    let mut ask = fee(43);
    ask.as_object_mut().unwrap().remove("providers");
    let asked = cashier.make(&ask).await;
    let renamed = |setup: &mut Setup| setup.providers = setup.providers.replace("kho-bac-h56", "kho-bac-moi");
    cashier.world.reload(renamed).await;
    let page = format!("/pay/{}", asked["id"].as_str().unwrap());
    cashier.submit(&page, &[("provider", "vnpay")]).await.expect(409);
    assert_eq!(cashier.payment(asked["id"].as_str().unwrap()).await["state"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_anybody_sends_fills_little_of_the_log() {
    let cashier = Cashier::start().await;
    let before = cashier.world.metrics().await;
    let seq = |metrics: &str| {
        let line = metrics.lines().find(|line| line.starts_with("lgsp_log_seq ")).unwrap().to_owned();
        line.split(' ').nth(1).unwrap().parse::<u64>().unwrap()
    };
    let noise = "x".repeat(5_000);
    for n in 0..100 {
        let answer = cashier.browse(&format!("/payments/vnpay/callback?n={n}&x={noise}")).await.expect(200).json();
        assert_eq!(answer["RspCode"], "97");
    }
    let kept = seq(&cashier.world.metrics().await) - seq(&before);
    assert!((1..=62).contains(&kept), "{kept} of 100 pieces of noise");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_by_webhook_and_the_dossier_shows_its_money_beside_its_business() {
    let hook = Hook::start().await;
    let target = |id: &str, kinds: &str| {
        hook.target(id).replace("connector = \"webhook\"\n", &format!("connector = \"webhook\"\nkinds = [{kinds}]\n"))
    };
    let targets = target("cashier-hook", "\"payment\"");
    let cashier = Cashier::with(Setup { targets, ..Setup::default() }).await;
    let world = &cashier.world;
    world.accept(&cashier.token, &dossier(&code(44), "2")).await;
    let shown = || async { world.get(&cashier.token, &format!("/v1/dossiers/{}", code(44))).await.expect(200).json() };
    assert_eq!(shown().await["financial"], Value::Null);
    let asked = cashier.make(&fee(44)).await;
    assert_eq!(shown().await["financial"]["state"], "open");
    cashier.press(&asked, "pay").await;
    cashier.until(asked["id"].as_str().unwrap(), "paid").await;
    let dossier = shown().await;
    assert_eq!((&dossier["financial"]["state"], &dossier["TrangThaiHoSo"]), (&"paid".into(), &"2".into()));
    let begun = std::time::Instant::now();
    while hook.calls().len() < 3 {
        assert!(begun.elapsed() < super::gateway::PATIENCE, "{} calls", hook.calls().len());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let told: Vec<Value> = hook.calls().iter().map(|call| serde_json::from_slice(&call.body).unwrap()).collect();
    let types: Vec<_> = told.iter().map(|call| call["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["payment.created", "payment.pending", "payment.paid"]);
    assert_eq!((&told[2]["data"]["record"]["id"], &told[2]["data"]["MaHoSo"]), (&asked["id"], &code(44).into()));
    assert!(hook.signed(&hook.calls()[2], 0));
}
