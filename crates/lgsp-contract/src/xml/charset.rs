//! From the bytes of a message to text: UTF-8 and UTF-16, by byte order mark, Content-Type and XML declaration, which
//! must agree (RFC 7303 section 3, XML 1.0 appendix F).
//!
//! It converts no legacy encoding: what a document in one of them means is a guess too often.

use std::borrow::Cow;

use super::attributes;
use super::error::{XmlError, XmlErrorKind};

/// The declaration stands within so many bytes. A longer one is refused: its encoding would not have been looked at.
const DECLARATION_BYTES: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    /// A subset of UTF-8.
    Ascii,
    Utf16(Order),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
    /// Whatever the byte order mark says.
    Marked,
}

/// The text of a document, without a byte order mark. `charset` is the parameter of its Content-Type, if there is one.
pub(crate) fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, XmlError> {
    let refused = |kind| XmlError { line: 1, column: 1, kind };
    let outside = charset.map(|name| named(name.trim_matches(['"', '\'', ' ']))).transpose().map_err(refused)?;
    let (encoding, body) = detect(bytes, outside).ok_or(refused(XmlErrorKind::Charset))?;
    if outside.is_some_and(|outside| !agrees(outside, encoding)) {
        return Err(refused(XmlErrorKind::CharsetConflict));
    }
    let text = match encoding {
        Encoding::Utf16(order) => utf16(body, order == Order::Big)?,
        Encoding::Utf8 | Encoding::Ascii => {
            // A legacy encoding is the likely reason of bytes that are not UTF-8, and the better thing to say.
            check_declared(&body[..body.len().min(DECLARATION_BYTES)], encoding, outside)?;
            let text = std::str::from_utf8(body)
                .map_err(|error| XmlError::at(body, error.valid_up_to(), XmlErrorKind::Encoding))?;
            return Ok(Cow::Borrowed(text));
        }
    };
    check_declared(&text.as_bytes()[..text.len().min(DECLARATION_BYTES)], encoding, outside)?;
    Ok(Cow::Owned(text))
}

/// The encoding by the first bytes, and what follows the byte order mark; `None` for UTF-32.
fn detect(bytes: &[u8], outside: Option<Encoding>) -> Option<(Encoding, &[u8])> {
    Some(match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [b'<', 0, 0, 0, ..] | [0, 0, 0, b'<', ..] => return None,
        [0xEF, 0xBB, 0xBF, body @ ..] => (Encoding::Utf8, body),
        [0xFF, 0xFE, body @ ..] => (Encoding::Utf16(Order::Little), body),
        [0xFE, 0xFF, body @ ..] => (Encoding::Utf16(Order::Big), body),
        [b'<', 0, ..] => (Encoding::Utf16(Order::Little), bytes),
        [0, b'<', ..] => (Encoding::Utf16(Order::Big), bytes),
        _ => (if outside == Some(Encoding::Ascii) { Encoding::Ascii } else { Encoding::Utf8 }, bytes),
    })
}

fn named(name: &str) -> Result<Encoding, XmlErrorKind> {
    const KNOWN: [(&str, Encoding); 6] = [
        ("utf-8", Encoding::Utf8),
        ("utf8", Encoding::Utf8),
        ("us-ascii", Encoding::Ascii),
        ("utf-16", Encoding::Utf16(Order::Marked)),
        ("utf-16le", Encoding::Utf16(Order::Little)),
        ("utf-16be", Encoding::Utf16(Order::Big)),
    ];
    let found = KNOWN.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    found.map(|(_, encoding)| *encoding).ok_or(XmlErrorKind::Charset)
}

/// Whether a document that is in `actual` may be said to be in `said`.
fn agrees(said: Encoding, actual: Encoding) -> bool {
    match (said, actual) {
        (Encoding::Utf16(Order::Marked), Encoding::Utf16(_)) => true,
        (Encoding::Ascii, Encoding::Utf8) | (Encoding::Utf8, Encoding::Ascii) => true,
        (said, actual) => said == actual,
    }
}

/// Checks what `<?xml … encoding="…"?>` says. A declaration that is malformed is the reader's to refuse.
fn check_declared(start: &[u8], encoding: Encoding, outside: Option<Encoding>) -> Result<(), XmlError> {
    let Some(rest) = start.strip_prefix(b"<?xml") else { return Ok(()) };
    let Some(end) = memchr::memmem::find(rest, b"?>") else {
        let endless = start.len() == DECLARATION_BYTES && rest[0].is_ascii_whitespace();
        return if endless { Err(XmlError::at(start, 0, XmlErrorKind::Syntax)) } else { Ok(()) };
    };
    let Ok(inside) = std::str::from_utf8(&rest[..end]) else { return Ok(()) };
    let mut fields = Vec::new();
    if attributes::split(inside, 3, &mut fields).is_err() {
        return Ok(());
    }
    let Some(field) = fields.iter().find(|field| field.name == "encoding") else { return Ok(()) };
    let refused = |kind| XmlError::at(start, "<?xml".len() + field.value_at, kind);
    let declared = named(field.value).map_err(refused)?;
    let with_outside = outside.is_none_or(|outside| agrees(declared, outside) || agrees(outside, declared));
    if agrees(declared, encoding) && with_outside { Ok(()) } else { Err(refused(XmlErrorKind::CharsetConflict)) }
}

fn utf16(bytes: &[u8], big: bool) -> Result<String, XmlError> {
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let mut text = String::with_capacity(bytes.len());
    for c in char::decode_utf16(units) {
        text.push(c.map_err(|_| XmlError::at(text.as_bytes(), text.len(), XmlErrorKind::Encoding))?);
    }
    if bytes.len() % 2 == 1 {
        return Err(XmlError::at(text.as_bytes(), text.len(), XmlErrorKind::Encoding));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn little(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn big(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    fn marked(mark: &[u8], body: Vec<u8>) -> Vec<u8> {
        [mark, &body].concat()
    }

    #[test]
    fn utf8_and_utf16_are_read_with_and_without_mark_and_declaration() {
        let plain = "<a>Nguyễn 😀</a>";
        for (bytes, charset) in [
            (plain.as_bytes().to_vec(), None),
            (plain.as_bytes().to_vec(), Some("UTF-8")),
            (plain.as_bytes().to_vec(), Some("\"utf-8\"")),
            (marked(b"\xEF\xBB\xBF", plain.into()), None),
            (marked(b"\xFF\xFE", little(plain)), None),
            (marked(b"\xFF\xFE", little(plain)), Some("utf-16")),
            (marked(b"\xFE\xFF", big(plain)), Some("utf-16")),
            (little(plain), Some("UTF-16LE")),
            (big(plain), None),
        ] {
            assert_eq!(decode(&bytes, charset).unwrap(), plain);
        }
        let declared = "<?xml version='1.0' encoding='UTF-16'?><a/>";
        assert_eq!(decode(&marked(b"\xFE\xFF", big(declared)), None).unwrap(), declared);
        assert_eq!(decode(b"<?xml version='1.0' encoding='us-ascii'?><a/>", Some("utf-8")).unwrap().len(), 45);
        assert_eq!(decode(b"", None).unwrap(), "");
    }

    #[test]
    fn legacy_encodings_are_refused_with_the_advice_to_send_utf8() {
        for name in ["windows-1252", "windows-1258", "TCVN3", "VISCII", "ISO-8859-1", "x-user-defined", ""] {
            let document = format!("<?xml version=\"1.0\" encoding=\"{name}\"?><a>\u{7f}</a>");
            let mut bytes = document.into_bytes();
            bytes.push(0xE1);
            let error = decode(&bytes, None).unwrap_err();
            assert_eq!((error.kind, error.line, error.column), (XmlErrorKind::Charset, 1, 31), "{name}");
            assert!(error.to_string().contains("send it as UTF-8"));
            assert_eq!(decode(b"<a/>", Some(name)).unwrap_err().kind, XmlErrorKind::Charset);
        }
        assert_eq!(decode(b"\xFF\xFE\0\0<\0\0\0", None).unwrap_err().kind, XmlErrorKind::Charset);
    }

    #[test]
    fn an_encoding_is_not_hidden_behind_a_long_declaration() {
        for (gap, expected) in [(1, XmlErrorKind::Charset), (300, XmlErrorKind::Syntax)] {
            let document = format!("<?xml version='1.0'{}encoding='windows-1258'?><a/>", " ".repeat(gap));
            assert_eq!(decode(document.as_bytes(), None).unwrap_err().kind, expected, "{gap}");
        }
        let instruction = format!("<?xml-stylesheet {}?><a/>", "x".repeat(300));
        assert!(decode(instruction.as_bytes(), None).is_ok());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let with = |name: &str| format!("<?xml version='1.0' encoding='{name}'?><a/>");
        for (bytes, charset) in [
            (with("utf-16").into_bytes(), None),
            (with("utf-16").into_bytes(), Some("utf-8")),
            (with("utf-8").into_bytes(), Some("utf-16")),
            (marked(b"\xFF\xFE", little(&with("utf-8"))), None),
            (marked(b"\xFF\xFE", little(&with("utf-16be"))), None),
            (marked(b"\xFF\xFE", little("<a/>")), Some("utf-8")),
            (marked(b"\xEF\xBB\xBF", b"<a/>".to_vec()), Some("utf-16")),
            (marked(b"\xFE\xFF", big("<a/>")), Some("utf-16le")),
        ] {
            assert_eq!(decode(&bytes, charset).unwrap_err().kind, XmlErrorKind::CharsetConflict);
        }
    }

    #[test]
    fn bytes_that_are_not_in_their_encoding_are_refused_where_they_stand() {
        let error = decode(b"<a>\n\xE1</a>", None).unwrap_err();
        assert_eq!((error.kind, error.line, error.column), (XmlErrorKind::Encoding, 2, 1));
        for bytes in [&b"\xFF\xFE<\0a"[..], b"\xFF\xFE\x3d\xd8<\0", b"\xFE\xFF\xDE\x00"] {
            assert_eq!(decode(bytes, None).unwrap_err().kind, XmlErrorKind::Encoding);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_text_stays_what_it_is(
            bytes in prop::collection::vec(any::<u8>(), 0..60), text in "<[a-zạ😀]{0,20}",
        ) {
            let _ = decode(&bytes, None);
            let _ = decode(&bytes, Some("utf-16"));
            prop_assert_eq!(decode(text.as_bytes(), None).unwrap(), text.as_str());
            for bytes in [marked(b"\xFF\xFE", little(&text)), marked(b"\xFE\xFF", big(&text))] {
                prop_assert_eq!(decode(&bytes, None).unwrap(), text.as_str());
            }
        }
    }
}
