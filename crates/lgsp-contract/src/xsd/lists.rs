//! Which elements a schema lets stand more than once under one parent: they are lists even when there is one.
//!
//! An element is known by its key and its parent's. Two elements of one name and different types share their lists.

use std::collections::{BTreeSet, HashMap};

use uppsala::{Document, Element, NodeId};

use super::source::XS;
use crate::xml::{Lists, Names};

/// How deep groups and base types may refer to each other.
const MAX_DEPTH: usize = 32;

/// The paths of all lists of a schema, with the keys that the contract's prefixes make.
pub(super) fn paths(document: &Document<'_>, names: &Names) -> Lists {
    let Some(root) = document.document_element() else { return Lists::default() };
    let Some(schema) = document.element(root) else { return Lists::default() };
    let target = schema.get_attribute("targetNamespace");
    let mut walk = Walk {
        document,
        declared: HashMap::new(),
        qualified: key_prefix(target, names),
        by_default: schema.get_attribute("elementFormDefault") == Some("qualified"),
        found: BTreeSet::new(),
    };
    for child in document.children_iter(root) {
        if let Some((element, name)) = walk.xs(child).and_then(|xs| Some((xs, xs.get_attribute("name")?))) {
            walk.declared.insert((kind(&element.name.local_name), name.to_owned()), child);
        }
    }
    for node in document.descendants(root) {
        let parent = walk.xs(node).filter(|xs| xs.name.local_name == "element" && xs.get_attribute("name").is_some());
        if let Some(parent) = parent {
            let key = walk.key(node, parent);
            walk.content(node, &key, false, 0);
        }
    }
    Lists::new(&walk.found)
}

fn key_prefix(namespace: Option<&str>, names: &Names) -> String {
    match namespace {
        None => String::new(),
        Some(namespace) => match names.key_prefix(namespace) {
            Some("") => String::new(),
            Some(prefix) => format!("{prefix}:"),
            None => format!("{{{namespace}}}"),
        },
    }
}

/// Simple and complex types share their names.
fn kind(name: &str) -> &'static str {
    match name {
        "complexType" | "simpleType" => "type",
        "group" => "group",
        _ => "element",
    }
}

struct Walk<'d, 'a> {
    document: &'d Document<'a>,
    declared: HashMap<(&'static str, String), NodeId>,
    /// What stands before a name in the target namespace.
    qualified: String,
    by_default: bool,
    found: BTreeSet<String>,
}

impl<'d, 'a> Walk<'d, 'a> {
    fn xs(&self, node: NodeId) -> Option<&'d Element<'a>> {
        self.document.element(node).filter(|element| element.name.namespace_uri.as_deref() == Some(XS))
    }

    fn key(&self, node: NodeId, element: &Element<'_>) -> String {
        let name = element.get_attribute("name").or(element.get_attribute("ref")).unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default();
        let is_global =
            element.get_attribute("ref").is_some() || self.document.parent(node) == self.document.document_element();
        let qualified = match element.get_attribute("form") {
            Some(form) => form == "qualified",
            None => self.by_default,
        };
        if is_global || qualified { format!("{}{local}", self.qualified) } else { local.to_owned() }
    }

    /// Notes the lists among what stands inside an element, type or group. `repeated`: what is inside may come again.
    fn content(&mut self, node: NodeId, parent: &str, repeated: bool, depth: usize) {
        let Some(element) = self.xs(node) else { return };
        if depth > MAX_DEPTH {
            return;
        }
        for attribute in ["type", "base"] {
            let name = element.get_attribute(attribute).map(|name| name.rsplit(':').next().unwrap_or_default());
            let declared = name.and_then(|name| self.declared.get(&("type", name.to_owned())).copied());
            if let Some(declared) = declared {
                self.content(declared, parent, repeated, depth + 1);
            }
        }
        for child in self.document.children_iter(node) {
            let Some(inner) = self.xs(child) else { continue };
            let again = repeated || inner.get_attribute("maxOccurs").is_some_and(|most| !matches!(most, "0" | "1"));
            match &*inner.name.local_name {
                "element" if again => {
                    self.found.insert(format!("{parent}/{}", self.key(child, inner)));
                }
                "group" => {
                    let name = inner.get_attribute("ref").and_then(|name| name.rsplit(':').next());
                    let group = name.and_then(|name| self.declared.get(&("group", name.to_owned())).copied());
                    if let Some(group) = group {
                        self.content(group, parent, again, depth + 1);
                    }
                }
                "sequence" | "choice" | "all" | "complexType" | "complexContent" | "extension" | "restriction" => {
                    self.content(child, parent, again, depth + 1);
                }
                _ => {}
            }
        }
    }
}
