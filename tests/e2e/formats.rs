//! Callers and upstreams that speak different languages: JSON, XML, SOAP 1.1 and 1.2, attachments, odd encodings.

use serde_json::json;

use crate::canned::Canned;
use crate::gateway::{Answer, Setup, World, send};

const CALLER: &str = r#"
[[member]]
id = "caller"
name = "caller"
agencies = ["H56"]
scopes = ["service:post"]
secret = "secret-of-caller"
"#;

const REQUEST: &str = r#"{"type":"object","required":["OrderNumber","Amount"],"additionalProperties":false,"properties":{
  "OrderNumber":{"type":"string","minLength":1,"maxLength":20},"Amount":{"type":"integer","minimum":0},
  "Fragile":{"type":"boolean"},"Item":{"type":"array","items":{"type":"object","properties":{
    "Name":{"type":"string"},"Count":{"type":"integer"}}}}}}"#;

const RESPONSE: &str = r#"{"type":"object","required":["Status"],"properties":{
  "Status":{"type":"integer"},"Note":{"type":["string","null"]},"Track":{"type":"array","items":{"type":"string"}}}}"#;

/// A contract: what callers speak, what the upstream speaks, lines of the operation, further files.
struct Contract<'a> {
    format: &'a str,
    upstream: &'a str,
    expose: &'a str,
    operation: &'a str,
    files: &'a [(&'a str, &'a str)],
}

impl Default for Contract<'_> {
    fn default() -> Self {
        Self { format: "[\"json\", \"soap\", \"xml\"]", upstream: "json", expose: "", operation: "", files: &[] }
    }
}

struct Stage {
    world: World,
    upstream: Canned,
    token: String,
}

impl Stage {
    async fn with(contract: &Contract<'_>) -> Self {
        let upstream = Canned::start().await;
        let text = format!(
            "id = \"post\"\nversion = \"1\"\nvalid_from = 2025-01-01\ntitle = {{ vi = \"Bưu chính\", en = \"Post\" }}\n\
             description = {{ vi = \"Đơn\", en = \"Orders\" }}\nowner = \"tests\"\nmode = \"proxy\"\n\
             [expose]\npath = \"/services/post\"\nformat = {}\n{}\n[upstream]\nservers = [\"{}\"]\nformat = \"{}\"\n\
             [names]\n\"\" = \"urn:post\"\nx = \"urn:extra\"\n\
             [[operation]]\nname = \"Order\"\npath = \"/order\"\nupstream_path = \"/api/order\"\n{}\n",
            contract.format,
            contract.expose,
            upstream.url(),
            contract.upstream,
            contract.operation
        );
        let mut contracts = vec![
            ("post/contract.toml".to_owned(), text),
            ("post/schema/request.json".to_owned(), REQUEST.to_owned()),
            ("post/schema/response.json".to_owned(), RESPONSE.to_owned()),
        ];
        contracts.extend(contract.files.iter().map(|(path, text)| (format!("post/{path}"), (*text).to_owned())));
        let setup = Setup { members: CALLER.to_owned(), contracts, ..Setup::default() };
        let world = World::with(setup).await;
        let token = world.token("caller").await;
        Self { world, upstream, token }
    }

    async fn call(&self, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.world.post_as(media_type, &self.token, "/services/post/order", body).await
    }
}

const BOTH_SCHEMAS: &str = "request = \"schema/request.json\"\nresponse = \"schema/response.json\"";

fn soap(namespace: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{namespace}\"><s:Header/><s:Body><p:Order xmlns:p=\"urn:post\">{body}</p:Order></s:Body></s:Envelope>"
    )
}

const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

const ORDER: &str = "<p:OrderNumber>A&amp;1</p:OrderNumber><p:Amount> 25000 </p:Amount><p:Fragile>true</p:Fragile>\
    <p:Item><p:Name><![CDATA[Hồ sơ <1>]]></p:Name><p:Count>2</p:Count></p:Item>";

#[tokio::test(flavor = "multi_thread")]
async fn soap_and_xml_callers_use_a_json_service() {
    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    stage.upstream.says(200, "application/json", r#"{"Status":100,"Note":null,"Track":["a<b","c"]}"#);
    for (media_type, namespace) in [("text/xml; charset=utf-8", SOAP11), ("application/soap+xml", SOAP12)] {
        let answer = stage.call(media_type, soap(namespace, ORDER)).await.expect(200);
        let sent: serde_json::Value = serde_json::from_slice(&stage.upstream.last().body).unwrap();
        let item = json!([{"Name": "Hồ sơ <1>", "Count": 2}]);
        assert_eq!(sent, json!({"OrderNumber": "A&1", "Amount": 25000, "Fragile": true, "Item": item}));
        assert_eq!(stage.upstream.last().header("content-type"), "application/json");
        let text = answer.text();
        assert!(text.contains(namespace), "answered in the caller's version: {text}");
        assert!(text.contains("<OrderResponse xmlns=\"urn:post\"><Status>100</Status><Track>a&lt;b</Track><Track>c</Track></OrderResponse>"), "{text}");
        assert!(answer.header("content-type").starts_with(media_type.split(';').next().unwrap()));
    }
    let plain = format!("<p:Order xmlns:p=\"urn:post\">{ORDER}</p:Order>");
    let answer = stage.call("application/xml", plain).await.expect(200);
    assert!(answer.text().contains("<OrderResponse xmlns=\"urn:post\">"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_caller_uses_soap_services_of_both_versions() {
    for (form, namespace, media_type) in [("soap11", SOAP11, "text/xml"), ("soap12", SOAP12, "application/soap+xml")] {
        let operation = format!("{BOTH_SCHEMAS}\nsoap_action = \"urn:do-order\"");
        let stage = Stage::with(&Contract { upstream: form, operation: &operation, ..Contract::default() }).await;
        let reply = format!(
            "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"{namespace}\"><e:Body><r:Result xmlns:r=\"urn:post\" \
             xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><r:Status>7</r:Status><r:Note i:nil=\"true\"/>\
             <r:Track>one</r:Track></r:Result></e:Body></e:Envelope>"
        );
        stage.upstream.says(200, media_type, reply);
        let answer = stage.call("application/json", r#"{"OrderNumber":"A&1","Amount":5}"#).await.expect(200);
        assert_eq!(answer.json(), json!({"Status": 7, "Note": null, "Track": ["one"]}));
        let asked = stage.upstream.last();
        assert!(
            asked
                .text()
                .contains("<Order xmlns=\"urn:post\"><OrderNumber>A&amp;1</OrderNumber><Amount>5</Amount></Order>"),
            "{}",
            asked.text()
        );
        assert!(asked.header("content-type").starts_with(media_type));
        match form {
            "soap11" => assert_eq!(asked.header("soapaction"), "\"urn:do-order\""),
            _ => assert!(asked.header("content-type").contains("action=\"urn:do-order\"")),
        }
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/api/order"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_become_problems_and_errors_of_json_become_faults() {
    let map = "status <- 403 when /code == \"Client\"\nreason <- concat(\"partner: \", /reason)\n";
    let operation = format!("{BOTH_SCHEMAS}\nmap_fault = \"map/fault.map\"");
    let contract =
        Contract { upstream: "soap11", operation: &operation, files: &[("map/fault.map", map)], ..Contract::default() };
    let stage = Stage::with(&contract).await;
    let fault = format!(
        "<e:Envelope xmlns:e=\"{SOAP11}\"><e:Body><e:Fault><faultcode>e:Client</faultcode><faultstring>no such officer</faultstring>\
         <detail><x>1</x></detail></e:Fault></e:Body></e:Envelope>"
    );
    stage.upstream.says(500, "text/xml", fault);
    let answer = stage.call("application/json", r#"{"OrderNumber":"1","Amount":5}"#).await.expect(403);
    let problem = answer.json();
    assert_eq!((&problem["code"], &problem["fault"]["reason"]), (&json!("GW1705"), &json!("partner: no such officer")));
    let answer = stage.call("text/xml", soap(SOAP11, ORDER)).await.expect(403);
    assert!(
        answer.text().contains("<faultcode>soap:Client</faultcode>") && answer.text().contains("GW1705"),
        "{}",
        answer.text()
    );

    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    stage.upstream.says(409, "application/json", r#"{"error":"known already"}"#);
    let answer = stage.call("application/soap+xml", soap(SOAP12, ORDER)).await;
    assert!(
        answer.status == 502 && answer.text().contains("soap:Fault") && answer.text().contains("known already"),
        "{}",
        answer.text()
    );
    // Whoever speaks the upstream's language gets its own words.
    let answer = stage.call("application/json", r#"{"OrderNumber":"1","Amount":5}"#).await.expect(409);
    assert_eq!(answer.json(), json!({"error": "known already"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_contract_is_refused_in_the_callers_language_and_never_sent() {
    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    let problem =
        stage.call("application/json", r#"{"OrderNumber":"","Amount":-1}"#).await.expect_problem(422, "GW1501");
    let rules: Vec<_> = problem.json()["errors"].as_array().unwrap().iter().map(|e| e["rule"].clone()).collect();
    assert_eq!(rules.len(), 2, "{rules:?}");
    let fault = stage.call("text/xml", soap(SOAP11, "<p:OrderNumber>1</p:OrderNumber><p:Amount>many</p:Amount>")).await;
    assert!(fault.status == 500 && fault.text().contains("<faultcode>soap:Client</faultcode>"), "{}", fault.text());
    assert!(fault.text().contains("/Amount") && !fault.text().contains("many"), "{}", fault.text());
    stage
        .call("application/json", "{\"OrderNumber\":\"1\",\"OrderNumber\":\"2\",\"Amount\":1}")
        .await
        .expect_problem(400, "GW1002");
    stage.call("text/plain", "x").await.expect_problem(415, "GW1004");
    for hostile in [
        "<!DOCTYPE x [<!ENTITY a \"b\">]><p:Order xmlns:p=\"urn:post\">&a;</p:Order>",
        "<p:Order xmlns:p=\"urn:post\"><p:Amount>1</p:Order>",
        "<Order>1",
        "<p:Order/>",
    ] {
        let answer = stage.call("application/xml", hostile).await;
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+xml"), "{hostile}");
        assert!(answer.text().contains("GW1009"), "{}", answer.text());
    }
    assert_eq!(stage.upstream.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn envelopes_that_nobody_here_understands_get_the_faults_that_soap_has_for_them() {
    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    let demanding = soap(SOAP11, ORDER)
        .replace("<s:Header/>", "<s:Header><t:Tx xmlns:t=\"urn:t\" s:mustUnderstand=\"1\"/></s:Header>");
    let fault = stage.call("text/xml", demanding.clone()).await.expect(500);
    assert!(fault.text().contains("<faultcode>soap:MustUnderstand</faultcode>"), "{}", fault.text());
    let fault = stage.call("text/xml", soap("urn:soap-1.3", ORDER)).await.expect(500);
    assert!(fault.text().contains("<faultcode>soap:VersionMismatch</faultcode>"), "{}", fault.text());
    assert_eq!(stage.upstream.count(), 0);
    // Where the envelope goes on, its headers are for whoever gets it.
    let stage = Stage::with(&Contract { upstream: "soap11", operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    stage.call("text/xml", demanding).await;
    assert!(stage.upstream.last().text().contains("mustUnderstand"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_its_contract_is_kept_back_unless_it_is_only_observed() {
    let order = r#"{"OrderNumber":"1","Amount":5}"#;
    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    stage.upstream.says(200, "application/json", r#"{"Status":"s3cret"}"#);
    let problem = stage.call("application/json", order).await.expect_problem(502, "GW1704");
    assert_eq!(problem.json()["errors"][0]["path"], "/Status");
    assert!(!problem.text().contains("s3cret"));
    for (media_type, body) in [("text/html", "<html>"), ("application/json", "{"), ("application/json", "")] {
        stage.upstream.says(200, media_type, body);
        stage.call("application/json", order).await.expect_problem(502, "GW1704");
    }

    let expose = "[expose.check]\nresponse = \"observe\"";
    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, expose, ..Contract::default() }).await;
    stage.upstream.says(200, "application/json", r#"{"Status":"x"}"#);
    stage.call("application/json", order).await.expect(200);
    let counted = "lgsp_contract_observed_total{operation=\"Order\",service=\"post\",side=\"response\"} 1";
    assert!(stage.world.metrics().await.contains(counted));
}

const XSD: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:post" xmlns="urn:post" elementFormDefault="qualified">
  <xs:element name="Order"><xs:complexType><xs:sequence>
    <xs:element name="OrderNumber"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[A-Z][0-9]+"/></xs:restriction></xs:simpleType></xs:element>
    <xs:element name="Amount" type="xs:nonNegativeInteger"/>
    <xs:element name="Item" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element></xs:schema>"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_xsd_checks_messages_and_says_which_elements_are_lists() {
    let operation = "request = \"schema/order.xsd\"";
    let files = [("schema/order.xsd", XSD)];
    let stage =
        Stage::with(&Contract { format: "[\"soap\", \"xml\"]", operation, files: &files, ..Contract::default() }).await;
    let good = "<p:OrderNumber>A1</p:OrderNumber><p:Amount>5</p:Amount><p:Item>one</p:Item>";
    stage.call("text/xml", soap(SOAP11, good)).await.expect(200);
    assert_eq!(stage.upstream.last().text(), r#"{"OrderNumber":"A1","Amount":"5","Item":["one"]}"#);
    let bad = "<p:Amount>5</p:Amount><p:OrderNumber>A1</p:OrderNumber>";
    let fault = stage.call("text/xml", soap(SOAP11, bad)).await.expect(500);
    assert!(fault.text().contains("GW1501"), "{}", fault.text());
    let bad = "<p:OrderNumber>wrong</p:OrderNumber><p:Amount>5</p:Amount>";
    let answer =
        stage.call("application/xml", format!("<p:Order xmlns:p=\"urn:post\">{bad}</p:Order>")).await.expect(422);
    assert!(answer.text().contains("OrderNumber") && !answer.text().contains("wrong"), "{}", answer.text());
    assert_eq!(stage.upstream.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_pass_byte_for_byte_also_when_the_envelope_is_mapped() {
    let attachment: Vec<u8> = (0..=255).chain(*b"\r\n--not-the-boundary\r\n").collect();
    let package = |envelope: &str| {
        let mut body = format!(
            "--MIME\r\nContent-Type: application/xop+xml; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n{envelope}\r\n--MIME\r\n\
             Content-Type: application/octet-stream\r\nContent-ID: <file>\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&attachment);
        body.extend_from_slice(b"\r\n--MIME--\r\n");
        body
    };
    let media_type =
        "multipart/related; type=\"application/xop+xml\"; start=\"<root>\"; start-info=\"text/xml\"; boundary=MIME";
    let envelope = soap(SOAP11, "<p:OrderNumber>A1</p:OrderNumber><p:Amount>5</p:Amount>");
    let (format, upstream) = ("\"soap\"", "soap11");
    let stage = Stage::with(&Contract { format, upstream, operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    stage.upstream.says(200, "text/xml", format!("<e:Envelope xmlns:e=\"{SOAP11}\"><e:Body/></e:Envelope>"));
    stage.call(media_type, package(&envelope)).await;
    let asked = stage.upstream.last();
    assert_eq!((asked.header("content-type"), &asked.body[..]), (media_type, &package(&envelope)[..]));

    let operation = format!("{BOTH_SCHEMAS}\nmap_request = \"map/request.map\"");
    let files = [("map/request.map", "OrderNumber <- lower(/OrderNumber)\n")];
    let contract = Contract { format, upstream, operation: &operation, files: &files, ..Contract::default() };
    let stage = Stage::with(&contract).await;
    stage.call(media_type, package(&envelope)).await;
    let asked = stage.upstream.last();
    let at = asked.body.windows(attachment.len()).position(|window| window == attachment);
    assert!(at.is_some(), "the attachment is there as it was");
    let text = String::from_utf8_lossy(&asked.body);
    assert!(text.contains("<OrderNumber>a1</OrderNumber>") && !text.contains("A1"), "{text}");
    assert_eq!(asked.header("content-type"), media_type);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_bit_texts_are_read_and_legacy_encodings_refused_with_what_to_do() {
    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, ..Contract::default() }).await;
    stage.upstream.says(200, "application/json", r#"{"Status":1}"#);
    let document = format!(
        "<p:Order xmlns:p=\"urn:post\">{}</p:Order>",
        "<p:OrderNumber>Đơn</p:OrderNumber><p:Amount>1</p:Amount>"
    );
    for big_endian in [true, false] {
        let units = std::iter::once(0xfeff).chain(document.encode_utf16());
        let bytes: Vec<u8> =
            units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
        stage.call("application/xml", bytes).await.expect(200);
        assert!(stage.upstream.last().text().contains("Đơn"));
    }
    let legacy = format!("<?xml version=\"1.0\" encoding=\"windows-1258\"?>{document}");
    let answer = stage.call("application/xml", legacy).await.expect(400);
    assert!(answer.text().contains("UTF-8"), "{}", answer.text());
    let answer = stage.call("application/xml; charset=iso-8859-1", document).await.expect(400);
    assert!(answer.text().contains("UTF-8"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_writes_what_no_format_of_ours_is() {
    let operation = "request = \"schema/request.json\"\ntemplate = \"map/order.txt\"\ntemplate_type = \"text/plain; charset=utf-8\"\nmap_response = \"map/response.map\"";
    let files = [
        (
            "map/order.txt",
            "ORDER|{{ body.OrderNumber }}|{{ body.Amount }}\n{% for item in body.Item %}ITEM|{{ item.Name }}\n{% endfor %}",
        ),
        ("map/response.map", "ok <- true when /Status == 1\n"),
    ];
    let stage = Stage::with(&Contract { format: "\"json\"", operation, files: &files, ..Contract::default() }).await;
    stage.upstream.says(200, "application/json", r#"{"Status":1}"#);
    let order = r#"{"OrderNumber":"A1","Amount":5,"Item":[{"Name":"x"},{"Name":"y"}]}"#;
    let answer = stage.call("application/json", order).await.expect(200);
    assert_eq!(answer.json(), json!({"ok": true}));
    let asked = stage.upstream.last();
    assert_eq!(
        (asked.header("content-type"), asked.text()),
        ("text/plain; charset=utf-8", "ORDER|A1|5\nITEM|x\nITEM|y\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_its_bound_is_refused_and_so_is_an_answer() {
    let expose = "[expose.limits]\nbody = \"1KiB\"\nanswer = \"1KiB\"";
    let stage = Stage::with(&Contract { operation: BOTH_SCHEMAS, expose, ..Contract::default() }).await;
    let long = format!("{{\"OrderNumber\":\"{}\",\"Amount\":1}}", "x".repeat(2000));
    stage.call("application/json", long).await.expect_problem(413, "GW1003");
    stage.upstream.says(200, "application/json", format!("{{\"Status\":1,\"Note\":\"{}\"}}", "x".repeat(2000)));
    let problem =
        stage.call("application/json", r#"{"OrderNumber":"1","Amount":5}"#).await.expect_problem(502, "GW1704");
    assert!(problem.json()["detail"].as_str().unwrap().contains("1024"));
    let stranger = send(
        stage.world.http.post(stage.world.url("/services/post/order")).header("content-type", "text/xml").body("<x/>"),
    );
    let answer = stranger.await.expect(401);
    assert!(answer.text().contains("soap:Fault") && answer.text().contains("GW1101"), "{}", answer.text());
}
