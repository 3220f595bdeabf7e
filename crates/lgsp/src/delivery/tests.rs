//! The running delivery on a real store, with a partner that does what the test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lgsp_connect::{
    Asked, BatchLimit, ConnectFuture, Connector, Delivered, Known, Outgoing, Repeat as Repeats, Standing,
};
use lgsp_core::delivery::{Act, EventState, KindPolicy, Policy, Repeat};
use lgsp_core::{Backoff, BreakerPolicy};
use lgsp_model::{
    AgencyGrant, Cause, ContentDigest, EventKind, Incoming, Outcome, PortalTime, Seq, Status, TargetId, Timestamp,
};
use lgsp_store::{
    AuditEntry, DossierEvent, DurableStore, EmbeddedOptions, EmbeddedStore, NewEvent, ParkedState, ReadFilter,
    StoredEvent, Subject, TargetPosition,
};

use super::restore::log_event;
use super::{ActError, Begin, DeliveryMeter, OutcomeCounts, Setup, TargetHandle};
use crate::clock::Clock;

/// No wait of these tests takes longer on the slowest machine, or something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Partner {
    /// What each delivery gets, by the event's position; others settle.
    answers: Mutex<HashMap<Seq, Vec<Outcome>>>,
    asked: Mutex<Vec<Seq>>,
    taken: Mutex<Vec<(Seq, Known)>>,
    batches: Mutex<Vec<usize>>,
    latency: Duration,
}

impl Partner {
    fn taken(&self) -> Vec<u64> {
        self.taken.lock().unwrap().iter().map(|(seq, _)| seq.0).collect()
    }

    fn answers(&self, seq: u64, outcomes: &[Outcome]) {
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
struct Counted(Mutex<OutcomeCounts>);

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

struct Rig {
    _dir: tempfile::TempDir,
    store: Arc<EmbeddedStore>,
    partner: Arc<Partner>,
    meter: Arc<Counted>,
    clock: Clock,
}

impl Rig {
    fn new(partner: Partner) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap());
        Self { _dir: dir, store, partner: Arc::new(partner), meter: Arc::default(), clock: Clock::start() }
    }

    fn start(&self, begin: Begin) -> TargetHandle {
        self.start_after(begin, false)
    }

    fn start_after(&self, begin: Begin, after_clean_stop: bool) -> TargetHandle {
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
                dossier: kind,
                progress: kind,
                status: kind,
                message: kind,
                reply: kind,
            },
            clock: self.clock.steady_fn(),
            cursor: |seq| seq.to_string(),
            meter: Arc::clone(&self.meter) as Arc<dyn DeliveryMeter>,
        })
    }

    /// The same after the store was closed and opened again.
    async fn reopened(self) -> Self {
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
    async fn append(&self, n: usize, step: u64) {
        self.append_all(vec![message(n, step)]).await;
    }

    async fn append_all(&self, messages: Vec<NewEvent>) {
        self.store.append(messages).await.unwrap();
    }

    async fn position(&self) -> Option<TargetPosition> {
        self.store.target(target()).await.unwrap()
    }
}

fn target() -> TargetId {
    "portal".parse().unwrap()
}

fn message(n: usize, step: u64) -> NewEvent {
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

fn audit(action: &str) -> AuditEntry {
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

fn failure(code: &str) -> Cause {
    Cause { code: code.into(), detail: "as the test says".into() }
}

async fn until<F: Future<Output = bool>>(reason: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {reason}"));
}

#[tokio::test]
async fn events_go_out_in_order_once_and_a_restart_goes_on_behind_them() {
    let rig = Rig::new(Partner::default());
    rig.append(1, 0).await;
    rig.append(1, 1).await;
    rig.append(2, 0).await;
    let handle = rig.start(Begin::Beginning);
    until("all three are taken", || async { rig.partner.taken().len() == 3 }).await;
    assert_eq!(rig.partner.taken().iter().filter(|seq| **seq < 3).copied().collect::<Vec<_>>(), [1, 2]);
    handle.stop(PATIENCE).await;
    assert_eq!(rig.position().await, Some(TargetPosition { done_through: Seq(3), paused: false }));
    assert_eq!(handle.status().done_through, Seq(3));
    assert!(handle.event_state(Seq(1)).await.is_none(), "it has stopped");

    let handle = rig.start(Begin::Beginning);
    rig.append(3, 0).await;
    until("the new one is taken", || async { rig.partner.taken().len() == 4 }).await;
    assert_eq!(rig.partner.taken()[3], 4);
    assert!(rig.partner.asked.lock().unwrap().is_empty(), "nothing was in doubt");
    handle.stop(PATIENCE).await;
    assert_eq!(rig.meter.0.lock().unwrap().settled, 4);
}

#[tokio::test]
async fn a_new_target_may_begin_with_what_comes() {
    let rig = Rig::new(Partner::default());
    rig.append(1, 0).await;
    let handle = rig.start(Begin::Now);
    until("its place is recorded", || async { rig.position().await.is_some() }).await;
    rig.append(2, 0).await;
    until("the new one is taken", || async { rig.partner.taken() == [2] }).await;
    handle.stop(PATIENCE).await;
}

#[tokio::test]
async fn a_second_record_of_a_dossier_goes_as_known_there() {
    let rig = Rig::new(Partner::default());
    let mut second = message(1, 0);
    let Subject::Dossier(about) = &mut second.subject else { unreachable!("a record") };
    about.content = ContentDigest([9; 16]);
    rig.append_all(vec![message(1, 0), message(1, 1), second]).await;
    let handle = rig.start(Begin::Beginning);
    until("all are taken", || async { rig.partner.taken().len() == 3 }).await;
    let known: Vec<Known> = rig.partner.taken.lock().unwrap().iter().map(|(_, known)| *known).collect();
    assert_eq!((known[0], known[2]), (Known::No, Known::Yes));
    handle.stop(PATIENCE).await;
}

#[tokio::test]
async fn an_unknown_outcome_is_asked_for_and_a_deferred_one_tried_again() {
    let rig = Rig::new(Partner::default());
    rig.partner.answers(1, &[Outcome::Unknown(failure("timeout"))]);
    let busy = Outcome::Deferred { cause: failure("http_503"), after: None };
    rig.partner.answers(2, &[busy.clone(), busy]);
    rig.append(1, 1).await;
    rig.append(2, 1).await;
    let handle = rig.start(Begin::Beginning);
    until("both are taken in the end", || async { rig.partner.taken().len() == 2 }).await;
    assert_eq!(*rig.partner.asked.lock().unwrap(), [Seq(1)]);
    until("nothing is parked", || async {
        rig.store.count_parked(target()).await.unwrap().iter().all(|(_, n)| *n == 0)
    })
    .await;
    until("the failure is shown", || async { handle.last_words().failure.is_some() }).await;
    handle.stop(PATIENCE).await;
    let counts = *rig.meter.0.lock().unwrap();
    assert_eq!((counts.settled, counts.deferred, counts.unknown), (2, 2, 1));
}

#[tokio::test]
async fn a_person_decides_about_a_dead_event_and_the_log_says_who_and_why() {
    let rig = Rig::new(Partner::default());
    rig.partner.answers(1, &[Outcome::Refused(failure("refused")), Outcome::Refused(failure("refused"))]);
    rig.append_all(vec![message(1, 0), message(1, 1), message(2, 0)]).await;
    let handle = rig.start(Begin::Beginning);
    until("it is dead and the other passes", || async { handle.status().dead == 1 && rig.partner.taken() == [3] })
        .await;
    let parked = rig.store.parked(target(), None, Seq(0), 10).await.unwrap();
    let states: Vec<_> = parked.iter().map(|row| (row.seq.0, row.state, row.cause.as_str())).collect();
    assert_eq!(states, [(1, ParkedState::Dead, "refused"), (2, ParkedState::Retry, "")]);
    assert!(matches!(handle.event_state(Seq(1)).await, Some(EventState::Dead { .. })));
    assert_eq!(handle.event_state(Seq(3)).await, Some(EventState::Done));

    handle.act(Act::Retry(Seq(1)), audit("parked.retry")).await.unwrap();
    until("it is dead again", || async { rig.meter.0.lock().unwrap().refused == 2 && handle.status().dead == 1 }).await;
    handle.act(Act::Drop(Seq(1)), audit("parked.drop")).await.unwrap();
    until("what waited behind it is taken", || async { rig.partner.taken() == [3, 2] }).await;
    let refused = handle.act(Act::Drop(Seq(1)), audit("parked.drop")).await;
    assert!(matches!(refused, Err(ActError::Refused(_))), "{refused:?}");
    handle.stop(PATIENCE).await;
    let acts = ReadFilter::new(vec![EventKind::Audit], AgencyGrant::All);
    let limit = lgsp_store::PageLimit { events: 10, bytes: 1 << 20 };
    assert_eq!(rig.store.read(Seq(0), limit, acts).await.unwrap().events.len(), 2, "a refused act leaves no entry");
}

#[tokio::test]
async fn a_pause_survives_a_restart_and_a_replay_asks_what_the_target_has() {
    let rig = Rig::new(Partner::default());
    let handle = rig.start(Begin::Beginning);
    handle.act(Act::Pause, audit("target.pause")).await.unwrap();
    handle.stop(PATIENCE).await;
    let handle = rig.start(Begin::Beginning);
    rig.append(1, 0).await;
    until("it has seen the event", || async { handle.status().read_through >= Seq(2) }).await;
    assert!(handle.status().paused && rig.partner.taken().is_empty());
    handle.act(Act::Resume, audit("target.resume")).await.unwrap();
    until("it is taken", || async { rig.partner.taken().len() == 1 }).await;
    until("it is recorded", || async { handle.status().done_through >= Seq(2) }).await;
    handle.act(Act::Replay { from: Seq(1), to: Seq(2) }, audit("target.replay")).await.unwrap();
    until("the target was asked", || async { rig.partner.asked.lock().unwrap().len() == 1 }).await;
    handle.stop(PATIENCE).await;
    assert_eq!(rig.partner.taken().len(), 1, "it has it already");
}

#[tokio::test]
async fn under_load_batches_grow_and_nothing_is_lost() {
    let rig = Rig::new(Partner { latency: Duration::from_millis(5), ..Partner::default() });
    let handle = rig.start(Begin::Beginning);
    for block in 0..20 {
        rig.append_all((0..100).map(|n| message(block * 100 + n, 0)).collect()).await;
    }
    until("all are taken", || async { rig.partner.taken().len() == 2000 }).await;
    let mut taken = rig.partner.taken();
    taken.sort_unstable();
    assert!(taken.into_iter().eq(1..=2000));
    let batches = rig.partner.batches.lock().unwrap().len();
    assert!(batches < 1000, "{batches} calls for 2000 events");
    handle.stop(PATIENCE).await;
    assert_eq!(rig.position().await.unwrap().done_through, Seq(2000));
}

#[tokio::test]
async fn what_came_while_a_target_was_stopped_is_asked_for_only_after_a_stop_that_was_not_clean() {
    for (clean, asked) in [(true, 0), (false, 1)] {
        let rig = Rig::new(Partner::default());
        rig.append(1, 0).await;
        let handle = rig.start(Begin::Beginning);
        until("the first is taken", || async { rig.partner.taken() == [1] }).await;
        assert!(handle.stop(PATIENCE).await, "nothing was in flight");
        rig.append(2, 0).await;
        let handle = rig.start_after(Begin::Beginning, clean);
        until("the second is taken", || async { rig.partner.taken() == [1, 2] }).await;
        assert_eq!(rig.partner.asked.lock().unwrap().len(), asked);
        handle.stop(PATIENCE).await;
    }
}

#[tokio::test]
async fn a_stop_is_clean_when_nothing_is_in_flight_and_the_next_life_of_the_store_knows() {
    let rig = Rig::new(Partner { latency: Duration::from_secs(60), ..Partner::default() });
    rig.append(1, 0).await;
    let handle = rig.start(Begin::Beginning);
    until("it is on its way", || async { handle.status().in_flight == 1 }).await;
    assert!(!handle.stop(Duration::from_millis(50)).await, "it may have arrived");
    assert!(!handle.stop(PATIENCE).await, "it has stopped already");

    let rig = Rig::new(Partner::default());
    rig.append(1, 0).await;
    let handle = rig.start(Begin::Beginning);
    until("it is taken", || async { rig.partner.taken() == [1] }).await;
    assert!(handle.stop(PATIENCE).await);
    rig.store.mark_clean_stop(vec![target()]).await.unwrap();
    drop(handle);
    let rig = rig.reopened().await;
    rig.append(2, 0).await;
    let handle = rig.start(Begin::Beginning);
    until("the second is taken", || async { rig.partner.taken() == [1, 2] }).await;
    assert!(rig.partner.asked.lock().unwrap().is_empty());
    handle.stop(PATIENCE).await;
}

#[test]
fn messages_are_in_order_by_their_declared_key_and_others_by_themselves() {
    let event = |seq: u64, kind: EventKind, key: &str, previous: Option<u64>| StoredEvent {
        seq: Seq(seq),
        at: Timestamp(0),
        kind,
        disposition: lgsp_model::Disposition::Applied,
        key: key.to_owned(),
        sender: "one-stop".into(),
        agency: String::new(),
        previous: previous.map(Seq),
        trace: [0; 16],
        payload: None,
    };
    let key = |event: StoredEvent| log_event(&event).key.to_string();
    assert_eq!(key(event(1, EventKind::Dossier, "H11-260101-0001", None)), "H11-260101-0001");
    assert_eq!(key(event(2, EventKind::Message, "post/create/DH/1", None)), "post/*/DH/1");
    assert_eq!(key(event(3, EventKind::Message, "post/cancel/DH/1", None)), "post/*/DH/1");
    assert_eq!(key(event(4, EventKind::Message, "post/create", None)), "post/create#4");
    assert_eq!(key(event(5, EventKind::Reply, "post/create", Some(4))), "post/create#4");
}
