//! Texts as values of the simple types of a schema: white space, the built-in type, then every facet.

use super::model::{Facets, Kind, Schema, Simple, TypeId, Variety};
use super::value::{Builtin, Value};

/// What a text offends: the rule's stable name.
pub(super) type Offence = &'static str;

/// The namespaces of prefixes where a text stands.
pub(super) type SpaceOf<'s> = &'s dyn Fn(&str) -> Option<String>;

impl Schema {
    /// The value that `text` is in a simple type.
    pub(super) fn value(&self, kind: TypeId, text: &str, spaces: SpaceOf<'_>) -> Result<Value, Offence> {
        let Kind::Simple(simple) = &self.types[kind].kind else { return Ok(Value::Text(text.to_owned())) };
        let text = simple.white.apply(text);
        let value = match &simple.variety {
            Variety::Atomic(builtin) => builtin.read(&text, spaces).ok_or("datatype")?,
            Variety::List(item) => {
                let words = text.split(' ').filter(|word| !word.is_empty());
                Value::List(words.map(|word| self.value(*item, word, spaces)).collect::<Result<_, _>>()?)
            }
            Variety::Union(members) => {
                let mut values = members.iter().map(|member| self.value(*member, &text, spaces));
                values.find_map(Result::ok).ok_or("datatype")?
            }
        };
        for facets in &simple.facets {
            facets.check(&value, &text)?;
        }
        Ok(value)
    }

    /// The type of atomic values, or of the entries of a list.
    pub(super) fn builtin(&self, kind: TypeId) -> Option<Builtin> {
        match &self.types[kind].kind {
            Kind::Simple(Simple { variety: Variety::Atomic(builtin), .. }) => Some(*builtin),
            Kind::Simple(Simple { variety: Variety::List(item), .. }) => self.builtin(*item),
            _ => None,
        }
    }
}

impl Facets {
    fn check(&self, value: &Value, text: &str) -> Result<(), Offence> {
        if !self.patterns.is_empty() && !self.patterns.iter().any(|pattern| pattern.is_match(text)) {
            return Err("pattern");
        }
        if !self.enumeration.is_empty() && !self.enumeration.iter().any(|known| known.equals(value)) {
            return Err("enumeration");
        }
        if let Some(length) = value.length() {
            if self.length.is_some_and(|wanted| wanted != length) {
                return Err("length");
            }
            if self.min_length.is_some_and(|least| length < least) {
                return Err("min-length");
            }
            if self.max_length.is_some_and(|most| length > most) {
                return Err("max-length");
            }
        }
        if let Value::Decimal(number) = value {
            if self.total_digits.is_some_and(|most| number.total_digits() > most) {
                return Err("total-digits");
            }
            if self.fraction_digits.is_some_and(|most| number.fraction_digits() > most) {
                return Err("fraction-digits");
            }
        }
        let order = |bound: &Value| value.compare(bound);
        let within = self.min_inclusive.as_ref().is_none_or(|bound| order(bound).is_some_and(|order| order.is_ge()))
            && self.max_inclusive.as_ref().is_none_or(|bound| order(bound).is_some_and(|order| order.is_le()))
            && self.min_exclusive.as_ref().is_none_or(|bound| order(bound).is_some_and(|order| order.is_gt()))
            && self.max_exclusive.as_ref().is_none_or(|bound| order(bound).is_some_and(|order| order.is_lt()));
        if within { Ok(()) } else { Err("range") }
    }
}
