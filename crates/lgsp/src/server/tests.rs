//! A listener with a service that shows what it is given: what clients of the whole gateway cannot see.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use lgsp_config::{Limits, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::connection::Hall;
use super::crowd::Crowd;
use super::{Entrance, Listening, OwnHosts, Peer, REFUSED_PATH, Server, Service, TlsSetup};
use crate::answer::{self, Answer};

/// How long a test waits for what should happen at once on an idle machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with what it saw.
#[derive(Default)]
struct Mirror {
    /// A request for `/wait` has come.
    waits: Notify,
    /// It may be answered.
    goes_on: Notify,
}

impl Service for Mirror {
    async fn answer(self: Arc<Self>, from: Peer, mut request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        if path == "/switch" && request.headers().contains_key(UPGRADE) {
            let switched = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let stream = TokioIo::new(switched.await.unwrap());
                let (mut from, mut to) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
            let mut answer = answer::with_body(StatusCode::SWITCHING_PROTOCOLS, "text/plain", "");
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
            answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("echo"));
            return answer;
        }
        if path == "/wait" {
            self.waits.notify_one();
            self.goes_on.notified().await;
        }
        let body = request.into_body().collect().await.unwrap();
        let trailer = body.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        let body = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        let trailer = trailer.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let status = if path.starts_with(REFUSED_PATH) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        answer::with_body(status, "text/plain", format!("{path} {} {body} {trailer}", from.address))
    }
}

struct Running {
    server: Arc<Server>,
    mirror: Arc<Mirror>,
}

fn limits(lines: &str) -> Limits {
    let text = format!(
        "version = 1\n[admin]\ntoken = \"0123456789abcdef\"\n[issuer]\nurl = \"http://lgsp\"\n[limits]\n{lines}\n"
    );
    let nothing = |_: &std::path::Path| Err(String::new());
    lgsp_config::parse(&text, "/".as_ref(), &|_| None, &nothing).unwrap().limits
}

fn start(lines: &str, proxies: &[&str], tls: Option<TlsSetup>) -> Running {
    let entrance = Entrance {
        listening: Listening::open(None, ([127, 0, 0, 1], 0).into(), false).unwrap(),
        tls,
        proxies: proxies.iter().map(|text| Network::parse(text).unwrap()).collect(),
        url: "http://lgsp".to_owned(),
    };
    let mirror = Arc::new(Mirror::default());
    let server = Arc::new(Server::start(entrance, &limits(lines), mirror.clone()).unwrap());
    Running { server, mirror }
}

impl Running {
    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address()).await.unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    async fn ask(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(request).await;
        client.read_to(b"\n\n").await
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until this comes or the connection ends.
    async fn read_to(&mut self, end: &[u8]) -> String {
        let mut read = Vec::new();
        let reading = async { while !read.ends_with(end) && self.0.read_buf(&mut read).await.unwrap_or(0) > 0 {} };
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("only this came: {read:?}"));
        String::from_utf8_lossy(&read).into_owned()
    }

    async fn rest(&mut self) -> String {
        self.read_to(b"never sent").await
    }
}

const SWITCH: &str = "GET /switch HTTP/1.1\r\nhost: lgsp\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";

#[tokio::test]
async fn after_a_granted_switch_bytes_flow_both_ways_without_a_look() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    client.send(SWITCH).await;
    let head = client.read_to(b"\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("upgrade: echo"), "{head}");
    // What a head may not look like, and more than one buffer of it.
    for bytes in ["GET / HTTP/1.1\r\n\r\n\u{1}".to_owned(), "x".repeat(100_000) + "end"] {
        client.send(&bytes).await;
        assert_eq!(client.read_to(bytes.get(bytes.len() - 3..).unwrap().as_bytes()).await.len(), bytes.len());
    }
}

#[tokio::test]
async fn after_a_declined_switch_requests_are_followed_as_before() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    let ask = SWITCH.replace("/switch", "/other");
    client.send(format!("GET /before HTTP/1.1\r\nhost: lgsp\r\n\r\n{ask}{ask}")).await;
    client.send("GET /refused HTTP/1.1\r\nhost: lgsp\r\nhost: again\r\n\r\n").await;
    let answers = client.rest().await;
    assert_eq!(answers.matches("/other 127.0.0.1").count(), 2, "{answers}");
    assert!(answers.contains("/before 127.0.0.1") && answers.contains("/.refused/host"), "{answers}");
}

#[tokio::test]
async fn what_follows_a_request_for_a_switch_waits_for_the_answer() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    client.send(format!("{SWITCH}early bytes")).await;
    let answer = client.read_to(b"early bytes").await;
    assert!(answer.starts_with("HTTP/1.1 101") && answer.ends_with("\r\n\r\nearly bytes"), "{answer}");
}

#[tokio::test]
async fn trailers_reach_the_service() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    let head = "POST /t HTTP/1.1\r\nhost: lgsp\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n";
    client.send(format!("{head}\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\nGET /n HTTP/1.1\r\nhost: lgsp\r\n\r\n")).await;
    let answers = client.read_to(b"/n 127.0.0.1  ").await;
    assert!(answers.contains("/t 127.0.0.1 abc 7"), "{answers}");
}

#[tokio::test]
async fn a_client_that_expects_to_be_asked_is_asked() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    client.send("POST /e HTTP/1.1\r\nhost: lgsp\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.read_to(b"\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc").await;
    assert!(client.read_to(b"/e 127.0.0.1 abc ").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn nothing_is_forwarded_to_other_hosts() {
    let running = start("", &[], None);
    for (request, path) in [
        ("CONNECT other.example:443 HTTP/1.1\r\nhost: other.example:443\r\n\r\n", "/.refused/forward"),
        ("GET http://other.example/ HTTP/1.1\r\nhost: other.example\r\n\r\n", "/.refused/forward"),
        ("GET http://other.example/ HTTP/1.1\r\nhost: lgsp\r\n\r\n", "/.refused/authority"),
        ("GET http://lgsp/own HTTP/1.1\r\nhost: lgsp\r\n\r\n", "/own"),
        ("GET /own HTTP/1.1\r\nhost: whatever\r\n\r\n", "/own"),
    ] {
        let mut client = running.connect().await;
        client.send(request).await;
        let answer = client.read_to(b"127.0.0.1  ").await;
        assert!(answer.ends_with(&format!("\r\n\r\n{path} 127.0.0.1  ")), "{request}{answer}");
    }
}

/// A header that tells `203.0.113.9`.
const PROXY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x7f\0\0\x01\xc0\x01\x1f\x90";

#[tokio::test]
async fn a_balancer_tells_whom_it_speaks_for_and_others_may_not() {
    let get = b"GET /p HTTP/1.1\r\nhost: lgsp\r\nconnection: close\r\n\r\n";
    let behind = start("", &["127.0.0.0/8"], None);
    let told = [PROXY, get].concat();
    assert!(behind.ask(&told).await.ends_with("/p 203.0.113.9  "));
    let local = [b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", &get[..]].concat();
    assert!(behind.ask(&local).await.ends_with("/p 127.0.0.1  "), "a balancer's own look");
    assert_eq!(behind.ask(&get[..]).await, "", "a balancer has to tell");
    assert_eq!(behind.ask("PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\n").await, "");

    let direct = start("", &["10.0.0.0/8"], None);
    let answer = direct.ask(&told).await;
    assert!(!answer.contains("203.0.113.9"), "{answer}");
    assert!(direct.ask(&get[..]).await.ends_with("/p 127.0.0.1  "));
}

#[tokio::test]
async fn connections_behind_a_balancer_count_for_their_own_address() {
    let running = start("connections_per_address = 1", &["127.0.0.1"], None);
    let get = b"GET /p HTTP/1.1\r\nhost: lgsp\r\n\r\n";
    let mut first = running.connect().await;
    first.send([PROXY, get].concat()).await;
    assert!(first.read_to(b"203.0.113.9  ").await.starts_with("HTTP/1.1 200"));
    assert_eq!(running.ask([PROXY, get].concat()).await, "", "one for each address");
    let other: Vec<u8> = PROXY.iter().map(|byte| if *byte == 0x71 { 0x72 } else { *byte }).collect();
    let mut second = running.connect().await;
    second.send([&other[..], get].concat()).await;
    assert!(second.read_to(b"203.0.114.9  ").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_drain_answers_what_it_took_and_says_that_the_connection_ends() {
    let running = start("", &[], None);
    let (mut idle, mut busy, mut fresh) = (running.connect().await, running.connect().await, running.connect().await);
    idle.send("GET /idle HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
    let answer = idle.read_to(b"/idle 127.0.0.1  ").await;
    assert!(!answer.contains("connection: close"), "{answer}");
    busy.send("GET /wait HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
    running.mirror.waits.notified().await;
    let server = running.server.clone();
    let drain = tokio::spawn(async move { server.drain().await });
    assert_eq!(idle.rest().await, "", "a connection that waits for a request is closed");
    // It connected before the drain and asks after its begin, in two pieces.
    fresh.send("GET /fresh HTTP/1.1\r\n").await;
    tokio::task::yield_now().await;
    fresh.send("host: lgsp\r\n\r\n").await;
    running.mirror.goes_on.notify_one();
    for (client, path) in [(&mut busy, "/wait"), (&mut fresh, "/fresh")] {
        let answer = client.rest().await;
        assert!(answer.contains("connection: close") && answer.contains(path), "{answer}");
    }
    tokio::time::timeout(PATIENCE, drain).await.expect("nothing is left").unwrap();
    assert!(TcpStream::connect(running.address()).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn clients_that_are_sent_away_are_answered_and_may_come_back_until_the_drain() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    client.send("GET /one HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
    client.read_to(b"/one 127.0.0.1  ").await;
    running.server.send_away();
    for _ in 0..2 {
        client.send("GET /two HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
        let answer = client.rest().await;
        assert!(answer.contains("connection: close") && answer.ends_with("/two 127.0.0.1  "), "{answer}");
        client = running.connect().await;
    }
}

#[tokio::test]
async fn a_connection_that_rests_wakes_with_its_next_request() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    // Longer than it takes to rest.
    let mut tick = tokio::time::interval(Duration::from_millis(60));
    for pieces in [&["GET /r HTTP/1.1\r\nhost: lgsp\r\n\r\n"][..], &["GET /r HT", "TP/1.1\r\nhost: lgsp\r\n", "\r\n"]] {
        for _ in 0..3 {
            for piece in pieces {
                tick.tick().await;
                client.send(piece).await;
            }
            assert!(client.read_to(b"/r 127.0.0.1  ").await.starts_with("HTTP/1.1 200"));
        }
    }
    tick.tick().await;
    client.send("GET /refused HTTP/1.1\r\n\r\n").await;
    assert!(client.rest().await.contains("/.refused/host"));
}

#[tokio::test]
async fn a_connection_at_work_does_not_rest() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    let mut tick = tokio::time::interval(Duration::from_millis(60));
    client.send("GET /wait HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
    running.mirror.waits.notified().await;
    tick.tick().await;
    tick.tick().await;
    running.mirror.goes_on.notify_one();
    assert!(client.read_to(b"/wait 127.0.0.1  ").await.starts_with("HTTP/1.1 200"));
    client.send("POST /slow HTTP/1.1\r\nhost: lgsp\r\ncontent-length: 6\r\n\r\nabc").await;
    tick.tick().await;
    tick.tick().await;
    client.send("def").await;
    assert!(client.read_to(b"/slow 127.0.0.1 abcdef ").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_its_whole_answer() {
    let running = start("", &[], None);
    let mut client = running.connect().await;
    let body = "x".repeat(8 * 1024 * 1024);
    client.send(format!("POST /big HTTP/1.1\r\nhost: lgsp\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    let mut tick = tokio::time::interval(Duration::from_millis(60));
    tick.tick().await;
    tick.tick().await;
    tick.tick().await;
    let answer = client.read_to(b"x ").await;
    assert!(answer.len() > body.len() && answer.starts_with("HTTP/1.1 200"), "{}", answer.len());
}

#[tokio::test]
async fn connections_that_rest_end_with_the_listener_and_in_time() {
    let running = start("idle_timeout = \"1s\"", &[], None);
    let mut tick = tokio::time::interval(Duration::from_millis(60));
    tick.tick().await;
    let mut forgotten = running.connect().await;
    forgotten.send("GET /r HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
    forgotten.read_to(b"/r 127.0.0.1  ").await;
    tick.tick().await;
    assert_eq!(forgotten.rest().await, "");
    let mut stopped = running.connect().await;
    stopped.send("GET /r HTTP/1.1\r\nhost: lgsp\r\n\r\n").await;
    stopped.read_to(b"/r 127.0.0.1  ").await;
    tick.reset();
    tick.tick().await;
    tokio::time::timeout(PATIENCE, running.server.drain()).await.expect("nothing is left");
    assert_eq!(stopped.rest().await, "");
}

#[tokio::test]
async fn a_connection_that_waits_is_small() {
    let running = start("", &[], None);
    let hall = Arc::new(Hall {
        service: running.mirror.clone(),
        limits: limits(""),
        tls: Arc::default(),
        handshakes: Semaphore::new(1),
        own_hosts: OwnHosts::default(),
        closing: CancellationToken::new(),
        stop: CancellationToken::new(),
    });
    let place = Crowd::new(1, 1).enter([127, 0, 0, 1].into()).unwrap();
    let socket = running.connect().await.0;
    // The task of a connection; ten thousand of them wait at once.
    let size = size_of_val(&hall.converse(socket, [127, 0, 0, 1].into(), place));
    assert!(size < 1600, "{size} bytes");
}
