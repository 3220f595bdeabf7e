//! What writing XML promises: reading gives back the same value, and what has no place in XML is refused.

use super::*;
use crate::json;
use crate::tree::Members;
use crate::xml::{Lists, XmlLimits, read};
use proptest::prelude::*;

fn names() -> Names {
    Names::new([("", "urn:plain"), ("m", "urn:m?a&b")]).unwrap()
}

fn written(key: &str, text: &str, nil: Nil) -> Result<String, WriteError> {
    let tree = json::parse(text.as_bytes()).ok().unwrap();
    let options = WriteOptions { declaration: false, nil, soap: Version::Soap12 };
    write(key, &tree, &names(), &options).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn values_are_written_by_the_convention_in_their_order() {
    const P: &str = "xmlns=\"urn:plain\"";
    for (key, value, xml) in [
        ("a", r#""x""#, format!("<a {P}>x</a>")),
        ("a", r#""""#, format!("<a {P}/>")),
        ("a", r#"{"z":1,"b":[true,"2"],"c":[],"@x":"y"}"#, format!("<a {P} x=\"y\"><z>1</z><b>true</b><b>2</b></a>")),
        ("m:a", r##"{"#text":"t","@m:x":1.5}"##, "<m:a xmlns:m=\"urn:m?a&amp;b\" m:x=\"1.5\">t</m:a>".into()),
        ("a", r#"{"b":null,"@c":null}"#, format!("<a {P}></a>")),
        (
            "{urn:q}a",
            r#"{"{urn:q}b":"","{urn:r}c":{"@{urn:q}d":""}}"#,
            "<n0:a xmlns:n0=\"urn:q\" xmlns:n1=\"urn:r\"><n0:b/><n1:c n0:d=\"\"/></n0:a>".into(),
        ),
        ("soap:Envelope", "{}", "<soap:Envelope xmlns:soap=\"http://www.w3.org/2003/05/soap-envelope\"/>".into()),
        ("m:a", r#"{"@xml:lang":"vi"}"#, "<m:a xmlns:m=\"urn:m?a&amp;b\" xml:lang=\"vi\"/>".into()),
    ] {
        assert_eq!(written(key, value, Nil::Omit).unwrap(), xml);
    }
    let nil = written("a", r#"{"b":null}"#, Nil::Xsi).unwrap();
    assert_eq!(nil, format!("<a {P} xmlns:xsi=\"{XSI}\"><b xsi:nil=\"true\"/></a>"));
}

#[test]
fn texts_are_escaped_so_that_they_come_back() {
    let xml = written("a", r#"{"@b":"\"'<>&\t\n\r","c":"]]>&<\r\n\t\""}"#, Nil::Omit).unwrap();
    assert!(
        xml.contains("b=\"&quot;'&lt;&gt;&amp;&#9;&#10;&#13;\"") && xml.contains("<c>]]&gt;&amp;&lt;&#13;\n\t\"</c>")
    );
}

#[test]
fn what_has_no_place_in_xml_is_refused_with_its_path() {
    for (key, value, path, kind) in [
        ("a", "[1]", "/a", WriteErrorKind::List),
        ("a", r#"{"b":[[1]]}"#, "/a/b", WriteErrorKind::List),
        ("a b", "1", "/a b", WriteErrorKind::Name),
        ("a", r#"{"b":{"":1}}"#, "/a/b/", WriteErrorKind::Name),
        ("a", r#"{"b><c":1}"#, "/a/b><c", WriteErrorKind::Name),
        ("a", r#"{"@xmlns":"u"}"#, "/a/@xmlns", WriteErrorKind::Name),
        ("a", r#"{"@xmlns:m":"u"}"#, "/a/@xmlns:m", WriteErrorKind::Prefix),
        ("a", r#"{"{}b":1}"#, "/a/{}b", WriteErrorKind::Name),
        ("a", r#"{"{urn:x":1}"#, "/a/{urn:x", WriteErrorKind::Name),
        ("q:a", "1", "/q:a", WriteErrorKind::Prefix),
        ("a", r#"{"b":["ok","s3cret\u0001"]}"#, "/a/b", WriteErrorKind::Character),
        ("a", r#"{"@b":"\uffff"}"#, "/a/@b", WriteErrorKind::Character),
        ("a", r#"{"@b":{}}"#, "/a/@b", WriteErrorKind::NotText),
        ("a", r##"{"#text":[1]}"##, "/a/#text", WriteErrorKind::NotText),
    ] {
        let error = written(key, value, Nil::Omit).unwrap_err();
        assert_eq!((error.path.as_str(), error.kind), (path, kind), "{value}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[test]
fn a_prefix_that_the_contract_uses_is_not_made_up_again() {
    let names = Names::new([("n0", "urn:mine")]).unwrap();
    let tree = json::parse(br#"{"{urn:x}b":"","n0:c":""}"#).ok().unwrap();
    let options = WriteOptions { declaration: false, ..WriteOptions::default() };
    let xml = String::from_utf8(write("a", &tree, &names, &options).unwrap()).unwrap();
    assert_eq!(xml, "<a xmlns:n0=\"urn:mine\" xmlns:n0_=\"urn:x\"><n0_:b/><n0:c/></a>");
}

const KEYS: [&str; 7] = ["a", "b-1", "m:a", "{urn:x}a", "{urn:m/y}họ", "soap:x", "c"];
const ATTRIBUTES: [&str; 5] = ["@a", "@m:a", "@xml:lang", "@{urn:x}q", "@{urn:plain}a"];

fn text() -> impl Strategy<Value = String> {
    "[\\t\\n\\r -~àạ😀\u{fffd}\u{85}]{0,12}"
}

/// Values that the convention can write and read back as they are.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![text().prop_map(serde_json::Value::from), Just(serde_json::Value::Null)];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let attributes = prop::collection::btree_map(prop::sample::select(ATTRIBUTES.to_vec()), text(), 0..3);
        let one = inner.clone().prop_map(|value| vec![value]);
        let children = prop::collection::vec(prop_oneof![3 => one, 1 => prop::collection::vec(inner, 2..4)], 0..5);
        let keys = Just(KEYS.to_vec()).prop_shuffle();
        (attributes, keys, children, "[a-z ]{0,3}x").prop_map(|(attributes, keys, children, text)| {
            let mut object = serde_json::Map::new();
            let bare = attributes.is_empty();
            object.extend(attributes.into_iter().map(|(key, value)| (key.to_owned(), value.into())));
            if !(bare && children.is_empty()) && text.len() > 2 {
                object.insert(TEXT.to_owned(), text.into());
            }
            for (key, mut values) in keys.into_iter().zip(children) {
                let value = if values.len() == 1 { values.remove(0) } else { values.into() };
                object.insert(key.to_owned(), value);
            }
            if object.is_empty() { "".into() } else { object.into() }
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_the_same(value in value(), key in prop::sample::select(KEYS.to_vec())) {
        let tree = Tree::from(&value);
        let names = names();
        let options = WriteOptions { declaration: true, nil: Nil::Xsi, soap: Version::Soap11 };
        let bytes = write(key, &tree, &names, &options).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (lists, limits) = (Lists::default(), XmlLimits::default());
        let root = read(&text, &names, &lists, &limits).map_err(|error| TestCaseError::fail(format!("{error} {text}")))?;
        prop_assert_eq!(&*root.key, key);
        prop_assert_eq!(root.value.to_value(), value, "{}", text);
        prop_assert_eq!(write(key, &root.value, &names, &options).unwrap(), text.as_bytes());
    }

    #[test]
    fn no_value_makes_it_panic_and_what_is_written_is_well_formed(
        keys in prop::collection::vec("[a:@#{}<é]{0,4}", 1..4), text in any::<String>(),
    ) {
        let members = keys.iter().map(|key| Member::new(key.as_str(), Tree::Text(Cow::Borrowed(&*text)))).collect();
        let tree = Tree::Object(Members::gathered(members));
        if let Ok(bytes) = write("a", &tree, &names(), &WriteOptions::default()) {
            let text = String::from_utf8(bytes).unwrap();
            let (names, lists, limits) = (names(), Lists::default(), XmlLimits::default());
            prop_assert!(read(&text, &names, &lists, &limits).is_ok(), "{}", text);
        }
    }
}
