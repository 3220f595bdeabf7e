//! The national dialect: software written for the portal's adapter changes its URL and nothing else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::{Answer, PORTAL_TARGET, Setup, World, password_of, send};
use crate::records::{code, code_of_h11, dossier, notice, step, with};

const XRD: &str = "/XrdAdapter/RestService/forward/";
const VXP: &str = "/VXPAdapter/RestService/forward/";
const DSTCODE: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";

/// Posts below an adapter; the answer is always 200.
async fn post(world: &World, path: &str, body: &Value) -> Answer {
    let answer = send(world.http.post(world.url(path)).header("dstcode", DSTCODE).json(body)).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    answer
}

async fn login(world: &World, username: &str) -> String {
    let body = json!({"username": username, "password": password_of(username)});
    let answer = post(world, &format!("{XRD}mapi/login"), &body).await.json();
    answer["session"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Calls a service with records.
async fn push(world: &World, session: &str, service: &str, updating: &str, data: Value) -> Value {
    let body = json!({
        "session": session, "madonvi": "H56", "service": service, "isUpdating": updating, "data": data
    });
    post(world, &format!("{XRD}mapi/g"), &body).await.json()
}

/// Calls a service that asks.
async fn ask(world: &World, session: &str, service: &str, more: Value) -> Value {
    let mut body = json!({"session": session, "madonvi": "H56", "service": service});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    post(world, &format!("{XRD}mapi/g"), &body).await.json()
}

#[track_caller]
fn succeeded(answer: &Value) -> &Value {
    assert_eq!(answer["error_code"], "0", "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("thành công"), "{answer}");
    assert!(answer["result"].is_array(), "{answer}");
    answer
}

/// A refusal: a string that is not zero, and a sentence.
#[track_caller]
fn refused<'a>(answer: &'a Value, number: &str) -> &'a str {
    assert_eq!(answer["error_code"], number, "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(!message.contains("thành công") && !message.is_empty(), "{answer}");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_gives_a_session_as_the_portal_does() {
    let world = World::start().await;
    for adapter in [XRD, VXP] {
        for username in ["one-stop", "hashed"] {
            let body = json!({"username": username, "password": password_of(username)});
            let answer = post(&world, &format!("{adapter}mapi/login"), &body).await.json();
            assert_eq!(answer["error_code"], json!(0));
            assert!(answer["session"].as_str().is_some_and(|session| session.len() >= 32), "{answer}");
            assert!(answer["message"].as_str().unwrap().contains("thành công"));
        }
    }
    assert_ne!(login(&world, "one-stop").await, login(&world, "one-stop").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_wrong_or_none_is_refused_and_guessing_is_slowed_down() {
    let world = World::start().await;
    let path = format!("{XRD}mapi/login");
    refused(&post(&world, &path, &json!({"username": "one-stop", "password": "wrong"})).await.json(), "1102");
    refused(&post(&world, &path, &json!({"username": "nobody", "password": "wrong"})).await.json(), "1102");
    refused(&post(&world, &path, &json!({"username": "one-stop"})).await.json(), "1002");
    refused(&post(&world, &path, &json!([])).await.json(), "1002");
    let mut slowed = false;
    for _ in 0..12 {
        let answer = post(&world, &path, &json!({"username": "one-stop", "password": "wrong"})).await.json();
        slowed |= answer["error_code"] == "1601";
    }
    assert!(slowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_in_by_both_adapters_with_the_destination_in_header_or_query() {
    let world = World::start().await;
    let session = login(&world, "one-stop").await;
    let body = |n| {
        json!({"session": session, "madonvi": "H56", "service": "DongBoHoSoMC", "isUpdating": "False",
               "data": [dossier(&code(n), "2")]})
    };
    let mut n = 0;
    for adapter in [XRD, VXP] {
        for (query, header) in [(String::new(), true), (format!("?dstcode={DSTCODE}"), false)] {
            n += 1;
            let mut request = world.http.post(world.url(&format!("{adapter}mapi/g{query}"))).json(&body(n));
            if header {
                request = request.header("dstcode", DSTCODE);
            }
            let answer = send(request).await.expect(200).json();
            assert_eq!(succeeded(&answer)["result"][0]["outcome"], "accepted");
        }
    }
    let token = world.token("one-stop").await;
    let feed = world.get(&token, "/v1/changes").await.json();
    assert_eq!(feed["changes"].as_array().unwrap().len(), 4);
    assert_eq!(feed["changes"][0]["record"], dossier(&code(1), "2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_four_services_store_and_look_up() {
    let world = World::start().await;
    let session = login(&world, "one-stop").await;
    let answer = push(&world, &session, "DongBoHoSoMC", "False", json!([dossier(&code(1), "2")])).await;
    assert_eq!(succeeded(&answer)["result"][0]["outcome"], "accepted");
    let again = push(&world, &session, "DongBoHoSoMC", "False", json!([dossier(&code(1), "2")])).await;
    assert_eq!(succeeded(&again)["result"][0]["outcome"], "duplicate", "a repeat is a success");
    let answer = push(&world, &session, "CapNhatTienDoHoSoMC", "True", json!([step(&code(1), "4", 1)])).await;
    assert_eq!(succeeded(&answer)["result"][0]["outcome"], "accepted");
    let record = notice("G22-240315-000123", &code(1));
    let answer = push(&world, &session, "DongBoTrangThaiHoSo", "False", record).await;
    assert_eq!(succeeded(&answer)["result"][0]["outcome"], "accepted", "one object instead of a list");

    let found = ask(&world, &session, "TraCuuHoSo", json!({"mahoso": code(1)})).await;
    let found = &succeeded(&found)["result"][0];
    assert_eq!((&found["MAHOSO"], &found["TRANGTHAIHOSO"]), (&code(1).into(), &"4".into()));
    for unknown in [code(2), code_of_h11(1)] {
        let none = ask(&world, &session, "TraCuuHoSo", json!({"mahoso": unknown})).await;
        assert_eq!(succeeded(&none)["result"], json!([]));
    }
    refused(&ask(&world, &session, "TraCuuHoSo", json!({})).await, "1006");
    let token = world.token("one-stop").await;
    let feed = world.get(&token, "/v1/changes").await.json();
    let kinds: Vec<_> = feed["changes"].as_array().unwrap().iter().map(|change| change["kind"].clone()).collect();
    assert_eq!(kinds, ["dossier", "progress", "status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_living_session_is_told_to_log_in_again() {
    let world = World::start().await;
    for session in ["", "0123456789abcdef"] {
        let answer = push(&world, session, "DongBoHoSoMC", "False", json!([dossier(&code(1), "2")])).await;
        assert!(refused(&answer, "1103").contains("session"));
    }
    let body = json!({"service": "DongBoHoSoMC", "data": []});
    refused(&post(&world, &format!("{XRD}mapi/g"), &body).await.json(), "1002");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_time_and_with_its_member() {
    let setup = Setup { national: "session_ttl = \"1s\"".into(), ..Setup::default() };
    let mut world = World::with(setup).await;
    let session = login(&world, "one-stop").await;
    succeeded(&ask(&world, &session, "TraCuuHoSo", json!({"mahoso": code(1)})).await);
    // A call renews it, so the only way to see it end is to leave it alone.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(
        refused(&ask(&world, &session, "TraCuuHoSo", json!({"mahoso": code(1)})).await, "1103").contains("session")
    );
    let session = login(&world, "one-stop").await;
    world.reload(|setup| setup.without.push("one-stop")).await;
    refused(&ask(&world, &session, "TraCuuHoSo", json!({"mahoso": code(1)})).await, "1103");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_bounded_and_the_oldest_makes_room() {
    let world = World::with(Setup { national: "sessions = 2".into(), ..Setup::default() }).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(login(&world, "one-stop").await);
    }
    let look_up = async |session: &str| ask(&world, session, "TraCuuHoSo", json!({"mahoso": code(1)})).await;
    succeeded(&look_up(&sessions[2]).await);
    // Two were opened within one tick of the clock, maybe: either may be the older one.
    let gone = [look_up(&sessions[0]).await, look_up(&sessions[1]).await];
    assert_eq!(gone.iter().filter(|answer| answer["error_code"] == "1103").count(), 1, "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_decides_about_create_and_update_and_a_mismatch_warns() {
    let world = World::start().await;
    let session = login(&world, "one-stop").await;
    for (status, updating, warned) in [("2", "True", true), ("4", "True", false), ("9", "False", true)] {
        let answer = push(&world, &session, "DongBoHoSoMC", updating, json!([dossier(&code(1), status)])).await;
        let result = &succeeded(&answer)["result"][0];
        assert_eq!(result["outcome"], "accepted");
        let warnings = result["warnings"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(warnings.iter().any(|warning| warning["path"] == "/isUpdating"), warned, "{answer}");
    }
    let answer = push(&world, &session, "DongBoHoSoMC", "perhaps", json!([dossier(&code(2), "2")])).await;
    refused(&answer, "1006");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_a_bad_record_is_no_success_and_names_it_and_keeps_the_good_ones() {
    let world = World::start().await;
    let session = login(&world, "one-stop").await;
    let bad = with(with(dossier(&code(2), "2"), "TrangThaiHoSo", "99"), "ChuHoSo", "Bí Mật");
    let batch = json!([dossier(&code(1), "2"), bad, dossier(&code(3), "2")]);
    let answer = push(&world, &session, "DongBoHoSoMC", "False", batch).await;
    let message = refused(&answer, "1501");
    assert!(message.contains(&code(2)) && message.contains("/TrangThaiHoSo"), "{message}");
    assert!(!answer.to_string().contains("Bí Mật"));
    let outcomes: Vec<_> = answer["result"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["accepted", "rejected", "accepted"]);
    let batch = json!([dossier(&code(1), "2"), dossier(&code(2), "2"), dossier(&code(3), "2")]);
    succeeded(&push(&world, &session, "DongBoHoSoMC", "False", batch).await);
    refused(&push(&world, &session, "DongBoHoSoMC", "False", json!([])).await, "1006");
    refused(&push(&world, &session, "DongBoHoSoMC", "False", json!("text")).await, "1006");
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_and_agencies_hold_here_as_well() {
    let world = World::start().await;
    let session = login(&world, "sender").await;
    refused(&ask(&world, &session, "TraCuuHoSo", json!({"mahoso": code(1)})).await, "1201");
    let answer = push(&world, &session, "DongBoHoSoMC", "False", json!([dossier(&code_of_h11(1), "2")])).await;
    refused(&answer, "1202");
    succeeded(&push(&world, &session, "DongBoHoSoMC", "False", json!([dossier(&code(1), "2")])).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_service_or_path_is_refused() {
    let world = World::start().await;
    let session = login(&world, "one-stop").await;
    for service in ["XoaHoSo", "", "dongbohosomc"] {
        assert!(refused(&ask(&world, &session, service, json!({})).await, "1303").contains("service"));
    }
    send(world.http.post(world.url(&format!("{XRD}mapi/other"))).json(&json!({}))).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_paths_can_be_configured() {
    let national = "login_path = \"dang-nhap\"\ncall_path = \"goi/dich-vu\"".to_owned();
    let world = World::with(Setup { national, ..Setup::default() }).await;
    let body = json!({"username": "one-stop", "password": password_of("one-stop")});
    let session = post(&world, &format!("{VXP}dang-nhap"), &body).await.json()["session"].clone();
    let body = json!({"session": session, "service": "TraCuuHoSo", "mahoso": code(1)});
    succeeded(&post(&world, &format!("{VXP}goi/dich-vu"), &body).await.json());
    send(world.http.post(world.url(&format!("{VXP}mapi/g"))).json(&body)).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_asked_of_the_portal_once() {
    let world = World::with(Setup { targets: PORTAL_TARGET.into(), ..Setup::default() }).await;
    let session = login(&world, "one-stop").await;
    let calls = |service: &str| world.sandbox.portal().counters().calls.get(service).copied().unwrap_or(0);
    let first = ask(&world, &session, "LayDanhMucLinhVuc", json!({})).await;
    assert!(succeeded(&first)["result"].is_array());
    for _ in 0..3 {
        assert_eq!(ask(&world, &session, "LayDanhMucLinhVuc", json!({})).await, first);
    }
    let other = login(&world, "one-stop-h11").await;
    assert_eq!(ask(&world, &other, "LayDanhMucLinhVuc", json!({})).await, first);
    assert_eq!(calls("LayDanhMucLinhVuc"), 1);
    // Another question is another call, and what is known outlives the portal.
    ask(&world, &session, "LayThuTuc", json!({"matthc": "1.003560"})).await;
    ask(&world, &session, "LayThuTuc", json!({"matthc": "1.003561"})).await;
    assert_eq!(calls("LayThuTuc"), 2);
    world.sandbox.stop();
    assert_eq!(ask(&world, &session, "LayDanhMucLinhVuc", json!({})).await, first);
    let answer = ask(&world, &session, "LayDanhSachTTHC", json!({})).await;
    assert!(answer["error_code"].as_str().unwrap().starts_with("17"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_without_a_portal_behind_is_refused() {
    let world = World::start().await;
    let session = login(&world, "one-stop").await;
    refused(&ask(&world, &session, "LayDanhSachTTHC", json!({})).await, "1701");
}
