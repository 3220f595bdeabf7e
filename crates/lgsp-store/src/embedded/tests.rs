//! What needs the engine's inside: a full disk, and what is remembered only in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lgsp_model::{AgencyGrant, ContentDigest, DossierCode, Incoming, Seq, Status, Timestamp};
use tokio::time::timeout;

use super::*;
use crate::{CommitObserver, DossierEvent, Subject};

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);
const UNLIMITED: u32 = 1_000_000_000;

fn code(n: u64) -> DossierCode {
    format!("H11.3-260102-{n:04}").parse().unwrap()
}

fn message() -> NewEvent {
    NewEvent { subject: Subject::Message { key: "post/create".parse().unwrap(), agency: None }, ..event(0, 20) }
}

fn event(n: u64, size: usize) -> NewEvent {
    // Bytes that do not shrink, so that pages fill.
    let noise = (0..size as u64).map(|at| sha256_of(n, at / 32)[at as usize % 32]);
    let (code, content) = (code(n), ContentDigest([1; 16]));
    let (agency, incoming) = (code.agency(), Incoming::Record(Status::New));
    NewEvent {
        subject: Subject::Dossier(DossierEvent { code, agency, incoming, content }),
        sender: "one-stop-h11".parse().unwrap(),
        at: Timestamp(1_790_000_000_000),
        payload: noise.collect::<Vec<u8>>().into(),
        trace: [2; 16],
        idempotency: None,
    }
}

fn sha256_of(n: u64, block: u64) -> [u8; 32] {
    codec::sha256(&[n.to_le_bytes(), block.to_le_bytes()].concat()).0
}

#[derive(Default)]
struct Count {
    committed: AtomicUsize,
    failed: AtomicUsize,
}

impl CommitObserver for Count {
    fn committed(&self, events: usize, _: Duration) {
        self.committed.fetch_add(events, Ordering::SeqCst);
    }
    fn failed(&self) {
        self.failed.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_messages_keeps_reads_and_heals_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let count = Arc::new(Count::default());
    let options = EmbeddedOptions { observer: Some(count.clone()), ..EmbeddedOptions::default() };
    let store = EmbeddedStore::open(dir.path(), options).unwrap();
    store.append(vec![event(0, 500)]).await.unwrap();
    store.limit_pages(60).await;
    let mut stored = 1;
    let refused = loop {
        match store.append(vec![event(stored, 4_000)]).await {
            Ok(answers) => assert_eq!(answers, [Appended::Accepted { seq: Seq(stored + 1) }]),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 10_000, "the disk never filled");
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert!(matches!(*store.health().borrow(), Health::ReadOnly { .. }));
    assert_eq!(*store.head().borrow(), Seq(stored));
    assert_eq!(store.dossier(code(stored)).await.unwrap(), None);
    let filter = ReadFilter::new(Vec::new(), AgencyGrant::All);
    let page = store.read(Seq(0), PageLimit { events: 10_000, bytes: usize::MAX }, filter).await.unwrap();
    assert_eq!(page.events.len() as u64, stored);
    store.limit_pages(UNLIMITED).await;
    timeout(PATIENCE, store.health().wait_for(|health| *health == Health::Writable)).await.unwrap().unwrap();
    let again = store.append(vec![event(stored, 4_000)]).await.unwrap();
    assert_eq!(again, [Appended::Accepted { seq: Seq(stored + 1) }]);
    let report = store.verify().await.unwrap();
    assert_eq!((report.events, report.broken), (stored + 1, None));
    assert_eq!(count.committed.load(Ordering::SeqCst) as u64, stored + 1);
    assert!(count.failed.load(Ordering::SeqCst) > 0);
}

/// What a delivery may have sent before a crash is counted from here: a position that was answered must be on disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_position_is_on_disk_when_it_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap();
    let target: TargetId = "national-portal".parse().unwrap();
    for seq in 1..=3 {
        let position = Some(TargetPosition { done_through: Seq(seq), paused: false });
        let change = TargetChange { position, ..TargetChange::default() };
        store.change_target(target.clone(), change).await.unwrap();
        // As a crash would find it: the files as they are now, without what a close would add.
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let after_crash = EmbeddedStore::open(copy.path(), EmbeddedOptions::default()).unwrap();
        assert_eq!(after_crash.target(target.clone()).await.unwrap(), position);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_dossiers_leave_memory_and_are_still_known() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap();
    store.append((0..700).map(|n| event(n, 20)).collect()).await.unwrap();
    let flushed = async {
        while !store.shared.recent.lock().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, flushed).await.expect("the writer flushes when nothing else comes");
    let state = store.dossier(code(699)).await.unwrap().unwrap();
    assert_eq!((state.status, state.last), (Some(Status::New), Some(Seq(700))));
    assert_eq!(store.append(vec![event(5, 20)]).await.unwrap(), [Appended::Duplicate { seq: Seq(6) }]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_dictionary_leaves_older_payloads_readable() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        |n: u32| Bytes::from(format!("{{\"MaHoSo\":\"H11.3-260102-{n:04}\",\"TrangThaiHoSo\":\"1\",\"GhiChu\":\"\"}}"));
    let with = |n: u64| NewEvent { payload: text(n as u32), ..event(n, 0) };
    let mut dictionaries = vec![codec::BUILT_IN.to_vec(), b"\"TrangThaiHoSo\":\"1\",\"GhiChu\":\"\"}".repeat(4)];
    dictionaries.push(codec::BUILT_IN.to_vec());
    for (n, dictionary) in dictionaries.into_iter().enumerate() {
        let options = EmbeddedOptions { dictionary, ..EmbeddedOptions::default() };
        let store = EmbeddedStore::open(dir.path(), options).unwrap();
        store.append(vec![with(n as u64)]).await.unwrap();
        for known in 0..=n {
            let event = store.event(Seq(known as u64 + 1)).await.unwrap().unwrap();
            assert_eq!(event.payload, Some(text(known as u32)));
        }
    }
    let conn = Connection::open(dir.path().join(schema::FILE)).unwrap();
    let ids: i64 = conn
        .query_row("SELECT count(DISTINCT dictionary) FROM log WHERE dictionary > 0", [], |row| row.get(0))
        .unwrap();
    assert_eq!(ids, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_full_says_busy_and_stores_nothing_of_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { waiting_events: 10, ..EmbeddedOptions::default() };
    let store = Arc::new(EmbeddedStore::open(dir.path(), options).unwrap());
    let (mut stored, mut busy) = (0, 0);
    // A quick disk may keep up with one round.
    for round in 0..200u64 {
        let calls: Vec<_> = (round * 60..round * 60 + 60)
            .map(|call| {
                let store = store.clone();
                let events = (call * 8..call * 8 + 8).map(|n| event(n, 3_000)).collect();
                tokio::spawn(async move { store.append(events).await })
            })
            .collect();
        for call in calls {
            match call.await.unwrap() {
                Ok(answers) => stored += answers.len() as u64,
                Err(StoreError::Busy) => busy += 1,
                Err(other) => panic!("{other}"),
            }
        }
        if busy > 0 {
            break;
        }
    }
    assert!(busy > 0, "nothing was refused");
    assert_eq!(*store.head().borrow(), Seq(stored));
}

/// What is walked at start is bounded also when nothing moves a dossier.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_alone_move_the_mark_up_to_which_the_dossier_table_is_true() {
    let dir = tempfile::tempdir().unwrap();
    let projected = || -> i64 {
        let conn = Connection::open(dir.path().join(schema::FILE)).unwrap();
        conn.query_row("SELECT through FROM projected", [], |row| row.get(0)).unwrap()
    };
    let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap();
    for _ in 0..6 {
        store.append(vec![message(); 4_000]).await.unwrap();
    }
    let marked = async {
        while projected() < 20_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, marked).await.expect("the writer marks when enough messages came");
    store.append(vec![event(1, 20), message()]).await.unwrap();
    store.close();
    assert_eq!(projected(), 24_002);
    let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap();
    assert_eq!(store.append(vec![event(1, 20)]).await.unwrap(), [Appended::Duplicate { seq: Seq(24_001) }]);
}

fn payment(n: u64, size: usize) -> PaymentChange {
    let NewEvent { sender, at, payload, trace, .. } = event(n, size);
    PaymentChange {
        id: format!("{n:020}").parse().unwrap(),
        after: None,
        evidence: vec![payload.clone()],
        record: payload,
        names: Vec::new(),
        ledger: Vec::new(),
        due: None,
        dossier: code(n),
        agency: code(n).agency(),
        sender,
        at,
        trace,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_weigh_in_the_queue_with_all_that_they_bring() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { waiting_bytes: 20_000, ..EmbeddedOptions::default() };
    let store = Arc::new(EmbeddedStore::open(dir.path(), options).unwrap());
    let (mut stored, mut busy) = (0, 0);
    // A quick disk may keep up with one round.
    for round in 0..200u64 {
        let calls: Vec<_> = (round * 60..round * 60 + 60)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move { store.change_payment(payment(n, 4_000)).await })
            })
            .collect();
        for call in calls {
            match call.await.unwrap() {
                Ok(PaymentChanged::Stored(_)) => stored += 1,
                Err(StoreError::Busy) => busy += 1,
                other => panic!("{other:?}"),
            }
        }
        if busy > 0 {
            break;
        }
    }
    assert!(busy > 0, "nothing was refused");
    assert_eq!(*store.head().borrow(), Seq(2 * stored));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_a_full_disk_refused_is_not_there_and_can_be_made_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).unwrap();
    store.limit_pages(60).await;
    let mut made = 0;
    let refused = loop {
        match store.change_payment(payment(made, 4_000)).await {
            Ok(answer) => assert_eq!(answer, PaymentChanged::Stored(Seq(2 * made + 2))),
            Err(error) => break error,
        }
        made += 1;
        assert!(made < 10_000, "the disk never filled");
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert_eq!((store.payment(payment(made, 0).id).await, *store.head().borrow()), (Ok(None), Seq(2 * made)));
    store.limit_pages(UNLIMITED).await;
    timeout(PATIENCE, store.health().wait_for(|health| *health == Health::Writable)).await.unwrap().unwrap();
    let again = store.change_payment(payment(made, 4_000)).await;
    assert_eq!(again, Ok(PaymentChanged::Stored(Seq(2 * made + 2))));
    assert_eq!(store.verify().await.unwrap().broken, None);
}
