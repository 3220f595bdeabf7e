//! Follows the framing of HTTP/1 bytes on their way in and finds requests that two readers could understand
//! differently: `Content-Length` beside `Transfer-Encoding`, no or several `Host` (RFC 9112 §3.2, §6.1).
//!
//! It only looks. hyper parses the same bytes afterwards and answers; it hides that both headers were there.

use memchr::memmem;

/// Why a head must not be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Both ways of saying how long the body is, or one that cannot be followed.
    AmbiguousLength,
    /// HTTP/1.1 without exactly one `Host`.
    Host,
    /// More head bytes than the listener allows.
    TooLarge,
    /// A head that began and did not end in time.
    Slow,
}

/// Where in the stream of requests the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    Trailers,
    /// Behind a request that asked for another protocol: what follows is known when it is answered.
    Switching,
    /// Not HTTP/1 any more, or beyond a head that hyper will refuse itself.
    Opaque,
}

/// What the follower says of the bytes in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// So many bytes from the front may be passed on.
    Pass(usize),
    /// A line or head is incomplete: read more, then ask again.
    More,
    /// Pass nothing more.
    Refuse(Refusal),
}

/// Follows one connection.
#[derive(Debug)]
pub(crate) struct Follower {
    state: State,
    head_limit: usize,
    looked_through: usize,
    /// Whether the request asked for another protocol.
    asks: bool,
}

impl Follower {
    /// A follower at the start of a connection.
    pub(crate) fn new(head_limit: usize) -> Self {
        Self { state: State::Head, head_limit, looked_through: 0, asks: false }
    }

    /// Bytes that may flow past without a look, because they are body.
    pub(crate) fn free_bytes(&self) -> u64 {
        match self.state {
            State::Body(left) | State::ChunkData(left) => left,
            State::Opaque => u64::MAX,
            State::Head | State::ChunkSize | State::Trailers | State::Switching => 0,
        }
    }

    /// Whether nothing can be said of further bytes before a request that asked for another protocol is answered.
    pub(crate) fn awaits_switch(&self) -> bool {
        self.state == State::Switching
    }

    /// Goes on after that answer: with bytes of another protocol, which flow without a look, or with the next request.
    pub(crate) fn switch(&mut self, switched: bool) {
        if self.state == State::Switching {
            self.state = if switched { State::Opaque } else { State::Head };
        }
    }

    /// What follows the end of a request.
    fn behind_request(&mut self) -> State {
        if std::mem::take(&mut self.asks) { State::Switching } else { State::Head }
    }

    /// Whether all that was looked at are whole requests.
    pub(crate) fn is_between(&self) -> bool {
        self.state == State::Head
    }

    /// Whether the client has begun a request and not ended it.
    pub(crate) fn is_inside_request(&self) -> bool {
        !matches!(self.state, State::Head | State::Switching | State::Opaque)
    }

    /// Takes note of `count` body bytes that flowed past.
    pub(crate) fn flowed(&mut self, count: usize) {
        self.state = match self.state {
            State::Body(left) if left == count as u64 => self.behind_request(),
            State::Body(left) => State::Body(left - count as u64),
            State::ChunkData(left) if left == count as u64 => State::ChunkSize,
            State::ChunkData(left) => State::ChunkData(left - count as u64),
            other => other,
        };
    }

    /// Looks at the bytes that wait, from the front.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Verdict {
        if bytes.is_empty() {
            return Verdict::More;
        }
        match self.state {
            State::Body(_) | State::ChunkData(_) | State::Opaque => {
                let count = usize::try_from(self.free_bytes()).unwrap_or(usize::MAX).min(bytes.len());
                self.flowed(count);
                Verdict::Pass(count)
            }
            State::Head => self.look_at_head(bytes),
            State::ChunkSize => self.look_at_chunk_size(bytes),
            State::Trailers => self.look_at_trailer(bytes),
            State::Switching => Verdict::More,
        }
    }

    fn look_at_head(&mut self, bytes: &[u8]) -> Verdict {
        let from = self.looked_through.saturating_sub(3);
        let Some(end) = memmem::find(&bytes[from..], b"\r\n\r\n").map(|at| from + at + 4) else {
            // A bare LF may end a line for hyper: a head that never shows CRLF CRLF is left to its own parser.
            if memmem::find(bytes, b"\n\n").is_some()
                || memmem::find(bytes, b"\n\r\n").is_some_and(|at| at > 0 && bytes[at - 1] != b'\r')
            {
                return Verdict::Refuse(Refusal::AmbiguousLength);
            }
            self.looked_through = bytes.len();
            return if bytes.len() > self.head_limit { Verdict::Refuse(Refusal::TooLarge) } else { Verdict::More };
        };
        self.looked_through = 0;
        if end > self.head_limit {
            return Verdict::Refuse(Refusal::TooLarge);
        }
        match read_head(&bytes[..end]) {
            Ok((next, asks)) => {
                self.asks = asks;
                self.state = if next == State::Head { self.behind_request() } else { next };
                Verdict::Pass(end)
            }
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    fn look_at_chunk_size(&mut self, bytes: &[u8]) -> Verdict {
        let Some(end) = line_end(bytes) else {
            return if bytes.len() > MAX_CHUNK_LINE {
                Verdict::Refuse(Refusal::AmbiguousLength)
            } else {
                Verdict::More
            };
        };
        let digits = bytes[..end].iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let size = std::str::from_utf8(&bytes[..digits]).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
        let Some(size) = size.filter(|size| *size < u64::MAX - 2) else {
            return Verdict::Refuse(Refusal::AmbiguousLength);
        };
        self.state = if size == 0 { State::Trailers } else { State::ChunkData(size + 2) };
        Verdict::Pass(end)
    }

    fn look_at_trailer(&mut self, bytes: &[u8]) -> Verdict {
        let Some(end) = line_end(bytes) else {
            return if bytes.len() > self.head_limit { Verdict::Refuse(Refusal::TooLarge) } else { Verdict::More };
        };
        if end <= 2 {
            self.state = self.behind_request();
        }
        Verdict::Pass(end)
    }
}

/// A chunk's size line with its extensions.
const MAX_CHUNK_LINE: usize = 4096;

fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes).map(|at| at + 1)
}

/// Reads what decides the framing from a whole head, and whether it asks for another protocol.
fn read_head(head: &[u8]) -> Result<(State, bool), Refusal> {
    if head.starts_with(b"PRI * HTTP/2") {
        return Ok((State::Opaque, false));
    }
    let mut lines = head.split(|b| *b == b'\n');
    let request_line = lines.next().unwrap_or_default();
    let old_version = trim(request_line).ends_with(b"HTTP/1.0");
    let mut found = Found::default();
    for line in lines {
        found.note(line.strip_suffix(b"\r").unwrap_or(line))?;
    }
    Ok((found.next_state(old_version)?, found.upgrade))
}

#[derive(Default)]
struct Found {
    length: Option<u64>,
    chunked: bool,
    hosts: usize,
    upgrade: bool,
}

impl Found {
    fn note(&mut self, line: &[u8]) -> Result<(), Refusal> {
        // A header's first letter rules out nearly all lines before anything is compared.
        match line.first() {
            Some(b'c' | b'C') if is_named(line, b"content-length") => self.note_length(line),
            Some(b't' | b'T') if is_named(line, b"transfer-encoding") => {
                if self.chunked || !trim(value(line)).eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::AmbiguousLength);
                }
                self.chunked = true;
                Ok(())
            }
            Some(b'h' | b'H') if is_named(line, b"host") => {
                self.hosts += 1;
                Ok(())
            }
            Some(b'u' | b'U') if is_named(line, b"upgrade") => {
                self.upgrade = true;
                Ok(())
            }
            // A folded line could hide a value from one of two readers.
            Some(b' ' | b'\t') => Err(Refusal::AmbiguousLength),
            _ => Ok(()),
        }
    }

    fn note_length(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let text = trim(value(line));
        let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
        match (number, self.length) {
            (Some(number), None) => self.length = Some(number),
            _ => return Err(Refusal::AmbiguousLength),
        }
        Ok(())
    }

    fn next_state(&self, old_version: bool) -> Result<State, Refusal> {
        if self.chunked && (self.length.is_some() || old_version) {
            return Err(Refusal::AmbiguousLength);
        }
        if self.hosts > 1 || (self.hosts == 0 && !old_version) {
            return Err(Refusal::Host);
        }
        Ok(match self.length {
            _ if self.chunked => State::ChunkSize,
            None | Some(0) => State::Head,
            Some(length) => State::Body(length),
        })
    }
}

/// Whether the line's name is `name`, also when white space before the colon would hide it.
fn is_named(line: &[u8], name: &[u8]) -> bool {
    let colon = memchr::memchr(b':', line).unwrap_or(line.len());
    line[..colon].trim_ascii_end().eq_ignore_ascii_case(name)
}

fn value(line: &[u8]) -> &[u8] {
    memchr::memchr(b':', line).map_or(&[], |colon| &line[colon + 1..])
}

fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verdict(text: &str) -> Verdict {
        Follower::new(1024).look(text.as_bytes())
    }

    #[test]
    fn heads_that_two_readers_could_frame_differently_are_refused() {
        for (head, expected) in [
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                Refusal::AmbiguousLength,
            ),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n",
                Refusal::AmbiguousLength,
            ),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                Refusal::AmbiguousLength,
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", Refusal::AmbiguousLength),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", Refusal::AmbiguousLength),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Refusal::AmbiguousLength),
            ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::AmbiguousLength),
            ("POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 5\r\n\r\n", Refusal::AmbiguousLength),
            ("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", Refusal::Host),
            ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", Refusal::Host),
            ("GET / HTTP/1.1\nHost: a\n\n", Refusal::AmbiguousLength),
        ] {
            assert_eq!(verdict(head), Verdict::Refuse(expected), "{head:?}");
        }
    }

    #[test]
    fn ordinary_heads_pass_and_an_unfinished_one_waits() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(verdict(&format!("{head}{{}}GET")), Verdict::Pass(head.len()));
        assert_eq!(verdict(&head[..20]), Verdict::More);
        assert_eq!(verdict("GET / HTTP/1.0\r\n\r\n"), Verdict::Pass(18));
        assert_eq!(verdict("PRI * HTTP/2.0\r\n\r\n"), Verdict::Pass(18));
        assert_eq!(verdict(&"x".repeat(1025)), Verdict::Refuse(Refusal::TooLarge));
    }

    /// Feeds the follower in pieces and counts what it lets through.
    fn pass_through(stream: &[u8], piece: usize) -> Result<usize, Refusal> {
        let mut follower = Follower::new(1024);
        let (mut waiting, mut passed) = (Vec::new(), 0);
        for part in stream.chunks(piece) {
            waiting.extend_from_slice(part);
            loop {
                match follower.look(&waiting) {
                    Verdict::Pass(count) => {
                        waiting.drain(..count);
                        passed += count;
                    }
                    Verdict::More => break,
                    Verdict::Refuse(refusal) => return Err(refusal),
                }
            }
        }
        Ok(passed)
    }

    #[test]
    fn behind_a_request_for_another_protocol_nothing_is_said_before_its_answer() {
        let ask = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        for (switched, next, expected) in [
            (true, "\x01\x02 any bytes at all", Verdict::Pass(19)),
            (false, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::Pass(28)),
            (false, "GET /b HTTP/1.1\r\n\r\n", Verdict::Refuse(Refusal::Host)),
        ] {
            let mut follower = Follower::new(1024);
            assert_eq!(follower.look(ask.as_bytes()), Verdict::Pass(ask.len()));
            assert_eq!(follower.look(next.as_bytes()), Verdict::More);
            assert!(follower.awaits_switch() && follower.free_bytes() == 0 && !follower.is_inside_request());
            follower.switch(switched);
            assert_eq!(follower.look(next.as_bytes()), expected, "{next}");
        }
    }

    #[test]
    fn a_body_in_front_of_a_switch_is_followed_first() {
        let mut follower = Follower::new(1024);
        let head = "POST /a HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(follower.look(head.as_bytes()), Verdict::Pass(head.len()));
        assert!(!follower.awaits_switch() && follower.free_bytes() == 3);
        follower.flowed(3);
        assert!(follower.awaits_switch());
        follower.switch(false);
        let plain = "GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(follower.look(plain.as_bytes()), Verdict::Pass(plain.len()));
        assert!(!follower.awaits_switch(), "a later request did not ask");
    }

    proptest! {
        /// A smuggled second request is found after any legal first one, however the bytes are cut.
        #[test]
        fn framing_is_followed_over_requests_and_cuts(body in prop::collection::vec(any::<u8>(), 0..200), chunk in 1usize..50, piece in 1usize..300) {
            let mut stream = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for part in body.chunks(chunk) {
                stream.extend_from_slice(format!("{:x};ext=1\r\n", part.len()).as_bytes());
                stream.extend_from_slice(part);
                stream.extend_from_slice(b"\r\n");
            }
            stream.extend_from_slice(b"0\r\nTrailer: 1\r\n\r\n");
            stream.extend_from_slice(format!("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
            stream.extend_from_slice(&body);
            prop_assert_eq!(pass_through(&stream, piece), Ok(stream.len()));
            stream.extend_from_slice(b"GET /c HTTP/1.1\r\n\r\n");
            prop_assert_eq!(pass_through(&stream, piece), Err(Refusal::Host));
        }
    }
}
