//! What is wrong with a file: where, what, and what to do. No error ever repeats a value: it may be a secret.

use std::fmt;
use std::time::Duration;

use lgsp_model::unit::write_time;
use lgsp_model::{BadAgencyCode, BadId, BadScope};

use crate::ByteCount;

/// One error of a configuration file.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigError {
    /// The key, such as `member[2].agencies[0]`; empty when it is the file as a whole.
    pub path: String,
    /// The line in the file, from 1; `None` when the error is that something is missing altogether.
    pub line: Option<usize>,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at a place of a configuration file.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// The text is not TOML.
    Syntax(SyntaxProblem),
    /// There is no such key.
    UnknownKey {
        /// A known one that is written nearly like it.
        nearest: Option<&'static str>,
    },
    /// A required key is absent.
    Missing {
        /// A line that would be right.
        example: &'static str,
    },
    /// Another type of value belongs here.
    WrongType {
        /// What belongs here.
        expected: &'static str,
        /// What stands here.
        found: &'static str,
    },
    /// Something else belongs here.
    Expected(&'static str),
    /// The value lies outside its range.
    OutOfRange {
        /// The least one allowed.
        low: Quantity,
        /// The greatest one allowed.
        high: Quantity,
    },
    /// `${NAME}` names a variable that has no value.
    UnsetVariable {
        /// The variable.
        name: String,
    },
    /// A `${` without a name or an end.
    BadReference,
    /// A `file:PATH` cannot be read.
    UnreadableFile {
        /// The file, as it is written: variables in it are not put in.
        path: String,
        /// What the reader said.
        cause: String,
    },
    /// The value has to be unique and is not.
    Duplicate {
        /// Where it stands first.
        first: String,
    },
    /// The value is known but this version cannot do it.
    Unavailable,
    /// Two keys contradict each other, or one is missing to another; the sentence says what to do.
    Conflict(&'static str),
    /// Not an id.
    Id(BadId),
    /// Not an agency code.
    Agency(BadAgencyCode),
    /// Not a scope.
    Scope(BadScope),
}

/// What the TOML parser said; it names what it expected, never what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxProblem(pub(crate) String);

/// An end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// A number of things.
    Count(u64),
    /// A time.
    Time(Duration),
    /// A size.
    Size(ByteCount),
    /// A part of one.
    Fraction(f64),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => n.fmt(f),
            Self::Time(time) => write_time(*time, f),
            Self::Size(size) => size.fmt(f),
            Self::Fraction(part) => part.fmt(f),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(SyntaxProblem(said)) => write!(f, "not valid TOML: {said}"),
            Self::UnknownKey { nearest: Some(key) } => write!(f, "unknown key; did you mean `{key}`?"),
            Self::UnknownKey { nearest: None } => f.write_str("unknown key; remove it (config/lgsp.toml has them all)"),
            Self::Missing { example } => write!(f, "missing; add it, for example: {example}"),
            Self::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::OutOfRange { low, high } => write!(f, "out of range; choose from {low} to {high}"),
            Self::UnsetVariable { name } => {
                write!(f, "the variable {name} is not set; set it in the environment of the gateway")
            }
            Self::BadReference => f.write_str("expected ${NAME} after `${`; write `$${` for a literal `${`"),
            Self::UnreadableFile { path, cause } => {
                write!(f, "cannot read the file {path}: {cause}; it has to be a text that the gateway may read")
            }
            Self::Duplicate { first } => write!(f, "already used by {first}; choose another one"),
            Self::Unavailable => f.write_str("not available in this version; leave it out or use the default"),
            Self::Conflict(sentence) => f.write_str(sentence),
            Self::Id(cause) => cause.fmt(f),
            Self::Agency(cause) => cause.fmt(f),
            Self::Scope(cause) => cause.fmt(f),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for ConfigError {}

/// All errors as text, one per line.
pub fn format_errors(errors: &[ConfigError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect()
}
