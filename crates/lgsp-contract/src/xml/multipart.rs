//! `multipart/related` messages (MTOM/XOP, SOAP with attachments): finds the part that holds the envelope and puts
//! another in its place. All other parts stay byte for byte.
//!
//! It decodes no attachment and resolves no `xop:Include`.

use std::fmt;
use std::ops::Range;

use super::soap::{MediaType, media_type};

/// Parts of one message; real ones have an envelope and a few files.
const MAX_PARTS: usize = 256;
/// Bytes of the headers of one part.
const MAX_HEADER_BYTES: usize = 8 << 10;
/// RFC 2046 section 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// Why a message is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MultipartError {
    /// The Content-Type is not `multipart/related` with a valid boundary.
    ContentType,
    /// No first boundary, or no last one.
    Boundary,
    /// A part without the empty line after its headers, or with malformed headers.
    Headers,
    TooManyParts,
    HeadersTooLong,
    /// No part, or two, has the Content-ID that `start` names.
    Root,
    /// The envelope is in base64 or quoted-printable.
    TransferEncoding,
}

impl fmt::Display for MultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ContentType => "the Content-Type must be multipart/related with a boundary",
            Self::Boundary => "the message does not begin and end with its boundary; send it whole",
            Self::Headers => "the headers of a part are malformed",
            Self::TooManyParts => "there are more than 256 parts; send fewer",
            Self::HeadersTooLong => "the headers of a part are longer than 8 KiB; send shorter ones",
            Self::Root => "no part or more than one has the Content-ID that the start parameter names",
            Self::TransferEncoding => "the envelope must be sent as 8bit or binary, not encoded",
        })
    }
}

impl std::error::Error for MultipartError {}

/// Where the part stands that holds the envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RootPart {
    /// Its content.
    pub(crate) content: Range<usize>,
    /// The value of its Content-Length, which must follow when the content changes.
    length: Option<Range<usize>>,
    /// Its own Content-Type.
    pub(crate) content_type: Option<String>,
    /// How many parts there are, this one included.
    pub(crate) parts: usize,
}

/// One part of a message.
struct Part {
    headers: Range<usize>,
    content: Range<usize>,
}

/// Finds the part that holds the envelope: the one that `start` names, else the first.
pub(crate) fn find_root(content_type: &str, body: &[u8]) -> Result<RootPart, MultipartError> {
    let media = media_type(content_type).filter(|media| media.essence == "multipart/related");
    let media = media.ok_or(MultipartError::ContentType)?;
    let boundary = media.parameter("boundary").filter(|boundary| is_boundary(boundary));
    let parts = split(body, boundary.ok_or(MultipartError::ContentType)?)?;
    let root = find(&media, body, &parts)?;
    let (mut length, mut content_type) = (None, None);
    for (name, value) in headers(body, &root.headers)? {
        let text = std::str::from_utf8(&body[value.clone()]).map_err(|_| MultipartError::Headers)?;
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value);
        } else if name.eq_ignore_ascii_case("content-type") {
            content_type = Some(text.to_owned());
        } else if name.eq_ignore_ascii_case("content-transfer-encoding")
            && !["7bit", "8bit", "binary"].iter().any(|known| text.eq_ignore_ascii_case(known))
        {
            return Err(MultipartError::TransferEncoding);
        }
    }
    Ok(RootPart { content: root.content.clone(), length, content_type, parts: parts.len() })
}

impl RootPart {
    /// The message with `content` in place of this part's.
    pub(crate) fn replace(&self, body: &[u8], content: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len() - self.content.len() + content.len() + 20);
        match &self.length {
            Some(length) => {
                out.extend_from_slice(&body[..length.start]);
                out.extend_from_slice(content.len().to_string().as_bytes());
                out.extend_from_slice(&body[length.end..self.content.start]);
            }
            None => out.extend_from_slice(&body[..self.content.start]),
        }
        out.extend_from_slice(content);
        out.extend_from_slice(&body[self.content.end..]);
        out
    }
}

fn is_boundary(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=MAX_BOUNDARY).contains(&text.len()) && !text.ends_with(' ') && text.bytes().all(known)
}

fn split(body: &[u8], boundary: &str) -> Result<Vec<Part>, MultipartError> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    // The first delimiter may stand at the very beginning; before it is only a preamble.
    let mut at = if body.starts_with(&delimiter.as_bytes()[2..]) {
        delimiter.len() - 2
    } else {
        finder.find(body).ok_or(MultipartError::Boundary)? + delimiter.len()
    };
    let mut parts = Vec::new();
    loop {
        if body[at..].starts_with(b"--") {
            return if parts.is_empty() { Err(MultipartError::Root) } else { Ok(parts) };
        }
        let padding = body[at..].iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
        if !body[at + padding..].starts_with(b"\r\n") {
            return Err(MultipartError::Boundary);
        }
        if parts.len() >= MAX_PARTS {
            return Err(MultipartError::TooManyParts);
        }
        // The line end of the delimiter is also that before the next one, when a part has no content.
        let begin = at + padding;
        let end = begin + finder.find(&body[begin + 2..]).map(|found| found + 2).ok_or(MultipartError::Boundary)?;
        parts.push(part(body, begin + 2, end)?);
        at = end + delimiter.len();
    }
}

fn part(body: &[u8], begin: usize, end: usize) -> Result<Part, MultipartError> {
    let part = &body[begin..end];
    if part.starts_with(b"\r\n") {
        return Ok(Part { headers: begin..begin, content: begin + 2..end });
    }
    let window = &part[..part.len().min(MAX_HEADER_BYTES)];
    match memchr::memmem::find(window, b"\r\n\r\n") {
        Some(length) => Ok(Part { headers: begin..begin + length, content: begin + length + 4..end }),
        None if part.len() > MAX_HEADER_BYTES => Err(MultipartError::HeadersTooLong),
        None => Err(MultipartError::Headers),
    }
}

/// Names, and where values stand. A header that goes on in the next line is refused: two readers might differ.
fn headers<'b>(body: &'b [u8], range: &Range<usize>) -> Result<Vec<(&'b str, Range<usize>)>, MultipartError> {
    let (mut at, mut headers) = (range.start, Vec::new());
    while at < range.end {
        let length = memchr::memmem::find(&body[at..range.end], b"\r\n").unwrap_or(range.end - at);
        let line = &body[at..at + length];
        let colon = memchr::memchr(b':', line).ok_or(MultipartError::Headers)?;
        let name = std::str::from_utf8(&line[..colon]).map_err(|_| MultipartError::Headers)?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(MultipartError::Headers);
        }
        let is_padding = |byte: &&u8| matches!(**byte, b' ' | b'\t');
        let before = line[colon + 1..].iter().take_while(is_padding).count();
        let start = at + colon + 1 + before;
        let after = body[start..at + length].iter().rev().take_while(is_padding).count();
        headers.push((name, start..at + length - after));
        at += length + 2;
    }
    Ok(headers)
}

fn find<'p>(media: &MediaType<'_>, body: &[u8], parts: &'p [Part]) -> Result<&'p Part, MultipartError> {
    let Some(start) = media.parameter("start") else { return parts.first().ok_or(MultipartError::Root) };
    let bare = |id: &[u8]| id.strip_prefix(b"<").and_then(|id| id.strip_suffix(b">")).unwrap_or(id).to_vec();
    let wanted = bare(start.as_bytes());
    let mut found = None;
    for part in parts {
        let ids = headers(body, &part.headers)?;
        let mut ids = ids.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-id"));
        if ids.any(|(_, value)| bare(&body[value]) == wanted) && found.replace(part).is_some() {
            return Err(MultipartError::Root);
        }
    }
    found.ok_or(MultipartError::Root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/related; boundary=\"b 1\"; type=\"application/xop+xml\"; start=\"<root@x>\"";
    const BODY: &str = "preamble\r\n--b 1\r\nContent-ID: <file@x>\r\n\r\n\u{0}PDF\r\n--b\r\n\r\n--b 1 \r\n\
        Content-Type: application/xop+xml; charset=utf-8\r\ncontent-length: 4\r\nContent-ID: <root@x>\r\n\r\n<a/>\r\n\
        --b 1\r\n\r\nx\r\n--b 1--\r\nepilogue";

    #[test]
    fn the_envelope_is_found_and_replaced_and_the_rest_stays_byte_for_byte() {
        let root = find_root(TYPE, BODY.as_bytes()).unwrap();
        assert_eq!(&BODY[root.content.clone()], "<a/>");
        assert_eq!(root.content_type.as_deref(), Some("application/xop+xml; charset=utf-8"));
        assert_eq!(root.parts, 3);
        let replaced = String::from_utf8(root.replace(BODY.as_bytes(), b"<longer/>")).unwrap();
        assert_eq!(replaced, BODY.replace("<a/>", "<longer/>").replace("length: 4", "length: 9"));
    }

    #[test]
    fn without_start_the_first_part_is_the_envelope() {
        let body = b"--b\r\n\r\n<a/>\r\n--b\r\nContent-ID: x\r\n\r\n\r\n--b--";
        let root = find_root("multipart/related; boundary=b", body).unwrap();
        assert_eq!(&body[root.content.clone()], b"<a/>");
        assert_eq!(root.replace(body, b""), b"--b\r\n\r\n\r\n--b\r\nContent-ID: x\r\n\r\n\r\n--b--");
    }

    #[test]
    fn malformed_messages_are_refused() {
        let of = |body: &str| find_root("multipart/related; boundary=b", body.as_bytes()).unwrap_err();
        for (body, error) in [
            ("", MultipartError::Boundary),
            ("--b--", MultipartError::Root),
            ("--b\r\n\r\nx", MultipartError::Boundary),
            ("--bx\r\n\r\nx\r\n--b--", MultipartError::Boundary),
            ("--b\r\nno-colon\r\n\r\nx\r\n--b--", MultipartError::Headers),
            ("--b\r\nA: b\r\n folded: c\r\n\r\nx\r\n--b--", MultipartError::Headers),
            ("--b\r\nA: b\r\nx\r\n--b--", MultipartError::Headers),
            ("--b\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--", MultipartError::TransferEncoding),
        ] {
            assert_eq!(of(body), error, "{body:?}");
        }
        assert_eq!(of(&format!("--b\r\nA: {}\r\n\r\nx\r\n--b--", "x".repeat(9000))), MultipartError::HeadersTooLong);
        assert_eq!(of(&format!("{}--b--", "--b\r\n\r\nx\r\n".repeat(257))), MultipartError::TooManyParts);
        for kind in ["multipart/related", "multipart/mixed; boundary=b", "multipart/related; boundary=\"\""] {
            assert_eq!(find_root(kind, b"--b\r\n\r\nx\r\n--b--").unwrap_err(), MultipartError::ContentType);
        }
        for id in ["", "Content-ID: <other>\r\n"] {
            let body = format!("--b 1\r\n{id}\r\nx\r\n--b 1--");
            assert_eq!(find_root(TYPE, body.as_bytes()).unwrap_err(), MultipartError::Root);
        }
        let twice = BODY.replace("file@x", "root@x");
        assert_eq!(find_root(TYPE, twice.as_bytes()).unwrap_err(), MultipartError::Root);
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic_and_the_same_content_changes_nothing(
            pieces in prop::collection::vec(prop::sample::select(vec!["--b", "\r\n", "--", "A: b", " ", "x", "\r"]), 0..24),
        ) {
            let body = pieces.concat();
            if let Ok(root) = find_root("multipart/related; boundary=b", body.as_bytes()) {
                let content = body.as_bytes()[root.content.clone()].to_vec();
                prop_assert_eq!(root.replace(body.as_bytes(), &content), body.as_bytes());
            }
        }
    }
}
