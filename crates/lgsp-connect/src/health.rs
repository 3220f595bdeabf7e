//! Whether a partner works: while it keeps failing it is left alone, and who wants to call it is told at once.
//!
//! It makes no call and reads no clock.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lgsp_model::Timestamp;

/// So many failures in a row, and the partner is left alone for a while.
const FAILURES_IN_A_ROW: u32 = 5;

/// How long it is left alone; then one call tries.
const PAUSE: Duration = Duration::from_secs(5);

/// A run of failures, and until when nothing is tried because of it.
struct Run {
    failures: u32,
    retry_at: Timestamp,
}

pub(crate) struct Health(Mutex<Run>);

impl Health {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Run { failures: 0, retry_at: Timestamp(0) }))
    }

    /// Whether a call may be made now: while the partner keeps failing, one in a pause may try.
    pub(crate) fn admit(&self, now: Timestamp) -> bool {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if run.failures < FAILURES_IN_A_ROW {
            return true;
        }
        let wait = run.retry_at.0 - now.0;
        // A wait longer than a pause: the clock was set back.
        if (1..=millis(PAUSE)).contains(&wait) {
            return false;
        }
        run.retry_at = now.plus_millis(millis(PAUSE));
        true
    }

    /// Remembers how a call went.
    pub(crate) fn judge(&self, works: bool, now: Timestamp) {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if works {
            run.failures = 0;
        } else {
            run.failures = run.failures.saturating_add(1);
            run.retry_at = now.plus_millis(millis(PAUSE));
        }
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
