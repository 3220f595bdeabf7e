//! The echo: what it says of requests, and its odd answers, on raw sockets where a client would hide them.

use std::io::Read;

use lgsp_sandbox::Sandbox;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{sandbox, token};

async fn get(sandbox: &Sandbox, path: &str) -> reqwest::Response {
    reqwest::get(sandbox.url(&format!("/echo/{path}"))).await.expect("the sandbox answers")
}

/// Sends bytes and reads to the end of the connection.
async fn raw(sandbox: &Sandbox, request: &str) -> (String, std::io::Result<()>) {
    let mut socket = TcpStream::connect(sandbox.addr()).await.expect("the sandbox answers");
    socket.write_all(request.as_bytes()).await.expect("the sandbox answers");
    let mut answer = Vec::new();
    let ended = socket.read_to_end(&mut answer).await.map(|_| ());
    (String::from_utf8_lossy(&answer).into_owned(), ended)
}

fn request(path: &str, headers: &str) -> String {
    format!("GET /echo/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
}

#[tokio::test]
async fn it_says_what_arrived() {
    let sandbox = sandbox();
    let posted = reqwest::Client::new().put(sandbox.url("/echo/any/thing?a=%20b")).header("X-Odd", "1").body("abc");
    let said: Value = posted.send().await.unwrap().json().await.unwrap();
    assert_eq!((&said["method"], &said["target"]), (&json!("PUT"), &json!("/echo/any/thing?a=%20b")));
    assert_eq!(
        (&said["body_bytes"], &said["version"], &said["server"]),
        (&json!(3), &json!("HTTP/1.1"), &json!("echo"))
    );
    assert_eq!(said["body_sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let seen = &sandbox.echo().seen()[0];
    assert_eq!((seen.header("x-odd"), seen.header("x-even"), seen.complete), (Some("1"), None, true));
    let chunked = "POST /echo/any HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n";
    let (answer, _) = raw(&sandbox, chunked).await;
    assert!(answer.contains("\"trailers\":[[\"x-sum\",\"7\"]]"), "{answer}");
}

#[tokio::test]
async fn an_upload_is_counted_and_one_that_breaks_off_is_remembered_so() {
    let sandbox = sandbox();
    let body = vec![7; 20 << 20];
    let sunk = reqwest::Client::new().post(sandbox.url("/echo/sink")).body(body).send().await.unwrap();
    assert_eq!(sunk.json::<Value>().await.unwrap()["bytes"], 20 << 20);
    let mut socket = TcpStream::connect(sandbox.addr()).await.unwrap();
    socket.write_all(b"POST /echo/sink HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").await.unwrap();
    socket.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
    let seen = sandbox.echo().seen();
    assert_eq!((seen[1].body_bytes, seen[1].complete, sandbox.echo().seen_count()), (3, false, 2));
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}

#[tokio::test]
async fn a_half_ends_with_a_reset_or_an_end() {
    let sandbox = sandbox();
    let (half, ended) = raw(&sandbox, &request("half?bytes=1000", "")).await;
    assert!(half.contains("content-length: 1000"));
    assert_eq!(half.split_once("\r\n\r\n").unwrap().1.chars().count(), 500);
    assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let (half, ended) = raw(&sandbox, &request("half?bytes=1000&end=fin&chunked=1", "")).await;
    assert!(half.contains("transfer-encoding: chunked") && !half.ends_with("0\r\n\r\n") && ended.is_ok());
    let (nothing, ended) = raw(&sandbox, &request("reset", "")).await;
    assert_eq!((nothing.as_str(), ended.unwrap_err().kind()), ("", std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn trailers_events_and_slow_bodies_come_as_they_are_asked_for() {
    let sandbox = sandbox();
    let (answer, _) = raw(&sandbox, &request("trailers?bytes=10", "TE: trailers\r\n")).await;
    assert!(answer.contains("trailer: x-checksum, x-bytes") && answer.contains("x-checksum: pattern-251"), "{answer}");
    let events = get(&sandbox, "sse?events=3&ms=1").await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert!(events.text().await.unwrap().ends_with("id: 3\nevent: tick\ndata: {\"n\":3}\n\n"));
    let started = std::time::Instant::now();
    let slow = get(&sandbox, "slow-body?bytes=100&pieces=4&ms=10").await;
    assert_eq!(slow.bytes().await.unwrap().len(), 100);
    let head = get(&sandbox, "slow-head?ms=10").await;
    assert_eq!((head.status(), started.elapsed().as_millis() >= 50), (StatusCode::OK, true));
    let mut stalled = get(&sandbox, "stall?bytes=100").await;
    assert_eq!(stalled.chunk().await.unwrap().unwrap().len(), 50);
}

#[tokio::test]
async fn ranges_compression_and_states_are_those_of_a_good_server() {
    let sandbox = sandbox();
    let whole = get(&sandbox, "bytes/1000").await.bytes().await.unwrap();
    let part = async |range: &str, tag: &str| {
        let request = reqwest::Client::new().get(sandbox.url("/echo/bytes/1000")).header("range", range);
        request.header("if-range", tag).send().await.unwrap()
    };
    let some = part("bytes=10-19", "\"pattern-251\"").await;
    assert_eq!(
        (some.status(), &some.headers()["content-range"]),
        (StatusCode::PARTIAL_CONTENT, &"bytes 10-19/1000".parse().unwrap())
    );
    assert_eq!(some.bytes().await.unwrap(), whole.slice(10..20));
    assert_eq!(part("bytes=10-19", "\"another\"").await.bytes().await.unwrap(), whole);
    assert_eq!(part("bytes=1000-", "\"pattern-251\"").await.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let packed = get(&sandbox, "gzip?bytes=1000").await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&packed.bytes().await.unwrap()[..]).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, whole);
    for status in [204, 304, 404, 418, 503] {
        assert_eq!(get(&sandbox, &format!("status/{status}")).await.status().as_u16(), status);
    }
    assert_eq!(get(&sandbox, "status/99").await.status(), StatusCode::BAD_REQUEST);
    let odd = get(&sandbox, "headers?x-a=1&keep-alive=timeout%3D5&x-a=2").await;
    assert_eq!(
        (odd.headers().get_all("x-a").iter().count(), &odd.headers()["keep-alive"]),
        (2, &"timeout=5".parse().unwrap())
    );
    assert_eq!(get(&sandbox, "big-header?bytes=5000").await.headers()["x-big"].len(), 5000);
    assert_eq!(get(&sandbox, "health").await.status(), StatusCode::OK);
    sandbox.echo().change_settings(|settings| settings.healthy = false);
    assert_eq!(get(&sandbox, "health").await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn expect_is_answered_by_going_on_or_by_the_end() {
    let sandbox = sandbox();
    let head = |path: &str| {
        format!(
            "POST /echo/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
    };
    let mut socket = TcpStream::connect(sandbox.addr()).await.unwrap();
    socket.write_all(head("any").as_bytes()).await.unwrap();
    let mut first = [0; 25];
    socket.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"abc").await.unwrap();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 OK") && rest.contains("\"body_bytes\":3"));
    let (refused, _) = raw(&sandbox, &head("early?status=417")).await;
    assert!(refused.starts_with("HTTP/1.1 417 "), "{refused}");
}

#[tokio::test]
async fn a_websocket_sends_frames_back_and_closes() {
    let sandbox = sandbox();
    let mut socket = TcpStream::connect(sandbox.addr()).await.unwrap();
    let hello = "GET /echo/ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(hello.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    // A masked text "Hello" as in the standard, a ping, an answer longer than 125 bytes, a close.
    socket.write_all(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]).await.unwrap();
    let mut back = [0; 7];
    socket.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"\x81\x05Hello");
    socket.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'!']).await.unwrap();
    let mut pong = [0; 3];
    socket.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\x8a\x01!");
    let mut long = vec![0x82, 0xfe, 0x01, 0x00, 0, 0, 0, 0];
    long.extend([9; 256]);
    socket.write_all(&long).await.unwrap();
    let mut back = [0; 260];
    socket.read_exact(&mut back).await.unwrap();
    assert_eq!((&back[..4], &back[4..]), (&[0x82, 126, 1, 0][..], &[9; 256][..]));
    socket.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    let mut end = Vec::new();
    socket.read_to_end(&mut end).await.unwrap();
    assert_eq!(end, [0x88, 0]);
    assert_eq!(get(&sandbox, "ws").await.status(), StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn what_is_guarded_wants_a_token_and_http_2_is_spoken_without_tls() {
    let sandbox = sandbox();
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = || sandbox.url("/echo/guarded");
    assert_eq!(client.get(url()).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let token = token(&sandbox, "echo").await;
    let said: Value = client.get(url()).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    assert_eq!(said["version"], "HTTP/2.0");
    assert_eq!(sandbox.echo().counters().tokens_refused, 1);
}
