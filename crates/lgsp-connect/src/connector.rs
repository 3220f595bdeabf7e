//! What every connector offers, and the values that cross that border.
//!
//! A connector makes one try and reports it. Order, retries, batching by load and memory of what happened are the
//! caller's.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_model::{Cause, EventKind, Outcome, Seq, Timestamp};

/// What a connector's calls return.
pub type ConnectFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The shell's clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Whether the partner has a dossier already, as far as the gateway knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// An earlier record of it was settled there, or an ask found it.
    Yes,
    /// The gateway never sent it there, or an ask did not find it.
    No,
    /// Nobody knows; ask.
    Unsure,
}

/// One event on its way out.
#[derive(Clone)]
pub struct Outgoing {
    /// Its position in the log.
    pub seq: Seq,
    /// Its kind.
    pub kind: EventKind,
    /// The dossier's code; of other kinds the event's key.
    pub code: String,
    /// The agency that it belongs to.
    pub agency: String,
    /// Who sent it.
    pub sender: String,
    /// When the gateway received it.
    pub at: Timestamp,
    /// The W3C trace id of the request that brought it.
    pub trace: [u8; 16],
    /// The change feed's cursor behind it.
    pub cursor: String,
    /// The record as it came: one JSON object. A message is as its service's contract says.
    pub payload: Bytes,
    /// Whether the partner has the dossier.
    pub known: Known,
}

/// Without the payload: a record never reaches a log.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("seq", &self.seq)
            .field("kind", &self.kind)
            .field("bytes", &self.payload.len())
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

/// Whether sending an event again may harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The partner recognises repeats.
    Harmless,
    /// An unknown outcome must be asked for first; the members of a refused batch may be sent again.
    AskIfUnknown,
    /// The members of a refused batch must be asked for too: some may have been taken.
    AskAlways,
}

/// How events of one kind travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimit {
    /// At most so many events in one call.
    pub events: usize,
    /// At most so many payload bytes in one call, though always at least one event.
    pub bytes: usize,
    /// Whether a repeat harms.
    pub repeat: Repeat,
}

/// Whether the partner wants anything more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// It is gone for good (410).
    Gone,
    /// It was not tried: an operator has to set something up here first.
    NotYet,
}

/// What came of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// One for each event, in order.
    pub outcomes: Vec<Outcome>,
    /// Whether the partner wants more.
    pub standing: Standing,
}

impl Delivered {
    /// The same for several events.
    pub fn all(outcome: &Outcome, events: usize) -> Self {
        Self { outcomes: vec![outcome.clone(); events], standing: Standing::Open }
    }
}

/// What the partner says about one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Stored, as it was sent.
    Same,
    /// The dossier is stored, maybe with other content: sending again replaces it.
    Differs,
    /// Not stored.
    Missing,
    /// It answers, but cannot tell.
    CannotTell,
    /// It could not be asked now.
    Deferred {
        /// Why.
        cause: Cause,
        /// The pause that it asked for.
        after: Option<Duration>,
    },
}

/// Why a query brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryFailure {
    /// This partner answers no queries.
    Unsupported,
    /// It could not be reached, or refused the session.
    Unreachable(Cause),
    /// It did not answer in time.
    Timeout(Cause),
    /// It answered with an HTTP error.
    Refused(Cause),
}

/// One partner, ready to be talked to.
pub trait Connector: Send + Sync {
    /// How events of a kind travel.
    fn limits(&self, kind: EventKind) -> BatchLimit;

    /// Whether [`Outgoing::known`] matters to it; finding out costs the caller a look-up.
    fn wants_history(&self) -> bool;

    /// Sends events of one kind, at most as many as the limits say, in order.
    fn deliver<'a>(&'a self, kind: EventKind, events: &'a [Outgoing]) -> ConnectFuture<'a, Delivered>;

    /// Asks whether the partner has an event.
    fn ask<'a>(&'a self, event: &'a Outgoing) -> ConnectFuture<'a, Asked>;

    /// Passes a read-only query through (catalogue services) and returns the reply's body as it came.
    fn query<'a>(
        &'a self,
        service: &'a str,
        parameters: &'a serde_json::Map<String, serde_json::Value>,
    ) -> ConnectFuture<'a, Result<Bytes, QueryFailure>> {
        let _ = (service, parameters);
        Box::pin(async { Err(QueryFailure::Unsupported) })
    }
}
