//! Reads request bodies under their limits: size, inflated size, silence and least speed. It parses nothing.

use std::future::poll_fn;
use std::io::Write;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use lgsp_config::{ByteCount, Limits};
use lgsp_model::ErrorCode;

use crate::failure::Failure;

/// A request body on its way in.
pub(crate) struct BodyReader {
    body: Incoming,
    inflate: Option<MultiGzDecoder<Vec<u8>>>,
    timeout: Duration,
    least_rate: u64,
    whole_limit: usize,
    inflated_limit: usize,
    started: Instant,
    received: u64,
    ended: bool,
}

impl BodyReader {
    pub(crate) fn new(body: Incoming, headers: &HeaderMap, limits: &Limits) -> Result<Self, Failure> {
        let inflate = match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes()) {
            None | Some(b"identity") => None,
            Some(b"gzip" | b"x-gzip") => Some(MultiGzDecoder::new(Vec::new())),
            Some(_) => {
                let detail = "Content-Encoding may be gzip or absent";
                return Err(Failure::new(ErrorCode::UnsupportedMediaType, detail));
            }
        };
        Ok(Self { inflate, ..Self::plain(body, limits) })
    }

    /// A body that is read as it is, whatever its encoding.
    pub(crate) fn plain(body: Incoming, limits: &Limits) -> Self {
        Self {
            body,
            inflate: None,
            timeout: limits.body_timeout,
            least_rate: limits.body_rate.0,
            whole_limit: limits.body_bytes.as_usize(),
            inflated_limit: limits.inflated_bytes.as_usize(),
            started: Instant::now(),
            received: 0,
            ended: false,
        }
    }

    /// [`BodyReader::new`] with a bound of its own, before and after inflating.
    pub(crate) fn bounded(
        body: Incoming,
        headers: &HeaderMap,
        limits: &Limits,
        most: ByteCount,
    ) -> Result<Self, Failure> {
        Ok(Self { whole_limit: most.as_usize(), inflated_limit: most.as_usize(), ..Self::new(body, headers, limits)? })
    }

    /// The whole body.
    pub(crate) async fn read_whole(mut self) -> Result<Bytes, Failure> {
        let limit = if self.inflate.is_some() { self.inflated_limit } else { self.whole_limit };
        if self.body.size_hint().lower() > self.whole_limit as u64 {
            return Err(too_large(self.whole_limit));
        }
        let first = self.next().await?.unwrap_or_default();
        // Nearly every small body comes in one piece: it is passed on without a copy.
        if self.body.is_end_stream() && self.inflate.is_none() {
            return if first.len() > limit { Err(too_large(limit)) } else { Ok(first) };
        }
        let mut whole = BytesMut::from(&first[..]);
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
            if whole.len() > limit {
                return Err(too_large(limit));
            }
        }
        if whole.len() > limit { Err(too_large(limit)) } else { Ok(whole.freeze()) }
    }

    /// The next piece, inflated; `None` at the end. A piece may be empty.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let polled = tokio::time::timeout(self.timeout, self.next_raw()).await;
        let raw = polled.map_err(|_| slow())??;
        self.take_in(raw)
    }

    /// Another piece if it is there already, without waiting.
    pub(crate) async fn next_at_hand(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let at_hand = poll_fn(|cx| match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Some(frame)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        match at_hand {
            None => Ok(None),
            Some(None) => self.take_in(None),
            Some(Some(Ok(frame))) => self.take_in(Some(frame.into_data().unwrap_or_default())),
            Some(Some(Err(_))) => Err(broken_off()),
        }
    }

    async fn next_raw(&mut self) -> Result<Option<Bytes>, Failure> {
        match poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
            None => Ok(None),
            Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
            Some(Err(_)) => Err(broken_off()),
        }
    }

    fn take_in(&mut self, raw: Option<Bytes>) -> Result<Option<Bytes>, Failure> {
        let Some(raw) = raw else {
            self.ended = true;
            return self.finish_inflating();
        };
        self.received += raw.len() as u64;
        let open = self.started.elapsed();
        if open > self.timeout && self.received / open.as_secs().max(1) < self.least_rate {
            return Err(slow());
        }
        let Some(inflate) = &mut self.inflate else { return Ok(Some(raw)) };
        // Piece by piece, so that a small bomb is found before it has filled the memory.
        for part in raw.chunks(INFLATE_AT_ONCE) {
            inflate.write_all(part).map_err(|_| not_gzip())?;
            if inflate.get_ref().len() > self.inflated_limit {
                return Err(too_large(self.inflated_limit));
            }
        }
        Ok(Some(std::mem::take(inflate.get_mut()).into()))
    }

    fn finish_inflating(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(mut inflate) = self.inflate.take() else { return Ok(None) };
        if self.received == 0 {
            return Ok(None);
        }
        inflate.try_finish().map_err(|_| not_gzip())?;
        let rest = std::mem::take(inflate.get_mut());
        Ok((!rest.is_empty()).then(|| rest.into()))
    }
}

/// Compressed bytes given to the inflater at once; they become at most about a thousand times as many.
const INFLATE_AT_ONCE: usize = 1024;

fn too_large(limit: usize) -> Failure {
    Failure::new(ErrorCode::TooLarge, format!("the body may have at most {limit} bytes"))
}

fn slow() -> Failure {
    Failure::new(ErrorCode::RequestTimeout, "the body came too slowly")
}

fn broken_off() -> Failure {
    Failure::new(ErrorCode::MalformedRequest, "the body broke off")
}

fn not_gzip() -> Failure {
    Failure::new(ErrorCode::BadEncoding, "the body is not a whole gzip stream")
}
