//! Keys of service contracts from outside: several operations at one address, an operation that differs from its
//! service, answers that are faults under a good status, errors in the words of old clients. Every one with its mistake.

use bytes::Bytes;
use lgsp_contract::{Catalogue, Diagnostic, Inbound, MapContext, Mode, Refusal, SourceFile, UpstreamAnswer, load};
use lgsp_model::Timestamp;
use serde_json::json;

const HEAD: &str = r#"
id = "s"
version = "1"
valid_from = 2025-01-01
title = { vi = "S", en = "S" }
description = { vi = "S", en = "S" }
owner = "S"
"#;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: format!("s/{path}"), text: text.to_owned() }
}

fn load_with(manifest: &str, more: &[(&str, &str)]) -> (Catalogue, Vec<Diagnostic>) {
    let mut files = vec![file("contract.toml", &format!("{HEAD}{manifest}"))];
    files.extend(more.iter().map(|(path, text)| file(path, text)));
    load(&files)
}

#[track_caller]
fn refused(manifest: &str, place: &str, word: &str) {
    let (_, found) = load_with(manifest, &[]);
    let fits = |one: &Diagnostic| one.place == place && one.message.contains(word);
    assert!(found.iter().any(fits), "{place} {word}: {found:?}");
}

const SOAP: &str = r#"
mode = "proxy"
[expose]
path = "/s"
format = ["soap", "xml"]
dispatch = "element"
[upstream]
servers = ["http://127.0.0.1:1"]
[names]
"" = "urn:s"
[[operation]]
name = "One"
[[operation]]
name = "Two"
"#;

#[test]
fn the_element_of_a_message_chooses_among_operations_at_one_path() {
    let (catalogue, found) = load_with(SOAP, &[]);
    assert_eq!(found, []);
    let service = catalogue.services().next().unwrap();
    let first = &service.operations()[0];
    let choose = |content_type: &'static str, body: String| {
        service.dispatch(first, Some(content_type), &Bytes::from(body)).map(|operation| operation.name().to_owned())
    };
    let envelope = |version: &str, payload: &str| {
        format!(
            "<e:Envelope xmlns:e=\"{version}\"><e:Header><h xmlns=\"urn:s\"><One/></h></e:Header><e:Body>{payload}</e:Body></e:Envelope>"
        )
    };
    let (soap11, soap12) = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    for name in ["One", "Two"] {
        let payload = format!("<p:{name} xmlns:p=\"urn:s\"/>");
        assert_eq!(choose("text/xml", envelope(soap11, &payload)).ok().as_deref(), Some(name));
        assert_eq!(choose("application/soap+xml", envelope(soap12, &payload)).ok().as_deref(), Some(name));
    }
    for (what, body) in [
        ("another namespace", envelope(soap11, "<One xmlns=\"urn:other\"/>")),
        ("another element", envelope(soap11, "<Three xmlns=\"urn:s\"/>")),
        ("an empty body", envelope(soap11, "")),
    ] {
        assert!(
            matches!(choose("text/xml", body), Err(Refusal::Violates(findings)) if findings[0].rule == "element"),
            "{what}"
        );
    }
    assert!(matches!(choose("text/xml", "<e:Envelope".into()), Err(Refusal::Xml(_))));
    assert!(matches!(choose("application/json", "{}".into()), Err(Refusal::MediaType { .. })));
}

#[test]
fn operations_at_one_path_must_be_told_apart() {
    refused(&SOAP.replace("dispatch = \"element\"\n", ""), "operation.Two.path", "dispatch");
    refused(&SOAP.replace("name = \"Two\"", "name = \"Two\"\nelement = \"One\""), "operation.Two.element", "another's");
    refused(&SOAP.replace("[\"soap\", \"xml\"]", "[\"soap\", \"json\"]"), "expose.dispatch", "XML and SOAP only");
    refused(&SOAP.replace("\"element\"", "\"action\""), "expose.dispatch", "path or element");
    refused(
        &SOAP.replace("name = \"Two\"", "name = \"Two\"\nscopes = [\"service:x\"]"),
        "operation.Two.scopes",
        "expose.scopes",
    );
}

#[test]
fn scopes_that_nobody_or_everybody_has_are_refused() {
    for (scopes, advice) in [("[]", "at least one"), ("[\"foo\"]", "foo is no scope"), ("[\"\"]", "is no scope")] {
        refused(&QUEUE.replace("[expose]\n", &format!("[expose]\nscopes = {scopes}\n")), "expose.scopes", advice);
        let own = QUEUE.replace("name = \"store\"\n", &format!("name = \"store\"\nscopes = {scopes}\n"));
        refused(&own, "operation.scopes", advice);
    }
}

const QUEUE: &str = r#"
mode = "queue"
[expose]
path = "/s"
[upstream]
servers = ["http://127.0.0.1:1"]
format = "json"
[[operation]]
name = "store"
path = "/store"
key = "/k"
[[operation]]
name = "ask"
path = "/ask/{k}"
mode = "proxy"
fault_when = '/Status != "100"'
map_fault = "fault.map"
[[operation]]
name = "file"
path = "/file/{id}"
method = "GET"
format = "any"
mode = "proxy"
upstream_path = "/download/{id}"
"#;

const FAULT: &[(&str, &str)] = &[("fault.map", "status <- 404\nreason <- /detail/Message\n")];

#[test]
fn an_operation_may_differ_from_its_service() {
    let (catalogue, found) = load_with(QUEUE, FAULT);
    assert_eq!(found, []);
    let service = catalogue.services().next().unwrap();
    let modes: Vec<Mode> = service.operations().iter().map(|operation| operation.mode()).collect();
    assert_eq!(modes, [Mode::Queue, Mode::Proxy, Mode::Proxy]);
    let file = service.operation("file").unwrap();
    assert!(!file.reads_bodies() && service.operation("ask").unwrap().reads_bodies());
    let path = [("id".into(), "a b".into())];
    let context = MapContext { path: &path, ..MapContext::default() };
    assert_eq!(file.passed_path("/file/a%20b", &context).ok().flatten().as_deref(), Some("/download/a%20b"));
}

#[test]
fn an_operation_may_not_differ_in_what_makes_no_sense() {
    refused(&QUEUE.replace("mode = \"proxy\"\nfault_when", "fault_when"), "operation.ask.fault_when", "proxy mode");
    refused(
        &QUEUE.replace("mode = \"proxy\"\nfault_when", "mode = \"intake\"\nfault_when"),
        "operation.ask.mode",
        "proxy or queue",
    );
    refused(&QUEUE.replace("format = \"any\"", "format = \"xml\""), "operation.file.format", "any");
    refused(
        &QUEUE.replace("format = \"any\"\nmode = \"proxy\"", "format = \"any\""),
        "operation.file.request",
        "unread",
    );
    refused(
        &QUEUE.replace("format = \"any\"", "format = \"any\"\nfault_when = \"true\""),
        "operation.file.request",
        "unread",
    );
}

#[test]
fn an_answer_under_a_good_status_may_be_a_fault() {
    let (catalogue, _) = load_with(QUEUE, FAULT);
    let ask = catalogue.services().next().unwrap().operation("ask").unwrap();
    let context = MapContext { now: Some(Timestamp(0)), ..MapContext::default() };
    let format = ask.caller_format(Some("application/json")).unwrap();
    let answered = |body: &'static str| {
        let body = Bytes::from_static(body.as_bytes());
        let answer = UpstreamAnswer { status: 200, content_type: Some("application/json"), body: &body };
        ask.response(format, &answer, &context)
    };
    assert_eq!(answered(r#"{"Status": "100"}"#).unwrap().status, 200);
    for refusal in [r#"{"Status": "103", "Message": "m"}"#, r#"{"Message": "m"}"#] {
        let Err(Refusal::Fault(fault)) = answered(refusal) else { panic!("{refusal} is a fault") };
        assert_eq!((fault.status, fault.reason.as_deref()), (Some(404), Some("m")));
    }
    assert!(matches!(answered("no JSON"), Err(Refusal::Answer { .. })));
}

#[test]
fn errors_are_told_in_the_words_of_old_clients() {
    let manifest = r#"
mode = "intake"
[expose]
path = "/s"
scopes = ["dossier:push"]
[[operation]]
name = "push"
record = "dossier"
map_problem = "problem.map"
"#;
    let map = [("problem.map", "status <- 0\nmessage <- concat(/title, \": \", join(/errors[*]/path, \", \"))\n")];
    let (catalogue, found) = load_with(manifest, &map);
    assert_eq!(found, []);
    let push = catalogue.services().next().unwrap().operation("push").unwrap();
    let told = push.problem(&json!({"status": 422, "title": "T", "errors": [{"path": "/a"}, {"path": "/b"}]})).unwrap();
    assert_eq!((told.status, &told.body[..]), (422, &br#"{"status":0,"message":"T: /a, /b"}"#[..]));
    let inbound = Bytes::from_static(b"{");
    let context = MapContext::default();
    let request = Inbound { content_type: Some("application/json"), body: &inbound, context: &context, path: "" };
    assert!(matches!(push.request(&request), Err(Refusal::Json(_))));
    refused(
        &manifest.replace("path = \"/s\"", "path = \"/s\"\nformat = \"soap\""),
        "operation.push.map_problem",
        "JSON",
    );
}
