//! What a JSON Schema says about types: XML has none, so that a message read from XML is typed by the schema of its
//! JSON side. It checks nothing; what does not fit stays text, and the schema refuses it.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::tree::{Members, Tree};

/// The type of one value, as far as the schema fixes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Any,
    Integer,
    Number,
    Boolean,
    List(Box<Shape>),
    Object(Vec<(String, Shape)>),
}

/// How deep `$ref`s and properties are followed: a schema may refer to itself.
const MAX_DEPTH: usize = 16;

/// The most properties that are followed: a schema that refers to itself several times would grow without end.
const MAX_NAMES: usize = 20_000;

impl Shape {
    pub(crate) fn of(schema: &Value) -> Self {
        Self::at(schema, schema, 0, &mut MAX_NAMES.clone())
    }

    fn at(root: &Value, schema: &Value, depth: usize, left: &mut usize) -> Self {
        if depth > MAX_DEPTH || *left == 0 {
            return Self::Any;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let inside = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return inside.map_or(Self::Any, |inside| Self::at(root, inside, depth + 1, left));
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => {
                several.iter().filter_map(Value::as_str).filter(|word| *word != "null").collect()
            }
            _ => Vec::new(),
        };
        match types[..] {
            ["integer"] => Self::Integer,
            ["number"] => Self::Number,
            ["boolean"] => Self::Boolean,
            ["array"] => {
                let items = schema.get("items").map_or(Self::Any, |items| Self::at(root, items, depth + 1, left));
                Self::List(Box::new(items))
            }
            ["object"] => Self::Object(properties(root, schema, depth, left)),
            _ => Self::Any,
        }
    }

    /// Gives the texts of a value the types that the schema asks for. A single value where a list is asked for becomes a
    /// list of one; an empty text where an object or list is asked for becomes an empty one.
    pub(crate) fn apply<'a>(&self, tree: Tree<'a>) -> Tree<'a> {
        match (self, tree) {
            (Self::Integer, Tree::Text(text)) => integer(text),
            (Self::Number, Tree::Text(text)) => number(text),
            (Self::Boolean, Tree::Text(text)) => match text.trim() {
                "true" | "1" => Tree::Bool(true),
                "false" | "0" => Tree::Bool(false),
                _ => Tree::Text(text),
            },
            (Self::List(item), Tree::List(items)) => {
                Tree::List(items.into_iter().map(|value| item.apply(value)).collect())
            }
            (Self::List(_), Tree::Text(text)) if text.trim().is_empty() => Tree::List(Vec::new()),
            (Self::List(item), single @ (Tree::Text(_) | Tree::Object(_))) => Tree::List(vec![item.apply(single)]),
            (Self::Object(_), Tree::Text(text)) if text.trim().is_empty() => {
                Tree::Object(Members::sorted(Vec::new()).expect("no keys, none twice"))
            }
            (Self::Object(properties), Tree::Object(members)) => Tree::Object(typed(properties, members)),
            (_, other) => other,
        }
    }
}

fn properties(root: &Value, schema: &Value, depth: usize, left: &mut usize) -> Vec<(String, Shape)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut shapes: Vec<_> = properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            *left = left.saturating_sub(1);
            (name.clone(), Shape::at(root, schema, depth + 1, left))
        })
        .filter(|(_, shape)| *shape != Shape::Any)
        .collect();
    shapes.sort_by(|one, other| one.0.cmp(&other.0));
    shapes
}

fn typed<'a>(properties: &[(String, Shape)], members: Members<'a>) -> Members<'a> {
    if properties.is_empty() {
        return members;
    }
    let typed = members.into_order().into_iter().map(|mut member| {
        let at = properties.binary_search_by(|(name, _)| name.as_str().cmp(member.key.as_str()));
        if let Ok(at) = at {
            member.value = properties[at].1.apply(std::mem::take(&mut member.value));
        }
        member
    });
    Members::sorted(typed.collect()).expect("the keys are those of an object")
}

fn integer(text: Cow<'_, str>) -> Tree<'_> {
    match text.trim().parse::<i64>() {
        Ok(number) => Tree::Number(number.into()),
        Err(_) => Tree::Text(text),
    }
}

fn number(text: Cow<'_, str>) -> Tree<'_> {
    let trimmed = text.trim();
    if let Ok(whole) = trimmed.parse::<i64>() {
        return Tree::Number(whole.into());
    }
    // Only plain decimals: `inf`, `0x10` and the like are no numbers of XML's either.
    let plain = trimmed.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    match trimmed.parse::<f64>().ok().filter(|_| plain).and_then(Number::from_f64) {
        Some(number) => Tree::Number(number),
        None => Tree::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use serde_json::json;

    #[test]
    fn a_schema_that_refers_to_itself_many_times_ends() {
        let properties: serde_json::Map<_, _> = (0..50).map(|n| (format!("p{n}"), json!({"$ref": "#"}))).collect();
        let schema = json!({"type": "object", "properties": properties});
        // What is beyond the bound stays text.
        assert_eq!(apply(&schema, r#"{"p0":{"p0":""},"p1":""}"#), r#"{"p0":{"p0":{}},"p1":""}"#);
    }

    fn apply(schema: &Value, text: &str) -> String {
        let tree = json::parse(text.as_bytes()).ok().unwrap();
        let mut out = Vec::new();
        json::write(&Shape::of(schema).apply(tree), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_get_the_types_that_the_schema_asks_for_and_what_does_not_fit_stays() {
        let schema = json!({
            "type": "object",
            "properties": {
                "n": {"type": "integer"}, "d": {"type": ["number", "null"]}, "b": {"type": "boolean"},
                "l": {"type": "array", "items": {"$ref": "#/$defs/item"}}, "o": {"type": "object"}, "t": {"type": "string"},
            },
            "$defs": {"item": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        });
        for (text, typed) in [
            (r#"{"n":"007","t":"007"}"#, r#"{"n":7,"t":"007"}"#),
            (r#"{"n":"1.5","d":"1.5"}"#, r#"{"n":"1.5","d":1.5}"#),
            (r#"{"d":"nan","b":"yes"}"#, r#"{"d":"nan","b":"yes"}"#),
            (r#"{"b":"1","d":null}"#, r#"{"b":true,"d":null}"#),
            (r#"{"l":{"n":"1"}}"#, r#"{"l":[{"n":1}]}"#),
            (r#"{"l":[{"n":"1"},{"n":"x"}]}"#, r#"{"l":[{"n":1},{"n":"x"}]}"#),
            (r#"{"l":"","o":""}"#, r#"{"l":[],"o":{}}"#),
            (r#"{"z":"1","n":"2","a":"3"}"#, r#"{"z":"1","n":2,"a":"3"}"#),
        ] {
            assert_eq!(apply(&schema, text), typed, "{text}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"type": "object", "properties": {"child": {"$ref": "#"}, "n": {"type": "integer"}}});
        assert_eq!(apply(&schema, r#"{"child":{"child":{"n":"1"}}}"#), r#"{"child":{"child":{"n":1}}}"#);
        assert_eq!(Shape::of(&json!({"$ref": "#"})), Shape::Any);
    }
}
