//! XML Schema 1.0: loads schemas from the files of a contract, checks documents against them, and says which elements
//! are lists.
//!
//! The library behind it is young, so that it stands behind a trait, and what it would ignore or misread is refused when
//! a schema is loaded. Nothing is fetched; imports of other namespaces are not supported.

mod construct;
mod lists;
mod source;
mod verdict;

use std::fmt;

use lgsp_model::Finding;
use uppsala::{Document, XsdValidator};

use crate::xml::{Lists, Names};

/// Bytes of one document that is checked: as much as the largest message that is mapped.
const MAX_DOCUMENT_BYTES: usize = 16 << 20;
/// Elements around an element, as everywhere.
const MAX_DEPTH: u32 = 64;
/// Findings about one document: a person reads the first few.
const MAX_FINDINGS: usize = 100;

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
    /// An included file has another target namespace or other defaults than the one that includes it.
    Include,
    /// The library cannot make sense of it.
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
            Self::Include => f.write_str("an included schema must have the same targetNamespace and the same defaults"),
            Self::Invalid(reason) => write!(f, "this schema is not valid: {reason}"),
        }
    }
}

impl std::error::Error for XsdError {}

/// A schema that is ready to check documents.
pub struct Xsd {
    validator: XsdValidator,
    merged: String,
}

/// Loads the schema in the file `path`. `file` gives the text of a file by its path, as includes name it relative to the
/// file that they stand in.
pub fn load_xsd<'f>(path: &str, file: impl Fn(&str) -> Option<&'f str>) -> Result<Xsd, XsdError> {
    let merged = source::merge(path, &file)?;
    let problem = |line, problem| XsdError { file: path.to_owned(), line, problem };
    let document = uppsala::parse(&merged).map_err(|_| problem(0, XsdProblem::Syntax))?;
    construct::check(&document).map_err(|(line, what)| problem(line, what))?;
    let validator =
        XsdValidator::from_schema(&document).map_err(|error| problem(0, XsdProblem::Invalid(error.to_string())))?;
    drop(document);
    Ok(Xsd { validator, merged })
}

impl Xsd {
    /// The elements that may stand more than once under one parent.
    pub(crate) fn list_paths(&self, names: &Names) -> Lists {
        match uppsala::parse(&self.merged) {
            Ok(document) => lists::paths(&document, names),
            Err(_) => Lists::default(),
        }
    }
}

impl XmlSchema for Xsd {
    fn check(&self, document: &str) -> Result<(), Vec<Finding>> {
        let refused = |rule: &str, message: &str| Err(vec![Finding::new("/", rule, message)]);
        if document.len() > MAX_DOCUMENT_BYTES {
            return refused("too-large", "the document is too large to be checked; split it");
        }
        // The reader refuses it too; here nobody relies on that.
        if memchr::memmem::find(document.as_bytes(), b"<!DOCTYPE").is_some() {
            return refused("doctype", "a document type declaration is not accepted; leave <!DOCTYPE> out");
        }
        let parsed: Document<'_> = match uppsala::Parser::new().with_max_depth(MAX_DEPTH).parse(document) {
            Ok(parsed) => parsed,
            Err(_) => return refused("not-well-formed", "this is not well-formed XML; send one complete document"),
        };
        let errors = self.validator.validate(&parsed);
        if errors.is_empty() { Ok(()) } else { Err(verdict::findings(&parsed, &errors, MAX_FINDINGS)) }
    }
}

#[cfg(test)]
mod tests;
