//! What an expression reaches while a map runs: values of the message by reference, values that functions made, and the
//! place that they are asked from.
//!
//! Nothing is counted or decided here.

use std::borrow::Cow;

use super::plan::{Expr, From, Origin};
use crate::tree::{Key, Tree};

/// A value that was reached in the message, or in what a function made during this run.
#[derive(Clone, Copy)]
pub(super) enum Reached<'r, 'a> {
    Input(&'a Tree<'a>),
    Made(&'r Tree<'a>),
}

impl<'r, 'a> Reached<'r, 'a> {
    pub(super) fn tree(self) -> &'r Tree<'a> {
        match self {
            Self::Input(tree) => tree,
            Self::Made(tree) => tree,
        }
    }

    pub(super) fn member(self, key: &Key<'_>) -> Option<Self> {
        match self {
            Self::Input(Tree::Object(members)) => members.get(key).map(Self::Input),
            Self::Made(Tree::Object(members)) => members.get(key).map(Self::Made),
            _ => None,
        }
    }

    /// The entry; a single value is a list of one.
    pub(super) fn entry(self, index: usize) -> Option<Self> {
        match self {
            Self::Input(Tree::List(items)) => items.get(index).map(Self::Input),
            Self::Made(Tree::List(items)) => items.get(index).map(Self::Made),
            single => (index == 0).then_some(single),
        }
    }

    /// A scalar as text.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Input(Tree::Text(text)) => Some(Cow::Borrowed(text)),
            Self::Made(Tree::Text(text)) => Some(text.clone()),
            Self::Input(Tree::Number(number)) | Self::Made(Tree::Number(number)) => {
                Some(Cow::Owned(number.to_string()))
            }
            Self::Input(Tree::Bool(value)) | Self::Made(Tree::Bool(value)) => {
                Some(Cow::Borrowed(if *value { "true" } else { "false" }))
            }
            _ => None,
        }
    }
}

/// What an expression gives.
pub(super) enum Got<'r, 'a> {
    Absent,
    At(Reached<'r, 'a>),
    Own(Tree<'a>),
}

impl<'r, 'a> Got<'r, 'a> {
    pub(super) fn tree(&self) -> Option<&Tree<'a>> {
        match self {
            Self::Absent => None,
            Self::At(reached) => Some(reached.tree()),
            Self::Own(tree) => Some(tree),
        }
    }

    /// Absent or null: what functions take as nothing.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self.tree(), None | Some(Tree::Null))
    }

    pub(super) fn some_text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Own(Tree::Text(text.into()))
    }

    pub(super) fn bool(value: bool) -> Self {
        Self::Own(Tree::Bool(value))
    }

    pub(super) fn from_reached(reached: Option<Reached<'r, 'a>>) -> Self {
        reached.map_or(Self::Absent, Self::At)
    }
}

/// What holds for the expressions of one place: values of `let`, and the item.
#[derive(Clone, Copy)]
pub(super) struct Frame<'r, 'a> {
    pub(super) lets: &'r [Slot<'a>],
    pub(super) let_sources: &'a [Expr],
    pub(super) item: Option<&'r Item<'r, 'a>>,
}

/// The value of one `let`.
pub(super) enum Slot<'a> {
    Absent,
    Input(&'a Tree<'a>),
    Made(Tree<'a>),
}

/// One item of an `each`.
pub(super) struct Item<'r, 'a> {
    pub(super) value: Reached<'r, 'a>,
    pub(super) source: &'a Expr,
    /// `None` when a single value counts as a list.
    pub(super) index: Option<usize>,
    pub(super) outer: Frame<'r, 'a>,
}

/// Writes where `expr` takes its value from, as a JSON Pointer into the message. Behind a `#` it goes on in a value that
/// was made from there.
pub(super) fn write_origin(expr: &Expr, frame: &Frame<'_, '_>, path: &mut String) {
    match expr.origin() {
        None => {}
        Some(Origin::Context(name)) => path.push_str(&name.shown()),
        Some(Origin::Place(selector)) => {
            match (selector.from, frame.item) {
                (From::Root, _) | (From::Item, None) => {}
                (From::Item, Some(item)) => {
                    write_origin(item.source, &item.outer, path);
                    if let Some(index) = item.index {
                        path.push('/');
                        path.push_str(&index.to_string());
                    }
                }
                (From::Let(n), _) => {
                    if let Some(source) = frame.let_sources.get(n) {
                        let before = Frame { lets: &[], let_sources: &frame.let_sources[..n], item: None };
                        write_origin(source, &before, path);
                        if !matches!(source, Expr::Select(_)) {
                            path.push('#');
                        }
                    }
                }
            }
            selector.write_path(path);
        }
    }
}
