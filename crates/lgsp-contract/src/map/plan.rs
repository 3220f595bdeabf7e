//! A map as it stands in memory after loading: what to make, in the order in which it is written.
//!
//! Names are prepared keys, patterns and code maps are resolved. Nothing here can refer to itself, so running ends.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use regex::Regex;

use super::codes::CodeMap;
use super::context::Name;
use super::date::Pattern;
use super::functions::Function;
use crate::schema::shown_segment;
use crate::tree::{Key, Tree};
use crate::xml::Names;

/// The members of an object, in order.
#[derive(Default)]
pub(super) struct Object {
    pub(super) fields: Vec<Field>,
    /// The names that are set, sorted: what `*` does not copy. Empty without a `*`.
    pub(super) named: Vec<Key<'static>>,
}

/// One member, or with `*` many.
pub(super) enum Field {
    /// Set by one rule.
    One { key: Key<'static>, part: Part },
    /// A list: what the rules give, one after another.
    List { key: Key<'static>, parts: Vec<Part> },
    /// An object that is there because something in it is set.
    Inner { key: Key<'static>, object: Object },
    /// The members of an object that no other rule of this one names.
    Rest(Part),
}

/// What one rule gives, if its condition holds.
pub(super) struct Part {
    pub(super) when: Option<Expr>,
    pub(super) make: Make,
}

pub(super) enum Make {
    Value(Expr),
    Block(Object),
    Each { source: Expr, body: Body },
}

/// What is made as a whole: of the message, or of each item.
pub(super) enum Body {
    Members(Object),
    /// `.`: the value itself.
    Itself(Box<Part>),
}

/// Something that has a value, or none.
pub(super) enum Expr {
    Nothing,
    Literal(Tree<'static>),
    Select(Selector),
    Context(Name),
    Call(Box<Call>),
    Compare(Box<(Self, Comparison, Self)>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    // Arguments that are prepared when the map is loaded:
    ReadDates(Vec<Pattern>),
    WriteDate(Pattern),
    Regex(Box<Regex>),
    Codes(Arc<CodeMap>),
    Names(Names),
}

pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) args: Vec<Expr>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A place, or with stars several.
pub(super) struct Selector {
    pub(super) from: From,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy)]
pub(super) enum From {
    /// The whole message.
    Root,
    /// The item of the innermost `each`.
    Item,
    /// What a `let` holds, by its number.
    Let(usize),
}

pub(super) enum Step {
    Member(Key<'static>),
    Index(usize),
    /// `[*]`: every entry; a single value is one entry.
    Entries,
    /// `/*`: the value of every member.
    Values,
}

/// What is known about a value before there is a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Unknown,
    Text,
    Number,
    Boolean,
    List,
    Object,
}

impl Expr {
    pub(super) fn literal_text(&self) -> Option<&str> {
        match self {
            Self::Literal(tree) => tree.as_str(),
            _ => None,
        }
    }

    pub(super) fn gives(&self) -> Type {
        match self {
            Self::Nothing | Self::Select(_) => Type::Unknown,
            Self::Literal(Tree::Null) => Type::Unknown,
            Self::Literal(Tree::Bool(_)) | Self::Compare(_) | Self::All(_) | Self::Any(_) | Self::Not(_) => {
                Type::Boolean
            }
            Self::Literal(Tree::Number(_)) => Type::Number,
            Self::Literal(Tree::List(_)) => Type::List,
            Self::Literal(Tree::Object(_)) => Type::Object,
            Self::Literal(Tree::Text(_)) | Self::Context(_) => Type::Text,
            Self::Call(call) => call.function.gives,
            Self::ReadDates(_) | Self::WriteDate(_) | Self::Regex(_) | Self::Codes(_) | Self::Names(_) => Type::Text,
        }
    }

    /// The first place or context value that this takes something from.
    pub(super) fn origin(&self) -> Option<Origin<'_>> {
        match self {
            Self::Select(selector) => Some(Origin::Place(selector)),
            Self::Context(name) => Some(Origin::Context(name)),
            Self::Call(call) => call.args.iter().find_map(Self::origin),
            Self::Compare(sides) => sides.0.origin().or_else(|| sides.2.origin()),
            Self::All(parts) | Self::Any(parts) => parts.iter().find_map(Self::origin),
            Self::Not(inner) => inner.origin(),
            _ => None,
        }
    }
}

/// Where something comes from, for findings.
pub(super) enum Origin<'p> {
    Place(&'p Selector),
    Context(&'p Name),
}

impl Selector {
    /// The steps as a JSON Pointer, behind `path`.
    pub(super) fn write_path(&self, path: &mut String) {
        for step in &self.steps {
            match step {
                Step::Member(key) => {
                    path.push('/');
                    path.push_str(&shown_segment(key.as_str()));
                }
                Step::Index(n) => write!(path, "/{n}").expect("writing to memory does not fail"),
                Step::Entries | Step::Values => path.push_str("/*"),
            }
        }
    }
}

pub(super) fn owned_key(name: &str) -> Key<'static> {
    Key::new(Cow::Owned(name.to_owned()))
}
