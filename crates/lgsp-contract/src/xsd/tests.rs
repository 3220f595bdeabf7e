//! What schemas promise: findings with paths and rules and no values, lists, and what is refused when they are loaded.
//! `tests/xsd.rs` of the workspace compares verdicts with those of libxml2.

use super::*;

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

fn load(main: &str) -> Result<Xsd, XsdError> {
    load_xsd("schema/main.xsd", |path| match path {
        "schema/main.xsd" => Some(main),
        "schema/types.xsd" => Some(TYPES),
        "schema/other.xsd" => Some("<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'/>"),
        _ => None,
    })
    .map_err(|error| error.clone())
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
    assert!(of(&"<x/>".repeat(500)).len() <= MAX_FINDINGS);
    assert_eq!(xsd.check("<other/>").unwrap_err()[0].rule, "unknown-root");
}

#[test]
fn what_is_no_document_is_a_finding_too() {
    let xsd = load(PERSON).ok().unwrap();
    for (document, rule) in [
        ("", "not-well-formed"),
        ("<a>", "not-well-formed"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "doctype"),
        (&"<a>".repeat(100_000), "not-well-formed"),
        (&" ".repeat(MAX_DOCUMENT_BYTES + 1), "too-large"),
    ] {
        assert_eq!(xsd.check(document).unwrap_err()[0].rule, rule);
    }
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
        ("<xs:import namespace='urn:x' schemaLocation='types.xsd'/>", "import"),
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
    for text in ["", "<a/>", "<!DOCTYPE a><a/>", "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"] {
        assert_eq!(refused(text), XsdProblem::Syntax, "{text}");
    }
    assert!(load(&schema("<xs:include schemaLocation='other.xsd'/><xs:include schemaLocation='main.xsd'/>")).is_ok());
}
