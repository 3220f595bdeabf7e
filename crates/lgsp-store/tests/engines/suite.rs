//! What every engine promises, each promise one function over the trait.

use bytes::Bytes;
use lgsp_model::{AgencyGrant, Disposition, EventKind, HoldReason, Incoming, Seq, Status, TargetId, Timestamp};
use lgsp_store::{
    Appended, DurableStore, HeldDecision, PageLimit, Parked, ParkedState, ReadFilter, StoreError, TargetChange,
    TargetPosition,
};

use super::messages::{NOW, WHOLE, act, append, code, everything, key, read_all, record, step, step_time};

pub async fn messages_are_accepted_recognised_and_held(store: &dyn DurableStore) {
    let backwards = HoldReason { from: Status::Settled, to: Status::Processing };
    let answers = store
        .append(vec![
            record(1, Status::Received, 1),
            record(1, Status::Settled, 2),
            record(1, Status::Received, 1),
            record(1, Status::Processing, 3),
            step(1, Status::Settled, 20, 4),
            step(1, Status::Received, 10, 5),
            record(2, Status::New, 1),
        ])
        .await
        .unwrap();
    let expected = [
        Appended::Accepted { seq: Seq(1) },
        Appended::Accepted { seq: Seq(2) },
        Appended::Duplicate { seq: Seq(1) },
        Appended::Held { seq: Seq(3), reason: backwards },
        Appended::Accepted { seq: Seq(4) },
        Appended::Accepted { seq: Seq(5) },
        Appended::Accepted { seq: Seq(6) },
    ];
    assert_eq!(answers, expected);
    assert_eq!(*store.head().borrow(), Seq(6));
    assert_eq!(append(store, record(1, Status::Processing, 3)).await, Appended::Duplicate { seq: Seq(3) });
    let state = store.dossier(code(1)).await.unwrap().unwrap();
    assert_eq!((state.status, state.record, state.last), (Some(Status::Settled), Some(Seq(2)), Some(Seq(5))));
    assert_eq!(state.newest_step, Some(step_time(20)));
    let history = store.event(Seq(5)).await.unwrap().unwrap();
    assert_eq!((history.disposition, history.previous), (Disposition::History, Some(Seq(4))));
}

pub async fn payloads_come_back_byte_for_byte(store: &dyn DurableStore) {
    let mut random = super::samples::Random(1);
    let noise = |random: &mut super::samples::Random, size: usize| -> Vec<u8> {
        (0..size).map(|_| random.bits() as u8).collect()
    };
    let mut payloads = vec![Vec::new(), b" {\n \"a\" : 1 }  ".to_vec(), vec![b'x'; 3_000_000]];
    payloads.extend([1, 50, 1_200, 70_000].map(|size| noise(&mut random, size)));
    payloads.extend((0..50).map(|n| super::samples::record(n, 4).json.into_bytes()));
    let events = payloads.iter().zip(1..).map(|(payload, n)| {
        let mut event = record(n, Status::New, 1);
        event.payload = Bytes::from(payload.clone());
        event
    });
    store.append(events.collect()).await.unwrap();
    let read = read_all(store, &everything(), WHOLE).await;
    assert_eq!(read.len(), payloads.len());
    for (event, payload) in read.iter().zip(&payloads) {
        assert!(event.payload.as_deref() == Some(&payload[..]), "event {} of {} bytes", event.seq, payload.len());
    }
}

pub async fn pages_keep_their_limits_and_tell_where_to_go_on(store: &dyn DurableStore) {
    store.append((1..=25).map(|n| record(n, Status::New, n)).collect()).await.unwrap();
    let page = store.read(Seq(0), PageLimit { events: 10, ..WHOLE }, everything()).await.unwrap();
    assert_eq!((page.events.len(), page.through, page.more), (10, Seq(10), true));
    let page = store.read(Seq(20), PageLimit { events: 10, ..WHOLE }, everything()).await.unwrap();
    assert_eq!((page.events.len(), page.through, page.more), (5, Seq(25), false));
    let page = store.read(Seq(3), PageLimit { bytes: 1, ..WHOLE }, everything()).await.unwrap();
    assert_eq!((page.events.len(), page.through, page.more), (1, Seq(4), true));
    let two = page.events[0].payload.as_ref().unwrap().len() * 2 + 300;
    let page = store.read(Seq(0), PageLimit { bytes: two, ..WHOLE }, everything()).await.unwrap();
    assert!((2..5).contains(&page.events.len()), "{}", page.events.len());
    for beyond in [Seq(25), Seq(26), Seq(u64::MAX)] {
        let page = store.read(beyond, WHOLE, everything()).await.unwrap();
        assert_eq!((page.events.len(), page.through, page.more), (0, beyond, false));
    }
}

pub async fn filters_choose_kinds_and_agencies_and_never_give_out_held_events(store: &dyn DurableStore) {
    let mut elsewhere = record(2, Status::New, 1);
    elsewhere.agency = "000.00.16.H56".parse().unwrap();
    store
        .append(vec![
            record(1, Status::Settled, 1),
            elsewhere,
            step(1, Status::Settled, 1, 2),
            record(1, Status::New, 3),
        ])
        .await
        .unwrap();
    store.audit(act("national-portal")).await.unwrap();
    let seqs = |kinds: &[EventKind], agencies: &[&str]| {
        let filter = ReadFilter { kinds: kinds.to_vec(), agencies: AgencyGrant::parse(agencies).unwrap() };
        async move {
            let events = read_all(store, &filter, PageLimit { events: 1, ..WHOLE }).await;
            events.iter().map(|event| event.seq.0).collect::<Vec<_>>()
        }
    };
    assert_eq!(seqs(&[], &["*"]).await, [1, 2, 3]);
    assert_eq!(seqs(&[], &["H11"]).await, [1, 3]);
    assert_eq!(seqs(&[], &["H56.16"]).await, [2]);
    assert_eq!(seqs(&[EventKind::Progress], &["*"]).await, [3]);
    assert_eq!(seqs(&[EventKind::Audit, EventKind::Dossier], &["*"]).await, [1, 2, 5]);
    assert_eq!(seqs(&[], &[]).await, [] as [u64; 0]);
    let page = store.read(Seq(3), WHOLE, everything()).await.unwrap();
    assert_eq!((page.events.len(), page.through, page.more), (0, Seq(5), false));
}

pub async fn a_dossiers_history_holds_everything_about_it(store: &dyn DurableStore) {
    store
        .append(vec![
            record(1, Status::Settled, 1),
            record(2, Status::New, 1),
            record(1, Status::New, 2),
            step(1, Status::Settled, 5, 3),
        ])
        .await
        .unwrap();
    store.decide_held(Seq(3), HeldDecision::Drop, act("held/3")).await.unwrap();
    let history = store.history(code(1), 100).await.unwrap();
    let seen: Vec<_> = history.iter().map(|event| (event.seq.0, event.kind, event.disposition)).collect();
    let expected = [
        (1, EventKind::Dossier, Disposition::Applied),
        (3, EventKind::Dossier, Disposition::Held),
        (4, EventKind::Progress, Disposition::Applied),
        (5, EventKind::Audit, Disposition::Applied),
    ];
    assert_eq!(seen, expected);
    let newest: Vec<_> = store.history(code(1), 2).await.unwrap().iter().map(|event| event.seq.0).collect();
    assert_eq!(newest, [4, 5]);
    assert_eq!(append(store, step(1, Status::Returned, 6, 4)).await, Appended::Accepted { seq: Seq(6) });
    assert_eq!(store.event(Seq(6)).await.unwrap().unwrap().previous, Some(Seq(5)));
}

pub async fn an_idempotency_key_repeats_the_first_answer_for_a_day(store: &dyn DurableStore) {
    let mut first = record(1, Status::Settled, 1);
    first.idempotency = key("abc", 1);
    let accepted = Appended::Accepted { seq: Seq(1) };
    assert_eq!(append(store, first.clone()).await, accepted);
    assert_eq!(append(store, first.clone()).await, accepted);
    let mut other_body = record(1, Status::Returned, 2);
    other_body.idempotency = key("abc", 2);
    assert_eq!(append(store, other_body.clone()).await, Appended::KeyReused);
    let mut other_sender = other_body.clone();
    other_sender.sender = "one-stop-h56".parse().unwrap();
    other_sender.incoming = Incoming::Record(Status::New);
    let held = append(store, other_sender.clone()).await;
    assert!(matches!(held, Appended::Held { seq: Seq(2), .. }));
    assert_eq!(append(store, other_sender).await, held);
    let day = 24 * 3_600 * 1_000;
    let later = |millis| {
        let mut event = record(1, Status::Returned, 3);
        (event.idempotency, event.at) = (key("abc", 2), NOW.plus_millis(millis));
        event
    };
    assert_eq!(append(store, later(day - 1)).await, Appended::KeyReused);
    assert_eq!(append(store, later(-day)).await, Appended::KeyReused);
    assert_eq!(append(store, later(day)).await, Appended::Accepted { seq: Seq(3) });
    assert_eq!(append(store, later(day)).await, Appended::Accepted { seq: Seq(3) });
}

fn portal() -> TargetId {
    "national-portal".parse().unwrap()
}

fn parked(seq: u64, dossier: u64, state: ParkedState) -> Parked {
    Parked {
        seq: Seq(seq),
        key: code(dossier).to_string(),
        state,
        attempts: 3,
        due_at: NOW.plus_millis(5),
        since: NOW,
        cause: "timeout".into(),
        detail: "no answer within 6 s".into(),
    }
}

pub async fn targets_keep_their_position_and_parked_events(store: &dyn DurableStore) {
    store.append((1..=9).map(|n| record(n, Status::New, n)).collect()).await.unwrap();
    let at = |seq| TargetPosition { done_through: Seq(seq), paused: false };
    let all = [parked(2, 2, ParkedState::Retry), parked(5, 5, ParkedState::Dead), parked(7, 7, ParkedState::Retry)];
    let change = TargetChange { position: Some(at(8)), park: all.to_vec(), ..TargetChange::default() };
    store.change_target(portal(), change).await.unwrap();
    assert_eq!(store.target(portal()).await.unwrap(), Some(at(8)));
    assert_eq!(store.parked(portal(), None, Seq(0), 10).await.unwrap(), all);
    assert_eq!(store.parked(portal(), None, Seq(2), 1).await.unwrap(), all[1..2]);
    assert_eq!(store.parked(portal(), Some(ParkedState::Retry), Seq(2), 10).await.unwrap(), all[2..]);
    let counts = store.count_parked(portal()).await.unwrap();
    assert_eq!(counts, [(ParkedState::Retry, 2), (ParkedState::Dead, 1)]);
    assert_eq!(store.parked_of(code(5)).await.unwrap(), [(portal(), all[1].clone())]);
    let moved = TargetChange { position: Some(at(9)), ..TargetChange::default() };
    store.change_target(portal(), moved).await.unwrap();
    assert_eq!(store.target(portal()).await.unwrap(), Some(at(9)));
    let unknown = parked(2, 2, ParkedState::Unknown);
    let changed = TargetChange { park: vec![unknown.clone()], unpark: vec![Seq(5), Seq(7)], ..TargetChange::default() };
    store.change_target(portal(), changed).await.unwrap();
    assert_eq!(store.parked(portal(), None, Seq(0), 10).await.unwrap(), [unknown]);
    assert_eq!(store.target(portal()).await.unwrap(), Some(at(9)));
    let paused = TargetPosition { paused: true, ..at(9) };
    let pause = TargetChange { position: Some(paused), audit: Some(act("national-portal")), ..TargetChange::default() };
    store.change_target(portal(), pause).await.unwrap();
    assert_eq!(store.target(portal()).await.unwrap(), Some(paused));
    assert_eq!(*store.head().borrow(), Seq(10));
}

pub async fn an_unknown_target_stands_nowhere(store: &dyn DurableStore) {
    assert_eq!(store.target(portal()).await.unwrap(), None);
    assert_eq!(store.parked(portal(), None, Seq(0), 10).await.unwrap(), []);
    assert_eq!(store.count_parked(portal()).await.unwrap(), []);
    let zero = TargetChange { position: Some(TargetPosition::default()), ..TargetChange::default() };
    store.change_target(portal(), zero).await.unwrap();
    assert_eq!(store.target(portal()).await.unwrap(), Some(TargetPosition::default()));
}

pub async fn a_released_event_moves_the_dossier_and_goes_out(store: &dyn DurableStore) {
    store.append(vec![record(1, Status::Settled, 1), record(1, Status::Processing, 2)]).await.unwrap();
    assert_eq!(store.count_held().await.unwrap(), 1);
    let held = store.held_event(Seq(2)).await.unwrap().unwrap();
    assert_eq!(store.held(Seq(0), 10).await.unwrap(), std::slice::from_ref(&held));
    assert_eq!(held.reason, HoldReason { from: Status::Settled, to: Status::Processing });
    let release = HeldDecision::Release(Incoming::ReleasedRecord(Status::Processing));
    let seq = store.decide_held(Seq(2), release, act("held/2")).await.unwrap();
    assert_eq!(seq, Some(Seq(3)));
    let state = store.dossier(code(1)).await.unwrap().unwrap();
    assert_eq!((state.status, state.record), (Some(Status::Processing), Some(Seq(3))));
    let out = read_all(store, &everything(), WHOLE).await;
    assert_eq!(out.iter().map(|event| event.seq.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(out[1].payload, held.event.payload);
    assert_eq!((&out[1].sender, &out[1].agency), (&held.event.sender, &held.event.agency));
    assert_eq!(store.decide_held(Seq(2), release, act("held/2")).await, Err(StoreError::NotThere));
    assert_eq!(store.count_held().await.unwrap(), 0);
    assert_eq!(append(store, record(1, Status::Processing, 2)).await, Appended::Duplicate { seq: Seq(2) });
}

pub async fn a_dropped_event_stays_in_the_log_and_moves_nothing(store: &dyn DurableStore) {
    store.append(vec![record(1, Status::Settled, 1), record(1, Status::New, 2)]).await.unwrap();
    assert_eq!(store.decide_held(Seq(2), HeldDecision::Drop, act("held/2")).await.unwrap(), None);
    assert_eq!(store.held_event(Seq(2)).await.unwrap(), None);
    assert_eq!(store.event(Seq(2)).await.unwrap().unwrap().disposition, Disposition::Held);
    assert_eq!(store.dossier(code(1)).await.unwrap().unwrap().status, Some(Status::Settled));
    assert_eq!(store.decide_held(Seq(2), HeldDecision::Drop, act("held/2")).await, Err(StoreError::NotThere));
    assert_eq!(store.decide_held(Seq(1), HeldDecision::Drop, act("held/1")).await, Err(StoreError::NotThere));
    assert_eq!(*store.head().borrow(), Seq(3));
}

pub async fn operators_acts_stand_in_the_log(store: &dyn DurableStore) {
    let seq = store.audit(act("national-portal")).await.unwrap();
    let event = store.event(seq).await.unwrap().unwrap();
    assert_eq!(
        (event.kind, event.key.as_str(), event.sender.as_str()),
        (EventKind::Audit, "national-portal", "operator")
    );
    assert_eq!((event.agency.as_str(), event.previous, event.at, event.trace), ("", None, NOW, [1; 16]));
    let text = String::from_utf8(event.payload.unwrap().to_vec()).unwrap();
    for part in [r#""actor":"operator-1""#, r#""reason":"a \"reason\"\nin two lines""#, r#""address":"192.0.2.7""#] {
        assert!(text.contains(part), "{text}");
    }
}

pub async fn a_clock_that_jumps_back_changes_nothing(store: &dyn DurableStore) {
    let mut later = record(1, Status::Received, 1);
    later.at = NOW.plus_millis(10_000_000);
    let mut earlier = record(1, Status::Processing, 2);
    earlier.at = Timestamp(NOW.0 - 10_000_000_000);
    assert_eq!(append(store, later).await, Appended::Accepted { seq: Seq(1) });
    assert_eq!(append(store, earlier).await, Appended::Accepted { seq: Seq(2) });
    let read = read_all(store, &everything(), WHOLE).await;
    assert!(read[0].at > read[1].at);
    assert_eq!(store.dossier(code(1)).await.unwrap().unwrap().status, Some(Status::Processing));
}

pub async fn traces_come_back_for_runs_and_single_messages(store: &dyn DurableStore) {
    let traces: Vec<u8> = vec![1, 1, 1, 2, 1, 3, 3, 3, 3, 1];
    let events = traces.iter().zip(1..).map(|(trace, n)| {
        let mut event = record(n, Status::New, n);
        event.trace = [*trace; 16];
        event
    });
    store.append(events.collect()).await.unwrap();
    let read = read_all(store, &everything(), PageLimit { events: 3, ..WHOLE }).await;
    assert_eq!(read.iter().map(|event| event.trace[5]).collect::<Vec<_>>(), traces);
    assert_eq!(store.event(Seq(9)).await.unwrap().unwrap().trace, [3; 16]);
}

pub async fn what_does_not_exist_is_not_found(store: &dyn DurableStore) {
    assert_eq!(store.append(Vec::new()).await, Ok(Vec::new()));
    for seq in [Seq(0), Seq(1), Seq(u64::MAX)] {
        assert_eq!(store.event(seq).await.unwrap(), None);
        assert_eq!(store.held_event(seq).await.unwrap(), None);
        assert_eq!(store.decide_held(seq, HeldDecision::Drop, act("held")).await, Err(StoreError::NotThere));
    }
    assert_eq!(store.dossier(code(1)).await.unwrap(), None);
    assert_eq!(store.history(code(1), 10).await.unwrap(), []);
    assert_eq!(store.parked_of(code(1)).await.unwrap(), []);
    assert_eq!(*store.head().borrow(), Seq(0));
}
