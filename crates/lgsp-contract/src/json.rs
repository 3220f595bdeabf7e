//! Strict JSON: one pass that makes the value and refuses what two readers could understand differently. Texts without
//! escapes are borrowed.
//!
//! It does not repair anything and never repeats what stood in the text. Integers beyond 64 bits are read as doubles.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::tree::{Key, Member, Members, Tree};

/// How deep arrays and objects may be nested, counting the outermost. Real records use 4; the bound keeps the stack of
/// every later reader safe.
pub const MAX_DEPTH: u8 = 64;

/// Room for the members of an object before its list grows: most nested objects of records have fewer.
const FIRST_MEMBERS: usize = 8;

/// The same for the outermost object: a dossier has 37 fields.
const OUTERMOST_MEMBERS: usize = 40;

/// Why a text is not acceptable JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// Not JSON, or cut short.
    Syntax,
    /// One object has the same key twice.
    DuplicateKey,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Not UTF-8.
    NotUtf8,
    /// Something follows the value.
    TrailingData,
}

impl JsonErrorKind {
    /// The stable name, as findings and example files use it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::DuplicateKey => "duplicate-key",
            Self::TooDeep => "too-deep",
            Self::NotUtf8 => "not-utf8",
            Self::TrailingData => "trailing-data",
        }
    }
}

/// Where a text stops being acceptable JSON, and why. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1; 0 is the end of the line before.
    pub column: usize,
    /// What is wrong.
    pub kind: JsonErrorKind,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = match self.kind {
            JsonErrorKind::Syntax => "this is not valid JSON; write one complete JSON value",
            JsonErrorKind::DuplicateKey => "a key appears twice in one object; send every key once",
            JsonErrorKind::TooDeep => "arrays and objects are nested deeper than 64 levels; send a flatter record",
            JsonErrorKind::NotUtf8 => "the text is not UTF-8; send it encoded as UTF-8",
            JsonErrorKind::TrailingData => "something follows the JSON value; send exactly one value",
        };
        write!(f, "line {}, column {}: {advice}", self.line, self.column)
    }
}

impl std::error::Error for JsonError {}

/// Reads exactly one JSON value. Refuses duplicate keys, nesting deeper than [`MAX_DEPTH`], bytes that are not UTF-8,
/// lone surrogates and anything after the value.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JsonError> {
    parse(bytes).map(|tree| tree.to_value())
}

/// [`parse_strict`] without copying texts.
pub(crate) fn parse(bytes: &[u8]) -> Result<Tree<'_>, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let (mut tree, refused) = (Tree::Null, Cell::new(None));
    let read = Strict { depth: 0, refused: &refused, into: &mut tree }.deserialize(&mut reader);
    read.map_err(|error| JsonError {
        line: error.line(),
        column: error.column(),
        kind: refused.get().unwrap_or(JsonErrorKind::Syntax),
    })?;
    reader.end().map_err(|error| JsonError {
        line: error.line(),
        column: error.column(),
        kind: JsonErrorKind::TrailingData,
    })?;
    Ok(tree)
}

/// Writes a value as compact JSON, members in the order of the message.
pub(crate) fn write(tree: &Tree<'_>, out: &mut Vec<u8>) {
    match tree {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Tree::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Tree::Text(text) => write_text(text, out),
        Tree::List(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Tree::Object(members) => {
            out.push(b'{');
            for (n, member) in members.in_order().into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_text(member.key.as_str(), out);
                out.push(b':');
                write(&member.value, out);
            }
            out.push(b'}');
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Nearly every text is written as it is.
    if text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\')) {
        return write_escaped(text, out);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_escaped(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to memory does not fail");
}

fn not_utf8(bytes: &[u8], at: usize) -> JsonError {
    let before = &bytes[..at];
    let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
    JsonError {
        line: before.iter().filter(|&&b| b == b'\n').count() + 1,
        column: at - line_start + 1,
        kind: JsonErrorKind::NotUtf8,
    }
}

/// Makes one value at `depth` where it will stay, because handing values up level by level costs more than reading
/// them. Leaves in `refused` why it stopped, because serde errors carry only text.
struct Strict<'s, 'de> {
    depth: u8,
    refused: &'s Cell<Option<JsonErrorKind>>,
    into: &'s mut Tree<'de>,
}

impl<'de> Strict<'_, 'de> {
    fn put<E>(self, tree: Tree<'de>) -> Result<(), E> {
        *self.into = tree;
        Ok(())
    }

    /// The depth of what is inside, unless that is too deep.
    fn deeper<E: serde::de::Error>(&self) -> Result<u8, E> {
        if self.depth >= MAX_DEPTH {
            return Err(refuse(self.refused, JsonErrorKind::TooDeep));
        }
        Ok(self.depth + 1)
    }
}

fn refuse<E: serde::de::Error>(refused: &Cell<Option<JsonErrorKind>>, kind: JsonErrorKind) -> E {
    refused.set(Some(kind));
    E::custom(kind.name())
}

impl<'de> DeserializeSeed<'de> for Strict<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.put(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.put(Tree::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.put(Tree::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        self.put(Tree::Number(number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        self.put(Tree::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.put(Tree::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let (depth, refused) = (self.deeper()?, self.refused);
        let mut items = Vec::new();
        loop {
            items.push(Tree::Null);
            let into = items.last_mut().expect("just pushed");
            if access.next_element_seed(Strict { depth, refused, into })?.is_none() {
                break;
            }
        }
        items.pop();
        // An empty list must not keep the room for entries: a record may have millions of them.
        self.put(Tree::List(if items.is_empty() { Vec::new() } else { items }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let (depth, refused) = (self.deeper()?, self.refused);
        let mut members = Vec::with_capacity(if self.depth == 0 { OUTERMOST_MEMBERS } else { FIRST_MEMBERS });
        loop {
            members.push(Member::EMPTY);
            let member = members.last_mut().expect("just pushed");
            if access.next_key_seed(KeyText(&mut member.key))?.is_none() {
                break;
            }
            access.next_value_seed(Strict { depth, refused, into: &mut member.value })?;
        }
        members.pop();
        let members = Members::sorted(members).ok_or_else(|| refuse(refused, JsonErrorKind::DuplicateKey))?;
        self.put(Tree::Object(members))
    }
}

/// Makes the key of a member where it will stay.
struct KeyText<'s, 'de>(&'s mut Key<'de>);

impl<'de> DeserializeSeed<'de> for KeyText<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeyText<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        *self.0 = Key::new(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        *self.0 = Key::new(Cow::Owned(text.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn what_serde_json_reads_is_read_the_same() {
        for text in [
            r#"{"a":"x","b":[1,-2,3.5,true,null,{"c":""}]}"#,
            r#" "é" "#,
            "18446744073709551615",
            "1e300",
            r#""\ud83d\ude00""#,
            "{}",
        ] {
            assert_eq!(parse_strict(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        }
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_refused() {
        for (text, kind) in [
            (&b"{\"a\":1,\"a\":1}"[..], JsonErrorKind::DuplicateKey),
            (b"{\"b\":{\"a\":1,\"\\u0061\":2}}", JsonErrorKind::DuplicateKey),
            (b"{\"a\":\"\xff\"}", JsonErrorKind::NotUtf8),
            (b"\"\\ud800\"", JsonErrorKind::Syntax),
            (b"\"\\udc00\"", JsonErrorKind::Syntax),
            (b"{} {}", JsonErrorKind::TrailingData),
            (b"{},", JsonErrorKind::TrailingData),
            (b"{\"a\":1,}", JsonErrorKind::Syntax),
            (b"{'a':1}", JsonErrorKind::Syntax),
            (b"{\"a\":NaN}", JsonErrorKind::Syntax),
            (b"{\"a\":01}", JsonErrorKind::Syntax),
            (b"1e999", JsonErrorKind::Syntax),
            (b"{\"a\":\"line\nbreak\"}", JsonErrorKind::Syntax),
            (b"{\"a\":", JsonErrorKind::Syntax),
            (b"", JsonErrorKind::Syntax),
        ] {
            assert_eq!(parse_strict(text).unwrap_err().kind, kind, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn sixty_four_levels_are_read_and_one_more_is_refused() {
        assert!(parse_strict(nested(64).as_bytes()).is_ok());
        for depth in [65, 200, 100_000] {
            assert_eq!(parse_strict(nested(depth).as_bytes()).unwrap_err().kind, JsonErrorKind::TooDeep);
        }
    }

    #[test]
    fn an_error_says_where_and_what_to_do_and_nothing_of_the_text() {
        let error = parse_strict(b"{\"a\":\"s3cret\",\n  \"a\":\"s3cret\"}").unwrap_err();
        assert_eq!(error.line, 2);
        let text = format!("{error} {error:?}");
        assert!(text.contains("send every key once") && !text.contains("s3cret"));
        assert_eq!(
            parse_strict(b"{\n \"\xc3\x28\"}").unwrap_err(),
            JsonError { line: 2, column: 3, kind: JsonErrorKind::NotUtf8 }
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_agree_with_serde_json(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = parse_strict(&bytes) {
                prop_assert_eq!(value, serde_json::from_slice::<Value>(&bytes).unwrap());
            }
        }

        #[test]
        fn compact_json_is_written_as_it_was_read(
            texts in prop::collection::vec(any::<String>(), 1..5), number in any::<i64>(),
        ) {
            let entries: Vec<_> = texts.iter().enumerate().map(|(n, text)| {
                format!("\"z{}\":[{{}},null,true,{number},{}]", 9 - n, serde_json::to_string(text).unwrap())
            }).collect();
            let text = format!("{{{}}}", entries.join(","));
            let mut written = Vec::new();
            write(&parse(text.as_bytes()).ok().unwrap(), &mut written);
            prop_assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }
}
