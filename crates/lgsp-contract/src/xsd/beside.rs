//! The files of a schema as parts that can stand beside each other in one document, as the types of a WSDL do: without
//! declarations and places of other files, and with what their root says. The content is not changed, comments included.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::document::Document;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its namespace, `""` for none.
    pub(crate) target: String,
    /// What prefixes in it stand for.
    pub(crate) declared: Vec<(String, String)>,
    /// Attributes of the root that say how the content is meant.
    pub(crate) defaults: Vec<(String, String)>,
    /// Namespaces that it asks for.
    pub(crate) imports: Vec<String>,
    /// What stands in the root.
    pub(crate) content: String,
}

/// Attributes of a root that say how its content is meant.
const DEFAULTS: [&str; 4] = ["elementFormDefault", "attributeFormDefault", "blockDefault", "finalDefault"];

/// Tags that lead to other files; an annotation inside of them goes too.
static LEADS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    ["include", "import"].map(|name| {
        let pattern = format!(r"(?s)<(?:[\w.-]+:)?{name}\b[^>]*?(?:/>|>.*?</(?:[\w.-]+:)?{name}\s*>)");
        Regex::new(&pattern).expect("the pattern is written above")
    })
});

/// The part that a file is.
pub(super) fn part(document: &Document, text: &str) -> Part {
    let content = inside(text).map_or("", |inside| &text[inside]);
    let content = LEADS[0].replace_all(content, "");
    let content = LEADS[1].replace_all(&content, "").into_owned();
    let mut declared = declared(text);
    if document.adopts && declared.iter().all(|(prefix, _)| !prefix.is_empty()) {
        declared.push((String::new(), document.target.clone()));
    }
    let default = |name: &&str| Some(((*name).to_owned(), document.root.get(name)?.to_owned()));
    let imports = document.root.children.iter().filter(|child| child.local == "import");
    Part {
        target: document.target.clone(),
        declared,
        defaults: DEFAULTS.iter().filter_map(default).collect(),
        imports: imports.map(|child| child.get("namespace").unwrap_or_default().to_owned()).collect(),
        content,
    }
}

/// A declaration of a namespace in a tag.
static DECLARATION: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"\sxmlns(?::([\w.-]+))?\s*=\s*(?:"([^"]*)"|'([^']*)')"#;
    Regex::new(pattern).expect("the pattern is written above")
});

/// What the root declares, as written.
fn declared(text: &str) -> Vec<(String, String)> {
    let tag = inside(text).map_or(text, |inside| &text[..inside.start]);
    let group = |found: &regex::Captures<'_>, number| found.get(number).map_or("", |found| found.as_str()).to_owned();
    let pair = |found: regex::Captures<'_>| (group(&found, 1), group(&found, 2) + &group(&found, 3));
    DECLARATION.captures_iter(tag).map(pair).map(|(prefix, uri)| (prefix, uri.replace("&amp;", "&"))).collect()
}

/// What stands between the tags of the root of a well-formed document; `None` when it is an empty tag.
fn inside(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr(b'<', &bytes[at..])?;
        let closing = match &bytes[at..] {
            [b'<', b'!', b'-', b'-', ..] => &b"-->"[..],
            [b'<', b'?', ..] => &b"?>"[..],
            _ => break,
        };
        at += memchr::memmem::find(&bytes[at..], closing)? + closing.len();
    }
    let mut quote = None;
    let end = bytes[at..].iter().position(|&byte| {
        match quote {
            Some(open) if open == byte => quote = None,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            _ => {}
        }
        quote.is_none() && byte == b'>'
    })? + at;
    let last = memchr::memmem::rfind(bytes, b"</")?;
    (bytes[end - 1] != b'/' && last > end).then_some(end + 1..last)
}

#[cfg(test)]
mod tests {
    use super::super::load_xsd;
    use super::inside;

    const MAIN: &str = "<?xml version=\"1.0\"?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:a=\"urn:a\" \
        xmlns:b=\"urn:b\" targetNamespace=\"urn:a\"><xs:include schemaLocation=\"adopted.xsd\"/><xs:import \
        schemaLocation='b.xsd' namespace=\"urn:b\"/><xs:element name=\"e\" type=\"a:t\"/><xs:element name=\"f\" \
        type=\"b:t\"/></xs:schema>";
    const ADOPTED: &str = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><xs:simpleType name=\"t\">\
        <xs:restriction base=\"xs:string\"/></xs:simpleType></xs:schema>";
    const OTHER: &str = "<schema xmlns=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:b\" \
        elementFormDefault='qualified'><simpleType name=\"t\"><restriction base=\"string\"/></simpleType></schema>";

    #[test]
    fn files_of_a_schema_can_stand_beside_each_other() {
        let schema = load_xsd("main.xsd", |path| match path {
            "main.xsd" => Some(MAIN),
            "adopted.xsd" => Some(ADOPTED),
            "b.xsd" => Some(OTHER),
            _ => None,
        });
        let Ok(schema) = schema else { panic!("the three files are one schema") };
        let parts = schema.parts();
        let by = |word: &str| parts.iter().find(|part| part.content.contains(word)).unwrap();
        let (main, adopted, other) = (by("name=\"e\""), by("<xs:simpleType"), by("<simpleType"));
        assert_eq!((parts.len(), main.target.as_str(), adopted.target.as_str()), (3, "urn:a", "urn:a"));
        assert_eq!(main.content, "<xs:element name=\"e\" type=\"a:t\"/><xs:element name=\"f\" type=\"b:t\"/>");
        assert_eq!(main.imports, ["urn:b"]);
        assert!(adopted.declared.contains(&(String::new(), "urn:a".to_owned())), "{adopted:?}");
        assert_eq!(other.defaults, [("elementFormDefault".to_owned(), "qualified".to_owned())]);
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
