//! What goes into the log and what comes out of it: events, what is said of them, and who wants which.

use std::time::Duration;

use bytes::Bytes;
use lgsp_model::{
    AgencyCode, AgencyGrant, ContentDigest, Digest, Disposition, DossierCode, EventKey, EventKind, HoldReason,
    Incoming, MemberId, Seq, Timestamp,
};

/// The W3C trace id that runs from the request to the delivery.
pub type TraceId = [u8; 16];

/// A message to be accepted. Audit events, replies and payments are made by the store's own calls.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What it is about, and so of which kind it is.
    pub subject: Subject,
    /// Who sent it; for an access record, who looked.
    pub sender: MemberId,
    /// When it was received.
    pub at: Timestamp,
    /// The record as it was sent, byte for byte.
    pub payload: Bytes,
    /// The request's trace.
    pub trace: TraceId,
    /// The caller's own key, on single posts that carry one.
    pub idempotency: Option<IdempotencyKey>,
}

/// What a [`NewEvent`] is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A dossier: judged by its status machine. The kind of the event is that of what comes in.
    Dossier(DossierEvent),
    /// A message to a service in queue mode: always accepted, two equal ones are two.
    Message {
        /// Messages of one key are delivered in order.
        key: EventKey,
        /// The agency that it belongs to, if to one.
        agency: Option<AgencyCode>,
    },
    /// Who looked up what: always accepted, given out only to those who ask for this kind.
    Access {
        /// The service and operation.
        key: EventKey,
        /// The agency that it belongs to, if to one.
        agency: Option<AgencyCode>,
    },
    /// What a payment provider sent that belongs to no payment: always accepted, never leaves the gateway.
    Evidence {
        /// `payment/<provider>`.
        key: EventKey,
    },
}

impl Subject {
    /// The kind of the event.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Dossier(event) => event.incoming.kind(),
            Self::Message { .. } => EventKind::Message,
            Self::Access { .. } => EventKind::Access,
            Self::Evidence { .. } => EventKind::Evidence,
        }
    }
}

/// An event of a dossier.
#[derive(Clone, Debug)]
pub struct DossierEvent {
    /// The dossier.
    pub code: DossierCode,
    /// The agency that it belongs to.
    pub agency: AgencyCode,
    /// What the status machine needs to know of it.
    pub incoming: Incoming,
    /// Recognises a repeat.
    pub content: ContentDigest,
}

/// What became of a message. Its key, sender and agency are those of the message.
#[derive(Clone, Debug)]
pub struct NewReply {
    /// The message.
    pub to: Seq,
    /// When it was known.
    pub at: Timestamp,
    /// What the service answered, or why it never will.
    pub payload: Bytes,
    /// The message's trace, or that of the call.
    pub trace: TraceId,
}

/// A caller's `Idempotency-Key`, remembered for [`IDEMPOTENCY_KEPT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, 1 to 255 characters; it is looked up together with the event's sender.
    pub key: String,
    /// SHA-256 of the body that came with it.
    pub body: Digest,
}

/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 3600);

/// What became of one [`NewEvent`]. It is on disk when the caller learns of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Stored as `seq`; it goes to feeds and targets.
    Accepted {
        /// Its position.
        seq: Seq,
    },
    /// Known already; `seq` is the first event with this content, or the message that this key came with first.
    Duplicate {
        /// The first one's position.
        seq: Seq,
    },
    /// Stored as `seq`, kept back until an operator decides.
    Held {
        /// Its position.
        seq: Seq,
        /// Where it would have moved the dossier.
        reason: HoldReason,
    },
    /// The idempotency key came earlier with another body, or for something else; nothing was stored.
    KeyReused,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its position.
    pub seq: Seq,
    /// When it was received.
    pub at: Timestamp,
    /// What it is about.
    pub kind: EventKind,
    /// Whether it took effect.
    pub disposition: Disposition,
    /// The dossier's code, also of a payment and of what a provider said of it; for an audit event what the operator
    /// acted on; for other kinds, and for evidence that belongs to no payment, an [`EventKey`].
    pub key: String,
    /// Who sent it; `operator` for audit events.
    pub sender: String,
    /// The agency that it belongs to; empty when it belongs to none, as audit events do.
    pub agency: String,
    /// The event of the same dossier before this one; for a reply its message; for a payment that payment's last change.
    pub previous: Option<Seq>,
    /// The request's trace.
    pub trace: TraceId,
    /// The record as it was sent; `None` when it was purged by law (its digest stays in the chain).
    pub payload: Option<Bytes>,
}

/// Which events a reader wants. Held events are never given out; other kinds than those of dossiers only when asked
/// for by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFilter {
    /// Kinds; empty means [`EventKind::OF_DOSSIERS`].
    pub kinds: Vec<EventKind>,
    /// Agencies. An event that belongs to none is seen only by readers of all.
    pub agencies: AgencyGrant,
    /// Only events whose key begins so: `<service>/` for those of one service.
    pub key_prefix: Option<String>,
    /// Only events of this sender; a reply has its message's.
    pub sender: Option<MemberId>,
}

impl ReadFilter {
    /// Events of these kinds and agencies, whatever their key and sender.
    #[must_use]
    pub const fn new(kinds: Vec<EventKind>, agencies: AgencyGrant) -> Self {
        Self { kinds, agencies, key_prefix: None, sender: None }
    }
}

/// Events after a position, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What matched.
    pub events: Vec<StoredEvent>,
    /// How far the log was read: the position to go on from, also when nothing matched.
    pub through: Seq,
    /// Whether committed events remain beyond `through`.
    pub more: bool,
}

/// What bounds a page.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    /// At most so many events (1 to 10,000).
    pub events: usize,
    /// At most so many payload bytes, though always at least one event.
    pub bytes: usize,
}
