//! The files of a schema as trees: `xs:include` and `xs:import` lead from one to the next, inside the contract's folder.
//!
//! What has a scheme is never asked for; annotations are dropped.

use std::collections::BTreeSet;

use super::construct;
use super::{XsdError, XsdProblem};
use crate::xml::{Names, Step, Steps, XmlErrorKind, XmlLimits};

pub(super) const XS: &str = "http://www.w3.org/2001/XMLSchema";

/// Files that one schema may consist of.
const MAX_FILES: usize = 64;

/// An element of a schema file.
pub(super) struct Node {
    pub(super) local: String,
    /// Those without a namespace.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
    /// What the prefixes in its attributes stand for; `""` is there too.
    pub(super) spaces: Vec<(String, String)>,
    pub(super) line: usize,
}

/// One file.
pub(super) struct Document {
    pub(super) file: String,
    /// The namespace of what it declares; that of the including file when it has none of its own.
    pub(super) target: String,
    /// It has no namespace of its own, and names without one are in its target.
    pub(super) adopts: bool,
    pub(super) root: Node,
}

/// A name with its namespace, `""` for none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) uri: String,
    pub(super) local: String,
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first child of one of these names.
    pub(super) fn child(&self, names: &[&str]) -> Option<&Node> {
        self.children.iter().find(|child| names.contains(&&*child.local))
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    pub(super) fn space(&self, prefix: &str) -> Option<&str> {
        self.spaces.iter().find(|(known, _)| known == prefix).map(|(_, uri)| uri.as_str())
    }
}

impl Document {
    /// The name that a reference in one of its attributes means.
    pub(super) fn name(&self, node: &Node, text: &str) -> Option<Name> {
        let (prefix, local) = text.split_once(':').unwrap_or(("", text));
        let uri = node.space(prefix)?;
        let uri = if uri.is_empty() && self.adopts { &self.target } else { uri };
        Some(Name { uri: uri.to_owned(), local: local.to_owned() })
    }

    pub(super) fn own(&self, local: &str) -> Name {
        Name { uri: self.target.clone(), local: local.to_owned() }
    }

    pub(super) fn error(&self, node: &Node, problem: XsdProblem) -> XsdError {
        XsdError { file: self.file.clone(), line: node.line, problem }
    }
}

/// All files that the schema in `path` consists of.
pub(super) fn load<'f>(path: &str, file: &dyn Fn(&str) -> Option<&'f str>) -> Result<Vec<Document>, XsdError> {
    let (mut documents, mut seen) = (Vec::new(), BTreeSet::new());
    let mut waiting = vec![Wanted { path: path.into(), from: path.into(), line: 0, target: None, adopt: false }];
    while let Some(wanted) = waiting.pop() {
        let refused = |problem| XsdError { file: wanted.from.clone(), line: wanted.line, problem };
        let text = file(&wanted.path).ok_or_else(|| refused(XsdProblem::Missing))?;
        let (root, target) = parse(&wanted.path, text)?;
        let adopts = wanted.adopt && target.is_none();
        let own = target.unwrap_or_default();
        let target = if adopts { wanted.target.clone().unwrap_or_default() } else { own };
        if wanted.target.as_ref().is_some_and(|wanted| *wanted != target) {
            return Err(refused(XsdProblem::Include));
        }
        if !seen.insert((wanted.path.clone(), target.clone())) {
            continue;
        }
        if seen.len() > MAX_FILES {
            return Err(refused(XsdProblem::Construct("a schema of more than 64 files".into())));
        }
        let document = Document { file: wanted.path, target, adopts, root };
        follow(&document, &mut waiting)?;
        documents.push(document);
    }
    Ok(documents)
}

struct Wanted {
    path: String,
    from: String,
    line: usize,
    /// The namespace that it must have, when that is known.
    target: Option<String>,
    /// Whether it may have none instead.
    adopt: bool,
}

fn follow(document: &Document, waiting: &mut Vec<Wanted>) -> Result<(), XsdError> {
    for node in &document.root.children {
        let (target, adopt) = match &*node.local {
            "include" => (document.target.clone(), true),
            "import" => (node.get("namespace").unwrap_or_default().to_owned(), false),
            _ => continue,
        };
        // An import without a place only announces the namespace.
        let Some(location) = node.get("schemaLocation") else { continue };
        let path = resolve(&document.file, location).ok_or_else(|| document.error(node, XsdProblem::Outside))?;
        waiting.push(Wanted { path, from: document.file.clone(), line: node.line, target: Some(target), adopt });
    }
    Ok(())
}

/// The path of `location` as seen from the file `from`; `None` when it leaves the folder.
fn resolve(from: &str, location: &str) -> Option<String> {
    if location.is_empty() || location.starts_with('/') || location.contains([':', '\\', '?', '#', '%']) {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in location.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The root of a file and its target namespace.
fn parse(file: &str, text: &str) -> Result<(Node, Option<String>), XsdError> {
    let (names, limits) = (Names::default(), XmlLimits::default());
    let syntax = |line| XsdError { file: file.to_owned(), line, problem: XsdProblem::Syntax };
    let mut steps = Steps::new(text, &names, &limits).map_err(|error| syntax(error.line))?;
    let mut open: Vec<Node> = Vec::new();
    let mut skipped = 0;
    loop {
        match steps.next().map_err(|error| syntax(error.line))? {
            Step::Start(_) if skipped > 0 => skipped += 1,
            Step::End if skipped > 0 => skipped -= 1,
            Step::Start(name) => {
                let line = steps.error(XmlErrorKind::Syntax).line;
                let uri = steps.scope.resolve(name.prefix()).map_or("", |space| space.uri()).to_owned();
                if uri == XS && name.local() == "annotation" && !open.is_empty() {
                    skipped = 1;
                    continue;
                }
                let node = node(&uri, name.local(), line, &steps);
                let node = node.map_err(|problem| XsdError { file: file.to_owned(), line, problem })?;
                open.push(node);
            }
            Step::Text(text) if skipped == 0 && !text.trim().is_empty() => {
                return Err(syntax(steps.error(XmlErrorKind::Syntax).line));
            }
            Step::Text(_) => {}
            Step::End => {
                let node = open.pop().expect("an end has its start");
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None if node.local == "schema" => {
                        let target = node.get("targetNamespace").map(str::to_owned);
                        return Ok((node, target));
                    }
                    None => return Err(syntax(node.line)),
                }
            }
            Step::Done => return Err(syntax(1)),
        }
    }
}

fn node(uri: &str, local: &str, line: usize, steps: &Steps<'_, '_>) -> Result<Node, XsdProblem> {
    let mut node =
        Node { local: local.to_owned(), attributes: Vec::new(), children: Vec::new(), spaces: Vec::new(), line };
    for attribute in &steps.attributes {
        if attribute.name.prefix().is_empty() {
            node.attributes.push((attribute.name.local().to_owned(), attribute.value.clone().into_owned()));
        } else if steps.scope.resolve(attribute.name.prefix()).is_some_and(|space| space.uri().contains("versioning")) {
            return Err(XsdProblem::Construct(format!("the attribute {}", attribute.name.raw)));
        }
    }
    construct::check(uri, &node)?;
    let words = node.attributes.iter().flat_map(|(_, value)| value.split(|c: char| " |/@:\t\r\n".contains(c)));
    let mut prefixes: BTreeSet<String> = words.map(str::to_owned).collect();
    prefixes.insert(String::new());
    for prefix in prefixes {
        if let Some(space) = steps.scope.resolve(&prefix) {
            node.spaces.push((prefix, space.uri().to_owned()));
        }
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_stay_inside_the_folder() {
        for (from, location, path) in [
            ("a/main.xsd", "types.xsd", Some("a/types.xsd")),
            ("a/b/main.xsd", "../x/./types.xsd", Some("a/x/types.xsd")),
            ("main.xsd", "types.xsd", Some("types.xsd")),
            ("main.xsd", "../types.xsd", None),
            ("a/main.xsd", "../../types.xsd", None),
            ("main.xsd", "/etc/passwd", None),
            ("main.xsd", "http://127.0.0.1/x.xsd", None),
            ("main.xsd", "file:x.xsd", None),
            ("main.xsd", "..\\x.xsd", None),
            ("main.xsd", "%2e%2e/x.xsd", None),
            ("main.xsd", "", None),
        ] {
            assert_eq!(resolve(from, location).as_deref(), path, "{location}");
        }
    }
}
