//! What can be wrong with a map when it is loaded and when it runs.
//!
//! An error of loading shows the contract's own words. A failure of running never shows what stood in the message.

use std::fmt;

use lgsp_model::Finding;

use super::codes::CodeMapError;
use super::date::BadPattern;

/// One mistake in a map's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapError {
    /// The map's file, as the contract names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What the line sets, as it was written; `None` when that could not be read.
    pub target: Option<String>,
    /// Where it takes it from, as it was written; `None` when that could not be read.
    pub source: Option<String>,
    /// What is wrong.
    pub problem: MapProblem,
}

/// The kinds of mistakes in a map's file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the sentence that each variant prints says what it means, fields included")]
pub enum MapProblem {
    FileTooLong { limit: usize },
    LineTooLong { limit: usize },
    TooManyRules { limit: usize },
    TooDeep { what: &'static str, limit: usize },
    Expected { what: &'static str, found: String },
    NoFunction { name: String, nearest: Option<&'static str> },
    WrongCount { usage: String, given: usize },
    WrongType { usage: String, argument: &'static str, wants: &'static str },
    NoCodeMap { name: String, nearest: Option<String> },
    Irreversible(CodeMapError),
    BadPattern { pattern: String, why: BadPattern },
    BadRegex { why: String },
    NoContext { name: String, nearest: Option<&'static str> },
    BareName { name: String },
    NoItem,
    NotCondition,
    EachNeedsList,
    SetTwice { first: usize },
    ValueAndObject { first: usize },
    ListInside,
    RestTwice { first: usize },
    ItselfAndMembers { first: usize },
    LetTwice { first: usize },
    LetReserved,
    LetInside,
    Empty,
    NotClosed,
    NothingToClose,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file, self.line)?;
        match (&self.target, &self.source) {
            (Some(target), Some(source)) => write!(f, ", `{target} <- {source}`")?,
            (Some(target), None) => write!(f, ", `{target}`")?,
            (None, Some(source)) => write!(f, ", `{source}`")?,
            (None, None) => {}
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for MapError {}

impl MapError {
    /// Target, source and what is wrong; without file and line.
    pub fn without_place(&self) -> String {
        match (&self.target, &self.source) {
            (Some(target), Some(source)) => format!("`{target} <- {source}`: {}", self.problem),
            (Some(one), None) | (None, Some(one)) => format!("`{one}`: {}", self.problem),
            (None, None) => self.problem.to_string(),
        }
    }
}

impl MapProblem {
    /// The sentences about rules that do not go together; nothing for the others, which have theirs in `Display`.
    fn say_clash(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetTwice { first } => {
                write!(f, "line {first} sets this already; remove one, or choose with if(condition, this, that)")
            }
            Self::ValueAndObject { first } => {
                write!(f, "line {first} sets the same name in another way; use a value, a block, or names with `/`")
            }
            Self::ListInside => {
                f.write_str("`[]` may only stand at the end of a target; use a block for what is inside")
            }
            Self::RestTwice { first } => write!(f, "line {first} has a `*` for this object already; keep one"),
            Self::ItselfAndMembers { first } => {
                write!(f, "`.` sets the whole value, but line {first} sets something too; keep one of the two")
            }
            Self::LetTwice { first } => write!(f, "line {first} gives this name already; choose another"),
            Self::LetReserved => f.write_str("this is a name of the context; choose another"),
            Self::LetInside => f.write_str("`let` may only stand outside of blocks; move it up"),
            Self::Empty => f.write_str("there is no rule here; add one"),
            Self::NotClosed => f.write_str("this block is not closed; add a line `}`"),
            Self::NothingToClose => f.write_str("there is no open block; remove the `}`"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for MapProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileTooLong { limit } => write!(f, "the file has more than {limit} bytes; split the contract"),
            Self::LineTooLong { limit } => write!(f, "the line has more than {limit} bytes; break it after a comma"),
            Self::TooManyRules { limit } => write!(f, "more than {limit} rules; split the contract"),
            Self::TooDeep { what, limit } => write!(f, "{what} are nested deeper than {limit}; make it flatter"),
            Self::Expected { what, found } if found.is_empty() => {
                write!(f, "expected {what}, found the end of the line")
            }
            Self::Expected { what, found } => write!(f, "expected {what}, found `{found}`"),
            Self::NoFunction { name, nearest } => {
                write!(f, "there is no function `{name}`")?;
                suggest(f, *nearest, "the list is in contracts/README.md")
            }
            Self::WrongCount { usage, given } => write!(f, "{given} arguments are given; write `{usage}`"),
            Self::WrongType { usage, argument, wants } => {
                write!(f, "the argument `{argument}` of `{usage}` must be {wants}")
            }
            Self::NoCodeMap { name, nearest } => {
                write!(f, "there is no code map `{name}`")?;
                suggest(f, nearest.as_deref(), "add codes/<name>.csv to the contract's folder")
            }
            Self::Irreversible(error) => error.fmt(f),
            Self::BadPattern { pattern, why } => write!(f, "`{pattern}` is no date pattern: {}", why.advice()),
            Self::BadRegex { why } => write!(f, "this is no regular expression that can be used: {why}"),
            Self::NoContext { name, nearest } => {
                write!(f, "there is no `${name}`")?;
                suggest(f, *nearest, "define it above with `let`, or see the list in contracts/README.md")
            }
            Self::BareName { name } => {
                write!(f, "`{name}` says nothing alone; write `/{name}` to select it or \"{name}\" for the text")
            }
            Self::NoItem => f.write_str("`.` is the item of `each`, and this is in none; begin the selector with `/`"),
            Self::NotCondition => {
                f.write_str("this is no condition; compare it, or use present(…), empty(…), boolean(…)")
            }
            Self::EachNeedsList => f.write_str("`each` makes a list; write `[]` behind the target's name"),
            clash => clash.say_clash(f),
        }
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, nearest: Option<&str>, otherwise: &str) -> fmt::Result {
    match nearest {
        Some(name) => write!(f, "; did you mean `{name}`?"),
        None => write!(f, "; {otherwise}"),
    }
}

/// Why a map did not give a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapFailure {
    /// The message cannot be mapped: the sender's fault. At most [`MAX_FINDINGS`](crate::MAX_FINDINGS); paths are in the
    /// input.
    Findings(Vec<Finding>),
    /// The map needed more steps than it was given: too much is in the message.
    Steps,
    /// The result became larger than was allowed.
    Output,
}

impl fmt::Display for MapFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings(findings) => {
                write!(f, "the message cannot be mapped")?;
                findings.iter().try_for_each(|found| write!(f, "; {} {}: {}", found.path, found.rule, found.message))
            }
            Self::Steps => f.write_str("the message needs more work than its contract allows; send fewer items"),
            Self::Output => f.write_str("the mapped message would be larger than its contract allows; send less"),
        }
    }
}

impl std::error::Error for MapFailure {}

/// The one of `names` that `given` is most likely a misspelling of.
pub(super) fn nearest<T: AsRef<str>>(given: &str, names: impl IntoIterator<Item = T>) -> Option<T> {
    /// Longer names are no misspelling of ours, and the distance takes time by the product of the lengths.
    const MAX_LENGTH: usize = 40;
    if given.len() > MAX_LENGTH {
        return None;
    }
    let tolerated = given.chars().count().div_ceil(3);
    names
        .into_iter()
        .map(|name| (distance(given, name.as_ref()), name))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be changed, added or removed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (n, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], n + 1);
        for (m, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[m + 1];
            row[m + 1] = replaced.min(diagonal + 1).min(row[m] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_only_offered_when_it_is_near() {
        let names = ["upper", "unaccent", "trim"];
        for (given, expected) in [("uper", Some("upper")), ("unacent", Some("unaccent")), ("md5", None), ("", None)] {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
        assert_eq!(nearest(&"x".repeat(5000), names), None);
    }
}
