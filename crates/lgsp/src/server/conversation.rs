//! What is known of one HTTP/1 connection on both sides of hyper: the stream below it sees bytes, the service above it
//! sees requests, and each needs to know a little of what the other sees.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::answer::AnswerBody;

/// One connection's. All of it happens in the connection's own task; the atomics only make it shareable.
#[derive(Default)]
pub(super) struct Conversation {
    /// Whether a request for another protocol (`Upgrade`) was granted. Requests of a connection are answered in order,
    /// and the stream lets nothing pass behind one that asks, so at most one answer was told and not taken.
    told: AtomicU8,
    /// Requests that came.
    requests: AtomicU32,
    /// An answer is not made, or not handed to hyper as a whole.
    answering: AtomicBool,
    /// hyper has bytes that the client does not take at the moment.
    blocked: AtomicBool,
    /// All bytes that came belong to whole requests, and hyper has them.
    between: AtomicBool,
}

const UNDECIDED: u8 = 0;
const GRANTED: u8 = 1;
const DECLINED: u8 = 2;

impl Conversation {
    /// Notes that a request came.
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.answering.store(true, Ordering::Relaxed);
    }

    /// Whether a request came since the connection was opened.
    pub(super) fn was_used(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Notes whether the client takes what hyper writes.
    pub(super) fn wrote(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    /// Notes whether all bytes that came belong to whole requests and were handed on.
    pub(super) fn read(&self, between: bool) {
        self.between.store(between, Ordering::Relaxed);
    }

    /// How many requests came, when the last one is answered and no other has begun.
    pub(super) fn rests(&self) -> Option<u32> {
        let busy = self.answering.load(Ordering::Relaxed) || self.blocked.load(Ordering::Relaxed);
        (!busy && self.between.load(Ordering::Relaxed)).then(|| self.requests.load(Ordering::Relaxed))
    }

    /// Tells whether another protocol was granted.
    pub(super) fn tell(&self, granted: bool) {
        self.told.store(if granted { GRANTED } else { DECLINED }, Ordering::Relaxed);
    }

    /// Takes what was told, once.
    pub(super) fn take(&self) -> Option<bool> {
        match self.told.swap(UNDECIDED, Ordering::AcqRel) {
            UNDECIDED => None,
            told => Some(told == GRANTED),
        }
    }
}

/// An answer's body that notes when hyper has all of it.
pub(super) struct Tracked {
    body: AnswerBody,
    conversation: Arc<Conversation>,
}

impl Tracked {
    pub(super) fn new(body: AnswerBody, conversation: Arc<Conversation>) -> Self {
        Self { body, conversation }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.conversation.answering.store(false, Ordering::Relaxed);
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = <AnswerBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
