//! The members of a JSON object as they were written: a number keeps its digits, and no name stands twice.
//!
//! What is signed is the text, so nothing is read into a number and printed again here. Bounds are the caller's.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members by name.
pub(super) struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// `None`: it is no JSON object, or a name stands in it twice.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// A member as it was written.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|value| value.get())
    }

    /// What a text says, or a number or truth value as it was written. `None`: it is absent, `null`, a list or an object.
    pub(super) fn scalar(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        match raw.as_bytes().first()? {
            b'"' => serde_json::from_str(raw).ok(),
            b'{' | b'[' | b'n' => None,
            _ => Some(raw.to_owned()),
        }
    }

    /// The same; empty when there is none.
    pub(super) fn or_empty(&self, name: &str) -> String {
        self.scalar(name).unwrap_or_default()
    }

    /// A list of objects.
    pub(super) fn objects(&self, name: &str) -> Vec<Members<'a>> {
        self.raw(name).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Each)
    }
}

struct Each;

impl<'de> Visitor<'de> for Each {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.insert(name, map.next_value()?).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_texts_are_decoded() {
        let text =
            r#"{"a": 50000, "b": 5e4, "c": "L\u1ec7 ph\u00ed", "d": null, "e": [{"x": 1}, {"x": "2"}], "f": true}"#;
        let members = Members::read(text.as_bytes()).unwrap();
        let scalars = ["a", "b", "c", "d", "e", "f", "g"].map(|name| members.scalar(name));
        let expected = [Some("50000"), Some("5e4"), Some("Lệ phí"), None, None, Some("true"), None];
        assert_eq!(scalars.each_ref().map(Option::as_deref), expected);
        let inner: Vec<_> = members.objects("e").iter().map(|object| object.or_empty("x")).collect();
        assert_eq!(inner, ["1", "2"]);
        assert_eq!((members.raw("e"), members.objects("a").len()), (Some(r#"[{"x": 1}, {"x": "2"}]"#), 0));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            "[]",
            "7",
            "",
            r#"{"a":1}x"#,
            r#"{"a":01}"#,
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(Members::read(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Members::read(&[b'{', b'"', 0xff, b'"', b':', b'1', b'}']).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_are_read_into_a_panic(bytes: Vec<u8>) {
            if let Some(members) = Members::read(&bytes) {
                let _ = members.scalar("");
            }
        }
    }
}
