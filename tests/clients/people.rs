//! A service whose upstream is the sandbox's population database: SOAP 1.1 with questions and answers in two namespaces.

use lgsp_sandbox::{LgspKey, PopulationSettings};

/// The files of the contract.
pub(crate) fn contract() -> Vec<(String, String)> {
    let officer = PopulationSettings::default().officers[0].auth_hash();
    let key = LgspKey::default().header();
    let manifest = format!(
        r#"
id = "people"
version = "1"
valid_from = 2025-01-01
title = {{ vi = "Tra cứu", en = "Lookup" }}
description = {{ vi = "Tra cứu", en = "Lookup" }}
owner = "tests"
mode = "proxy"
[expose]
path = "/services/people"
format = ["soap", "json"]
authentication = ["basic"]
[upstream]
servers = ["{{sandbox}}/population/soap"]
format = "soap11"
[upstream.credentials]
kind = "oauth2"
token_url = "{{sandbox}}/population/token"
client_id = "lgsp"
client_secret = "lgsp-sandbox"
[upstream.headers]
AuthHash = "{officer}"
lgspaccesstoken = "{key}"
[names]
"" = "http://dancuquocgia.bca"
dc = "http://www.mic.gov.vn/dancu/1.0"
[[operation]]
name = "TraCuuThongTinCongDan"
path = "/lookup"
request = "schema/question.json"
response_element = "dc:CongdanCollection"
response = "schema/people.xsd"
upstream_path = ""
upstream_response_element = "dc:CongdanCollection"
"#
    );
    [("contract.toml", manifest.as_str()), ("schema/question.json", QUESTION), ("schema/people.xsd", PEOPLE)]
        .map(|(path, text)| (format!("people/{path}"), text.to_owned()))
        .into()
}

const QUESTION: &str = r#"{"type": "object", "required": ["MaYeuCau", "MaDVC", "MaTichHop", "MaCanBo", "HoVaTen"],
    "properties": {
        "MaYeuCau": {"type": "string"}, "MaDVC": {"type": "string"}, "MaTichHop": {"type": "string"},
        "MaCanBo": {"type": "string"}, "SoDinhDanh": {"type": "string"}, "HoVaTen": {"type": "string"},
        "NgayThangNamSinh": {"type": "object", "properties": {
            "NgayThangNam": {"type": "string"}, "Nam": {"type": "string"}}}}}"#;

const PEOPLE: &str = r###"<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:dc="http://www.mic.gov.vn/dancu/1.0"
    targetNamespace="http://www.mic.gov.vn/dancu/1.0" elementFormDefault="qualified">
  <xs:element name="CongdanCollection">
    <xs:complexType>
      <xs:sequence><xs:element name="CongDan" type="dc:CongDan" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
    </xs:complexType>
  </xs:element>
  <xs:complexType name="CongDan">
    <xs:sequence>
      <xs:element name="SoDinhDanh" type="xs:string"/>
      <xs:element name="SoCMND" type="xs:string" minOccurs="0"/>
      <xs:element name="HoVaTen">
        <xs:complexType>
          <xs:sequence>
            <xs:element name="Ho" type="xs:string"/>
            <xs:element name="ChuDem" type="xs:string"/>
            <xs:element name="Ten" type="xs:string"/>
          </xs:sequence>
        </xs:complexType>
      </xs:element>
      <xs:any minOccurs="0" maxOccurs="unbounded" namespace="##targetNamespace" processContents="lax"/>
    </xs:sequence>
  </xs:complexType>
</xs:schema>"###;
