//! The mapping language: a file of rules that make one message out of another, compiled when a contract is loaded.
//!
//! Its reference is in `contracts/README.md`. It is bounded by construction: no recursion, no functions of users, and
//! one budget of steps and bytes for every run. It reads no file, knows no clock and no chance.

mod arrange;
mod codes;
mod context;
mod date;
mod error;
mod eval;
mod expression;
mod functions;
mod lines;
mod number;
mod plan;
mod reach;
mod run;
#[cfg(test)]
mod tests;

pub use codes::{CodeMap, CodeMapError, CodeMapProblem, CodeMaps, MAX_CODE_BYTES, MAX_CODES};
pub use context::Context;
pub use date::BadPattern;
pub use error::{MapError, MapFailure, MapProblem};
pub use functions::{FunctionInfo, map_functions};
pub use run::Budget;

use crate::json::{self, JsonError};
use crate::tree::Tree;
use lines::Lines;
use plan::{Body, Expr};
use run::Run;

/// The longest file, in bytes: 2,000 rules of 128.
pub(crate) const MAX_FILE: usize = 256 * 1024;

/// The longest rule, in bytes, its continuation lines included.
pub(crate) const MAX_LINE: usize = 4096;

/// The most rules and blocks of one file. A dossier has 37 fields, the largest known form 400.
pub(crate) const MAX_RULES: usize = 2_000;

/// How deep `each` may stand in `each`. Real messages have lists in lists in lists.
pub(crate) const MAX_EACH: usize = 4;

/// How deep blocks of both kinds may be nested.
pub(crate) const MAX_BLOCKS: usize = 12;

/// How deep calls and parentheses may be nested.
pub(crate) const MAX_NESTING: usize = 8;

/// How many names a target or selector may have.
pub(crate) const MAX_SEGMENTS: usize = 16;

/// The most arguments of a function that takes many.
pub(crate) const MAX_ARGUMENTS: usize = 64;

/// The most mistakes of one file that are told at once.
pub(crate) const MAX_ERRORS: usize = 100;

/// A compiled map.
pub struct Map {
    lets: Vec<Expr>,
    body: Body,
}

/// A message as it is read, mapped and written. It has no `Debug`, because it holds personal data.
pub struct Document<'a>(Tree<'a>);

impl<'a> Document<'a> {
    /// Reads strict JSON.
    pub fn from_json(bytes: &'a [u8]) -> Result<Self, JsonError> {
        json::parse(bytes).map(Self)
    }

    pub(crate) fn tree(&self) -> &Tree<'a> {
        &self.0
    }

    /// Writes compact JSON behind what is in `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        json::write(&self.0, out);
    }
}

impl Map {
    /// Compiles the text of `file`. The error is every mistake in it, in the order of the lines, at most
    /// [`MAX_ERRORS`].
    pub fn compile(file: &str, text: &str, codes: &CodeMaps) -> Result<Self, Vec<MapError>> {
        let read = Lines::read(file, text, codes)?;
        let mut clashes = Vec::new();
        match arrange::arrange_body(read.rules, &mut clashes) {
            Some(body) => Ok(Self { lets: read.lets, body }),
            None => Err(Lines::located(file, clashes)),
        }
    }

    /// Makes the output for `input`. Texts that the map does not change are borrowed. Members stand in the order of the
    /// map. A map that sets nothing gives an empty object.
    pub(crate) fn run<'a>(
        &'a self,
        input: &'a Tree<'a>,
        context: &'a Context<'a>,
        budget: &Budget,
    ) -> Result<Tree<'a>, MapFailure> {
        Run::new(input, context, budget).all(&self.lets, &self.body)
    }

    /// Makes the output for a document.
    pub fn apply<'a>(
        &'a self,
        input: &'a Document<'a>,
        context: &'a Context<'a>,
        budget: &Budget,
    ) -> Result<Document<'a>, MapFailure> {
        self.run(&input.0, context, budget).map(Document)
    }
}
