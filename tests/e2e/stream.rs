//! NDJSON streams: order, broken lines, length without end, and clients that stop or go away.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::child::Child;
use crate::gateway::{Answer, PATIENCE, World, send, until};
use crate::raw::Raw;
use crate::records::{code, code_of_h11, dossier, lines, step, with};

async fn stream(world: &World, token: &str, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let answer = world.post_as("application/x-ndjson", token, path, body).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    answer
}

/// Result lines without the summary.
fn results(answer: &Answer) -> (Vec<Value>, Value) {
    let mut lines = answer.lines();
    let last = lines.pop().expect("a last line");
    assert!(last["summary"].is_object(), "{last}");
    (lines, last["summary"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_has_its_result_in_order_and_the_sums_come_last() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let body = lines(&[
        dossier(&code(1), "9"),
        dossier(&code(2), "2"),
        dossier(&code(1), "9"),
        dossier(&code(1), "4"),
        with(dossier(&code(3), "2"), "TrangThaiHoSo", "x"),
        dossier(&code_of_h11(1), "2"),
    ]);
    // Blank lines carry nothing, a broken one does not stop the others, and the last may lack its end.
    let body = format!("\n{body}\r\n   \n{{\"MaHoSo\": \n{}", dossier(&code(4), "2"));
    let answer = stream(&world, &token, "/v1/dossiers", body).await;
    let (results, summary) = results(&answer);
    let outcomes: Vec<_> = results.iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    let expected = ["accepted", "accepted", "duplicate", "held", "rejected", "rejected", "rejected", "accepted"];
    assert_eq!(outcomes, expected, "{}", answer.text());
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
    }
    assert_eq!((&results[0]["seq"], &results[2]["seq"]), (&1.into(), &1.into()));
    assert_eq!(results[7]["MaHoSo"], code(4));
    assert!(results[3]["reason"].is_string() && results[4]["errors"].is_array());
    for (name, count) in [("accepted", 3), ("duplicate", 1), ("held", 1), ("rejected", 3)] {
        assert_eq!(summary[name], count, "{name}: {summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_stream_as_well_and_an_empty_stream_has_a_summary() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let steps: Vec<_> = (0..50).map(|minute| step(&code(1), "4", minute)).collect();
    let (results, summary) = results(&stream(&world, &token, "/v1/progress", lines(&steps)).await);
    assert_eq!((results.len(), &summary["accepted"]), (50, &50.into()));
    let answer = stream(&world, &token, "/v1/progress", "").await;
    assert_eq!(answer.text(), "{\"summary\":{\"accepted\":0,\"duplicate\":0,\"held\":0,\"rejected\":0}}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_the_right_to_push_is_refused_before_its_first_line() {
    let world = World::start().await;
    let body = lines(&[dossier(&code(1), "2")]);
    world.post_as("application/x-ndjson", "no-token", "/v1/dossiers", body).await.expect_problem(401, "GW1101");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_end_stops_the_stream_and_says_what_was_stored() {
    let world = World::with(crate::gateway::Setup::limits("record_bytes = \"16KiB\"")).await;
    let token = world.token("one-stop").await;
    let long = with(dossier(&code(2), "2"), "GhiChu", "x".repeat(20_000));
    let body = lines(&[dossier(&code(1), "2"), long, dossier(&code(3), "2")]);
    let (results, summary) = results(&stream(&world, &token, "/v1/dossiers", body).await);
    assert_eq!(results[1]["outcome"], "rejected", "a line that is merely too long is skipped");
    assert_eq!((results.len(), &summary["accepted"]), (3, &2.into()));

    let endless = format!("{}\n{}", dossier(&code(4), "2"), "x".repeat(1 << 20));
    let (results, summary) = self::results(&stream(&world, &token, "/v1/dossiers", endless).await);
    assert_eq!(results[0]["outcome"], "accepted");
    assert_eq!((&summary["stopped"]["code"], &summary["stopped"]["at_index"]), (&"GW1003".into(), &1.into()));
}

/// A gateway whose memory is its own.
async fn alone(dir: &std::path::Path) -> (Child, String) {
    let contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");
    let config = format!(
        "version = 1\n[public]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         token = \"0123456789abcdef\"\n[issuer]\nurl = \"http://gateway.test\"\n[contracts]\npath = \"{contracts}\"\n\
         [[member]]\nid = \"one-stop\"\nname = \"x\"\nagencies = [\"H56\"]\nscopes = [\"dossier:push\"]\nsecret = \"x\"\n"
    );
    let child = Child::start(dir, &config).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "one-stop"), ("client_secret", "x")];
    let request = reqwest::Client::new().post(format!("{}/token", child.public)).form(&form);
    let token = send(request).await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
    (child, token)
}

fn address(child: &Child) -> SocketAddr {
    child.public.trim_start_matches("http://").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_records_pass_in_order_in_bounded_memory() {
    const RECORDS: usize = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let (child, token) = alone(dir.path()).await;
    let mut raw = Raw::connect(address(&child)).await;
    raw.send(stream_head(&token)).await;
    let (mut reader, mut writer) = raw.into_stream().into_split();
    let before = child.peak_memory();
    let pattern = dossier("CODE", "2").to_string();
    tokio::spawn(async move {
        for n in 0..RECORDS {
            let line = format!("{}\n", pattern.replace("CODE", &code(n)));
            writer.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).await.unwrap();
        }
        writer.write_all(b"0\r\n\r\n").await.unwrap();
        writer
    });
    let (mut text, mut piece) = (String::new(), vec![0; 1 << 16]);
    while !text.ends_with("\n\r\n0\r\n\r\n") {
        let count = timeout(PATIENCE, reader.read(&mut piece)).await.expect("the stream goes on").unwrap();
        assert!(count > 0, "the answer ends with its last chunk");
        text.push_str(std::str::from_utf8(&piece[..count]).expect("result lines of ASCII records"));
    }
    let grown = child.peak_memory() - before;
    let mut results = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(Value::is_object);
    for n in 0..RECORDS {
        let result = results.next().expect("a result for every line");
        assert_eq!((&result["index"], &result["seq"]), (&n.into(), &(n + 1).into()), "{result}");
    }
    assert_eq!(results.next().expect("a summary")["summary"]["accepted"], RECORDS);
    // The stream is some 30 MB; what is held of it is a few groups and the store's own buffers.
    assert!(grown < 50, "grew by {grown} MiB");
}

fn stream_head(token: &str) -> String {
    format!(
        "POST /v1/dossiers HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\n\
         content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_its_results_is_not_read_from_either() {
    /// Every empty object is answered with some hundred times its own length.
    const LINES: usize = 8_000_000;
    let dir = tempfile::tempdir().unwrap();
    let (child, token) = alone(dir.path()).await;
    let before = child.peak_memory();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut stream = socket.connect(address(&child)).await.unwrap();
    stream.write_all(stream_head(&token).as_bytes()).await.unwrap();
    let piece = format!("{:x}\r\n{}\r\n", 3000, "{}\n".repeat(1000));
    let mut sent = 0;
    while let Ok(written) = timeout(Duration::from_secs(2), stream.write_all(piece.as_bytes())).await {
        written.unwrap();
        sent += 1000;
        assert!(sent < LINES, "the gateway reads on without end");
    }
    let grown = child.peak_memory() - before;
    assert!(grown < 100, "grew by {grown} MiB");
    // Others are served meanwhile.
    let request = reqwest::Client::new().post(format!("{}/v1/dossiers", child.public)).bearer_auth(&token);
    send(request.json(&dossier(&code(1), "2"))).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_result_line_is_stored_when_the_client_breaks_off() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let mut raw = Raw::connect(world.public()).await;
    raw.send(stream_head(&token)).await;
    let whole = lines(&(0..300).map(|n| dossier(&code(n), "2")).collect::<Vec<_>>());
    let half = &dossier(&code(300), "2").to_string()[..500];
    raw.send(format!("{:x}\r\n{whole}{half}\r\n", whole.len() + half.len())).await;
    let head = raw.take_until(b"\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    // At least one group is acknowledged; then the client is gone in the middle of a record.
    let first = raw.take_until(b"}\n").await;
    raw.end().await;
    let text = first + &raw.rest().await;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let acknowledged: Vec<(u64, String)> = lines
        .filter(|line| line["outcome"] == "accepted")
        .map(|line| (line["seq"].as_u64().unwrap(), line["MaHoSo"].as_str().unwrap().to_owned()))
        .collect();
    assert!(!acknowledged.is_empty());
    let feed = world.get(&token, "/v1/changes?limit=10000").await.expect(200).json();
    let stored = |(seq, code): &(u64, String)| {
        feed["changes"].as_array().unwrap().iter().any(|change| change["seq"] == *seq && change["MaHoSo"] == *code)
    };
    assert!(acknowledged.iter().all(stored), "{} acknowledged", acknowledged.len());
    assert!(!feed.to_string().contains(&code(300)), "half a record is none");
    // Sending all again is harmless.
    let (results, summary) = results(&self::stream(&world, &token, "/v1/dossiers", whole).await);
    assert_eq!((results.len(), summary["rejected"].as_u64()), (300, Some(0)));
    let count =
        world.get(&token, "/v1/changes?limit=10000").await.expect(200).json()["changes"].as_array().unwrap().len();
    assert_eq!(count, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_while_the_stream_is_still_open() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let mut raw = Raw::connect(world.public()).await;
    raw.send(stream_head(&token)).await;
    for n in 0..3 {
        let line = lines(&[dossier(&code(n), "2")]);
        raw.send(format!("{:x}\r\n{line}\r\n", line.len())).await;
        if n == 0 {
            raw.take_until(b"\r\n\r\n").await;
        }
        let result = raw.take_until(b"}\n").await;
        assert!(result.contains(&code(n)), "{result}");
        let path = format!("/v1/dossiers/{}", code(n));
        until("the record is there", || async { (world.get(&token, &path).await.status == 200).then_some(()) }).await;
    }
}
