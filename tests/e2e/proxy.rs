//! Calls that are passed on as they are: what reaches the upstream, what comes back, and what happens when it does not.

use std::time::Duration;

use bytes::Bytes;
use futures_of_pieces::pieces;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use lgsp_sandbox::{Fault, FaultRule};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gateway::{Setup, World, send, until};
use crate::raw::Raw;

mod futures_of_pieces {
    //! A request body in pieces.

    use bytes::Bytes;

    /// `count` pieces of `size` bytes.
    pub(super) fn pieces(count: usize, size: usize) -> reqwest::Body {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(2);
        tokio::spawn(async move {
            for _ in 0..count {
                if sender.send(Bytes::from(vec![b'x'; size])).await.is_err() {
                    return;
                }
            }
        });
        reqwest::Body::wrap(Pieces(receiver))
    }

    struct Pieces(tokio::sync::mpsc::Receiver<Bytes>);

    impl hyper::body::Body for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            self.0.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(hyper::body::Frame::data(bytes))))
        }
    }
}

/// A service that passes everything on to the sandbox's echo.
pub(crate) fn echo(upstream: &str, expose: &str) -> (String, String) {
    let text = format!(
        "id = \"echo\"\nversion = \"1\"\nvalid_from = 2025-01-01\ntitle = {{ vi = \"Vọng\", en = \"Echo\" }}\n\
         description = {{ vi = \"Vọng\", en = \"Echo\" }}\nowner = \"tests\"\nmode = \"proxy\"\n\
         [expose]\npath = \"/services/echo\"\nformat = \"any\"\n{expose}\n[upstream]\n\
         servers = [\"{{sandbox}}/echo\"]\n{upstream}\n\
         [[operation]]\nname = \"all\"\nmethod = \"*\"\npath = \"/{{*rest}}\"\n"
    );
    ("echo/contract.toml".to_owned(), text)
}

const CALLERS: &str = r#"
[[member]]
id = "caller"
name = "caller"
agencies = ["H56"]
scopes = ["service:echo"]
secret = "secret-of-caller"
[[member]]
id = "other"
name = "other"
agencies = ["H56"]
scopes = ["service:echo"]
secret = "secret-of-other"
"#;

async fn world(upstream: &str, expose: &str) -> World {
    let setup = Setup { members: CALLERS.to_owned(), contracts: vec![echo(upstream, expose)], ..Setup::default() };
    World::with(setup).await
}

/// What the echo says of the headers that reached it.
fn headers_of(echoed: &Value, name: &str) -> Vec<String> {
    let all = echoed["headers"].as_array().unwrap();
    all.iter().filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_reaches_the_upstream_as_it_was_made_without_what_belongs_to_the_connection() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let request = world
        .http
        .request("PATCH".parse().unwrap(), world.url("/services/echo/any/a%20b/c?x=1&x=2&y=%C4%90"))
        .bearer_auth(&token)
        .header("connection", "x-mine, keep-alive")
        .header("x-mine", "of the connection")
        .header("keep-alive", "5")
        .header("te", "trailers, deflate")
        .header("proxy-authorization", "Basic secret")
        .header("x-forwarded-for", "6.6.6.6")
        .header("forwarded", "for=6.6.6.6")
        .header("x-kept", "one")
        .header("x-kept", "two")
        .body("a body");
    let answer = send(request).await.expect(200);
    let echoed = answer.json();
    assert_eq!(echoed["method"], "PATCH");
    assert_eq!(echoed["target"], "/echo/any/a%20b/c?x=1&x=2&y=%C4%90");
    assert_eq!(echoed["body_bytes"], 6);
    assert_eq!(headers_of(&echoed, "x-kept"), ["one", "two"]);
    assert_eq!(headers_of(&echoed, "te"), ["trailers"]);
    assert_eq!(headers_of(&echoed, "x-forwarded-for"), ["127.0.0.1"]);
    assert!(headers_of(&echoed, "forwarded")[0].starts_with("for=127.0.0.1;proto=http;host="));
    for gone in ["authorization", "x-mine", "keep-alive", "proxy-authorization", "connection", "transfer-encoding"] {
        assert_eq!(headers_of(&echoed, gone), Vec::<String>::new(), "{gone}");
    }
    let trace = answer.header("traceresponse").split('-').nth(1).unwrap().to_owned();
    assert!(headers_of(&echoed, "traceparent")[0].contains(&trace));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_or_not_granted_does_not_reach_the_upstream() {
    let world = world("", "").await;
    let answer = send(world.http.get(world.url("/services/echo/any"))).await.expect_problem(401, "GW1101");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    let token = world.token("one-stop").await;
    world.get(&token, "/services/echo/any").await.expect_problem(403, "GW1201");
    assert_eq!(world.sandbox.echo().seen_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_climb_out_of_the_service_are_nobodys() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    for path in [
        "/services/echo/../secret",
        "/services/echo/%2e%2e/secret",
        "/services/echo/a%2F..%2Fb",
        "/services/echo/.%2E/x",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\n\r\n");
        let (answer, _raw) = Raw::ask(&world, request).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(world.sandbox.echo().seen_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_flow_through_in_both_directions() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let (count, size) = (256, 64 * 1024);
    let request = world.http.post(world.url("/services/echo/sink")).bearer_auth(&token).body(pieces(count, size));
    let sunk = send(request).await.expect(200).json();
    assert_eq!(sunk["bytes"].as_u64(), Some((count * size) as u64), "{sunk}");
    let down = world.get(&token, &format!("/services/echo/bytes/{}", 16 << 20)).await.expect(200);
    assert_eq!(down.body.len(), 16 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_and_conditions_and_statuses_are_the_upstreams() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let ranged =
        world.http.get(world.url("/services/echo/bytes/1000")).bearer_auth(&token).header("range", "bytes=10-19");
    let answer = send(ranged).await.expect(206);
    assert_eq!((answer.body.len(), answer.header("content-range")), (10, "bytes 10-19/1000"));
    for status in [201, 204, 304, 404, 418, 500, 503] {
        let answer = world.get(&token, &format!("/services/echo/status/{status}")).await;
        assert_eq!(answer.status, status);
        assert_ne!(answer.header("content-type"), "application/problem+json", "an upstream's own answer is not ours");
    }
    let head = world.http.head(world.url("/services/echo/bytes/1000")).bearer_auth(&token);
    let answer = send(head).await.expect(200);
    assert_eq!((answer.body.len(), answer.header("content-length")), (0, "1000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_stream_come_one_by_one() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let request = world.http.get(world.url("/services/echo/sse?events=3&ms=50")).bearer_auth(&token);
    let mut response = request.send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let mut pieces = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        assert!(!piece.is_empty());
        pieces += 1;
    }
    assert!(pieces >= 3, "{pieces} pieces: they were put together on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_pass() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let stream = TcpStream::connect(world.public()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .uri("/services/echo/trailers?bytes=10")
        .header("host", "lgsp")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {token}"))
        .body(http_body_util::Empty::<Bytes>::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let collected = response.into_body().collect().await.unwrap();
    assert!(collected.trailers().is_some_and(|trailers| !trailers.is_empty()));
    assert_eq!(collected.to_bytes().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let mut raw = Raw::connect(world.public()).await;
    raw.send(format!(
        "POST /services/echo/any HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
    ))
    .await;
    assert_eq!(raw.answer().await.status, 100);
    raw.send("hello").await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\"body_bytes\":5") && !answer.body.contains("100-continue"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_passes_both_ways() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let mut raw = Raw::connect(world.public()).await;
    raw.send(format!(
        "GET /services/echo/ws HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ))
    .await;
    let head = raw.take_until(b"\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.to_ascii_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    let mut stream = raw.into_stream();
    // A masked text frame "hi" (RFC 6455 §5.2), which comes back without its mask.
    stream.write_all(&[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2]).await.unwrap();
    let mut frame = [0u8; 4];
    tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut frame)).await.unwrap().unwrap();
    assert_eq!(frame, [0x81, 2, b'h', b'i']);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_than_web_sockets_do_not_pass() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let request = format!(
        "GET /services/echo/any HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\nconnection: upgrade, http2-settings\r\n\
         upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n"
    );
    let (answer, _raw) = Raw::ask(&world, request).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("h2c") && !answer.body.contains("http2-settings"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_cannot_be_reached_or_does_not_answer_is_told_apart() {
    let unreachable = world("", "").await;
    let token = unreachable.token("caller").await;
    unreachable.sandbox.echo().add_fault(FaultRule::always(Fault::ResetBeforeStoring)).unwrap();
    let answer = unreachable.post(&token, "/services/echo/any", "{}").await.expect_problem(502, "GW1701");
    assert!(answer.json()["detail"].as_str().unwrap().contains("may have acted"), "{}", answer.text());

    let slow = world("timeout = \"300ms\"", "").await;
    let token = slow.token("caller").await;
    let answer = slow.get(&token, "/services/echo/slow-head?ms=3000").await.expect_problem(504, "GW1702");
    assert!(answer.json()["detail"].as_str().unwrap().contains("in time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_checked_has_to_end_in_time() {
    let (path, text) = echo("timeout = \"300ms\"", "");
    let text = text.replace("format = \"any\"", "format = \"json\"");
    let text =
        text.replace("path = \"/{*rest}\"", "path = \"/slow\"\nupstream_path = \"/slow-body\"\nresponse = \"r.json\"");
    let text = text.replace("method = \"*\"", "method = \"GET\"");
    let contracts = vec![(path, text), ("echo/r.json".to_owned(), "{\"type\": \"object\"}".to_owned())];
    let world = World::with(Setup { members: CALLERS.to_owned(), contracts, ..Setup::default() }).await;
    let token = world.token("caller").await;
    // Its pieces come often enough, and for a second.
    let answer = world.get(&token, "/services/echo/slow").await.expect_problem(504, "GW1702");
    assert!(answer.json()["detail"].as_str().unwrap().contains("took longer than allowed"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_changes_something_is_sent_once_and_one_with_a_key_again() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let drop_once = || FaultRule::times(Fault::ResetBeforeStoring, 1);
    world.sandbox.echo().add_fault(drop_once()).unwrap();
    world.post(&token, "/services/echo/any", "{}").await.expect_problem(502, "GW1701");
    world.sandbox.echo().clear_faults();
    let before = world.sandbox.echo().seen_count();
    world.sandbox.echo().add_fault(drop_once()).unwrap();
    let keyed = world.http.post(world.url("/services/echo/any")).bearer_auth(&token).header("idempotency-key", "k1");
    send(keyed.body("{}")).await.expect(200);
    assert!(world.sandbox.echo().seen_count() > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_breaks_off_for_the_caller_too() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    let request = world.http.get(world.url("/services/echo/half?bytes=100000")).bearer_auth(&token);
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.bytes().await.is_err(), "half an answer must not look whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_member_has_a_rate_of_its_own_and_is_told_how_much_is_left() {
    let world = world("", "[expose.limits]\nrate = \"1/h\"\nburst = 2\n").await;
    let (caller, other) = (world.token("caller").await, world.token("other").await);
    let first = world.get(&caller, "/services/echo/any").await.expect(200);
    assert!(first.header("ratelimit-policy").starts_with("\"member\";q=2;w="), "{:?}", first.headers);
    assert!(first.header("ratelimit").starts_with("\"member\";r=1;t="));
    world.get(&caller, "/services/echo/any").await.expect(200);
    let refused = world.get(&caller, "/services/echo/any").await.expect_problem(429, "GW1601");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3000);
    world.get(&other, "/services/echo/any").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_quota_and_calls_at_once_are_bounded() {
    let world = world("", "[expose.limits]\nquota = 2\n").await;
    let token = world.token("caller").await;
    world.get(&token, "/services/echo/any").await.expect(200);
    world.get(&token, "/services/echo/any").await.expect(200);
    world.get(&token, "/services/echo/any").await.expect_problem(429, "GW1606");

    let crowded = world_with_one_call().await;
    let token = crowded.token("caller").await;
    let long =
        crowded.http.get(crowded.url("/services/echo/slow-body?bytes=1000&pieces=1000&ms=100")).bearer_auth(&token);
    let held = long.send().await.unwrap();
    crowded.get(&token, "/services/echo/any").await.expect_problem(429, "GW1601");
    drop(held);
    until("the place is free again", || async {
        (crowded.get(&token, "/services/echo/any").await.status == 200).then_some(())
    })
    .await;
}

async fn world_with_one_call() -> World {
    world("", "[expose.limits]\nconcurrency = 1\n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_a_service_and_calls_under_way_end_as_they_began() {
    let mut world = world("", "").await;
    let token = world.token("caller").await;
    let slow = world.http.get(world.url("/services/echo/slow-head?ms=400")).bearer_auth(&token);
    let under_way = tokio::spawn(async move { send(slow).await });
    until("the call is under way", || async { (world.sandbox.echo().seen_count() > 0).then_some(()) }).await;
    world.reload(|setup| setup.contracts.clear()).await;
    assert_eq!(under_way.await.unwrap().status, 200);
    let token = world.token("caller").await;
    world.get(&token, "/services/echo/any").await.expect_problem(404, "GW1301");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_the_services_that_it_may_use_and_how_to_call_them() {
    let world = world("", "").await;
    let (caller, stranger) = (world.token("caller").await, world.token("one-stop").await);
    let ids = |answer: Value| -> Vec<String> {
        answer["services"]
            .as_array()
            .unwrap()
            .iter()
            .map(|service| service["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let listed = world.get(&caller, "/v1/services").await.expect(200).json();
    assert!(ids(listed.clone()).contains(&"echo".to_owned()), "{listed}");
    assert!(!ids(world.get(&stranger, "/v1/services").await.expect(200).json()).contains(&"echo".to_owned()));
    send(world.http.get(world.url("/v1/services"))).await.expect_problem(401, "GW1101");
    let described = send(world.http.get(world.url("/v1/services/echo/openapi.json"))).await.expect(200).json();
    assert_eq!(described["openapi"], "3.1.0");
    assert!(described["paths"]["/services/echo/{rest}"]["post"].is_object(), "{described}");
    send(world.http.get(world.url("/v1/services/echo/wsdl"))).await.expect_problem(404, "GW1301");
    send(world.http.get(world.url("/v1/services/none/openapi.json"))).await.expect_problem(404, "GW1301");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_how_the_servers_of_a_service_are() {
    let world = world("", "").await;
    let token = world.token("caller").await;
    world.get(&token, "/services/echo/any").await.expect(200);
    let listed = world.admin("GET", "/admin/v1/services", None).await.expect(200).json();
    let of_id = |id: &str| listed["services"].as_array().unwrap().iter().find(|service| service["id"] == id).cloned();
    let echo = of_id("echo").unwrap();
    assert_eq!((&echo["ready"], &echo["upstream"]["breaker"]), (&true.into(), &"closed".into()), "{echo}");
    assert_eq!(echo["upstream"]["servers"][0]["calls"], 1, "{echo}");
    let metrics = world.metrics().await;
    assert!(metrics.contains("lgsp_service_ready{service=\"echo\"} 1"), "{metrics}");
    let calls =
        metrics.lines().find(|line| line.starts_with("lgsp_upstream_calls_total{") && line.contains("\"echo\""));
    assert!(calls.is_some_and(|line| line.ends_with(" 1")), "{calls:?}");
    let route = "lgsp_requests_total{dialect=\"json\",route=\"echo/all\",status=\"200\"} 1";
    assert!(metrics.contains(route), "{metrics}");
}
