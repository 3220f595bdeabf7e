//! A schema as it is checked against: types, elements and attributes with all references resolved.
//!
//! It is built once and only read afterwards.

use std::collections::HashMap;

use regex::Regex;

use super::automaton::Automaton;
use super::document::Name;
use super::identity::Constraint;
use super::value::{Builtin, Value, White};

/// Where a type stands among the types.
pub(super) type TypeId = usize;
/// Where an element stands among the elements.
pub(super) type ElementId = usize;

/// The type of which every other is made: anything at all.
pub(super) const ANY_TYPE: TypeId = 0;

pub(super) struct Schema {
    pub(super) types: Vec<Type>,
    pub(super) elements: Vec<Element>,
    pub(super) global_types: HashMap<Name, TypeId>,
    pub(super) global_elements: HashMap<Name, ElementId>,
    pub(super) global_attributes: HashMap<Name, Attribute>,
}

pub(super) struct Type {
    pub(super) base: Option<TypeId>,
    pub(super) derivation: Derivation,
    pub(super) is_abstract: bool,
    /// What may not stand in its place.
    pub(super) block: Blocks,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// Not built yet.
    Pending,
    Any,
    Simple(Simple),
    Complex(Complex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Derivation {
    Extension,
    Restriction,
}

/// Which kinds of derivation are blocked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blocks {
    pub(super) extension: bool,
    pub(super) restriction: bool,
    pub(super) substitution: bool,
}

#[derive(Clone)]
pub(super) struct Simple {
    pub(super) variety: Variety,
    pub(super) white: White,
    /// One entry for every step of restriction, the first one first. All must hold.
    pub(super) facets: Vec<Facets>,
}

#[derive(Clone)]
pub(super) enum Variety {
    Atomic(Builtin),
    List(TypeId),
    Union(Vec<TypeId>),
}

#[derive(Clone, Default)]
pub(super) struct Facets {
    /// One of them must fit.
    pub(super) patterns: Vec<Regex>,
    /// One of them must be the value.
    pub(super) enumeration: Vec<Value>,
    pub(super) length: Option<usize>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) min_inclusive: Option<Value>,
    pub(super) max_inclusive: Option<Value>,
    pub(super) min_exclusive: Option<Value>,
    pub(super) max_exclusive: Option<Value>,
    pub(super) total_digits: Option<usize>,
    pub(super) fraction_digits: Option<usize>,
}

#[derive(Clone)]
pub(super) struct Complex {
    pub(super) attributes: Vec<Attribute>,
    pub(super) wildcards: Vec<Wildcard>,
    pub(super) mixed: bool,
    pub(super) content: Content,
}

#[derive(Clone)]
pub(super) enum Content {
    Empty,
    Simple(TypeId),
    Elements {
        particle: Particle,
        /// Made when all elements are known.
        automaton: Automaton,
    },
}

#[derive(Clone)]
pub(super) struct Attribute {
    pub(super) name: Name,
    pub(super) kind: TypeId,
    pub(super) usage: Usage,
    pub(super) fixed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Optional,
    Required,
    Prohibited,
}

/// So many times something.
#[derive(Clone)]
pub(super) struct Particle {
    pub(super) min: u32,
    /// `None` is any number.
    pub(super) max: Option<u32>,
    pub(super) term: Term,
}

#[derive(Clone)]
pub(super) enum Term {
    Element(ElementId),
    Any(Wildcard),
    Sequence(Vec<Particle>),
    Choice(Vec<Particle>),
    All(Vec<Particle>),
}

/// Elements or attributes by namespace.
#[derive(Clone)]
pub(super) struct Wildcard {
    pub(super) spaces: Spaces,
    pub(super) process: Process,
}

#[derive(Clone)]
pub(super) enum Spaces {
    Any,
    /// Every namespace but this one; no namespace is none.
    Other(String),
    /// `""` is no namespace.
    These(Vec<String>),
}

/// What is done with what a wildcard lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    Strict,
    Lax,
    Skip,
}

impl Wildcard {
    pub(super) fn allows(&self, uri: &str) -> bool {
        match &self.spaces {
            Spaces::Any => true,
            Spaces::Other(own) => !uri.is_empty() && uri != own,
            Spaces::These(spaces) => spaces.iter().any(|space| space == uri),
        }
    }
}

pub(super) struct Element {
    pub(super) name: Name,
    pub(super) kind: TypeId,
    pub(super) nillable: bool,
    pub(super) is_abstract: bool,
    pub(super) block: Blocks,
    /// The value that it must have, or that an empty one has.
    pub(super) fixed: Option<String>,
    pub(super) default: Option<String>,
    /// The element in whose place it may stand.
    pub(super) head: Option<ElementId>,
    pub(super) constraints: Vec<Constraint>,
}

impl Schema {
    /// The steps from a type up to another one; `None` when it is not derived from it.
    pub(super) fn derivation(&self, from: TypeId, to: TypeId) -> Option<Blocks> {
        let (mut at, mut steps) = (from, Blocks::default());
        loop {
            if at == to || to == ANY_TYPE {
                return Some(steps);
            }
            if let Kind::Simple(Simple { variety: Variety::Union(members), .. }) = &self.types[to].kind
                && members.iter().any(|member| self.derivation(at, *member).is_some())
            {
                return Some(Blocks { restriction: true, ..steps });
            }
            match self.types[at].derivation {
                Derivation::Extension => steps.extension = true,
                Derivation::Restriction => steps.restriction = true,
            }
            at = self.types[at].base?;
        }
    }

    /// The simple type of the text of an element of this type.
    pub(super) fn text_type(&self, kind: TypeId) -> Option<TypeId> {
        match &self.types[kind].kind {
            Kind::Simple(_) => Some(kind),
            Kind::Complex(Complex { content: Content::Simple(simple), .. }) => Some(*simple),
            Kind::Complex(_) | Kind::Any | Kind::Pending => None,
        }
    }
}
