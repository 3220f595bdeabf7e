//! Percent-decoded key-value pairs of queries and forms (`application/x-www-form-urlencoded`).

/// The pairs in order; what is not valid UTF-8 after decoding is dropped.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(key)?, decode(value)?))
    };
    text.split('&').filter(|part| !part.is_empty()).filter_map(pair).collect()
}

/// The value of the first pair with this key.
pub(crate) fn value<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// Decodes `%41` and `+`.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
                rest = &rest[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Writes pairs as a form's body.
pub(crate) fn encode(pairs: &[(&str, String)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        escape(key, &mut out);
        out.push('=');
        escape(value, &mut out);
    }
    out
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                use std::fmt::Write as _;
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let written = encode(&[("a b", "Đ&=+ %".to_owned()), ("c", String::new())]);
        assert_eq!(pairs(&written), [("a b".to_owned(), "Đ&=+ %".to_owned()), ("c".to_owned(), String::new())]);
    }

    #[test]
    fn pairs_are_decoded_and_broken_ones_dropped() {
        let read = pairs("a=1+2&b=%C4%90&c&=d&bad=%zz&bad2=%ff&plus=%2B");
        let expected = [("a", "1 2"), ("b", "Đ"), ("c", ""), ("", "d"), ("plus", "+")];
        assert_eq!(read, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(value(&read, "b"), Some("Đ"));
        assert_eq!(value(&read, "bad"), None);
    }
}
