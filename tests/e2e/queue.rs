//! Services in queue mode: what is accepted arrives once and in order, whoever sent it learns what became of it, and an
//! operator has the last word.

use std::time::{Duration, Instant};

use lgsp_sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::gateway::{Answer, PATIENCE, Setup, World, secret_of, send, until};
use crate::hook::Hook;

/// A post office: orders are asked for when their fate is unknown, cancellations are not.
const POST: &str = r#"
id = "post"
version = "1"
valid_from = 2025-01-01
title = { vi = "Bưu điện", en = "Post" }
description = { vi = "Đơn gửi", en = "Orders" }
owner = "Bưu điện tỉnh"
mode = "queue"
[expose]
path = "/services/post"
[queue]
keep_reply = true
callback = true
[upstream]
servers = ["{sandbox}/vnpost"]
format = "json"
timeout = "15s"
[upstream.retry]
attempts = 4
first = "20ms"
max = "100ms"
[upstream.breaker]
failures = 3
open = "30ms"
open_max = "100ms"
[upstream.credentials]
kind = "oauth2"
token_url = "{sandbox}/vnpost/token"
client_id = "lgsp"
client_secret = "lgsp-sandbox"
[[operation]]
name = "create"
path = "/orders"
upstream_path = "/api?service=orderPost"
key = "/OrderNumber"
settled_when = '/Status == "100"'
[operation.ask]
upstream_path = "/api?service=orderTracking"
upstream_method = "POST"
map = "map/ask.map"
found_when = '/Status == "100"'
missing_when = '/Status == "103"'
[[operation]]
name = "cancel"
path = "/cancellations"
upstream_path = "/api?service=orderCancel"
key = "/OrderNumber"
settled_when = '/Status == "100"'
"#;

/// A service that cannot be asked what it has and recognises no repeats. Nothing keeps its messages in order.
const NOTES: &str = r#"
id = "notes"
version = "1"
valid_from = 2025-01-01
title = { vi = "Ghi chú", en = "Notes" }
description = { vi = "Ghi chú", en = "Notes" }
owner = "Sở"
mode = "queue"
[expose]
path = "/services/notes"
authentication = ["bearer", "basic"]
[upstream]
servers = ["SERVER"]
format = "json"
timeout = "15s"
[upstream.retry]
attempts = 4
first = "20ms"
max = "100ms"
[upstream.breaker]
failures = 3
open = "30ms"
open_max = "100ms"
[[operation]]
name = "add"
path = ""
upstream_path = "/sink"
"#;

const ECHO: &str = "{sandbox}/echo";

fn file(path: &str, text: &str) -> (String, String) {
    (path.to_owned(), text.to_owned())
}

fn contracts() -> Vec<(String, String)> {
    vec![
        file("post/contract.toml", POST),
        file("post/map/ask.map", "OrderNumber <- /OrderNumber\n"),
        file("notes/contract.toml", &NOTES.replace("SERVER", ECHO)),
    ]
}

fn member(id: &str, more: &str) -> String {
    let secret = secret_of(id);
    format!(
        "[[member]]\nid = \"{id}\"\nname = \"{id}\"\nagencies = [\"H56\"]\nsecret = \"{secret}\"\n\
         scopes = [\"service:post\", \"service:notes\"]\n{more}\n"
    )
}

fn setup(callback: &str) -> Setup {
    let members = format!("{}{}", member("shop", callback), member("other", ""));
    Setup { members, contracts: contracts(), ..Setup::default() }
}

fn order(number: &str) -> Value {
    json!({
        "CustomerCode": "KH0001", "OrderNumber": number, "SenderName": "UBND", "SenderAddress": "1", "SenderTel": "2",
        "ReceiverName": "A", "ReceiverAddress": "3", "ReceiverTel": "4", "CODAmount": 0, "SenderProvince": 10,
        "SenderDistrict": 1, "ReceiverProvince": 20, "ReceiverDistrict": 2, "FlagConfig": 2,
    })
}

const ORDERS: &str = "/services/post/orders";
const CANCELLATIONS: &str = "/services/post/cancellations";
const NOTES_PATH: &str = "/services/notes";

/// Posts a message that is accepted; its id.
async fn accept(world: &World, token: &str, path: &str, body: &Value) -> String {
    let answer = world.post(token, path, body.to_string()).await.expect(202);
    let accepted = answer.json();
    let id = accepted["message_id"].as_str().unwrap().to_owned();
    assert_eq!(accepted["outcome"], "accepted");
    assert_eq!(answer.header("location"), format!("/v1/messages/{id}"));
    id
}

async fn message(world: &World, token: &str, id: &str) -> Value {
    world.get(token, &format!("/v1/messages/{id}")).await.expect(200).json()
}

/// Waits until a message stands there.
async fn becomes(world: &World, token: &str, id: &str, status: &str) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = message(world, token, id).await;
        if found["status"] == status {
            return found;
        }
        assert!(Instant::now() < end, "it should become {status}: {found:#}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A fault that certainly left nothing behind.
fn down() -> FaultRule {
    FaultRule::always(Fault::Unavailable { retry_after_s: 0 })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_arrives_and_its_sender_alone_sees_what_became_of_it() {
    let world = World::with(setup("")).await;
    let (token, other) = (world.token("shop").await, world.token("other").await);
    let id = accept(&world, &token, ORDERS, &order("DH-1")).await;
    let settled = becomes(&world, &token, &id, "settled").await;
    assert_eq!((&settled["service"], &settled["operation"]), (&json!("post"), &json!("create")));
    let reply = until("the reply", || async {
        Some(message(&world, &token, &id).await["reply"].clone()).filter(|reply| !reply.is_null())
    })
    .await;
    assert_eq!((&reply["outcome"], &reply["status"]), (&json!("settled"), &json!(200)));
    assert_eq!((&reply["body"]["OrderNumber"], &reply["message_id"]), (&json!("DH-1"), &json!(id)));
    assert_eq!(world.sandbox.vnpost().times_ordered("DH-1"), 1);

    let path = format!("/v1/messages/{id}");
    world.get(&other, &path).await.expect_problem(404, "GW1304");
    world.get(&token, "/v1/messages/999999").await.expect_problem(404, "GW1304");
    world.get("no token", &path).await.expect_problem(401, "GW1101");
    // Notes take Basic; about their messages it counts too, about others it does not.
    let note = accept(&world, &token, NOTES_PATH, &json!({"n": 1})).await;
    let basic =
        |id: &str| world.http.get(world.url(&format!("/v1/messages/{id}"))).basic_auth("shop", Some(secret_of("shop")));
    send(basic(&note)).await.expect(200);
    send(basic(&id)).await.expect(401);
    becomes(&world, &token, &note, "settled").await;
    let seen = world.sandbox.echo().seen().pop().unwrap();
    assert_eq!((seen.header("idempotency-key"), seen.method.as_str()), (Some(note.as_str()), "POST"));
    assert!(seen.header("traceparent").is_some() && seen.header("authorization").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_must_say_everything_in_a_body_that_can_be_stored() {
    let world = World::with(setup("")).await;
    let token = world.token("shop").await;
    world.post(&token, &format!("{NOTES_PATH}?a=1"), "{}").await.expect_problem(400, "GW1006");
    world.post(&token, NOTES_PATH, "").await.expect_problem(415, "GW1004");
    world.post(&token, NOTES_PATH, "{").await.expect_problem(400, "GW1002");
    world.post(&token, ORDERS, json!({"a": 1}).to_string()).await.expect_problem(422, "GW1501");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_makes_a_repeat_of_a_message_and_belongs_to_one_body() {
    let world = World::with(setup("")).await;
    let token = world.token("shop").await;
    let post = async |body: Value| -> Answer {
        let request = world.http.post(world.url(ORDERS)).bearer_auth(&token).header("idempotency-key", "k1");
        send(request.header("content-type", "application/json").body(body.to_string())).await
    };
    let id = post(order("DH-1")).await.expect(202).json()["message_id"].clone();
    let again = post(order("DH-1")).await.expect(200).json();
    assert_eq!((&again["message_id"], &again["outcome"]), (&id, &json!("duplicate")));
    post(order("DH-2")).await.expect_problem(422, "GW1402");
    becomes(&world, &token, id.as_str().unwrap(), "settled").await;
    assert_eq!(world.sandbox.vnpost().orders().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_kills_nothing_and_a_key_keeps_its_order_over_operations_and_restarts() {
    let world = World::with(setup("")).await;
    let token = world.token("shop").await;
    let fault = world.sandbox.vnpost().add_fault(down().on("orderPost")).unwrap();
    let mut ids = Vec::new();
    for number in 0..5 {
        let number = format!("DH-{number}");
        ids.push(accept(&world, &token, ORDERS, &order(&number)).await);
        ids.push(accept(&world, &token, CANCELLATIONS, &json!({"OrderNumber": number})).await);
    }
    let calls = || world.sandbox.vnpost().counters().calls.get("orderPost").copied().unwrap_or_default();
    until("more tries than a message has", || async { (calls() > 30).then_some(()) }).await;
    for id in &ids {
        let waiting = message(&world, &token, id).await;
        assert!(["pending", "retry"].contains(&waiting["status"].as_str().unwrap()), "{waiting}");
    }
    let world = world.restart().await;
    let token = world.token("shop").await;
    assert!(world.sandbox.vnpost().remove_fault(fault));
    for id in &ids {
        becomes(&world, &token, id, "settled").await;
    }
    let orders = world.sandbox.vnpost().orders();
    assert_eq!(orders.len(), 5);
    assert!(orders.iter().all(|order| order.status == 9), "a cancellation cannot come before its order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_holds_up_its_key_and_no_other_until_an_operator_decides() {
    let world = World::with(setup("")).await;
    let token = world.token("shop").await;
    let mut bad = order("DH-1");
    bad["CustomerCode"] = "KH9999".into();
    let bad = accept(&world, &token, ORDERS, &bad).await;
    let refused = becomes(&world, &token, &bad, "refused").await;
    assert_eq!((&refused["cause"], &refused["reply"]["outcome"]), (&json!("refused"), &json!("refused")));
    assert_eq!(refused["reply"]["body"]["Status"], "102");
    let behind = accept(&world, &token, CANCELLATIONS, &json!({"OrderNumber": "DH-1"})).await;
    let other = accept(&world, &token, ORDERS, &order("DH-2")).await;
    becomes(&world, &token, &other, "settled").await;
    becomes(&world, &token, &behind, "retry").await;

    let parked = world.admin("GET", "/admin/v1/parked?target=service-post", None).await.expect(200).json();
    let row = &parked["parked"][0];
    assert_eq!((&row["key"], &row["state"], &row["MaHoSo"]), (&json!("post/*/DH-1"), &json!("dead"), &Value::Null));
    // What is shown of a target is a moment old.
    until("operators see that one message is dead", || async {
        let targets = world.admin("GET", "/admin/v1/targets", None).await.expect(200).json();
        let row =
            targets["targets"].as_array().unwrap().iter().find(|row| row["id"] == "service-post").unwrap().clone();
        (row["connector"] == "service" && row["parked"]["dead"] == 1).then_some(())
    })
    .await;

    // The customer is entered at the post, and the operator has it sent again.
    world.sandbox.vnpost().change_settings(|settings| settings.customers.push("KH9999".into()));
    let path = format!("/admin/v1/parked/service-post/{bad}/retry");
    world.admin("POST", &path, Some(json!({"reason": "customer entered"}))).await.expect(200);
    becomes(&world, &token, &bad, "settled").await;
    becomes(&world, &token, &behind, "settled").await;
    assert_eq!(world.sandbox.vnpost().orders().iter().find(|order| order.number == "DH-1").unwrap().status, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_have_arrived_is_asked_for_and_sent_again_only_if_it_is_missing() {
    for (name, fault) in [("stored", Fault::ResetAfterStoring), ("not stored", Fault::ResetBeforeStoring)] {
        let world = World::with(setup("")).await;
        let post = world.sandbox.vnpost();
        post.change_settings(|settings| settings.idempotent = false);
        post.add_fault(FaultRule::times(fault, 1).on("orderPost")).unwrap();
        let token = world.token("shop").await;
        let id = accept(&world, &token, ORDERS, &order("DH-1")).await;
        let settled = becomes(&world, &token, &id, "settled").await;
        assert_eq!(settled["reply"]["outcome"], "settled", "{name}");
        assert_eq!(post.times_ordered("DH-1"), 1, "{name}");
        assert!(post.counters().calls["orderTracking"] >= 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_and_cannot_be_asked_for_waits_for_a_person() {
    let world = World::with(setup("")).await;
    let token = world.token("shop").await;
    let echo = world.sandbox.echo();
    echo.add_fault(FaultRule::times(Fault::ResetAfterStoring, 2)).unwrap();
    let (first, second) = (json!({"n": 1}), json!({"n": 2}));
    let first = accept(&world, &token, NOTES_PATH, &first).await;
    let unknown = becomes(&world, &token, &first, "unknown").await;
    assert!(unknown["cause"].is_string() && unknown["attempts"] == 1, "{unknown}");
    let second = accept(&world, &token, NOTES_PATH, &second).await;
    becomes(&world, &token, &second, "unknown").await;
    // One without a declared key waits for no other.
    let third = accept(&world, &token, NOTES_PATH, &json!({"n": 3})).await;
    becomes(&world, &token, &third, "settled").await;
    assert_eq!(echo.seen_count(), 3, "nothing was sent twice");

    let act = async |id: &str, word: &str| {
        let path = format!("/admin/v1/parked/service-notes/{id}/{word}");
        world.admin("POST", &path, Some(json!({"reason": "looked there"}))).await
    };
    until("the outcome is asked for", || async { Some(act(&first, "retry").await).filter(|done| done.status == 200) })
        .await;
    becomes(&world, &token, &first, "settled").await;
    assert_eq!(echo.seen_count(), 4, "a person wanted it");
    until("given up", || async { Some(act(&second, "drop").await).filter(|done| done.status == 200) }).await;
    let dropped = becomes(&world, &token, &second, "refused").await;
    assert_eq!(dropped["reply"]["status"], Value::Null);
    assert_eq!(echo.seen_count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_called_back_once_for_each_message_with_a_signature() {
    let hook = Hook::start().await;
    let world = World::with(setup(&hook.callback())).await;
    let (token, other) = (world.token("shop").await, world.token("other").await);
    hook.answer_next(&[500]);
    let id = accept(&world, &token, ORDERS, &order("DH-1")).await;
    let foreign = accept(&world, &other, ORDERS, &order("DH-2")).await;
    becomes(&world, &other, &foreign, "settled").await;
    // A service that promises no call makes none.
    let note = accept(&world, &token, NOTES_PATH, &json!({"n": 1})).await;
    becomes(&world, &token, &note, "settled").await;
    let mut bad = order("DH-3");
    bad["CustomerCode"] = "KH9999".into();
    let bad = accept(&world, &token, ORDERS, &bad).await;
    becomes(&world, &token, &bad, "refused").await;
    until("both are told", || async {
        let told = |end: &str| hook.calls().iter().any(|call| call.id == end);
        (told(&format!("msg_{bad}_refused")) && hook.calls().len() >= 3).then_some(())
    })
    .await;
    let calls = hook.calls();
    assert!(calls.iter().all(|call| hook.signed(call, 0) && hook.signed(call, 1)));
    let settled: Vec<_> = calls.iter().filter(|call| call.id == format!("msg_{id}_settled")).collect();
    let refused: Vec<_> = calls.iter().filter(|call| call.id == format!("msg_{bad}_refused")).collect();
    assert_eq!((calls.len(), settled.len() + refused.len()), (3, 3), "one of them was answered 500 at first");
    let told: Value = serde_json::from_slice(&settled[0].body).unwrap();
    assert_eq!((&told["type"], &told["data"]["message_id"]), (&json!("message.settled"), &json!(id)));
    assert_eq!(told["data"]["body"]["OrderNumber"], "DH-1");
    let told: Value = serde_json::from_slice(&refused[0].body).unwrap();
    assert_eq!((&told["type"], &told["data"]["outcome"]), (&json!("message.refused"), &json!("refused")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_starts_and_stops_the_queues_of_services_and_loses_no_message() {
    let mut world = World::with(Setup { contracts: Vec::new(), ..setup("") }).await;
    let token = world.token("shop").await;
    world.post(&token, NOTES_PATH, "{}").await.expect_problem(404, "GW1301");
    world.reload(|setup| setup.contracts = contracts()).await;
    let token = world.token("shop").await;
    let fault = world.sandbox.echo().add_fault(down()).unwrap();
    let id = accept(&world, &token, NOTES_PATH, &json!({"n": 1})).await;
    let waiting = message(&world, &token, &id).await;
    assert!(["pending", "retry"].contains(&waiting["status"].as_str().unwrap()), "{waiting}");
    world.reload(|setup| setup.contracts = Vec::new()).await;
    let token = world.token("shop").await;
    let gone = message(&world, &token, &id).await;
    assert!(["pending", "retry"].contains(&gone["status"].as_str().unwrap()), "{gone}");
    assert!(world.sandbox.echo().remove_fault(fault));
    world.reload(|setup| setup.contracts = contracts()).await;
    let token = world.token("shop").await;
    becomes(&world, &token, &id, "settled").await;
    assert_eq!(world.sandbox.echo().seen_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_set_up_takes_nothing_and_keeps_what_it_has() {
    let dir = tempfile::TempDir::new().unwrap();
    let address = dir.path().join("address");
    let notes = NOTES.replace("SERVER", &format!("file:{}", address.display()));
    let setup = Setup { contracts: vec![file("notes/contract.toml", &notes)], ..setup("") };
    let mut world = World::with(setup).await;
    let token = world.token("shop").await;
    world.post(&token, NOTES_PATH, "{}").await.expect_problem(503, "GW1605");

    std::fs::write(&address, format!("http://{}/echo", world.sandbox.addr())).unwrap();
    world.reload(|_| ()).await;
    let token = world.token("shop").await;
    let fault = world.sandbox.echo().add_fault(down()).unwrap();
    let id = accept(&world, &token, NOTES_PATH, &json!({"n": 1})).await;
    std::fs::remove_file(&address).unwrap();
    world.reload(|_| ()).await;
    let token = world.token("shop").await;
    world.post(&token, NOTES_PATH, "{}").await.expect_problem(503, "GW1605");
    until("operators see why", || async {
        let targets = world.admin("GET", "/admin/v1/targets", None).await.json();
        let rows = targets["targets"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == "service-notes").unwrap();
        (row["last_failure"]["cause"] == "not_ready").then_some(())
    })
    .await;
    assert!(world.sandbox.echo().remove_fault(fault));
    std::fs::write(&address, format!("http://{}/echo", world.sandbox.addr())).unwrap();
    world.reload(|_| ()).await;
    let token = world.token("shop").await;
    becomes(&world, &token, &id, "settled").await;
}
