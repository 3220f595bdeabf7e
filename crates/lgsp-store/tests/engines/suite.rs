//! What every engine promises, each promise one function over the trait.

use bytes::Bytes;
use lgsp_model::{AgencyGrant, Disposition, EventKind, HoldReason, Incoming, Seq, Status, TargetId, Timestamp};
use lgsp_store::{
    Appended, DossierEvent, DurableStore, HeldDecision, NewEvent, PageLimit, Parked, ParkedState, ReadFilter,
    StoreError, Subject, TargetChange, TargetPosition,
};

pub use super::payments::{
    a_change_beyond_its_bounds_is_refused_and_stores_nothing,
    a_change_that_was_decided_on_another_version_is_stale_and_stores_nothing, a_dossiers_payments_come_newest_first,
    a_name_leads_to_one_payment_for_ever, a_payment_its_evidence_names_and_lines_are_one_change,
    no_call_gives_out_more_than_its_bound, payments_and_evidence_are_given_out_only_when_asked_for_by_kind,
    the_ledger_is_read_in_the_order_of_references_and_a_line_may_move_to_another_day,
    what_is_due_comes_earliest_first_and_may_wait_without_an_event,
};
pub use super::registry::{
    entries_are_found_by_kind_and_id_and_paged_in_order, the_registry_changes_with_its_audit_event_or_not_at_all,
    what_ended_long_ago_goes_with_a_later_change,
};

use super::messages::{
    NOW, WHOLE, about, access, act, append, code, everything, key, message, of_kinds, read_all, record, reply, step,
    step_time,
};

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
    let agency = "000.00.16.H56".parse().unwrap();
    let of_other = DossierEvent { agency, ..about(2, Incoming::Record(Status::New), 1) };
    let elsewhere = NewEvent { subject: Subject::Dossier(of_other), ..record(2, Status::New, 1) };
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
        let filter = ReadFilter::new(kinds.to_vec(), AgencyGrant::parse(agencies).unwrap());
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
    other_sender.subject = Subject::Dossier(about(1, Incoming::Record(Status::New), 2));
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

pub async fn messages_are_always_accepted_unless_their_key_says_that_they_came_before(store: &dyn DurableStore) {
    let plain = message("post", "A-1", "<order/>");
    let answers = store.append(vec![plain.clone(), plain.clone(), record(1, Status::New, 1)]).await.unwrap();
    assert_eq!(answers, [1, 2, 3].map(|seq| Appended::Accepted { seq: Seq(seq) }));
    let event = store.event(Seq(2)).await.unwrap().unwrap();
    assert_eq!((event.kind, event.disposition, event.previous), (EventKind::Message, Disposition::Applied, None));
    assert_eq!(
        (event.key.as_str(), event.sender.as_str(), event.agency.as_str()),
        ("post/create/A-1", "one-stop-h11", "")
    );
    assert_eq!((event.payload.as_deref(), event.trace, event.at), (Some(&b"<order/>"[..]), [9; 16], NOW));
    let with_key = NewEvent { idempotency: key("abc", 1), ..plain.clone() };
    assert_eq!(append(store, with_key.clone()).await, Appended::Accepted { seq: Seq(4) });
    assert_eq!(append(store, with_key.clone()).await, Appended::Duplicate { seq: Seq(4) });
    let twice = store.append(vec![with_key.clone(), plain]).await.unwrap();
    assert_eq!(twice, [Appended::Duplicate { seq: Seq(4) }, Appended::Accepted { seq: Seq(5) }]);
    for other in [
        NewEvent { idempotency: key("abc", 2), ..with_key.clone() },
        NewEvent { idempotency: key("abc", 1), ..message("post", "A-2", "<order/>") },
        NewEvent { idempotency: key("abc", 1), ..access("post", None) },
        NewEvent { idempotency: key("abc", 1), ..record(2, Status::New, 2) },
    ] {
        assert_eq!(append(store, other.clone()).await, Appended::KeyReused, "{:?}", other.subject);
    }
    let other_sender = NewEvent { sender: "one-stop-h56".parse().unwrap(), ..with_key };
    assert_eq!(append(store, other_sender).await, Appended::Accepted { seq: Seq(6) });
    assert_eq!(store.dossier(code(2)).await.unwrap(), None);
    assert_eq!(store.dossier(code(1)).await.unwrap().unwrap().last, Some(Seq(3)));
}

pub async fn the_newest_reply_to_a_message_is_found_and_names_it(store: &dyn DurableStore) {
    let agency = Some("H11.3".parse().unwrap());
    let subject = Subject::Message { key: "post/create/A-1".parse().unwrap(), agency };
    store
        .append(vec![NewEvent { subject, ..message("post", "A-1", "{}") }, message("post", "A-2", "{}")])
        .await
        .unwrap();
    assert_eq!(store.reply_of(Seq(1)).await.unwrap(), None);
    assert_eq!(store.reply(reply(1, "busy")).await, Ok(Seq(3)));
    store.append(vec![record(1, Status::New, 1), access("post", None)]).await.unwrap();
    assert_eq!(store.reply(reply(1, r#"{"number":"EV1"}"#)).await, Ok(Seq(6)));
    let newest = store.reply_of(Seq(1)).await.unwrap().unwrap();
    assert_eq!((newest.seq, newest.kind, newest.previous), (Seq(6), EventKind::Reply, Some(Seq(1))));
    assert_eq!(
        (newest.key.as_str(), newest.sender.as_str(), newest.agency.as_str()),
        ("post/create/A-1", "one-stop-h11", "H11.3")
    );
    assert_eq!((newest.payload.as_deref(), newest.trace), (Some(&br#"{"number":"EV1"}"#[..]), [5; 16]));
    assert_eq!((newest.at, newest.disposition), (NOW.plus_millis(40), Disposition::Applied));
    assert_eq!(store.event(Seq(6)).await.unwrap(), Some(newest));
    for without in [2, 3, 4, 5, 6, 7, u64::MAX] {
        assert_eq!(store.reply_of(Seq(without)).await.unwrap(), None, "{without}");
    }
    for no_message in [0, 3, 4, 5, 6, 7, u64::MAX] {
        assert_eq!(store.reply(reply(no_message, "x")).await, Err(StoreError::NotThere), "{no_message}");
    }
    assert_eq!(*store.head().borrow(), Seq(6));
}

pub async fn generic_events_are_given_out_only_when_asked_for_by_kind_key_and_sender(store: &dyn DurableStore) {
    let from = |sender: &str, event: NewEvent| NewEvent { sender: sender.parse().unwrap(), ..event };
    store
        .append(vec![
            message("post", "A-1", "1"),
            from("app", message("post", "A-2", "2")),
            message("postal", "A-1", "3"),
            access("population", Some("H11.3")),
            from("app", access("population", None)),
            record(1, Status::New, 1),
        ])
        .await
        .unwrap();
    store.audit(act("post")).await.unwrap();
    store.reply(reply(2, "done")).await.unwrap();
    let seqs = |filter: ReadFilter| async move {
        let events = read_all(store, &filter, PageLimit { events: 2, ..WHOLE }).await;
        events.iter().map(|event| event.seq.0).collect::<Vec<_>>()
    };
    let (message, access) = (of_kinds(&[EventKind::Message]), of_kinds(&[EventKind::Access]));
    assert_eq!(seqs(everything()).await, [6]);
    assert_eq!(seqs(of_kinds(EventKind::ALL)).await, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(seqs(message.clone()).await, [1, 2, 3]);
    assert_eq!(seqs(access.clone()).await, [4, 5]);
    let prefix = |prefix: &str, filter: &ReadFilter| ReadFilter { key_prefix: Some(prefix.into()), ..filter.clone() };
    assert_eq!(seqs(prefix("post/", &message)).await, [1, 2]);
    assert_eq!(seqs(prefix("post/create/A-2", &message)).await, [2]);
    assert_eq!(seqs(prefix("post/", &of_kinds(EventKind::ALL))).await, [1, 2, 8]);
    assert_eq!(seqs(prefix("%", &message)).await, [] as [u64; 0]);
    let app = |filter: ReadFilter| ReadFilter { sender: Some("app".parse().unwrap()), ..filter };
    assert_eq!(seqs(app(of_kinds(&[EventKind::Reply]))).await, [8]);
    assert_eq!(seqs(app(prefix("post/", &of_kinds(EventKind::ALL)))).await, [2, 8]);
    let nobody = ReadFilter { sender: Some("nobody".parse().unwrap()), ..message };
    assert_eq!(seqs(nobody).await, [] as [u64; 0]);
    assert_eq!(seqs(ReadFilter { agencies: AgencyGrant::parse(&["H11"]).unwrap(), ..access }).await, [4]);
}

pub async fn messages_park_like_other_events(store: &dyn DurableStore) {
    store
        .append(vec![message("post", "A-1", "1"), message("post", "A-1", "2"), record(1, Status::New, 1)])
        .await
        .unwrap();
    let row = Parked { key: "post/create/A-1".into(), ..parked(1, 1, ParkedState::Unknown) };
    let change = TargetChange { park: vec![row.clone()], audit: Some(act("post")), ..TargetChange::default() };
    store.change_target(portal(), change).await.unwrap();
    assert_eq!(store.parked_event(portal(), Seq(1)).await.unwrap(), Some(row));
    for seq in [Seq(0), Seq(2), Seq(3), Seq(u64::MAX)] {
        assert_eq!(store.parked_event(portal(), seq).await.unwrap(), None);
    }
    assert_eq!(store.parked_event("elsewhere".parse().unwrap(), Seq(1)).await.unwrap(), None);
    assert_eq!(
        store.event(Seq(4)).await.unwrap().unwrap().previous,
        None,
        "an act about a message is chained to nothing"
    );
    assert_eq!(store.dossier(code(1)).await.unwrap().unwrap().last, Some(Seq(3)));
    store.change_target(portal(), TargetChange { unpark: vec![Seq(1)], ..TargetChange::default() }).await.unwrap();
    assert_eq!(store.parked_event(portal(), Seq(1)).await.unwrap(), None);
}

pub async fn a_release_of_another_kind_than_the_held_event_is_refused(store: &dyn DurableStore) {
    store.append(vec![record(1, Status::Settled, 1), record(1, Status::New, 2)]).await.unwrap();
    for other in [Incoming::ReleasedProgress(Status::New, step_time(1)), Incoming::Notice] {
        let refused = store.decide_held(Seq(2), HeldDecision::Release(other), act("held/2")).await;
        assert_eq!(refused, Err(StoreError::NotThere), "{other:?}");
    }
    assert_eq!(store.count_held().await.unwrap(), 1);
    assert_eq!(*store.head().borrow(), Seq(2));
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
        assert_eq!(store.reply_of(seq).await.unwrap(), None);
        assert_eq!(store.decide_held(seq, HeldDecision::Drop, act("held")).await, Err(StoreError::NotThere));
    }
    assert_eq!(store.dossier(code(1)).await.unwrap(), None);
    assert_eq!(store.history(code(1), 10).await.unwrap(), []);
    assert_eq!(store.parked_of(code(1)).await.unwrap(), []);
    assert_eq!(*store.head().borrow(), Seq(0));
}
