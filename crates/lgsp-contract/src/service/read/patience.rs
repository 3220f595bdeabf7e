//! `[upstream.retry]` and `[upstream.breaker]`: how often an upstream is tried, and when it is left alone.

use std::time::Duration;

use super::folder::Folder;
use super::terms::{at_least_one, time};
use crate::service::Mode;
use crate::service::manifest::Upstream;

/// Defaults, for what a contract does not say.
const ATTEMPTS: u32 = 2;
const DELIVERIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1800);
const FAILURES: u32 = 10;
/// Fewer than a message has tries: an outage must not use them up.
const QUEUE_FAILURES: u32 = 5;
const OPEN: Duration = Duration::from_secs(5);
const LONGEST_OPEN: Duration = Duration::from_secs(60);

pub(super) struct Patience {
    pub(super) attempts: u32,
    pub(super) deliveries: u32,
    pub(super) pauses: (Duration, Duration),
    pub(super) breaker: (u32, Duration, Duration),
}

/// What a queue tries again are whole deliveries; one of them goes to other servers as any call does.
pub(super) fn read(written: &Upstream, mode: Mode, folder: &mut Folder<'_>) -> Patience {
    let queued = mode == Mode::Queue;
    let (attempts, failures) = if queued { (DELIVERIES, QUEUE_FAILURES) } else { (ATTEMPTS, FAILURES) };
    let (retry, breaker) = (&written.retry, &written.breaker);
    let attempts = at_least_one(retry.attempts, attempts, "upstream.retry.attempts", folder);
    let pause = |text: &Option<String>, default, key: &str, folder: &mut Folder<'_>| {
        time(text.as_deref(), default, &format!("upstream.{key}"), folder)
    };
    Patience {
        attempts: if queued { ATTEMPTS } else { attempts },
        deliveries: if queued { attempts } else { DELIVERIES },
        pauses: (
            pause(&retry.first, FIRST_PAUSE, "retry.first", folder),
            pause(&retry.max, LONGEST_PAUSE, "retry.max", folder),
        ),
        breaker: (
            at_least_one(breaker.failures, failures, "upstream.breaker.failures", folder),
            pause(&breaker.open, OPEN, "breaker.open", folder),
            pause(&breaker.open_max, LONGEST_OPEN, "breaker.open_max", folder),
        ),
    }
}
