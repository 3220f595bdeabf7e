//! What schemas promise: findings with paths and rules and no values, lists, and what is refused when they are loaded.
//! `tests/xsd.rs` of the workspace compares verdicts with those of libxml2.

use super::*;
use proptest::prelude::*;

const PERSON: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:d="http://dancuquocgia.bca"
    targetNamespace="http://dancuquocgia.bca" elementFormDefault="qualified">
  <xs:include schemaLocation="types.xsd"/>
  <xs:element name="CongdanCollection"><xs:complexType><xs:sequence>
    <xs:element ref="d:CongDan" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="CongDan" type="d:CongDan"/>
</xs:schema>"#;

const TYPES: &str = r#"<?xml version="1.0"?><!-- shared --><xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:t="http://dancuquocgia.bca"
    targetNamespace="http://dancuquocgia.bca" elementFormDefault="qualified">
  <xsd:complexType name="CongDan"><xsd:sequence>
    <xsd:element name="SoDinhDanh" type="t:SoDinhDanh"/>
    <xsd:sequence minOccurs="0" maxOccurs="3"><xsd:element name="DienThoai" type="xsd:string" form="unqualified"/></xsd:sequence>
    <xsd:element name="NgaySinh" type="xsd:date" minOccurs="0"/>
  </xsd:sequence><xsd:attribute name="loai" use="required" type="xsd:int"/></xsd:complexType>
  <xsd:simpleType name="SoDinhDanh"><xsd:restriction base="xsd:string"><xsd:pattern value="[0-9]{12}"/></xsd:restriction></xsd:simpleType>
</xsd:schema>"#;

/// Without a namespace: it takes on that of a file that includes it.
const OTHER: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' elementFormDefault='qualified'>\
    <xs:element name='a' type='n'/><xs:simpleType name='n'><xs:restriction base='xs:int'/></xs:simpleType></xs:schema>";

fn load(main: &str) -> Result<Xsd, XsdError> {
    load_xsd("schema/main.xsd", |path| match path {
        "schema/main.xsd" => Some(main),
        "schema/types.xsd" => Some(TYPES),
        "schema/other.xsd" => Some(OTHER),
        _ => None,
    })
}

fn refused(main: &str) -> XsdProblem {
    load(main).err().expect(main).problem
}

/// A schema with `inside`.
fn schema(inside: &str) -> String {
    format!("<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>{inside}</xs:schema>")
}

#[test]
fn findings_have_the_path_and_the_rule_and_no_value() {
    let xsd = load(PERSON).ok().unwrap();
    let of = |persons: &str| {
        let document = format!("<CongdanCollection xmlns='http://dancuquocgia.bca'>{persons}</CongdanCollection>");
        xsd.check(&document).err().unwrap_or_default()
    };
    const GOOD: &str = "<CongDan loai='1'><SoDinhDanh>000000000001</SoDinhDanh></CongDan>";
    assert_eq!(of(GOOD), []);
    assert_eq!(of(&GOOD.repeat(3)), []);
    for (from, to, path, rule) in [
        ("000000000001", "s3cret", "/CongdanCollection/CongDan/SoDinhDanh", "pattern"),
        (" loai='1'", "", "/CongdanCollection/CongDan", "required-attribute"),
        ("loai='1'", "loai='s3cret'", "/CongdanCollection/CongDan", "datatype"),
        ("loai='1'", "loai='1' s3cret='1'", "/CongdanCollection/CongDan", "unknown-attribute"),
        ("</CongDan>", "<NgaySinh>s3cret</NgaySinh></CongDan>", "/CongdanCollection/CongDan/NgaySinh", "datatype"),
        ("</CongDan>", "<s3cret/></CongDan>", "/CongdanCollection/CongDan", "unexpected-element"),
        ("<SoDinhDanh>000000000001</SoDinhDanh>", "", "/CongdanCollection/CongDan", "missing-element"),
        ("<SoDinhDanh>", "s3cret<SoDinhDanh>", "/CongdanCollection/CongDan", "text"),
    ] {
        let findings = of(&GOOD.replace(from, to));
        let finding = findings.iter().find(|finding| finding.rule == rule).unwrap_or_else(|| panic!("{findings:?}"));
        assert!(finding.path.starts_with(path), "{findings:?}");
        let messages: String = findings.iter().map(|finding| format!("{} {}", finding.rule, finding.message)).collect();
        assert!(!messages.contains("s3cret"), "{messages}");
    }
    let many: String = (0..500).map(|n| format!("<x{n}/>{GOOD}")).collect();
    assert!(of(&many).len() <= validate::MAX_FINDINGS);
    assert_eq!(xsd.check("<other/>").unwrap_err()[0].rule, "unknown-root");
}

#[test]
fn what_is_no_document_is_a_finding_too() {
    let xsd = load(PERSON).ok().unwrap();
    for (document, rule) in [
        ("", "empty"),
        ("<CongDan xmlns='http://dancuquocgia.bca'>", "truncated"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "doctype"),
        (&"<a>".repeat(100_000), "too-deep"),
    ] {
        assert_eq!(xsd.check(document).unwrap_err()[0].rule, rule);
    }
}

#[test]
fn other_namespaces_are_imported_and_files_without_one_take_on_that_of_the_includer() {
    let main = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:d='http://dancuquocgia.bca' xmlns:m='urn:m' \
        targetNamespace='urn:m'><xs:import namespace='http://dancuquocgia.bca' schemaLocation='types.xsd'/>\
        <xs:include schemaLocation='other.xsd'/><xs:element name='r'><xs:complexType><xs:sequence>\
        <xs:element name='So' type='d:SoDinhDanh'/><xs:element ref='m:a'/></xs:sequence></xs:complexType></xs:element></xs:schema>";
    let xsd = load(main).ok().unwrap();
    let document = |so: &str, a: &str| format!("<m:r xmlns:m='urn:m'><So>{so}</So><m:a>{a}</m:a></m:r>");
    assert_eq!(xsd.check(&document("000000000001", "1")), Ok(()));
    assert_eq!(xsd.check(&document("1", "1")).unwrap_err()[0].path, "/r/So");
    assert_eq!(xsd.check(&document("000000000001", "x")).unwrap_err()[0].path, "/r/a");
}

#[test]
fn findings_name_what_the_schema_expects() {
    let xsd = load(PERSON).ok().unwrap();
    let document = "<CongDan xmlns='http://dancuquocgia.bca' loai='1'><s3cret/></CongDan>";
    let findings = xsd.check(document).unwrap_err();
    assert_eq!(findings[0].message, "an element is unknown, out of order or there too often; expected: SoDinhDanh");
}

#[test]
fn what_may_stand_more_than_once_is_a_list() {
    let xsd = load(PERSON).ok().unwrap();
    let holds = |names: &Names, path: &[&str]| {
        xsd.list_paths(names).holds(path[path.len() - 1], path[..path.len() - 1].iter().rev().copied())
    };
    let plain = Names::new([("", "http://dancuquocgia.bca")]).unwrap();
    let prefixed = Names::new([("d", "http://dancuquocgia.bca")]).unwrap();
    assert!(holds(&plain, &["CongdanCollection", "CongDan"]) && holds(&plain, &["CongDan", "DienThoai"]));
    assert!(holds(&prefixed, &["d:CongdanCollection", "d:CongDan"]) && holds(&prefixed, &["d:CongDan", "DienThoai"]));
    for path in [&["CongDan"][..], &["CongDan", "SoDinhDanh"], &["x", "CongDan"], &["CongDan", "NgaySinh"]] {
        assert!(!holds(&plain, path), "{path:?}");
    }
}

#[test]
fn what_is_not_in_version_1_0_or_not_supported_is_refused_by_name() {
    for (inside, name) in [
        ("<xs:element name='a'><xs:complexType><xs:assert test='1'/></xs:complexType></xs:element>", "assert"),
        ("<xs:element name='a'><xs:alternative type='xs:int'/></xs:element>", "alternative"),
        ("<xs:override schemaLocation='types.xsd'/>", "override"),
        ("<xs:redefine schemaLocation='types.xsd'/>", "redefine"),
        ("<xs:defaultOpenContent><xs:any/></xs:defaultOpenContent>", "defaultOpenContent"),
        ("<xs:complexType name='a'><xs:openContent/></xs:complexType>", "openContent"),
        ("<xs:notation name='a' public='b'/>", "notation"),
        ("<xs:complexType name='a'><xs:anyAttribute notNamespace='u'/></xs:complexType>", "notNamespace"),
        ("<xs:complexType name='a'><xs:all maxOccurs='2'/></xs:complexType>", "all"),
        ("<xs:complexType name='a'><xs:all><xs:any/></xs:all></xs:complexType>", "all"),
        ("<xs:complexType name='a'><xs:sequence><xs:all/></xs:sequence></xs:complexType>", "all"),
        ("<xs:element name='a'/><xs:element name='a'/>", "twice"),
        ("<x:a xmlns:x='urn:x'/>", "element a"),
    ] {
        let XsdProblem::Construct(found) = refused(&schema(inside)) else { panic!("{inside}") };
        assert!(found.contains(name), "{found}");
    }
}

#[test]
fn references_to_nothing_and_files_that_are_not_there_are_refused() {
    for inside in [
        "<xs:element name='a' type='b'/>",
        "<xs:element name='a' type='xs:dateTimeStamp'/>",
        "<xs:element name='a' type='q:b'/>",
        "<xs:complexType name='a'><xs:sequence><xs:element ref='b'/></xs:sequence></xs:complexType>",
        "<xs:complexType name='a'><xs:group ref='b'/></xs:complexType>",
        "<xs:simpleType name='a'><xs:union memberTypes='xs:int b'/></xs:simpleType>",
        "<xs:element name='a' substitutionGroup='b'/>",
    ] {
        assert!(matches!(refused(&schema(inside)), XsdProblem::Unresolved(_)), "{inside}");
    }
    for (location, problem) in [
        ("missing.xsd", XsdProblem::Missing),
        ("../../etc/passwd", XsdProblem::Outside),
        ("http://127.0.0.1/x.xsd", XsdProblem::Outside),
        ("types.xsd", XsdProblem::Include),
    ] {
        assert_eq!(refused(&schema(&format!("<xs:include schemaLocation='{location}'/>"))), problem);
    }
    assert!(matches!(refused("<a/>"), XsdProblem::Construct(_)));
    assert!(matches!(
        refused("<xs:element xmlns:xs='http://www.w3.org/2001/XMLSchema' name='a'/>"),
        XsdProblem::Syntax
    ));
    for text in ["", "<!DOCTYPE a><a/>", "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"] {
        assert_eq!(refused(text), XsdProblem::Syntax, "{text}");
    }
    assert!(load(&schema("<xs:include schemaLocation='other.xsd'/><xs:include schemaLocation='main.xsd'/>")).is_ok());
    let import = "<xs:import namespace='urn:x' schemaLocation='types.xsd'/>";
    assert_eq!(refused(&schema(import)), XsdProblem::Include);
}

#[test]
fn what_a_schema_costs_is_bounded() {
    let groups: String = (0..40)
        .map(|n| {
            let inner = format!("<xs:group ref='g{}'/>", n + 1).repeat(2);
            format!("<xs:group name='g{n}'><xs:sequence>{inner}</xs:sequence></xs:group>")
        })
        .collect();
    let last =
        "<xs:group name='g40'><xs:sequence/></xs:group><xs:complexType name='a'><xs:group ref='g0'/></xs:complexType>";
    let element = |most: &str| {
        let inside = format!("<xs:element name='b' maxOccurs='{most}' type='xs:int'/>");
        schema(&format!(
            "<xs:element name='a'><xs:complexType><xs:sequence>{inside}</xs:sequence></xs:complexType></xs:element>"
        ))
    };
    for text in [
        schema(&format!("{groups}{last}")),
        schema(
            "<xs:group name='g'><xs:sequence><xs:group ref='g'/></xs:sequence></xs:group><xs:complexType name='a'><xs:group ref='g'/></xs:complexType>",
        ),
        schema("<xs:element name='a' substitutionGroup='b'/><xs:element name='b' substitutionGroup='a'/>"),
        element("4000000000"),
        element("30000"),
        schema(
            "<xs:simpleType name='a'><xs:restriction base='xs:string'><xs:pattern value='((a{99}){99}){99}'/></xs:restriction></xs:simpleType>",
        ),
    ] {
        assert!(matches!(refused(&text), XsdProblem::Construct(_)), "{}", &text[..200]);
    }
    for text in [
        schema(
            "<xs:complexType name='a'><xs:complexContent><xs:extension base='a'/></xs:complexContent></xs:complexType>",
        ),
        schema("<xs:simpleType name='a'><xs:union memberTypes='a'/></xs:simpleType>"),
        schema(
            "<xs:simpleType name='a'><xs:restriction base='xs:int'><xs:enumeration value='x'/></xs:restriction></xs:simpleType>",
        ),
    ] {
        assert!(matches!(refused(&text), XsdProblem::Invalid(_)), "{text}");
    }
    assert!(load(&element("9000")).is_ok());
}

const PIECES: [&str; 34] = [
    "<xs:element name='a'>",
    "</xs:element>",
    "<xs:element ref='a'/>",
    "<xs:element name='b' type='t' maxOccurs='2'/>",
    "<xs:complexType>",
    "<xs:complexType name='t'>",
    "</xs:complexType>",
    "<xs:simpleType>",
    "<xs:simpleType name='t'>",
    "</xs:simpleType>",
    "<xs:sequence>",
    "</xs:sequence>",
    "<xs:choice maxOccurs='unbounded'>",
    "</xs:choice>",
    "<xs:all>",
    "</xs:all>",
    "<xs:restriction base='t'>",
    "<xs:restriction base='xs:int'>",
    "</xs:restriction>",
    "<xs:extension base='t'>",
    "</xs:extension>",
    "<xs:complexContent>",
    "</xs:complexContent>",
    "<xs:simpleContent>",
    "</xs:simpleContent>",
    "<xs:pattern value='[a-z]'/>",
    "<xs:minInclusive value='1'/>",
    "<xs:attribute name='x' type='t'/>",
    "<xs:any/>",
    "<xs:anyAttribute/>",
    "<xs:list itemType='t'/>",
    "<xs:union memberTypes='t xs:int'/>",
    "<xs:key name='k'><xs:selector xpath='a'/><xs:field xpath='@x'/></xs:key>",
    "<xs:group ref='t'/>",
];

proptest! {
    #[test]
    fn no_schema_and_no_document_make_it_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14),
        document in "(<a( x='1')?>|</a>|<b>|</b>|1| ){0,10}",
    ) {
        if let Ok(xsd) = load(&schema(&pieces.concat())) {
            let _ = xsd.check(&document);
            let _ = xsd.list_paths(&Names::default());
        }
    }
}
