//! The echo's answers that do not depend on the request's body.
//!
//! `early` and the others here answer without reading it.

use std::io::Write;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderName, HeaderValue, IF_RANGE, RANGE,
    TRAILER,
};
use hyper::{HeaderMap, StatusCode};

use crate::answer::Answer;
use crate::call::Query;
use crate::scripted::{Ending, Scripted, Step, pattern};

/// A compressed body's size before compression; it is held.
const MAX_GZIP: u64 = 64 << 20;
/// A header's value; beyond it nobody reads.
const MAX_HEADER: u64 = 1 << 20;
/// A slow body's size, so that its pieces can be reckoned.
const MAX_SLOW: u64 = 1 << 40;
/// A pause between pieces.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How long a stalled body stays silent before it breaks off.
const STALL: Duration = Duration::from_secs(600);
/// Time for the half that is sent to arrive before the connection is reset under it.
const BEFORE_RESET: Duration = Duration::from_millis(50);
const BINARY: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";
/// The entity tag of every generated body: the pattern never changes.
const TAG: &str = "\"pattern-251\"";

pub(super) fn answer(service: &str, path: &str, query: &Query, headers: &HeaderMap, ending: &Ending) -> Answer {
    match service {
        "early" => plain(query.number("status").and_then(status).unwrap_or(StatusCode::OK)),
        "status" => plain(last_number(path).and_then(status).unwrap_or(StatusCode::BAD_REQUEST)),
        "bytes" => bytes(last_number(path).unwrap_or(0), headers),
        "slow-body" => Answer::scripted(StatusCode::OK, BINARY, slow(query)),
        "stall" => Answer::scripted(StatusCode::OK, BINARY, stalled(query)),
        "half" => Answer::scripted(StatusCode::OK, BINARY, half(query, ending)),
        "trailers" => trailers(query),
        "sse" => events(query),
        "gzip" => gzip(query.number("bytes").unwrap_or(100_000).min(MAX_GZIP)),
        "headers" => with_headers(query),
        "big-header" => {
            let value = "h".repeat(query.number("bytes").unwrap_or(8192).min(MAX_HEADER) as usize);
            let value = HeaderValue::from_str(&value).expect("letters make a header");
            plain(StatusCode::OK).with(HeaderName::from_static("x-big"), value)
        }
        _ => plain(StatusCode::OK),
    }
}

fn plain(status: StatusCode) -> Answer {
    if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Answer::of(status, TEXT, Bytes::new());
    }
    Answer::of(status, TEXT, format!("{status}\n"))
}

fn status(number: u64) -> Option<StatusCode> {
    u16::try_from(number).ok().filter(|number| *number >= 200).and_then(|number| StatusCode::from_u16(number).ok())
}

fn last_number(path: &str) -> Option<u64> {
    path.rsplit('/').next().and_then(|last| last.parse().ok())
}

/// The pattern, whole or in the one range that is asked for; several ranges get the whole.
fn bytes(size: u64, headers: &HeaderMap) -> Answer {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = HeaderValue::from_static(TAG);
    let accept = HeaderValue::from_static("bytes");
    let same = text(IF_RANGE).is_none_or(|given| given == TAG);
    let asked = text(RANGE).and_then(|range| range.strip_prefix("bytes=")).filter(|range| same && !range.contains(','));
    let (status, range, content_range) = match asked.map(|range| range_of(range, size)) {
        None => (StatusCode::OK, 0..size, None),
        Some(Some(range)) => {
            let said = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            (StatusCode::PARTIAL_CONTENT, range, Some(said))
        }
        Some(None) => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0, Some(format!("bytes */{size}"))),
    };
    let answer = Answer::scripted(status, BINARY, Scripted::pattern(range)).with(ETAG, tag).with(ACCEPT_RANGES, accept);
    match content_range {
        Some(said) => answer.with(CONTENT_RANGE, HeaderValue::from_str(&said).expect("digits make a header")),
        None => answer,
    }
}

/// The bytes of `a-b`, `a-` or `-n`; `None` when there are none.
fn range_of(range: &str, size: u64) -> Option<Range<u64>> {
    let (from, to) = range.split_once('-')?;
    let found = if from.is_empty() {
        size.saturating_sub(to.parse().ok()?)..size
    } else {
        let last: u64 = if to.is_empty() { u64::MAX } else { to.parse().ok()? };
        from.parse().ok()?..last.saturating_add(1).min(size)
    };
    (found.start < found.end).then_some(found)
}

/// `pieces` pieces of `bytes` in all, `ms` apart.
fn slow(query: &Query) -> Scripted {
    let size = query.number("bytes").unwrap_or(1000).min(MAX_SLOW);
    let pieces = query.number("pieces").unwrap_or(10).clamp(1, 10_000);
    let pause = Duration::from_millis(query.number("ms").unwrap_or(100)).min(MAX_PAUSE);
    let piece = move |number: u64| pattern(size * number / pieces..size * (number + 1) / pieces).map(Step::Data);
    let steps = (0..pieces).flat_map(move |number| std::iter::once(Step::Pause(pause)).chain(piece(number)));
    Scripted::new(steps).announcing(size)
}

/// Half of the bytes, then nothing.
fn stalled(query: &Query) -> Scripted {
    let size = query.number("bytes").unwrap_or(1000);
    let steps = pattern(0..size / 2).map(Step::Data).chain([Step::Pause(STALL), Step::Break(None)]);
    Scripted::new(steps).announcing(size)
}

/// Half of the bytes, then a reset or, with `end=fin`, an orderly end. With `chunked` no length is announced.
fn half(query: &Query, ending: &Ending) -> Scripted {
    let size = query.number("bytes").unwrap_or(100_000);
    let end = (query.get("end") != Some("fin")).then(|| ending.clone());
    let steps = pattern(0..size / 2).map(Step::Data).chain([Step::Pause(BEFORE_RESET), Step::Break(end)]);
    let body = Scripted::new(steps);
    if query.get("chunked").is_some() { body } else { body.announcing(size) }
}

/// Chunks, then `x-checksum` and `x-bytes` as trailers. Over HTTP/1.1 only a caller that sent `TE: trailers` gets them.
fn trailers(query: &Query) -> Answer {
    let size = query.number("bytes").unwrap_or(1000);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("pattern-251"));
    trailers.insert("x-bytes", HeaderValue::from(size));
    let steps = pattern(0..size).map(Step::Data).chain([Step::Trailers(Box::new(trailers))]);
    Answer::scripted(StatusCode::OK, BINARY, Scripted::new(steps))
        .with(TRAILER, HeaderValue::from_static("x-checksum, x-bytes"))
}

/// `events` events, `ms` apart; without a number they go on.
fn events(query: &Query) -> Answer {
    let count = query.number("events").unwrap_or(u64::MAX);
    let pause = Duration::from_millis(query.number("ms").unwrap_or(100)).min(MAX_PAUSE);
    let steps = (1..=count).flat_map(move |number| {
        let event = format!("id: {number}\nevent: tick\ndata: {{\"n\":{number}}}\n\n");
        [Step::Data(event.into()), Step::Pause(pause)]
    });
    Answer::scripted(StatusCode::OK, "text/event-stream", Scripted::new(steps))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

fn gzip(size: u64) -> Answer {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for piece in pattern(0..size) {
        encoder.write_all(&piece).expect("memory takes every byte");
    }
    let packed = encoder.finish().expect("memory takes every byte");
    Answer::of(StatusCode::OK, BINARY, packed).with(CONTENT_ENCODING, HeaderValue::from_static("gzip"))
}

/// Every pair of the query as a header, also those that are not to be passed on.
fn with_headers(query: &Query) -> Answer {
    query.pairs().fold(plain(StatusCode::OK), |answer, (name, value)| match (name.parse(), value.parse()) {
        (Ok(name), Ok(value)) => answer.with(name, value),
        _ => answer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_standard() {
        for (range, found) in [
            ("0-9", Some(0..10)),
            ("90-", Some(90..100)),
            ("90-200", Some(90..100)),
            ("-10", Some(90..100)),
            ("-200", Some(0..100)),
            ("100-", None),
            ("9-3", None),
            ("-0", None),
            ("x-9", None),
            ("9", None),
        ] {
            assert_eq!(range_of(range, 100), found, "{range}");
        }
    }
}
