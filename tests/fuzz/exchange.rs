//! Requests and answers of services, bent and broken, through everything that a contract does with them: envelopes,
//! attachments, schemas, maps, templates, on both sides. What comes out is a message in the other side's form, or a
//! refusal that repeats nothing.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lgsp_contract::{Context, Format, Inbound, Operation, Refusal, Service, SourceFile, UpstreamAnswer};
use lgsp_model::Timestamp;

use crate::bridge;
use crate::chance::Chance;
use crate::checks::shown;
use crate::mutate::{end, one_of};
use crate::texts::Language;
use crate::xml::{DOCUMENTS, WORDS, encoded};

/// The longest exchange of one message, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

/// What may stand in no refusal of ours.
const CANARY: &str = "079199887766";

const JSON_WORDS: [&str; 20] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "1e999",
    "0",
    "\"so\":",
    "\"hang\":",
    "\"ten\":1",
    "{\"so\":\"x\"}",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "[[[[",
    "\"@a\":\"b\"",
    "\"#text\":",
];

const MEDIA_TYPES: [&str; 9] = [
    "application/json",
    "application/xml",
    "text/xml",
    "text/xml; charset=utf-16",
    "application/soap+xml",
    "application/soap+xml; action=\"x\"",
    "multipart/related; boundary=b; type=\"text/xml\"; start=\"<r>\"",
    "multipart/related; boundary=b; type=\"application/xop+xml\"; start-info=\"application/soap+xml\"",
    "text/plain",
];

/// A message as the root of one with attachments.
fn with_attachments(chance: &mut Chance, message: &[u8]) -> Vec<u8> {
    let odd = ["--b\r\n", "--b--", "\r\n", "--b", "Content-ID: <r>\r\n\r\n", "\r\n\r\n", "Content-Type: x", ""];
    let part = |head: &str, body: &[u8]| [b"--b\r\n", head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat();
    let mut made = part("Content-Type: text/xml\r\nContent-ID: <r>", message);
    made.extend(part("Content-Type: image/png\r\nContent-ID: <1>", b"\x89PNG \xff\x00"));
    if chance.below(3) > 0 {
        made.extend_from_slice(b"--b--\r\n");
    }
    for _ in 0..chance.below(3) {
        let at = chance.below(made.len() + 1);
        let word = one_of(chance, &odd).as_bytes().to_vec();
        made.splice(at..at, word);
    }
    made
}

fn context() -> Context<'static> {
    let now = Some(Timestamp(1_800_000_000_000));
    Context { trace: Some("t"), now, member: Some("m"), status: Some(200), digest_key: b"key", ..Context::default() }
}

/// All services of the tree, and the one of these tests.
fn services() -> Vec<std::sync::Arc<Service>> {
    let files = [lgsp_contract::shipped(), bridge::files()].concat();
    let (catalogue, wrong) = lgsp_contract::load(&files);
    assert!(wrong.is_empty(), "{wrong:?}");
    catalogue.services().cloned().collect()
}

/// Texts of messages in the folders of contracts.
fn examples(files: &[SourceFile]) -> Vec<Vec<u8>> {
    let message = |path: &str| path.contains("/examples/") && (path.ends_with(".json") || path.ends_with(".xml"));
    files.iter().filter(|file| message(&file.path)).map(|file| file.text.clone().into_bytes()).collect()
}

struct Seeds {
    json: Vec<Vec<u8>>,
    xml: Vec<Vec<u8>>,
    /// Those that the service of these tests takes, with their types.
    own: Vec<(&'static str, Vec<u8>)>,
}

impl Seeds {
    fn all() -> Self {
        let mut all = examples(&lgsp_contract::shipped());
        all.extend(bridge::REQUESTS.iter().map(|(_, text)| text.as_bytes().to_vec()));
        all.extend(bridge::ANSWERS.iter().map(|text| text.as_bytes().to_vec()));
        all.extend(DOCUMENTS.iter().map(|text| text.as_bytes().to_vec()));
        let (json, xml) = all.into_iter().partition(|text: &Vec<u8>| text.first() == Some(&b'{'));
        let own = bridge::REQUESTS.map(|(media_type, text)| (media_type, text.as_bytes().to_vec())).into();
        Self { json, xml, own }
    }

    /// A request of the service of these tests, bent or not, with its own type.
    fn own(&self, chance: &mut Chance) -> (Vec<u8>, Option<&'static str>) {
        let (media_type, text) = one_of(chance, &self.own).clone();
        let words: &[&str] = if media_type == "application/json" { &JSON_WORDS } else { &WORDS };
        let bent = if chance.below(4) == 0 { text } else { Language { seeds: &[text], words }.bent(chance) };
        (bent, Some(media_type))
    }

    /// A message, and a media type that may fit. Some are as they were, so that not everything is refused.
    fn message(&self, chance: &mut Chance) -> (Vec<u8>, Option<&'static str>) {
        let whole = chance.below(5) == 0;
        let json = chance.below(3) == 0;
        let seeds = if json { &self.json } else { &self.xml };
        let words: &[&str] = if json { &JSON_WORDS } else { &WORDS };
        let language = Language { seeds, words };
        let mut text = if whole { one_of(chance, seeds).clone() } else { language.bent(chance) };
        if !json {
            text = encoded(chance, text);
        }
        let media_type = match chance.below(8) {
            0 => None,
            1 => Some(*one_of(chance, &MEDIA_TYPES)),
            _ if json => Some("application/json"),
            2..=5 => Some(*one_of(chance, &["text/xml", "application/soap+xml", "application/xml"])),
            _ => {
                text = with_attachments(chance, &text);
                Some(*one_of(chance, &MEDIA_TYPES[6..8]))
            }
        };
        (text, media_type)
    }
}

/// Whether a refusal tells only what it may. The words of an upstream's fault are the caller's and no log's.
fn check_refusal(refusal: &Refusal, text: &[u8]) {
    let told = match refusal {
        Refusal::Fault(_) => return,
        other => format!("{other:?}"),
    };
    assert!(!told.contains(CANARY), "{told} for {}", shown(text));
}

/// Whether a body is what its media type says; `None` is a body that was not changed.
fn check_form(content_type: Option<&str>, body: &[u8], text: &[u8]) {
    match content_type {
        Some(json) if json.contains("json") => {
            assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok(), "{} of {}", shown(body), shown(text));
        }
        Some(xml) if xml.contains("xml") && !xml.contains("multipart") => {
            let written = std::str::from_utf8(body).unwrap();
            let read = roxmltree::Document::parse(written);
            assert!(read.is_ok() || body.is_empty(), "{:?}: {} of {}", read.err(), shown(body), shown(text));
        }
        _ => {}
    }
}

#[test]
fn any_request_is_made_into_the_upstreams_or_refused() {
    let mut chance = Chance::printed("requests of services");
    let (services, seeds, context) = (services(), Seeds::all(), context());
    let operations: Vec<&Operation> = services.iter().flat_map(|service| service.operations()).collect();
    let own: Vec<&Operation> = operations.iter().copied().filter(|known| known.path().contains("/bridge/")).collect();
    let (end, mut made, mut refused) = (end(), 0, 0);
    while Instant::now() < end {
        let is_own = chance.below(2) == 0;
        let (text, content_type) = if is_own { seeds.own(&mut chance) } else { seeds.message(&mut chance) };
        let operation = one_of(&mut chance, if is_own { &own } else { &operations });
        let body = Bytes::from(text.clone());
        let inbound = Inbound { content_type, body: &body, context: &context, path: "/ask" };
        let begun = Instant::now();
        match operation.request(&inbound) {
            Ok(call) => {
                check_form(call.content_type.as_deref(), &call.body, &text);
                let audit = call.audit.as_deref().map(String::from_utf8_lossy);
                assert!(audit.is_none_or(|audit| !audit.contains(CANARY)), "the audit knows people by digest");
                made += 1;
            }
            Err(refusal) => {
                check_refusal(&refusal, &text);
                refused += 1;
            }
        }
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(&text));
    }
    assert!(made > 0 && refused > 0, "the mutations miss a kind: {made}, {refused}");
    println!("{made} requests made, {refused} refused");
}

#[test]
fn any_answer_is_made_into_the_callers_or_told_as_the_upstreams() {
    let mut chance = Chance::printed("answers to services");
    let (services, seeds, context) = (services(), Seeds::all(), context());
    let operations: Vec<&Operation> = services.iter().flat_map(|service| service.operations()).collect();
    let formats = [Format::Json, Format::Xml, Format::Soap11, Format::Soap12];
    let (end, mut made, mut faults, mut refused) = (end(), 0, 0, 0);
    while Instant::now() < end {
        let (text, content_type) = seeds.message(&mut chance);
        let operation = one_of(&mut chance, &operations);
        let caller = *one_of(&mut chance, &formats);
        let status = *one_of(&mut chance, &[200, 200, 201, 204, 400, 404, 500, 503]);
        let body = Bytes::from(text.clone());
        let begun = Instant::now();
        let answer = UpstreamAnswer { status, content_type, body: &body };
        match operation.response(caller, &answer, &context) {
            Ok(answer) => {
                check_form(answer.content_type.as_deref(), &answer.body, &text);
                made += 1;
            }
            Err(Refusal::Fault(_)) => faults += 1,
            Err(refusal) => {
                assert!(
                    matches!(refusal, Refusal::Answer { .. }),
                    "blamed on the caller: {refusal:?} {}",
                    shown(&text)
                );
                check_refusal(&refusal, &text);
                refused += 1;
            }
        }
        let _ = operation.verdict(&answer, caller, Timestamp(1));
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(&text));
    }
    assert!(made > 0 && faults > 0 && refused > 0, "the mutations miss a kind: {made}, {faults}, {refused}");
    println!("{made} answers made, {faults} faults, {refused} refused");
}
