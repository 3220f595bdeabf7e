//! The rules that findings name: stable names, and what to do in one sentence.

use lgsp_model::Finding;

/// Names that a finding lists; more help nobody.
const MAX_NAMES: usize = 5;

const RULES: [(&str, &str); 28] = [
    ("unknown-root", "the root element is not one that the schema declares"),
    ("unknown-element", "an element is not one that the schema declares"),
    ("unexpected-element", "an element is unknown, out of order or there too often"),
    ("missing-element", "a required element is missing or there too seldom"),
    ("abstract", "the element or its type is abstract; send one that may stand in its place"),
    ("nil", "xsi:nil is not allowed here, or the element is not empty"),
    ("type", "the type that xsi:type names is unknown or not allowed here"),
    ("simple-type", "the element must hold text only"),
    ("empty", "the element must be empty"),
    ("text", "the element must hold elements only"),
    ("fixed", "the value must be the one that the schema fixes"),
    ("required-attribute", "a required attribute is missing"),
    ("unknown-attribute", "an attribute is not one that the schema allows here"),
    ("unbound-prefix", "a prefix is not declared; declare it with xmlns:prefix"),
    ("datatype", "the value is not of the type that is asked for"),
    ("pattern", "the value does not have the form that is asked for"),
    ("enumeration", "the value is not one of those that are allowed"),
    ("length", "the value does not have the length that is asked for"),
    ("min-length", "the value is too short"),
    ("max-length", "the value is too long"),
    ("total-digits", "the number has too many digits"),
    ("fraction-digits", "the number has too many digits after the point"),
    ("range", "the value is too small or too large"),
    ("key", "the value of a key is missing or there twice"),
    ("unique", "a value that must be unique is there twice"),
    ("keyref", "a reference names nothing that is there"),
    ("id", "an identity is there twice"),
    ("idref", "a reference names an identity that is not there"),
];

/// The finding of a rule.
pub(super) fn finding(path: String, rule: &str) -> Finding {
    let known = RULES.iter().find(|(name, _)| *name == rule);
    let message = known.map_or("the element does not follow its schema", |(_, message)| message);
    Finding::new(path, rule, message)
}

/// [`finding`], with the elements that might have stood there.
pub(super) fn expected(path: String, rule: &str, names: &[&str]) -> Finding {
    let mut finding = finding(path, rule);
    let more = if names.len() > MAX_NAMES { " …" } else { "" };
    if let Some(names) = names.get(..names.len().min(MAX_NAMES)).filter(|names| !names.is_empty()) {
        finding.message.push_str(&format!("; expected: {}{more}", names.join(", ")));
    }
    finding
}
