//! The running delivery on a real store, with a partner that does what the test says.

mod rig;

use std::time::Duration;

use lgsp_connect::Known;
use lgsp_core::delivery::{Act, EventState};
use lgsp_model::{AgencyGrant, ContentDigest, EventKind, Outcome, Seq, Timestamp};
use lgsp_store::{DurableStore, ParkedState, ReadFilter, StoredEvent, Subject, TargetPosition};

use super::restore::log_event;
use super::{ActError, Begin};

use rig::{PATIENCE, Partner, Rig, audit, failure, message, target, until};

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
