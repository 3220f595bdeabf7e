//! Short ways to make messages for the tests.

use bytes::Bytes;
use lgsp_model::{
    AgencyGrant, ContentDigest, Digest, DossierCode, EventKind, Incoming, PortalTime, Seq, Status, Timestamp,
};
use lgsp_store::{AuditEntry, DurableStore, IdempotencyKey, NewEvent, PageLimit, ReadFilter, StoredEvent};

/// A time at which tests begin.
pub const NOW: Timestamp = Timestamp(1_790_000_000_000);

pub fn code(n: u64) -> DossierCode {
    format!("H11.3-260102-{n:04}").parse().unwrap()
}

pub fn content(n: u64) -> ContentDigest {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    ContentDigest(bytes)
}

pub fn step_time(second: u64) -> PortalTime {
    PortalTime::from_number(20_260_102_080_000 + second).unwrap()
}

pub fn record(dossier: u64, status: Status, unique: u64) -> NewEvent {
    NewEvent {
        kind: EventKind::Dossier,
        code: code(dossier),
        sender: "one-stop-h11".parse().unwrap(),
        agency: code(dossier).agency(),
        at: NOW,
        incoming: Incoming::Record(status),
        content: content(unique),
        payload: Bytes::from(super::samples::record(dossier, status.code()).json),
        trace: [9; 16],
        idempotency: None,
    }
}

pub fn step(dossier: u64, status: Status, second: u64, unique: u64) -> NewEvent {
    let payload = super::samples::progress(code(dossier).as_str(), unique, status.code(), step_time(second).number());
    NewEvent {
        kind: EventKind::Progress,
        incoming: Incoming::Progress(status, step_time(second)),
        payload: payload.into(),
        ..record(dossier, status, unique)
    }
}

pub fn key(text: &str, body: u8) -> Option<IdempotencyKey> {
    Some(IdempotencyKey { key: text.into(), body: Digest([body; 32]) })
}

pub fn act(object: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor: "operator-1".into(),
        action: "held.release".into(),
        object: object.into(),
        reason: "a \"reason\"\nin two lines".into(),
        address: "192.0.2.7".into(),
        trace: [1; 16],
    }
}

pub fn everything() -> ReadFilter {
    ReadFilter { kinds: Vec::new(), agencies: AgencyGrant::All }
}

pub const WHOLE: PageLimit = PageLimit { events: 10_000, bytes: 256 * 1024 * 1024 };

/// Every event that a reader of `filter` sees.
pub async fn read_all(store: &dyn DurableStore, filter: &ReadFilter, limit: PageLimit) -> Vec<StoredEvent> {
    let (mut events, mut after) = (Vec::new(), Seq(0));
    loop {
        let page = store.read(after, limit, filter.clone()).await.unwrap();
        assert!(page.through > after || !page.more, "a page must go on");
        events.extend(page.events);
        after = page.through;
        if !page.more {
            return events;
        }
    }
}

pub async fn append(store: &dyn DurableStore, event: NewEvent) -> lgsp_store::Appended {
    store.append(vec![event]).await.unwrap()[0]
}
