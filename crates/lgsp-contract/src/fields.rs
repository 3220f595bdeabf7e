//! Which fields a schema names, to point out those that it does not.
//!
//! Unknown fields are allowed and kept: systems run ahead of the specification. They are only mentioned, because the
//! usual cause is a misspelt name. An object for which the schema names no fields is not looked at.

use std::borrow::Cow;
use std::cmp::Ordering;

use lgsp_model::Finding;
use serde_json::Value;

use crate::schema::{MAX_FINDINGS, shown_segment};
use crate::tree::{Key, Tree};

/// The rule's name in findings.
pub(crate) const UNKNOWN_FIELD: &str = "unknown-field";

/// How many `$ref` are followed one after another: a chain longer than this is a circle.
const MAX_REFS: usize = 8;

/// How deep named fields are followed; real schemas use 3.
const MAX_LEVELS: usize = 16;

/// The fields of one place, sorted by name, each with the fields below it.
#[derive(Debug, Default)]
pub(crate) struct KnownFields {
    names: Vec<(Key<'static>, Option<KnownFields>)>,
}

impl KnownFields {
    /// The fields that `schema` names. `None` where it names none.
    pub(crate) fn of(schema: &Value) -> Option<Self> {
        Self::below(schema, schema, 0)
    }

    fn below(place: &Value, root: &Value, level: usize) -> Option<Self> {
        if level > MAX_LEVELS {
            return None;
        }
        let place = follow(place, root)?;
        if let Some(items) = place.get("items") {
            return Self::below(items, root, level + 1);
        }
        let properties = place.get("properties")?.as_object()?;
        let mut names: Vec<_> = properties
            .iter()
            .map(|(name, inner)| (Key::new(Cow::Owned(name.clone())), Self::below(inner, root, level + 1)))
            .collect();
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        Some(Self { names })
    }

    /// Adds a finding for every field of `record` that is not known, up to the bound of findings.
    pub(crate) fn warn(&self, record: &Tree<'_>, warnings: &mut Vec<Finding>) {
        self.walk(record, &mut Vec::new(), warnings);
    }

    fn walk<'a>(&self, value: &'a Tree<'_>, path: &mut Vec<Segment<'a>>, warnings: &mut Vec<Finding>) {
        match value {
            Tree::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    path.push(Segment::Index(n));
                    self.walk(item, path, warnings);
                    path.pop();
                }
            }
            Tree::Object(members) => {
                let mut names = self.names.as_slice();
                for member in members.as_slice() {
                    match below(&mut names, &member.key) {
                        Some(None) => {}
                        Some(Some(below)) => {
                            path.push(Segment::Key(member.key.as_str()));
                            below.walk(&member.value, path, warnings);
                            path.pop();
                        }
                        None if warnings.len() < MAX_FINDINGS => warnings.push(unknown(path, member.key.as_str())),
                        None => return,
                    }
                }
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {}
        }
    }
}

/// What is known below `key`; `None` when it is not known itself. Both sides are sorted by name, so the next known name
/// is nearly always the one asked for: those before it are dropped from `names`.
fn below<'k>(names: &mut &'k [(Key<'static>, Option<KnownFields>)], key: &Key<'_>) -> Option<&'k Option<KnownFields>> {
    while let [(name, below), rest @ ..] = *names {
        match name.cmp(key) {
            Ordering::Less => *names = rest,
            Ordering::Equal => return Some(below),
            Ordering::Greater => break,
        }
    }
    None
}

enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

fn unknown(path: &[Segment<'_>], key: &str) -> Finding {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) => pointer.extend(["/", &shown_segment(key)]),
            Segment::Index(n) => pointer.extend(["/", &n.to_string()]),
        }
    }
    pointer.extend(["/", &shown_segment(key)]);
    let message = "the contract does not name this field: it is kept and passed on as sent; check the spelling";
    Finding::new(pointer, UNKNOWN_FIELD, message)
}

fn follow<'a>(mut place: &'a Value, root: &'a Value) -> Option<&'a Value> {
    for _ in 0..MAX_REFS {
        let Some(target) = place.get("$ref") else { return Some(place) };
        place = root.pointer(target.as_str()?.strip_prefix('#')?)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(record: &Value) -> Vec<String> {
        let schema = json!({
            "$defs": {"fee": {"type": "object", "properties": {"Gia": {}, "TenPhiLePhi": {}}}},
            "properties": {"A": {}, "C": {"type": ["array", "null"], "items": {"$ref": "#/$defs/fee"}}, "Open": {"type": "object"}}
        });
        let mut warnings = Vec::new();
        KnownFields::of(&schema).unwrap().warn(&Tree::from(record), &mut warnings);
        warnings.into_iter().map(|warning| warning.path).collect()
    }

    #[test]
    fn unknown_fields_are_named_at_every_level_and_known_ones_are_not() {
        let record =
            json!({"A": 1, "B": 1, "C": [{"Gia": ""}, {"gia": "", "TenPhiLePhi": ""}], "Open": {"x": 1}, "z/~": 1});
        assert_eq!(paths(&record), ["/B", "/C/1/gia", "/z~1~0"]);
        assert!(paths(&json!({"A": {"x": 1}, "C": null})).is_empty());
    }

    #[test]
    fn warnings_are_bounded_and_long_names_are_cut() {
        let many: Value = (0..1000).map(|n| (format!("B{n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
        assert_eq!(paths(&many).len(), MAX_FINDINGS);
        let long = paths(&json!({ "\u{1b}x".repeat(10_000): 1 }));
        assert_eq!(long[0].chars().count(), 65);
        assert!(!long[0].contains('\u{1b}'));
    }

    #[test]
    fn a_circle_of_references_ends() {
        assert!(KnownFields::of(&json!({"$ref": "#"})).is_none());
        let tree = json!({"properties": {"x": {"$ref": "#"}}});
        let mut warnings = Vec::new();
        KnownFields::of(&tree).unwrap().warn(&Tree::from(&json!({"x": {"x": {"y": 1}}})), &mut warnings);
        assert_eq!(warnings[0].path, "/x/x/y");
    }
}
