//! Whether a request for another protocol (`Upgrade`) was granted: told by whoever saw the answer, asked by the stream
//! that must know what the bytes behind the request are.

use std::sync::atomic::{AtomicU8, Ordering};

/// One connection's. Requests of a connection are answered in order, and the stream lets nothing pass behind one that
/// asks, so there is never more than one answer that was told and not taken.
#[derive(Default)]
pub(crate) struct Switch(AtomicU8);

const UNDECIDED: u8 = 0;
const GRANTED: u8 = 1;
const DECLINED: u8 = 2;

impl Switch {
    /// Tells the answer.
    pub(crate) fn tell(&self, granted: bool) {
        self.0.store(if granted { GRANTED } else { DECLINED }, Ordering::Release);
    }

    /// Takes the answer, once.
    pub(crate) fn take(&self) -> Option<bool> {
        match self.0.swap(UNDECIDED, Ordering::Acquire) {
            UNDECIDED => None,
            told => Some(told == GRANTED),
        }
    }
}
