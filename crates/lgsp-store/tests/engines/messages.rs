//! Short ways to make messages for the tests.

use bytes::Bytes;
use lgsp_model::{
    AgencyGrant, ContentDigest, Digest, DossierCode, EventKind, Incoming, PortalTime, Seq, Status, Timestamp,
};
use lgsp_store::{
    AuditEntry, DossierEvent, DurableStore, IdempotencyKey, NewEvent, NewReply, PageLimit, ReadFilter, StoredEvent,
    Subject,
};

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

pub fn about(dossier: u64, incoming: Incoming, unique: u64) -> DossierEvent {
    DossierEvent { code: code(dossier), agency: code(dossier).agency(), incoming, content: content(unique) }
}

pub fn record(dossier: u64, status: Status, unique: u64) -> NewEvent {
    NewEvent {
        subject: Subject::Dossier(about(dossier, Incoming::Record(status), unique)),
        sender: "one-stop-h11".parse().unwrap(),
        at: NOW,
        payload: Bytes::from(super::samples::record(dossier, status.code()).json),
        trace: [9; 16],
        idempotency: None,
    }
}

pub fn step(dossier: u64, status: Status, second: u64, unique: u64) -> NewEvent {
    let payload = super::samples::progress(code(dossier).as_str(), unique, status.code(), step_time(second).number());
    NewEvent {
        subject: Subject::Dossier(about(dossier, Incoming::Progress(status, step_time(second)), unique)),
        payload: payload.into(),
        ..record(dossier, status, unique)
    }
}

/// A message to the operation `create` of `service`.
pub fn message(service: &str, declared: &str, body: &str) -> NewEvent {
    let key = format!("{service}/create/{declared}").parse().unwrap();
    NewEvent {
        subject: Subject::Message { key, agency: None },
        payload: Bytes::from(body.to_owned()),
        ..record(1, Status::New, 1)
    }
}

/// A record of a look-up at `service`.
pub fn access(service: &str, agency: Option<&str>) -> NewEvent {
    let key = format!("{service}/lookup").parse().unwrap();
    let agency = agency.map(|agency| agency.parse().unwrap());
    let payload = Bytes::from_static(br#"{"purpose":"birth registration"}"#);
    NewEvent { subject: Subject::Access { key, agency }, payload, ..record(1, Status::New, 1) }
}

pub fn reply(to: u64, body: &str) -> NewReply {
    NewReply { to: Seq(to), at: NOW.plus_millis(40), payload: Bytes::from(body.to_owned()), trace: [5; 16] }
}

pub fn of_kinds(kinds: &[EventKind]) -> ReadFilter {
    ReadFilter::new(kinds.to_vec(), AgencyGrant::All)
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
    ReadFilter::new(Vec::new(), AgencyGrant::All)
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
