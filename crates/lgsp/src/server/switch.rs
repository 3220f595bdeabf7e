//! What is known of a connection's requests where its bytes are looked at: whether one for another protocol (`Upgrade`)
//! was granted, so that the bytes behind it can be understood, and whether there was one at all.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// One connection's. Requests of a connection are answered in order, and the stream lets nothing pass behind one that
/// asks, so there is never more than one answer that was told and not taken.
#[derive(Default)]
pub(crate) struct Switch {
    told: AtomicU8,
    used: AtomicBool,
}

const UNDECIDED: u8 = 0;
const GRANTED: u8 = 1;
const DECLINED: u8 = 2;

impl Switch {
    /// Notes that a request came.
    pub(crate) fn use_once(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    /// Whether a request came.
    pub(crate) fn was_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Tells the answer.
    pub(crate) fn tell(&self, granted: bool) {
        self.told.store(if granted { GRANTED } else { DECLINED }, Ordering::Release);
    }

    /// Takes the answer, once.
    pub(crate) fn take(&self) -> Option<bool> {
        match self.told.swap(UNDECIDED, Ordering::Acquire) {
            UNDECIDED => None,
            told => Some(told == GRANTED),
        }
    }
}
