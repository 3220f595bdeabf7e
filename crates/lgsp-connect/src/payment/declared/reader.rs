//! A table of a profile, read strictly: every error at once, with the whole path of its key.
//!
//! It reads values; what they mean is its caller's.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::settings::{Problem, SettingError};

/// All that was wrong so far.
#[derive(Default)]
pub(super) struct Errors(RefCell<Vec<SettingError>>);

impl Errors {
    pub(super) fn fail(&self, key: &str, problem: Problem) {
        self.0.borrow_mut().push(SettingError { key: key.to_owned(), problem });
    }

    pub(super) fn into_inner(self) -> Vec<SettingError> {
        self.0.into_inner()
    }
}

/// One table, and where it stands.
pub(super) struct Part<'a> {
    table: &'a Table,
    path: String,
    seen: RefCell<BTreeSet<&'a str>>,
    errors: &'a Errors,
}

impl<'a> Part<'a> {
    pub(super) fn new(table: &'a Table, path: String, errors: &'a Errors) -> Self {
        Self { table, path, seen: RefCell::default(), errors }
    }

    /// The whole path of a key.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn fail(&self, key: &str, problem: Problem) {
        self.errors.fail(&self.path(key), problem);
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        let (key, value) = self.table.get_key_value(key)?;
        self.seen.borrow_mut().insert(key);
        Some(value)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text, possibly empty.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        let value = self.get(key)?;
        if value.as_str().is_none() {
            self.fail(key, Problem::Expected("a text"));
        }
        value.as_str()
    }

    /// A text that must be there and must not be empty.
    pub(super) fn needed(&self, key: &str) -> Option<&'a str> {
        match self.get(key) {
            None => self.fail(key, Problem::Missing),
            Some(Value::String(text)) if !text.is_empty() => return Some(text),
            Some(_) => self.fail(key, Problem::Expected("a text that is not empty")),
        }
        None
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        let value = self.get(key);
        if value.is_some_and(|value| !value.is_bool()) {
            self.fail(key, Problem::Expected("true or false"));
        }
        value.and_then(Value::as_bool).unwrap_or(false)
    }

    /// One of a few words; without a default it must be there.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
        default: Option<T>,
        expected: &'static str,
    ) -> Option<T> {
        let Some(value) = self.get(key) else {
            if default.is_none() {
                self.fail(key, Problem::Missing);
            }
            return default;
        };
        let word = words.iter().find(|(word, _)| value.as_str() == Some(word)).map(|(_, meaning)| *meaning);
        if word.is_none() {
            self.fail(key, Problem::Expected(expected));
        }
        word
    }

    /// A table inside, where there is one.
    pub(super) fn part(&self, key: &str) -> Option<Self> {
        match self.get(key)? {
            Value::Table(table) => Some(Self::new(table, self.path(key), self.errors)),
            _ => {
                self.fail(key, Problem::Expected("a table"));
                None
            }
        }
    }

    /// A table inside that must be there.
    pub(super) fn needed_part(&self, key: &str) -> Option<Self> {
        if !self.has(key) {
            self.fail(key, Problem::Missing);
        }
        self.part(key)
    }

    /// Everything inside, for a table whose keys are names of somebody else.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.seen.borrow_mut().extend(self.table.keys().map(String::as_str));
        self.table.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Keys that nobody asked for are errors.
    pub(super) fn finish(self) {
        let seen = self.seen.borrow();
        for key in self.table.keys().filter(|key| !seen.contains(key.as_str())) {
            self.fail(key, Problem::Unknown);
        }
    }
}

/// `over` laid on `base`: tables grow together, anything else takes the place of what was there.
pub(super) fn laid_over(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => laid_over(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_grow_together_and_other_values_are_replaced() {
        let mut base: Table = "a = 1\n[b]\nc = 'x'\nd = [1, 2]\n[b.e]\nf = 1".parse().unwrap();
        laid_over(&mut base, &"g = 2\n[b]\nd = [3]\ne = { h = 4 }\nc = { i = 5 }".parse().unwrap());
        let grown: Table = "a = 1\ng = 2\n[b]\nc = { i = 5 }\nd = [3]\n[b.e]\nf = 1\nh = 4".parse().unwrap();
        assert_eq!(base, grown);
    }

    #[test]
    fn every_error_has_its_whole_path() {
        let table: Table = "[a]\nword = 'x'\nflag = 1\nsurprise = 1\n[b]".parse().unwrap();
        let errors = Errors::default();
        let top = Part::new(&table, String::new(), &errors);
        let a = top.part("a").unwrap();
        assert_eq!(a.word("word", &[("y", 1)], None, "y"), None);
        a.flag("flag");
        a.needed("missing");
        a.finish();
        top.finish();
        let told: Vec<_> = errors.into_inner().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "a.word: expected y",
                "a.flag: expected true or false",
                "a.missing: is required",
                "a.surprise: no such setting",
                "b: no such setting"
            ]
        );
    }
}
