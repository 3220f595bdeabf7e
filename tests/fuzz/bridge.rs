//! A service between two worlds, for mutated input: JSON, XML and SOAP to callers, SOAP 1.1 behind it, with maps, code
//! maps, schemas of both kinds and a template.

use lgsp_contract::SourceFile;

/// The files of the contract.
pub(crate) fn files() -> Vec<SourceFile> {
    let files = [
        ("contract.toml", CONTRACT),
        ("schema/request.json", REQUEST),
        ("schema/response.json", RESPONSE),
        ("schema/upstream.xsd", UPSTREAM),
        ("map/request.map", MAP_REQUEST),
        ("map/response.map", MAP_RESPONSE),
        ("map/fault.map", "status <- 409\nreason <- /reason\ncode <- /code\n"),
        ("map/audit.map", "so <- digest(required(/so), \"person\")\n"),
        ("codes/gender.csv", "from,to\nnam,1\nnu,2\n*,0\n"),
        ("template/text.txt", "{{ body.so }};{% for row in body.hang %}{{ row.ten }},{% endfor %}"),
    ];
    let file = |(path, text): (&str, &str)| SourceFile { path: format!("bridge/{path}"), text: text.to_owned() };
    files.map(file).into()
}

/// Requests that it takes: the media type and the text.
pub(crate) const REQUESTS: [(&str, &str); 4] = [
    (
        "application/json",
        r#"{"so":"079199887766","ten":"Nguyễn & <Thử>","gioi":"nu","hang":[{"ten":"a","gia":1.50},{"ten":"b"}]}"#,
    ),
    (
        "application/xml",
        "<?xml version=\"1.0\"?><Hoi xmlns=\"urn:bridge\"><so>079199887766</so><ten>T</ten><gioi>nam</gioi>\
         <hang><ten>a</ten><gia>2</gia></hang></Hoi>",
    ),
    (
        "text/xml; charset=utf-8",
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><h xmlns=\"urn:h\">1</h></s:Header><s:Body>\
         <b:Hoi xmlns:b=\"urn:bridge\"><b:so>079199887766</b:so><b:ten><![CDATA[T]]></b:ten></b:Hoi></s:Body></s:Envelope>",
    ),
    (
        "application/soap+xml",
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><Hoi xmlns=\"urn:bridge\"><so>1</so><ten/>\
         </Hoi></s:Body></s:Envelope>",
    ),
];

/// Answers of its upstream.
pub(crate) const ANSWERS: [&str; 3] = [
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><Dap xmlns=\"urn:upstream\"><Nguoi so=\"1\">\
     <Ten>079199887766</Ten><Gioi>2</Gioi></Nguoi><Nguoi><Ten>x</Ten></Nguoi></Dap></s:Body></s:Envelope>",
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>s:Client</faultcode>\
     <faultstring>Không 079199887766</faultstring><detail><e xmlns=\"urn:e\">1</e></detail></s:Fault></s:Body></s:Envelope>",
    "<html><body>Bad gateway</body></html>",
];

const CONTRACT: &str = r#"
id = "bridge"
version = "1"
valid_from = 2025-01-01
title = { vi = "Cầu", en = "Bridge" }
description = { vi = "Cầu", en = "Bridge" }
owner = "tests"
mode = "proxy"
[expose]
path = "/services/bridge"
format = ["json", "xml", "soap"]
[expose.limits]
rate = "1000000/s"
burst = 1000000
body = "256KiB"
[upstream]
servers = ["http://127.0.0.1:9"]
format = "soap11"
[names]
"" = "urn:bridge"
up = "urn:upstream"
[codes.gender]
file = "codes/gender.csv"
[[operation]]
name = "ask"
path = "/ask"
element = "Hoi"
response_element = "Tra"
request = "schema/request.json"
response = "schema/response.json"
upstream_request = "schema/upstream.xsd"
upstream_element = "up:Tim"
upstream_response = "schema/upstream.xsd"
upstream_response_element = "up:Dap"
map_request = "map/request.map"
map_response = "map/response.map"
map_fault = "map/fault.map"
audit = "map/audit.map"
upstream_path = "/tim"
lists = ["hang", "up:Nguoi"]
[[operation]]
name = "print"
path = "/print"
element = "Hoi"
request = "schema/request.json"
template = "template/text.txt"
template_type = "text/plain"
upstream_path = "/in"
lists = ["hang"]
"#;

const REQUEST: &str = r#"{"type": "object", "required": ["so", "ten"], "properties": {
    "so": {"type": "string", "maxLength": 12}, "ten": {"type": "string"}, "gioi": {"type": "string"},
    "hang": {"type": "array", "maxItems": 50, "items": {"type": "object", "properties": {
        "ten": {"type": "string"}, "gia": {"type": "number"}}}}}}"#;

const RESPONSE: &str = r#"{"type": "object", "required": ["nguoi"], "properties": {
    "nguoi": {"type": "array", "items": {"type": "object", "properties": {
        "ten": {"type": "string"}, "gioi": {"type": "string"}, "so": {"type": "integer"}}}}}}"#;

const UPSTREAM: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:u="urn:upstream"
    targetNamespace="urn:upstream" elementFormDefault="qualified">
  <xs:element name="Tim"><xs:complexType><xs:sequence>
    <xs:element name="Ma" type="xs:string"/>
    <xs:element name="So" type="xs:string"/>
    <xs:element name="Ten" type="xs:string" minOccurs="0"/>
    <xs:element name="Gioi" type="xs:string" minOccurs="0"/>
    <xs:element name="Hang" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="Ten" type="xs:string" minOccurs="0"/><xs:element name="Gia" type="xs:decimal" minOccurs="0"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="Dap"><xs:complexType><xs:sequence>
    <xs:element name="Nguoi" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="Ten" type="xs:string"/><xs:element name="Gioi" type="xs:string" minOccurs="0"/>
    </xs:sequence><xs:attribute name="so" type="xs:string"/></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"#;

const MAP_REQUEST: &str = "up:Ma <- default($trace, \"khong\")\nup:So <- /so\nup:Ten <- upper(unaccent(/ten))\n\
    up:Gioi <- code(/gioi, \"gender\") when present(/gioi)\nup:Hang[] <- each /hang {\n  up:Ten <- ./ten\n  up:Gia <- ./gia\n}\n";

const MAP_RESPONSE: &str = "nguoi[] <- each /up:Nguoi {\n  ten <- ./up:Ten\n  gioi <- ./up:Gioi\n  so <- number(./@so) when present(./@so)\n}\n";
