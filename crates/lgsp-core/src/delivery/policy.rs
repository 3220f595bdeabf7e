//! The numbers that bound a delivery. It sets no defaults: the shell reads them from configuration and connector.

use std::time::Duration;

use lgsp_model::EventKind;

use crate::{Backoff, BreakerPolicy};

/// No page that is asked for has more events: one page is one look-up of the store and one slice of memory.
pub const MAX_PAGE: usize = 1000;

/// How much more seldom a position is recorded that moved only past events of others: with many targets their commits
/// would be most of all.
pub(super) const IDLE_SAVES: u32 = 100;

/// Whether sending an event again may harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The target recognises repeats: an unknown outcome is simply sent again.
    Harmless,
    /// An unknown outcome is asked for before anything is sent. A refused batch was refused whole, or its parts can
    /// be sent again.
    AskIfUnknown,
    /// Like `AskIfUnknown`, and the members of a refused batch are asked for too: some may have been taken.
    AskAlways,
}

/// How events of one kind travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindPolicy {
    /// At most so many events in one call (at least 1).
    pub batch_events: usize,
    /// At most so many payload bytes in one call, though always at least one event.
    pub batch_bytes: usize,
    /// Whether a repeat harms.
    pub repeat: Repeat,
}

/// What bounds one target's delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Attempts until an event is dead (at least 1).
    pub attempts: u32,
    /// The pause between attempts.
    pub backoff: Backoff,
    /// When the target counts as down.
    pub breaker: BreakerPolicy,
    /// Calls in flight (at least 1).
    pub concurrency: usize,
    /// Events read beyond the recorded position. Must not shrink between two runs of one target: after a crash the
    /// first so many events are those that may have been sent.
    pub window: usize,
    /// Payload bytes of events read and not yet settled or parked.
    pub window_bytes: usize,
    /// Parked events held in memory. Beyond it nothing more is read.
    pub max_parked: usize,
    /// The position is recorded this often while it moves past events of this target; past those of others
    /// a hundred times more seldom, because reading them again costs little and sends nothing.
    pub save_every: Duration,
    /// By kind.
    pub kinds: KindPolicies,
}

/// How events travel, for each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindPolicies([KindPolicy; EventKind::ALL.len()]);

impl KindPolicies {
    /// What `of` says for each kind.
    pub fn new(of: impl Fn(EventKind) -> KindPolicy) -> Self {
        Self(std::array::from_fn(|n| of(EventKind::ALL[n])))
    }

    /// The same for all.
    #[must_use]
    pub fn all(policy: KindPolicy) -> Self {
        Self([policy; EventKind::ALL.len()])
    }
}

impl Policy {
    pub(crate) fn kind(&self, kind: EventKind) -> &KindPolicy {
        // The codes of kinds begin at 1 and have no gaps.
        &self.kinds.0[usize::from(kind.code()) - 1]
    }

    pub(crate) fn asks(&self, kind: EventKind) -> bool {
        self.kind(kind).repeat != Repeat::Harmless
    }
}
