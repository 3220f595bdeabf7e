//! Operators: what they see, what they may do, and that every act of theirs stays in the log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::delivery::{in_sync, target};
use crate::gateway::{Setup, World, send, until};
use crate::raw::Raw;
use crate::records::{code, dossier, step};

fn because(reason: &str) -> Option<Value> {
    Some(json!({"reason": reason}))
}

/// How many events the log holds, audit events included; the chain is checked on the way.
async fn logged(world: &World) -> u64 {
    let report = world.admin("POST", "/admin/v1/verify", None).await.expect(200).json();
    assert_eq!((&report["intact"], &report["broken"]), (&true.into(), &Value::Null), "{report}");
    report["events"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_open_and_the_admin_api_is_not() {
    let world = World::start().await;
    for path in ["/livez", "/readyz", "/metrics"] {
        send(world.http.get(world.admin_url(path))).await.expect(200);
        send(world.http.get(world.url(path))).await.expect_problem(404, "GW1301");
    }
    send(world.http.get(world.url("/admin/v1/targets"))).await.expect_problem(404, "GW1301");
    let member = world.token("one-stop").await;
    for (method, path) in [
        ("GET", "targets"),
        ("GET", "parked"),
        ("GET", "held"),
        ("GET", "dossiers/H56.14-240315-0001"),
        ("POST", "verify"),
        ("POST", "targets/x/pause"),
        ("POST", "targets/x/resume"),
        ("POST", "targets/x/replay"),
        ("POST", "parked/x/1/retry"),
        ("POST", "parked/x/1/drop"),
        ("POST", "held/1/release"),
        ("POST", "held/1/drop"),
        ("GET", "members"),
        ("POST", "members"),
        ("GET", "members/one-stop"),
        ("POST", "members/one-stop/limit"),
        ("POST", "members/one-stop/secret"),
        ("POST", "members/one-stop/key"),
        ("POST", "members/one-stop/rotate"),
        ("POST", "members/one-stop/revoke"),
        ("POST", "members/one-stop/restore"),
        ("POST", "members/one-stop/unlock"),
        ("GET", "reconciliations"),
        ("POST", "reconciliations?provider=vnpay&day=2026-11-21"),
        ("GET", "reconciliations/x"),
        ("GET", "reconciliations/x/rows.csv"),
        ("GET", "reconciliations/x/rows.xlsx"),
    ] {
        let url = world.admin_url(&format!("/admin/v1/{path}"));
        let without = world.http.request(method.parse().unwrap(), &url);
        send(without.json(&json!({"reason": "x"}))).await.expect_problem(401, "GW1101");
    }
    let wrong = world.http.get(world.admin_url("/admin/v1/targets"));
    send(wrong.bearer_auth(&member)).await.expect_problem(401, "GW1101");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_the_admin_token_is_slowed_down() {
    let world = World::start().await;
    let mut slowed = false;
    for _ in 0..12 {
        let answer = send(world.http.get(world.admin_url("/admin/v1/targets")).bearer_auth("guess")).await;
        slowed |= answer.status == 429;
    }
    assert!(slowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_gateway_finishes_what_it_began_and_is_not_ready_for_more() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let body = dossier(&code(1), "2").to_string();
    let mut raw = Raw::connect(world.public()).await;
    raw.send(format!(
        "POST /v1/dossiers HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    ))
    .await;
    assert_eq!(raw.answer().await.status, 100, "the request is under way");
    let (ready, public) = (world.admin_url("/readyz"), world.public());
    let http = world.http.clone();
    let (gateway, _dir) = world.into_gateway();
    let stopping = tokio::spawn(gateway.stop());
    let answer = until("readiness goes red", async || {
        let answer = send(http.get(&ready)).await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    answer.expect_problem(503, "GW1604");
    raw.send(&body).await;
    assert_eq!(raw.answer().await.status, 202);
    stopping.await.unwrap();
    assert!(tokio::net::TcpStream::connect(public).await.is_err());
}

/// The metrics of a scrape as `name type label,label`, without the labels that belong to histograms.
fn metric_list(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut list: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap();
            list.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if let Some((name, labels)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let family = family.filter(|family| list.contains_key(*family)).unwrap_or(name);
            let labels = labels.split_once('}').unwrap().0.split(',').filter_map(|label| label.split_once('='));
            let names = labels.map(|(name, _)| name.to_owned()).filter(|name| name != "le");
            list.get_mut(family).expect("a type before its samples").1.extend(names);
        }
    }
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_those_that_dashboards_and_alerts_rely_on() {
    let setup = Setup {
        members: "[[member]]\nid = \"hourly\"\nname = \"x\"\nagencies = [\"H56\"]\nscopes = [\"dossier:push\"]\n\
                  secret = \"x\"\nusual_push_interval = \"1h\"\n"
            .into(),
        ..Setup::delivering()
    };
    let world = World::with(setup).await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    in_sync(&world, "national-portal").await;
    let text = world.metrics().await;
    let scraped = metric_list(&text);
    let golden = include_str!("../golden/metrics.txt");
    for line in golden.lines() {
        let mut words = line.split(' ');
        let (name, kind, labels) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or_default());
        // Nothing here has a certificate, a service that is set up, or one that only observes, nobody signs in or pays, and
        // nobody calls in an old way: the names come with them.
        if name == "lgsp_certificate_not_after_seconds"
            || name == "lgsp_contract_observed_total"
            || name == "lgsp_sign_ins_total"
            || name == "lgsp_legacy_calls_total"
            || name.starts_with("lgsp_upstream_")
            || name.starts_with("lgsp_payment")
            || name.starts_with("lgsp_reconciliation_")
        {
            continue;
        }
        let (found_kind, found_labels) = scraped.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        let labels: BTreeSet<String> = labels.split(',').filter(|l| !l.is_empty()).map(str::to_owned).collect();
        assert_eq!((found_kind.as_str(), found_labels), (kind, &labels), "{name}");
    }
    let known: BTreeSet<_> = golden.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let unknown: Vec<_> = scraped.keys().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "not in tests/golden/metrics.txt: {unknown:?}");
    assert!(!text.contains(&code(1)), "a dossier is no label");
    for sample in [
        "lgsp_events_total{kind=\"dossier\",outcome=\"accepted\"} 1",
        "lgsp_requests_total{dialect=\"json\",route=\"/v1/dossiers\",status=\"202\"} 1",
        "lgsp_target_lag_events{target=\"national-portal\"} 0",
        "lgsp_log_seq 1",
        "lgsp_config_reload_success 1",
    ] {
        assert!(text.contains(sample), "{sample} in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_event_is_released_or_dropped_once_and_the_act_is_logged() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    let mut held = Vec::new();
    for n in [1, 2] {
        world.accept(&token, &dossier(&code(n), "9")).await;
        let answer = world.post(&token, "/v1/dossiers", dossier(&code(n), "4").to_string()).await.expect(202).json();
        held.push(answer["seq"].as_u64().unwrap());
    }
    let list = world.admin("GET", "/admin/v1/held", None).await.expect(200).json();
    let rows = list["held"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect::<Vec<_>>(), held);
    assert_eq!((&rows[0]["from"]["status"], &rows[0]["to"]["status"]), (&"9".into(), &"4".into()));
    assert!(world.metrics().await.contains("lgsp_held 2"));

    let release = format!("/admin/v1/held/{}/release", held[0]);
    world.admin("POST", &release, None).await.expect_problem(400, "GW1006");
    world.admin("POST", &release, Some(json!({"reason": " "}))).await.expect_problem(400, "GW1006");
    let released = world.admin("POST", &release, because("the clerk corrected a mistake")).await.expect(200).json();
    world.admin("POST", &release, because("again")).await.expect_problem(404, "GW1301");
    let drop = format!("/admin/v1/held/{}/drop", held[1]);
    world.admin("POST", &drop, because("a stray repeat")).await.expect(200);
    world.admin("POST", &drop, because("again")).await.expect_problem(404, "GW1301");
    assert!(world.metrics().await.contains("lgsp_held 0"));

    // The released record is an event of its own: in the feed, at the portal, and where the dossier stands.
    in_sync(&world, "national-portal").await;
    for (n, status) in [(1, "4"), (2, "9")] {
        let shown = world.get(&token, &format!("/v1/dossiers/{}", code(n))).await.expect(200).json();
        assert_eq!(shown["TrangThaiHoSo"], status);
        assert_eq!(world.sandbox.portal().dossier(&code(n)).unwrap().status, status);
    }
    let feed = world.get(&token, "/v1/changes").await.json();
    let last = feed["changes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["seq"], &last["record"]), (&released["seq"], &dossier(&code(1), "4")));

    for (n, action) in [(1, "held.release"), (2, "held.drop")] {
        let line = world.admin("GET", &format!("/admin/v1/dossiers/{}", code(n)), None).await.expect(200).json();
        assert_eq!(line["acts"][0]["action"], action, "{line}");
        assert!(line["acts"][0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_target_stays_so_over_a_restart_and_goes_on_when_resumed() {
    let world = World::with(Setup::delivering()).await;
    let pause = "/admin/v1/targets/national-portal/pause";
    world.admin("POST", "/admin/v1/targets/nowhere/pause", because("x")).await.expect_problem(404, "GW1301");
    world.admin("POST", pause, None).await.expect_problem(400, "GW1006");
    world.admin("POST", pause, because("maintenance at the portal")).await.expect(200);
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    let world = world.restart().await;
    world.accept(&token, &dossier(&code(2), "2")).await;
    let row = target(&world, "national-portal").await;
    assert_eq!((&row["state"], &row["paused"]), (&"paused".into(), &true.into()));
    let shown = world.get(&token, &format!("/v1/dossiers/{}", code(1))).await.json();
    assert_eq!(shown["sync"]["national-portal"]["state"], "pending", "{shown}");
    assert_eq!(world.sandbox.portal().dossier_count(), 0);
    world.admin("POST", "/admin/v1/targets/national-portal/resume", because("done")).await.expect(200);
    in_sync(&world, "national-portal").await;
    assert_eq!(world.sandbox.portal().dossier_count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_replayed_on_demand() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    for n in 1..=3 {
        world.accept(&token, &dossier(&code(n), "2")).await;
    }
    in_sync(&world, "national-portal").await;
    let replay = "/admin/v1/targets/national-portal/replay";
    for (body, status) in [
        (json!({"from": 2, "to": 1, "reason": "x"}), 409),
        (json!({"from": 1, "to": 1000, "reason": "x"}), 409),
        (json!({"from": 1, "to": 2}), 400),
        (json!({"from": "1", "to": 2, "reason": "x"}), 400),
    ] {
        world.admin("POST", replay, Some(body)).await.expect(status);
    }
    let body = json!({"from": 2, "to": 3, "reason": "the portal lost a day"});
    world.admin("POST", replay, Some(body)).await.expect(200);
    let times = |n| world.sandbox.portal().dossier(&code(n)).map_or(0, |stored| stored.versions.len());
    until("the range arrives once more", async || (times(2) == 2 && times(3) == 2).then_some(())).await;
    in_sync(&world, "national-portal").await;
    assert_eq!((times(1), times(2), times(3)), (1, 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_parked_can_be_neither_retried_nor_dropped() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    in_sync(&world, "national-portal").await;
    for act in ["retry", "drop"] {
        let path = |target: &str, seq: &str| format!("/admin/v1/parked/{target}/{seq}/{act}");
        world.admin("POST", &path("national-portal", "1"), because("x")).await.expect_problem(409, "GW1401");
        world.admin("POST", &path("nowhere", "1"), because("x")).await.expect_problem(404, "GW1301");
        world.admin("POST", &path("national-portal", "one"), because("x")).await.expect_problem(400, "GW1006");
    }
    world.admin("GET", "/admin/v1/parked?state=lost", None).await.expect_problem(400, "GW1006");
    world.admin("GET", "/admin/v1/parked?limit=0", None).await.expect_problem(400, "GW1006");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_event_that_is_dropped_lets_the_next_one_pass() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    let fault = lgsp_sandbox::Fault::RefuseMatching { text: code(1) };
    world.sandbox.portal().add_fault(lgsp_sandbox::FaultRule::always(fault)).unwrap();
    world.accept(&token, &dossier(&code(1), "2")).await;
    let path = format!("/admin/v1/dossiers/{}", code(1));
    let line = until("the record is given up", async || {
        let line = world.admin("GET", &path, None).await.expect(200).json();
        (line["sync"][0]["state"] == "dead").then_some(line)
    })
    .await;
    let said = line["explanation"].to_string();
    assert!(said.contains("parked retry") && said.contains("parked drop"), "{said}");
    world.accept(&token, &dossier(&code(1), "4")).await;
    world.sandbox.portal().clear_faults();
    world.admin("POST", "/admin/v1/parked/national-portal/1/drop", because("replaced")).await.expect(200);
    in_sync(&world, "national-portal").await;
    let stored = world.sandbox.portal().dossier(&code(1)).unwrap();
    assert_eq!((stored.versions.len(), stored.status.as_str()), (1, "4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_line_tells_the_whole_story_and_shows_records_only_when_asked() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    world.post(&token, "/v1/progress", step(&code(1), "4", 1).to_string()).await.expect(202);
    in_sync(&world, "national-portal").await;
    let path = format!("/admin/v1/dossiers/{}", code(1));
    let line = world.admin("GET", &path, None).await.expect(200);
    assert!(!line.text().contains("ChuHoSo"));
    let line = line.json();
    assert_eq!((&line["MaHoSo"], &line["status"]["code"]), (&code(1).into(), &"4".into()));
    assert_eq!(line["events"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&line["sync"][0]["target"], &line["sync"][0]["state"]),
        (&"national-portal".into(), &"delivered".into())
    );
    let with = world.admin("GET", &format!("{path}?records=true"), None).await.expect(200).json();
    assert_eq!(with["events"][0]["record"], dossier(&code(1), "2"));
    world.admin("GET", &format!("/admin/v1/dossiers/{}", code(2)), None).await.expect_problem(404, "GW1302");
    world.admin("GET", "/admin/v1/dossiers/x", None).await.expect_problem(400, "GW1006");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_adds_one_audit_event_and_the_chain_stays_whole() {
    let world = World::with(Setup::delivering()).await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    in_sync(&world, "national-portal").await;
    let mut before = logged(&world).await;
    for (path, body) in [
        ("targets/national-portal/pause", json!({"reason": "a"})),
        ("targets/national-portal/resume", json!({"reason": "b"})),
        ("targets/national-portal/replay", json!({"from": 1, "to": 1, "reason": "c"})),
    ] {
        world.admin("POST", &format!("/admin/v1/{path}"), Some(body)).await.expect(200);
        let now = logged(&world).await;
        assert_eq!(now, before + 1, "{path}");
        before = now;
    }
    // Looking is no act, and neither is what was refused.
    world.admin("GET", "/admin/v1/targets", None).await.expect(200);
    world.admin("POST", "/admin/v1/held/1/release", because("x")).await.expect_problem(404, "GW1301");
    assert_eq!(logged(&world).await, before);
    let feed = world.get(&token, "/v1/changes").await.json();
    assert_eq!(feed["changes"].as_array().unwrap().len(), 1, "audit events are no changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_counted_and_takes_targets_in_and_out() {
    let mut world = World::start().await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    let shown = world.get(&token, &format!("/v1/dossiers/{}", code(1))).await.json();
    assert_eq!(shown["sync"], json!({}));
    world.reload(|setup| setup.targets = crate::gateway::PORTAL_TARGET.into()).await;
    in_sync(&world, "national-portal").await;
    assert_eq!(world.sandbox.portal().dossier_count(), 1, "a new target starts at the beginning");
    world.gateway.reload_failed();
    assert!(world.metrics().await.contains("lgsp_config_reload_success 0"));
    world.reload(|setup| setup.targets.clear()).await;
    assert!(world.metrics().await.contains("lgsp_config_reload_success 1"));
    world.accept(&token, &dossier(&code(2), "2")).await;
    let rows = world.admin("GET", "/admin/v1/targets", None).await.expect(200).json();
    assert!(rows["targets"].as_array().unwrap().iter().all(|row| row["id"] != "national-portal"), "{rows}");
}
