//! The trace that runs through request, log row, delivery and answer (W3C Trace Context). It carries no decisions.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use lgsp_store::TraceId;

/// The header that carries a trace (W3C Trace Context §3.2).
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// One request's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    id: TraceId,
    span: u64,
}

/// Makes ids that are unique without a system call per request: a random half per process, and a counter.
#[derive(Debug)]
pub(crate) struct TraceSource {
    process: [u8; 8],
    next: AtomicU64,
}

impl TraceSource {
    /// A source whose ids no other process gives out.
    pub(crate) fn new() -> Self {
        let mut process = [0; 8];
        aws_lc_rs::rand::fill(&mut process).expect("the system has randomness");
        Self { process, next: AtomicU64::new(1) }
    }

    /// The caller's trace when the request carries a well-formed `traceparent`, a new one otherwise.
    pub(crate) fn of_request(&self, headers: &HeaderMap) -> Trace {
        let span = self.next.fetch_add(1, Ordering::Relaxed);
        let given = headers.get(TRACEPARENT).and_then(|value| parse_traceparent(value.as_bytes()));
        Trace { id: given.unwrap_or_else(|| self.new_id(span)), span }
    }

    fn new_id(&self, span: u64) -> TraceId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.process);
        id[8..].copy_from_slice(&span.to_be_bytes());
        id
    }
}

impl Default for TraceSource {
    fn default() -> Self {
        Self::new()
    }
}

impl Trace {
    /// The id as the log keeps it.
    pub(crate) fn id(&self) -> TraceId {
        self.id
    }

    /// The id in 32 hex digits.
    pub(crate) fn id_hex(&self) -> String {
        hex_of(&self.id)
    }

    /// The value of `traceresponse` and of an outgoing `traceparent`.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut text = *b"00-................................-................-01";
        write_hex(&self.id, &mut text[3..35]);
        write_hex(&self.span.to_be_bytes(), &mut text[36..52]);
        HeaderValue::from_bytes(&text).expect("hex and dashes are visible ASCII")
    }
}

/// 32 hex digits of a stored trace id.
pub(crate) fn hex_of(id: &[u8]) -> String {
    let mut digits = vec![0; 2 * id.len()];
    write_hex(id, &mut digits);
    String::from_utf8(digits).expect("hex digits are ASCII")
}

/// Two hex digits for each byte; `digits` has room for exactly these.
fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, two) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        two[0] = DIGITS[usize::from(byte >> 4)];
        two[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn parse_traceparent(value: &[u8]) -> Option<TraceId> {
    let well_formed = value.len() >= 55 && &value[..2] != b"ff" && value[2] == b'-' && value[35] == b'-';
    let hex = std::str::from_utf8(value.get(3..35)?).ok().filter(|_| well_formed)?;
    if !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let id = u128::from_str_radix(hex, 16).ok().filter(|id| *id != 0)?;
    Some(id.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([("traceparent".parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_callers_trace_is_taken_over() {
        let source = TraceSource::new();
        let trace = source.of_request(&headers("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert_eq!(trace.id_hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_trace_is_told_as_it_is_read() {
        let source = TraceSource::new();
        let told = source.of_request(&HeaderMap::new()).header();
        let text = told.to_str().unwrap();
        assert!(text.len() == 55 && text.starts_with("00-") && text.ends_with("-01"), "{text}");
        assert_eq!(source.of_request(&headers(text)).id_hex(), text[3..35]);
    }

    #[test]
    fn a_malformed_trace_is_replaced_by_a_new_one() {
        let source = TraceSource::new();
        for bad in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let (one, two) = (source.of_request(&headers(bad)), source.of_request(&headers(bad)));
            assert_ne!(one.id(), two.id(), "{bad}");
            assert_eq!(&one.id()[..8], &source.process);
        }
    }
}
