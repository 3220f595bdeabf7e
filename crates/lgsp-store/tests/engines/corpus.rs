//! Stores written by earlier versions of the format stay readable and writable. `tests/corpus/v1.db` is frozen: it
//! was written by `write` below when format 1 was the newest, and is never written again.

use std::path::Path;

use lgsp_model::{EventKind, Seq, Status, TargetId};
use lgsp_store::{Appended, DurableStore, HeldDecision, Parked, ParkedState, TargetChange, TargetPosition, verify_dir};

use super::embedded::open;
use super::messages::{NOW, WHOLE, act, append, code, everything, key, read_all, record, step};

const V1: &[u8] = include_bytes!("../corpus/v1.db");
const SHORT: &str = r#"{"MaHoSo":"H11.3-260102-0001","TrangThaiHoSo":"9"}"#;
const LONG: &str = r#"{"MaHoSo":"H11.3-260102-0002","MaTTHC":"1.001193","TenTTHC":"Đăng ký khai sinh","KenhThucHien":"2","ChuHoSo":"","TrangThaiHoSo":"2","NgayTiepNhan":"20260102080000","NgayHenTra":"","TaiLieuNop":[],"DanhSachLePhi":[]}"#;
/// The chain's value after the last event.
const CHAIN: &str = include_str!("../corpus/v1.chain");

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

async fn read(store: &dyn DurableStore) {
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
    assert_eq!(append(store, record(2, Status::Settled, 7)).await, Appended::Accepted { seq: Seq(8) });
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
async fn what_the_corpus_was_written_with_reads_the_same_today() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store).await;
    drop(store);
    // A directory to keep the files in when a new format is frozen.
    if let Some(keep) = std::env::var_os("LGSP_STORE_FREEZE") {
        let keep = Path::new(&keep);
        std::fs::copy(dir.path().join("lgsp.db"), keep.join("v.db")).unwrap();
        std::fs::write(keep.join("v.chain"), verify_dir(dir.path()).unwrap().head.to_string()).unwrap();
    }
    let store = open(dir.path());
    read(&store).await;
}
