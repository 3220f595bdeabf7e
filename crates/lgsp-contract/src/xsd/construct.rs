//! Which schemas are taken: those that use XML Schema 1.0 only, and of it what the library does rightly. It would pass
//! over the rest in silence, and a check that does nothing looks like one that passes.

use std::collections::HashSet;

use uppsala::{Document, Element, NodeId};

use super::XsdProblem;
use super::source::XS;

/// A node of a schema with the line it stands in.
type Refusal = (usize, XsdProblem);

/// Elements of XML Schema 1.0 with their attributes. `import`, `redefine` and `notation` are not among them.
const ELEMENTS: [(&str, &[&str]); 39] = [
    (
        "schema",
        &["targetNamespace", "version", "elementFormDefault", "attributeFormDefault", "blockDefault", "finalDefault"],
    ),
    ("include", &["schemaLocation"]),
    ("annotation", &[]),
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
    ("documentation", &["source"]),
    ("appinfo", &["source"]),
];

/// The types of XML Schema 1.0. `NOTATION`, `ENTITY` and `ENTITIES` need a document type, which is never read.
const TYPES: [&str; 43] = [
    "anyType",
    "anySimpleType",
    "string",
    "boolean",
    "decimal",
    "float",
    "double",
    "duration",
    "dateTime",
    "time",
    "date",
    "gYearMonth",
    "gYear",
    "gMonthDay",
    "gDay",
    "gMonth",
    "hexBinary",
    "base64Binary",
    "anyURI",
    "QName",
    "normalizedString",
    "token",
    "language",
    "NMTOKEN",
    "NMTOKENS",
    "Name",
    "NCName",
    "ID",
    "IDREF",
    "IDREFS",
    "integer",
    "nonPositiveInteger",
    "negativeInteger",
    "long",
    "int",
    "short",
    "byte",
    "nonNegativeInteger",
    "unsignedLong",
    "unsignedInt",
    "unsignedShort",
    "unsignedByte",
    "positiveInteger",
];

/// What an attribute refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Declared {
    Element,
    Attribute,
    Type,
    Group,
    AttributeGroup,
    Constraint,
}

/// Refuses what is not XML Schema 1.0 or not supported, and references to nothing.
pub(super) fn check(document: &Document<'_>) -> Result<(), Refusal> {
    let root = document.document_element().ok_or((1, XsdProblem::Syntax))?;
    let schema = document.element(root).ok_or((1, XsdProblem::Syntax))?;
    let target = schema.get_attribute("targetNamespace").unwrap_or_default().to_owned();
    let mut walk = Walk { document, target, declared: HashSet::new() };
    walk.declare(root)?;
    walk.node(root)
}

struct Walk<'d, 'a> {
    document: &'d Document<'a>,
    target: String,
    declared: HashSet<(Declared, String)>,
}

fn is_xs(element: &Element<'_>) -> bool {
    element.name.namespace_uri.as_deref() == Some(XS)
}

impl Walk<'_, '_> {
    /// Notes what is declared for all; twice is once too often.
    fn declare(&mut self, root: NodeId) -> Result<(), Refusal> {
        for child in self.document.children_iter(root) {
            let Some(element) = self.document.element(child).filter(|element| is_xs(element)) else { continue };
            let kind = match &*element.name.local_name {
                "element" => Declared::Element,
                "attribute" => Declared::Attribute,
                "complexType" | "simpleType" => Declared::Type,
                "group" => Declared::Group,
                "attributeGroup" => Declared::AttributeGroup,
                _ => continue,
            };
            let name = element.get_attribute("name").unwrap_or_default().to_owned();
            if !self.declared.insert((kind, name.clone())) {
                return Err((self.document.node_line(child), XsdProblem::Construct(format!("{name} declared twice"))));
            }
        }
        let mut constraints = Vec::new();
        for node in self.document.descendants(root) {
            let Some(element) = self.document.element(node).filter(|element| is_xs(element)) else { continue };
            if matches!(&*element.name.local_name, "key" | "unique") {
                constraints.extend(element.get_attribute("name").map(str::to_owned));
            }
        }
        self.declared.extend(constraints.into_iter().map(|name| (Declared::Constraint, name)));
        Ok(())
    }

    fn node(&self, node: NodeId) -> Result<(), Refusal> {
        let Some(element) = self.document.element(node) else { return Ok(()) };
        let line = self.document.node_line(node);
        let construct = |name: String| (line, XsdProblem::Construct(name));
        // The library takes these prefixes for those of XML Schema, whatever they are declared as.
        let misleading = |prefix: &str, uri: &str| matches!(prefix, "xs" | "xsd") && uri != XS;
        if element.namespace_declarations.iter().any(|(prefix, uri)| misleading(prefix, uri)) {
            return Err(construct("the prefix xs for another namespace".to_owned()));
        }
        let local = &*element.name.local_name;
        let known = ELEMENTS.iter().find(|(name, _)| is_xs(element) && *name == local);
        let Some((_, attributes)) = known else { return Err(construct(format!("the element {local}"))) };
        for attribute in &element.attributes {
            let name = &*attribute.name.local_name;
            match attribute.name.namespace_uri.as_deref() {
                Some(uri) if uri.starts_with("http://www.w3.org/2007/XMLSchema-versioning") => {
                    return Err(construct(format!("the attribute {name} of {local}")));
                }
                Some(_) => {}
                None if name == "id" || attributes.contains(&name) => {}
                None => return Err(construct(format!("the attribute {name} of {local}"))),
            }
        }
        if matches!(local, "annotation" | "documentation" | "appinfo") {
            return Ok(());
        }
        self.references(node, element, line)?;
        self.occurrence(node, element, line)?;
        self.document.children_iter(node).try_for_each(|child| self.node(child))
    }

    fn references(&self, node: NodeId, element: &Element<'_>, line: usize) -> Result<(), Refusal> {
        let own = match &*element.name.local_name {
            "element" => Declared::Element,
            "attribute" => Declared::Attribute,
            "group" => Declared::Group,
            _ => Declared::AttributeGroup,
        };
        let references = [
            ("ref", own),
            ("type", Declared::Type),
            ("base", Declared::Type),
            ("itemType", Declared::Type),
            ("memberTypes", Declared::Type),
            ("substitutionGroup", Declared::Element),
            ("refer", Declared::Constraint),
        ];
        for (attribute, kind) in references {
            let names = element.get_attribute(attribute).unwrap_or_default();
            for name in names.split_ascii_whitespace() {
                if !self.resolves(node, name, kind) {
                    return Err((line, XsdProblem::Unresolved(name.to_owned())));
                }
            }
        }
        Ok(())
    }

    fn resolves(&self, node: NodeId, name: &str, kind: Declared) -> bool {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let uri = self.namespace(node, prefix);
        if uri.as_deref() == Some(XS) {
            return kind == Declared::Type && TYPES.contains(&local);
        }
        let unprefixed = prefix.is_empty() && uri.is_none();
        (uri.as_deref().unwrap_or_default() == self.target && (uri.is_some() || unprefixed))
            && self.declared.contains(&(kind, local.to_owned()))
    }

    /// What a prefix stands for at a node.
    fn namespace(&self, node: NodeId, prefix: &str) -> Option<String> {
        let mut at = Some(node);
        while let Some(node) = at {
            if let Some(element) = self.document.element(node) {
                let found = element.namespace_declarations.iter().find(|(known, _)| known == prefix);
                if let Some((_, uri)) = found {
                    return (!uri.is_empty()).then(|| uri.to_string());
                }
            }
            at = self.document.parent(node);
        }
        None
    }

    /// In XML Schema 1.0 an `all` stands alone and everything in it at most once.
    fn occurrence(&self, node: NodeId, element: &Element<'_>, line: usize) -> Result<(), Refusal> {
        if element.name.local_name != "all" {
            return Ok(());
        }
        let refused = |what: &str| Err((line, XsdProblem::Construct(what.to_owned())));
        if element.get_attribute("maxOccurs").is_some_and(|most| most != "1") {
            return refused("all with maxOccurs");
        }
        for child in self.document.children_iter(node) {
            let Some(inner) = self.document.element(child) else { continue };
            match &*inner.name.local_name {
                "annotation" => {}
                "element" if matches!(inner.get_attribute("maxOccurs"), None | Some("0" | "1")) => {}
                _ => return refused("all with anything but elements that stand at most once"),
            }
        }
        let parent = self.document.parent(node).and_then(|parent| self.document.element(parent));
        match parent.map(|parent| &*parent.name.local_name) {
            Some("complexType" | "group" | "extension" | "restriction") => Ok(()),
            _ => refused("all inside another group"),
        }
    }
}
