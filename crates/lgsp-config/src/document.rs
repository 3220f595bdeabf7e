//! A walk over the parsed text that knows where it is, collects every error and notices keys that nobody asked for.
//!
//! It knows nothing of the keys themselves; `sections` does.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{ConfigError, Problem, SyntaxProblem};
use crate::substitute::{Inputs, substitute};

/// The longest file in bytes: thousands of members fit, a wrong file does not.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// One file while it is read.
pub(crate) struct Document<'a> {
    text: &'a str,
    inputs: &'a Inputs<'a>,
    errors: RefCell<Vec<(Option<usize>, ConfigError)>>,
    known: RefCell<BTreeSet<String>>,
}

impl<'a> Document<'a> {
    /// Reads `text` with `read`. `Err` holds every error in the order of the file; the set names every key that was
    /// asked for, without indices.
    pub(crate) fn read<T>(
        text: &'a str,
        inputs: &'a Inputs<'a>,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> (Result<T, Vec<ConfigError>>, BTreeSet<String>) {
        let document = Document { text, inputs, errors: RefCell::default(), known: RefCell::default() };
        if text.len() > MAX_TEXT {
            document.report(None, String::new(), Problem::Expected("a file of at most 4 MiB"));
            return (Err(document.into_errors().0), BTreeSet::new());
        }
        let (table, syntax) = DeTable::parse_recoverable(text);
        for error in &syntax {
            let said = Problem::Syntax(SyntaxProblem(error.message().to_owned()));
            document.report(error.span().map(|span| span.start), String::new(), said);
        }
        if !syntax.is_empty() {
            return (Err(document.into_errors().0), BTreeSet::new());
        }
        let mut section =
            Section { document: &document, table: Some(table.get_ref()), path: String::new(), at: None, asked: vec![] };
        let value = read(&mut section);
        section.finish();
        let (errors, known) = document.into_errors();
        match value {
            Some(value) if errors.is_empty() => (Ok(value), known),
            _ => (Err(errors), known),
        }
    }

    /// The errors in the order of the file, and the keys that were asked for.
    fn into_errors(self) -> (Vec<ConfigError>, BTreeSet<String>) {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|(at, _)| at.unwrap_or(usize::MAX));
        let (mut line, mut counted) = (1, 0);
        let place = |(at, mut error): (Option<usize>, ConfigError)| {
            if let Some(at) = at.map(|at| at.min(self.text.len())) {
                line += self.text.as_bytes()[counted..at].iter().filter(|b| **b == b'\n').count();
                counted = at;
                error.line = Some(line);
            }
            error
        };
        (errors.into_iter().map(place).collect(), self.known.into_inner())
    }

    fn report(&self, at: Option<usize>, path: String, problem: Problem) {
        self.errors.borrow_mut().push((at, ConfigError { path, line: None, problem }));
    }
}

/// A table of the file, or one that is absent and therefore empty.
pub(crate) struct Section<'a> {
    document: &'a Document<'a>,
    table: Option<&'a DeTable<'a>>,
    path: String,
    at: Option<usize>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The path of this table, such as `member[2]`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The directory that relative paths are relative to.
    pub(crate) fn base(&self) -> &'a Path {
        self.document.inputs.base
    }

    /// Reports a problem of `key` (or, when it is empty, of the table).
    pub(crate) fn report(&self, key: &str, problem: Problem) {
        let at = self.table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == key));
        let at = at.map(|(name, _)| name.span().start).or(self.at);
        let path = if key.is_empty() { self.path.clone() } else { self.below(key) };
        self.document.report(at, path, problem);
    }

    /// Whether the file has `key`. Does not count as asking for it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The value of `key`, if it stands there and is good; what is wrong with it is reported.
    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Leaf<'a>) -> Result<T, Problem>,
    ) -> Option<T> {
        let leaf = self.leaf(key)?;
        read(&leaf).map_err(|problem| leaf.report(problem)).ok()
    }

    /// The value of `key`; reports when it is absent.
    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        read: impl FnOnce(&Leaf<'a>) -> Result<T, Problem>,
    ) -> Option<T> {
        if !self.has(key) {
            self.asked(key);
            self.report(key, Problem::Missing { example });
            return None;
        }
        self.optional(key, read)
    }

    /// The value of `key`, or `default`.
    pub(crate) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Leaf<'a>) -> Result<T, Problem>,
    ) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// The elements of the array `key`, if it stands there and all of them are good.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Leaf<'a>) -> Result<T, Problem>,
    ) -> Option<Vec<T>> {
        let leaf = self.leaf(key)?;
        let Some(elements) = leaf.elements() else {
            leaf.report(leaf.wrong_type("a list"));
            return None;
        };
        // Every element is read before the first bad one ends it: all errors at once.
        let read: Vec<Option<T>> =
            elements.iter().map(|leaf| read(leaf).map_err(|problem| leaf.report(problem)).ok()).collect();
        read.into_iter().collect()
    }

    /// Reads the table `key`; an absent one is empty.
    pub(crate) fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let (table, at) = match self.leaf(key) {
            None => (None, self.at),
            Some(leaf) => match leaf.value.get_ref() {
                DeValue::Table(table) => (Some(table), Some(leaf.value.span().start)),
                _ => {
                    leaf.report(leaf.wrong_type("a table"));
                    (None, Some(leaf.value.span().start))
                }
            },
        };
        let mut section = Section { document: self.document, table, path: self.below(key), at, asked: vec![] };
        let value = read(&mut section);
        section.finish();
        value
    }

    /// Reads the table `key` if it stands there.
    pub(crate) fn optional_section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'a>) -> T,
    ) -> Option<T> {
        if self.has(key) {
            Some(self.section(key, read))
        } else {
            self.asked(key);
            None
        }
    }

    /// Reads every table of the array of tables `key`, in order.
    pub(crate) fn sections<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Section<'a>) -> T) -> Vec<T> {
        let Some(leaf) = self.leaf(key) else { return Vec::new() };
        let Some(elements) = leaf.elements() else {
            leaf.report(leaf.wrong_type("a list of tables, each headed by [[…]]"));
            return Vec::new();
        };
        let mut values = Vec::with_capacity(elements.len());
        for element in elements {
            let DeValue::Table(table) = element.value.get_ref() else {
                element.report(element.wrong_type("a table"));
                continue;
            };
            let at = Some(element.value.span().start);
            let mut section =
                Section { document: self.document, table: Some(table), path: element.path, at, asked: vec![] };
            values.push(read(&mut section));
            section.finish();
        }
        values
    }

    /// The value of `key`, whatever its type, if it stands there.
    fn leaf(&mut self, key: &'static str) -> Option<Leaf<'a>> {
        self.asked(key);
        let value = self.table?.get(key)?;
        Some(Leaf { document: self.document, value, path: self.below(key) })
    }

    fn asked(&mut self, key: &'static str) {
        self.asked.push(key);
        let mut known = self.below(key);
        while let (Some(open), Some(close)) = (known.find('['), known.find(']')) {
            known.replace_range(open..=close, "");
        }
        self.document.known.borrow_mut().insert(known);
    }

    fn below(&self, key: &str) -> String {
        join(&self.path, key)
    }

    fn finish(&self) {
        for (key, _) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                self.report(name, Problem::UnknownKey { nearest: nearest(name, &self.asked) });
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The most edits between a key and the one that was meant.
const NEAR: usize = 2;

fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    // Longer ones are not typing errors, and the distance costs the product of both lengths.
    let key = if key.len() <= 64 { key } else { return None };
    known.iter().map(|known| (distance(key, known), *known)).filter(|(edits, _)| *edits <= NEAR).min().map(|(_, k)| k)
}

/// How many letters have to be put in, taken out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A value of the file and where it stands.
pub(crate) struct Leaf<'a> {
    document: &'a Document<'a>,
    value: &'a Spanned<DeValue<'a>>,
    path: String,
}

impl<'a> Leaf<'a> {
    /// The value as it was written.
    pub(crate) fn value(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    /// The string, with variables and files put in.
    pub(crate) fn text(&self) -> Result<String, Problem> {
        match self.value() {
            DeValue::String(text) => substitute(text, self.document.inputs),
            _ => Err(self.wrong_type("a string in quotes")),
        }
    }

    /// The directory that relative paths are relative to.
    pub(crate) fn base(&self) -> &'a Path {
        self.document.inputs.base
    }

    /// The elements, if it is a list.
    pub(crate) fn elements(&self) -> Option<Vec<Leaf<'a>>> {
        let DeValue::Array(values) = self.value() else { return None };
        let leaf = |(i, value)| Leaf { document: self.document, value, path: format!("{}[{i}]", self.path) };
        Some(values.iter().enumerate().map(leaf).collect())
    }

    /// The entries, if it is a table.
    pub(crate) fn entries(&self) -> Option<Vec<(String, Leaf<'a>)>> {
        let DeValue::Table(table) = self.value() else { return None };
        let leaf = |(key, value): (&'a Spanned<_>, _)| {
            let key: &std::borrow::Cow<'a, str> = key.get_ref();
            (key.to_string(), Leaf { document: self.document, value, path: join(&self.path, key) })
        };
        Some(table.iter().map(leaf).collect())
    }

    /// The problem of a value that is not `expected`.
    pub(crate) fn wrong_type(&self, expected: &'static str) -> Problem {
        Problem::WrongType { expected, found: self.value().type_str() }
    }

    /// Reports a problem of this value.
    pub(crate) fn report(&self, problem: Problem) {
        self.document.report(Some(self.value.span().start), self.path.clone(), problem);
    }
}
