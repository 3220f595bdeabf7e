//! Names and values as they stand in a query or a form.

use std::fmt::Write as _;

/// A value with everything but unreserved characters (RFC 3986) escaped: right in a query, a form and a path.
pub(super) fn encoded(text: &str) -> String {
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
pub(super) fn pairs(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// An address with more behind it; it may have a query already.
pub(super) fn with_query(address: &str, fields: &[(&str, &str)]) -> String {
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}{}", pairs(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_can_end_it() {
        assert_eq!(encoded("a b&c=d+é/%~"), "a%20b%26c%3Dd%2B%C3%A9%2F%25~");
        assert_eq!(with_query("https://x/y", &[("a", "1&2"), ("b", "")]), "https://x/y?a=1%262&b=");
        assert_eq!(with_query("https://x/y?z=1", &[("a", "#")]), "https://x/y?z=1&a=%23");
    }
}
