//! TLS as clients see it: which certificate they are shown, which of theirs are taken, and what a reload changes.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::version::{TLS12, TLS13};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::authority::{Ask, Authority, Leaf};
use crate::child::{Child, program};
use crate::gateway::{ADMIN_TOKEN, PATIENCE, Setup, World, until};
use crate::raw::{Raw, RawAnswer};

const GET: &str = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: a.test\r\n\r\n";

/// The lines that encrypt the listener with a certificate, and more keys of `tls`.
fn tls(leaf: &Leaf, more: &str) -> String {
    format!("[public.tls]\n{}{more}\n", leaf.lines())
}

async fn world(public: String) -> World {
    World::with(Setup { public, ..Setup::default() }).await
}

fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Asks once over a new connection; `None` when it was refused, wherever in the handshake that shows.
async fn ask(authority: &Authority, to: SocketAddr, ask: &Ask<'_>) -> Option<RawAnswer> {
    let stream = authority.connect(to, ask).await.ok()?;
    let mut raw = Raw::over(stream);
    raw.try_send(GET).await;
    raw.answer_if_any().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_that_a_client_asks_for_chooses_the_certificate() {
    let authority = Authority::new();
    let (a, b) = (authority.leaf("a", &["a.test", "127.0.0.1"]), authority.leaf("b", &["b.test", "*.b.test"]));
    let world = world(format!("{}[[public.certificate]]\n{}", tls(&a, ""), b.lines())).await;
    for version in [&TLS12, &TLS13] {
        for (host, expected) in [(Some("a.test"), &a), (Some("b.test"), &b), (Some("x.b.test"), &b), (None, &a)] {
            let ask = Ask { host, version: Some(version), ..Ask::default() };
            let stream = authority.connect(world.public(), &ask).await.unwrap();
            assert_eq!(shown(&stream), expected.der.to_vec(), "{host:?}");
            assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
            let mut raw = Raw::over(stream);
            raw.send(GET).await;
            assert_eq!(
                raw.answer().await.status,
                if host.is_some_and(|host| host.ends_with("b.test")) { 421 } else { 200 }
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_agreed_on_and_misdirected_requests_are_told_so() {
    let authority = Authority::new();
    let (a, b) = (authority.leaf("a", &["a.test"]), authority.leaf("b", &["b.test"]));
    let world = world(format!("{}[[public.certificate]]\n{}", tls(&a, ""), b.lines())).await;
    let ask = Ask { host: Some("a.test"), protocols: &["h2", "http/1.1"], ..Ask::default() };
    let stream = authority.connect(world.public(), &ask).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    for (host, status) in [("a.test", 200), ("b.test", 421), ("elsewhere.test", 200)] {
        let uri = format!("https://{host}/.well-known/jwks.json");
        let request = hyper::Request::get(uri).body(Full::default()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_speaks_otherwise_than_agreed_is_dropped() {
    let authority = Authority::new();
    let a = authority.leaf("a", &["a.test"]);
    let world = world(tls(&a, "")).await;
    for (protocol, bytes) in [("h2", GET), ("http/1.1", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")] {
        let ask = Ask { host: Some("a.test"), protocols: &[protocol], ..Ask::default() };
        let mut raw = Raw::over(authority.connect(world.public(), &ask).await.unwrap());
        raw.send(bytes).await;
        assert_eq!(raw.rest().await, "", "{protocol}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_certificates_are_taken_when_they_are_good() {
    let (authority, other) = (Authority::new(), Authority::new());
    let a = authority.leaf("a", &["a.test"]);
    let good = authority.leaf("good", &["client.test"]);
    let ended = authority.leaf_until("ended", &["client.test"], 2020);
    let revoked = authority.leaf("revoked", &["client.test"]);
    let foreign = other.leaf("foreign", &["client.test"]);
    let list = authority.revoke(&[&revoked]);
    let asked = format!("client_ca = \"{}\"\nclient_crl = \"{}\"\n", authority.file().display(), list.display());
    let optional = world(tls(&a, &asked)).await;
    let required = world(tls(&a, &format!("{asked}client_auth = \"required\"\n"))).await;
    for version in [&TLS12, &TLS13] {
        for (name, identity, taken, when_required) in [
            ("none", None, true, false),
            ("good", Some(&good), true, true),
            ("ended", Some(&ended), false, false),
            ("revoked", Some(&revoked), false, false),
            ("foreign", Some(&foreign), false, false),
        ] {
            let way = Ask { host: Some("a.test"), version: Some(version), identity, ..Ask::default() };
            for (world, taken) in [(&optional, taken), (&required, when_required)] {
                let answer = ask(&authority, world.public(), &way).await;
                assert_eq!(answer.is_some_and(|answer| answer.status == 200), taken, "{name} {:?}", version.version);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_handshake_or_does_not_end_is_dropped() {
    let authority = Authority::new();
    let public = tls(&authority.leaf("a", &["a.test"]), "");
    let world = World::with(Setup { public, ..Setup::limits("header_timeout = \"300ms\"") }).await;
    // A TLS record of a handshake that announces more than comes.
    for start in [GET, "", "\x16\x03\x01\x02\x00\x01"] {
        let mut raw = Raw::connect(world.public()).await;
        raw.send(start).await;
        let rest = raw.rest().await;
        assert!(!rest.contains("HTTP"), "{start:?}: {rest}");
    }
    let ask = Ask { host: Some("a.test"), ..Ask::default() };
    let mut raw = Raw::over(authority.connect(world.public(), &ask).await.unwrap());
    assert_eq!(raw.rest().await, "", "a client that says nothing after its handshake");
}

/// Asks over and over on its own connection until it is told to stop, and counts.
async fn keep_asking(
    mut raw: Raw<TlsStream<TcpStream>>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU32>,
) -> Raw<TlsStream<TcpStream>> {
    while !stop.load(Ordering::Relaxed) {
        raw.send(GET).await;
        assert_eq!(raw.answer().await.status, 200);
        answered.fetch_add(1, Ordering::Relaxed);
    }
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_shows_new_certificates_and_drops_nothing() {
    let authority = Authority::new();
    let a = authority.leaf_until("a", &["a.test"], 2998);
    let mut world = world(tls(&a, "")).await;
    let way = Ask { host: Some("a.test"), ..Ask::default() };
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut load = Vec::new();
    for _ in 0..4 {
        let raw = Raw::over(authority.connect(world.public(), &way).await.unwrap());
        load.push(tokio::spawn(keep_asking(raw, stop.clone(), answered.clone())));
    }
    let before = world.metrics().await;
    for round in 0..20 {
        let next = authority.leaf(&format!("next-{round}"), &["a.test"]);
        a.replace_with(&next);
        world.reload(|_| {}).await;
        let stream = authority.connect(world.public(), &way).await.unwrap();
        assert_eq!(shown(&stream), next.der.to_vec());
        let seen = answered.load(Ordering::Relaxed);
        until("requests are answered between reloads", async || {
            (answered.load(Ordering::Relaxed) > seen).then_some(())
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    for client in load {
        client.await.expect("not one request failed on the connections from before");
    }
    let line = |metrics: &str| {
        let found =
            metrics.lines().find(|line| line.starts_with("lgsp_certificate_not_after_seconds{name=\"a.test\"}"));
        found.unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let year = 365.0 * 86_400.0;
    assert_eq!(line(&world.metrics().await) - line(&before), year, "the end of the new certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_certificate_keeps_the_old_one() {
    let authority = Authority::new();
    let (a, b) = (authority.leaf("a", &["a.test"]), authority.leaf("b", &["a.test"]));
    let mut world = world(tls(&a, "")).await;
    std::fs::copy(&b.cert, &a.cert).unwrap();
    let told = world.try_reload(|_| {}).await.unwrap_err().to_string();
    assert!(told.contains("a.pem: is not the certificate of the key"), "{told}");
    assert!(world.metrics().await.contains("lgsp_config_reload_success 0"));
    let way = Ask { host: Some("a.test"), ..Ask::default() };
    assert_eq!(shown(&authority.connect(world.public(), &way).await.unwrap()), a.der.to_vec());
    assert_eq!(ask(&authority, world.public(), &way).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_do_not_outlive_the_authorities_that_they_were_checked_against() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (a, client) = (authority.leaf("a", &["a.test"]), authority.leaf("client", &["client.test"]));
    let required = |authority: &Authority| {
        tls(&a, &format!("client_ca = \"{}\"\nclient_auth = \"required\"\n", authority.file().display()))
    };
    let mut world = world(required(&authority)).await;
    let config = authority.client(&Ask { identity: Some(&client), ..Ask::default() });
    let again = async |world: &World| {
        let stream = Authority::connect_with(config.clone(), world.public(), Some("a.test")).await.ok()?;
        let mut raw = Raw::over(stream);
        raw.try_send(GET).await;
        raw.answer_if_any().await
    };
    for _ in 0..2 {
        assert_eq!(again(&world).await.unwrap().status, 200);
    }
    world.reload(|setup| setup.public = required(&other)).await;
    assert!(again(&world).await.is_none(), "the ticket of the old setup must not open the new one");
}

fn child_config(contracts: &str, public: &str) -> String {
    format!(
        "version = 1\n[public]\nlisten = \"127.0.0.1:0\"\n{public}\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         token = \"{ADMIN_TOKEN}\"\n[issuer]\nurl = \"https://a.test\"\n[contracts]\npath = \"{contracts}\"\n"
    )
}

const CONTRACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");

#[tokio::test(flavor = "multi_thread")]
async fn changed_files_are_taken_over_by_themselves() {
    let authority = Authority::new();
    let a = authority.leaf("a", &["a.test"]);
    let dir = tempfile::TempDir::new().unwrap();
    let child = Child::start(dir.path(), &child_config(CONTRACTS, &tls(&a, ""))).await;
    let to: SocketAddr = child.public.trim_start_matches("http://").parse().unwrap();
    let way = Ask { host: Some("a.test"), ..Ask::default() };
    let next = authority.leaf("next", &["a.test"]);
    a.replace_with(&next);
    until("the new certificate is shown", async || {
        let stream = authority.connect(to, &way).await.unwrap();
        (shown(&stream) == next.der.to_vec()).then_some(())
    })
    .await;
    std::fs::write(&a.cert, "nothing").unwrap();
    until("the bad file is told of", async || child.log().contains("reload refused").then_some(())).await;
    assert_eq!(shown(&authority.connect(to, &way).await.unwrap()), next.der.to_vec());
}

/// What `lgsp check` says of this configuration: whether it is good, its errors, its warnings.
fn check(public: &str) -> (bool, String, String) {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("lgsp.toml");
    std::fs::write(&file, child_config(CONTRACTS, public)).unwrap();
    let output = Command::new(program()).args(["check", "--json", "--config"]).arg(&file).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.success(), said["good"] == true);
    (output.status.success(), said["errors"].to_string(), said["warnings"].to_string())
}

#[test]
fn check_tells_what_is_wrong_with_certificates() {
    let authority = Authority::new();
    let (a, b) = (authority.leaf("a", &["a.test"]), authority.leaf("b", &["b.test"]));
    let ended = authority.leaf_until("ended", &["ended.test"], 2020);
    let (good, errors, warnings) = check(&tls(&a, ""));
    assert!(good && warnings == "[]", "{errors} {warnings}");
    let (good, errors, _) = check(&tls(&ended, ""));
    assert!(!good && errors.contains("the certificate ended.test has ended"), "{errors}");
    let (good, errors, _) = check(&tls(&Leaf { key: b.key, ..a.clone() }, ""));
    assert!(!good && errors.contains("is not the certificate of the key"), "{errors}");
    let (good, errors, _) = check(&tls(&Leaf { cert: "none.pem".into(), ..a.clone() }, ""));
    assert!(!good && errors.contains("none.pem: cannot be read"), "{errors}");
    let soon = authority.leaf_for("soon", &["soon.test"], Duration::from_secs(10 * 86_400 + 43_200));
    let (good, _, warnings) = check(&tls(&soon, ""));
    assert!(good && warnings.contains("the certificate soon.test ends in 10 day(s)"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_agrees() {
    let authority = Authority::new();
    let (a, client) = (authority.leaf("a", &["a.test"]), authority.leaf("client", &["client.test"]));
    let asked = format!("client_ca = \"{}\"\nclient_auth = \"required\"\n", authority.file().display());
    let world = world(tls(&a, &asked)).await;
    let (to, file) = (world.public().to_string(), authority.file());
    for (version, identity) in [("-tls1_2", true), ("-tls1_3", true), ("-tls1_3", false)] {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "a.test", version]);
        command.args(["-connect", &to, "-servername", "a.test", "-CAfile"]).arg(&file);
        if identity {
            command.arg("-cert").arg(&client.cert).arg("-key").arg(&client.key);
        }
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = match started {
            Ok(process) => process,
            // Only when the person who runs the tests was told so.
            Err(_) if std::env::var("LGSP_WITHOUT").is_ok_and(|left| left.contains("openssl")) => return,
            Err(error) => panic!("openssl: {error}; tests/run installs it"),
        };
        let request = GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
        // The gateway may refuse the handshake first.
        let _ = process.stdin.as_mut().unwrap().write_all(request.as_bytes());
        let wait = tokio::task::spawn_blocking(move || process.wait_with_output().unwrap());
        let output = tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap();
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.starts_with("HTTP/1.1 200"), identity, "{version}: {said} {told}");
    }
}
