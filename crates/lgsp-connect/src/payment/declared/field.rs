//! The fields of a message that goes out: texts with values in them, tables, lists over the lines of a bill, and what is packed into a text.
//!
//! Fields have no order: what is signed names its own, and a form or an object is the same in any.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::super::order::Order;
use super::reader::Part;
use super::template::{Flaw, Scope, Template, Written};
use super::values::{Facts, Topic};
use crate::settings::Problem;

/// Tables in tables: the deepest of the field has three.
const MOST_DEPTH: usize = 8;

const EXPECTED: Problem = Problem::Expected(
    "a text, a whole number, true or false, a list, or a table with one of object, each, json, base64, omit",
);

/// The value of a field.
#[derive(Clone, Debug)]
pub(super) enum Field {
    Text(Template),
    Constant(Json),
    List(Vec<Field>),
    Object(Fields),
    /// One for each line of the bill.
    Each(Box<Field>),
    /// As JSON in a text.
    Json(Box<Field>),
    /// In Base64, behind a word.
    Base64(String, Box<Field>),
}

/// Names and their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, Field)>);

/// A value that does not fit, and the field that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub field: String,
    pub flaw: Flaw,
}

impl Fields {
    /// The table `key` of a message.
    pub(super) fn read(part: &Part<'_>, key: &str, scope: Scope<'_>) -> Self {
        match part.part(key) {
            Some(fields) => Self::of(&fields, scope, 0),
            None => Self::default(),
        }
    }

    fn of(part: &Part<'_>, scope: Scope<'_>, depth: usize) -> Self {
        let fields = part.entries().filter_map(|(name, value)| {
            Field::parse(value, &part.path(name), scope, depth).map(|field| (name.to_owned(), field))
        });
        Self(fields.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// Whether a signature can cover it: tables and lists have no one text.
    pub(super) fn is_scalar(&self, name: &str) -> bool {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.is_some_and(|(_, field)| !matches!(field, Field::Object(_) | Field::List(_) | Field::Each(_)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.0.iter().map(|(name, field)| (name.as_str(), field))
    }

    pub(super) fn write(&self, facts: &Facts<'_>) -> Result<Map<String, Json>, Misfit> {
        let mut object = Map::new();
        for (name, field) in &self.0 {
            object.insert(name.clone(), field.write(name, facts)?);
        }
        Ok(object)
    }
}

impl Field {
    /// `None` when it is wrong or left out.
    pub(super) fn parse(value: &Value, key: &str, scope: Scope<'_>, depth: usize) -> Option<Self> {
        if depth == MOST_DEPTH {
            scope.errors.fail(key, Problem::Expected("fewer tables in tables"));
            return None;
        }
        match value {
            Value::String(text) => Template::parse(text, key, scope).map(Self::Text),
            Value::Integer(number) => Some(Self::Constant((*number).into())),
            Value::Boolean(is) => Some(Self::Constant((*is).into())),
            Value::Array(items) => {
                let item = |(at, item): (usize, &Value)| Self::parse(item, &format!("{key}[{at}]"), scope, depth + 1);
                Some(Self::List(items.iter().enumerate().filter_map(item).collect()))
            }
            Value::Table(table) => Self::table(table, key, scope, depth + 1),
            Value::Float(_) | Value::Datetime(_) => {
                scope.errors.fail(key, EXPECTED);
                None
            }
        }
    }

    fn table(table: &Table, key: &str, scope: Scope<'_>, depth: usize) -> Option<Self> {
        let part = Part::new(table, key.to_owned(), scope.errors);
        let inner = |word: &str, scope: Scope<'_>| {
            let value = part.get(word)?;
            Self::parse(value, &part.path(word), scope, depth)
        };
        let field = if part.flag("omit") {
            part.entries().for_each(drop);
            None
        } else if part.has("object") {
            part.part("object").map(|fields| Self::Object(Fields::of(&fields, scope, depth)))
        } else if part.has("each") {
            part.word("each", &[("bill.fees", ())], None, "bill.fees");
            let with_fee: Vec<Topic> = scope.topics.iter().copied().chain([Topic::Fee]).collect();
            if !part.has("of") {
                part.fail("of", Problem::Missing);
            }
            inner("of", Scope { topics: &with_fee, ..scope }).map(|field| Self::Each(Box::new(field)))
        } else if part.has("json") {
            inner("json", scope).map(|field| Self::Json(Box::new(field)))
        } else if part.has("base64") {
            let before = part.text("before").unwrap_or_default().to_owned();
            inner("base64", scope).map(|field| Self::Base64(before, Box::new(field)))
        } else {
            scope.errors.fail(key, EXPECTED);
            part.entries().for_each(drop);
            None
        };
        part.finish();
        field
    }

    /// Whether a value in it is empty.
    pub(super) fn lacks(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Text(template) => template.lacks(facts),
            Self::Constant(_) | Self::Each(_) => false,
            Self::List(items) => items.iter().any(|item| item.lacks(facts)),
            Self::Object(fields) => fields.0.iter().any(|(_, field)| field.lacks(facts)),
            Self::Json(field) | Self::Base64(_, field) => field.lacks(facts),
        }
    }

    /// `name` is told when a value does not fit.
    pub(super) fn write(&self, name: &str, facts: &Facts<'_>) -> Result<Json, Misfit> {
        match self {
            Self::Text(template) => match template.write(facts) {
                Ok(Written::Text(text)) => Ok(text.into()),
                Ok(Written::Number(number)) => Ok(number.into()),
                Err(flaw) => Err(Misfit { field: name.to_owned(), flaw }),
            },
            Self::Constant(json) => Ok(json.clone()),
            Self::List(items) => items.iter().map(|item| item.write(name, facts)).collect(),
            Self::Object(fields) => fields.write(facts).map(Json::Object),
            Self::Each(field) => {
                let fees = facts.order.map_or(&[][..], |order: &Order| &order.bill.fees);
                fees.iter().map(|fee| field.write(name, &Facts { fee: Some(fee), ..*facts })).collect()
            }
            Self::Json(field) => Ok(field.write(name, facts)?.to_string().into()),
            Self::Base64(before, field) => {
                let packed = STANDARD.encode(flat(&field.write(name, facts)?));
                Ok(format!("{before}{packed}").into())
            }
        }
    }
}

/// A value as it stands in a form, in a query, and in what is signed.
pub(super) fn flat(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}
