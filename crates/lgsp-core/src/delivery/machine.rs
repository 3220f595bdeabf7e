//! The machine itself: its state, the loop that fills free slots, and the moves that the other parts share.
//!
//! Inputs are taken in by `intake`, `answers` and `operator`; durable changes are made up by `record`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use lgsp_model::{EventKind, Seq, Timestamp};

use super::entry::{Ask, Entry, Home, Next, Phase, Queues};
use super::exchange::{Action, CallId, Input, SendItem};
use super::intake::{Doubt, Reading, Replay};
use super::policy::Policy;
use super::record::Recording;
use crate::{Breaker, CallKind, Permit};

/// The delivery of the log to one target.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub(super) policy: Policy,
    pub(super) breaker: Breaker,
    pub(super) entries: BTreeMap<Seq, Entry>,
    /// Per key, what it holds, in order. Only the first may travel.
    pub(super) lines: BTreeMap<Arc<str>, Line>,
    pub(super) live: BTreeSet<Seq>,
    pub(super) live_bytes: usize,
    pub(super) parked: usize,
    pub(super) queues: Queues,
    pub(super) calls: BTreeMap<CallId, Call>,
    pub(super) next_call: u64,
    pub(super) next_group: u64,
    pub(super) reading: Reading,
    pub(super) replay: Option<Replay>,
    pub(super) doubt: Doubt,
    /// Events read beyond the recorded position.
    pub(super) unsaved: VecDeque<Seq>,
    pub(super) recording: Recording,
    pub(super) hold_until: Timestamp,
    pub(super) paused: bool,
    pub(super) stopping: bool,
}

/// The events of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub seqs: BTreeSet<Seq>,
    /// The one on its way. Not always the first: a replay may have put an older one in front.
    pub flying: Option<Seq>,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub seqs: Vec<Seq>,
    pub kind: CallKind,
}

impl Delivery {
    /// Takes an input in and says what to do. `jitter` is 0 to 1, drawn anew for each call.
    pub fn step(&mut self, now: Timestamp, jitter: f64, input: Input) -> Vec<Action> {
        match input {
            Input::Head(head) => self.reading.head = self.reading.head.max(head),
            Input::Page { events, through } => self.page(now, &events, through),
            Input::ReplayPage { events, through } => self.replay_page(now, &events, through),
            Input::Answered { call, outcomes, standing } => self.answered(now, jitter, call, outcomes, standing),
            Input::Asked { call, answer } => self.asked(now, jitter, call, answer),
            Input::Recorded(number) => self.recorded(now, number),
            Input::Tick => {}
            Input::Stop => self.stop(now),
        }
        self.pump(now)
    }

    /// Whether nothing is in flight and everything is on disk. After [`Input::Stop`] this means: finished.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.recording.is_idle() && self.done_through() == self.recording.saved
    }

    /// Everything up to here is settled, parked, or not for this target.
    pub fn done_through(&self) -> Seq {
        self.live.first().map_or(self.reading.through, |first| Seq(first.0 - 1))
    }

    pub(super) fn pump(&mut self, now: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(seq) = self.queues.due(now) {
            self.schedule(now, seq);
        }
        self.start_calls(now, &mut actions);
        self.read_on(&mut actions);
        self.record(now, &mut actions);
        actions.extend(self.wake(now).map(Action::WaitUntil));
        actions
    }

    fn start_calls(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        if self.paused || self.stopping || self.recording.unseen || self.hold_until > now {
            return;
        }
        while self.calls.len() < self.policy.concurrency {
            let kind = match self.breaker.permit(now) {
                Permit::Free => CallKind::Ordinary,
                Permit::Probe => CallKind::Probe,
                Permit::NotBefore(_) | Permit::ProbeRunning => return,
            };
            let Some(next) = self.queues.next() else { return };
            if kind == CallKind::Probe {
                self.breaker.probe_started();
            }
            let call = CallId(self.next_call);
            self.next_call += 1;
            let seqs = match next {
                Next::Ask(seq) => {
                    self.begin_ask(seq);
                    actions.push(Action::Ask { call, seq });
                    vec![seq]
                }
                Next::Send(events) => {
                    let items = self.begin_send(events, kind);
                    let seqs = items.iter().map(|item| item.seq).collect();
                    actions.push(Action::Send { call, kind: events, items });
                    seqs
                }
            };
            self.calls.insert(call, Call { seqs, kind });
        }
    }

    /// Sends nothing more. What was about to be sent and was not is recorded so: otherwise the next run would have to ask
    /// about it.
    fn stop(&mut self, now: Timestamp) {
        self.stopping = true;
        for (seq, entry) in &mut self.entries {
            match entry.phase {
                Phase::Arming => entry.phase = Phase::Due { not_before: now, ask: Ask::No },
                Phase::Due { ask: Ask::No, .. } if entry.intent => {}
                _ => continue,
            }
            entry.intent = false;
            if entry.home == Home::Parked {
                self.recording.dirty.insert(*seq);
            }
        }
    }

    fn begin_ask(&mut self, seq: Seq) {
        let entry = self.entries.get_mut(&seq).expect("only held events are queued");
        self.queues.remove(seq, entry);
        let ask = match entry.phase {
            Phase::Due { ask, .. } => ask,
            _ => Ask::Doubt,
        };
        entry.phase = Phase::Asking(ask);
        self.fly(seq);
    }

    fn fly(&mut self, seq: Seq) {
        let line = self.lines.get_mut(&self.entries[&seq].key).expect("every held event stands in a line");
        line.flying = Some(seq);
    }

    /// Takes the answered events of a call off their way.
    pub(super) fn land(&mut self, id: CallId) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        for seq in &call.seqs {
            let line = self.entries.get(seq).and_then(|entry| self.lines.get_mut(&entry.key));
            if let Some(line) = line {
                line.flying = None;
            }
        }
        Some(call)
    }

    /// Takes the oldest sendable events of one kind: as many as a call may carry, all of one part of a split batch.
    /// A probe carries one.
    fn begin_send(&mut self, kind: EventKind, call: CallKind) -> Vec<SendItem> {
        let limit = *self.policy.kind(kind);
        let most = if call == CallKind::Probe { 1 } else { limit.batch_events };
        let mut group = None;
        let mut bytes = 0;
        let mut taken: Vec<SendItem> = Vec::new();
        for seq in self.queues.of(kind) {
            let entry = &self.entries[&seq];
            let fits = taken.is_empty() || bytes + entry.size <= limit.batch_bytes;
            if taken.len() >= most || !fits {
                break;
            }
            if taken.is_empty() {
                group = entry.group;
            }
            if entry.group == group {
                bytes += entry.size;
                taken.push(SendItem { seq, found: entry.found });
            }
        }
        for item in &taken {
            let entry = self.entries.get_mut(&item.seq).expect("only held events are queued");
            self.queues.remove(item.seq, entry);
            entry.phase = Phase::Sending;
            self.fly(item.seq);
        }
        taken
    }

    fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        let gate = match self.breaker.permit(now) {
            Permit::NotBefore(until) => Some(until),
            Permit::Free | Permit::Probe | Permit::ProbeRunning => None,
        };
        let held = (self.hold_until > now).then_some(self.hold_until).max(gate);
        let held = held.filter(|_| self.queues.next().is_some());
        let times = [held, self.queues.next_timer(), self.next_save()];
        times.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// Puts the first event of an event's key where it can travel from, unless one of the key is on its way.
    pub(super) fn schedule(&mut self, now: Timestamp, any_of_line: Seq) {
        let Some(entry) = self.entries.get(&any_of_line) else { return };
        let line = &self.lines[&entry.key];
        let Some(&seq) = line.seqs.first().filter(|_| line.flying.is_none()) else { return };
        let entry = self.entries.get_mut(&seq).expect("a line names held events");
        let Phase::Due { not_before, ask } = entry.phase else { return };
        if not_before > now {
            self.queues.wait(not_before, seq);
        } else if ask != Ask::No {
            self.queues.ask(seq);
        } else if entry.home == Home::Parked && !entry.intent && self.policy.asks(entry.kind) {
            if self.stopping {
                return;
            }
            entry.phase = Phase::Arming;
            self.recording.dirty.insert(seq);
        } else {
            self.queues.send(entry.kind, seq);
        }
    }

    /// Takes an event in; parks it when its key is parked.
    pub(super) fn hold(&mut self, now: Timestamp, seq: Seq, entry: Entry) {
        let line = self.lines.entry(Arc::clone(&entry.key)).or_default();
        let before = line.seqs.range(..seq).next_back().copied();
        let overtaken = line.seqs.first().copied().filter(|first| seq < *first);
        line.seqs.insert(seq);
        match entry.home {
            Home::Live => {
                self.live.insert(seq);
                self.live_bytes += entry.size;
            }
            Home::Parked => self.parked += 1,
        }
        self.entries.insert(seq, entry);
        if let Some(overtaken) = overtaken {
            self.queues.remove(overtaken, &self.entries[&overtaken]);
        }
        // Behind a parked event of a key everything is parked, so a look at the neighbour is enough.
        match before {
            Some(before) if self.entries[&before].home == Home::Parked => self.park(seq),
            Some(_) => {}
            None => self.schedule(now, seq),
        }
    }

    /// Lets the position pass an event; its row is recorded with the next change.
    pub(super) fn park(&mut self, seq: Seq) {
        let entry = self.entries.get_mut(&seq).expect("only held events are parked");
        if entry.home == Home::Live {
            entry.home = Home::Parked;
            // A live event in flight may have taken effect already.
            entry.intent |= entry.phase == Phase::Sending;
            self.live.remove(&seq);
            self.live_bytes -= entry.size;
            self.parked += 1;
            // A parked event travels by other rules than a live one.
            self.queues.remove(seq, entry);
        }
        self.recording.dirty.insert(seq);
    }

    /// Parks an event and everything behind it.
    pub(super) fn park_line(&mut self, now: Timestamp, seq: Seq) {
        let line: Vec<Seq> = self.lines[&self.entries[&seq].key].seqs.range(seq..).copied().collect();
        for behind in line {
            if behind == seq || self.entries[&behind].home == Home::Live {
                self.park(behind);
            }
        }
        self.schedule(now, seq);
    }

    /// Forgets an event that is settled or dropped, and lets the next of its key travel.
    pub(super) fn release(&mut self, now: Timestamp, seq: Seq) {
        let Some(entry) = self.entries.remove(&seq) else { return };
        self.queues.remove(seq, &entry);
        match entry.home {
            Home::Live => {
                self.live.remove(&seq);
                self.live_bytes -= entry.size;
            }
            Home::Parked => {
                self.parked -= 1;
                self.recording.dirty.insert(seq);
            }
        }
        let line = self.lines.get_mut(&entry.key).expect("every held event stands in a line");
        line.seqs.remove(&seq);
        match line.seqs.first().copied() {
            Some(next) => self.schedule(now, next),
            None => {
                self.lines.remove(&entry.key);
            }
        }
    }
}
