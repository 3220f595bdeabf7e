//! One document against a schema, step by step as it is read. No finding holds a value.
//!
//! After something wrong it goes on where the schema still says what should be there.

mod attributes;

use std::collections::HashSet;

use lgsp_model::Finding;

use super::automaton::{Position, Read};
use super::document::Name;
use super::facet::Offence;
use super::identity::Tables;
use super::model::{Complex, Content, ElementId, Kind, Process, Schema, TypeId};
use super::rule;
use super::value::Builtin;
use crate::xml::{QName, Step, Steps, is_blank};

/// Findings about one document: a person reads the first few.
pub(super) const MAX_FINDINGS: usize = 100;

/// An element that is open.
struct Frame<'s> {
    /// `None`: nothing is known of it, and nothing asked.
    kind: Option<TypeId>,
    element: Option<ElementId>,
    /// Where its content stands; `None` when it has no machine or has left it.
    position: Option<Position>,
    /// Of what is inside an element that nothing is known of.
    process: Process,
    text: String,
    is_nil: bool,
    has_elements: bool,
    tables: Option<Tables<'s>>,
}

pub(super) struct Validator<'s> {
    schema: &'s Schema,
    frames: Vec<Frame<'s>>,
    path: Vec<Name>,
    ids: HashSet<String>,
    /// References to identities, and where they stand.
    references: Vec<(String, String)>,
    findings: Vec<Finding>,
}

/// What is wrong with a document.
pub(super) fn findings(schema: &Schema, steps: &mut Steps<'_, '_>) -> Vec<Finding> {
    let mut validator = Validator {
        schema,
        frames: Vec::new(),
        path: Vec::new(),
        ids: HashSet::new(),
        references: Vec::new(),
        findings: Vec::new(),
    };
    loop {
        match steps.next() {
            Ok(Step::Start(name)) => validator.start(name, steps),
            Ok(Step::Text(text)) => validator.text(&text),
            Ok(Step::End) => validator.end(steps),
            Ok(Step::Done) => break,
            Err(error) => {
                let message = error.kind.advice();
                return vec![Finding::new("/", error.kind.name(), message)];
            }
        }
        if validator.findings.len() >= MAX_FINDINGS {
            return validator.findings;
        }
    }
    for (id, path) in std::mem::take(&mut validator.references) {
        if !validator.ids.contains(&id) {
            validator.findings.push(rule::finding(path, "idref"));
        }
    }
    validator.findings
}

impl<'s> Validator<'s> {
    fn find(&mut self, offence: Offence) {
        self.say(rule::finding(self.place(), offence));
    }

    fn say(&mut self, finding: Finding) {
        if !self.findings.iter().any(|known| known.path == finding.path && known.rule == finding.rule) {
            self.findings.push(finding);
        }
    }

    fn place(&self) -> String {
        self.path.iter().flat_map(|name| ["/", &name.local]).collect()
    }

    fn start(&mut self, name: QName<'_>, steps: &Steps<'_, '_>) {
        let Some(uri) = steps.scope.resolve(name.prefix()).map(|space| space.uri().to_owned()) else {
            self.path.push(Name { uri: String::new(), local: name.raw.to_owned() });
            self.find("unbound-prefix");
            self.frames.push(self.unknown(Process::Skip));
            return;
        };
        let (element, process) = self.place_of(&uri, name.local());
        self.path.push(Name { uri, local: name.local().to_owned() });
        let mut frame = match (element, process) {
            (Some(id), _) => self.declared(id, steps),
            (None, Process::Skip) => self.unknown(Process::Skip),
            // What nothing declares may still say its type.
            (None, process) => match self.said_type(steps) {
                Some(Ok(kind)) => self.typed(None, kind),
                _ => self.unknown(process),
            },
        };
        let attributes = match frame.kind {
            Some(kind) => self.attributes(kind, steps),
            None => Vec::new(),
        };
        frame.is_nil = self.nil(&frame, steps);
        if let Some(id) = frame.element.filter(|id| !self.schema.elements[*id].constraints.is_empty()) {
            let schema = self.schema;
            frame.tables = Some(Tables::new(&schema.elements[id].constraints, self.path.len()));
        }
        self.frames.push(frame);
        for n in 0..self.frames.len() {
            if let Some(Err(offence)) =
                self.frames[n].tables.as_mut().map(|tables| tables.begin(&self.path, &attributes))
            {
                self.find(offence);
            }
        }
    }

    /// What the schema says stands here under this name, and how strictly.
    fn place_of(&mut self, uri: &str, local: &str) -> (Option<ElementId>, Process) {
        let global = self.schema.global_elements.get(&Name { uri: uri.to_owned(), local: local.to_owned() });
        let Some(parent) = self.frames.last_mut() else {
            if global.is_none() {
                self.path.push(Name { uri: String::new(), local: local.to_owned() });
                self.find("unknown-root");
                self.path.pop();
            }
            return (global.copied(), Process::Skip);
        };
        parent.has_elements = true;
        let Some(kind) = parent.kind else {
            let process = parent.process;
            return (global.copied().filter(|_| process != Process::Skip), process);
        };
        let Kind::Complex(Complex { content, .. }) = &self.schema.types[kind].kind else {
            if matches!(self.schema.types[kind].kind, Kind::Any) {
                return (global.copied(), Process::Lax);
            }
            self.find("simple-type");
            return (None, Process::Skip);
        };
        let Content::Elements { automaton, .. } = content else {
            self.find(if matches!(content, Content::Empty) { "empty" } else { "simple-type" });
            return (None, Process::Skip);
        };
        let elements = &self.schema.elements;
        let parent = self.frames.last_mut().expect("looked at above");
        match parent.position.as_mut().map(|position| automaton.read(position, uri, local, elements)) {
            Some(Some(Read::Element(id))) => return (Some(id), Process::Strict),
            Some(Some(Read::Any(Process::Skip))) => return (None, Process::Skip),
            Some(Some(Read::Any(process))) => {
                if global.is_none() && process == Process::Strict {
                    self.find("unknown-element");
                }
                return (global.copied(), process);
            }
            Some(None) => {
                let expected = parent.position.take().map(|position| automaton.expected(&position, elements));
                let finding = rule::expected(self.place(), "unexpected-element", &expected.unwrap_or_default());
                self.say(finding);
            }
            // It is wrong already.
            None => {}
        }
        (automaton.known(uri, local, elements), Process::Skip)
    }

    fn unknown(&self, process: Process) -> Frame<'s> {
        Frame {
            kind: None,
            element: None,
            position: None,
            process: if process == Process::Strict { Process::Lax } else { process },
            text: String::new(),
            is_nil: false,
            has_elements: false,
            tables: None,
        }
    }

    fn typed(&self, element: Option<ElementId>, kind: TypeId) -> Frame<'s> {
        let position = match &self.schema.types[kind].kind {
            Kind::Complex(Complex { content: Content::Elements { automaton, .. }, .. }) => Some(automaton.start()),
            _ => None,
        };
        Frame { kind: Some(kind), element, position, ..self.unknown(Process::Lax) }
    }

    fn declared(&mut self, id: ElementId, steps: &Steps<'_, '_>) -> Frame<'s> {
        let element = &self.schema.elements[id];
        if element.is_abstract {
            self.find("abstract");
        }
        let mut kind = element.kind;
        match self.said_type(steps) {
            None => {}
            Some(Err(offence)) => self.find(offence),
            Some(Ok(said)) => {
                let block = self.schema.types[kind].block;
                let is_free = self.schema.derivation(said, kind).is_some_and(|steps| {
                    !(steps.extension && (element.block.extension || block.extension))
                        && !(steps.restriction && (element.block.restriction || block.restriction))
                });
                if is_free || said == kind {
                    kind = said;
                } else {
                    self.find("type");
                }
            }
        }
        if self.schema.types[kind].is_abstract {
            self.find("abstract");
        }
        self.typed(Some(id), kind)
    }

    /// Checks a text; what it is equal to, when it is of its type.
    fn value(&mut self, kind: TypeId, text: &str, fixed: Option<&str>, steps: &Steps<'_, '_>) -> Option<String> {
        let spaces = |prefix: &str| steps.scope.resolve(prefix).map(|space| space.uri().to_owned());
        let value = match self.schema.value(kind, text, &spaces) {
            Ok(value) => value,
            Err(offence) => {
                self.find(offence);
                return None;
            }
        };
        if let Some(fixed) = fixed
            && !self.schema.value(kind, fixed, &spaces).is_ok_and(|fixed| fixed.equals(&value))
        {
            self.find("fixed");
        }
        match self.schema.builtin(kind) {
            Some(Builtin::Id) if !self.ids.insert(text.trim().to_owned()) => self.find("id"),
            Some(Builtin::IdRef) => {
                let place = self.place();
                self.references.extend(text.split_ascii_whitespace().map(|id| (id.to_owned(), place.clone())));
            }
            _ => {}
        }
        Some(value.canonical())
    }

    fn text(&mut self, text: &str) {
        let frame = self.frames.last_mut().expect("text outside the root is refused before");
        let Some(kind) = frame.kind else { return };
        match &self.schema.types[kind].kind {
            _ if frame.is_nil => frame.text.push_str(text),
            Kind::Simple(_) | Kind::Complex(Complex { content: Content::Simple(_) | Content::Empty, .. }) => {
                frame.text.push_str(text);
            }
            Kind::Any | Kind::Complex(Complex { mixed: true, .. }) => {}
            Kind::Complex(_) | Kind::Pending => {
                if !is_blank(text) {
                    self.find("text");
                }
            }
        }
    }

    fn end(&mut self, steps: &Steps<'_, '_>) {
        let mut frame = self.frames.pop().expect("an end has its start");
        let value = frame.kind.and_then(|kind| self.content(kind, &mut frame, steps));
        let mut tables: Vec<_> = self.frames.iter_mut().filter_map(|frame| frame.tables.as_mut()).collect();
        tables.extend(frame.tables.as_mut());
        let offences: Vec<Offence> =
            tables.into_iter().filter_map(|tables| tables.end(&self.path, value.as_deref()).err()).collect();
        offences.into_iter().for_each(|offence| self.find(offence));
        self.path.pop();
    }

    /// Checks what an element held, now that it is complete.
    fn content(&mut self, kind: TypeId, frame: &mut Frame<'s>, steps: &Steps<'_, '_>) -> Option<String> {
        if frame.is_nil {
            if frame.has_elements || !frame.text.is_empty() {
                self.find("nil");
            }
            return None;
        }
        let schema = self.schema;
        let declared = frame.element.map(|id| &schema.elements[id]);
        if let Some(simple) = schema.text_type(kind) {
            if frame.has_elements {
                return None;
            }
            let fixed = declared.and_then(|element| element.fixed.as_deref());
            let default = declared.and_then(|element| element.default.as_deref());
            let text = std::mem::take(&mut frame.text);
            let text = if text.is_empty() { fixed.or(default).unwrap_or("") } else { &text };
            return self.value(simple, text, fixed, steps);
        }
        match &schema.types[kind].kind {
            Kind::Complex(Complex { content: Content::Elements { automaton, .. }, .. }) => {
                if let Some(position) = &frame.position
                    && !automaton.is_complete(position)
                {
                    let expected = automaton.expected(position, &schema.elements);
                    self.say(rule::expected(self.place(), "missing-element", &expected));
                }
            }
            Kind::Complex(Complex { content: Content::Empty, mixed: false, .. }) if !frame.text.is_empty() => {
                self.find("empty");
            }
            _ => {}
        }
        None
    }
}
