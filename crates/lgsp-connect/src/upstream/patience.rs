//! How long a call waits for the head of its answer: a time-out that a streamed request's progress starts again, within
//! a deadline.
//!
//! It holds no timer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::{CallFailure, FailureKind, Sent};
use super::outgoing::Progress;

/// How long to wait for the head of an answer.
pub(super) struct Patience {
    /// From the last progress of the request.
    pub timeout: Duration,
    /// Whatever the progress.
    pub deadline: Instant,
    /// The progress of a streamed request.
    pub progress: Option<Arc<Progress>>,
}

/// The wait for one head.
pub(super) struct Wait<'a> {
    patience: &'a Patience,
    /// When to ask whether it is over.
    pub until: Instant,
    mark: u32,
}

impl<'a> Wait<'a> {
    pub(super) fn new(patience: &'a Patience) -> Self {
        let until = (Instant::now() + patience.timeout).min(patience.deadline);
        Self { patience, until, mark: patience.progress.as_ref().map_or(0, |progress| progress.mark()) }
    }

    /// What it means that `until` has come; nothing if the request moved on meanwhile.
    pub(super) fn expired(&mut self) -> Option<CallFailure> {
        let now = Instant::now();
        if let Some(progress) = &self.patience.progress {
            let mark = progress.mark();
            if mark != self.mark && now < self.patience.deadline {
                self.mark = mark;
                self.until = (now + self.patience.timeout).min(self.patience.deadline);
                return None;
            }
            if progress.waits_for_caller() {
                let detail = "the request's body fell silent";
                return Some(CallFailure::new(FailureKind::CallerBody, Sent::Maybe, detail));
            }
        }
        Some(CallFailure::new(FailureKind::TimedOut, Sent::Maybe, "no answer in time"))
    }
}
