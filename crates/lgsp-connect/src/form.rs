//! Names and values as they stand in a query or a form.
//!
//! What is read here is of any length and may be any bytes; bounds are the caller's.

use std::fmt::Write as _;

/// A value with everything but unreserved characters (RFC 3986) escaped: right in a query, a form and a path.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a text cannot fail");
        }
    }
    out
}

/// `a=b&c=d`; names are ours and need no escape.
pub(crate) fn pairs(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// An address with more behind it; it may have a query already.
pub(crate) fn with_query(address: &str, fields: &[(&str, &str)]) -> String {
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}{}", pairs(fields))
}

/// A value as forms write it (WHATWG URL, `application/x-www-form-urlencoded`): a space is `+`, and `*` stands as it is.
pub(crate) fn form_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_') {
            out.push(char::from(byte));
        } else if byte == b' ' {
            out.push('+');
        } else {
            write!(out, "%{byte:02X}").expect("writing to a text cannot fail");
        }
    }
    out
}

/// What a value of a query or form says; `None` when an escape is broken or it is no UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let [high, low, tail @ ..] = tail else { return None };
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                rest = tail;
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_written_as_the_standard_says() {
        assert_eq!(form_encoded("a b!*'()~é:"), "a+b%21*%27%28%29%7E%C3%A9%3A");
    }

    #[test]
    fn broken_escapes_are_not_guessed_at() {
        assert_eq!(decoded("a+b%20c%c3%A9").as_deref(), Some("a b cé"));
        for text in ["%", "%2", "%zz", "%+1", "%ff", "%C3"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(text in ".*") {
            prop_assert_eq!(decoded(&form_encoded(&text)), Some(text.clone()));
            prop_assert_eq!(decoded(&encoded(&text)), Some(text));
        }
    }

    #[test]
    fn nothing_in_a_value_can_end_it() {
        assert_eq!(encoded("a b&c=d+é/%~"), "a%20b%26c%3Dd%2B%C3%A9%2F%25~");
        assert_eq!(with_query("https://x/y", &[("a", "1&2"), ("b", "")]), "https://x/y?a=1%262&b=");
        assert_eq!(with_query("https://x/y?z=1", &[("a", "#")]), "https://x/y?z=1&a=%23");
    }
}
