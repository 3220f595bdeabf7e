//! The change feed: one order for everybody, no gap, no repeat, and waiting without asking.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gateway::{PATIENCE, World, send};
use crate::records::{code, code_of_h11, dossier, lines, step};

/// Reads the feed with this query until it has nothing more; every change and the last cursor.
async fn read_all(world: &World, token: &str, query: &str) -> (Vec<Value>, String) {
    let (mut changes, mut cursor) = (Vec::new(), String::new());
    loop {
        let after = if cursor.is_empty() { String::new() } else { format!("&after={cursor}") };
        let page = world.get(token, &format!("/v1/changes?{query}{after}")).await.expect(200).json();
        changes.extend(page["changes"].as_array().unwrap().iter().cloned());
        cursor = page["next"].as_str().unwrap().to_owned();
        if !page["more"].as_bool().unwrap() {
            return (changes, cursor);
        }
    }
}

fn seqs(changes: &[Value]) -> Vec<u64> {
    changes.iter().map(|change| change["seq"].as_u64().unwrap()).collect()
}

async fn push_lines(world: &World, token: &str, records: &[Value]) {
    let answer = world.post_as("application/x-ndjson", token, "/v1/dossiers", lines(records)).await.expect(200);
    assert!(answer.text().contains("\"rejected\":0"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_bring_every_change_once_and_in_order() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let records: Vec<_> = (0..57).map(|n| dossier(&code(n), "2")).collect();
    push_lines(&world, &token, &records).await;
    for limit in [1, 7, 56, 57, 58, 10_000] {
        let (changes, _) = read_all(&world, &token, &format!("limit={limit}")).await;
        assert_eq!(seqs(&changes), (1..=57).collect::<Vec<_>>(), "{limit}");
    }
    let (changes, cursor) = read_all(&world, &token, "limit=10").await;
    let change = &changes[56];
    assert_eq!(change["record"], records[56]);
    for (field, value) in [("kind", "dossier"), ("MaHoSo", &code(56)), ("agency", "H56.14"), ("sender", "one-stop")] {
        assert_eq!(change[field], value);
    }
    assert!(change["received_at"].as_str().is_some_and(|at| at.contains('T')), "{change}");
    // The cursor of a change goes on right behind it; the end's cursor goes on with what comes later.
    let after = changes[9]["cursor"].as_str().unwrap();
    let page = world.get(&token, &format!("/v1/changes?after={after}&limit=1")).await.json();
    assert_eq!(page["changes"][0]["seq"], 11);
    let seq = world.accept(&token, &dossier(&code(100), "2")).await;
    let page = world.get(&token, &format!("/v1/changes?after={cursor}")).await.json();
    assert_eq!(seqs(page["changes"].as_array().unwrap()), [seq]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_make_no_sense_are_refused() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    for query in [
        "limit=0",
        "limit=10001",
        "limit=x",
        "limit=-1",
        "after=x",
        "after=",
        "after=AAAA",
        "wait=61s",
        "wait=-1",
        "wait=1h",
        "kind=audit",
        "kind=message",
        "kind=status,access",
        "kind=evidence",
        "agency=h56",
        "agency=",
    ] {
        world.get(&token, &format!("/v1/changes?{query}")).await.expect_problem(400, "GW1006");
    }
    world.get(&token, "/v1/changes?kind=payment").await.expect_problem(403, "GW1201");
    world.get(&token, "/v1/changes?agency=H11").await.expect_problem(403, "GW1202");
    let sender = world.token("sender").await;
    world.get(&sender, "/v1/changes").await.expect_problem(403, "GW1201");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_survives_a_restart() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    world.accept(&token, &dossier(&code(1), "2")).await;
    let (_, cursor) = read_all(&world, &token, "").await;
    let world = world.restart().await;
    let seq = world.accept(&token, &dossier(&code(2), "2")).await;
    let page = world.get(&token, &format!("/v1/changes?after={cursor}")).await.expect(200).json();
    assert_eq!(seqs(page["changes"].as_array().unwrap()), [seq]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_is_woken_by_a_push() {
    let world = Arc::new(World::start().await);
    let token = world.token("one-stop").await;
    let (_, cursor) = read_all(&world, &token, "").await;
    let path = format!("/v1/changes?after={cursor}&wait=60s");
    let waiting = tokio::spawn({
        let (world, token) = (world.clone(), token.clone());
        async move {
            let page = world.get(&token, &path).await.expect(200).json();
            (page, Instant::now())
        }
    });
    // Another agency's push does not end the wait.
    world.accept(&world.token("one-stop-h11").await, &dossier(&code_of_h11(1), "2")).await;
    let seq = world.accept(&token, &dossier(&code(1), "2")).await;
    let pushed = Instant::now();
    let (page, woken) = tokio::time::timeout(PATIENCE, waiting).await.expect("the reader is woken").unwrap();
    assert_eq!(seqs(page["changes"].as_array().unwrap()), [seq]);
    // Milliseconds on an idle machine; the bound leaves room for a busy one and none for asking again by a timer.
    let late = woken.saturating_duration_since(pushed);
    assert!(late < Duration::from_secs(1), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_brings_nothing_ends_with_a_cursor() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    world.accept(&world.token("one-stop-h11").await, &dossier(&code_of_h11(1), "2")).await;
    let start = Instant::now();
    let page = world.get(&token, "/v1/changes?wait=300ms").await.expect(200).json();
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!((&page["changes"], &page["more"]), (&Value::Array(vec![]), &false.into()));
    let next = page["next"].as_str().unwrap();
    let seq = world.accept(&token, &dossier(&code(1), "2")).await;
    let page = world.get(&token, &format!("/v1/changes?after={next}&wait=30s")).await.expect(200).json();
    assert_eq!(seqs(page["changes"].as_array().unwrap()), [seq]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_its_agencies_and_narrows_by_agency_and_kind() {
    let world = World::start().await;
    let (h56, h11) = (world.token("one-stop").await, world.token("one-stop-h11").await);
    let all = world.token("province").await;
    for n in 0..3 {
        world.accept(&h56, &dossier(&code(n), "2")).await;
        world.accept(&h11, &dossier(&code_of_h11(n), "2")).await;
        world.post(&h56, "/v1/progress", step(&code(n), "4", n).to_string()).await.expect(202);
    }
    for (token, query, count) in [
        (&all, "limit=2", 9),
        (&h56, "limit=2", 6),
        (&h11, "limit=2", 3),
        (&all, "limit=2&agency=H11", 3),
        (&all, "limit=2&agency=H56.14", 6),
        (&all, "limit=2&agency=H56.15", 0),
        (&all, "limit=2&kind=progress", 3),
        (&all, "limit=2&kind=progress,dossier", 9),
        (&h56, "limit=2&kind=dossier", 3),
        (&h11, "limit=2&kind=progress", 0),
        (&all, "limit=2&kind=status", 0),
    ] {
        let (changes, _) = read_all(&world, token, query).await;
        assert_eq!(changes.len(), count, "{query}");
    }
    let (changes, _) = read_all(&world, &h11, "").await;
    assert!(changes.iter().all(|change| change["agency"] == "H11.16"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_as_lines_says_the_same() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let pretty = serde_json::to_string_pretty(&dossier(&code(1), "2")).unwrap();
    world.post(&token, "/v1/dossiers", pretty).await.expect(202);
    world.accept(&token, &dossier(&code(2), "2")).await;
    let request = world.http.get(world.url("/v1/changes?limit=1")).bearer_auth(&token);
    let answer = send(request.header("accept", "application/x-ndjson")).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines = answer.lines();
    let page = world.get(&token, "/v1/changes?limit=1").await.json();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], page["changes"][0]);
    assert_eq!((&lines[1]["next"], &lines[1]["more"]), (&page["next"], &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_readers_see_one_order_without_gaps_while_concurrent_writers_push() {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 25;
    const BATCH: usize = 8;
    const ALL: usize = WRITERS * ROUNDS * BATCH;
    let world = Arc::new(World::start().await);
    let token = world.token("one-stop").await;
    let writers = (0..WRITERS).map(|writer| {
        let (world, token) = (world.clone(), token.clone());
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..ROUNDS {
                let first = (writer * ROUNDS + round) * BATCH;
                let records: Vec<_> = (first..first + BATCH).map(|n| dossier(&code(n), "2")).collect();
                let answer = world.post(&token, "/v1/dossiers", Value::Array(records).to_string()).await.expect(200);
                acknowledged.extend(seqs(answer.json()["results"].as_array().unwrap()));
                // What is acknowledged can be read at once.
                let newest = *acknowledged.last().unwrap();
                let page = world.get(&token, "/v1/changes?limit=10000").await.json();
                assert!(seqs(page["changes"].as_array().unwrap()).contains(&newest));
            }
            acknowledged
        })
    });
    let writers: Vec<_> = writers.collect();
    let readers = [1, 13, 500].map(|limit| {
        let (world, token) = (world.clone(), token.clone());
        tokio::spawn(async move {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            while seen.len() < ALL {
                let after = if cursor.is_empty() { String::new() } else { format!("&after={cursor}") };
                let page = world.get(&token, &format!("/v1/changes?limit={limit}&wait=10s{after}")).await.expect(200);
                let page = page.json();
                let changes = seqs(page["changes"].as_array().unwrap());
                assert!(!changes.is_empty(), "after {} of {ALL} nothing more came", seen.len());
                seen.extend(changes);
                cursor = page["next"].as_str().unwrap().to_owned();
            }
            seen
        })
    });
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let expected: Vec<u64> = acknowledged.into_iter().collect();
    assert_eq!(expected, (1..=ALL as u64).collect::<Vec<_>>());
    for reader in readers {
        assert_eq!(reader.await.unwrap(), expected);
    }
}
