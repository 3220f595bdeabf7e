//! Stores written by earlier versions of the format stay readable and writable. `tests/corpus/v1.db` is frozen: it
//! was written by `write` below when format 1 was the newest, and is never written again. `v2.db` likewise holds what
//! `write` and `write_generic` make, `v3.db` adds what `write_registry` makes, and `v4.db` what `write_payments` makes.

use std::path::Path;

use bytes::Bytes;
use lgsp_model::{EventKind, Seq, Status, TargetId, Timestamp};
use lgsp_store::{
    Appended, DurableStore, HeldDecision, LedgerKind, LedgerLine, LedgerState, NewEvent, Parked, ParkedState,
    PaymentChange, ReadFilter, RegistryChange, RegistryEntry, RegistryKind, Subject, TargetChange, TargetPosition,
    verify_dir,
};

use super::embedded::open;
use super::messages::{
    NOW, WHOLE, access, act, append, code, everything, key, message, of_kinds, read_all, record, reply, step,
};
use super::payments::{DAY, amount, id, ledger, line, name, new_payment, stored};
use super::registry::{change, member};

const V1: &[u8] = include_bytes!("../corpus/v1.db");
const SHORT: &str = r#"{"MaHoSo":"H11.3-260102-0001","TrangThaiHoSo":"9"}"#;
const LONG: &str = r#"{"MaHoSo":"H11.3-260102-0002","MaTTHC":"1.001193","TenTTHC":"Đăng ký khai sinh","KenhThucHien":"2","ChuHoSo":"","TrangThaiHoSo":"2","NgayTiepNhan":"20260102080000","NgayHenTra":"","TaiLieuNop":[],"DanhSachLePhi":[]}"#;
/// The chain's value after the last event.
const CHAIN: &str = include_str!("../corpus/v1.chain");
const V2: &[u8] = include_bytes!("../corpus/v2.db");
const V2_CHAIN: &str = include_str!("../corpus/v2.chain");
const V3: &[u8] = include_bytes!("../corpus/v3.db");
const V3_CHAIN: &str = include_str!("../corpus/v3.chain");
const V4: &[u8] = include_bytes!("../corpus/v4.db");
const V4_CHAIN: &str = include_str!("../corpus/v4.chain");

fn target() -> TargetId {
    "national-portal".parse().unwrap()
}

fn parked() -> Parked {
    Parked {
        seq: Seq(2),
        key: code(2).to_string(),
        state: ParkedState::Unknown,
        attempts: 2,
        due_at: NOW.plus_millis(1_000),
        since: NOW,
        cause: "timeout".into(),
        detail: "no answer".into(),
    }
}

/// Writes everything that a store can hold.
async fn write(store: &dyn DurableStore) {
    let mut first = record(1, Status::Settled, 1);
    (first.payload, first.idempotency) = (SHORT.into(), key("first", 1));
    let mut second = record(2, Status::Received, 2);
    second.payload = LONG.into();
    let mut third = record(1, Status::New, 3);
    third.payload = b"\xff\x00\xfe".to_vec().into();
    store.append(vec![first, second, third, step(2, Status::Processing, 5, 4)]).await.unwrap();
    store.append(vec![step(2, Status::Received, 1, 5), record(1, Status::Received, 6)]).await.unwrap();
    store.decide_held(Seq(3), HeldDecision::Drop, act("held/3")).await.unwrap();
    let position = Some(TargetPosition { done_through: Seq(2), paused: true });
    let change = TargetChange { position, park: vec![parked()], ..TargetChange::default() };
    store.change_target(target(), change).await.unwrap();
}

/// Writes what came with format 2: events 8 to 11.
async fn write_generic(store: &dyn DurableStore) {
    let sent = NewEvent { idempotency: key("sent", 7), ..message("post", "A-1", "<order/>") };
    store.append(vec![sent, access("population", Some("H11.3"))]).await.unwrap();
    store.reply(reply(8, "busy")).await.unwrap();
    store.reply(reply(8, r#"{"number":"EV1"}"#)).await.unwrap();
    store.mark_clean_stop(vec![target()]).await.unwrap();
}

/// Writes what came with format 3: events 12 and 13.
async fn write_registry(store: &dyn DurableStore) {
    let made = vec![member("app", "{}"), member("gone", "{}")];
    store.change_registry(RegistryChange { create: made, ..change("member/app") }).await.unwrap();
    let gone = vec![(RegistryKind::Member, "gone".to_owned())];
    let ends = RegistryEntry { ends: Some(NOW), ..member("app", "{ }") };
    store.change_registry(RegistryChange { put: vec![ends], remove: gone, ..change("member/app") }).await.unwrap();
}

fn refund() -> LedgerLine {
    let (kind, state, reference) = (LedgerKind::Refund, LedgerState::Open, id(9).to_string());
    LedgerLine { kind, state, reference, amount: amount(20_000), ..settled() }
}

fn settled() -> LedgerLine {
    let (day, state, transaction) = (DAY + 1, LedgerState::Settled, Some("14422574".to_owned()));
    LedgerLine { day, state, transaction, ..line(1, id(1).as_str()) }
}

/// Writes what came with format 4: five events. Payment 1 is of dossier 1 and has everything, payment 2 is of dossier
/// 2 and due.
async fn write_payments(store: &dyn DurableStore) {
    let made = PaymentChange {
        names: vec![name("reference")],
        ledger: vec![line(1, id(1).as_str())],
        due: Some(NOW),
        ..new_payment(1, r#"{"state":"pending"}"#)
    };
    let made = stored(store, made).await;
    let paid = PaymentChange {
        after: Some(made),
        evidence: vec![Bytes::from_static(b"vnp_ResponseCode=00")],
        names: vec![name("14422574")],
        ledger: vec![settled(), refund()],
        due: None,
        ..new_payment(1, r#"{"state":"paid"}"#)
    };
    stored(store, paid).await;
    let second = stored(store, new_payment(2, r#"{"state":"created"}"#)).await;
    assert_eq!(store.postpone_payment(id(2), second, Some(NOW.plus_millis(5))).await, Ok(true));
    let key = "payment/vnpay".parse().unwrap();
    append(store, NewEvent { subject: Subject::Evidence { key }, ..message("post", "A-1", "a wrong signature") }).await;
}

/// Reads it where its first event was `first`.
async fn read_payments(store: &dyn DurableStore, first: u64) {
    let paid = store.payment(id(1)).await.unwrap().unwrap();
    assert_eq!((paid.seq, paid.due, &paid.record[..]), (Seq(first + 2), None, &br#"{"state":"paid"}"#[..]));
    assert_eq!((&paid.dossier, paid.sender.as_str(), paid.agency.as_str()), (&code(1), "one-stop-h11", "H11.3"));
    for known in ["reference", "14422574"] {
        assert_eq!(store.payment_named(name(known)).await.unwrap().as_ref(), Some(&paid), "{known}");
    }
    assert_eq!(store.payments_of(code(1), 10).await.unwrap(), [paid]);
    let due = store.payments_due(Timestamp(0)..=NOW.plus_millis(5), 10).await.unwrap();
    assert_eq!(due.iter().map(|entry| (&entry.id, entry.seq.0)).collect::<Vec<_>>(), [(&id(2), first + 3)]);
    assert_eq!((ledger(store, DAY).await, ledger(store, DAY + 1).await), (vec![], vec![settled(), refund()]));
    let filter = of_kinds(&[EventKind::Payment, EventKind::Evidence]);
    let seqs: Vec<_> = read_all(store, &filter, WHOLE).await.iter().map(|event| event.seq.0).collect();
    assert_eq!(seqs, (first..first + 5).collect::<Vec<_>>());
}

async fn read_registry(store: &dyn DurableStore) {
    let expected = RegistryEntry { ends: Some(NOW), ..member("app", "{ }") };
    assert_eq!(store.registry(RegistryKind::Member, String::new(), 10).await.unwrap(), [expected]);
}

async fn read_generic(store: &dyn DurableStore) {
    let filter = ReadFilter { key_prefix: Some("post/".into()), ..of_kinds(EventKind::ALL) };
    let events = read_all(store, &filter, WHOLE).await;
    let seen: Vec<_> = events.iter().map(|event| (event.seq.0, event.kind, event.payload.as_deref())).collect();
    let expected = [
        (8, EventKind::Message, Some(&b"<order/>"[..])),
        (10, EventKind::Reply, Some(b"busy")),
        (11, EventKind::Reply, Some(br#"{"number":"EV1"}"#)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(store.reply_of(Seq(8)).await.unwrap().as_ref(), events.last());
    let looked = read_all(store, &of_kinds(&[EventKind::Access]), WHOLE).await;
    assert_eq!((looked.len(), looked[0].key.as_str(), looked[0].agency.as_str()), (1, "population/lookup", "H11.3"));
    let again = NewEvent { idempotency: key("sent", 7), ..message("post", "A-1", "<order/>") };
    assert_eq!(append(store, again).await, Appended::Duplicate { seq: Seq(8) });
}

async fn read(store: &dyn DurableStore) {
    let next = store.head().borrow().next();
    let events = read_all(store, &everything(), WHOLE).await;
    assert_eq!(events.iter().map(|event| event.seq.0).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!(events[0].payload.as_deref(), Some(SHORT.as_bytes()));
    assert_eq!(events[1].payload.as_deref(), Some(LONG.as_bytes()));
    assert_eq!((events[1].sender.as_str(), events[1].agency.as_str()), ("one-stop-h11", "H11.3"));
    assert_eq!((events[3].trace, events[3].kind), ([9; 16], EventKind::Progress));
    let state = store.dossier(code(2)).await.unwrap().unwrap();
    assert_eq!((state.status, state.record, state.known.len()), (Some(Status::Processing), Some(Seq(2)), 3));
    let held = store.held(Seq(0), 10).await.unwrap();
    assert_eq!(held.iter().map(|held| held.event.seq.0).collect::<Vec<_>>(), [6]);
    let history = store.history(code(1), 10).await.unwrap();
    assert_eq!(history.iter().map(|event| event.seq.0).collect::<Vec<_>>(), [1, 3, 6, 7]);
    let at = store.target(target()).await.unwrap();
    assert_eq!(at, Some(TargetPosition { done_through: Seq(2), paused: true }));
    assert_eq!(store.parked(target(), None, Seq(0), 10).await.unwrap(), [parked()]);
    let mut again = record(1, Status::Settled, 99);
    again.idempotency = key("first", 1);
    assert_eq!(append(store, again).await, Appended::Accepted { seq: Seq(1) });
    assert_eq!(append(store, record(2, Status::Received, 2)).await, Appended::Duplicate { seq: Seq(2) });
    assert_eq!(append(store, record(2, Status::Settled, 7)).await, Appended::Accepted { seq: next });
}

#[tokio::test]
async fn a_store_written_by_format_1_stays_readable_and_writable() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lgsp.db"), V1).unwrap();
    let report = verify_dir(dir.path()).unwrap();
    assert_eq!((report.events, report.broken, report.head.to_string()), (7, None, CHAIN.trim().to_owned()));
    let store = open(dir.path());
    read(&store).await;
    assert_eq!(store.verify().await.unwrap().broken, None);
}

#[tokio::test]
async fn a_store_written_by_format_1_takes_messages_replies_and_access_records() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lgsp.db"), V1).unwrap();
    let store = open(dir.path());
    assert!(!store.take_clean_stop(&target()));
    assert_eq!(store.reply_of(Seq(1)).await.unwrap(), None);
    write_generic(&store).await;
    read_generic(&store).await;
    read(&store).await;
    store.close();
    assert_eq!(verify_dir(dir.path()).unwrap().broken, None);
    assert_eq!(verify_dir(dir.path()).unwrap().events, 12);
}

#[tokio::test]
async fn a_store_written_by_format_2_stays_readable_and_writable() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lgsp.db"), V2).unwrap();
    let report = verify_dir(dir.path()).unwrap();
    assert_eq!((report.events, report.broken, report.head.to_string()), (11, None, V2_CHAIN.trim().to_owned()));
    let store = open(dir.path());
    assert!(store.take_clean_stop(&target()));
    read_generic(&store).await;
    read(&store).await;
    assert_eq!(store.verify().await.unwrap().broken, None);
}

#[tokio::test]
async fn a_store_written_by_format_2_takes_a_registry() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lgsp.db"), V2).unwrap();
    let store = open(dir.path());
    assert_eq!(store.registry(RegistryKind::Member, String::new(), 10).await.unwrap(), []);
    write_registry(&store).await;
    read_registry(&store).await;
    assert_eq!(store.verify().await.unwrap().broken, None);
}

#[tokio::test]
async fn a_store_written_by_format_3_stays_readable_and_writable() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lgsp.db"), V3).unwrap();
    let report = verify_dir(dir.path()).unwrap();
    assert_eq!((report.events, report.broken, report.head.to_string()), (13, None, V3_CHAIN.trim().to_owned()));
    let store = open(dir.path());
    read_registry(&store).await;
    read_generic(&store).await;
    read(&store).await;
    assert_eq!(store.verify().await.unwrap().broken, None);
}

#[tokio::test]
async fn stores_written_by_formats_1_to_3_take_payments() {
    for (file, events) in [(V1, 7), (V2, 11), (V3, 13)] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lgsp.db"), file).unwrap();
        let store = open(dir.path());
        assert_eq!(store.payment(id(1)).await.unwrap(), None);
        assert_eq!(store.payments_due(Timestamp(0)..=NOW, 10).await.unwrap(), []);
        write_payments(&store).await;
        read_payments(&store, events + 1).await;
        read(&store).await;
        store.close();
        let report = verify_dir(dir.path()).unwrap();
        assert_eq!((report.events, report.broken), (events + 6, None));
    }
}

#[tokio::test]
async fn a_store_written_by_format_4_stays_readable_and_writable() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lgsp.db"), V4).unwrap();
    let report = verify_dir(dir.path()).unwrap();
    assert_eq!((report.events, report.broken, report.head.to_string()), (18, None, V4_CHAIN.trim().to_owned()));
    let store = open(dir.path());
    read_payments(&store, 14).await;
    read_registry(&store).await;
    read_generic(&store).await;
    read(&store).await;
    let later = PaymentChange { after: Some(Seq(16)), ledger: vec![settled()], ..new_payment(1, "{}") };
    assert_eq!(stored(&store, later).await, Seq(20));
    assert_eq!(store.verify().await.unwrap().broken, None);
}

#[tokio::test]
async fn what_the_corpus_was_written_with_reads_the_same_today() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store).await;
    write_generic(&store).await;
    write_registry(&store).await;
    write_payments(&store).await;
    drop(store);
    // A directory to keep the files in when a new format is frozen.
    if let Some(keep) = std::env::var_os("LGSP_STORE_FREEZE") {
        let keep = Path::new(&keep);
        std::fs::copy(dir.path().join("lgsp.db"), keep.join("v.db")).unwrap();
        std::fs::write(keep.join("v.chain"), verify_dir(dir.path()).unwrap().head.to_string()).unwrap();
    }
    let store = open(dir.path());
    read_payments(&store, 14).await;
    read_registry(&store).await;
    read_generic(&store).await;
    read(&store).await;
}
