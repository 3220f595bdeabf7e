//! The one clock of the program. Everything below the shell is given times as arguments.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lgsp_model::Timestamp;

/// Tells two times: the wall's, for records, and a steady one, for waiting.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    start: Instant,
    wall_at_start: i64,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), wall_at_start: wall_millis() }
    }

    /// The wall's time; it may jump when an operator or NTP sets it.
    pub(crate) fn wall(&self) -> Timestamp {
        Timestamp(wall_millis())
    }

    /// The wall's time at start plus what has passed since: it never jumps, so that a clock set back does not stop
    /// retries or keep tokens alive.
    pub(crate) fn steady(&self) -> Timestamp {
        let passed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.wall_at_start).plus_millis(passed)
    }

    /// The steady time as a function, for parts that must not know this type.
    pub(crate) fn steady_fn(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.steady())
    }
}

fn wall_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
