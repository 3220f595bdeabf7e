//! The digest of a record's content: the same for two texts of one JSON value.
//!
//! The form is frozen, because digests are stored: SHA-256 over the contract's id, a line feed, and the value as JSON
//! with sorted keys and no spaces, of which the first 16 bytes stand. Texts are compared as code points; they are not
//! brought to one Unicode form, because then two different records would count as one.

use std::ops::Range;

use aws_lc_rs::digest::{SHA256, digest};
use lgsp_model::ContentDigest;
use serde_json::Number;

use crate::tree::{Members, Tree};

/// The digest of `tree`, which was read from `source`, as a record of the contract `id`.
pub(crate) fn content_digest(id: &str, tree: &Tree<'_>, source: &[u8]) -> ContentDigest {
    let mut form = Form { out: Vec::with_capacity(id.len() + 1 + source.len()), source, run: 0..0 };
    form.write(id.as_bytes());
    form.out.push(b'\n');
    form.value(tree);
    form.flush();
    let full = digest(&SHA256, &form.out);
    let mut first = [0; 16];
    first.copy_from_slice(&full.as_ref()[..16]);
    ContentDigest(first)
}

/// The form while it is written. Most records come without spaces, so what follows in the form mostly follows in the
/// source too: such a run of the source is copied at once.
struct Form<'a> {
    out: Vec<u8>,
    source: &'a [u8],
    /// The part of the source that belongs to the form and is not in `out` yet.
    run: Range<usize>,
}

impl Form<'_> {
    fn flush(&mut self) {
        self.out.extend_from_slice(&self.source[self.run.clone()]);
        self.run.start = self.run.end;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.flush();
        self.out.extend_from_slice(bytes);
    }

    fn mark(&mut self, byte: u8) {
        if self.source.get(self.run.end) == Some(&byte) {
            self.run.end += 1;
        } else {
            self.flush();
            self.out.push(byte);
        }
    }

    fn value(&mut self, tree: &Tree<'_>) {
        match tree {
            Tree::Null => self.write(b"null"),
            Tree::Bool(true) => self.write(b"true"),
            Tree::Bool(false) => self.write(b"false"),
            Tree::Number(number) => self.write(number_text(number).as_bytes()),
            Tree::Text(text) => self.text(text),
            Tree::List(items) => {
                self.mark(b'[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        self.mark(b',');
                    }
                    self.value(item);
                }
                self.mark(b']');
            }
            Tree::Object(members) => self.object(members),
        }
    }

    fn object(&mut self, members: &Members<'_>) {
        self.mark(b'{');
        for (n, member) in members.as_slice().iter().enumerate() {
            if n > 0 {
                self.mark(b',');
            }
            self.text(member.key.as_str());
            self.mark(b':');
            self.value(&member.value);
        }
        self.mark(b'}');
    }

    fn text(&mut self, text: &str) {
        match self.place(text) {
            Some(place) if place.start == self.run.end => self.run.end = place.end,
            Some(place) => {
                self.flush();
                self.run = place;
            }
            None => {
                self.flush();
                serde_json::to_writer(&mut self.out, text).expect("writing to memory does not fail");
            }
        }
    }

    /// Where in the source a text stands that was borrowed from it, with its quotation marks; `None` for a text that
    /// lies elsewhere in memory. A borrowed text has no escape in the source, and so needs none in the form.
    fn place(&self, text: &str) -> Option<Range<usize>> {
        let start = text.as_ptr().addr().checked_sub(self.source.as_ptr().addr())?.checked_sub(1)?;
        let place = start..start + text.len() + 2;
        let quoted = self.source.get(place.clone())?;
        (quoted.first() == Some(&b'"') && quoted.last() == Some(&b'"')).then_some(place)
    }
}

/// `10`, `10.0` and `1e1` are one number: whole numbers are written as integers.
fn number_text(number: &Number) -> String {
    const INTEGERS_END: f64 = 18_446_744_073_709_551_616.0;
    let whole = number.as_f64().filter(|x| number.is_f64() && x.fract() == 0.0 && x.abs() < INTEGERS_END);
    match whole {
        Some(whole) => (whole as i128).to_string(),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use proptest::prelude::*;
    use serde_json::Value;

    fn of(text: &str) -> ContentDigest {
        content_digest("dossier", &parse(text.as_bytes()).ok().unwrap(), text.as_bytes())
    }

    #[test]
    fn key_order_spaces_escapes_and_number_forms_do_not_matter() {
        let plain = of(r#"{"a":"é","b":[10,{"c":"\"","d":null}]}"#);
        for text in [
            r#"{"b":[10,{"d":null,"c":"\""}],"a":"é"}"#,
            " {\n \"a\" :\t\"\\u00e9\" , \"b\" : [ 1e1, { \"c\" : \"\\u0022\", \"d\" : null } ] } ",
            r#"{"a":"é","b":[10.0,{"c":"\"","d":null}]}"#,
        ] {
            assert_eq!(of(text), plain, "{text}");
        }
    }

    #[test]
    fn other_values_and_other_contracts_differ() {
        let texts = [
            r#"{"a":"1"}"#,
            r#"{"a":1}"#,
            r#"{"a":1.5}"#,
            r#"{"a":null}"#,
            r#"{"a":""}"#,
            r#"{}"#,
            r#"{"a":["1"]}"#,
            r#"{"a":"1","b":"1"}"#,
            r#"{"a":"1\",\"b\":\"1"}"#,
            r#"{"a":9007199254740993}"#,
            r#"{"a":9007199254740992}"#,
            r#"[]"#,
            "\"e\u{301}\"",
            "\"\u{e9}\"",
        ];
        for (n, one) in texts.iter().enumerate() {
            for other in &texts[n + 1..] {
                assert_ne!(of(one), of(other), "{one} and {other}");
            }
        }
        let value = parse(b"{}").ok().unwrap();
        assert_ne!(content_digest("dossier", &value, b"{}"), content_digest("progress", &value, b"{}"));
    }

    /// Stored digests must stay comparable: this value was computed outside, by
    /// `printf 'dossier\n{"a":["x",1],"b":"\303\251"}' | sha256sum`.
    #[test]
    fn the_form_is_frozen() {
        let hex: String = of(r#"{"b":"é","a":["x",1]}"#).0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "c8f3c9ee2ed83b5aae168d5b80f49a8b");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1000i32..1000).prop_map(|n| Value::from(f64::from(n) / 8.0)),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Writes `value` with keys in reverse order, spaces everywhere and every character escaped.
    fn strange_text(value: &Value) -> String {
        let quote = |text: &str| {
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            format!("\"{units}\"")
        };
        match value {
            Value::String(text) => quote(text),
            Value::Array(items) => {
                format!("[ {} ]", items.iter().map(strange_text).collect::<Vec<_>>().join("\n,"))
            }
            Value::Object(map) => {
                let members: Vec<_> =
                    map.iter().rev().map(|(key, value)| format!("{} :\t{}", quote(key), strange_text(value))).collect();
                format!("{{ {} }}\r\n", members.join(" , "))
            }
            other => format!(" {other} "),
        }
    }

    proptest! {
        #[test]
        fn one_value_has_one_digest_however_it_is_written(value in any_value()) {
            prop_assert_eq!(of(&strange_text(&value)), of(&value.to_string()));
        }

        #[test]
        fn two_values_have_two_digests(one in any_value(), other in any_value()) {
            let same_numbers = strange_text(&one).replace(".0 ", " ") == strange_text(&other).replace(".0 ", " ");
            prop_assert_eq!(of(&one.to_string()) == of(&other.to_string()), same_numbers);
        }

        #[test]
        fn changing_one_text_changes_the_digest(mut value in any_value(), key in "[a-z]{1,3}", text in ".{0,6}") {
            if let Value::Object(map) = &mut value {
                map.insert(key.clone(), Value::from(text.clone()));
                let before = of(&value.to_string());
                value[&key] = Value::from(format!("{text} "));
                prop_assert_ne!(of(&value.to_string()), before);
            }
        }
    }
}
