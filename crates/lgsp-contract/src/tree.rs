//! The value of one message as it is checked and mapped: texts borrowed from the message, objects as lists sorted by key
//! that remember the order in which they stood.
//!
//! JSON and XML are read into it alike. Schemas and examples, which are read once, stay `serde_json` values. It has no
//! `Debug`, because it holds personal data.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

/// One value. A borrowed text stands in the message just so, without an escape.
#[derive(Default)]
pub(crate) enum Tree<'a> {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Object(Members<'a>),
}

impl<'a> Tree<'a> {
    /// The value of a field; `None` when it is absent or this is no object.
    pub(crate) fn get(&self, field: &str) -> Option<&Tree<'a>> {
        match self {
            Self::Object(members) => members.get(&Key::new(Cow::Borrowed(field))),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, if this is a list.
    pub(crate) fn as_list(&self) -> Option<&[Tree<'a>]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Makes a list of this and `later`, which have the same key; a list gets one more entry.
    pub(crate) fn gather(&mut self, later: Tree<'a>) {
        let mut entries = match std::mem::take(self) {
            Self::List(entries) => entries,
            one => vec![one],
        };
        match later {
            Self::List(more) => entries.extend(more),
            one => entries.push(one),
        }
        *self = Self::List(entries);
    }

    /// The same value without anything borrowed.
    pub(crate) fn detached<'b>(&self) -> Tree<'b> {
        match self {
            Self::Null => Tree::Null,
            Self::Bool(value) => Tree::Bool(*value),
            Self::Number(number) => Tree::Number(number.clone()),
            Self::Text(text) => Tree::Text(Cow::Owned(text.clone().into_owned())),
            Self::List(items) => Tree::List(items.iter().map(Self::detached).collect()),
            Self::Object(members) => {
                let copy =
                    |key: &Key<'_>, value: &Self| Ok::<_, std::convert::Infallible>((key.detached(), value.detached()));
                match members.try_map(copy) {
                    Ok(members) => Tree::Object(members),
                    Err(never) => match never {},
                }
            }
        }
    }

    /// The same value in the representation of `serde_json`.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone().into_owned()),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => members
                .as_slice()
                .iter()
                .map(|member| (member.key.as_str().to_owned(), member.value.to_value()))
                .collect(),
        }
    }
}

/// The members of one object: sorted by key, every key once.
#[derive(Default)]
pub(crate) struct Members<'a>(Vec<Member<'a>>);

/// One key of an object with its value.
pub(crate) struct Member<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) value: Tree<'a>,
    /// Where it stood in the message among its siblings.
    position: u32,
}

impl Member<'_> {
    /// A place for a member that is about to be read. A constant is copied into a list at once, not field by field.
    pub(crate) const EMPTY: Self =
        Self { key: Key { head: 0, text: Cow::Borrowed("") }, value: Tree::Null, position: 0 };
}

impl<'a> Member<'a> {
    pub(crate) fn new(key: impl Into<Cow<'a, str>>, value: Tree<'a>) -> Self {
        Self { key: Key::new(key.into()), value, position: 0 }
    }

    /// With a key that is prepared already.
    pub(crate) fn with_key(key: Key<'a>, value: Tree<'a>) -> Self {
        Self { key, value, position: 0 }
    }
}

impl<'a> Members<'a> {
    /// Sorts `members`, which come in the order of the message; `None` when a key is there twice.
    pub(crate) fn sorted(mut members: Vec<Member<'a>>) -> Option<Self> {
        number(&mut members);
        if !ascend(&members) {
            members.sort_unstable_by(|one, other| one.key.cmp(&other.key));
            if !ascend(&members) {
                return None;
            }
        }
        // An empty object must not keep the room for members: a record may have millions of them.
        Some(Self(if members.is_empty() { Vec::new() } else { members }))
    }

    /// Sorts `members`, which come in the order of the message; those of one key become one list where the first stood.
    /// Entries of lists are entries of that list.
    pub(crate) fn gathered(mut members: Vec<Member<'a>>) -> Self {
        number(&mut members);
        if ascend(&members) {
            return Self(members);
        }
        members.sort_unstable_by(|one, other| one.key.cmp(&other.key).then(one.position.cmp(&other.position)));
        if ascend(&members) {
            return Self(members);
        }
        members.dedup_by(|later, first| {
            let same = later.key.cmp(&first.key).is_eq();
            if same {
                first.value.gather(std::mem::take(&mut later.value));
            }
            same
        });
        let mut kept: Vec<u32> = members.iter().map(|member| member.position).collect();
        kept.sort_unstable();
        for member in &mut members {
            let place = kept.partition_point(|position| *position < member.position);
            member.position = u32::try_from(place).expect("no more than before");
        }
        Self(members)
    }

    /// Sorted by key.
    pub(crate) fn as_slice(&self) -> &[Member<'a>] {
        &self.0
    }

    /// As they stood in the message.
    pub(crate) fn in_order(&self) -> Vec<&Member<'a>> {
        // Positions are the numbers from 0 on, so that every place is taken once.
        let mut members: Vec<_> = self.0.iter().collect();
        for member in &self.0 {
            members[member.position as usize] = member;
        }
        members
    }

    /// The members themselves, as they stood in the message.
    pub(crate) fn into_order(mut self) -> Vec<Member<'a>> {
        self.0.sort_unstable_by_key(|member| member.position);
        self.0
    }

    pub(crate) fn get(&self, key: &Key<'_>) -> Option<&Tree<'a>> {
        let at = self.0.binary_search_by(|member| member.key.cmp(key)).ok()?;
        Some(&self.0[at].value)
    }

    /// The same members in the same order with copied values. `copy` must keep the keys' texts.
    pub(crate) fn try_map<'s, 'b, E>(
        &'s self,
        mut copy: impl FnMut(&'s Key<'a>, &'s Tree<'a>) -> Result<(Key<'b>, Tree<'b>), E>,
    ) -> Result<Members<'b>, E> {
        let copied = self.0.iter().map(|member| {
            let (key, value) = copy(&member.key, &member.value)?;
            Ok(Member { key, value, position: member.position })
        });
        copied.collect::<Result<_, E>>().map(Members)
    }
}

fn number(members: &mut [Member<'_>]) {
    for (position, member) in (0..).zip(members) {
        member.position = position;
    }
}

/// Whether every key is greater than the one before.
fn ascend(members: &[Member<'_>]) -> bool {
    members.is_sorted_by(|one, next| one.key.cmp(&next.key).is_lt())
}

/// A key that is quick to compare: its first bytes, as one number, decide nearly every comparison.
#[derive(Clone, Debug)]
pub(crate) struct Key<'a> {
    head: u64,
    text: Cow<'a, str>,
}

impl<'a> Key<'a> {
    #[inline]
    pub(crate) fn new(text: Cow<'a, str>) -> Self {
        Self { head: head(text.as_bytes()), text }
    }

    /// The same key, borrowed.
    #[inline]
    pub(crate) fn borrowed(&self) -> Key<'_> {
        Key { head: self.head, text: Cow::Borrowed(&self.text) }
    }

    /// The same key without anything borrowed.
    pub(crate) fn detached<'b>(&self) -> Key<'b> {
        Key { head: self.head, text: Cow::Owned(self.text.clone().into_owned()) }
    }

    /// The key as text.
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> Cow<'a, str> {
        self.text
    }

    /// The order of the texts, byte by byte.
    #[inline]
    pub(crate) fn cmp(&self, other: &Key<'_>) -> Ordering {
        match self.head.cmp(&other.head) {
            Ordering::Equal => self.text.as_bytes().cmp(other.text.as_bytes()),
            decided => decided,
        }
    }
}

/// The first eight bytes as a number that is ordered as they are; a shorter text is filled up with zeros.
#[inline]
fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(first)
        }
    }
}

impl Tree<'_> {
    /// A value of `serde_json`, copied.
    pub(crate) fn from_value(value: &Value) -> Tree<'static> {
        match value {
            Value::Null => Tree::Null,
            Value::Bool(value) => Tree::Bool(*value),
            Value::Number(number) => Tree::Number(number.clone()),
            Value::String(text) => Tree::Text(Cow::Owned(text.clone())),
            Value::Array(items) => Tree::List(items.iter().map(Tree::from_value).collect()),
            Value::Object(map) => {
                let members =
                    map.iter().map(|(key, value)| Member::new(key.clone(), Tree::from_value(value))).collect();
                Tree::Object(Members::sorted(members).expect("a map has every key once"))
            }
        }
    }
}

#[cfg(test)]
impl From<&Value> for Tree<'static> {
    fn from(value: &Value) -> Self {
        Tree::from_value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> Key<'_> {
        Key::new(Cow::Borrowed(text))
    }

    fn object<'a>(keys: &[&'a str]) -> Option<Members<'a>> {
        let members = keys.iter().enumerate().map(|(n, text)| Member::new(*text, Tree::Number(n.into())));
        Members::sorted(members.collect())
    }

    /// Different keys in any order, with long beginnings in common.
    fn distinct_keys() -> impl Strategy<Value = Vec<String>> {
        let set = prop::collection::btree_set("[ab]{0,10}", 0..40);
        set.prop_map(|keys| keys.into_iter().collect::<Vec<_>>()).prop_shuffle()
    }

    proptest! {
        #[test]
        fn keys_are_ordered_as_their_texts(one in "[a\0é]{0,12}", other in "[a\0é]{0,12}") {
            prop_assert_eq!(key(&one).cmp(&key(&other)), one.cmp(&other));
        }

        #[test]
        fn what_has_one_key_becomes_one_list_in_the_order_of_the_message(keys in prop::collection::vec("[ab]{0,2}", 0..12)) {
            let members = keys.iter().enumerate().map(|(n, key)| Member::new(key.as_str(), Tree::Number(n.into())));
            let gathered = Members::gathered(members.collect());
            let mut firsts = keys.clone();
            firsts.dedup();
            let mut seen = std::collections::BTreeSet::new();
            firsts.retain(|key| seen.insert(key.clone()));
            let order: Vec<_> = gathered.in_order().iter().map(|member| member.key.as_str().to_owned()).collect();
            prop_assert_eq!(order, firsts);
            for member in gathered.as_slice() {
                let numbers: Vec<_> = (0..keys.len()).filter(|n| keys[*n] == member.key.as_str()).collect();
                let expected = if let [one] = numbers[..] { Value::from(one) } else { Value::from(numbers) };
                prop_assert_eq!(member.value.to_value(), expected);
            }
        }

        #[test]
        fn what_is_in_an_object_is_found_and_nothing_else(
            keys in distinct_keys(), asked in "[ab]{0,10}",
        ) {
            let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
            let members = object(&texts).unwrap();
            for (n, text) in texts.iter().enumerate() {
                prop_assert!(matches!(members.get(&key(text)), Some(Tree::Number(found)) if *found == n.into()));
            }
            prop_assert_eq!(members.get(&key(&asked)).is_some(), texts.contains(&asked.as_str()));
        }
    }

    #[test]
    fn the_order_of_the_message_is_kept() {
        let members = object(&["b", "a", "c"]).unwrap();
        let order: Vec<&str> = members.in_order().iter().map(|member| member.key.as_str()).collect();
        assert_eq!(order, ["b", "a", "c"]);
        let sorted: Vec<&str> = members.as_slice().iter().map(|member| member.key.as_str()).collect();
        assert_eq!(sorted, ["a", "b", "c"]);
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_wherever_it_stands() {
        assert!(object(&["b", "a", "b"]).is_none());
        assert!(object(&["a", "a"]).is_none());
        assert!(object(&["", "a", "a\0", "aaaaaaaa", "aaaaaaaab"]).is_some());
    }

    #[test]
    fn fields_of_what_is_no_object_are_absent() {
        for tree in [Tree::Null, Tree::Text("MaHoSo".into()), Tree::List(vec![Tree::Null])] {
            assert!(tree.get("MaHoSo").is_none());
        }
    }
}
