//! One schema from the files of a contract: what `xs:include` names is put into the text of the file that includes it.
//!
//! Paths stay inside the folder; what has a scheme is never asked for.

use std::collections::{BTreeMap, BTreeSet};

use uppsala::{Document, Element};

use super::{XsdError, XsdProblem};
use crate::xml::{XmlLimits, check_well_formed};

/// Files that one schema may consist of.
const MAX_FILES: usize = 64;

pub(super) const XS: &str = "http://www.w3.org/2001/XMLSchema";

/// Attributes of a schema that an included one must share.
const SHARED: [&str; 5] =
    ["targetNamespace", "elementFormDefault", "attributeFormDefault", "blockDefault", "finalDefault"];

/// The text of the schema in `path` with everything that it includes.
pub(super) fn merge<'f>(path: &str, file: &dyn Fn(&str) -> Option<&'f str>) -> Result<String, XsdError> {
    let problem = |file: &str, line, problem| XsdError { file: file.to_owned(), line, problem };
    let (mut texts, mut seen) = (Vec::new(), BTreeSet::new());
    let mut waiting = vec![(path.to_owned(), path.to_owned(), 0)];
    while let Some((path, from, line)) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > MAX_FILES {
            return Err(problem(&from, line, XsdProblem::Construct("including more than 64 files".into())));
        }
        let text = file(&path).ok_or_else(|| problem(&from, line, XsdProblem::Missing))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        check_well_formed(text, &XmlLimits::default())
            .map_err(|error| problem(&path, error.line, XsdProblem::Syntax))?;
        let document = uppsala::parse(text).map_err(|_| problem(&path, 1, XsdProblem::Syntax))?;
        for (location, line) in includes(&document) {
            let target = resolve(&path, &location).ok_or_else(|| problem(&path, line, XsdProblem::Outside))?;
            waiting.push((target, path.clone(), line));
        }
        texts.push((path, text));
    }
    join(&texts).map_err(|(file, what)| problem(&file, 1, what))
}

fn root<'d, 'a>(document: &'d Document<'a>) -> Option<&'d Element<'a>> {
    let root = document.element(document.document_element()?)?;
    (root.name.namespace_uri.as_deref() == Some(XS) && root.name.local_name == "schema").then_some(root)
}

fn includes(document: &Document<'_>) -> Vec<(String, usize)> {
    let Some(root) = document.document_element() else { return Vec::new() };
    let mut found = Vec::new();
    for child in document.children_iter(root) {
        let Some(element) = document.element(child) else { continue };
        if element.name.namespace_uri.as_deref() == Some(XS) && element.name.local_name == "include" {
            let location = element.get_attribute("schemaLocation").unwrap_or_default();
            found.push((location.to_owned(), document.node_line(child)));
        }
    }
    found
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

/// Puts the content of all files into the first.
fn join(texts: &[(String, &str)]) -> Result<String, (String, XsdProblem)> {
    let (mut declared, mut shared) = (BTreeMap::new(), None);
    let mut added = Vec::new();
    let mut content = String::new();
    for (n, (path, text)) in texts.iter().enumerate() {
        let syntax = || (path.clone(), XsdProblem::Syntax);
        let include = || (path.clone(), XsdProblem::Include);
        let document = uppsala::parse(text).map_err(|_| syntax())?;
        let root = root(&document).ok_or_else(syntax)?;
        let own: Vec<_> = SHARED.iter().map(|name| root.get_attribute(name).map(str::to_owned)).collect();
        if *shared.get_or_insert_with(|| own.clone()) != own {
            return Err(include());
        }
        for (prefix, uri) in &root.namespace_declarations {
            let (prefix, uri) = (prefix.to_string(), uri.to_string());
            match declared.get(&prefix) {
                Some(known) if *known == uri => {}
                Some(_) => return Err(include()),
                None if n == 0 => {
                    declared.insert(prefix, uri);
                }
                // Names without a prefix would get another meaning in the first file.
                None if prefix.is_empty() => return Err(include()),
                None => {
                    added.push((prefix.clone(), uri.clone()));
                    declared.insert(prefix, uri);
                }
            }
        }
        if n > 0 {
            if declared.contains_key("") != root.namespace_declarations.iter().any(|(prefix, _)| prefix.is_empty()) {
                return Err(include());
            }
            // An empty tag has nothing to add.
            content.push_str(inside(text).map_or("", |inside| &text[inside]));
        }
    }
    let (path, first) = &texts[0];
    if texts.len() == 1 {
        return Ok((*first).to_owned());
    }
    let inside = inside(first).ok_or_else(|| (path.clone(), XsdProblem::Syntax))?;
    let mut merged = first[..inside.start - 1].to_owned();
    for (prefix, uri) in added {
        merged.push_str(&format!(" xmlns:{prefix}=\"{}\"", uri.replace('&', "&amp;").replace('"', "&quot;")));
    }
    merged.push('>');
    merged.push_str(&first[inside.clone()]);
    merged.push_str(&content);
    merged.push_str(&first[inside.end..]);
    Ok(merged)
}

/// What stands between the tags of the root of a well-formed document; `None` when it is an empty tag.
fn inside(text: &str) -> Option<std::ops::Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr(b'<', &bytes[at..])?;
        let (closing, length) = match &bytes[at..] {
            [b'<', b'!', b'-', b'-', ..] => (&b"-->"[..], 3),
            [b'<', b'?', ..] => (&b"?>"[..], 2),
            _ => break,
        };
        at += memchr::memmem::find(&bytes[at..], closing)? + length;
    }
    let mut quote = None;
    let end = bytes[at..].iter().position(|&byte| match quote {
        Some(open) => {
            if open == byte {
                quote = None;
            }
            false
        }
        None => {
            if matches!(byte, b'"' | b'\'') {
                quote = Some(byte);
            }
            byte == b'>'
        }
    })? + at;
    let last = memchr::memmem::rfind(bytes, b"</")?;
    (bytes[end - 1] != b'/' && last > end).then_some(end + 1..last)
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

    #[test]
    fn the_inside_of_the_root_is_found() {
        for (text, found) in [
            ("<?x <a>?><!-- <b> --><a b='>' c=\"'>\">x<b/></a> <!-- c -->", Some("x<b/>")),
            ("<a/>", None),
            ("<a></a>", Some("")),
        ] {
            assert_eq!(inside(text).map(|range| &text[range]), found);
        }
    }
}
