//! What a durable store promises: the trait that every engine implements and the values that cross it.
//!
//! It knows the log, the dossiers' states, the targets' positions, idempotency keys, payments and the registry. It does not know HTTP,
//! connectors or policy, and it reads no clock: every time is an argument.

mod event;
mod payment;
mod registry;

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::time::Duration;

use lgsp_model::{Digest, DossierCode, DossierState, HoldReason, Incoming, PaymentId, Seq, TargetId, Timestamp};
use tokio::sync::watch;

pub use event::{
    Appended, DossierEvent, IDEMPOTENCY_KEPT, IdempotencyKey, NewEvent, NewReply, Page, PageLimit, ReadFilter,
    StoredEvent, Subject, TraceId,
};
pub use payment::{
    LEDGER_AT_ONCE, LedgerKind, LedgerLine, LedgerState, PAYMENT_PARTS, PAYMENT_TEXT_BYTES, PAYMENTS_AT_ONCE,
    PaymentChange, PaymentChanged, PaymentEntry, PaymentName,
};
pub use registry::{REGISTRY_KEPT_MILLIS, RegistryChange, RegistryEntry, RegistryKind};

/// What every call of the store returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A call of [`DurableStore::append`] with at most so many events has its place in the order when it was polled once; a
/// larger one may be overtaken while it is prepared.
pub const IN_ORDER_AT_ONCE: usize = 32;

/// The state of a parked event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParkedState {
    /// Waits for its next attempt, or behind an earlier event of its key.
    Retry,
    /// The effect of an attempt is unknown; it is asked for before anything is sent.
    Unknown,
    /// Attempts ran out or the target refused it; waits for a person.
    Dead,
}

/// An event that a target has not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its position in the log.
    pub seq: Seq,
    /// The event's key; later events of the same key park behind it.
    pub key: String,
    /// Why it waits.
    pub state: ParkedState,
    /// Attempts made.
    pub attempts: u32,
    /// Not before this time.
    pub due_at: Timestamp,
    /// When it was parked first.
    pub since: Timestamp,
    /// The last failure's stable code; empty when it merely waits behind another.
    pub cause: String,
    /// The last failure in words.
    pub detail: String,
}

/// Where a target stands. A target that the store has never seen starts as `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetPosition {
    /// Every event up to here is delivered, parked, or not for this target.
    pub done_through: Seq,
    /// Stopped by an operator or by the target itself (410).
    pub paused: bool,
}

/// Changes of one target's durable state; applied in one commit.
#[derive(Clone, Debug, Default)]
pub struct TargetChange {
    /// The new position, when it moved.
    pub position: Option<TargetPosition>,
    /// Parked anew or changed (by `seq`).
    pub park: Vec<Parked>,
    /// No longer parked.
    pub unpark: Vec<Seq>,
    /// An operator's act to be recorded in the log in the same commit.
    pub audit: Option<AuditEntry>,
}

/// An operator's act.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, as the admin API knows him.
    pub actor: String,
    /// What was done, such as `parked.retry`.
    pub action: String,
    /// On what, such as `national-portal/123`.
    pub object: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// The address that he came from.
    pub address: String,
    /// The request's trace.
    pub trace: TraceId,
}

/// A held event that nobody has decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The event.
    pub event: StoredEvent,
    /// Where it would have moved the dossier.
    pub reason: HoldReason,
}

/// What an operator decided about a held event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldDecision {
    /// Append a new event that carries the record and moves the dossier. Needs what the record says.
    Release(Incoming),
    /// Leave it in the log for ever, applied to nothing.
    Drop,
}

/// The result of checking the hash chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Events checked.
    pub events: u64,
    /// The chain's last value.
    pub head: Digest,
    /// The first position where the log differs from its chain, and what is wrong there.
    pub broken: Option<(Seq, String)>,
}

/// Whether the store can commit now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It can.
    #[default]
    Writable,
    /// It cannot; reads go on, and it tries again by itself.
    ReadOnly {
        /// What the operating system or the engine said.
        reason: String,
    },
}

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// It cannot commit now; nothing was stored; try again after some seconds.
    Unavailable(String),
    /// Too much waits already; nothing was stored; try again.
    Busy,
    /// What is on disk cannot be read: an operator must look.
    Damaged(String),
    /// Written by a newer version of this program.
    Newer {
        /// The version of the format on disk.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The thing named does not exist or is not in the state that the call needs.
    NotThere,
    /// The thing to be made exists already.
    Taken,
    /// More than the store takes; it will not take it later either.
    OutOfBounds {
        /// What is too long or too much.
        what: &'static str,
    },
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the store cannot commit: {why}"),
            Self::Busy => f.write_str("too many messages wait to be stored"),
            Self::Damaged(what) => write!(f, "the store is damaged: {what}"),
            Self::Newer { found, known } => write!(
                f,
                "the store has format {found} and was written by a newer version; this one reads up to {known}: install the newer version or restore a backup"
            ),
            Self::NotThere => f.write_str("there is no such entry in the state that this needs"),
            Self::Taken => f.write_str("there is such an entry already"),
            Self::OutOfBounds { what } => write!(f, "the store does not take {what}: too long, empty or too many"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Told about every commit, for metrics.
pub trait CommitObserver: Send + Sync {
    /// A group of `events` was committed in `took`, the fsync included.
    fn committed(&self, events: usize, took: Duration);
    /// A commit failed.
    fn failed(&self);
}

/// Durable state. Every answer of a writing call comes after the commit is on disk.
pub trait DurableStore: Send + Sync {
    /// Judges and stores messages in the order given: one answer for each. They share a commit with whatever else
    /// waits. Nothing of a call that returns an error was stored. A caller that goes away while it waits undoes nothing.
    fn append(&self, events: Vec<NewEvent>) -> StoreFuture<'_, Vec<Appended>>;

    /// The newest committed position, and notice of every advance. Copy the value out of `borrow()` at once: a guard
    /// that is held keeps the store from publishing, and so from committing.
    fn head(&self) -> watch::Receiver<Seq>;

    /// Whether commits work, and notice of every change.
    fn health(&self) -> watch::Receiver<Health>;

    /// Committed events after a position. The cost depends on the page, not on the log.
    fn read(&self, after: Seq, limit: PageLimit, filter: ReadFilter) -> StoreFuture<'_, Page>;

    /// One event.
    fn event(&self, seq: Seq) -> StoreFuture<'_, Option<StoredEvent>>;

    /// Records what became of a message; `NotThere` when there is no such message. A message may get several; returns
    /// the reply's position.
    fn reply(&self, reply: NewReply) -> StoreFuture<'_, Seq>;

    /// The newest reply to a message. The cost does not depend on the log.
    fn reply_of(&self, message: Seq) -> StoreFuture<'_, Option<StoredEvent>>;

    /// Where a dossier stands.
    fn dossier(&self, code: DossierCode) -> StoreFuture<'_, Option<DossierState>>;

    /// A dossier's newest events, in order, at most `limit`, held and audit ones included.
    fn history(&self, code: DossierCode, limit: usize) -> StoreFuture<'_, Vec<StoredEvent>>;

    /// Where a target stands.
    fn target(&self, target: TargetId) -> StoreFuture<'_, Option<TargetPosition>>;

    /// Changes a target's state; it is on disk when the answer comes. Changes of one target are made one after the
    /// other: the caller waits for the answer, above all for that of a change that parks, before it moves the position.
    fn change_target(&self, target: TargetId, change: TargetChange) -> StoreFuture<'_, ()>;

    /// A target's parked events after a position, in order, optionally of one state.
    fn parked(
        &self,
        target: TargetId,
        state: Option<ParkedState>,
        after: Seq,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Parked>>;

    /// One event of a target, if it is parked.
    fn parked_event(&self, target: TargetId, seq: Seq) -> StoreFuture<'_, Option<Parked>>;

    /// One dossier's parked events of all targets.
    fn parked_of(&self, code: DossierCode) -> StoreFuture<'_, Vec<(TargetId, Parked)>>;

    /// Parked events by state.
    fn count_parked(&self, target: TargetId) -> StoreFuture<'_, Vec<(ParkedState, u64)>>;

    /// Held events that nobody decided about, after a position, in order.
    fn held(&self, after: Seq, limit: usize) -> StoreFuture<'_, Vec<Held>>;

    /// One held event that nobody decided about.
    fn held_event(&self, seq: Seq) -> StoreFuture<'_, Option<Held>>;

    /// How many wait.
    fn count_held(&self) -> StoreFuture<'_, u64>;

    /// Records an operator's decision; `NotThere` when the event is not held any more. Returns the new event's
    /// position for a release.
    fn decide_held(&self, seq: Seq, decision: HeldDecision, audit: AuditEntry) -> StoreFuture<'_, Option<Seq>>;

    /// Records an operator's act that changes nothing else.
    fn audit(&self, entry: AuditEntry) -> StoreFuture<'_, Seq>;

    /// Changes the registry together with an audit event: returns that event's position, or `Taken`.
    fn change_registry(&self, change: RegistryChange) -> StoreFuture<'_, Seq>;

    /// One entry of the registry.
    fn registry_entry(&self, kind: RegistryKind, id: String) -> StoreFuture<'_, Option<RegistryEntry>>;

    /// Entries of a kind whose ids come after `after` byte by byte (`""`: from the first one), in the order of ids.
    fn registry(&self, kind: RegistryKind, after: String, limit: usize) -> StoreFuture<'_, Vec<RegistryEntry>>;

    /// Changes a payment, or makes one: in one commit the evidence, the payment's event, its names and its ledger lines.
    fn change_payment(&self, change: PaymentChange) -> StoreFuture<'_, PaymentChanged>;

    /// One payment; `None` also when its record was purged by law.
    fn payment(&self, id: PaymentId) -> StoreFuture<'_, Option<PaymentEntry>>;

    /// The payment that a name leads to.
    fn payment_named(&self, name: PaymentName) -> StoreFuture<'_, Option<PaymentEntry>>;

    /// A dossier's payments, the one made last first; never more than [`PAYMENTS_AT_ONCE`].
    fn payments_of(&self, dossier: DossierCode, limit: usize) -> StoreFuture<'_, Vec<PaymentEntry>>;

    /// Payments to be looked at in this time, the earliest due first; never more than [`PAYMENTS_AT_ONCE`].
    fn payments_due(&self, between: RangeInclusive<Timestamp>, limit: usize) -> StoreFuture<'_, Vec<PaymentEntry>>;

    /// Changes only when a payment is looked at next: no event, no other version. False: it is not at version `after`.
    fn postpone_payment(&self, id: PaymentId, after: Seq, due: Option<Timestamp>) -> StoreFuture<'_, bool>;

    /// Lines of a provider's day whose references come after `after` byte by byte (`""`: from the first one), in the
    /// order of references; never more than [`LEDGER_AT_ONCE`]. An empty answer is the end.
    fn ledger(&self, provider: String, day: u32, after: String, limit: usize) -> StoreFuture<'_, Vec<LedgerLine>>;

    /// Marks that these targets stopped with nothing in flight: every call for them has ended, its outcome is recorded,
    /// and none is made any more until the store is opened again.
    fn mark_clean_stop(&self, targets: Vec<TargetId>) -> StoreFuture<'_, ()>;

    /// Whether the target was marked so in the life of the store before this one. True once: whoever asks starts it.
    fn take_clean_stop(&self, target: &TargetId) -> bool;

    /// Checks the hash chain from first to last, and the registry and the payments against what the log says of them.
    fn verify(&self) -> StoreFuture<'_, VerifyReport>;
}
