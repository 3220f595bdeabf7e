//! What crosses the border between the delivery machine and the shell. Values only, no behaviour.

use std::sync::Arc;
use std::time::Duration;

use lgsp_model::{Cause, EventKind, Outcome, Seq, Timestamp};

/// Names one call in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What the machine needs to know of an event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// Its position.
    pub seq: Seq,
    /// What keeps its order: the dossier's code.
    pub key: Arc<str>,
    /// Its kind.
    pub kind: EventKind,
    /// When it was received.
    pub at: Timestamp,
    /// Payload bytes.
    pub size: usize,
}

/// The durable state of a parked event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParkState {
    /// Waits for its next attempt, or behind an earlier event of its key.
    Retry,
    /// Its effect is unknown, or a send was about to begin: it is asked for before anything is sent.
    Unknown,
    /// Waits for a person.
    Dead,
}

/// A parked event as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkRow {
    /// Its position.
    pub seq: Seq,
    /// Its key.
    pub key: Arc<str>,
    /// Why it waits.
    pub state: ParkState,
    /// Attempts made.
    pub attempts: u32,
    /// Not before this time.
    pub due_at: Timestamp,
    /// When it was parked first.
    pub since: Timestamp,
    /// The last failure; `None` when it merely waits behind another.
    pub cause: Option<Cause>,
}

/// A parked event as it is read back at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEvent {
    /// The event.
    pub event: LogEvent,
    /// How it was parked; `row.seq` and `row.key` are the event's.
    pub row: ParkRow,
}

/// What a target's delivery begins with.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The recorded position; `None` for a target that was never seen.
    pub position: Option<Seq>,
    /// Where a target that was never seen begins: nothing up to here is for it.
    pub from: Seq,
    /// Whether it was paused.
    pub paused: bool,
    /// Everything parked.
    pub parked: Vec<ParkedEvent>,
    /// The log's newest position. Nothing after it can have been sent by an earlier run.
    pub head: Seq,
    /// The earlier run ended idle and without doubt: nothing beyond the position was sent.
    pub clean: bool,
}

/// Whether a target wants anything more at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// It said that it is gone for good (410): the target pauses until an operator resumes it.
    Gone,
    /// It was not tried, for a reason of this side (an operator has to set something up): nothing counts against events
    /// or target.
    NotYet,
}

/// What a target says when it is asked about one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it, as it was sent.
    Same,
    /// It has the thing, maybe with other content: sending again replaces it.
    Differs,
    /// It does not have it.
    Missing,
    /// It answers, but not this question.
    CannotTell,
    /// It could not be asked.
    Deferred {
        /// Why.
        cause: Cause,
        /// The pause that it asked for.
        after: Option<Duration>,
    },
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The log's newest position.
    Head(Seq),
    /// The answer to [`Action::Read`].
    Page {
        /// What is for this target, in order.
        events: Vec<LogEvent>,
        /// How far the log was read.
        through: Seq,
    },
    /// The answer to [`Action::ReadRange`].
    ReplayPage {
        /// What is for this target, in order.
        events: Vec<LogEvent>,
        /// How far the log was read.
        through: Seq,
    },
    /// The answer to [`Action::Send`].
    Answered {
        /// The call.
        call: CallId,
        /// One for each item, in order.
        outcomes: Vec<Outcome>,
        /// Whether the target wants more.
        standing: Standing,
    },
    /// The answer to [`Action::Ask`].
    Asked {
        /// The call.
        call: CallId,
        /// What the target said.
        answer: Answer,
    },
    /// The change with this number is on disk.
    Recorded(u64),
    /// Time passed.
    Tick,
    /// Send nothing new; finish what is in flight and record everything.
    Stop,
}

/// One event of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendItem {
    /// The event.
    pub seq: Seq,
    /// What an ask found just before: whether the target has the thing.
    pub found: Option<bool>,
}

/// A change of durable state, to be applied in one commit. The next one comes only after this one's
/// [`Input::Recorded`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Names it.
    pub number: u64,
    /// Everything up to here is delivered, parked, or not for this target.
    pub position: Seq,
    /// Whether it is paused.
    pub paused: bool,
    /// Parked anew or changed.
    pub park: Vec<ParkRow>,
    /// No longer parked. May name events that never were.
    pub unpark: Vec<Seq>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read at most `limit` events after a position.
    Read {
        /// The position.
        after: Seq,
        /// The most events.
        limit: usize,
    },
    /// Read at most `limit` events after a position and up to another.
    ReadRange {
        /// The position.
        after: Seq,
        /// The last position wanted.
        to: Seq,
        /// The most events.
        limit: usize,
    },
    /// Send events of one kind and distinct keys.
    Send {
        /// Names the call.
        call: CallId,
        /// Their kind.
        kind: EventKind,
        /// The events.
        items: Vec<SendItem>,
    },
    /// Ask whether the target has an event.
    Ask {
        /// Names the call.
        call: CallId,
        /// The event.
        seq: Seq,
    },
    /// Record a change.
    Record(Change),
    /// Nothing more to do before this time: come back with [`Input::Tick`]. Replaces every earlier one.
    WaitUntil(Timestamp),
}
