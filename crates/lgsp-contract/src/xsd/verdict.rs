//! From what the library says about a document to findings: the path of the element, the rule, and no value.

use std::collections::HashMap;

use lgsp_model::Finding;
use uppsala::{Document, NodeId, ValidationError};

/// What the library's texts begin with or hold, the rule's stable name, and what to do. The first that fits.
const RULES: [(&str, &str, &str); 34] = [
    ("No element declaration found", "unknown-root", "the root element is not one that the schema declares"),
    ("is abstract", "abstract", "the element is abstract; send one that may stand in its place"),
    ("xsi:nil='true' on non-nillable", "nil", "the element must not be nil"),
    ("xsi:nil='true' must have no content", "nil", "an element with xsi:nil must be empty"),
    ("xsi:type", "type", "the type that xsi:type names is not allowed here"),
    ("contains child elements", "simple-type", "the element must hold text only"),
    ("must not have child elements", "simple-type", "the element must hold text only"),
    ("has fixed value", "fixed", "the value must be the one that the schema fixes"),
    ("Required attribute", "required-attribute", "a required attribute is missing"),
    ("Attribute '", "unknown-attribute", "an attribute is not one that the schema allows here"),
    ("Non-whitespace text content", "text", "the element must hold elements only"),
    ("Element should have empty content", "empty", "the element must be empty"),
    ("Unexpected element", "unexpected-element", "an element is unknown, out of order or there too often"),
    ("does not match any choice", "unexpected-element", "an element is unknown, out of order or there too often"),
    ("Duplicate element", "unexpected-element", "an element is unknown, out of order or there too often"),
    ("strict wildcard", "unknown-element", "an element is not one that the schema declares"),
    ("Expected one of the choice", "missing-element", "one of several elements must be there and none is"),
    ("Expected at least", "missing-element", "a required element is missing or there too seldom"),
    ("must occur at least", "missing-element", "a required element is missing or there too seldom"),
    ("Required element", "missing-element", "a required element is missing or there too seldom"),
    ("Key '", "key", "the value of a key is missing"),
    ("KeyRef '", "keyref", "a reference names nothing that is there"),
    ("duplicate value", "unique", "a value that must be unique is there twice"),
    ("List has", "length", "the list has too few or too many entries"),
    ("is not one of the allowed values", "enumeration", "the value is not one of those that are allowed"),
    ("does not match pattern", "pattern", "the value does not have the form that is asked for"),
    ("less than minLength", "min-length", "the value is too short"),
    ("exceeds maxLength", "max-length", "the value is too long"),
    ("does not match length", "length", "the value does not have the length that is asked for"),
    ("Total digits", "total-digits", "the number has too many digits"),
    ("Fraction digits", "fraction-digits", "the number has too many digits after the point"),
    ("Value '", "range", "the value is too small or too large"),
    ("is not a valid", "datatype", "the value is not of the type that is asked for"),
    ("is not valid", "datatype", "the value is not of the type that is asked for"),
];

/// What fits no rule.
const OTHER: (&str, &str) = ("schema", "the element does not follow its schema");

/// The findings, in the order of the document, each once.
pub(super) fn findings(document: &Document<'_>, errors: &[ValidationError], most: usize) -> Vec<Finding> {
    let paths = paths(document);
    let mut findings: Vec<Finding> = Vec::new();
    for error in errors {
        let place = (error.line.unwrap_or(0), error.column.unwrap_or(0));
        let path = paths.get(&place).map_or("/", String::as_str);
        let rule = RULES.iter().find(|(text, ..)| error.message.contains(text));
        let (rule, message) = rule.map_or(OTHER, |(_, rule, message)| (*rule, *message));
        let known = findings.iter().any(|finding| finding.path == path && finding.rule == rule);
        if !known {
            findings.push(Finding::new(path, rule, message));
        }
        if findings.len() >= most {
            break;
        }
    }
    findings
}

/// The path of every element by where it stands.
fn paths(document: &Document<'_>) -> HashMap<(usize, usize), String> {
    let mut paths = HashMap::new();
    if let Some(root) = document.document_element() {
        collect(document, root, "", &mut paths);
    }
    paths
}

fn collect(document: &Document<'_>, node: NodeId, above: &str, paths: &mut HashMap<(usize, usize), String>) {
    let Some(element) = document.element(node) else { return };
    let path = format!("{above}/{}", element.name.local_name);
    for child in document.children_iter(node) {
        if document.element(child).is_some() {
            collect(document, child, &path, paths);
        } else {
            // What is said of a text is said of the element around it.
            paths.insert((document.node_line(child), document.node_column(child)), path.clone());
        }
    }
    paths.insert((document.node_line(node), document.node_column(node)), path);
}
