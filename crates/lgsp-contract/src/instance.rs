//! How the schema library reads a record: our tree under its traits.
//!
//! It decides nothing. Whether it keeps the library's expectations is tested with the library's own test.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object, cmp};
use serde_json::{Number, Value};

use crate::tree::{Key, Member, Members, Tree};

/// Records in the schema library's words: a representation of JSON.
pub(crate) struct RecordJson;

impl Json for RecordJson {
    type Node<'a> = &'a Tree<'a>;
    type PreparedKey = Key<'static>;
    type StringBuffer = Tree<'static>;

    /// A look-up compares about five keys.
    const KEYS_PER_LOOKUP: usize = 4;

    fn prepare_key(key: &str) -> Key<'static> {
        Key::new(Cow::Owned(key.to_owned()))
    }

    fn with_string_node<T>(buffer: &mut Tree<'static>, text: &str, f: impl FnOnce(Self::Node<'_>) -> T) -> T {
        *buffer = Tree::Text(Cow::Owned(text.to_owned()));
        f(buffer)
    }
}

impl<'a> Node<'a, RecordJson> for &'a Tree<'a> {
    type Object = &'a Members<'a>;
    type Array = &'a [Tree<'a>];
    type Number = &'a Number;

    fn as_object(&self) -> Option<&'a Members<'a>> {
        match self {
            Tree::Object(members) => Some(members),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<&'a [Tree<'a>]> {
        self.as_list()
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<&'a Number> {
        match self {
            Tree::Number(number) => Some(number),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Tree::Bool(value) => Some(*value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Tree::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Tree::Null => JsonType::Null,
            Tree::Bool(_) => JsonType::Boolean,
            Tree::Number(_) => JsonType::Number,
            Tree::Text(_) => JsonType::String,
            Tree::List(_) => JsonType::Array,
            Tree::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self, expected) {
            (Tree::Text(text), Value::String(expected)) => text == expected,
            _ => cmp::equal(&Tree::to_value(self), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Tree::to_value(self))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref(*self).addr()))
    }
}

impl<'a> Object<'a, RecordJson> for &'a Members<'a> {
    type Node = &'a Tree<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn get(&self, key: &Key<'static>) -> Option<&'a Tree<'a>> {
        Members::get(self, key)
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.as_slice().iter())
    }
}

/// The members of one object, sorted by key.
pub(crate) struct MembersIter<'a>(std::slice::Iter<'a, Member<'a>>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, &'a Tree<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|member| (member.key.as_str(), &member.value))
    }
}

impl<'a> Array<'a, RecordJson> for &'a [Tree<'a>] {
    type Node = &'a Tree<'a>;
    type ElementsIter = std::slice::Iter<'a, Tree<'a>>;

    fn len(&self) -> usize {
        <[Tree<'_>]>::len(self)
    }

    fn elements(&self) -> std::slice::Iter<'a, Tree<'a>> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use jsonschema::json::conformance;

    #[test]
    fn the_representation_keeps_what_the_library_expects() {
        let text = conformance::document().to_string();
        let parsed = parse(text.as_bytes()).ok().unwrap();
        conformance::assert_conformance::<RecordJson>(&&parsed);
        conformance::assert_conformance::<RecordJson>(&&Tree::from(&conformance::document()));
    }
}
