//! XML Schema 1.0: loads schemas from the files of a contract, checks documents against them, and says which elements
//! are lists.
//!
//! What is not understood is refused when a schema is loaded. Nothing is fetched: includes and imports name files of the
//! contract. That a restriction really restricts its base is not checked.

mod automaton;
mod beside;
mod calendar;
mod compile;
mod construct;
mod document;
mod facet;
mod identity;
mod lists;
mod model;
mod pattern;
mod rule;
mod validate;
mod value;

pub(crate) use beside::Part;

use std::fmt;

use lgsp_model::Finding;

use crate::xml::{Lists, Names, Steps, XmlLimits};

/// What checks documents against a schema.
pub trait XmlSchema: Send + Sync {
    /// `Err` has at least one finding. Paths are names of elements (`/CongDan/SoDinhDanh`), no finding has a value.
    fn check(&self, document: &str) -> Result<(), Vec<Finding>>;
}

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XsdError {
    /// The file, as it was given.
    pub file: String,
    /// The line in it, from 1; 0 when it is about the whole file.
    pub line: usize,
    /// What is wrong.
    pub problem: XsdProblem,
}

/// What is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XsdProblem {
    /// No such file among those of the contract.
    Missing,
    /// Outside the contract's folder, or on the network.
    Outside,
    /// Not well-formed XML, or its root is no schema.
    Syntax,
    /// An element or attribute that is not in XML Schema 1.0, or one that is not supported; its name.
    Construct(String),
    /// A reference to something that no schema declares; the reference.
    Unresolved(String),
    /// An included or imported file has another target namespace than the one that asks for it wants.
    Include,
    /// It contradicts itself; how.
    Invalid(String),
}

impl fmt::Display for XsdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.problem)
    }
}

impl fmt::Display for XsdProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file in the contract's folder; add it"),
            Self::Outside => f.write_str("schemas are taken from the contract's folder only; copy it there"),
            Self::Syntax => f.write_str("this is no well-formed XML schema"),
            Self::Construct(name) => write!(f, "{name} is not supported; write it with XML Schema 1.0"),
            Self::Unresolved(name) => write!(f, "nothing declares {name}; declare it, or include its file"),
            Self::Include => {
                f.write_str("the file has another targetNamespace than the one that includes or imports it says")
            }
            Self::Invalid(reason) => write!(f, "this schema is not valid: {reason}"),
        }
    }
}

impl std::error::Error for XsdError {}

/// A schema that is ready to check documents.
pub struct Xsd {
    schema: model::Schema,
    parts: Vec<Part>,
}

/// Loads the schema in the file `path`. `file` gives the text of a file by its path, as includes name it relative to the
/// file that they stand in.
pub fn load_xsd<'f>(path: &str, file: impl Fn(&str) -> Option<&'f str>) -> Result<Xsd, XsdError> {
    let documents = document::load(path, &file)?;
    let parts = documents.iter().filter_map(|document| Some(beside::part(document, file(&document.file)?))).collect();
    Ok(Xsd { schema: compile::compile(&documents)?, parts })
}

impl Xsd {
    /// Its files, as they can stand beside each other in one document.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The elements that may stand more than once under one parent.
    pub(crate) fn list_paths(&self, names: &Names) -> Lists {
        lists::paths(&self.schema, names)
    }
}

impl XmlSchema for Xsd {
    fn check(&self, document: &str) -> Result<(), Vec<Finding>> {
        let (names, limits) = (Names::default(), XmlLimits::default());
        let findings = match Steps::new(document, &names, &limits) {
            Ok(mut steps) => validate::findings(&self.schema, &mut steps),
            Err(error) => vec![Finding::new("/", error.kind.name(), error.kind.advice())],
        };
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }
}

#[cfg(test)]
mod tests;
