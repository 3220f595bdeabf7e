//! Contracts of services in queue mode: what a stored message is, what an answer means, how a partner is asked.

use bytes::Bytes;
use lgsp_contract::{
    Format, Inbound, MapContext, Mode, Operation, Presence, Refusal, Service, SourceFile, UpstreamAnswer, Verdict, load,
};
use lgsp_model::Timestamp;
use std::sync::Arc;

const HEAD: &str = r#"
id = "post"
version = "1"
valid_from = 2025-01-01
title = { vi = "a", en = "a" }
description = { vi = "a", en = "a" }
owner = "a"
mode = "MODE"
[expose]
path = "/services/post"
format = ["json", "xml", "soap"]
[upstream]
servers = ["http://post.test"]
format = "json"
"#;

const OPERATION: &str = r#"
[[operation]]
name = "create"
path = "/orders"
element = "order"
settled_when = '/Status == "100"'
deferred_when = '/Status == "199"'
"#;

const ASK: &str = r#"
[operation.ask]
upstream_path = "/orders/{number}"
map = "map/ask.map"
found_when = 'present(/number)'
"#;

fn files(mode: &str, more: &str) -> Vec<SourceFile> {
    let manifest = format!("{}{more}", HEAD.replace("MODE", mode));
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    vec![file("post/contract.toml", manifest), file("post/map/ask.map", "\"$path\"/number <- /number\n".to_owned())]
}

fn service(more: &str) -> Arc<Service> {
    let (catalogue, wrong) = load(&files("queue", more));
    assert_eq!(wrong, []);
    catalogue.service_at("post", Timestamp(i64::MAX)).expect("it is in force").clone()
}

fn wrong(mode: &str, more: &str) -> Vec<String> {
    load(&files(mode, more)).1.iter().map(ToString::to_string).collect()
}

fn answer(status: u16, body: &Bytes) -> UpstreamAnswer<'_> {
    UpstreamAnswer { status, content_type: Some("application/json"), body }
}

fn presence(operation: &Operation, status: u16, body: &str) -> Presence {
    let body = Bytes::copy_from_slice(body.as_bytes());
    operation.presence(&answer(status, &body), Format::Json, Timestamp(0))
}

#[test]
fn a_stored_message_says_itself_what_it_is() {
    let service = service(OPERATION);
    let operation = service.operation("create").unwrap();
    let form = |body: &[u8]| operation.stored_form(&Bytes::copy_from_slice(body));
    for (body, expected) in [
        (&b" {\"a\":1}"[..], Some(Format::Json)),
        (b"[]", Some(Format::Json)),
        (b"<order/>", Some(Format::Xml)),
        (b"<?xml version='1.0'?><!-- x --><s:Envelope xmlns:s='x'/>", Some(Format::Soap11)),
        (b"\xff\xfe<\0o\0/\0>\0", Some(Format::Xml)),
        (b"", None),
        (b"--part\r\n", None),
        (b"<?xml version='1.0' encoding='windows-1258'?><order/>", None),
        (b"\xff{}", None),
    ] {
        assert_eq!(form(body), expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn an_answer_settles_refuses_puts_off_or_leaves_open() {
    let service = service(OPERATION);
    let operation = service.operation("create").unwrap();
    for (status, body, expected) in [
        (200, r#"{"Status": "100"}"#, Verdict::Settled),
        (200, r#"{"Status": "104"}"#, Verdict::Refused),
        (200, r#"{"Status": "199"}"#, Verdict::Deferred),
        (200, "no JSON", Verdict::Unknown),
        (422, "", Verdict::Refused),
        (401, "", Verdict::Deferred),
        (503, "", Verdict::Deferred),
        (502, "", Verdict::Unknown),
    ] {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let found = operation.verdict(&answer(status, &body), Format::Json, Timestamp(0));
        assert_eq!(found, expected, "{status}");
    }
}

#[test]
fn a_partner_is_asked_about_a_message_as_the_contract_says() {
    let service = service(&format!("{OPERATION}{ASK}"));
    let operation = service.operation("create").unwrap();
    let (body, context) = (Bytes::from_static(b"{\"number\": \"DH 1\", \"secret\": 1}"), MapContext::default());
    let inbound = Inbound { content_type: Some("application/json"), body: &body, context: &context, path: "/orders" };
    let question = operation.question(&inbound).unwrap().unwrap();
    assert_eq!(question.path.as_deref(), Some("/orders/DH%201"));
    assert_eq!((question.method.as_deref(), question.body.len()), (Some("GET"), 0));
    for (status, body, expected) in [
        (200, r#"{"number": 1}"#, Presence::Has),
        (200, "{}", Presence::Missing),
        (200, "page", Presence::Unclear),
        (404, "", Presence::Missing),
        (400, "", Presence::Unclear),
        (401, "", Presence::Later),
        (503, "", Presence::Later),
    ] {
        assert_eq!(presence(operation, status, body), expected, "{status} {body}");
    }
}

#[test]
fn a_contract_may_say_which_answer_means_that_it_is_missing() {
    let service = service(&format!("{OPERATION}{ASK}missing_when = '/Status == \"103\"'\n"));
    let operation = service.operation("create").unwrap();
    assert_eq!(presence(operation, 200, r#"{"Status": "103"}"#), Presence::Missing);
    assert_eq!(presence(operation, 200, r#"{"Status": "199"}"#), Presence::Unclear);
    assert_eq!(presence(operation, 200, r#"{"number": 1}"#), Presence::Has);
}

#[test]
fn without_a_way_to_ask_there_is_no_question() {
    let service = service(OPERATION);
    let operation = service.operation("create").unwrap();
    let (body, context) = (Bytes::from_static(b"{}"), MapContext::default());
    let inbound = Inbound { content_type: Some("application/json"), body: &body, context: &context, path: "/orders" };
    assert!(operation.question(&inbound).is_none());
    assert_eq!(presence(operation, 200, "{}"), Presence::Unclear);
    let message = Bytes::from_static(b"x");
    let broken = operation.request(&Inbound { body: &message, ..inbound });
    assert!(matches!(broken, Err(Refusal::Json(_))));
}

#[test]
fn a_queue_has_tries_of_its_own() {
    let own = |more: &str| {
        let service = service(&format!("{more}{OPERATION}"));
        let upstream = service.upstream().unwrap();
        assert_eq!(service.mode(), Mode::Queue);
        (upstream.deliveries, upstream.attempts, upstream.breaker.0)
    };
    assert_eq!(own(""), (10, 2, 5));
    assert_eq!(own("[upstream.retry]\nattempts = 3\n"), (3, 2, 5));
}

#[test]
fn what_belongs_to_queues_is_refused_elsewhere_and_bad_questions_everywhere() {
    let plain = "[[operation]]\nname = \"create\"\n";
    let found = wrong("proxy", &format!("{plain}{ASK}"));
    assert!(found.iter().any(|text| text.contains("operation.create.ask: belongs to queue mode")), "{found:?}");
    for (from, to, expected) in [
        ("found_when = 'present(/number)'", "found_when = 'nonsense('", "operation.create.ask.found_when"),
        ("map = \"map/ask.map\"\n", "", "operation.create.ask.upstream_path"),
        ("map/ask.map", "map/none.map", "post/map/none.map"),
        ("map =", "upstream_method = \"DELETE\"\nmap =", "operation.create.ask.upstream_method"),
        ("map =", "colour = 1\nmap =", "unknown field"),
    ] {
        let ask = ASK.replace(from, to);
        assert_ne!(ask, ASK);
        let found = wrong("queue", &format!("{OPERATION}{ask}"));
        assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
    }
    let long = "p".repeat(57);
    let files = vec![SourceFile {
        path: "post/contract.toml".into(),
        text: format!("{}{plain}", HEAD.replace("MODE", "queue").replace("id = \"post\"", &format!("id = \"{long}\""))),
    }];
    assert!(load(&files).1[0].to_string().contains("at most 56 characters"));
}
