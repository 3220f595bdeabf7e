//! Which elements a schema lets stand more than once under one parent: they are lists even when there is one.
//!
//! An element is known by its key and its parent's. Two elements of one name and different types share their lists.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Name;
use super::model::{Complex, Content, Kind, Particle, Schema, Term};
use crate::xml::{Lists, Names};

/// The paths of all lists of a schema, with the keys that the contract's prefixes make.
pub(super) fn paths(schema: &Schema, names: &Names) -> Lists {
    let mut found = BTreeSet::new();
    for element in &schema.elements {
        let Kind::Complex(Complex { content: Content::Elements { particle, .. }, .. }) =
            &schema.types[element.kind].kind
        else {
            continue;
        };
        let parent = key(&element.name, names);
        for (name, most) in most(schema, particle) {
            if most > 1 {
                found.insert(format!("{parent}/{}", key(name, names)));
            }
        }
    }
    Lists::new(found)
}

/// How often each element may stand in a content; 2 is more than once.
fn most<'s>(schema: &'s Schema, particle: &Particle) -> BTreeMap<&'s Name, u32> {
    let mut found: BTreeMap<&'s Name, u32> = BTreeMap::new();
    match &particle.term {
        Term::Element(id) => drop(found.insert(&schema.elements[*id].name, 1)),
        Term::Any(_) => {}
        Term::Sequence(parts) | Term::All(parts) => {
            for (name, count) in parts.iter().flat_map(|part| most(schema, part)) {
                let sum = found.entry(name).or_default();
                *sum = (*sum + count).min(2);
            }
        }
        Term::Choice(parts) => {
            for (name, count) in parts.iter().flat_map(|part| most(schema, part)) {
                let sum = found.entry(name).or_default();
                *sum = (*sum).max(count);
            }
        }
    }
    let times = particle.max.unwrap_or(2).min(2);
    found.values_mut().for_each(|count| *count = (*count * times).min(2));
    found
}

fn key(name: &Name, names: &Names) -> String {
    match (name.uri.as_str(), names.key_prefix(&name.uri)) {
        ("", _) | (_, Some("")) => name.local.clone(),
        (_, Some(prefix)) => format!("{prefix}:{}", name.local),
        (uri, None) => format!("{{{uri}}}{}", name.local),
    }
}
