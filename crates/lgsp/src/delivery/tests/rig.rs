//! What the tests of delivery are made with: a partner that does what the test says, and a delivery to it on a real store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lgsp_connect::{
    Asked, BatchLimit, ConnectFuture, Connector, Delivered, Known, Outgoing, Repeat as Repeats, Standing,
};
use lgsp_core::delivery::{KindPolicies, KindPolicy, Policy, Repeat};
use lgsp_core::{Backoff, BreakerPolicy};
use lgsp_model::{
    AgencyGrant, Cause, ContentDigest, EventKind, Incoming, Outcome, PortalTime, Seq, Status, TargetId, Timestamp,
};
use lgsp_store::{
    AuditEntry, DossierEvent, DurableStore, EmbeddedOptions, EmbeddedStore, NewEvent, ReadFilter, Subject,
    TargetPosition,
};

use super::super::{Begin, DeliveryMeter, OutcomeCounts, Setup, TargetHandle};
use crate::clock::Clock;

/// No wait of these tests takes longer on the slowest machine, or something hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Partner {
    /// What each delivery gets, by the event's position; others settle.
    pub(super) answers: Mutex<HashMap<Seq, Vec<Outcome>>>,
    pub(super) asked: Mutex<Vec<Seq>>,
    pub(super) taken: Mutex<Vec<(Seq, Known)>>,
    pub(super) batches: Mutex<Vec<usize>>,
    pub(super) latency: Duration,
}

impl Partner {
    pub(super) fn taken(&self) -> Vec<u64> {
        self.taken.lock().unwrap().iter().map(|(seq, _)| seq.0).collect()
    }

    pub(super) fn answers(&self, seq: u64, outcomes: &[Outcome]) {
        let last_first = outcomes.iter().rev().cloned().collect();
        self.answers.lock().unwrap().insert(Seq(seq), last_first);
    }
}

impl Connector for Partner {
    fn limits(&self, _: EventKind) -> BatchLimit {
        BatchLimit { events: 50, bytes: 1_000_000, repeat: Repeats::AskAlways }
    }

    fn wants_history(&self) -> bool {
        true
    }

    fn deliver<'a>(&'a self, _: EventKind, events: &'a [Outgoing]) -> ConnectFuture<'a, Delivered> {
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            self.batches.lock().unwrap().push(events.len());
            let mut outcomes = Vec::new();
            for event in events {
                let next = self.answers.lock().unwrap().get_mut(&event.seq).and_then(Vec::pop);
                let outcome = next.unwrap_or(Outcome::Settled);
                if outcome == Outcome::Settled {
                    self.taken.lock().unwrap().push((event.seq, event.known));
                }
                outcomes.push(outcome);
            }
            Delivered { outcomes, standing: Standing::Open }
        })
    }

    fn ask<'a>(&'a self, event: &'a Outgoing) -> ConnectFuture<'a, Asked> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(event.seq);
            if self.taken().contains(&event.seq.0) { Asked::Same } else { Asked::Missing }
        })
    }
}

#[derive(Default)]
pub(super) struct Counted(pub(super) Mutex<OutcomeCounts>);

impl DeliveryMeter for Counted {
    fn call_ended(&self, _: &TargetId, outcomes: OutcomeCounts, _: Duration) {
        let mut counts = self.0.lock().unwrap();
        counts.settled += outcomes.settled;
        counts.refused += outcomes.refused;
        counts.deferred += outcomes.deferred;
        counts.unknown += outcomes.unknown;
    }

    fn delivered(&self, _: &TargetId, _: Duration) {}
}

pub(super) struct Rig {
    pub(super) _dir: tempfile::TempDir,
    pub(super) store: Arc<EmbeddedStore>,
    pub(super) partner: Arc<Partner>,
    pub(super) meter: Arc<Counted>,
    pub(super) clock: Clock,
}

impl Rig {
    pub(super) fn new(partner: Partner) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap());
        Self { _dir: dir, store, partner: Arc::new(partner), meter: Arc::default(), clock: Clock::start() }
    }

    pub(super) fn start(&self, begin: Begin) -> TargetHandle {
        self.start_after(begin, false)
    }

    pub(super) fn start_after(&self, begin: Begin, after_clean_stop: bool) -> TargetHandle {
        let quick = Backoff { first: Duration::from_millis(20), max: Duration::from_millis(100), spread: 0.5 };
        let kind = KindPolicy { batch_events: 1, batch_bytes: 1, repeat: Repeat::AskAlways };
        TargetHandle::start(Setup {
            id: target(),
            store: Arc::clone(&self.store) as Arc<dyn DurableStore>,
            connector: Arc::clone(&self.partner) as Arc<dyn Connector>,
            filter: ReadFilter::new(Vec::new(), AgencyGrant::All),
            begin,
            after_clean_stop,
            policy: Policy {
                attempts: 3,
                backoff: quick,
                breaker: BreakerPolicy { consecutive: 50, open: quick },
                concurrency: 4,
                window: 1000,
                window_bytes: 1 << 20,
                max_parked: 1000,
                save_every: Duration::from_millis(20),
                kinds: KindPolicies::all(kind),
            },
            clock: self.clock.steady_fn(),
            cursor: |seq| seq.to_string(),
            meter: Arc::clone(&self.meter) as Arc<dyn DeliveryMeter>,
        })
    }

    /// The same after the store was closed and opened again.
    pub(super) async fn reopened(self) -> Self {
        let Self { _dir, store, partner, meter, clock } = self;
        drop(store);
        let mut reopened = None;
        until("the store is closed", || {
            reopened = EmbeddedStore::open(_dir.path(), EmbeddedOptions::default()).ok();
            let open = reopened.is_some();
            async move { open }
        })
        .await;
        Self { store: Arc::new(reopened.expect("waited for it")), _dir, partner, meter, clock }
    }

    /// Appends a record (`step` 0) or a progress step of dossier `n`.
    pub(super) async fn append(&self, n: usize, step: u64) {
        self.append_all(vec![message(n, step)]).await;
    }

    pub(super) async fn append_all(&self, messages: Vec<NewEvent>) {
        self.store.append(messages).await.unwrap();
    }

    pub(super) async fn position(&self) -> Option<TargetPosition> {
        self.store.target(target()).await.unwrap()
    }
}

pub(super) fn target() -> TargetId {
    "portal".parse().unwrap()
}

pub(super) fn message(n: usize, step: u64) -> NewEvent {
    let time = PortalTime::from_number(20_260_101_000_000 + step).unwrap();
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&step.to_be_bytes());
    let incoming =
        if step == 0 { Incoming::Record(Status::Received) } else { Incoming::Progress(Status::Received, time) };
    NewEvent {
        subject: Subject::Dossier(DossierEvent {
            code: format!("H11-260101-{n:04}").parse().unwrap(),
            agency: "H11".parse().unwrap(),
            incoming,
            content: ContentDigest(digest),
        }),
        sender: "one-stop".parse().unwrap(),
        at: Timestamp(1),
        payload: Bytes::from_static(b"{}"),
        trace: [1; 16],
        idempotency: None,
    }
}

pub(super) fn audit(action: &str) -> AuditEntry {
    AuditEntry {
        at: Timestamp(1),
        actor: "lan".into(),
        action: action.into(),
        object: "portal/1".into(),
        reason: "looked at the portal".into(),
        address: "127.0.0.1".into(),
        trace: [0; 16],
    }
}

pub(super) fn failure(code: &str) -> Cause {
    Cause { code: code.into(), detail: "as the test says".into() }
}

pub(super) async fn until<F: Future<Output = bool>>(reason: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {reason}"));
}
