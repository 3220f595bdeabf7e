//! The listener as a hostile, slow or merely unusual client sees it.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lgsp_model::ErrorCode;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::gateway::{PATIENCE, Setup, World, send, until};
use crate::raw::Raw;
use crate::records::{code, dossier, lines};

/// A push with these headers in front and this body behind.
fn push(token: &str, headers: &str, body: &str) -> String {
    format!(
        "POST /v1/dossiers HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{headers}\r\n{body}"
    )
}

fn chunked(body: &str, size: usize) -> String {
    let pieces = body.as_bytes().chunks(size);
    let mut text: Vec<u8> = Vec::new();
    for piece in pieces {
        text.extend_from_slice(format!("{:X};note=x\r\n", piece.len()).as_bytes());
        text.extend_from_slice(piece);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\nx-trailer: 1\r\n\r\n");
    String::from_utf8(text).expect("cut by whole bytes and joined again")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_length_is_told_twice_is_refused_and_nothing_after_it_is_read() {
    let world = World::start().await;
    let smuggled = "GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\n\r\n";
    for headers in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "content-length : 5\r\ntransfer-encoding: chunked\r\n",
    ] {
        let request = push("none", headers, &format!("0\r\n\r\n{smuggled}"));
        let (answer, mut raw) = Raw::ask(&world, request).await;
        assert_eq!(answer.status, 400, "{headers}");
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["code"], ErrorCode::MalformedRequest.code(), "{headers}");
        assert_eq!(raw.rest().await, "", "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_exactly_one_host() {
    let world = World::start().await;
    for headers in ["", "host: a\r\nhost: b\r\n"] {
        let (answer, mut raw) = Raw::ask(&world, format!("GET /openapi.json HTTP/1.1\r\n{headers}\r\n")).await;
        assert_eq!(answer.status, 400, "{headers}");
        assert_eq!(raw.rest().await, "", "{headers}");
    }
    let (answer, _) = Raw::ask(&world, "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_in_time_is_dropped() {
    let world = World::with(Setup::limits("header_timeout = \"300ms\"")).await;
    for start in ["", "G", "GET /openapi.json HT", "GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\n"] {
        let mut raw = Raw::connect(world.public()).await;
        raw.send(start).await;
        let rest = raw.rest().await;
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 408"), "{start:?}: {rest}");
    }
    // The time is that of the whole head: a byte now and then does not buy more.
    let mut raw = Raw::connect(world.public()).await;
    raw.send("GET /openapi.json HTTP/1.1\r\n").await;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let dropped = async {
        while raw.try_send("x").await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, dropped).await.expect("a dripping head is dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_on_a_connection_has_to_end_its_head_as_well() {
    let world = World::with(Setup::limits("header_timeout = \"300ms\"")).await;
    let get = "GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\n";
    let (answer, mut raw) = Raw::ask(&world, format!("{get}\r\n{get}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(raw.answer().await.status, 408);
    assert_eq!(raw.rest().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_falls_silent_is_dropped() {
    let world = World::with(Setup::limits("body_timeout = \"300ms\"")).await;
    let token = world.token("one-stop").await;
    let (answer, mut raw) = Raw::ask(&world, push(&token, "content-length: 1000\r\n", "{\"MaHoSo\":")).await;
    assert_eq!(answer.status, 408, "{}", answer.body);
    assert_eq!(raw.rest().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_is_dropped() {
    let world = World::with(Setup::limits("body_timeout = \"300ms\"")).await;
    let token = world.token("one-stop").await;
    let mut raw = Raw::connect(world.public()).await;
    raw.send(push(&token, "content-length: 100000\r\n", "{")).await;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let dropped = async {
        while raw.try_send(" ").await {
            tick.tick().await;
        }
        raw.rest().await
    };
    tokio::time::timeout(PATIENCE, dropped).await.expect("a dripping body is dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_long_is_refused() {
    let world = World::with(Setup::limits("header_bytes = \"4KiB\"")).await;
    let fill = |length| format!("GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\nx-fill: {}\r\n\r\n", "x".repeat(length));
    let (answer, mut raw) = Raw::ask(&world, fill(5000)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(raw.rest().await, "");
    // Also when its end never comes.
    let (answer, _) = Raw::ask(&world, &fill(20_000)[..10_000]).await;
    assert_eq!(answer.status, 413);
    assert_eq!(Raw::ask(&world, fill(3900)).await.0.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused_whether_its_length_was_told_or_not() {
    let world = World::with(Setup::limits("body_bytes = \"64KiB\"\nrecord_bytes = \"64KiB\"")).await;
    let token = world.token("one-stop").await;
    // Told: the answer comes before the body does.
    let (answer, _) = Raw::ask(&world, push(&token, "content-length: 70000\r\n", "")).await;
    assert_eq!(answer.status, 413);
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(70_000));
    let (answer, _) = Raw::ask(&world, push(&token, "transfer-encoding: chunked\r\n", &chunked(&long, 5000))).await;
    assert_eq!(answer.status, 413);
    world.accept(&token, &dossier(&code(1), "2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_whether_the_connection_can_be_used_again() {
    let world = World::start().await;
    for (length, close) in [(100, None), (100_000, Some("close"))] {
        let body = "x".repeat(length);
        let (answer, mut raw) = Raw::ask(&world, push("none", &format!("content-length: {length}\r\n"), &body)).await;
        assert_eq!((answer.status, answer.header("connection")), (401, close));
        if close.is_some() {
            assert_eq!(raw.rest().await, "");
        } else {
            raw.send("GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
            assert_eq!(raw.answer().await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunked_bodies_are_taken_however_they_are_cut() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    for (n, size) in [1, 7, 1000, 100_000].into_iter().enumerate() {
        let body = dossier(&code(n), "2").to_string();
        let request = push(&token, "transfer-encoding: chunked\r\n", &chunked_ascii(&body, size));
        let (answer, _) = Raw::ask(&world, request).await;
        assert_eq!(answer.status, 202, "{size}: {}", answer.body);
    }
    let broken = "transfer-encoding: chunked\r\n";
    let (answer, _) = Raw::ask(&world, push(&token, broken, "nonsense\r\n{}\r\n0\r\n\r\n")).await;
    assert_eq!(answer.status, 400);
}

/// Chunks may be cut inside a letter: the text is escaped first so that it stays text here.
fn chunked_ascii(json: &str, size: usize) -> String {
    let mut ascii = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => ascii.push(char::from(byte)),
            _ => ascii.push_str(&format!("\\u{unit:04x}")),
        }
    }
    chunked(&ascii, size)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_first_is_told_to_go_on_or_is_refused_without_its_body() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let body = dossier(&code(1), "2").to_string();
    let expect = format!("content-length: {}\r\nexpect: 100-continue\r\n", body.len());
    let (answer, mut raw) = Raw::ask(&world, push(&token, &expect, "")).await;
    assert_eq!(answer.status, 100);
    raw.send(&body).await;
    assert_eq!(raw.answer().await.status, 202);
    let (refused, _) = Raw::ask(&world, push("not-a-token", &expect, "")).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_each_and_in_order() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let body = dossier(&code(1), "2").to_string();
    let all = [
        push(&token, &format!("content-length: {}\r\n", body.len()), &body),
        "GET /nothing HTTP/1.1\r\nhost: lgsp\r\n\r\n".to_owned(),
        push(&token, "transfer-encoding: chunked\r\n", &chunked_ascii(&body, 100)),
        "GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\n\r\n".to_owned(),
    ];
    let (first, mut raw) = Raw::ask(&world, all.concat()).await;
    assert_eq!((first.status, first.body.contains("accepted")), (202, true));
    assert_eq!(raw.answer().await.status, 404);
    let third = raw.answer().await;
    assert_eq!((third.status, third.body.contains("duplicate")), (200, true));
    assert_eq!(raw.answer().await.body, lgsp::OPENAPI);
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_with_prior_knowledge_works_beside_http1() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let stream = TokioIo::new(TcpStream::connect(world.public()).await.unwrap());
    let (sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, Full<bytes::Bytes>>(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let asked = (0..20).map(|n| {
        let mut sender = sender.clone();
        let request = hyper::Request::post(world.url("/v1/dossiers"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Full::from(dossier(&code(n), "2").to_string()))
            .unwrap();
        tokio::spawn(async move { sender.send_request(request).await.unwrap() })
    });
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (202, hyper::Version::HTTP_2));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["outcome"], "accepted");
    }
    let mut sender = sender;
    let request = hyper::Request::get(world.url("/v1/changes")).body(Full::default()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_begins_like_http2_is_dropped() {
    let world = World::with(Setup::limits("header_timeout = \"300ms\"")).await;
    let mut raw = Raw::connect(world.public()).await;
    raw.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n and something else altogether").await;
    raw.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_bodies_are_taken_in_all_three_forms() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let one = dossier(&code(0), "2").to_string();
    let array = Value::Array((1..4).map(|n| dossier(&code(n), "2")).collect()).to_string();
    let stream = lines(&(4..8).map(|n| dossier(&code(n), "2")).collect::<Vec<_>>());
    for (media_type, body, status) in
        [("application/json", one, 202), ("application/json", array, 200), ("application/x-ndjson", stream, 200)]
    {
        let request = world.http.post(world.url("/v1/dossiers")).bearer_auth(&token);
        let request = request.header("content-type", media_type).header("content-encoding", "gzip");
        send(request.body(gzip(body.as_bytes()))).await.expect(status);
    }
    let feed = world.get(&token, "/v1/changes").await.expect(200).json();
    assert_eq!(feed["changes"].as_array().unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_that_is_broken_or_grows_too_large_is_refused() {
    let world = World::with(Setup::limits("inflated_bytes = \"1MiB\"")).await;
    let token = world.token("one-stop").await;
    let whole = gzip(dossier(&code(1), "2").to_string().as_bytes());
    let mut spoilt = whole.clone();
    let crc = spoilt.len() - 6;
    spoilt[crc] ^= 0xff;
    for (body, encoding, status, error) in [
        (gzip(&vec![b' '; 100 << 20]), "gzip", 413, ErrorCode::TooLarge),
        (whole[..whole.len() / 2].to_vec(), "gzip", 400, ErrorCode::BadEncoding),
        (spoilt, "gzip", 400, ErrorCode::BadEncoding),
        (b"not gzip at all".to_vec(), "gzip", 400, ErrorCode::BadEncoding),
        (whole, "br", 415, ErrorCode::UnsupportedMediaType),
    ] {
        let request = world.http.post(world.url("/v1/dossiers")).bearer_auth(&token);
        let request = request.header("content-type", "application/json").header("content-encoding", encoding);
        send(request.body(body)).await.expect_problem(status, error.code());
    }
    let feed = world.get(&token, "/v1/changes").await.expect(200).json();
    assert_eq!(feed["changes"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_gets_its_answer_and_the_end_of_the_connection() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let (answer, mut raw) = Raw::ask(&world, "GET /openapi.json HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 200);
    assert_eq!(raw.rest().await, "");
    let body = dossier(&code(1), "2").to_string();
    let length = format!("content-length: {}\r\n", body.len());
    let (answer, _) = Raw::ask(&world, push(&token, &length, &body).replace("HTTP/1.1", "HTTP/1.0")).await;
    assert_eq!(answer.status, 202);
    let request = push(&token, "transfer-encoding: chunked\r\n", "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(Raw::ask(&world, request).await.0.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_hold_more_connections_than_it_may() {
    let world = World::with(Setup::limits("connections_per_address = 3")).await;
    let get = "GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..3 {
        let (answer, raw) = Raw::ask(&world, get).await;
        assert_eq!(answer.status, 200);
        open.push(raw);
    }
    let mut fourth = Raw::connect(world.public()).await;
    fourth.try_send(get).await;
    assert_eq!(fourth.rest().await, "");
    drop(open.pop());
    until("a connection that ended makes room", || async {
        let mut raw = Raw::connect(world.public()).await;
        raw.try_send(get).await;
        let mut one = [0u8; 1];
        let read = tokio::io::AsyncReadExt::read(&mut raw.into_stream(), &mut one).await;
        (read.ok()? == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_is_closed_after_a_while() {
    let world = World::with(Setup::limits("idle_timeout = \"1s\"")).await;
    let get = "GET /openapi.json HTTP/1.1\r\nhost: lgsp\r\n\r\n";
    let (_, mut raw) = Raw::ask(&world, get).await;
    raw.send(get).await;
    assert_eq!(raw.answer().await.status, 200);
    assert_eq!(raw.rest().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_refused_with_what_would_work() {
    let world = World::start().await;
    send(world.http.get(world.url("/v2/dossiers"))).await.expect_problem(404, ErrorCode::NotFound.code());
    let refused = send(world.http.delete(world.url("/v1/dossiers"))).await;
    assert_eq!(refused.expect_problem(405, ErrorCode::MethodNotAllowed.code()).header("allow"), "POST");
    let head = send(world.http.head(world.url("/openapi.json"))).await.expect(200);
    assert!(head.body.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_trace_runs_through_the_answer_and_the_error() {
    let world = World::start().await;
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = world.http.get(world.url("/v1/changes"));
    let answer = send(request.header("traceparent", format!("00-{id}-00f067aa0ba902b7-01"))).await;
    assert!(answer.header("traceresponse").starts_with(&format!("00-{id}-")), "{}", answer.header("traceresponse"));
    let problem = answer.expect_problem(401, ErrorCode::Unauthenticated.code()).json();
    assert_eq!(problem["trace_id"], id);
    let other = send(world.http.get(world.url("/v1/changes"))).await;
    assert!(!other.header("traceresponse").contains(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_a_page() {
    let world = World::start().await;
    for error in ErrorCode::ALL {
        let page = send(world.http.get(world.url(&format!("/errors/{}", error.slug())))).await.expect(200);
        assert!(page.text().contains(error.code()), "{error:?}");
    }
    send(world.http.get(world.url("/errors/none"))).await.expect_problem(404, ErrorCode::NotFound.code());
}
