//! The connectors against small scripted partners on real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod identity;
mod npsp;
mod payment;
mod server;
mod suite;
mod webhook;

use std::sync::Arc;

use bytes::Bytes;
use lgsp_connect::{Clock, Connector, Known, Outgoing, check};
use lgsp_model::{EventKind, Seq, Timestamp};

const CODE: &str = "H56.14-240315-0007";

fn clock() -> Clock {
    Arc::new(|| Timestamp(1_700_000_000_000))
}

fn build(connector: &str, settings: &str) -> Arc<dyn Connector> {
    check(connector, &settings.parse().unwrap()).unwrap().build(clock()).unwrap()
}

fn event(seq: u64, kind: EventKind, payload: &str, known: Known) -> Outgoing {
    Outgoing {
        seq: Seq(seq),
        kind,
        code: CODE.into(),
        agency: "H56.14".into(),
        sender: "one-stop".into(),
        at: Timestamp(1_700_000_000_123),
        trace: [7; 16],
        cursor: format!("c{seq}"),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        known,
    }
}
