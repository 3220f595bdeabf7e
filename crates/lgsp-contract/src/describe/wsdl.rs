//! WSDL 1.1 of one service: document/literal, bound to SOAP 1.1 and 1.2. What a client gets instead of a result is
//! declared too: a fault whose detail is a problem (RFC 9457).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::types::{any, element, escaped};
use crate::service::{Dialogue, Dispatch, MessageSchema, Mode, Operation, Service, Side};
use crate::xml::is_ncname;
use crate::xsd::Part;

/// The two versions of SOAP: the prefix of their binding elements, and how ports are called.
const VERSIONS: [(&str, &str); 2] = [("soap", "Soap11"), ("soap12", "Soap12")];

/// The namespace of problem documents (RFC 9457, appendix B).
const PROBLEM: &str = "urn:ietf:rfc:7807";

/// The document of a service that callers reach under `base`; `None` when it speaks no SOAP.
pub fn wsdl(service: &Service, base: &str) -> Option<String> {
    if !service.exposed().formats.contains(&Dialogue::Soap) {
        return None;
    }
    let namespace = service.names.plain().map_or_else(|| format!("urn:lgsp:{}", service.id()), str::to_owned);
    let mut types = Types::default();
    let ports = ports(service);
    let operations: Vec<&Operation> = ports.iter().flat_map(|port| port.operations.iter().copied()).collect();
    types.collect(service, &operations);
    let mut out = String::with_capacity(8 * 1024);
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <wsdl:definitions name=\"{}\" targetNamespace=\"{target}\" xmlns:tns=\"{target}\" xmlns:problem=\"{PROBLEM}\" \
         xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\"",
        ncname(service.id()),
        target = escaped(&namespace),
    );
    for (number, other) in types.others(&namespace).iter().enumerate() {
        let _ = write!(out, " xmlns:n{number}=\"{}\"", escaped(other));
    }
    out.push('>');
    types.write(&mut out);
    messages(service, &operations, &types, &namespace, &mut out);
    for port in &ports {
        port.port_type(&mut out);
    }
    for port in &ports {
        port.bindings(&mut out);
    }
    let _ = write!(out, "<wsdl:service name=\"{}\">", ncname(service.id()));
    for port in &ports {
        port.write(base, &mut out);
    }
    out.push_str("</wsdl:service></wsdl:definitions>");
    Some(out)
}

/// Operations at one path. A port has one address, and its port type has no operation that is not answered there: a
/// service with several paths is several ports.
struct Port<'s> {
    name: String,
    path: &'s str,
    operations: Vec<&'s Operation>,
}

/// The operations that a SOAP client can reach, by path: those that are called with POST, at a path without parameters,
/// and whose messages are read.
fn ports(service: &Service) -> Vec<Port<'_>> {
    let mut ports: Vec<Port<'_>> = Vec::new();
    let reachable = |operation: &&Operation| {
        operation.reads_bodies()
            && operation.methods().iter().any(|method| method == "POST" || method == "*")
            && !operation.path().contains('{')
    };
    for operation in service.operations().iter().filter(reachable) {
        match ports.iter_mut().find(|port| port.path == operation.path()) {
            Some(port) if service.exposed().dispatch == Dispatch::Element => port.operations.push(operation),
            // Only the first one at a path is ever answered.
            Some(_) => {}
            None => ports.push(Port { name: String::new(), path: operation.path(), operations: vec![operation] }),
        }
    }
    let alone = ports.len() == 1;
    for port in &mut ports {
        let service = ncname(service.id());
        port.name = if alone { service } else { format!("{service}_{}", port.operations[0].name()) };
    }
    ports
}

/// A name without a colon that begins as XML wants it.
fn ncname(name: &str) -> String {
    if is_ncname(name) { name.to_owned() } else { format!("_{name}") }
}

/// What prefixes of schemas that are made here stand for.
const XS: (&str, &str) = ("xs", "http://www.w3.org/2001/XMLSchema");

/// The schemas of the messages. There is one for each namespace wherever that is possible: some clients see only the first.
#[derive(Default)]
struct Types<'s> {
    schemas: Vec<Part>,
    /// Files that are in them already.
    files: Vec<&'s Part>,
    /// Elements that are made here.
    made: BTreeSet<(Option<&'s str>, &'s str)>,
    namespaces: BTreeSet<&'s str>,
}

impl<'s> Types<'s> {
    fn collect(&mut self, service: &'s Service, operations: &[&'s Operation]) {
        let queued = |operation: &Operation| operation.mode() == Mode::Queue;
        let sides = operations.iter().flat_map(|operation| {
            let exchange = &operation.exchange;
            [Some(&exchange.request), (!queued(operation)).then_some(&exchange.response)].into_iter().flatten()
        });
        let (described, bare): (Vec<&Side>, Vec<&Side>) = sides.partition(|side| side.schema.is_some());
        for side in described.into_iter().chain(bare) {
            self.side(service, side);
        }
        if operations.iter().any(|operation| queued(operation)) {
            let text = "type=\"xs:string\"";
            let accepted = format!(
                "<xs:element name=\"{ACCEPTED}\"><xs:complexType><xs:sequence><xs:element name=\"message_id\" {text}/>\
                 <xs:element name=\"outcome\" {text}/><xs:element name=\"status\" {text}/></xs:sequence></xs:complexType></xs:element>"
            );
            self.add_made(service.names.plain(), ACCEPTED, accepted);
        }
        let mut problem = String::new();
        any("problem", &mut problem);
        self.add_made(Some(PROBLEM), "problem", problem);
    }

    fn side(&mut self, service: &'s Service, side: &'s Side) {
        let Some(key) = side.element.as_deref() else { return };
        let (namespace, local) = expanded(service, key);
        self.namespaces.extend(namespace);
        match &side.schema {
            Some(MessageSchema::Xsd { parts, .. }) => {
                for part in parts {
                    if !self.files.contains(&part) {
                        self.files.push(part);
                        self.add(part.clone());
                    }
                }
            }
            Some(MessageSchema::Json { source, .. }) => self.add_made(namespace, local, element(local, source)),
            None if self.files.iter().any(|part| declares(&part.content, local)) => {}
            None => {
                let mut out = String::new();
                any(local, &mut out);
                self.add_made(namespace, local, out);
            }
        }
    }

    fn add_made(&mut self, namespace: Option<&'s str>, local: &'s str, content: String) {
        if !self.made.insert((namespace, local)) {
            return;
        }
        self.add(Part {
            target: namespace.unwrap_or_default().to_owned(),
            declared: vec![(XS.0.to_owned(), XS.1.to_owned())],
            defaults: vec![("elementFormDefault".to_owned(), "qualified".to_owned())],
            imports: Vec::new(),
            content,
        });
    }

    /// Adds content to the schema of its namespace, unless it would get another meaning there.
    fn add(&mut self, part: Part) {
        let fits = |schema: &&mut Part| {
            let clash = |(prefix, uri): &(String, String)| part.declared.iter().any(|(p, u)| p == prefix && u != uri);
            schema.target == part.target && schema.defaults == part.defaults && !schema.declared.iter().any(clash)
        };
        match self.schemas.iter_mut().find(fits) {
            Some(schema) => {
                let new = |pair: &(String, String)| !schema.declared.contains(pair);
                let declared: Vec<_> = part.declared.into_iter().filter(new).collect();
                schema.declared.extend(declared);
                schema.imports.extend(part.imports);
                schema.content.push_str(&part.content);
            }
            None => self.schemas.push(part),
        }
    }

    /// Namespaces beside the document's own that elements of messages are in.
    fn others(&self, own: &str) -> Vec<&'s str> {
        self.namespaces.iter().copied().filter(|namespace| *namespace != own && *namespace != PROBLEM).collect()
    }

    fn write(&self, out: &mut String) {
        out.push_str("<wsdl:types>");
        for schema in &self.schemas {
            let attribute = |name: &str, value: &str| format!(" {name}=\"{}\"", escaped(value));
            out.push_str("<xs:schema");
            for (prefix, uri) in &schema.declared {
                let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
                out.push_str(&attribute(&name, uri));
            }
            if !schema.target.is_empty() {
                out.push_str(&attribute("targetNamespace", &schema.target));
            }
            for (name, value) in &schema.defaults {
                out.push_str(&attribute(name, value));
            }
            out.push('>');
            let imports: BTreeSet<&str> = schema.imports.iter().map(String::as_str).collect();
            for namespace in imports {
                out.push_str("<xs:import");
                if !namespace.is_empty() {
                    out.push_str(&attribute("namespace", namespace));
                }
                out.push_str("/>");
            }
            out.push_str(&schema.content);
            out.push_str("</xs:schema>");
        }
        out.push_str("</wsdl:types>");
    }

    /// How the document names an element.
    fn qualified(&self, service: &Service, key: &str, own: &str) -> String {
        let (namespace, local) = expanded(service, key);
        match namespace {
            None => local.to_owned(),
            Some(namespace) => match self.others(own).iter().position(|other| *other == namespace) {
                Some(number) => format!("n{number}:{local}"),
                None => format!("tns:{local}"),
            },
        }
    }
}

/// The element that acknowledges a stored message.
const ACCEPTED: &str = "Accepted";

/// The namespace and the local name that a key of the contract stands for.
fn expanded<'s>(service: &'s Service, key: &'s str) -> (Option<&'s str>, &'s str) {
    if let Some((namespace, local)) = key.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return (Some(namespace), local);
    }
    match key.split_once(':') {
        Some((prefix, local)) => (service.names.namespace(prefix), local),
        None => (service.names.plain(), key),
    }
}

/// Whether a schema has an element of this name; one more of it would be a clash.
fn declares(source: &str, local: &str) -> bool {
    source.contains(&format!("element name=\"{local}\"")) || source.contains(&format!("element name='{local}'"))
}

fn messages(service: &Service, operations: &[&Operation], types: &Types<'_>, own: &str, out: &mut String) {
    for operation in operations {
        let (name, exchange) = (operation.name(), &operation.exchange);
        let answered = match operation.mode() {
            Mode::Queue => ACCEPTED,
            Mode::Proxy | Mode::Intake => exchange.response.element.as_deref().unwrap_or("response"),
        };
        let asked = exchange.request.element.as_deref().unwrap_or(name);
        for (suffix, key) in [("In", asked), ("Out", answered)] {
            let _ = write!(
                out,
                "<wsdl:message name=\"{}\"><wsdl:part name=\"body\" element=\"{}\"/></wsdl:message>",
                ncname(&format!("{name}{suffix}")),
                escaped(&types.qualified(service, key, own))
            );
        }
    }
    out.push_str(
        "<wsdl:message name=\"Problem\"><wsdl:part name=\"problem\" element=\"problem:problem\"/></wsdl:message>",
    );
}

impl Port<'_> {
    fn port_type(&self, out: &mut String) {
        let _ = write!(out, "<wsdl:portType name=\"{}\">", self.name);
        for operation in &self.operations {
            let name = operation.name();
            let about = operation.title().map_or("", |(vi, _)| vi);
            let _ = write!(
                out,
                "<wsdl:operation name=\"{}\"><wsdl:documentation>{}</wsdl:documentation>\
                 <wsdl:input message=\"tns:{}\"/><wsdl:output message=\"tns:{}\"/>\
                 <wsdl:fault name=\"problem\" message=\"tns:Problem\"/></wsdl:operation>",
                ncname(name),
                escaped(about),
                ncname(&format!("{name}In")),
                ncname(&format!("{name}Out")),
            );
        }
        out.push_str("</wsdl:portType>");
    }

    fn bindings(&self, out: &mut String) {
        let transport = "http://schemas.xmlsoap.org/soap/http";
        for (version, suffix) in VERSIONS {
            let _ = write!(
                out,
                "<wsdl:binding name=\"{0}{suffix}\" type=\"tns:{0}\">\
                 <{version}:binding style=\"document\" transport=\"{transport}\"/>",
                self.name
            );
            for operation in &self.operations {
                let name = operation.name();
                let _ = write!(
                    out,
                    "<wsdl:operation name=\"{}\"><{version}:operation soapAction=\"{name}\" style=\"document\"/>\
                     <wsdl:input><{version}:body use=\"literal\"/></wsdl:input>\
                     <wsdl:output><{version}:body use=\"literal\"/></wsdl:output>\
                     <wsdl:fault name=\"problem\"><{version}:fault name=\"problem\" use=\"literal\"/></wsdl:fault>\
                     </wsdl:operation>",
                    ncname(name)
                );
            }
            out.push_str("</wsdl:binding>");
        }
    }

    fn write(&self, base: &str, out: &mut String) {
        for (version, suffix) in VERSIONS {
            let _ = write!(
                out,
                "<wsdl:port name=\"{0}{suffix}Port\" binding=\"tns:{0}{suffix}\">\
                 <{version}:address location=\"{1}{2}\"/></wsdl:port>",
                self.name,
                escaped(base),
                escaped(self.path)
            );
        }
    }
}
