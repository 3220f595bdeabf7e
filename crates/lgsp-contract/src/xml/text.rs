//! What texts and attribute values mean: references resolved, line ends as one character.

use std::borrow::Cow;

use super::error::XmlErrorKind;
use super::name::is_char;

/// `\r\n` and `\r` become `\n`.
pub(crate) fn line_ends(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The character that the reference `&name;` stands for.
pub(crate) fn reference(name: &str) -> Result<char, XmlErrorKind> {
    Ok(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#').ok_or(XmlErrorKind::Entity)?;
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(XmlErrorKind::Entity);
            }
            let code = u32::from_str_radix(digits, radix).map_err(|_| XmlErrorKind::Character)?;
            char::from_u32(code).filter(|&c| is_char(c)).ok_or(XmlErrorKind::Character)?
        }
    })
}

/// The value of an attribute as it stands between its quotes. The error has the place in it.
pub(crate) fn attribute_value(raw: &str) -> Result<Cow<'_, str>, (usize, XmlErrorKind)> {
    let special = |byte: &u8| matches!(byte, b'&' | b'<' | b'\t' | b'\n' | b'\r');
    if !raw.as_bytes().iter().any(special) {
        return Ok(Cow::Borrowed(raw));
    }
    let (mut value, mut at) = (String::with_capacity(raw.len()), 0);
    while let Some(found) = raw.as_bytes()[at..].iter().position(special) {
        value.push_str(&raw[at..at + found]);
        at += found;
        let rest = &raw[at..];
        let (c, length) = match rest.as_bytes()[0] {
            b'&' => {
                let end = rest.find(';').ok_or((at, XmlErrorKind::Entity))?;
                (reference(&rest[1..end]).map_err(|kind| (at, kind))?, end + 1)
            }
            b'<' => return Err((at, XmlErrorKind::Syntax)),
            b'\r' if rest.as_bytes().get(1) == Some(&b'\n') => (' ', 2),
            _ => (' ', 1),
        };
        value.push(c);
        at += length;
    }
    value.push_str(&raw[at..]);
    Ok(Cow::Owned(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_xml_defines_is_resolved() {
        for (name, c) in [("amp", '&'), ("#65", 'A'), ("#x1EA1", 'ạ'), ("#x1F600", '😀'), ("#0009", '\t')] {
            assert_eq!(reference(name), Ok(c));
        }
        for name in ["lol", "", "#", "#x", "AMP", "#X41", "#+65", "# 65", "nbsp", "#65a"] {
            assert!(reference(name).is_err(), "{name}");
        }
        for name in ["#0", "#x1F", "#xD800", "#xFFFE", "#x110000", "#99999999999999999999"] {
            assert_eq!(reference(name), Err(XmlErrorKind::Character), "{name}");
        }
    }

    #[test]
    fn values_of_attributes_are_on_one_line() {
        for (raw, value) in [
            ("abc", "abc"),
            ("a\tb\nc\r\nd\re", "a b c d e"),
            ("&#10;&amp;amp;&lt;", "\n&amp;<"),
            ("họ &amp; tên", "họ & tên"),
        ] {
            assert_eq!(attribute_value(raw).unwrap(), value);
        }
        for (raw, error) in [
            ("a<b", (1, XmlErrorKind::Syntax)),
            ("ab&c", (2, XmlErrorKind::Entity)),
            ("&lol;", (0, XmlErrorKind::Entity)),
            ("a&#0;", (1, XmlErrorKind::Character)),
        ] {
            assert_eq!(attribute_value(raw), Err(error));
        }
    }

    #[test]
    fn line_ends_are_one_character() {
        assert_eq!(line_ends("a\r\n\r\rb\n"), "a\n\n\nb\n");
        assert!(matches!(line_ends("a\nb"), Cow::Borrowed(_)));
    }
}
