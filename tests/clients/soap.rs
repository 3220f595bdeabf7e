//! What a vendor's SOAP client makes of a WSDL and of the answers: results as results, faults as faults.

use std::net::TcpListener;
use std::process::Command;

use lgsp_sandbox::Fault;
use serde_json::{Value, json};

use crate::gateway::{Setup, World, secret_of, send};
use crate::tool::Tool;
use crate::{fees, people};

const MEMBER: &str = r#"
[[member]]
id = "vendor"
name = "vendor"
agencies = ["H56"]
scopes = ["service:fees", "service:people"]
secret = "secret-of-vendor"
"#;

const CLIENTS: [Tool; 2] = [Tool::Zeep, Tool::NodeSoap];

/// A gateway that knows its own address, as the WSDL tells it to clients.
async fn world() -> World {
    // Nobody else asks for a port that the system gave away a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let contracts = [fees::contract(fees::upstream().await), people::contract()].concat();
    let issuer = format!("http://127.0.0.1:{port}");
    World::with(Setup { port, issuer, members: MEMBER.to_owned(), contracts, ..Setup::default() }).await
}

/// Has a client make calls; `None` when it was left out.
async fn calls(tool: Tool, world: &World, service: &str, calls: Vec<Value>) -> Option<Value> {
    let wsdl = world.url(&format!("/services/{service}?wsdl"));
    tool.run(json!({"wsdl": wsdl, "user": "vendor", "password": secret_of("vendor"), "calls": calls})).await
}

/// The arguments are a text: their order counts.
fn call(port: &str, operation: &str, arguments: &str) -> Value {
    json!({"port": port, "operation": operation, "arguments": arguments})
}

/// A value as its text: clients differ in how they take numbers of XML.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The list of an element that may stand there several times.
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(all) => all.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_clients_use_a_json_service_by_its_wsdl() {
    let world = world().await;
    let question = r#"{"code": "2.001", "copies": 2, "urgent": true, "weight": 0.5, "note": "Nguyễn & <con>",
                       "person": {"name": "Thử", "born": 1990}, "paper": ["copy", "original"]}"#;
    let mut asked = Vec::new();
    for version in ["Soap11", "Soap12"] {
        asked.push(call(&format!("fees_Quote{version}Port"), "Quote", question));
        asked.push(call(&format!("fees_Quote{version}Port"), "Quote", r#"{"code": "x", "copies": 1}"#));
        let order = r#"{"order": ["0001", "0002"], "reason": "thôi"}"#;
        asked.push(call(&format!("fees_cancel-order{version}Port"), "cancel-order", order));
    }
    for client in CLIENTS {
        let Some(said) = calls(client, &world, "fees", asked.clone()).await else { continue };
        let ports: Vec<String> = list(&said["ports"]).iter().map(text).collect();
        for port in ["fees_QuoteSoap11Port", "fees_cancel-orderSoap12Port", "fees_PingSoap11Port"] {
            assert!(ports.iter().any(|known| known == port), "{client:?}: {said}");
        }
        let results = said["results"].as_array().unwrap();
        for version in results.chunks(3) {
            let (first, second, cancelled) = (&version[0]["value"], &version[1]["value"], &version[2]["value"]);
            assert_eq!(
                (text(&first["code"]), text(&first["total"])),
                ("2.001".into(), "2000".into()),
                "{client:?} {said}"
            );
            assert_eq!((text(&first["paid"]), text(&first["note"])), ("true".into(), "Nguyễn & <con>".into()));
            let lines = list(&first["line"]);
            assert_eq!(lines.len(), 2, "{client:?} {said}");
            assert_eq!(
                (text(&lines[1]["name"]), text(&lines[1]["amount"])),
                ("Bản sao <2> & dấu".into(), "2000".into())
            );
            assert_eq!(list(&second["line"]).len(), 1, "{client:?} {said}");
            let done = cancelled.get("done").unwrap_or(cancelled);
            assert_eq!(list(done).iter().map(text).collect::<Vec<_>>(), ["0001", "0002"], "{client:?} {said}");
        }
        assert_eq!(results.len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_clients_see_faults_as_faults() {
    let world = world().await;
    let mut asked = Vec::new();
    for version in ["Soap11", "Soap12"] {
        let port = format!("fees_Quote{version}Port");
        asked.push(call(&port, "Quote", r#"{"code": "MISSING", "copies": 1}"#));
        asked.push(call(&port, "Quote", r#"{"code": "BROKEN", "copies": 1}"#));
        asked.push(call(&port, "Quote", r#"{"code": "x", "copies": 9}"#));
        asked.push(call(&format!("fees_cancel-order{version}Port"), "cancel-order", r#"{"order": ["not a number"]}"#));
    }
    for client in CLIENTS {
        let Some(said) = calls(client, &world, "fees", asked.clone()).await else { continue };
        let results = said["results"].as_array().unwrap();
        assert_eq!(results.len(), 8);
        for (number, version) in results.chunks(4).enumerate() {
            for (result, (senders, code)) in
                version.iter().zip([(false, "GW1705"), (false, "GW1704"), (true, "GW1501"), (true, "GW1501")])
            {
                let fault = &result["fault"];
                let side = match (number, senders) {
                    (0, true) => "Client",
                    (0, false) => "Server",
                    (_, true) => "Sender",
                    (_, false) => "Receiver",
                };
                assert!(text(&fault["code"]).ends_with(side), "{client:?} {code}: {result}");
                assert!(!text(&fault["message"]).is_empty(), "{client:?}: {result}");
                let problem = &fault["detail"]["problem"];
                assert_eq!(text(&problem["code"]), code, "{client:?}: {result}");
                assert_eq!(text(&problem["trace_id"]).len(), 32, "{client:?}: {result}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_clients_use_a_soap_service_in_both_versions() {
    let world = world().await;
    let question = |name: &str| {
        format!(
            r#"{{"MaYeuCau": "1", "MaDVC": "x", "MaTichHop": "037", "MaCanBo": "1", "HoVaTen": "{name}",
                "NgayThangNamSinh": {{"NgayThangNam": "19900220"}}}}"#
        )
    };
    let mut asked = Vec::new();
    for port in ["peopleSoap11Port", "peopleSoap12Port"] {
        asked.push(call(port, "TraCuuThongTinCongDan", &question("TRAN THI MAU")));
        asked.push(call(port, "TraCuuThongTinCongDan", &question("Trần Thị Mẫu")));
    }
    for client in CLIENTS {
        let Some(said) = calls(client, &world, "people", asked.clone()).await else { continue };
        let results = said["results"].as_array().unwrap();
        assert_eq!(results.len(), 4);
        for version in results.chunks(2) {
            let found = version[0]["value"].get("CongDan").unwrap_or(&version[0]["value"]);
            let found = list(found);
            assert_eq!(found.len(), 2, "{client:?}: {said}");
            assert_eq!(text(&found[0]["HoVaTen"]["Ho"]), "Trần", "{client:?}: {said}");
            let fault = &version[1]["fault"];
            assert!(text(&fault["message"]).contains("HoVaTen") || fault.to_string().contains("HoVaTen"), "{said}");
        }
    }
    world.sandbox.population().add_fault(lgsp_sandbox::FaultRule::times(Fault::BadGateway, 100)).unwrap();
    for client in CLIENTS {
        let Some(said) = calls(client, &world, "people", asked[..1].to_vec()).await else { continue };
        assert!(text(&said["results"][0]["fault"]["code"]).ends_with("Server"), "{client:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wsdl_is_well_formed_and_names_every_operation_once() {
    let world = world().await;
    for (service, ports) in [("fees", 6), ("people", 2)] {
        let by_service = send(world.http.get(world.url(&format!("/services/{service}?WSDL")))).await.expect(200);
        let by_list = send(world.http.get(world.url(&format!("/v1/services/{service}/wsdl")))).await.expect(200);
        assert_eq!(by_service.body, by_list.body);
        let text = by_list.text();
        assert_eq!(text.matches("<wsdl:port ").count(), ports, "{text}");
        let file = world.dir().join(format!("{service}.wsdl"));
        std::fs::write(&file, text).unwrap();
        let checked = Command::new("xmllint").arg("--noout").arg(&file).output();
        match checked {
            Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr)),
            // Only when the person who runs the tests was told so.
            Err(_) if std::env::var("LGSP_WITHOUT").is_ok_and(|left| left.contains("xmllint")) => {}
            Err(error) => panic!("xmllint: {error}; tests/run installs it"),
        }
    }
}
