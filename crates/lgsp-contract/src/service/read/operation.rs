//! `[[operation]]`: one thing that a service does, with its schemas and maps compiled.

use super::folder::Folder;
use super::terms;
use crate::map::{CodeMaps, Map};
use crate::parse_strict;
use crate::schema::RecordSchema;
use crate::service::ask::Ask;
use crate::service::condition::Condition;
use crate::service::exchange::{Exchange, MessageSchema, ONE, Side, UpstreamPath};
use crate::service::manifest::{OneOrMore, Operation as Written};
use crate::service::order::Order;
use crate::service::shape::Shape;
use crate::service::{Dialogue, Exposed, Format, Mode, Operation, UpstreamTerms};
use crate::template::Template;
use crate::xml::{Lists, Names};
use crate::xsd;

/// What operations stand on.
pub(super) struct Ground<'a> {
    pub(super) mode: Mode,
    pub(super) exposed: &'a Exposed,
    pub(super) upstream: Option<&'a UpstreamTerms>,
    pub(super) names: &'a Names,
    pub(super) codes: &'a CodeMaps,
}

/// One operation being read.
struct Reading<'w, 'g, 'f, 'a> {
    index: usize,
    written: &'w Written,
    ground: &'g Ground<'g>,
    mode: Mode,
    /// What callers of it may speak; empty when its bodies flow through.
    formats: &'g [Dialogue],
    folder: &'f mut Folder<'a>,
}

/// Reads one operation; `None` when something of it is wrong.
pub(super) fn read(index: usize, written: &Written, ground: &Ground<'_>, folder: &mut Folder<'_>) -> Option<Operation> {
    let before = folder.found.len();
    let mut reading = Reading { index, written, ground, mode: ground.mode, formats: &ground.exposed.formats, folder };
    reading.read_form();
    let operation = reading.operation();
    reading.check_mode();
    (folder.found.len() == before).then_some(operation)
}

impl Reading<'_, '_, '_, '_> {
    fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let place =
            if self.written.name.is_empty() { format!("[{}]", self.index) } else { format!(".{}", self.written.name) };
        self.folder.refuse(format!("operation{place}.{key}"), message);
    }

    /// What differs from the service: the mode, and whether bodies are read.
    fn read_form(&mut self) {
        match self.written.mode.as_deref().map(Mode::parse) {
            None => {}
            Some(Some(Mode::Intake)) | Some(None) => self.refuse("mode", "must be proxy or queue"),
            Some(Some(_)) if self.ground.mode == Mode::Intake => {
                self.refuse("mode", "cannot differ in intake mode: such a service has no upstream");
            }
            Some(Some(mode)) => self.mode = mode,
        }
        match self.written.format.as_deref() {
            None => {}
            Some("any") => self.formats = &[],
            Some(_) => self.refuse("format", "may only be any: bodies of this operation pass unread"),
        }
    }

    fn operation(&mut self) -> Operation {
        let written = self.written;
        let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if written.name.is_empty() || !written.name.bytes().all(named) {
            self.refuse("name", "must be letters, digits, - and _");
        }
        let methods = self.methods();
        let idempotent = written.idempotent.unwrap_or_else(|| {
            methods.iter().all(|method| matches!(method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS"))
        });
        let timeout = written
            .timeout
            .as_deref()
            .map(|text| terms::time(Some(text), std::time::Duration::ZERO, "operation.timeout", self.folder));
        Operation {
            name: written.name.clone(),
            mode: self.mode,
            title: written.title.clone(),
            path: self.path(),
            idempotent,
            record: written.record.clone(),
            scopes: written.scopes.as_ref().map(|written| terms::scopes(written, "operation.scopes", self.folder)),
            timeout,
            wants_headers: self.wants_headers(),
            exchange: self.exchange(),
            ask: self.ask(),
            methods,
        }
    }

    /// Whether a map or template mentions headers: copying them for every call has its cost.
    fn wants_headers(&mut self) -> bool {
        let written = self.written;
        let files = [&written.map_request, &written.map_response, &written.map_fault, &written.audit];
        let in_map =
            files.into_iter().flatten().any(|file| self.folder.look(file).is_some_and(|text| text.contains("$header")));
        let in_expression = [&written.key, &written.agency].into_iter().flatten().any(|text| text.contains("$header"));
        in_map || in_expression || written.template.is_some()
    }

    fn methods(&mut self) -> Vec<String> {
        let methods = match &self.written.method {
            None => vec!["POST".to_owned()],
            Some(OneOrMore::One(one)) => vec![one.clone()],
            Some(OneOrMore::More(more)) => more.clone(),
        };
        let known = |method: &String| {
            matches!(method.as_str(), "*" | "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS")
        };
        if methods.is_empty() || !methods.iter().all(known) {
            self.refuse(
                "method",
                "must be GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, a list of these, or * for any",
            );
        }
        methods
    }

    /// The whole path, with parameters.
    fn path(&mut self) -> String {
        let path = &self.written.path;
        let literal = |b: u8| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'%' | b'\\');
        if !(path.is_empty() || path.starts_with('/')) || !path.bytes().all(literal) || path.contains("/..") {
            self.refuse("path", "must begin with / and may hold {parameters} and a last {*rest}");
        }
        format!("{}{path}", self.ground.exposed.path)
    }

    fn exchange(&mut self) -> Exchange {
        let (written, ground) = (self.written, self.ground);
        let lists = Lists::new(&written.lists);
        let element = written.element.clone().unwrap_or_else(|| written.name.clone());
        let response_element = written.response_element.clone().unwrap_or_else(|| format!("{element}Response"));
        let upstream_element = written.upstream_element.clone().unwrap_or_else(|| element.clone());
        let upstream_response_element = written.upstream_response_element.clone();
        let upstream = match self.mode {
            Mode::Intake => Some(Format::Json),
            Mode::Proxy | Mode::Queue => ground.upstream.and_then(|upstream| upstream.format),
        };
        Exchange {
            callers: self.formats.to_vec(),
            upstream,
            names: ground.names.clone(),
            request: self.side("request", written.request.as_deref(), Some(element), &lists),
            upstream_request: self.side(
                "upstream_request",
                written.upstream_request.as_deref(),
                Some(upstream_element),
                &lists,
            ),
            upstream_response: self.side(
                "upstream_response",
                written.upstream_response.as_deref(),
                upstream_response_element,
                &lists,
            ),
            response: self.side("response", written.response.as_deref(), Some(response_element), &lists),
            map_request: self.map(written.map_request.as_deref()),
            map_response: self.map(written.map_response.as_deref()),
            map_fault: self.map(written.map_fault.as_deref()),
            map_problem: self.map(written.map_problem.as_deref()),
            audit: self.map(written.audit.as_deref()),
            agency: self.one("agency", written.agency.as_deref()),
            key: self.one("key", written.key.as_deref()),
            template: self.template(),
            soap_action: written.soap_action.clone(),
            path: self.upstream_path(),
            method: written.upstream_method.clone(),
            check_request: ground.exposed.check_request,
            check_response: ground.exposed.check_response,
            fault_when: self.condition("fault_when", written.fault_when.as_deref()),
            settled_when: self.condition("settled_when", written.settled_when.as_deref()),
            deferred_when: self.condition("deferred_when", written.deferred_when.as_deref()),
        }
    }

    /// The question is an exchange of its own, about the same message.
    fn ask(&mut self) -> Option<Ask> {
        let (written, terms) = (self.written, self.written.ask.as_ref()?);
        let speaks_soap = self.ground.upstream.and_then(|upstream| upstream.format).is_some_and(Format::is_soap);
        let method =
            terms.upstream_method.clone().unwrap_or_else(|| if speaks_soap { "POST" } else { "GET" }.to_owned());
        if !matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT") {
            self.refuse("ask.upstream_method", "must be GET, HEAD, POST or PUT");
        }
        let element = written.element.clone().unwrap_or_else(|| written.name.clone());
        let question = Written {
            name: format!("{}.ask", written.name),
            upstream_element: terms.upstream_element.clone().or_else(|| Some(element.clone())),
            element: Some(element),
            request: written.request.clone(),
            map_request: terms.map.clone(),
            upstream_path: Some(terms.upstream_path.clone()),
            upstream_method: Some(method),
            soap_action: terms.soap_action.clone(),
            lists: written.lists.clone(),
            ..Written::default()
        };
        let found = self.condition("ask.found_when", Some(&terms.found_when))?;
        let missing = self.condition("ask.missing_when", terms.missing_when.as_deref());
        let mut reading = Reading {
            index: self.index,
            written: &question,
            ground: self.ground,
            mode: self.mode,
            formats: self.formats,
            folder: self.folder,
        };
        Some(Ask { exchange: reading.exchange(), found, missing })
    }

    fn side(&mut self, key: &str, file: Option<&str>, element: Option<String>, lists: &Lists) -> Side {
        let mut side = Side { schema: None, shape: Shape::Any, order: Order::Free, lists: lists.clone(), element };
        let Some(file) = file else { return side };
        let Some(text) = self.folder.text(file) else { return side };
        if file.ends_with(".json") {
            let compiled = parse_strict(text.as_bytes())
                .map_err(|error| error.to_string())
                .and_then(RecordSchema::compile)
                .map_err(|message| self.folder.refuse_in(file, "the schema", message));
            if let Ok(schema) = compiled {
                side.shape = Shape::of(schema.source());
                side.order = Order::of(text);
                side.schema = Some(MessageSchema::Json { schema, source: text.to_owned() });
            }
        } else if file.ends_with(".xsd") {
            match xsd::load_xsd(file, |path| self.folder.look(path)) {
                Ok(schema) => {
                    side.lists.extend(&schema.list_paths(self.ground.names));
                    let parts = schema.parts().to_vec();
                    side.schema = Some(MessageSchema::Xsd { schema: Box::new(schema), parts });
                }
                Err(error) => {
                    let (line, message) = (error.line, error.problem.to_string());
                    self.folder.refuse_in(&error.file, format!("line {line}"), message);
                }
            }
        } else {
            self.refuse(key, "must name a .json or .xsd file");
        }
        side
    }

    fn map(&mut self, file: Option<&str>) -> Option<Map> {
        let file = file?;
        let text = self.folder.text(file)?;
        match Map::compile(file, text, self.ground.codes) {
            Ok(map) => Some(map),
            Err(errors) => {
                for error in errors {
                    self.folder.refuse_in(file, format!("line {}", error.line), error.without_place());
                }
                None
            }
        }
    }

    /// An expression is compiled as a map of one rule.
    fn one(&mut self, key: &str, expression: Option<&str>) -> Option<Map> {
        self.expression(key, &format!("{ONE} <- text(required({}))", expression?))
    }

    fn expression(&mut self, key: &str, rule: &str) -> Option<Map> {
        match Map::compile(key, rule, self.ground.codes) {
            Ok(map) => Some(map),
            Err(errors) => {
                for error in errors {
                    self.refuse(key, error.problem.to_string());
                }
                None
            }
        }
    }

    fn condition(&mut self, key: &str, text: Option<&str>) -> Option<Condition> {
        let text = text?;
        self.expression(key, &Condition::rule(text)).map(Condition::new)
    }

    fn template(&mut self) -> Option<(Template, String)> {
        let file = self.written.template.as_deref()?;
        let Some(media_type) = self.written.template_type.clone() else {
            self.refuse("template_type", "is missing: the media type of what the template writes, such as text/plain");
            return None;
        };
        let text = self.folder.text(file)?;
        match Template::compile(file, text) {
            Ok(template) => Some((template, media_type)),
            Err(error) => {
                self.folder.refuse_in(file, "the template", error.to_string());
                None
            }
        }
    }

    fn upstream_path(&mut self) -> UpstreamPath {
        let Some(text) = self.written.upstream_path.as_deref() else { return UpstreamPath::AsCalled };
        match UpstreamPath::parse(text) {
            Ok(path) => {
                let known = |name: &str| self.written.path.contains(&format!("{{{name}}}"));
                let unknown: Vec<_> = path.parameters().filter(|name| !known(name)).map(str::to_owned).collect();
                if !unknown.is_empty() && self.written.map_request.is_none() {
                    self.refuse("upstream_path", format!("nothing gives a value to {}", unknown.join(", ")));
                }
                path
            }
            Err(message) => {
                self.refuse("upstream_path", message);
                UpstreamPath::AsCalled
            }
        }
    }

    fn check_mode(&mut self) {
        let (written, mode) = (self.written, self.mode);
        if (mode == Mode::Intake) != written.record.is_some() {
            self.refuse("record", "belongs to intake mode, where every operation names the contract of its records");
        }
        if written.key.is_some() && mode != Mode::Queue {
            self.refuse("key", "belongs to queue mode");
        }
        if mode == Mode::Queue && written.path.contains('{') {
            self.refuse("path", "may have no parameters in queue mode: what a message needs stands in its body");
        }
        if (written.settled_when.is_some() || written.deferred_when.is_some()) && mode != Mode::Queue {
            self.refuse("settled_when", "belongs to queue mode");
        }
        if written.fault_when.is_some() && mode != Mode::Proxy {
            self.refuse("fault_when", "belongs to proxy mode");
        }
        if written.map_problem.is_some() && self.formats != [Dialogue::Json] {
            self.refuse("map_problem", "belongs to services that speak JSON and nothing else");
        }
        if written.ask.is_some() && mode != Mode::Queue {
            self.refuse("ask", "belongs to queue mode");
        }
        self.check_opaque();
        if written.template.is_some() && written.upstream_request.is_some() {
            self.refuse("template", "writes a text that no schema can check: leave upstream_request out");
        }
        let speaks_xml = self.formats.iter().any(|spoken| *spoken != Dialogue::Json);
        let xsd = |file: &Option<String>| file.as_deref().is_some_and(|file| file.ends_with(".xsd"));
        if !speaks_xml && (xsd(&written.request) || xsd(&written.response)) {
            self.refuse("request", "an XSD describes XML, which this service does not speak to callers");
        }
    }

    /// Bodies of any form pass unread: nothing may ask to read them.
    fn check_opaque(&mut self) {
        let written = self.written;
        let reads = [
            &written.request,
            &written.response,
            &written.upstream_request,
            &written.upstream_response,
            &written.map_request,
            &written.map_response,
            &written.map_fault,
            &written.fault_when,
            &written.audit,
            &written.template,
            &written.key,
            &written.agency,
        ];
        let reads = reads.into_iter().any(Option::is_some);
        if !self.formats.is_empty() {
            return;
        }
        if reads || self.mode != Mode::Proxy {
            self.refuse(
                "request",
                "format = \"any\" passes bodies unread in proxy mode: name a format to check or map them",
            );
        }
    }
}
