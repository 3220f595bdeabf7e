//! Stopping and reloading under load: who was being served gets an answer, nothing acknowledged is lost, and a bad
//! configuration changes nothing.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use lgsp_sandbox::Sandbox;

use crate::compare::{Repeats, each_acknowledged_once, each_delivered_once, feed, operators_see};
use crate::load::Load;
use crate::program::{Place, Program, member, until};
use crate::records::{code, dossier};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_answers_what_was_begun_and_loses_nothing() {
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    let place = Place::new(Some(&sandbox.adapter_url()));
    let mut program = place.start().await;
    let load = Load::on(&program).await;
    let workers = load.begin(4, 1);
    load.allow(10_000);
    until("the load is on", async || (load.count() > 100).then_some(())).await;
    let text = dossier(&code(900_000), "2").to_string();
    // The poll goes first: by the time that the later connection was answered, it is in flight.
    let poll = long_poll(&program, load.token()).await;
    let mut half = half_sent(&program, load.token(), &text).await;
    feed(load.http(), &program, load.token()).await;

    program.signal("TERM");
    until("no new connection is taken", async || TcpStream::connect(program.public).await.err()).await;
    load.moved(None);
    half.write_all(&text.as_bytes()[text.len() / 2..]).await.unwrap();
    let answer = whole(half).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "a request in flight is answered: {answer}");
    let poll = whole(poll).await;
    assert!(poll.starts_with("HTTP/1.1 200 "), "a long poll ends with its page: {poll}");
    let status = program.ended().await;
    assert_eq!(status.code(), Some(0), "{}", program.said());
    let acknowledged = load.count();
    assert_eq!(lgsp_store::verify_dir(&place.data()).unwrap().broken, None);

    let program = place.start().await;
    let changes = feed(load.http(), &program, load.token()).await;
    assert!(changes.iter().any(|change| change.record == text), "the half-sent one was acknowledged");
    each_acknowledged_once(&changes, &load.acks());
    load.moved(Some(program.public));
    load.finish(workers).await;
    assert!(load.strange().is_empty(), "{:?}", load.strange());
    in_the_portal_but_for_one(&load, &program, &sandbox).await;
    println!("{acknowledged} acknowledged before the stop, all there");
}

/// The half-sent record is no part of the load.
async fn in_the_portal_but_for_one(load: &Load, program: &Program, sandbox: &Sandbox) {
    crate::compare::in_sync(load.http(), program).await;
    assert!(sandbox.portal().dossier(&code(900_000)).is_some());
    let codes: std::collections::HashSet<String> = load.acks().into_iter().map(|ack| ack.code).collect();
    assert_eq!(sandbox.portal().dossier_count(), codes.len() + 1);
}

/// A push of which only half of the body was sent.
async fn half_sent(program: &Program, token: &str, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(program.public).await.unwrap();
    let head = format!(
        "POST /v1/dossiers HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Once the gateway asks for the body, the request is in flight.
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&text.as_bytes()[..text.len() / 2]).await.unwrap();
    stream
}

/// A feed that waits for what no one pushes.
async fn long_poll(program: &Program, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(program.public).await.unwrap();
    let head =
        format!("GET /v1/changes?kind=status&wait=60s HTTP/1.1\r\nhost: lgsp\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Everything up to the end of the connection.
async fn whole(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(crate::program::PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// What the log says of a good configuration.
const TAKEN_OVER: &str = "configuration taken over";

#[tokio::test(flavor = "multi_thread")]
async fn reloads_under_load_drop_no_request_and_a_bad_configuration_changes_nothing() {
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    let place = Place::new(Some(&sandbox.adapter_url()));
    let program = place.start().await;
    let load = Load::on(&program).await;
    let workers = load.begin(4, 1);
    for round in 0..5 {
        load.allow(60);
        let id = format!("newcomer-{round}");
        place.configure(&member(&id));
        let mut seen = program.times_said(TAKEN_OVER);
        program.signal("HUP");
        // A reload that began before the file was written may still be on its way; the newcomer is in the next one.
        loop {
            until("it is taken over", async || (program.times_said(TAKEN_OVER) > seen).then_some(())).await;
            seen = program.times_said(TAKEN_OVER);
            if token_status(&load, &program, &id).await == 200 {
                break;
            }
        }
        until("the load goes on", async || (load.count() > 40 * (round + 1)).then_some(())).await;
    }
    assert_eq!(reload_success(&load, &program).await, "1");

    load.allow(60);
    let before = load.count();
    place.spoil_configuration();
    program.signal("HUP");
    until("the refusal is seen", async || (reload_success(&load, &program).await == "0").then_some(())).await;
    assert!(program.said().contains("the old configuration stays"), "{}", program.said());
    assert_eq!(token_status(&load, &program, "newcomer-4").await, 200, "the old configuration stays");
    until("the load goes on", async || (load.count() > before + 20).then_some(())).await;
    place.configure("");
    program.signal("HUP");
    until("a good one is taken again", async || (reload_success(&load, &program).await == "1").then_some(())).await;
    assert_eq!(token_status(&load, &program, "newcomer-4").await, 401, "a member that is gone is refused");

    load.finish(workers).await;
    assert_eq!((load.lost(), load.strange()), (vec![], vec![]), "no request was dropped or refused");
    each_acknowledged_once(&feed(load.http(), &program, load.token()).await, &load.acks());
    each_delivered_once(&load, &program, sandbox.portal(), Repeats::None).await;
}

async fn token_status(load: &Load, program: &Program, member: &str) -> u16 {
    let request = load.http().post(format!("http://{}/oauth2/token", program.public));
    let request = request.basic_auth(member, Some(format!("secret-of-{member}")));
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status == 200, body["access_token"].is_string(), "{body}");
    status
}

async fn reload_success(load: &Load, program: &Program) -> String {
    let (_, metrics) = operators_see(load.http(), program, "/metrics").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix("lgsp_config_reload_success "));
    line.unwrap_or_else(|| panic!("{metrics}")).to_owned()
}
