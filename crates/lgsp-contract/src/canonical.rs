//! The digest of a record's content: the same for two texts of one JSON value.
//!
//! The form is frozen, because digests are stored: SHA-256 over the contract's id, a line feed, and the value as JSON
//! with sorted keys and no spaces, of which the first 16 bytes stand. Texts are compared as code points; they are not
//! brought to one Unicode form, because then two different records would count as one.

use aws_lc_rs::digest::{SHA256, digest};
use lgsp_model::ContentDigest;
use serde_json::{Map, Number, Value};

/// The digest of `value` as a record of the contract `id`. `size` is the length of the text it was read from.
pub(crate) fn content_digest(id: &str, value: &Value, size: usize) -> ContentDigest {
    let mut form = Vec::with_capacity(id.len() + 1 + size);
    form.extend_from_slice(id.as_bytes());
    form.push(b'\n');
    write_value(value, &mut form);
    let full = digest(&SHA256, &form);
    let mut first = [0; 16];
    first.copy_from_slice(&full.as_ref()[..16]);
    ContentDigest(first)
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => write_object(map, out),
    }
}

/// The map is sorted already unless some crate of the build asks serde_json to keep insertion order.
fn write_object(map: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut write_members = |members: &mut dyn Iterator<Item = (&String, &Value)>| {
        out.push(b'{');
        for (n, (key, value)) in members.enumerate() {
            if n > 0 {
                out.push(b',');
            }
            write_text(key, out);
            out.push(b':');
            write_value(value, out);
        }
        out.push(b'}');
    };
    if map.keys().is_sorted() {
        write_members(&mut map.iter());
    } else {
        let mut members: Vec<_> = map.iter().collect();
        members.sort_unstable_by_key(|(key, _)| *key);
        write_members(&mut members.into_iter());
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Looking at every byte without stopping early lets the compiler take many at once.
    let escapes = text.bytes().fold(false, |found, b| found | (b < 0x20) | (b == b'"') | (b == b'\\'));
    if !escapes {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        serde_json::to_writer(out, text).expect("writing to memory does not fail");
    }
}

/// `10`, `10.0` and `1e1` are one number: whole numbers are written as integers.
fn write_number(number: &Number, out: &mut Vec<u8>) {
    const INTEGERS_END: f64 = 18_446_744_073_709_551_616.0;
    let whole = number.as_f64().filter(|x| number.is_f64() && x.fract() == 0.0 && x.abs() < INTEGERS_END);
    let text = match whole {
        Some(whole) => (whole as i128).to_string(),
        None => number.to_string(),
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_strict;
    use proptest::prelude::*;

    fn of(text: &str) -> ContentDigest {
        content_digest("dossier", &parse_strict(text.as_bytes()).unwrap(), text.len())
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
        let value = parse_strict(b"{}").unwrap();
        assert_ne!(content_digest("dossier", &value, 2), content_digest("progress", &value, 2));
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
