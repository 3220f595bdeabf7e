//! The suite of the shell's own connectors: what every target's connector promises, run on each of them, and what only
//! one of them does.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use lgsp_connect::{Asked, Connector, Known, Outgoing, Standing};
use lgsp_contract::{SourceFile, load};
use lgsp_model::{Cause, EventKind, MemberId, Outcome, Seq, Timestamp};
use lgsp_store::{DurableStore, EmbeddedOptions, EmbeddedStore, NewEvent, NewReply, Subject};

use super::{Callback, Ground, Outbox, Services, Values};
use crate::clock::Clock;
use crate::identity::DigestKey;

/// Nobody listens at this address: a port below those that are given out.
const NOBODY: &str = "http://127.0.0.1:1";

/// What no cause may hold.
const VALUES: [&str; 2] = ["Nguyễn Thị Thử Nghiệm", "038012345678"];

const CONTRACT: &str = r#"
id = "post"
version = "1"
valid_from = 2025-01-01
title = { vi = "a", en = "a" }
description = { vi = "a", en = "a" }
owner = "a"
mode = "queue"
[expose]
path = "/services/post"
[queue]
keep_reply = true
callback = CALLBACK
[upstream]
servers = ["SERVER"]
timeout = "1s"
connect_timeout = "1s"
[[operation]]
name = "create"
request = "schema.json"
[[operation]]
name = "replace"
path = "/replace"
idempotent = true
"#;

const SCHEMA: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 40}}, "required": ["name"]}"#;

struct Rig {
    dir: tempfile::TempDir,
    store: Arc<dyn DurableStore>,
    clock: Clock,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap());
        Self { dir, store, clock: Clock::start() }
    }

    fn services(&self, server: &str, callback: bool) -> Arc<ArcSwap<Services>> {
        let text = CONTRACT.replace("SERVER", server).replace("CALLBACK", &callback.to_string());
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let (catalogue, wrong) = load(&[file("post/contract.toml", &text), file("post/schema.json", SCHEMA)]);
        assert_eq!(wrong, []);
        let values = Values { base: Path::new(""), variable: &|_| None, read_file: &|_| Err("no files".into()) };
        let ground = Ground { values, clock: &self.clock };
        Arc::new(ArcSwap::from_pointee(Services::new(&catalogue, &ground, None)))
    }

    fn outbox(&self, server: &str) -> Outbox {
        Outbox {
            service: "post".into(),
            services: self.services(server, true),
            store: self.store.clone(),
            clock: self.clock.clone(),
            digest_key: Arc::new(DigestKey::open(self.dir.path()).unwrap()),
        }
    }

    fn callback(&self, promised: bool) -> Callback {
        let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        let settings = format!("url = '{NOBODY}'\nsecret = '{secret}'\nallow_private = true\ntimeout = '1s'");
        let checked = lgsp_connect::check("webhook", &settings.parse().unwrap()).unwrap();
        let hook = checked.build(self.clock.steady_fn()).unwrap();
        Callback { hook, services: self.services(NOBODY, promised), clock: self.clock.clone() }
    }

    /// A message in the log, on its way.
    async fn stored(&self, key: &str, payload: &str) -> Outgoing {
        let sender: MemberId = "shop".parse().unwrap();
        let event = NewEvent {
            subject: Subject::Message { key: key.parse().unwrap(), agency: None },
            sender,
            at: Timestamp(1),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            trace: [7; 16],
            idempotency: None,
        };
        self.store.append(vec![event]).await.unwrap();
        outgoing(*self.store.head().borrow(), EventKind::Message, key, payload)
    }
}

fn outgoing(seq: Seq, kind: EventKind, key: &str, payload: &str) -> Outgoing {
    Outgoing {
        seq,
        kind,
        code: key.to_owned(),
        agency: String::new(),
        sender: "shop".into(),
        at: Timestamp(1),
        trace: [7; 16],
        cursor: "c".into(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        known: Known::Unsure,
    }
}

fn message() -> String {
    format!(r#"{{"name": "{}", "number": "{}"}}"#, VALUES[0], VALUES[1])
}

fn reply(end: &str) -> String {
    format!(r#"{{"message_id": "1", "outcome": "{end}", "body": "{}"}}"#, VALUES[1])
}

#[track_caller]
fn says_no_values(cause: &Cause) {
    assert!(!cause.code.is_empty() && !cause.detail.is_empty());
    assert!(VALUES.iter().all(|value| !cause.detail.contains(value)), "{}", cause.detail);
}

/// What every connector promises: an outcome for each event, a partner that is not there leaves nothing unclear, what
/// nobody can send is refused and not sent again, and no cause quotes a message.
async fn suite(connector: &dyn Connector, kind: EventKind, good: Outgoing, bad: Outgoing) {
    let limit = connector.limits(kind);
    assert_eq!(limit.events, 1);
    let delivered = connector.deliver(kind, std::slice::from_ref(&good)).await;
    assert_eq!(delivered.standing, Standing::Open);
    let [Outcome::Deferred { cause, .. }] = delivered.outcomes.as_slice() else { panic!("{delivered:?}") };
    says_no_values(cause);
    let delivered = connector.deliver(kind, &[bad]).await;
    let [Outcome::Refused(cause)] = delivered.outcomes.as_slice() else { panic!("{delivered:?}") };
    says_no_values(cause);
    match connector.ask(&good).await {
        Asked::CannotTell => {}
        other => panic!("nobody was there to say {other:?}"),
    }
    assert!(connector.query("x", &serde_json::Map::new()).await.is_err());
}

#[tokio::test]
async fn a_service_keeps_what_connectors_promise() {
    let rig = Rig::new();
    let good = rig.stored("post/create/1", &message()).await;
    for (key, payload) in [
        ("post/create/1", r#"{"name": "038012345678 038012345678 038012345678 038012345678"}"#),
        ("post/create/1", "038012345678"),
        ("post/create/1", "<038012345678/>"),
        ("post/gone/1", "{}"),
    ] {
        let bad = outgoing(good.seq, EventKind::Message, key, payload);
        suite(&rig.outbox(NOBODY), EventKind::Message, good.clone(), bad).await;
    }
    assert_eq!(rig.store.reply_of(good.seq).await.unwrap(), None, "what the gateway refuses has no answer to keep");
}

#[tokio::test]
async fn a_call_back_address_keeps_what_connectors_promise() {
    let good = outgoing(Seq(2), EventKind::Reply, "post/create/1", &reply("settled"));
    for payload in [reply("lost"), "{}".to_owned(), "x".to_owned(), reply("settled").replace("\"1\"", "\"1 2\"")] {
        let bad = outgoing(Seq(2), EventKind::Reply, "post/create/1", &payload);
        suite(&Rig::new().callback(true), EventKind::Reply, good.clone(), bad).await;
    }
}

#[tokio::test]
async fn replies_of_a_service_that_promises_no_call_stay_here() {
    let reply = outgoing(Seq(2), EventKind::Reply, "post/create/1", &reply("settled"));
    let delivered = Rig::new().callback(false).deliver(EventKind::Reply, &[reply]).await;
    assert_eq!(delivered.outcomes, [Outcome::Settled]);
}

#[tokio::test]
async fn a_service_that_is_not_set_up_is_not_tried() {
    let rig = Rig::new();
    let message = rig.stored("post/create/1", &message()).await;
    let outbox = rig.outbox("${NOT_SET}");
    let delivered = outbox.deliver(EventKind::Message, std::slice::from_ref(&message)).await;
    assert_eq!(delivered.standing, Standing::NotYet);
    let [Outcome::Deferred { cause, after: Some(_) }] = delivered.outcomes.as_slice() else { panic!("{delivered:?}") };
    assert!(cause.code == "not_ready" && cause.detail.contains("NOT_SET"), "{cause:?}");
    assert!(matches!(outbox.ask(&message).await, Asked::Deferred { .. }));
}

#[tokio::test]
async fn what_is_in_doubt_is_settled_by_its_reply_or_sent_again_when_a_repeat_does_no_harm() {
    let rig = Rig::new();
    let outbox = rig.outbox(NOBODY);
    let created = rig.stored("post/create/1", &message()).await;
    let replaced = rig.stored("post/replace/1", &message()).await;
    assert_eq!(outbox.ask(&created).await, Asked::CannotTell);
    assert_eq!(outbox.ask(&replaced).await, Asked::Missing);
    for (end, asked) in [("refused", Asked::CannotTell), ("settled", Asked::Same)] {
        let payload = Bytes::from(reply(end));
        rig.store.reply(NewReply { to: created.seq, at: Timestamp(2), payload, trace: [7; 16] }).await.unwrap();
        assert_eq!(outbox.ask(&created).await, asked, "one that was refused may have been sent again");
    }
}
