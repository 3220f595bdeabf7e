//! Splits what stands in an XML declaration into names and values, strictly.
//!
//! It resolves nothing; the attributes of elements are read with the elements.

use super::error::XmlErrorKind;
use super::name::is_space;

/// An attribute as it stands in the text.
pub(crate) struct RawAttribute<'a> {
    pub(crate) name: &'a str,
    /// Between the quotes.
    pub(crate) value: &'a str,
    /// Where the value stands in it.
    pub(crate) value_at: usize,
}

/// Appends the attributes in `rest` to `into`. The error has its place in `rest`.
pub(crate) fn split<'a>(
    rest: &'a str,
    most: usize,
    into: &mut Vec<RawAttribute<'a>>,
) -> Result<(), (usize, XmlErrorKind)> {
    let bytes = rest.as_bytes();
    let after_space = |from: usize| from + bytes[from..].iter().take_while(|&&byte| is_space(byte)).count();
    let mut end = 0;
    loop {
        let at = after_space(end);
        if at == bytes.len() {
            return Ok(());
        }
        let syntax = (at, XmlErrorKind::Syntax);
        if at == end {
            return Err(syntax);
        }
        if into.len() >= most {
            return Err((at, XmlErrorKind::TooManyAttributes));
        }
        let name = bytes[at..].iter().position(|&byte| byte == b'=' || is_space(byte)).ok_or(syntax)?;
        let equals = after_space(at + name);
        if bytes.get(equals) != Some(&b'=') {
            return Err(syntax);
        }
        let opens = after_space(equals + 1);
        let quote = bytes.get(opens).copied().filter(|byte| matches!(byte, b'"' | b'\'')).ok_or(syntax)?;
        let value_at = opens + 1;
        let length = memchr::memchr(quote, &bytes[value_at..]).ok_or(syntax)?;
        into.push(RawAttribute { name: &rest[at..at + name], value: &rest[value_at..value_at + length], value_at });
        end = value_at + length + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(rest: &str) -> Result<Vec<(&str, &str)>, (usize, XmlErrorKind)> {
        let mut into = Vec::new();
        split(rest, 4, &mut into)?;
        Ok(into.into_iter().map(|one| (one.name, one.value)).collect())
    }

    #[test]
    fn attributes_have_a_name_an_equals_sign_and_quotes() {
        assert_eq!(pairs(" a=\"1\"\n b = '\"'  "), Ok(vec![("a", "1"), ("b", "\"")]));
        assert_eq!(pairs(""), Ok(vec![]));
        assert_eq!(pairs("  "), Ok(vec![]));
        for rest in [" a", " a=", " a=1", " a=\"1", " a=\"1\"b=\"2\"", "a=\"1\"", " =", " a b=\"1\"", " a==\"1\""] {
            assert!(pairs(rest).is_err(), "{rest}");
        }
    }

    #[test]
    fn more_than_the_bound_are_refused_at_the_first_that_is_too_many() {
        assert_eq!(pairs(" a='' b='' c='' d='' e=''"), Err((21, XmlErrorKind::TooManyAttributes)));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(rest in "[ a=\"'é<]{0,20}") {
            let _ = pairs(&rest);
        }
    }
}
