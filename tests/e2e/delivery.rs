//! From the push to the portal: in order, once, whatever goes wrong on the way.

use std::time::{Duration, Instant};

use lgsp_sandbox::{CodeForm, Fault, FaultRule, MessageForm, StoredDossier};
use serde_json::{Value, json};

use crate::gateway::{PATIENCE, PORTAL_TARGET, Setup, World, until};
use crate::hook::Hook;
use crate::records::{code, dossier, lines, notice, step};

const DOSSIERS: usize = 6;

/// One dossier's life in the order in which it is pushed.
fn life(code: &str) -> Vec<Value> {
    vec![dossier(code, "2"), step(code, "4", 1), step(code, "4", 2), dossier(code, "9"), dossier(code, "10")]
}

/// Lives dossiers from first to last, all side by side.
async fn live(world: &World, codes: &[String]) {
    let token = world.token("one-stop").await;
    let lives: Vec<_> = codes.iter().map(|code| life(code)).collect();
    for stage in 0..lives[0].len() {
        let records: Vec<_> = lives.iter().map(|life| life[stage].clone()).collect();
        let path = if records[0].get("TrangThaiHoSo").is_some() { "/v1/dossiers" } else { "/v1/progress" };
        let answer = world.post_as("application/x-ndjson", &token, path, lines(&records)).await.expect(200);
        let accepted = answer.lines().pop().unwrap()["summary"]["accepted"].clone();
        assert_eq!(accepted, codes.len(), "{}", answer.text());
    }
}

fn codes() -> Vec<String> {
    (0..DOSSIERS).map(code).collect()
}

/// The row of a target in the operators' list.
pub(crate) async fn target(world: &World, id: &str) -> Value {
    let answer = world.admin("GET", "/admin/v1/targets", None).await.expect(200).json();
    let rows = answer["targets"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{answer}")).clone()
}

/// Waits until a target has everything that was pushed.
pub(crate) async fn in_sync(world: &World, id: &str) {
    let mut row = Value::Null;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        row = target(world, id).await;
        if row["lag_events"] == 0 && row["parked"] == json!({"retry": 0, "unknown": 0, "dead": 0}) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let parked = world.admin("GET", "/admin/v1/parked", None).await.json();
    panic!("{id} does not get everything: {row}\n{parked:#}\n{:?}", world.sandbox.portal().faults());
}

/// Everything that the portal stored of a dossier, in the order of arrival.
fn arrived(stored: &StoredDossier) -> Vec<Value> {
    let records = stored.versions.iter().map(|version| (version.arrival, version.digest));
    let steps = stored.steps.iter().map(|step| (step.arrival, step.digest));
    let mut all: Vec<_> = records.chain(steps).collect();
    all.sort_by_key(|(arrival, _)| *arrival);
    all.into_iter().map(|(_, digest)| digest.to_string().into()).collect()
}

fn digests(records: &[Value]) -> Vec<Value> {
    let digest = |record: &Value| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, record.to_string().as_bytes());
        lgsp_model::Digest(digest.as_ref().try_into().unwrap()).to_string().into()
    };
    records.iter().map(digest).collect()
}

/// Lives dossiers while these faults strike, and checks what the portal has in the end.
async fn survives(name: &str, faults: Vec<FaultRule>) {
    let world = World::with(Setup::delivering()).await;
    for fault in faults {
        world.sandbox.portal().add_fault(fault).unwrap();
    }
    live(&world, &codes()).await;
    in_sync(&world, "national-portal").await;
    for code in codes() {
        let stored = world.sandbox.portal().dossier(&code).unwrap_or_else(|| panic!("{name}: {code} is missing"));
        assert_eq!(arrived(&stored), digests(&life(&code)), "{name}: {code}: in order and once: {stored:?}");
        assert_eq!((stored.creates(), stored.status.as_str()), (1, "10"), "{name}: {code}");
    }
    let token = world.token("one-stop").await;
    let shown = world.get(&token, &format!("/v1/dossiers/{}", code(0))).await.expect(200).json();
    assert_eq!(shown["sync"]["national-portal"]["state"], "delivered", "{name}: {shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_lives_reach_the_portal_in_order_and_once() {
    survives("no fault", vec![]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_lost_or_late_are_looked_up_and_nothing_is_sent_twice() {
    for (name, fault) in [
        ("reset after storing", Fault::ResetAfterStoring),
        ("silence after storing", Fault::SilenceAfterStoring { hold_ms: 1500 }),
        ("slow beyond the deadline", Fault::Slow { delay_ms: 1500 }),
    ] {
        survives(name, vec![FaultRule::times(fault, 3)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_failed_before_they_had_an_effect_are_repeated() {
    for (name, fault) in [
        ("502", Fault::BadGateway),
        ("503", Fault::Unavailable { retry_after_s: 1 }),
        ("reset before storing", Fault::ResetBeforeStoring),
        ("failure under code 0", Fault::FailureUnderZero),
        ("a little slow", Fault::Slow { delay_ms: 100 }),
    ] {
        survives(name, vec![FaultRule::times(fault, 3)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_end_are_opened_again() {
    survives("sessions expire", vec![FaultRule::times(Fault::SessionsExpire, 5)]).await;
    survives("login refused", vec![FaultRule::times(Fault::WrongCredentials, 2)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn success_is_understood_in_every_form() {
    for form in [CodeForm::Integer, CodeForm::Text, CodeForm::DoubleZero, CodeForm::OnlyText] {
        survives(&format!("{form:?}"), vec![FaultRule::always(Fault::CodeForm { form })]).await;
    }
    for form in [MessageForm::Object, MessageForm::JsonInText] {
        survives(&format!("{form:?}"), vec![FaultRule::always(Fault::MessageForm { form })]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_refused_for_one_record_is_split_down_to_it() {
    survives("refuses the 2nd", vec![FaultRule::times(Fault::RefuseNth { nth: 2 }, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_of_trouble_at_once_change_nothing_in_the_end() {
    let sometimes = |fault| FaultRule { times: Some(6), ..FaultRule::with_probability(fault, 0.3) };
    let faults = [
        Fault::BadGateway,
        Fault::ResetAfterStoring,
        Fault::ResetBeforeStoring,
        Fault::SessionsExpire,
        Fault::Slow { delay_ms: 200 },
        Fault::FailureUnderZero,
        Fault::MessageForm { form: MessageForm::JsonInText },
    ];
    survives("all", faults.into_iter().map(sometimes).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_portal_refuses_is_dead_and_stops_only_its_own_dossier() {
    let world = World::with(Setup::delivering()).await;
    let refused = code(2);
    world.sandbox.portal().add_fault(FaultRule::always(Fault::RefuseMatching { text: refused.clone() })).unwrap();
    live(&world, &codes()).await;
    let token = world.token("one-stop").await;
    let path = format!("/v1/dossiers/{refused}");
    let sync = until("the refused record is dead", async || {
        let shown = world.get(&token, &path).await.expect(200).json();
        let sync = shown["sync"]["national-portal"].clone();
        (sync["state"] == "dead").then_some(sync)
    })
    .await;
    assert!(sync["cause"].is_string() && sync["at"].is_string() && sync["seq"] == 3, "{sync}");
    for code in codes().iter().filter(|code| **code != refused) {
        let whole = async || {
            let stored = world.sandbox.portal().dossier(code)?;
            (arrived(&stored) == digests(&life(code))).then_some(())
        };
        until(&format!("{code} arrives all the same"), whole).await;
    }
    assert!(world.sandbox.portal().dossier(&refused).is_none());
    let parked = until("the whole life waits behind its first record", async || {
        let parked = world.admin("GET", "/admin/v1/parked", None).await.expect(200).json();
        let parked = parked["parked"].as_array().unwrap().clone();
        (parked.len() == 5).then_some(parked)
    })
    .await;
    assert!(parked.iter().all(|row| row["MaHoSo"] == refused && row["target"] == "national-portal"));
    let dead = world.admin("GET", "/admin/v1/parked?state=dead", None).await.expect(200).json();
    assert_eq!((dead["parked"].as_array().unwrap().len(), &dead["parked"][0]["seq"]), (1, &3.into()));
    assert!(world.metrics().await.contains("lgsp_parked{state=\"dead\",target=\"national-portal\"} 1"));

    // The cause is mended, a person says so, and the rest follows by itself.
    world.sandbox.portal().clear_faults();
    let body = json!({"reason": "the portal was mended"});
    world.admin("POST", "/admin/v1/parked/national-portal/3/retry", Some(body)).await.expect(200);
    in_sync(&world, "national-portal").await;
    assert_eq!(arrived(&world.sandbox.portal().dossier(&refused).unwrap()), digests(&life(&refused)));
}

#[tokio::test(flavor = "multi_thread")]
async fn create_and_update_follow_what_the_portal_really_has() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    in_sync(&world, "national-portal").await;
    // The portal lost what it had: the update becomes a create.
    world.sandbox.portal().forget();
    world.accept(&token, &dossier(&code(1), "4")).await;
    in_sync(&world, "national-portal").await;
    let counters = world.sandbox.portal().counters();
    assert_eq!((counters.creates, counters.updates), (1, 0));
    // Somebody else gave it to the portal: the create becomes an update.
    let mut direct = World::with(Setup {
        targets: PORTAL_TARGET.replace("{portal}", &world.sandbox.adapter_url()),
        ..Setup::default()
    })
    .await;
    let other = direct.token("one-stop").await;
    direct.accept(&other, &dossier(&code(1), "9")).await;
    in_sync(&direct, "national-portal").await;
    let stored = world.sandbox.portal().dossier(&code(1)).unwrap();
    assert_eq!((stored.creates(), stored.versions.len(), stored.status.as_str()), (1, 2, "9"));
    direct.reload(|setup| setup.targets.clear()).await;
    let rows = direct.admin("GET", "/admin/v1/targets", None).await.expect(200).json();
    assert!(rows["targets"].as_array().unwrap().iter().all(|row| row["id"] != "national-portal"), "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_about_the_portals_own_dossiers_reach_it() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier("H56.14-240315-0001", "2")).await;
    let session = world
        .http
        .post(world.url("/XrdAdapter/RestService/forward/mapi/login"))
        .json(&json!({"username": "one-stop", "password": crate::gateway::password_of("one-stop")}));
    let session = crate::gateway::send(session).await.json()["session"].clone();
    let record = notice("G22-240315-000123", "H56.14-240315-0001");
    let call = json!({"session": session, "service": "DongBoTrangThaiHoSo", "data": record});
    let request = world.http.post(world.url("/XrdAdapter/RestService/forward/mapi/g")).json(&call);
    assert_eq!(crate::gateway::send(request).await.json()["error_code"], "0");
    in_sync(&world, "national-portal").await;
    let notices = world.sandbox.portal().notices();
    assert_eq!(notices.len(), 1);
    let stored: Value = serde_json::from_str(notices[0].record.as_ref().unwrap()).unwrap();
    assert_eq!(stored["MaHoSo"], "G22-240315-000123");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_was_away_gets_everything_when_it_comes_back() {
    let mut world = World::with(Setup::delivering()).await;
    live(&world, &codes()).await;
    in_sync(&world, "national-portal").await;
    let (address, portal) = (world.sandbox.addr(), world.sandbox.portal().clone());
    world.sandbox.stop();
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(90), "2")).await;
    until("the breaker opens", async || {
        (target(&world, "national-portal").await["state"] == "not answering").then_some(())
    })
    .await;
    world.accept(&token, &dossier(&code(91), "2")).await;
    // Whatever happens to the portal, a restart included, both arrive.
    world = world.restart().await;
    let back =
        until("the address is free again", async || lgsp_sandbox::Sandbox::start_with(address, portal.clone()).ok())
            .await;
    in_sync(&world, "national-portal").await;
    for n in [90, 91] {
        assert_eq!(back.portal().dossier(&code(n)).unwrap().versions.len(), 1);
    }
    assert_eq!(back.portal().dossier_count(), DOSSIERS + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn held_events_are_not_delivered() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "9")).await;
    let held = world.post(&token, "/v1/dossiers", dossier(&code(1), "4").to_string()).await.expect(202).json();
    assert_eq!(held["outcome"], "held");
    world.accept(&token, &dossier(&code(1), "10")).await;
    in_sync(&world, "national-portal").await;
    let stored = world.sandbox.portal().dossier(&code(1)).unwrap();
    assert_eq!(arrived(&stored), digests(&[dossier(&code(1), "9"), dossier(&code(1), "10")]));
    let shown = world.get(&token, &format!("/v1/dossiers/{}", code(1))).await.json();
    assert_eq!(shown["sync"]["national-portal"]["state"], "held", "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_signed_messages_in_the_form_of_the_feed() {
    let hook = Hook::start().await;
    let world = World::with(Setup { targets: hook.target("partner"), ..Setup::default() }).await;
    let token = world.token("one-stop").await;
    for status in ["2", "4", "9"] {
        world.accept(&token, &dossier(&code(1), status)).await;
    }
    in_sync(&world, "partner").await;
    let feed = world.get(&token, "/v1/changes").await.json();
    let calls = hook.calls();
    assert_eq!(calls.len(), 3);
    for (call, change) in calls.iter().zip(feed["changes"].as_array().unwrap()) {
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!((&body["type"], &body["data"]), (&"dossier.accepted".into(), change));
        assert!(hook.signed(call, 0) && hook.signed(call, 1), "signed with both secrets during rotation");
    }
    let mut forged = calls[0].clone();
    forged.body = calls[1].body.clone();
    assert!(!hook.signed(&forged, 0), "the signature is over the body");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_gets_the_same_message_again_and_one_that_is_gone_is_left_alone() {
    let hook = Hook::start().await;
    let world = World::with(Setup { targets: hook.target("partner"), ..Setup::default() }).await;
    let token = world.token("one-stop").await;
    hook.answer_next(&[500, 503]);
    world.accept(&token, &dossier(&code(1), "2")).await;
    in_sync(&world, "partner").await;
    let calls = hook.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.id == calls[0].id && call.body == calls[0].body));

    hook.answer_next(&[410]);
    world.accept(&token, &dossier(&code(1), "4")).await;
    until("the target pauses itself", async || (target(&world, "partner").await["paused"] == true).then_some(())).await;
    world.accept(&token, &dossier(&code(2), "2")).await;
    assert_eq!(hook.calls().len(), 4, "nothing more is sent");
    let body = json!({"reason": "the partner is back"});
    world.admin("POST", "/admin/v1/targets/partner/resume", Some(body)).await.expect(200);
    in_sync(&world, "partner").await;
    assert_eq!(hook.calls().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_answers_nothing_does_not_delay_the_other() {
    let hook = Hook::start().await;
    hook.fall_silent();
    let targets = format!("{PORTAL_TARGET}{}", hook.target("partner"));
    let world = World::with(Setup { targets, ..Setup::default() }).await;
    let start = Instant::now();
    live(&world, &codes()).await;
    in_sync(&world, "national-portal").await;
    let took = start.elapsed();
    let partner = target(&world, "partner").await;
    assert!(partner["lag_events"].as_u64().unwrap() > 0, "{partner}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    let token = world.token("one-stop").await;
    let sync = world.get(&token, &format!("/v1/dossiers/{}", code(0))).await.json()["sync"].clone();
    assert_eq!(sync["national-portal"]["state"], "delivered");
    assert_ne!(sync["partner"]["state"], "delivered");
    hook.speak();
    in_sync(&world, "partner").await;
    // Per dossier the order holds, repeats of unanswered calls left aside.
    for code in codes() {
        let mut seqs: Vec<u64> = Vec::new();
        for call in hook.calls() {
            let data: Value = serde_json::from_slice::<Value>(&call.body).unwrap()["data"].clone();
            if data["MaHoSo"] == code && call.answered {
                seqs.push(data["seq"].as_u64().unwrap());
            }
        }
        assert!(seqs.is_sorted() && seqs.len() == 5, "{code}: {seqs:?}");
    }
}
