//! A service whose upstream speaks JSON and whose callers may speak SOAP: fees of procedures, made up for the tests.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CONTRACT: &str = r#"
id = "fees"
version = "1"
valid_from = 2025-01-01
title = { vi = "Lệ phí", en = "Fees" }
description = { vi = "Lệ phí thủ tục", en = "Fees of procedures" }
owner = "tests"
mode = "proxy"
[expose]
path = "/services/fees"
format = ["soap", "json"]
authentication = ["basic"]
[upstream]
servers = ["{fees}"]
format = "json"
[names]
"" = "urn:lgsp:tests:fees"
[[operation]]
name = "Quote"
title = { vi = "Tính lệ phí & thời hạn", en = "Quote" }
path = "/quote"
request = "schema/quote.json"
response = "schema/quoted.json"
lists = ["line"]
[[operation]]
name = "cancel-order"
path = "/cancel"
element = "CancelRequest"
response_element = "CancelAnswer"
request = "schema/cancel.xsd"
response = "schema/cancel.xsd"
[[operation]]
name = "Ping"
path = "/ping"
"#;

const QUOTE: &str = r##"{"type": "object", "additionalProperties": false, "required": ["code", "copies"], "properties": {
    "code": {"type": "string", "minLength": 1, "maxLength": 20},
    "copies": {"type": "integer", "minimum": 1, "maximum": 5},
    "urgent": {"type": "boolean"},
    "weight": {"type": "number"},
    "note": {"type": ["string", "null"]},
    "person": {"$ref": "#/$defs/person"},
    "paper": {"type": "array", "items": {"type": "string", "enum": ["original", "copy"]}}},
    "$defs": {"person": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "born": {"type": "integer"}}}}}"##;

const QUOTED: &str = r#"{"type": "object", "required": ["total", "line"], "properties": {
    "code": {"type": "string"},
    "total": {"type": "integer"},
    "paid": {"type": "boolean"},
    "note": {"type": ["string", "null"]},
    "line": {"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "amount": {"type": "integer"}}}}}}"#;

const CANCEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:f="urn:lgsp:tests:fees" targetNamespace="urn:lgsp:tests:fees"
    elementFormDefault="qualified">
  <xs:include schemaLocation="common.xsd"/>
  <xs:element name="CancelRequest">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="order" type="f:Number" maxOccurs="unbounded"/>
        <xs:element name="reason" type="xs:string" minOccurs="0"/>
      </xs:sequence>
      <xs:attribute name="by" type="xs:string"/>
    </xs:complexType>
  </xs:element>
  <xs:element name="CancelAnswer">
    <xs:complexType><xs:sequence><xs:element name="done" type="f:Number" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  </xs:element>
</xs:schema>"#;

const COMMON: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:lgsp:tests:fees"
    elementFormDefault="qualified">
  <xs:simpleType name="Number"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{4}"/></xs:restriction></xs:simpleType>
</xs:schema>"#;

/// The files of the contract, with its upstream at `address`.
pub(crate) fn contract(address: SocketAddr) -> Vec<(String, String)> {
    let files = [
        ("contract.toml", CONTRACT),
        ("schema/quote.json", QUOTE),
        ("schema/quoted.json", QUOTED),
        ("schema/cancel.xsd", CANCEL),
        ("schema/common.xsd", COMMON),
    ];
    let upstream = format!("http://{address}");
    files.map(|(path, text)| (format!("fees/{path}"), text.replace("{fees}", &upstream))).into()
}

/// The upstream: it knows no XML.
pub(crate) async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(socket), service_fn(answer)));
        }
    });
    address
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let asked: Value = serde_json::from_slice(&body).expect("the gateway sends JSON");
    let (status, answer) = match path.as_str() {
        "/quote" => quote(&asked),
        "/cancel" => (200, json!({"done": asked["order"]})),
        _ => (200, json!({"said": asked})),
    };
    let made = Response::builder().status(status).header("content-type", "application/json");
    Ok(made.body(Full::from(answer.to_string())).unwrap())
}

fn quote(asked: &Value) -> (u16, Value) {
    // What comes from XML has to be typed by the schema on its way here.
    let copies = asked["copies"].as_f64().expect("copies are a number") as u64;
    let typed = |name: &str, is: fn(&Value) -> bool| asked.get(name).is_none_or(is);
    assert!(typed("urgent", Value::is_boolean) && typed("weight", Value::is_number), "{asked}");
    let born = |person: &Value| person.get("born").is_none_or(Value::is_number);
    assert!(typed("paper", Value::is_array) && typed("person", born), "{asked}");
    match asked["code"].as_str().expect("a text") {
        "MISSING" => (404, json!({"error": "no such procedure", "code": "P-404"})),
        "BROKEN" => (200, json!({"total": "many", "line": []})),
        code => {
            let line = |n: u64| json!({"name": format!("Bản sao <{n}> & dấu"), "amount": 1000 * n});
            let lines: Vec<Value> = (1..=copies).map(line).collect();
            let paid = asked.get("urgent").cloned().unwrap_or(json!(false));
            let note = asked.get("note").cloned().unwrap_or_default();
            (200, json!({"code": code, "total": 1000 * copies, "paid": paid, "note": note, "line": lines}))
        }
    }
}
