//! Bodies that follow a script: bytes, pauses, trailers, an end in the middle. Never more than one piece in memory.
//!
//! It knows nothing of HTTP beyond frames.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::HeaderMap;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

/// The body of every answer of the sandbox.
pub(crate) type Body = UnsyncBoxBody<Bytes, Cut>;

/// One piece of a generated body: large enough to be quick, small enough for a thousand at once.
const PIECE: u64 = 64 << 10;
/// The pattern of generated bodies repeats after this many bytes; a prime, so that lost pieces are seen.
const PERIOD: u64 = 251;

/// The connection ends here without an answer or in its middle, on purpose.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox closed the connection on purpose")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// One connection's end: whether it closes with a TCP reset instead of an orderly end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<AtomicBool>);

impl Ending {
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a body does next.
pub(crate) enum Step {
    Data(Bytes),
    Pause(Duration),
    Trailers(Box<HeaderMap>),
    /// The connection ends, with a TCP reset when an ending is given.
    Break(Option<Ending>),
}

/// A body that follows its steps.
pub(crate) struct Scripted {
    steps: Box<dyn Iterator<Item = Step> + Send>,
    pause: Option<Pin<Box<Sleep>>>,
    /// Bytes that are announced; absent = chunked.
    announced: Option<u64>,
}

impl Scripted {
    pub(crate) fn new(steps: impl Iterator<Item = Step> + Send + 'static) -> Self {
        Self { steps: Box::new(steps), pause: None, announced: None }
    }

    /// Announces a length, which is right only if the script keeps to it.
    pub(crate) fn announcing(self, bytes: u64) -> Self {
        Self { announced: Some(bytes), ..self }
    }

    /// Bytes of the pattern from `range`, announced.
    pub(crate) fn pattern(range: Range<u64>) -> Self {
        let bytes = range.end.saturating_sub(range.start);
        Self::new(pattern(range).map(Step::Data)).announcing(bytes)
    }
}

/// The pattern that generated bodies consist of: byte `i` is `i` modulo 251.
pub(crate) fn pattern(range: Range<u64>) -> impl Iterator<Item = Bytes> + Send {
    let turn: Bytes = (0..PERIOD + PIECE).map(|place| (place % PERIOD) as u8).collect();
    let mut at = range.start;
    std::iter::from_fn(move || {
        let take = range.end.saturating_sub(at).min(PIECE);
        let from = (at % PERIOD) as usize;
        at += take;
        (take > 0).then(|| turn.slice(from..from + take as usize))
    })
}

impl HttpBody for Scripted {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match self.steps.next() {
                None => return Poll::Ready(None),
                Some(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Step::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(*trailers)))),
                Some(Step::Pause(pause)) => self.pause = Some(Box::pin(tokio::time::sleep(pause))),
                Some(Step::Break(ending)) => {
                    if let Some(ending) = ending {
                        ending.reset();
                    }
                    return Poll::Ready(Some(Err(Cut)));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_the_same_from_wherever_it_begins() {
        let whole: Vec<u8> = pattern(0..200_000).flatten().collect();
        assert_eq!(whole.len(), 200_000);
        assert!(whole.iter().enumerate().all(|(place, byte)| place % 251 == usize::from(*byte)));
        let part: Vec<u8> = pattern(70_001..140_002).flatten().collect();
        assert_eq!(part, &whole[70_001..140_002]);
        assert_eq!(pattern(5..5).count(), 0);
    }
}
