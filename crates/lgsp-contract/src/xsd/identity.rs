//! Keys, unique values and references between them: their paths, and the tables that a document fills.
//!
//! Paths are the subset of XPath that XML Schema 1.0 allows. A `keyref` refers to a key of the same element.

use std::collections::HashSet;

use super::document::{Document, Name, Node};
use super::facet::Offence;
use super::{XsdError, XsdProblem};

/// One `key`, `unique` or `keyref` of an element.
pub(super) struct Constraint {
    sort: Sort,
    selector: Vec<Path>,
    fields: Vec<Vec<Path>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Key,
    Unique,
    /// To that constraint of the same element.
    Reference(usize),
}

/// Steps down from an element, and perhaps an attribute there.
struct Path {
    /// The steps may begin anywhere below.
    anywhere: bool,
    steps: Vec<Test>,
    attribute: Option<Test>,
}

enum Test {
    Any,
    Space(String),
    Name(Name),
}

impl Test {
    fn fits(&self, uri: &str, local: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Space(space) => space == uri,
            Self::Name(name) => name.local == local && name.uri == uri,
        }
    }
}

impl Path {
    /// Whether the elements in `below` lead where the steps do.
    fn fits(&self, below: &[Name]) -> bool {
        let length = self.steps.len();
        let is_there = if self.anywhere { below.len() >= length } else { below.len() == length };
        is_there
            && below[below.len() - length..]
                .iter()
                .zip(&self.steps)
                .all(|(name, test)| test.fits(&name.uri, &name.local))
    }
}

/// The constraints of the element that `node` declares.
pub(super) fn compile(document: &Document, node: &Node) -> Result<Vec<Constraint>, XsdError> {
    let nodes: Vec<&Node> =
        node.children.iter().filter(|node| matches!(&*node.local, "key" | "unique" | "keyref")).collect();
    let mut constraints = Vec::new();
    for node in &nodes {
        let refuse = |what: &str| document.error(node, XsdProblem::Construct(what.to_owned()));
        let sort = match &*node.local {
            "key" => Sort::Key,
            "unique" => Sort::Unique,
            _ => {
                let text = node.get("refer").unwrap_or_default();
                let name = text.rsplit(':').next().unwrap_or_default();
                let key = |node: &&Node| node.local != "keyref" && node.get("name") == Some(name);
                let found = nodes.iter().position(key);
                Sort::Reference(found.ok_or_else(|| refuse("a keyref to a key of another element"))?)
            }
        };
        let (mut selector, mut fields) = (Vec::new(), Vec::new());
        for inner in &node.children {
            let text = inner.get("xpath").unwrap_or_default();
            let paths = paths(inner, text).ok_or_else(|| refuse("this xpath"))?;
            let has_attribute = paths.iter().any(|path| path.attribute.is_some());
            match &*inner.local {
                "selector" if selector.is_empty() && !has_attribute => selector = paths,
                "field" => fields.push(paths),
                _ => return Err(refuse("this selector")),
            }
        }
        if selector.is_empty() || fields.is_empty() {
            return Err(document.error(node, XsdProblem::Invalid("a key has no selector or no field".into())));
        }
        constraints.push(Constraint { sort, selector, fields });
    }
    let is_odd = |constraint: &Constraint| match constraint.sort {
        Sort::Reference(to) => constraints[to].fields.len() != constraint.fields.len(),
        Sort::Key | Sort::Unique => false,
    };
    match constraints.iter().position(is_odd) {
        Some(n) => Err(document.error(nodes[n], XsdProblem::Invalid("a keyref has other fields than its key".into()))),
        None => Ok(constraints),
    }
}

fn paths(node: &Node, text: &str) -> Option<Vec<Path>> {
    text.split('|').map(|path| one_path(node, path.trim())).collect()
}

fn one_path(node: &Node, text: &str) -> Option<Path> {
    let (anywhere, text) = match text.strip_prefix(".//") {
        Some(rest) => (true, rest.trim()),
        None => (false, text),
    };
    let (mut steps, mut attribute) = (Vec::new(), None);
    for step in text.split('/').map(str::trim) {
        if attribute.is_some() {
            return None;
        }
        match step.strip_prefix('@').or(step.strip_prefix("attribute::")) {
            Some(name) => attribute = Some(test(node, name.trim())?),
            None if step == "." => {}
            None => steps.push(test(node, step.strip_prefix("child::").unwrap_or(step).trim())?),
        }
    }
    Some(Path { anywhere, steps, attribute })
}

fn test(node: &Node, text: &str) -> Option<Test> {
    if text == "*" {
        return Some(Test::Any);
    }
    let (prefix, local) = text.split_once(':').unwrap_or(("", text));
    // In XPath a name without a prefix is in no namespace.
    let uri = if prefix.is_empty() { "" } else { node.space(prefix)? };
    match local {
        "*" => Some(Test::Space(uri.to_owned())),
        local if crate::xml::is_ncname(local) => {
            Some(Test::Name(Name { uri: uri.to_owned(), local: local.to_owned() }))
        }
        _ => None,
    }
}

/// The tables of one element that has constraints, while it is open.
pub(super) struct Tables<'s> {
    constraints: &'s [Constraint],
    /// How many elements are around the one that they belong to, itself included.
    depth: usize,
    /// For every constraint: its complete values.
    complete: Vec<HashSet<String>>,
    /// For every reference: its values.
    references: Vec<HashSet<String>>,
    open: Vec<Target>,
}

/// An element that a selector found, while it is open.
struct Target {
    constraint: usize,
    depth: usize,
    fields: Vec<Option<String>>,
}

impl<'s> Tables<'s> {
    pub(super) fn new(constraints: &'s [Constraint], depth: usize) -> Self {
        let complete = constraints.iter().map(|_| HashSet::new()).collect();
        let references = constraints.iter().map(|_| HashSet::new()).collect();
        Self { constraints, depth, complete, references, open: Vec::new() }
    }

    /// An element has begun; `path` is it and everything around it. `attributes` are names and values.
    pub(super) fn begin(&mut self, path: &[Name], attributes: &[(Name, String)]) -> Result<(), Offence> {
        for (n, constraint) in self.constraints.iter().enumerate() {
            if constraint.selector.iter().any(|selector| selector.fits(&path[self.depth..])) {
                let fields = vec![None; constraint.fields.len()];
                self.open.push(Target { constraint: n, depth: path.len(), fields });
            }
        }
        let mut result = Ok(());
        for target in &mut self.open {
            let fields = &self.constraints[target.constraint].fields;
            for (field, paths) in target.fields.iter_mut().zip(fields) {
                for path_to in paths.iter().filter(|to| to.fits(&path[target.depth..])) {
                    let Some(test) = &path_to.attribute else { continue };
                    for (_, value) in attributes.iter().filter(|(name, _)| test.fits(&name.uri, &name.local)) {
                        if field.replace(value.clone()).is_some() {
                            result = Err("key");
                        }
                    }
                }
            }
        }
        result
    }

    /// An element ends; `value` is that of its text, if it has a simple type.
    pub(super) fn end(&mut self, path: &[Name], value: Option<&str>) -> Result<(), Offence> {
        let mut result = Ok(());
        for target in &mut self.open {
            let fields = &self.constraints[target.constraint].fields;
            for (field, paths) in target.fields.iter_mut().zip(fields) {
                let fits = |to: &Path| to.attribute.is_none() && to.fits(&path[target.depth..]);
                if let Some(value) = value.filter(|_| paths.iter().any(fits))
                    && field.replace(value.to_owned()).is_some()
                {
                    result = Err("key");
                }
            }
        }
        while let Some(target) = self.open.pop_if(|target| target.depth == path.len()) {
            result = result.and(self.close(target));
        }
        if path.len() == self.depth {
            result = result.and(self.resolve());
        }
        result
    }

    fn close(&mut self, target: Target) -> Result<(), Offence> {
        let constraint = &self.constraints[target.constraint];
        let fields: Option<Vec<String>> = target.fields.into_iter().collect();
        let Some(fields) = fields else {
            return if constraint.sort == Sort::Key { Err("key") } else { Ok(()) };
        };
        // The lengths keep two values from looking like two others.
        let value: String = fields.iter().map(|field| format!("{}:{field}", field.len())).collect();
        let table = match constraint.sort {
            Sort::Reference(_) => &mut self.references,
            Sort::Key | Sort::Unique => &mut self.complete,
        };
        let is_new = table[target.constraint].insert(value);
        let may_repeat = matches!(constraint.sort, Sort::Reference(_));
        if is_new || may_repeat { Ok(()) } else { Err("unique") }
    }

    fn resolve(&self) -> Result<(), Offence> {
        for (constraint, values) in self.constraints.iter().zip(&self.references) {
            if let Sort::Reference(to) = constraint.sort
                && !values.iter().all(|value| self.complete[to].contains(value))
            {
                return Err("keyref");
            }
        }
        Ok(())
    }
}
