//! Which constructs a schema may use: those of XML Schema 1.0 that are understood here. To pass over the rest in silence
//! would make a check that does nothing look like one that passes.

use super::XsdProblem;
use super::document::{Node, XS};

/// Elements of XML Schema 1.0 with their attributes. `redefine` and `notation` are not among them.
const ELEMENTS: [(&str, &[&str]); 37] = [
    (
        "schema",
        &["targetNamespace", "version", "elementFormDefault", "attributeFormDefault", "blockDefault", "finalDefault"],
    ),
    ("include", &["schemaLocation"]),
    ("import", &["schemaLocation", "namespace"]),
    (
        "element",
        &[
            "name",
            "ref",
            "type",
            "minOccurs",
            "maxOccurs",
            "nillable",
            "default",
            "fixed",
            "form",
            "block",
            "final",
            "abstract",
            "substitutionGroup",
        ],
    ),
    ("attribute", &["name", "ref", "type", "use", "default", "fixed", "form"]),
    ("complexType", &["name", "mixed", "abstract", "block", "final"]),
    ("simpleType", &["name", "final"]),
    ("sequence", &["minOccurs", "maxOccurs"]),
    ("choice", &["minOccurs", "maxOccurs"]),
    ("all", &["minOccurs", "maxOccurs"]),
    ("group", &["name", "ref", "minOccurs", "maxOccurs"]),
    ("attributeGroup", &["name", "ref"]),
    ("any", &["namespace", "processContents", "minOccurs", "maxOccurs"]),
    ("anyAttribute", &["namespace", "processContents"]),
    ("simpleContent", &[]),
    ("complexContent", &["mixed"]),
    ("restriction", &["base"]),
    ("extension", &["base"]),
    ("list", &["itemType"]),
    ("union", &["memberTypes"]),
    ("enumeration", &["value"]),
    ("pattern", &["value"]),
    ("length", &["value", "fixed"]),
    ("minLength", &["value", "fixed"]),
    ("maxLength", &["value", "fixed"]),
    ("minInclusive", &["value", "fixed"]),
    ("maxInclusive", &["value", "fixed"]),
    ("minExclusive", &["value", "fixed"]),
    ("maxExclusive", &["value", "fixed"]),
    ("totalDigits", &["value", "fixed"]),
    ("fractionDigits", &["value", "fixed"]),
    ("whiteSpace", &["value", "fixed"]),
    ("key", &["name"]),
    ("unique", &["name"]),
    ("keyref", &["name", "refer"]),
    ("selector", &["xpath"]),
    ("field", &["xpath"]),
];

/// Refuses an element that is not one of XML Schema 1.0, or has an attribute that it does not have there.
pub(super) fn check(uri: &str, node: &Node) -> Result<(), XsdProblem> {
    let local = &node.local;
    let refused = |what: String| Err(XsdProblem::Construct(what));
    let known = ELEMENTS.iter().find(|(name, _)| uri == XS && name == local);
    let Some((_, attributes)) = known else { return refused(format!("the element {local}")) };
    match node.attributes.iter().find(|(name, _)| name != "id" && !attributes.contains(&name.as_str())) {
        Some((name, _)) => refused(format!("the attribute {name} of {local}")),
        None => Ok(()),
    }
}
