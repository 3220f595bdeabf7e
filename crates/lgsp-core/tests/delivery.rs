//! The delivery machine against a simulated target, disk and log: random faults, crashes, splits and operators.
//!
//! What must hold whatever happens: order per key, nothing lost, nothing sent blindly after an unknown outcome,
//! nothing taken twice where repeats harm, bounded memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lgsp_core::delivery::{
    Act, Action, Answer, CallId, Change, Delivery, EventState, Input, KindPolicies, KindPolicy, LogEvent, ParkRow,
    ParkState, ParkedEvent, Policy, Repeat, SendItem, Standing, Start,
};
use lgsp_core::{Backoff, BreakerPolicy};
use lgsp_model::{Cause, EventKind, Outcome, Seq, Timestamp};
use proptest::prelude::*;

const WINDOW: usize = 24;
const MAX_PARKED: usize = 40;

fn policy(repeat: Repeat) -> Policy {
    let kind = KindPolicy { batch_events: 5, batch_bytes: 1000, repeat };
    Policy {
        attempts: 4,
        backoff: Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60), spread: 0.5 },
        breaker: BreakerPolicy {
            consecutive: 3,
            open: Backoff { first: Duration::from_secs(1), max: Duration::from_secs(30), spread: 0.5 },
        },
        concurrency: 3,
        window: WINDOW,
        window_bytes: 100_000,
        max_parked: MAX_PARKED,
        save_every: Duration::from_millis(100),
        kinds: KindPolicies::all(kind),
    }
}

fn cause(code: &str) -> Cause {
    Cause { code: code.into(), detail: String::new() }
}

/// A small generator: the same seed gives the same run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

#[derive(Clone, Debug)]
enum Pending {
    Read { after: Seq, limit: usize },
    Range { after: Seq, to: Seq, limit: usize },
    Send { call: CallId, items: Vec<SendItem> },
    Ask { call: CallId, seq: Seq },
    Record(Change),
}

struct World {
    repeat: Repeat,
    dice: Dice,
    now: Timestamp,
    log: Vec<LogEvent>,
    poison: BTreeSet<Seq>,
    faults: u64,
    disk: Option<(Seq, bool)>,
    rows: BTreeMap<Seq, ParkRow>,
    machine: Delivery,
    pending: Vec<Pending>,
    wake: Option<Timestamp>,
    taken: BTreeSet<Seq>,
    newest_of: BTreeMap<Arc<str>, Seq>,
    dropped: BTreeSet<Seq>,
    uncertain: BTreeSet<Seq>,
    sends: u64,
}

impl World {
    fn new(seed: u64, repeat: Repeat) -> Self {
        let now = Timestamp(1_000_000);
        let machine = Delivery::start(policy(repeat), Start::default(), now);
        let mut world = World {
            repeat,
            dice: Dice(seed | 1),
            now,
            log: Vec::new(),
            poison: BTreeSet::new(),
            faults: 40,
            disk: None,
            rows: BTreeMap::new(),
            machine,
            pending: Vec::new(),
            wake: None,
            taken: BTreeSet::new(),
            newest_of: BTreeMap::new(),
            dropped: BTreeSet::new(),
            uncertain: BTreeSet::new(),
            sends: 0,
        };
        world.input(Input::Tick);
        world
    }

    fn head(&self) -> Seq {
        Seq(self.log.len() as u64)
    }

    fn append(&mut self) {
        let seq = self.head().next();
        let key = format!("k{}", self.dice.roll(9)).into();
        let kind = [EventKind::Dossier, EventKind::Progress, EventKind::Status][self.dice.roll(3) as usize];
        if self.dice.chance(4) {
            self.poison.insert(seq);
        }
        let size = 10 + self.dice.roll(400) as usize;
        self.log.push(LogEvent { seq, key, kind, at: self.now, size });
        self.input(Input::Head(seq));
    }

    fn input(&mut self, input: Input) {
        let jitter = self.dice.roll(1000) as f64 / 1000.0;
        let actions = self.machine.step(self.now, jitter, input);
        self.take(actions);
    }

    fn take(&mut self, actions: Vec<Action>) {
        self.wake = None;
        for action in actions {
            match action {
                Action::Read { after, limit } => self.pending.push(Pending::Read { after, limit }),
                Action::ReadRange { after, to, limit } => self.pending.push(Pending::Range { after, to, limit }),
                Action::Send { call, kind, items } => {
                    self.check_send(kind, &items);
                    self.pending.push(Pending::Send { call, items });
                }
                Action::Ask { call, seq } => self.pending.push(Pending::Ask { call, seq }),
                Action::Record(change) => self.pending.push(Pending::Record(change)),
                Action::WaitUntil(at) => self.wake = Some(at),
            }
        }
        let bound = MAX_PARKED + WINDOW + MAX_PARKED;
        assert!(self.machine.held() <= bound, "memory is bounded: {} held", self.machine.held());
        let records = self.pending.iter().filter(|p| matches!(p, Pending::Record(_))).count();
        assert!(records <= 1, "one change at a time");
    }

    fn check_send(&mut self, kind: EventKind, items: &[SendItem]) {
        self.sends += 1;
        assert!(!items.is_empty() && items.len() <= 5);
        let keys: BTreeSet<_> = items.iter().map(|item| self.event(item.seq).key).collect();
        assert_eq!(keys.len(), items.len(), "one event of a key at a time");
        let bytes: usize = items.iter().map(|item| self.event(item.seq).size).sum();
        assert!(items.len() == 1 || bytes <= 1000, "a call is bounded in bytes");
        for other in &self.pending {
            if let Pending::Send { items: others, .. } = other {
                for other in others {
                    assert!(!keys.contains(&self.event(other.seq).key), "one call of a key at a time");
                }
            }
        }
        for item in items {
            assert_eq!(self.event(item.seq).kind, kind);
            assert!(
                self.repeat == Repeat::Harmless || !self.uncertain.contains(&item.seq),
                "{} was sent again blindly",
                item.seq
            );
        }
    }

    fn event(&self, seq: Seq) -> LogEvent {
        self.log[seq.0 as usize - 1].clone()
    }

    /// The target takes an event.
    fn apply(&mut self, seq: Seq) {
        let event = self.event(seq);
        if !self.taken.insert(seq) {
            assert_eq!(self.repeat, Repeat::Harmless, "{seq} was taken twice");
            return;
        }
        if self.dropped.contains(&seq) {
            return; // An operator dropped it and replayed it later: the order is his.
        }
        let newest = self.newest_of.entry(event.key).or_default();
        assert!(*newest < seq, "{seq} came after {newest}");
        *newest = seq;
    }

    fn answer_send(&mut self, call: CallId, items: &[SendItem]) {
        let seqs: Vec<Seq> = items.iter().map(|item| item.seq).collect();
        let outcomes = match self.dice.chance(self.faults) {
            true if self.dice.chance(50) => {
                let after = self.dice.chance(20).then_some(Duration::from_secs(7));
                vec![Outcome::Deferred { cause: cause("busy"), after }; seqs.len()]
            }
            true => {
                let reached = self.dice.roll(seqs.len() as u64 + 1) as usize;
                for seq in seqs[..reached].iter().filter(|seq| !self.poison.contains(seq)).copied().collect::<Vec<_>>()
                {
                    self.apply(seq);
                }
                self.uncertain.extend(seqs.iter().copied());
                vec![Outcome::Unknown(cause("timeout")); seqs.len()]
            }
            false => match seqs.iter().position(|seq| self.poison.contains(seq)) {
                Some(guilty) => {
                    if self.repeat == Repeat::AskAlways {
                        for seq in seqs[..guilty].iter().copied() {
                            self.apply(seq);
                        }
                    }
                    vec![Outcome::Refused(cause("bad")); seqs.len()]
                }
                None => {
                    for seq in &seqs {
                        self.apply(*seq);
                    }
                    vec![Outcome::Settled; seqs.len()]
                }
            },
        };
        self.input(Input::Answered { call, outcomes, standing: Standing::Open });
    }

    fn complete(&mut self, index: usize) {
        match self.pending.swap_remove(index) {
            Pending::Read { after, limit } => {
                let events: Vec<_> = self.log.iter().skip(after.0 as usize).take(limit).cloned().collect();
                let through = Seq(after.0 + events.len() as u64);
                self.input(Input::Page { events, through });
            }
            Pending::Range { after, to, limit } => {
                let upto = (to.0 - after.0) as usize;
                let events: Vec<_> = self.log.iter().skip(after.0 as usize).take(limit.min(upto)).cloned().collect();
                let through = Seq(after.0 + events.len() as u64);
                self.input(Input::ReplayPage { events, through });
            }
            Pending::Send { call, items } => self.answer_send(call, &items),
            Pending::Ask { call, seq } => {
                let answer = if self.dice.chance(self.faults) {
                    Answer::Deferred { cause: cause("busy"), after: None }
                } else {
                    self.uncertain.remove(&seq);
                    if self.taken.contains(&seq) { Answer::Same } else { Answer::Missing }
                };
                self.input(Input::Asked { call, answer });
            }
            Pending::Record(change) => {
                let number = change.number;
                self.write(change);
                self.input(Input::Recorded(number));
            }
        }
    }

    fn write(&mut self, change: Change) {
        assert!(self.disk.is_none_or(|(position, _)| position <= change.position), "the position never goes back");
        self.disk = Some((change.position, change.paused));
        for row in change.park {
            self.rows.insert(row.seq, row);
        }
        for seq in change.unpark {
            self.rows.remove(&seq);
        }
        for seq in 1..=change.position.0 {
            let done = self.taken.contains(&Seq(seq)) || self.dropped.contains(&Seq(seq));
            assert!(done || self.rows.contains_key(&Seq(seq)), "{seq} would be lost");
        }
    }

    fn crash(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Send { items, .. } => {
                    let reached = self.dice.roll(items.len() as u64 + 1) as usize;
                    for (n, item) in items.iter().enumerate() {
                        self.uncertain.insert(item.seq);
                        if n < reached && !self.poison.contains(&item.seq) {
                            self.apply(item.seq);
                        }
                    }
                }
                Pending::Record(change) if self.dice.chance(50) => self.write(change),
                Pending::Record(_) | Pending::Read { .. } | Pending::Range { .. } | Pending::Ask { .. } => {}
            }
        }
        let parked = self.rows.values().map(|row| ParkedEvent { event: self.event(row.seq), row: row.clone() });
        let start = Start {
            position: self.disk.map(|(position, _)| position),
            from: Seq(0),
            paused: self.disk.is_some_and(|(_, paused)| paused),
            parked: parked.collect(),
            head: self.head(),
            clean: false,
        };
        self.machine = Delivery::start(policy(self.repeat), start, self.now);
        self.input(Input::Tick);
    }

    fn operate(&mut self) {
        if self.log.is_empty() || self.machine.is_recording() {
            return;
        }
        let seq = Seq(1 + self.dice.roll(self.log.len() as u64));
        let act = match self.dice.roll(5) {
            0 => Act::Pause,
            1 => Act::Resume,
            2 => Act::Retry(seq),
            3 if !self.uncertain.contains(&seq) => Act::Drop(seq),
            3 => return,
            _ => Act::Replay { from: seq, to: Seq((seq.0 + 10).min(self.head().0)) },
        };
        if let Ok(actions) = self.machine.act(self.now, act) {
            if let Act::Drop(seq) = act {
                self.dropped.insert(seq);
                let recorded = actions.iter().find_map(|action| match action {
                    Action::Record(change) => Some(change.position >= seq && change.unpark.contains(&seq)),
                    _ => None,
                });
                assert_eq!(recorded, Some(true), "a drop is recorded at once and for good");
            }
            self.take(actions);
        }
    }

    fn random_step(&mut self) {
        match self.dice.roll(100) {
            0..15 => self.append(),
            15..17 => self.crash(),
            17..22 => self.operate(),
            22..35 => self.pass_time(),
            _ if self.pending.is_empty() => self.pass_time(),
            _ => {
                let index = self.dice.roll(self.pending.len() as u64) as usize;
                self.complete(index);
            }
        }
    }

    fn pass_time(&mut self) {
        let step = 1 + self.dice.roll(3000) as i64;
        let at = self.wake.unwrap_or(self.now.plus_millis(step));
        self.now = self.now.plus_millis(step).min(at.max(self.now));
        self.input(Input::Tick);
    }

    /// The target becomes perfect, a person resumes and drops what is dead: then everything must end.
    fn finish(&mut self) {
        self.faults = 0;
        for _ in 0..20_000 {
            if let Some(index) = self.pending.len().checked_sub(1) {
                self.complete(index);
            } else if let Some(at) = self.wake {
                self.now = at;
                self.input(Input::Tick);
            } else if self.machine.summary().paused {
                let actions = self.machine.act(self.now, Act::Resume).unwrap();
                self.take(actions);
            } else if let Some(dead) = self.rows.values().find(|row| row.state == ParkState::Dead).map(|row| row.seq) {
                assert!(matches!(self.machine.event_state(dead), EventState::Dead { .. }));
                let actions = self.machine.act(self.now, Act::Drop(dead)).unwrap();
                self.dropped.insert(dead);
                self.take(actions);
            } else {
                return;
            }
        }
        panic!("it never ends: {:?}", self.machine.summary());
    }
}

fn check(seed: u64, repeat: Repeat, steps: usize) {
    let mut world = World::new(seed, repeat);
    for _ in 0..steps {
        world.random_step();
    }
    world.finish();
    assert!(world.rows.is_empty(), "still parked: {:?}", world.rows.keys());
    assert_eq!(world.disk.map(|(position, _)| position), Some(world.head()));
    for event in &world.log {
        let done = world.taken.contains(&event.seq) || world.dropped.contains(&event.seq);
        assert!(done, "{} was lost", event.seq);
    }
    assert!(world.machine.is_idle());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_order_holds_and_nothing_is_lost_or_sent_blindly(
        seed in any::<u64>(), mode in 0..3usize, steps in 1..900usize
    ) {
        check(seed, [Repeat::Harmless, Repeat::AskIfUnknown, Repeat::AskAlways][mode], steps);
    }
}

/// A machine with these events read, and the actions of the page.
fn fed(repeat: Repeat, events: &[(u64, &str)]) -> (Delivery, Vec<Action>) {
    let now = Timestamp(0);
    let mut machine = Delivery::start(policy(repeat), Start::default(), now);
    machine.step(now, 0.0, Input::Tick);
    machine.step(now, 0.0, Input::Recorded(1));
    machine.step(now, 0.0, Input::Head(Seq(events.last().unwrap().0)));
    let events: Vec<_> = events
        .iter()
        .map(|(seq, key)| LogEvent { seq: Seq(*seq), key: (*key).into(), kind: EventKind::Progress, at: now, size: 10 })
        .collect();
    let through = events.last().unwrap().seq;
    let actions = machine.step(now, 0.0, Input::Page { events, through });
    (machine, actions)
}

fn sent(actions: &[Action]) -> Vec<Vec<u64>> {
    let items = |action: &Action| match action {
        Action::Send { items, .. } => Some(items.iter().map(|item| item.seq.0).collect()),
        _ => None,
    };
    actions.iter().filter_map(items).collect()
}

fn call(actions: &[Action]) -> CallId {
    let id = |action: &Action| match action {
        Action::Send { call, .. } | Action::Ask { call, .. } => Some(*call),
        _ => None,
    };
    actions.iter().find_map(id).expect("a call")
}

fn answer(machine: &mut Delivery, at: i64, call: CallId, outcomes: Vec<Outcome>) -> Vec<Action> {
    machine.step(Timestamp(at), 0.0, Input::Answered { call, outcomes, standing: Standing::Open })
}

#[test]
fn what_is_there_goes_out_at_once_in_batches_of_distinct_keys() {
    let (_, actions) = fed(Repeat::AskAlways, &[(1, "a"), (2, "b"), (3, "a"), (4, "c")]);
    assert_eq!(sent(&actions), [vec![1, 2, 4]]);
}

#[test]
fn a_refused_batch_is_halved_until_the_guilty_record_stands_alone_and_dies() {
    let (mut machine, mut actions) = fed(Repeat::AskIfUnknown, &[(1, "a"), (2, "b"), (3, "c"), (4, "d")]);
    let mut calls = 0;
    let mut open: Vec<(CallId, Vec<u64>)> = Vec::new();
    loop {
        for action in &actions {
            if let Action::Send { call, items, .. } = action {
                open.push((*call, items.iter().map(|item| item.seq.0).collect()));
            }
        }
        let Some((call, seqs)) = open.pop() else { break };
        calls += 1;
        let refused = seqs.contains(&3);
        let outcome = if refused { Outcome::Refused(cause("bad")) } else { Outcome::Settled };
        actions = answer(&mut machine, 0, call, vec![outcome; seqs.len()]);
    }
    assert_eq!(calls, 5, "4, then 1+2 and 3+4, then 3 and 4");
    assert!(matches!(machine.event_state(Seq(3)), EventState::Dead { cause: Some(_), .. }));
    assert_eq!((machine.summary().dead, machine.done_through()), (1, Seq(4)));
}

/// A connector may make two requests of one call (creates and updates), of which the partner refuses one as a whole.
#[test]
fn a_part_of_a_batch_that_is_refused_is_split_like_a_whole_one() {
    let (mut machine, mut actions) = fed(Repeat::AskIfUnknown, &[(1, "a"), (2, "b"), (3, "c"), (4, "d")]);
    let mut open: Vec<(CallId, Vec<u64>)> = Vec::new();
    loop {
        for action in &actions {
            if let Action::Send { call, items, .. } = action {
                open.push((*call, items.iter().map(|item| item.seq.0).collect()));
            }
        }
        let Some((call, seqs)) = open.pop() else { break };
        // 1 travels by itself; 2, 3 and 4 share a request, and 3 spoils it.
        let spoilt = seqs.contains(&3);
        let outcome = |seq: &u64| if spoilt && *seq > 1 { Outcome::Refused(cause("bad")) } else { Outcome::Settled };
        let outcomes = seqs.iter().map(outcome).collect();
        actions = answer(&mut machine, 0, call, outcomes);
    }
    for innocent in [1, 2, 4] {
        assert_eq!(machine.event_state(Seq(innocent)), EventState::Done, "{innocent}");
    }
    assert!(matches!(machine.event_state(Seq(3)), EventState::Dead { cause: Some(_), .. }));
}

#[test]
fn later_events_of_a_parked_key_park_behind_it_and_other_keys_pass() {
    let (mut machine, actions) = fed(Repeat::AskAlways, &[(1, "a"), (2, "a"), (3, "b")]);
    let busy = Outcome::Deferred { cause: cause("busy"), after: None };
    let actions = answer(&mut machine, 0, call(&actions), vec![busy, Outcome::Settled]);
    assert!(sent(&actions).is_empty());
    assert_eq!(machine.done_through(), Seq(3));
    let rows = actions.iter().find_map(|action| match action {
        Action::Record(change) => Some(change.park.clone()),
        _ => None,
    });
    let rows: Vec<_> =
        rows.unwrap().into_iter().map(|row| (row.seq.0, row.state, row.attempts, row.cause.is_some())).collect();
    assert_eq!(rows, [(1, ParkState::Retry, 1, true), (2, ParkState::Retry, 0, false)]);
}

#[test]
fn an_unknown_outcome_that_the_target_cannot_clear_up_waits_for_a_person() {
    let (mut machine, actions) = fed(Repeat::AskAlways, &[(1, "a")]);
    answer(&mut machine, 0, call(&actions), vec![Outcome::Unknown(cause("timeout"))]);
    machine.step(Timestamp(0), 0.0, Input::Recorded(2));
    let actions = machine.step(Timestamp(60_000), 0.0, Input::Tick);
    assert!(sent(&actions).is_empty(), "it asks first");
    machine.step(Timestamp(60_000), 0.0, Input::Asked { call: call(&actions), answer: Answer::CannotTell });
    let later = machine.step(Timestamp(600_000_000), 0.0, Input::Tick);
    assert!(sent(&later).is_empty());
    assert!(matches!(machine.event_state(Seq(1)), EventState::Unknown { .. }));

    let actions = machine.act(Timestamp(600_000_000), Act::Retry(Seq(1))).unwrap();
    let ask = actions.iter().find(|action| matches!(action, Action::Ask { .. })).expect("it asks once more");
    let actions = machine.step(
        Timestamp(600_000_000),
        0.0,
        Input::Asked { call: call(std::slice::from_ref(ask)), answer: Answer::CannotTell },
    );
    assert_eq!(sent(&actions), [vec![1]], "the person has decided");
}

#[test]
fn attempts_run_out_and_a_person_may_begin_again_or_drop() {
    let (mut machine, mut actions) = fed(Repeat::Harmless, &[(1, "a"), (2, "a")]);
    let mut at = 0;
    for attempt in 1..=4 {
        let busy = Outcome::Deferred { cause: cause("busy"), after: None };
        // Other keys go well, so the breaker stays closed.
        machine.step(Timestamp(at), 0.0, Input::Recorded(attempt + 1));
        answer(&mut machine, at, call(&actions), vec![busy]);
        at += 3_600_000;
        actions = machine.step(Timestamp(at), 0.0, Input::Tick);
        if attempt == 3 {
            // The third failure in a row opened the breaker: this probe's failure does not count.
            answer(&mut machine, at, call(&actions), vec![Outcome::Unknown(cause("timeout"))]);
            assert!(matches!(machine.event_state(Seq(1)), EventState::Retry { attempts: 3, .. }));
            return;
        }
    }
}

#[test]
fn refused_alone_dies_at_once_and_a_person_may_begin_again_or_drop() {
    let (mut machine, actions) = fed(Repeat::Harmless, &[(1, "a"), (2, "a")]);
    answer(&mut machine, 0, call(&actions), vec![Outcome::Refused(cause("bad"))]);
    assert!(matches!(machine.event_state(Seq(1)), EventState::Dead { .. }));
    assert!(matches!(machine.event_state(Seq(2)), EventState::Retry { attempts: 0, cause: None, .. }));
    let actions = machine.act(Timestamp(0), Act::Retry(Seq(1))).unwrap();
    assert_eq!(sent(&actions), [vec![1]]);
    assert!(machine.act(Timestamp(0), Act::Drop(Seq(1))).is_err(), "not while it is on its way");
    answer(&mut machine, 0, call(&actions), vec![Outcome::Refused(cause("bad"))]);
    let actions = machine.act(Timestamp(0), Act::Drop(Seq(1))).unwrap();
    assert_eq!(sent(&actions), [vec![2]]);
    assert!(machine.act(Timestamp(0), Act::Drop(Seq(1))).is_err(), "only once");
}

#[test]
fn retry_after_holds_the_whole_target_and_gone_pauses_it() {
    let (mut machine, actions) = fed(Repeat::Harmless, &[(1, "a"), (2, "a"), (3, "b")]);
    let later = Outcome::Deferred { cause: cause("http_429"), after: Some(Duration::from_secs(30)) };
    answer(&mut machine, 0, call(&actions), vec![later, Outcome::Settled]);
    let events = vec![LogEvent { seq: Seq(4), key: "z".into(), kind: EventKind::Status, at: Timestamp(0), size: 1 }];
    machine.step(Timestamp(0), 0.0, Input::Head(Seq(4)));
    let actions = machine.step(Timestamp(0), 0.0, Input::Page { events, through: Seq(4) });
    assert!(sent(&actions).is_empty());
    let actions = machine.step(Timestamp(30_000), 0.0, Input::Tick);
    assert_eq!(sent(&actions), [vec![1], vec![4]]);
    let gone = Outcome::Deferred { cause: cause("http_410"), after: None };
    machine.step(
        Timestamp(30_000),
        0.0,
        Input::Answered { call: call(&actions), outcomes: vec![gone], standing: Standing::Gone },
    );
    assert!(machine.summary().paused);
    assert!(sent(&machine.step(Timestamp(900_000), 0.0, Input::Tick)).is_empty());
    let actions = machine.act(Timestamp(900_000), Act::Resume).unwrap();
    assert_eq!(sent(&actions), [vec![1]]);
}

#[test]
fn an_outage_kills_no_event_and_parks_no_more_than_opened_the_breaker() {
    let mut world = World::new(7, Repeat::AskIfUnknown);
    world.faults = 100;
    for _ in 0..200 {
        world.append();
    }
    for _ in 0..5_000 {
        if world.pending.is_empty() {
            world.now = world.wake.unwrap_or(world.now);
            world.input(Input::Tick);
        } else {
            world.complete(0);
        }
    }
    assert_eq!(world.machine.summary().dead, 0);
    assert!(world.machine.held() <= MAX_PARKED + WINDOW);
}

#[test]
fn what_could_not_be_tried_costs_no_attempt_and_opens_no_breaker() {
    let (mut machine, mut actions) = fed(Repeat::AskIfUnknown, &[(1, "a")]);
    let mut now = Timestamp(0);
    for _ in 0..50 {
        assert_eq!(sent(&actions), [vec![1]]);
        let later = Outcome::Deferred { cause: cause("not_ready"), after: Some(Duration::from_secs(5)) };
        let input = Input::Answered { call: call(&actions), outcomes: vec![later], standing: Standing::NotYet };
        assert!(sent(&machine.step(now, 0.0, input)).is_empty());
        assert_eq!(machine.event_state(Seq(1)), EventState::Pending);
        now = now.plus_millis(3_600_000);
        actions = machine.step(now, 0.0, Input::Tick);
    }
    assert_eq!(machine.summary().breaker, lgsp_core::BreakerState::Closed);
    answer(&mut machine, now.0, call(&actions), vec![Outcome::Settled]);
    assert_eq!(machine.event_state(Seq(1)), EventState::Done);
}

#[test]
fn after_a_clean_stop_nothing_is_in_doubt() {
    for (clean, asked) in [(true, 0), (false, 2)] {
        let start = Start { position: Some(Seq(5)), head: Seq(7), clean, ..Start::default() };
        let mut machine = Delivery::start(policy(Repeat::AskIfUnknown), start, Timestamp(0));
        machine.step(Timestamp(0), 0.0, Input::Tick);
        let event = |seq: u64| LogEvent {
            seq: Seq(seq),
            key: format!("k{seq}").into(),
            kind: EventKind::Dossier,
            at: Timestamp(0),
            size: 1,
        };
        let page = Input::Page { events: vec![event(6), event(7)], through: Seq(7) };
        let actions = machine.step(Timestamp(0), 0.0, page);
        assert_eq!(actions.iter().filter(|action| matches!(action, Action::Ask { .. })).count(), asked, "{actions:?}");
    }
}

#[test]
fn a_position_that_passed_only_events_of_others_is_recorded_seldom() {
    let (mut machine, actions) = fed(Repeat::Harmless, &[(1, "a")]);
    let recorded = |actions: &[Action]| {
        actions.iter().find_map(|action| if let Action::Record(change) = action { Some(change.number) } else { None })
    };
    let mut actions = answer(&mut machine, 0, call(&actions), vec![Outcome::Settled]);
    let every = i64::try_from(policy(Repeat::Harmless).save_every.as_millis()).unwrap();
    actions.extend(machine.step(Timestamp(every), 0.0, Input::Tick));
    machine.step(Timestamp(every), 0.0, Input::Recorded(recorded(&actions).expect("its own event moved it")));
    machine.step(Timestamp(every), 0.0, Input::Head(Seq(90)));
    let page = Input::Page { events: Vec::new(), through: Seq(90) };
    assert_eq!(recorded(&machine.step(Timestamp(every), 0.0, page)), None);
    assert_eq!(recorded(&machine.step(Timestamp(10 * every), 0.0, Input::Tick)), None);
    assert!(recorded(&machine.step(Timestamp(102 * every), 0.0, Input::Tick)).is_some());
}

#[test]
fn a_run_leaves_doubt_only_about_what_may_have_been_sent() {
    let (mut machine, actions) = fed(Repeat::AskIfUnknown, &[(1, "a"), (2, "a")]);
    assert!(!machine.is_certain(), "it is on its way");
    let busy = Outcome::Deferred { cause: cause("busy"), after: None };
    let input = Input::Answered { call: call(&actions), outcomes: vec![busy], standing: Standing::NotYet };
    machine.step(Timestamp(0), 0.0, input);
    assert_eq!(machine.live(), 2);
    assert!(machine.is_certain(), "both wait, and none was taken");

    // What an earlier run left in doubt and this one has not looked at stays in doubt.
    for (clean, certain) in [(false, false), (true, true)] {
        let start = Start { position: Some(Seq(5)), head: Seq(7), clean, ..Start::default() };
        let mut machine = Delivery::start(policy(Repeat::AskIfUnknown), start, Timestamp(0));
        machine.step(Timestamp(0), 0.0, Input::Tick);
        assert_eq!(machine.is_certain(), certain);
    }
}

#[test]
fn what_a_stop_keeps_from_being_sent_is_recorded_as_not_sent() {
    let (mut machine, actions) = fed(Repeat::AskIfUnknown, &[(1, "a")]);
    let record = |actions: &[Action]| {
        let change = actions.iter().find_map(|action| match action {
            Action::Record(change) => {
                Some((change.number, change.park.iter().map(|row| row.state).collect::<Vec<_>>()))
            }
            _ => None,
        });
        change.expect("a change is recorded")
    };
    let busy = Outcome::Deferred { cause: cause("busy"), after: None };
    let (number, states) = record(&answer(&mut machine, 0, call(&actions), vec![busy]));
    assert_eq!(states, [ParkState::Retry]);
    machine.step(Timestamp(0), 0.0, Input::Recorded(number));
    // Before it is sent again, the disk says that it may have been.
    let (number, states) = record(&machine.step(Timestamp(900_000), 0.0, Input::Tick));
    assert_eq!(states, [ParkState::Unknown]);
    assert!(machine.step(Timestamp(900_000), 0.0, Input::Stop).is_empty());
    let actions = machine.step(Timestamp(900_000), 0.0, Input::Recorded(number));
    assert!(sent(&actions).is_empty());
    let (number, states) = record(&actions);
    assert_eq!(states, [ParkState::Retry]);
    machine.step(Timestamp(900_000), 0.0, Input::Recorded(number));
    assert!(machine.is_idle() && machine.is_certain());
}

#[test]
fn a_person_who_has_looked_is_believed_before_and_after_the_target_was_asked() {
    for asked_before in [false, true] {
        let (mut machine, actions) = fed(Repeat::AskIfUnknown, &[(1, "a")]);
        answer(&mut machine, 0, call(&actions), vec![Outcome::Unknown(cause("timeout"))]);
        if asked_before {
            let actions = machine.step(Timestamp(900_000), 0.0, Input::Tick);
            let input = Input::Asked { call: call(&actions), answer: Answer::CannotTell };
            machine.step(Timestamp(900_000), 0.0, input);
        }
        let actions = machine.act(Timestamp(900_000), Act::Retry(Seq(1))).unwrap();
        let input = Input::Asked { call: call(&actions), answer: Answer::CannotTell };
        assert_eq!(sent(&machine.step(Timestamp(900_000), 0.0, input)), [vec![1]]);
    }
}
