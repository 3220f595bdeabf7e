//! Single records and arrays on `/v1`: what is taken, what is refused, and what the caller learns of it.

use serde_json::{Value, json};

use crate::gateway::{Answer, World, send};
use crate::records::{code, code_of_h11, dossier, rearranged, step, with};

const DOSSIERS: &str = "/v1/dossiers";

/// The codes in the feed, in its order.
async fn stored(world: &World, token: &str) -> Vec<String> {
    let feed = world.get(token, "/v1/changes?limit=10000").await.expect(200).json();
    let code = |change: &Value| change["MaHoSo"].as_str().unwrap().to_owned();
    feed["changes"].as_array().unwrap().iter().map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_record_is_accepted_and_given_back_as_it_came() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let record = dossier(&code(1), "2").to_string();
    let answer = world.post(&token, DOSSIERS, record.clone()).await.expect(202);
    let accepted = answer.json();
    let seq = accepted["seq"].as_u64().unwrap();
    assert_eq!(accepted, json!({"seq": seq, "MaHoSo": code(1), "outcome": "accepted", "warnings": []}));

    let shown = world.get(&token, &format!("{DOSSIERS}/{}", code(1))).await.expect(200);
    assert!(shown.text().contains(&record), "byte for byte");
    let shown = shown.json();
    assert_eq!((&shown["MaHoSo"], &shown["TrangThaiHoSo"], &shown["seq"]), (&json!(code(1)), &json!("2"), &json!(seq)));
    assert_eq!((&shown["sender"], &shown["agency"]), (&json!("one-stop"), &json!("H56.14")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_again_is_a_duplicate_of_the_first_whatever_its_spelling() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let record = dossier(&code(1), "2");
    let seq = world.accept(&token, &record).await;
    world.accept(&token, &dossier(&code(1), "4")).await;
    for spelling in [record.to_string(), rearranged(&record), format!("\n {record} \n")] {
        let answer = world.post(&token, DOSSIERS, spelling).await.expect(200).json();
        assert_eq!((&answer["outcome"], &answer["seq"]), (&"duplicate".into(), &seq.into()), "{answer}");
    }
    // One changed value makes it another record.
    world.accept(&token, &with(dossier(&code(1), "4"), "GhiChu", "đã sửa")).await;
    assert_eq!(stored(&world, &token).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backward_record_is_held_with_its_reason_and_moves_nothing() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let seq = world.accept(&token, &dossier(&code(1), "9")).await;
    let held = world.post(&token, DOSSIERS, dossier(&code(1), "4").to_string()).await.expect(202).json();
    assert_eq!(held["outcome"], "held");
    assert!(held["seq"].as_u64().unwrap() > seq);
    let reason = held["reason"].as_str().unwrap();
    assert!(reason.contains('9') && reason.contains('4'), "{reason}");
    let shown = world.get(&token, &format!("{DOSSIERS}/{}", code(1))).await.expect(200).json();
    assert_eq!((&shown["TrangThaiHoSo"], &shown["seq"]), (&"9".into(), &seq.into()));
    assert_eq!(stored(&world, &token).await.len(), 1, "a held event is in no feed");
    let history = world.get(&token, &format!("{DOSSIERS}/{}/history", code(1))).await.expect(200).json();
    assert_eq!(history["events"][1]["state"], "held", "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_breaks_its_contract_is_refused_with_place_and_rule_and_never_its_values() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let secret = "Trần Thị Bí Mật 079123456789";
    for (field, value, rule) in [
        ("TrangThaiHoSo", json!(secret), "enum"),
        ("TrangThaiHoSo", json!(2), "type"),
        ("NgayTiepNhan", json!(secret), "format"),
        ("MaTTHC", json!(secret), "pattern"),
        ("NgayHenTra", json!("20240101000000"), "due-before-received"),
        ("GhiChu", json!(secret.repeat(200)), "maxLength"),
        ("MaHoSo", json!(secret), "pattern"),
    ] {
        let record = with(with(dossier(&code(1), "2"), "ChuHoSo", secret), field, value);
        let answer = world.post(&token, DOSSIERS, record.to_string()).await.expect_problem(422, "GW1501");
        let errors = answer.json()["errors"].clone();
        let expected = errors.as_array().unwrap().iter().find(|error| error["path"] == format!("/{field}"));
        let expected = expected.unwrap_or_else(|| panic!("{field}: {errors}"));
        assert_eq!(expected["rule"], rule);
        assert!(expected["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert!(!answer.text().contains("Bí Mật") && !answer.text().contains("079123"), "{}", answer.text());
    }
    assert!(stored(&world, &token).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_one_json_value_is_refused() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let good = dossier(&code(1), "2").to_string();
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(64), "]".repeat(64));
    for (what, body) in [
        ("nothing", Vec::new()),
        ("cut short", good.as_bytes()[..good.len() - 1].to_vec()),
        ("a key twice", good.replacen('{', "{\"GhiChu\":\"x\",", 1).into_bytes()),
        ("too deep", deep.into_bytes()),
        ("something behind", format!("{good} 1").into_bytes()),
        ("not UTF-8", good.bytes().map(|byte| if byte == b'N' { 0xff } else { byte }).collect()),
        ("half a letter", good.replace("UBND", "\\ud800").into_bytes()),
        ("a comment", format!("{good} // x").into_bytes()),
    ] {
        let answer = world.post(&token, DOSSIERS, body).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        answer.expect_problem(400, "GW1002");
    }
    // 64 levels are still well.
    let deep = format!("{}1{}", "[".repeat(63), "]".repeat(63));
    let record = good.replacen('{', &format!("{{\"x\":{deep},"), 1);
    world.post(&token, DOSSIERS, record).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_media_type_is_refused_and_a_parameter_of_json_is_not() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let record = dossier(&code(1), "2").to_string();
    for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""] {
        world.post_as(media_type, &token, DOSSIERS, record.clone()).await.expect_problem(415, "GW1004");
    }
    world.post_as("Application/JSON; charset=utf-8", &token, DOSSIERS, record).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_pushes_and_reads_only_for_its_agencies() {
    let world = World::start().await;
    let (h56, h11) = (world.token("one-stop").await, world.token("one-stop-h11").await);
    let foreign = dossier(&code_of_h11(1), "2");
    world.post(&h56, DOSSIERS, foreign.to_string()).await.expect_problem(403, "GW1202");
    world.accept(&h11, &foreign).await;
    world.accept(&h11, &dossier("000.00.16.H11-240315-0007", "2")).await;
    let path = format!("{DOSSIERS}/{}", code_of_h11(1));
    world.get(&h56, &path).await.expect_problem(404, "GW1302");
    world.get(&h56, &format!("{path}/history")).await.expect_problem(404, "GW1302");
    world.get(&world.token("province").await, &path).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_that_nobody_pushed_is_not_found_and_one_that_cannot_be_is_told_so() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    world.get(&token, &format!("{DOSSIERS}/{}", code(1))).await.expect_problem(404, "GW1302");
    world.get(&token, &format!("{DOSSIERS}/whatever")).await.expect_problem(400, "GW1006");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_brings_the_first_answer_again_and_belongs_to_one_body() {
    let world = World::start().await;
    let (token, other) = (world.token("one-stop").await, world.token("hashed").await);
    let post = async |token: &str, key: &str, body: String| -> Answer {
        let request = world.http.post(world.url(DOSSIERS)).bearer_auth(token).header("idempotency-key", key);
        send(request.header("content-type", "application/json").body(body)).await
    };
    let record = dossier(&code(1), "2").to_string();
    let first = post(&token, "key-1", record.clone()).await.expect(202);
    let again = post(&token, "key-1", record.clone()).await.expect(202);
    assert_eq!(first.text(), again.text());
    post(&token, "key-1", dossier(&code(2), "2").to_string()).await.expect_problem(422, "GW1402");
    // The content is known under any key, and the key means nothing to another member.
    assert_eq!(post(&token, "key-2", record).await.expect(200).json()["outcome"], "duplicate");
    post(&other, "key-1", dossier(&code(3), "2").to_string()).await.expect(202);
    for bad in ["", &"k".repeat(256)] {
        post(&token, bad, dossier(&code(4), "2").to_string()).await.expect_problem(400, "GW1006");
    }
    assert_eq!(stored(&world, &token).await, [code(1), code(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_contract_does_not_know_warns_and_comes_back_byte_for_byte() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let extra = "\"TruongMoi\" :  {\"b\":1.50e+2, \"a\":[ 1,2 ,\"\\u0041é\"]}";
    let record = dossier(&code(1), "2").to_string().replacen('{', &format!("{{ {extra} ,\n"), 1);
    let answer = world.post(&token, DOSSIERS, record.clone()).await.expect(202).json();
    assert_eq!(answer["warnings"][0]["rule"], "unknown-field", "{answer}");
    assert_eq!(answer["warnings"][0]["path"], "/TruongMoi");
    assert!(world.get(&token, &format!("{DOSSIERS}/{}", code(1))).await.text().contains(&record));
    assert!(world.get(&token, "/v1/changes").await.text().contains(&record));
}

#[tokio::test(flavor = "multi_thread")]
async fn doubtful_records_are_taken_with_a_warning() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let record = with(dossier(&code(1), "2"), "SoGiayToChuHoSo", "000000001");
    let answer = world.post(&token, DOSSIERS, record.to_string()).await.expect(202).json();
    assert_eq!(answer["warnings"][0]["rule"], "placeholder-identity", "{answer}");
    assert!(!answer.to_string().contains("000000001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_steps_move_the_dossier_and_older_ones_only_join_its_history() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    let push = async |record: Value| world.post(&token, "/v1/progress", record.to_string()).await;
    assert_eq!(push(step(&code(1), "4", 30)).await.expect(202).json()["outcome"], "accepted");
    assert_eq!(push(step(&code(1), "4", 30)).await.expect(200).json()["outcome"], "duplicate");
    assert_eq!(push(step(&code(1), "2", 10)).await.expect(202).json()["outcome"], "accepted", "late, not backwards");
    assert_eq!(push(step(&code(1), "2", 40)).await.expect(202).json()["outcome"], "held");
    push(with(step(&code(1), "4", 50), "ThoiDiemXuLy", "x")).await.expect_problem(422, "GW1501");
    push(step(&code_of_h11(1), "4", 50)).await.expect_problem(403, "GW1202");
    let shown = world.get(&token, &format!("{DOSSIERS}/{}", code(1))).await.expect(200).json();
    assert_eq!((&shown["TrangThaiHoSo"], &shown["record"]["TrangThaiHoSo"]), (&"4".into(), &"2".into()));
    let history = world.get(&token, &format!("{DOSSIERS}/{}/history", code(1))).await.expect(200).json();
    let kinds: Vec<_> = history["events"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["dossier", "progress", "progress", "progress"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_answered_record_by_record_with_true_sums() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "9")).await;
    let records = json!([
        dossier(&code(2), "2"),
        dossier(&code(1), "9"),
        dossier(&code(1), "4"),
        with(dossier(&code(3), "2"), "TrangThaiHoSo", "11"),
        dossier(&code_of_h11(1), "2"),
        dossier(&code(2), "2"),
        dossier(&code(2), "4"),
        7,
    ]);
    let answer = world.post(&token, DOSSIERS, records.to_string()).await.expect(200).json();
    let results = answer["results"].as_array().unwrap();
    let outcomes: Vec<_> = results.iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    let expected = ["accepted", "duplicate", "held", "rejected", "rejected", "duplicate", "accepted", "rejected"];
    assert_eq!(outcomes, expected, "{answer}");
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
        assert_eq!(result["errors"].is_array(), result["outcome"] == "rejected", "{result}");
        assert_eq!(result["seq"].is_u64(), result["outcome"] != "rejected", "{result}");
    }
    assert_eq!(results[3]["errors"][0]["path"], "/TrangThaiHoSo");
    assert_eq!(results[4]["errors"][0]["rule"], "agency-not-granted");
    for (name, count) in [("accepted", 2), ("duplicate", 2), ("held", 1), ("rejected", 3)] {
        assert_eq!(answer[name], count, "{name}");
    }
    assert_eq!(stored(&world, &token).await, [code(1), code(2), code(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_may_be_empty_but_not_too_long_or_broken() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let empty = world.post(&token, DOSSIERS, " [ ] ").await.expect(200).json();
    assert_eq!(empty, json!({"accepted": 0, "duplicate": 0, "held": 0, "rejected": 0, "results": []}));
    let many = |count: usize| Value::Array(vec![dossier(&code(1), "2"); count]).to_string();
    world.post(&token, DOSSIERS, many(1001)).await.expect_problem(413, "GW1003");
    for broken in ["[1,2", "[,]", "[{}] x"] {
        world.post(&token, DOSSIERS, broken).await.expect_problem(400, "GW1002");
    }
    assert!(stored(&world, &token).await.is_empty(), "nothing of a refused array is stored");
    let answer = world.post(&token, DOSSIERS, many(1000)).await.expect(200).json();
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&1.into(), &999.into()));
}
