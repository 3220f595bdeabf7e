//! What a name is in XML 1.0 (fifth edition) with namespaces, and which characters a document may hold.

/// What one byte of a name may be.
mod class {
    pub(super) const START: u8 = 1;
    pub(super) const FOLLOW: u8 = 2;
    pub(super) const COLON: u8 = 4;
    /// Part of a character beyond ASCII.
    pub(super) const WIDE: u8 = 8;
}

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => class::START | class::FOLLOW,
            b'0'..=b'9' | b'-' | b'.' => class::FOLLOW,
            b':' => class::COLON,
            0x80.. => class::WIDE,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// A name with an optional prefix.
#[derive(Clone, Copy)]
pub(crate) struct QName<'a> {
    /// As it stands in the text.
    pub(crate) raw: &'a str,
    /// Where the colon is; 0 when there is none.
    colon: usize,
}

impl<'a> QName<'a> {
    /// `None` when it is no name.
    pub(crate) fn new(raw: &'a str) -> Option<Self> {
        Self::read(raw).filter(|name| name.raw.len() == raw.len())
    }

    /// The name at the beginning of `text`, as long as it goes on; `None` when there is none, or a malformed one.
    #[inline]
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (mut colon, mut expected, mut seen, mut end) = (0, class::START, 0, text.len());
        for (at, &byte) in text.as_bytes().iter().enumerate() {
            let class = CLASSES[usize::from(byte)];
            if class & expected != 0 || class & class::WIDE != 0 {
                expected = class::FOLLOW;
            } else if class == 0 {
                end = at;
                break;
            } else if class & class::COLON != 0 && colon == 0 && at > 0 {
                (colon, expected) = (at, class::START);
            } else {
                return None;
            }
            seen |= class;
        }
        let name = Self { raw: &text[..end], colon };
        if expected == class::START || seen & class::WIDE != 0 && !name.is_wide_name() {
            return None;
        }
        Some(name)
    }

    #[inline]
    pub(crate) fn prefix(&self) -> &'a str {
        &self.raw[..self.colon]
    }

    #[inline]
    pub(crate) fn local(&self) -> &'a str {
        if self.colon == 0 { self.raw } else { &self.raw[self.colon + 1..] }
    }

    fn is_wide_name(&self) -> bool {
        (self.colon == 0 || is_ncname(self.prefix())) && is_ncname(self.local())
    }
}

/// A name without a colon.
pub(crate) fn is_ncname(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(starts_name) && chars.all(|c| starts_name(c) || continues_name(c))
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// A character that a document may hold, as itself or by its number.
pub(crate) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Where the first character stands that no document may hold.
pub(crate) fn illegal_char(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // Blocks without an early exit are done many bytes at once.
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let block = bytes.chunks(64).position(|block| block.iter().fold(false, |found, &byte| found | control(byte)));
    let control = block.and_then(|block| {
        let start = block * 64;
        bytes[start..].iter().position(|&byte| control(byte)).map(|at| start + at)
    });
    let noncharacter = memchr::memchr_iter(0xEF, bytes).find(|&at| matches!(bytes[at + 1..], [0xBF, 0xBE | 0xBF, ..]));
    match (control, noncharacter) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Only white space as XML knows it.
#[inline]
pub(crate) fn is_blank(text: &str) -> bool {
    text.bytes().all(is_space)
}

#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_at_most_one_prefix() {
        for (name, prefix, local) in
            [("a", "", "a"), ("soap:Body", "soap", "Body"), ("_a-1.x", "", "_a-1.x"), ("họ:Tên", "họ", "Tên")]
        {
            let read = QName::new(name).unwrap();
            assert_eq!((read.prefix(), read.local()), (prefix, local));
        }
        for name in ["", ":", "a:", ":a", "a:b:c", "1a", "a:1", "-a", "a b", "a/b", "a<", "×", "a×", "a:×", "a&", "@a"]
        {
            assert!(QName::new(name).is_none(), "{name}");
        }
    }

    #[test]
    fn characters_that_no_document_may_hold_are_found() {
        for (text, at) in [
            ("a\0", Some(1)),
            ("\u{1f}", Some(0)),
            ("ab\u{ffff}", Some(2)),
            ("\u{fffe}\0", Some(0)),
            ("\t\r\n\u{fffd}\u{7f}\u{85}😀", None),
            ("", None),
            ("\u{ef}", None),
        ] {
            assert_eq!(illegal_char(text), at);
        }
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_looking_at_every_character_finds(text in any::<String>(), control in "\\PC{0,99}[\\x00-\\x20]?") {
            for text in [text, control] {
                let slow = text.char_indices().find(|(_, c)| !is_char(*c)).map(|(at, _)| at);
                prop_assert_eq!(illegal_char(&text), slow);
            }
        }

        #[test]
        fn a_name_is_one_or_two_names_without_colon(text in "[a:1.é×\u{300} ]{0,6}") {
            let expected = match text.split_once(':') {
                Some((prefix, local)) => is_ncname(prefix) && is_ncname(local),
                None => is_ncname(&text),
            };
            prop_assert_eq!(QName::new(&text).is_some(), expected);
        }
    }
}
