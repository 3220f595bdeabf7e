//! A JSON Schema as XSD 1.0 types, for the WSDL of a service whose messages are described in JSON. What XSD cannot say
//! is left out: the JSON Schema still checks it.

use std::fmt::Write as _;

use crate::json;
use crate::tree::Tree;

/// How deep `$ref`s and properties are followed: a schema may refer to itself.
const MAX_DEPTH: usize = 16;

/// The longest definition in bytes: a schema that refers to itself several times would grow without end.
const MAX_BYTES: usize = 1 << 20;

/// The definition of one element by the text of a JSON Schema; members in the order of the text.
pub(super) fn element(name: &str, schema: &str) -> String {
    let mut out = String::new();
    match json::parse(schema.as_bytes()) {
        Ok(root) => Writer { root: &root, out: &mut out }.element(name, &root, "", 0),
        Err(_) => any(name, &mut out),
    }
    out
}

/// An element with whatever inside.
pub(super) fn any(name: &str, out: &mut String) {
    let _ = write!(
        out,
        "<xs:element name=\"{name}\"><xs:complexType><xs:sequence>\
         <xs:any minOccurs=\"0\" maxOccurs=\"unbounded\" processContents=\"lax\"/></xs:sequence></xs:complexType></xs:element>"
    );
}

struct Writer<'t, 'o> {
    root: &'t Tree<'t>,
    out: &'o mut String,
}

impl<'t> Writer<'t, '_> {
    fn resolve(&self, schema: &'t Tree<'t>) -> &'t Tree<'t> {
        let mut schema = schema;
        for _ in 0..MAX_DEPTH {
            let Some(target) = schema.get("$ref").and_then(Tree::as_str) else { return schema };
            if target == "#" {
                return self.root;
            }
            let Some(pointer) = target.strip_prefix("#/") else { return schema };
            let found =
                pointer.split('/').try_fold(self.root, |at, part| at.get(&part.replace("~1", "/").replace("~0", "~")));
            match found {
                Some(found) => schema = found,
                None => return schema,
            }
        }
        schema
    }

    fn element(&mut self, name: &str, schema: &'t Tree<'t>, occurs: &str, depth: usize) {
        let schema = self.resolve(schema);
        if depth > MAX_DEPTH || self.out.len() > MAX_BYTES {
            return any(name, self.out);
        }
        match kind(schema) {
            "object" => self.object(name, schema, occurs, depth),
            "array" => {
                let items = schema.get("items");
                let occurs = "minOccurs=\"0\" maxOccurs=\"unbounded\"";
                match items {
                    Some(items) if kind(self.resolve(items)) != "array" => self.element(name, items, occurs, depth + 1),
                    _ => self.plain(name, "xs:string", occurs),
                }
            }
            "integer" => self.plain(name, "xs:long", &format!("{occurs}{}", nillable(schema))),
            "number" => self.plain(name, "xs:double", &format!("{occurs}{}", nillable(schema))),
            "boolean" => self.plain(name, "xs:boolean", &format!("{occurs}{}", nillable(schema))),
            _ => self.text(name, schema, &format!("{occurs}{}", nillable(schema))),
        }
    }

    fn plain(&mut self, name: &str, kind: &str, occurs: &str) {
        let _ = write!(self.out, "<xs:element name=\"{name}\" type=\"{kind}\" {occurs}/>");
    }

    fn object(&mut self, name: &str, schema: &'t Tree<'t>, occurs: &str, depth: usize) {
        let nil = nillable(schema);
        let _ = write!(self.out, "<xs:element name=\"{name}\" {occurs}{nil}><xs:complexType><xs:sequence>");
        let required: Vec<&str> = match schema.get("required") {
            Some(Tree::List(names)) => names.iter().filter_map(Tree::as_str).collect(),
            _ => Vec::new(),
        };
        match schema.get("properties") {
            Some(Tree::Object(properties)) => {
                for property in properties.in_order() {
                    let key = property.key.as_str();
                    if !is_element(key) {
                        continue;
                    }
                    let occurs = if required.contains(&key) { "" } else { "minOccurs=\"0\"" };
                    self.element(key, &property.value, occurs, depth + 1);
                }
            }
            _ => self.out.push_str("<xs:any minOccurs=\"0\" maxOccurs=\"unbounded\" processContents=\"lax\"/>"),
        }
        self.out.push_str("</xs:sequence>");
        self.attributes(schema);
        self.out.push_str("</xs:complexType></xs:element>");
    }

    /// Keys that begin with `@`; which of them must be there, the JSON Schema checks.
    fn attributes(&mut self, schema: &Tree<'_>) {
        let Some(Tree::Object(properties)) = schema.get("properties") else { return };
        for property in properties.in_order() {
            if let Some(name) = property.key.as_str().strip_prefix('@').filter(|name| is_element(name)) {
                let _ = write!(self.out, "<xs:attribute name=\"{name}\" type=\"xs:string\"/>");
            }
        }
    }

    fn text(&mut self, name: &str, schema: &Tree<'_>, occurs: &str) {
        let codes: Vec<&str> = match schema.get("enum") {
            Some(Tree::List(codes)) => codes.iter().filter_map(Tree::as_str).collect(),
            _ => Vec::new(),
        };
        let length = |key: &str| match schema.get(key) {
            Some(Tree::Number(number)) => number.as_u64(),
            _ => None,
        };
        let (least, most) = (length("minLength"), length("maxLength"));
        if codes.is_empty() && least.is_none() && most.is_none() {
            return self.plain(name, "xs:string", occurs);
        }
        let _ =
            write!(self.out, "<xs:element name=\"{name}\" {occurs}><xs:simpleType><xs:restriction base=\"xs:string\">");
        for code in codes {
            let _ = write!(self.out, "<xs:enumeration value=\"{}\"/>", escaped(code));
        }
        for (facet, value) in [("minLength", least), ("maxLength", most)] {
            if let Some(value) = value {
                let _ = write!(self.out, "<xs:{facet} value=\"{value}\"/>");
            }
        }
        self.out.push_str("</xs:restriction></xs:simpleType></xs:element>");
    }
}

/// What lets an element be `xsi:nil`, where the schema lets the value be null.
fn nillable(schema: &Tree<'_>) -> &'static str {
    let null = |tree: &Tree<'_>| tree.as_str() == Some("null");
    match schema.get("type") {
        Some(Tree::List(several)) if several.iter().any(null) => " nillable=\"true\"",
        _ => "",
    }
}

/// The one type of a schema, `null` aside.
fn kind<'t>(schema: &'t Tree<'_>) -> &'t str {
    match schema.get("type") {
        Some(Tree::Text(one)) => one,
        Some(Tree::List(several)) => {
            let mut named = several.iter().filter_map(Tree::as_str).filter(|word| *word != "null");
            match (named.next(), named.next()) {
                (Some(one), None) => one,
                _ => "",
            }
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "",
    }
}

/// Whether a key can be the name of an element: keys of attributes and with prefixes are not.
fn is_element(key: &str) -> bool {
    let named = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    key.starts_with(|c: char| c.is_alphabetic() || c == '_') && key.chars().all(named)
}

/// A text as the value of an attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_becomes_a_sequence_in_its_own_order() {
        let schema = r##"{"type":"object","required":["z"],"properties":{
            "z":{"type":"string","maxLength":5},"a":{"$ref":"#/$defs/n"},"l":{"type":"array","items":{"type":"integer"}},
            "@x":{"type":"string"},"k":{"enum":["a&b"]}},"$defs":{"n":{"type":["number","null"]}}}"##;
        let text = element("R", schema);
        let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
        assert!(place("name=\"z\"") < place("name=\"a\" type=\"xs:double\" minOccurs=\"0\" nillable=\"true\""));
        assert!(place("name=\"a\"") < place("name=\"l\" type=\"xs:long\" minOccurs=\"0\" maxOccurs=\"unbounded\""));
        assert!(
            text.contains("<xs:maxLength value=\"5\"/>")
                && text.contains("value=\"a&amp;b\"")
                && !text.contains('@')
                && text.contains("</xs:sequence><xs:attribute name=\"x\" type=\"xs:string\"/>")
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        assert!(element("R", r##"{"type":"object","properties":{"r":{"$ref":"#"}}}"##).contains("xs:any"));
        let names: Vec<String> = (0..50).map(|n| format!("\"p{n}\": {{\"$ref\": \"#\"}}")).collect();
        let schema = format!("{{\"type\": \"object\", \"properties\": {{{}}}}}", names.join(","));
        assert!(element("R", &schema).len() < 2 * MAX_BYTES);
    }
}
