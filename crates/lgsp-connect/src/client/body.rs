//! A request body that remembers whether anybody began to read it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

pub(super) struct Tracked {
    bytes: Option<Bytes>,
    started: Arc<AtomicBool>,
}

impl Tracked {
    /// `bytes` must not be empty: an empty body is never read.
    pub(super) fn new(bytes: Bytes, started: Arc<AtomicBool>) -> Self {
        Self { bytes: Some(bytes), started }
    }

    pub(super) fn empty(started: Arc<AtomicBool>) -> Self {
        Self { bytes: None, started }
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.started.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
