//! WSDL 1.1 of one service: document/literal, bound to SOAP 1.1 and 1.2.

use std::fmt::Write as _;

use super::types::{any, element, escaped};
use crate::service::{Dialogue, MessageSchema, Mode, Operation, Service, Side};

/// The document of a service that callers reach under `base`; `None` when it speaks no SOAP.
pub fn wsdl(service: &Service, base: &str) -> Option<String> {
    if !service.exposed().formats.contains(&Dialogue::Soap) {
        return None;
    }
    let namespace = service.names.plain().map_or_else(|| format!("urn:lgsp:{}", service.id()), str::to_owned);
    let (name, namespace) = (service.id().replace('-', "_"), escaped(&namespace));
    let mut out = String::with_capacity(8 * 1024);
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <wsdl:definitions name=\"{name}\" targetNamespace=\"{namespace}\" xmlns:tns=\"{namespace}\" \
         xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\">"
    );
    types(service, &namespace, &mut out);
    messages(service, &mut out);
    port_type(service, &name, &mut out);
    for (version, suffix) in [("soap", "Soap11"), ("soap12", "Soap12")] {
        binding(service, &name, version, suffix, &mut out);
    }
    ports(service, &name, base, &mut out);
    out.push_str("</wsdl:definitions>");
    Some(out)
}

/// Operations that a SOAP client can reach: those that are called with POST.
fn callable(service: &Service) -> impl Iterator<Item = &Operation> {
    service
        .operations()
        .iter()
        .filter(|operation| operation.reads_bodies())
        .filter(|operation| operation.methods().iter().any(|method| method == "POST" || method == "*"))
}

fn types(service: &Service, namespace: &str, out: &mut String) {
    out.push_str("<wsdl:types>");
    let (mut embedded, mut made) = (Vec::new(), String::new());
    for operation in callable(service) {
        let exchange = &operation.exchange;
        one_type(&exchange.request, "", &mut embedded, &mut made);
        if operation.mode() != Mode::Queue {
            one_type(&exchange.response, &format!("{}Response", operation.name()), &mut embedded, &mut made);
        }
    }
    if callable(service).any(|operation| operation.mode() == Mode::Queue) {
        let text = "type=\"xs:string\"";
        let _ = write!(
            made,
            "<xs:element name=\"Accepted\"><xs:complexType><xs:sequence><xs:element name=\"message_id\" {text}/>\
             <xs:element name=\"outcome\" {text}/><xs:element name=\"status\" {text}/></xs:sequence></xs:complexType></xs:element>"
        );
    }
    for source in embedded {
        out.push_str(without_declaration(source));
    }
    if !made.is_empty() {
        let _ = write!(
            out,
            "<xs:schema targetNamespace=\"{namespace}\" elementFormDefault=\"qualified\">{made}</xs:schema>"
        );
    }
    out.push_str("</wsdl:types>");
}

fn one_type<'s>(side: &'s Side, otherwise: &str, embedded: &mut Vec<&'s str>, made: &mut String) {
    let name = side.element.as_deref().unwrap_or(otherwise);
    match &side.schema {
        Some(MessageSchema::Xsd { source, .. }) if embedded.contains(&source.as_str()) => {}
        Some(MessageSchema::Xsd { source, .. }) => embedded.push(source),
        Some(MessageSchema::Json { source, .. }) => made.push_str(&element(name, source)),
        None => any(name, made),
    }
}

/// A schema inside of another document has no XML declaration.
fn without_declaration(source: &str) -> &str {
    let source = source.trim_start_matches('\u{feff}').trim_start();
    match source.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest.trim_start(),
        None => source,
    }
}

fn output(operation: &Operation) -> &str {
    match operation.mode() {
        Mode::Queue => "Accepted",
        Mode::Proxy | Mode::Intake => operation.exchange.response.element.as_deref().unwrap_or("response"),
    }
}

fn messages(service: &Service, out: &mut String) {
    for operation in callable(service) {
        let name = operation.name();
        let input = operation.exchange.request.element.as_deref().unwrap_or(name);
        let output = output(operation);
        let _ = write!(
            out,
            "<wsdl:message name=\"{name}In\"><wsdl:part name=\"body\" element=\"tns:{input}\"/></wsdl:message>\
             <wsdl:message name=\"{name}Out\"><wsdl:part name=\"body\" element=\"tns:{output}\"/></wsdl:message>"
        );
    }
}

fn port_type(service: &Service, name: &str, out: &mut String) {
    let _ = write!(out, "<wsdl:portType name=\"{name}\">");
    for operation in callable(service) {
        let name = operation.name();
        let about = operation.title().map_or("", |(vi, _)| vi);
        let _ = write!(
            out,
            "<wsdl:operation name=\"{name}\"><wsdl:documentation>{}</wsdl:documentation>\
             <wsdl:input message=\"tns:{name}In\"/><wsdl:output message=\"tns:{name}Out\"/></wsdl:operation>",
            escaped(about)
        );
    }
    out.push_str("</wsdl:portType>");
}

fn binding(service: &Service, name: &str, version: &str, suffix: &str, out: &mut String) {
    let transport = "http://schemas.xmlsoap.org/soap/http";
    let _ = write!(
        out,
        "<wsdl:binding name=\"{name}{suffix}\" type=\"tns:{name}\"><{version}:binding style=\"document\" transport=\"{transport}\"/>"
    );
    for operation in callable(service) {
        let name = operation.name();
        let _ = write!(
            out,
            "<wsdl:operation name=\"{name}\"><{version}:operation soapAction=\"{name}\" style=\"document\"/>\
             <wsdl:input><{version}:body use=\"literal\"/></wsdl:input>\
             <wsdl:output><{version}:body use=\"literal\"/></wsdl:output></wsdl:operation>"
        );
    }
    out.push_str("</wsdl:binding>");
}

/// Every operation has a path of its own, and a SOAP port has one address: a service whose SOAP operations share a path is
/// one port, others are a port for each.
fn ports(service: &Service, name: &str, base: &str, out: &mut String) {
    let _ = write!(out, "<wsdl:service name=\"{name}\">");
    let mut paths: Vec<&str> = callable(service).map(Operation::path).collect();
    paths.dedup();
    for (n, path) in paths.iter().enumerate() {
        let number = if n == 0 { String::new() } else { (n + 1).to_string() };
        for (version, suffix) in [("soap", "Soap11"), ("soap12", "Soap12")] {
            let _ = write!(
                out,
                "<wsdl:port name=\"{name}{suffix}Port{number}\" binding=\"tns:{name}{suffix}\">\
                 <{version}:address location=\"{}{}\"/></wsdl:port>",
                escaped(base),
                escaped(path)
            );
        }
    }
    out.push_str("</wsdl:service>");
}
