//! The order in which a JSON Schema names its properties. JSON has no order and XML has one: clients that were generated
//! from a WSDL expect the elements as it says. It changes no value.

use crate::json;
use crate::tree::{Members, Tree};

/// How deep `$ref`s and properties are followed: a schema may refer to itself.
const MAX_DEPTH: usize = 16;

/// The most properties that are followed: a schema that refers to itself several times would grow without end.
const MAX_NAMES: usize = 20_000;

/// The order of one value, as far as the schema names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    Free,
    List(Box<Order>),
    Members(Vec<(String, Order)>),
}

impl Order {
    /// That of a schema's text.
    pub(crate) fn of(schema: &str) -> Self {
        match json::parse(schema.as_bytes()) {
            Ok(root) => Self::at(&root, &root, 0, &mut MAX_NAMES.clone()),
            Err(_) => Self::Free,
        }
    }

    fn at(root: &Tree<'_>, schema: &Tree<'_>, depth: usize, left: &mut usize) -> Self {
        if depth > MAX_DEPTH || *left == 0 {
            return Self::Free;
        }
        if let Some(target) = schema.get("$ref").and_then(Tree::as_str) {
            let step = |at, part: &str| Tree::get(at, &part.replace("~1", "/").replace("~0", "~"));
            let inside = target.strip_prefix('#').map(|pointer| pointer.trim_start_matches('/'));
            let inside =
                inside.and_then(
                    |pointer| {
                        if pointer.is_empty() { Some(root) } else { pointer.split('/').try_fold(root, step) }
                    },
                );
            return inside.map_or(Self::Free, |inside| Self::at(root, inside, depth + 1, left));
        }
        if let Some(items) = schema.get("items") {
            return Self::List(Box::new(Self::at(root, items, depth + 1, left)));
        }
        let Some(Tree::Object(properties)) = schema.get("properties") else { return Self::Free };
        let mut names = Vec::new();
        for property in properties.in_order() {
            *left = left.saturating_sub(1);
            names.push((property.key.as_str().to_owned(), Self::at(root, &property.value, depth + 1, left)));
        }
        Self::Members(names)
    }

    /// Puts members where the schema names them; those that it does not name follow as they stood.
    pub(crate) fn arrange<'a>(&self, tree: Tree<'a>) -> Tree<'a> {
        match (self, tree) {
            (Self::List(item), Tree::List(items)) => {
                Tree::List(items.into_iter().map(|value| item.arrange(value)).collect())
            }
            (Self::List(item), single) => item.arrange(single),
            (Self::Members(names), Tree::Object(members)) => {
                let mut ranked: Vec<_> = members
                    .into_order()
                    .into_iter()
                    .map(|mut member| {
                        let rank = names.iter().position(|(name, _)| name == member.key.as_str());
                        if let Some(rank) = rank {
                            member.value = names[rank].1.arrange(std::mem::take(&mut member.value));
                        }
                        (rank.unwrap_or(names.len()), member)
                    })
                    .collect();
                ranked.sort_by_key(|(rank, _)| *rank);
                let members = ranked.into_iter().map(|(_, member)| member).collect();
                Tree::Object(Members::sorted(members).expect("the keys are those of an object"))
            }
            (_, other) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(schema: &str, text: &str) -> String {
        let mut out = Vec::new();
        json::write(&Order::of(schema).arrange(json::parse(text.as_bytes()).unwrap()), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_stand_as_the_schema_names_them_and_strangers_behind() {
        let schema = r##"{"type": "object", "properties": {"z": {}, "l": {"type": "array", "items": {"$ref": "#/$defs/i"}},
            "a": {"$ref": "#/$defs/i"}}, "$defs": {"i": {"properties": {"q": {}, "b": {}}}}}"##;
        assert_eq!(
            arranged(schema, r#"{"y":1,"a":{"b":1,"q":2},"l":[{"x":0,"b":1,"q":2}],"c":3,"z":4}"#),
            r#"{"z":4,"l":[{"q":2,"b":1,"x":0}],"a":{"q":2,"b":1},"y":1,"c":3}"#
        );
        assert_eq!(arranged("true", r#"{"b":1,"a":2}"#), r#"{"b":1,"a":2}"#);
    }

    #[test]
    fn a_schema_that_refers_to_itself_many_times_ends() {
        let names: Vec<String> = (0..50).map(|n| format!("\"p{n}\": {{\"$ref\": \"#\"}}")).collect();
        let schema = format!("{{\"properties\": {{{}}}}}", names.join(","));
        // What is beyond the bound stays as it stood.
        assert_eq!(arranged(&schema, r#"{"p2":{"p1":1,"p0":2},"p0":1}"#), r#"{"p0":1,"p2":{"p1":1,"p0":2}}"#);
    }
}
