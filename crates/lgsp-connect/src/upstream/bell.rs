//! The waker of a connection that its user polls: it wakes whoever waits for the connection now, and nobody else.
//!
//! hyper's parts wake each other through it while they are polled. Passing that on would make the runtime poll the
//! whole task of the user once more for nothing, for every request.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The user is polling, or nobody waits: remember.
const MUTED: u8 = 0;
/// It rang while muted.
const RUNG: u8 = 1;
/// The user waits: pass on.
const LISTENING: u8 = 2;

#[derive(Debug)]
pub(super) struct Bell {
    state: AtomicU8,
    /// Only changed while muted.
    listener: Mutex<Waker>,
}

impl Bell {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: AtomicU8::new(MUTED), listener: Mutex::new(Waker::noop().clone()) })
    }

    /// Polling begins, for this task.
    pub(super) fn mute(&self, user: &Waker) {
        self.state.store(MUTED, Ordering::SeqCst);
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if !listener.will_wake(user) {
            listener.clone_from(user);
        }
    }

    /// Polling ends and the user is going to wait. False if it rang meanwhile: then it is still muted, and the user
    /// polls again or wakes itself.
    pub(super) fn listen(&self) -> bool {
        let quiet = self.state.compare_exchange(MUTED, LISTENING, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if !quiet {
            self.state.store(MUTED, Ordering::SeqCst);
        }
        quiet
    }

    /// Nobody waits any more, and no task is held.
    pub(super) fn forget(&self) {
        self.mute(Waker::noop());
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let muted = self.state.compare_exchange(MUTED, RUNG, Ordering::SeqCst, Ordering::SeqCst);
        if muted == Err(LISTENING) {
            self.listener.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn it_wakes_who_waits_and_tells_who_polls_to_poll_again() {
        let count = Arc::new(Count::default());
        let bell = Bell::new();
        let ring = Waker::from(Arc::clone(&bell));
        bell.mute(&Waker::from(Arc::clone(&count)));
        ring.wake_by_ref();
        assert!(!bell.listen(), "it rang while it was polled");
        assert!(bell.listen());
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        ring.wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        bell.forget();
        ring.wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 1, "nobody waits");
    }
}
