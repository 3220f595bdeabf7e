//! The task of one target: waits for the log, for calls, for time and for commands, and asks the machine what to do.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lgsp_connect::{BatchLimit, Repeat};
use lgsp_core::delivery::{
    Act, Action, Answer, CallId, Delivery, Input, KindPolicies, KindPolicy, LogEvent, Repeat as Repeats, SendItem,
    Standing as Stands,
};
use lgsp_model::{Cause, Outcome, Seq, Timestamp};
use lgsp_store::{AuditEntry, StoredEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::calls::{Done, Partner, SendCall, cause, read_page, record, stands};
use super::chance::Chance;
use super::restore::{load_until_stopped, log_event};
use super::{ActError, Command, Ended, LastWords, OutcomeCounts, Setup, Shown};

/// The state shown to others is at most this old.
const SHOW_EVERY: Duration = Duration::from_millis(50);

/// Without any reason to wake, the task looks again after this long.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// A target that just found nothing for it in the log looks again after this long at the soonest: with many targets each
/// commit would wake them all.
const QUIET: Duration = Duration::from_millis(25);

/// Payloads kept beyond those that the machine needs, before the rest is thrown away.
const PAYLOAD_SLACK: usize = 256;

type ActReply = oneshot::Sender<Result<(), ActError>>;

pub(super) struct Runner {
    setup: Setup,
    machine: Delivery,
    chance: Chance,
    tasks: JoinSet<Done>,
    /// Which calls run as which tasks, so that a call whose task broke is not waited for for ever.
    calls: HashMap<Id, (CallId, Vec<Seq>)>,
    payloads: BTreeMap<Seq, Arc<StoredEvent>>,
    acts: VecDeque<(Act, AuditEntry, ActReply)>,
    /// Answered when the change that is being recorded is on disk.
    acting: Option<ActReply>,
    words: LastWords,
    wake: Option<Timestamp>,
    shown: Arc<Mutex<Shown>>,
    show_at: Instant,
    /// News of the log is heard from this time on.
    look_at: Instant,
    /// Something changed since it was shown.
    stale: bool,
    stopping: bool,
}

impl Runner {
    pub(super) async fn run(setup: Setup, mut commands: mpsc::Receiver<Command>, shown: Arc<Mutex<Shown>>) -> Ended {
        // What an earlier run left behind is as doubtful as before.
        let Some(start) = load_until_stopped(&setup, &mut commands).await else { return Ended::Doubtful };
        let mut policy = setup.policy.clone();
        policy.kinds = KindPolicies::new(|kind| kind_policy(setup.connector.limits(kind)));
        let now = (setup.clock)();
        let mut runner = Self {
            machine: Delivery::start(policy, start, now),
            setup,
            chance: Chance::new(),
            tasks: JoinSet::new(),
            calls: HashMap::new(),
            payloads: BTreeMap::new(),
            acts: VecDeque::new(),
            acting: None,
            words: LastWords::default(),
            wake: None,
            shown,
            show_at: Instant::now(),
            look_at: Instant::now(),
            stale: true,
            stopping: false,
        };
        runner.input(Input::Tick);
        runner.follow(commands).await;
        if runner.machine.is_certain() { Ended::Clean } else { Ended::Doubtful }
    }

    async fn follow(&mut self, mut commands: mpsc::Receiver<Command>) {
        let mut head = self.setup.store.head();
        // The log may have grown since the machine was told its head.
        head.mark_changed();
        loop {
            self.next_act();
            self.show();
            if self.stopping && self.machine.is_idle() && self.acting.is_none() {
                return;
            }
            let (until, look_at) = (self.sleep_until(), self.look_at);
            let news = async {
                sleep_until(look_at).await;
                head.changed().await
            };
            tokio::select! {
                Some(done) = self.tasks.join_next_with_id() => self.done(done),
                Ok(()) = news => {
                    let newest = *head.borrow_and_update();
                    self.input(Input::Head(newest));
                }
                command = commands.recv() => self.command(command.unwrap_or(Command::Stop)),
                () = sleep_until(until) => self.input(Input::Tick),
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Act { act, audit, reply } => self.acts.push_back((act, *audit, reply)),
            Command::EventState { seq, reply } => {
                let _ = reply.send(self.machine.event_state(seq));
            }
            Command::Stop if self.stopping => {}
            Command::Stop => {
                self.stopping = true;
                self.acts.clear();
                self.input(Input::Stop);
            }
        }
    }

    /// Does the next act when no change is on its way to the disk, so that it is recorded with its audit entry.
    fn next_act(&mut self) {
        while !self.machine.is_recording() && self.acting.is_none() {
            let Some((act, audit, reply)) = self.acts.pop_front() else { return };
            match self.machine.act((self.setup.clock)(), act) {
                Ok(actions) => {
                    self.stale = true;
                    self.acting = Some(reply);
                    let left = self.perform(actions, Some(audit));
                    if let Some(audit) = left {
                        self.audit_alone(audit);
                    }
                }
                Err(refused) => {
                    let _ = reply.send(Err(ActError::Refused(refused)));
                }
            }
        }
    }

    /// An act that changed nothing durable is recorded by itself.
    fn audit_alone(&mut self, audit: AuditEntry) {
        let store = Arc::clone(&self.setup.store);
        let reply = self.acting.take();
        tokio::spawn(async move {
            let stored = store.audit(audit).await.map(|_| ()).map_err(ActError::Store);
            if let Some(reply) = reply {
                let _ = reply.send(stored);
            }
        });
    }

    fn input(&mut self, input: Input) {
        self.stale |= !matches!(input, Input::Tick);
        let jitter = self.chance.next();
        let actions = self.machine.step((self.setup.clock)(), jitter, input);
        self.perform(actions, None);
    }

    /// Starts what the machine wants. Returns the audit entry when there was no change to record it with.
    fn perform(&mut self, actions: Vec<Action>, mut audit: Option<AuditEntry>) -> Option<AuditEntry> {
        self.wake = None;
        let setup = &self.setup;
        let partner = || Partner {
            store: Arc::clone(&setup.store),
            connector: Arc::clone(&setup.connector),
            cursor: setup.cursor,
        };
        for action in actions {
            match action {
                Action::Read { after, limit } => {
                    let (store, filter) = (Arc::clone(&setup.store), setup.filter.clone());
                    self.tasks.spawn(read_page(store, after, limit, filter, false));
                }
                Action::ReadRange { after, limit, .. } => {
                    let (store, filter) = (Arc::clone(&setup.store), setup.filter.clone());
                    self.tasks.spawn(read_page(store, after, limit, filter, true));
                }
                Action::Send { call, kind, items } => {
                    let seqs = items.iter().map(|item| item.seq).collect();
                    let held = |item: SendItem| (item, self.payloads.get(&item.seq).cloned());
                    let sending = SendCall { call, kind, items: items.into_iter().map(held).collect() };
                    let task = self.tasks.spawn(partner().send(sending));
                    self.calls.insert(task.id(), (call, seqs));
                }
                Action::Ask { call, seq } => {
                    let held = self.payloads.get(&seq).cloned();
                    let task = self.tasks.spawn(partner().ask(call, seq, held));
                    self.calls.insert(task.id(), (call, vec![seq]));
                }
                Action::Record(change) => {
                    let (store, id) = (Arc::clone(&setup.store), setup.id.clone());
                    self.tasks.spawn(record(store, id, change, audit.take()));
                }
                Action::WaitUntil(at) => self.wake = Some(at),
            }
        }
        audit
    }

    fn done(&mut self, done: Result<(Id, Done), JoinError>) {
        let done = match done {
            Ok((id, done)) => {
                self.calls.remove(&id);
                done
            }
            Err(error) => return self.broken(&error),
        };
        match done {
            Done::Page { page, replay } => self.page(page.events, page.through, replay),
            Done::Recorded(number) => {
                if let Some(reply) = self.acting.take() {
                    let _ = reply.send(Ok(()));
                }
                self.input(Input::Recorded(number));
            }
            Done::Asked { call, seq, answer } => {
                if let Answer::Deferred { cause, .. } = &answer {
                    self.note_failure(seq, "deferred", cause.clone());
                }
                self.input(Input::Asked { call, answer });
                self.forget(&[seq]);
            }
            Done::Answered { call, seqs, delivered, took } => {
                self.note(&seqs, &delivered.outcomes, took);
                let standing = stands(delivered.standing);
                self.input(Input::Answered { call, outcomes: delivered.outcomes, standing });
                self.forget(&seqs);
            }
        }
    }

    fn page(&mut self, events: Vec<StoredEvent>, through: Seq, replay: bool) {
        let listed: Vec<LogEvent> = events.iter().map(log_event).collect();
        if replay {
            return self.input(Input::ReplayPage { events: listed, through });
        }
        if events.is_empty() {
            self.look_at = Instant::now() + QUIET;
        }
        for event in events {
            self.payloads.insert(event.seq, Arc::new(event));
        }
        self.input(Input::Page { events: listed, through });
        if self.payloads.len() > self.machine.live() + PAYLOAD_SLACK {
            let machine = &self.machine;
            self.payloads.retain(|seq, _| machine.is_live(*seq));
        }
    }

    /// Lets go of the payloads of events that are settled or parked.
    fn forget(&mut self, seqs: &[Seq]) {
        for seq in seqs.iter().filter(|seq| !self.machine.is_live(**seq)) {
            self.payloads.remove(seq);
        }
    }

    /// A task that panicked: its call may have had its effect.
    fn broken(&mut self, error: &JoinError) {
        tracing::error!(target_id = %self.setup.id, "a delivery task broke");
        let Some((call, seqs)) = self.calls.remove(&error.id()) else { return };
        let outcomes = vec![Outcome::Unknown(cause("internal", "the gateway made a mistake in this call")); seqs.len()];
        self.input(Input::Answered { call, outcomes, standing: Stands::Open });
    }

    fn note(&mut self, seqs: &[Seq], outcomes: &[Outcome], took: Duration) {
        let mut counts = OutcomeCounts::default();
        for (seq, outcome) in seqs.iter().zip(outcomes) {
            match outcome {
                Outcome::Settled => {
                    counts.settled += 1;
                    self.note_delivered(*seq);
                }
                Outcome::Refused(cause) => {
                    counts.refused += 1;
                    self.note_failure(*seq, "refused", cause.clone());
                }
                Outcome::Deferred { cause, .. } => {
                    counts.deferred += 1;
                    self.note_failure(*seq, "deferred", cause.clone());
                }
                Outcome::Unknown(cause) => {
                    counts.unknown += 1;
                    self.note_failure(*seq, "unknown", cause.clone());
                }
            }
        }
        if counts.settled > 0 {
            self.words.success = Some((self.setup.clock)());
        }
        self.setup.meter.call_ended(&self.setup.id, counts, took);
    }

    /// Events that were parked in between are left out: their payloads are read anew, and their delay is no news.
    fn note_delivered(&self, seq: Seq) {
        if let Some(event) = self.payloads.get(&seq) {
            let millis = (self.setup.clock)().0.saturating_sub(event.at.0);
            self.setup.meter.delivered(&self.setup.id, Duration::from_millis(u64::try_from(millis).unwrap_or(0)));
        }
    }

    fn note_failure(&mut self, seq: Seq, outcome: &'static str, cause: Cause) {
        let trace = self.payloads.get(&seq).map(|event| hex(&event.trace)).unwrap_or_default();
        tracing::warn!(
            target_id = %self.setup.id, seq = seq.0, trace_id = trace, outcome, cause = cause.code,
            detail = cause.detail, "delivery did not settle"
        );
        self.words.failure = Some(((self.setup.clock)(), cause));
    }

    fn show(&mut self) {
        if !self.stale || (self.show_at > Instant::now() && !self.stopping) {
            return;
        }
        self.stale = false;
        self.show_at = Instant::now() + SHOW_EVERY;
        let summary = self.machine.summary();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Shown { summary, words: self.words.clone() };
    }

    fn sleep_until(&self) -> Instant {
        let now = (self.setup.clock)();
        let wait = |at: Timestamp| Duration::from_millis(u64::try_from(at.0 - now.0).unwrap_or(0));
        let wake = Instant::now() + self.wake.map_or(LONGEST_SLEEP, wait).min(LONGEST_SLEEP);
        if self.stale { wake.min(self.show_at) } else { wake }
    }
}

fn hex(trace: &[u8; 16]) -> String {
    trace.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn kind_policy(limit: BatchLimit) -> KindPolicy {
    let repeat = match limit.repeat {
        Repeat::Harmless => Repeats::Harmless,
        Repeat::AskIfUnknown => Repeats::AskIfUnknown,
        Repeat::AskAlways => Repeats::AskAlways,
    };
    KindPolicy { batch_events: limit.events, batch_bytes: limit.bytes, repeat }
}
