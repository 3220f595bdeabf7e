//! What the embedded engine lets its owner choose, and what it is when he does not. It checks nothing.

use std::sync::Arc;

use super::codec::BUILT_IN;
use crate::CommitObserver;

/// What may be chosen when a store is opened.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Told about commits.
    pub observer: Option<Arc<dyn CommitObserver>>,
    /// Reading threads, at least 1; each keeps up to 2 MiB of pages.
    pub readers: usize,
    /// The zstd dictionary for new payloads. A store keeps every dictionary that it was ever opened with.
    pub dictionary: Vec<u8>,
    /// Events that may wait for a commit before callers are told [`crate::StoreError::Busy`].
    pub waiting_events: usize,
    /// Packed bytes that may wait.
    pub waiting_bytes: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            observer: None,
            readers: 2,
            dictionary: BUILT_IN.to_vec(),
            // Less than a second of work.
            waiting_events: 16_384,
            waiting_bytes: 32 * 1024 * 1024,
        }
    }
}
