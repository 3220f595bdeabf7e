//! From the files of a schema to what documents are checked against: every reference resolved, every type complete.
//!
//! It checks what it must understand; that a restriction really restricts is the author's affair.

mod complex;
mod simple;

use std::collections::{HashMap, VecDeque};

use super::automaton::{Automaton, Unsuitable};
use super::document::{Document, Name, Node, XS};
use super::identity;
use super::model::{
    ANY_TYPE, Attribute, Blocks, Complex, Content, Derivation, Element, ElementId, Kind, Schema, Simple, Type, TypeId,
    Variety,
};
use super::value::{BUILTINS, White};
use super::{XsdError, XsdProblem};

/// How deep types, groups and heads may refer to each other.
const MAX_DEPTH: usize = 64;

/// Parts that groups may become when they are put where they are referred to: each may refer to others twice.
const MAX_PARTS: usize = 50_000;

/// What a global declaration is of; types of both kinds share their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sort {
    Element,
    Attribute,
    Type,
    Group,
    AttributeGroup,
}

/// A node and the file that it stands in.
#[derive(Clone, Copy)]
struct Source<'d> {
    document: &'d Document,
    node: &'d Node,
}

impl Source<'_> {
    fn error(&self, problem: XsdProblem) -> XsdError {
        self.document.error(self.node, problem)
    }

    fn refuse<T>(&self, what: &str) -> Result<T, XsdError> {
        Err(self.error(XsdProblem::Construct(what.to_owned())))
    }

    fn invalid<T>(&self, what: &str) -> Result<T, XsdError> {
        Err(self.error(XsdProblem::Invalid(what.to_owned())))
    }
}

struct Compiler<'d> {
    sources: HashMap<(Sort, Name), Source<'d>>,
    schema: Schema,
    /// Types that have an identity and are not built.
    pending: HashMap<TypeId, Source<'d>>,
    queue: VecDeque<TypeId>,
    parts: usize,
}

/// Makes a schema of its files.
pub(super) fn compile(documents: &[Document]) -> Result<Schema, XsdError> {
    let mut compiler = Compiler::new();
    for document in documents {
        compiler.collect(document)?;
    }
    let mut globals: Vec<_> =
        compiler.sources.iter().map(|((sort, name), source)| (*sort, name.clone(), *source)).collect();
    globals.sort_by(|one, other| one.1.cmp(&other.1));
    for (sort, name, source) in globals {
        match sort {
            Sort::Element => drop(compiler.global_element(&name, source, 0)?),
            Sort::Attribute => drop(compiler.global_attribute(&name, source)?),
            Sort::Type => drop(compiler.type_named(&name, source)?),
            Sort::Group | Sort::AttributeGroup => {}
        }
    }
    while let Some(id) = compiler.queue.pop_front() {
        compiler.ensure(id, 0)?;
    }
    compiler.finish(documents)
}

impl<'d> Compiler<'d> {
    fn new() -> Self {
        let schema = Schema {
            types: Vec::new(),
            elements: Vec::new(),
            global_types: HashMap::new(),
            global_elements: HashMap::new(),
            global_attributes: HashMap::new(),
        };
        let mut compiler =
            Self { sources: HashMap::new(), schema, pending: HashMap::new(), queue: VecDeque::new(), parts: 0 };
        compiler.builtin("anyType", None, Kind::Any);
        for (name, builtin, white, base) in BUILTINS {
            let base = compiler.schema.global_types.get(&xs(base)).copied().unwrap_or(ANY_TYPE);
            let simple = Simple { variety: Variety::Atomic(builtin), white, facets: Vec::new() };
            compiler.builtin(name, Some(base), Kind::Simple(simple));
        }
        for (name, item) in [("NMTOKENS", "NMTOKEN"), ("IDREFS", "IDREF")] {
            let item = compiler.schema.global_types[&xs(item)];
            let some = super::model::Facets { min_length: Some(1), ..Default::default() };
            let simple = Simple { variety: Variety::List(item), white: White::Collapse, facets: vec![some] };
            let base = compiler.schema.global_types[&xs("anySimpleType")];
            compiler.builtin(name, Some(base), Kind::Simple(simple));
        }
        compiler
    }

    /// Counts one part of a content or of a group.
    fn count(&mut self, source: Source<'d>) -> Result<(), XsdError> {
        self.parts += 1;
        if self.parts > MAX_PARTS { source.refuse("a schema of more than 50,000 parts") } else { Ok(()) }
    }

    fn builtin(&mut self, name: &str, base: Option<TypeId>, kind: Kind) {
        let derivation = Derivation::Restriction;
        self.schema.types.push(Type { base, derivation, is_abstract: false, block: Blocks::default(), kind });
        self.schema.global_types.insert(xs(name), self.schema.types.len() - 1);
    }

    fn collect(&mut self, document: &'d Document) -> Result<(), XsdError> {
        for node in &document.root.children {
            let source = Source { document, node };
            let sort = match &*node.local {
                "element" => Sort::Element,
                "attribute" => Sort::Attribute,
                "simpleType" | "complexType" => Sort::Type,
                "group" => Sort::Group,
                "attributeGroup" => Sort::AttributeGroup,
                "include" | "import" => continue,
                other => return source.refuse(&format!("the element {other} here")),
            };
            let Some(name) = node.get("name") else { return source.invalid("a declaration has no name") };
            if self.sources.insert((sort, document.own(name)), source).is_some() {
                return source.refuse(&format!("{name} declared twice"));
            }
        }
        Ok(())
    }

    fn lookup(&self, sort: Sort, source: Source<'d>, text: &str) -> Result<(Name, Source<'d>), XsdError> {
        let unresolved = || source.error(XsdProblem::Unresolved(text.to_owned()));
        let name = source.document.name(source.node, text).ok_or_else(unresolved)?;
        let found = *self.sources.get(&(sort, name.clone())).ok_or_else(unresolved)?;
        Ok((name, found))
    }

    /// The type that a reference means.
    fn type_at(&mut self, source: Source<'d>, text: &str) -> Result<TypeId, XsdError> {
        let unresolved = || source.error(XsdProblem::Unresolved(text.to_owned()));
        let name = source.document.name(source.node, text).ok_or_else(unresolved)?;
        if name.uri == XS {
            return self.schema.global_types.get(&name).copied().ok_or_else(unresolved);
        }
        let (name, found) = self.lookup(Sort::Type, source, text)?;
        self.type_named(&name, found)
    }

    fn type_named(&mut self, name: &Name, source: Source<'d>) -> Result<TypeId, XsdError> {
        if let Some(id) = self.schema.global_types.get(name) {
            return Ok(*id);
        }
        let id = self.reserve(source);
        self.schema.global_types.insert(name.clone(), id);
        Ok(id)
    }

    /// An identity for a type that is built later: types may hold themselves.
    fn reserve(&mut self, source: Source<'d>) -> TypeId {
        let id = self.schema.types.len();
        self.schema.types.push(Type {
            base: None,
            derivation: Derivation::Restriction,
            is_abstract: false,
            block: Blocks::default(),
            kind: Kind::Pending,
        });
        self.pending.insert(id, source);
        self.queue.push_back(id);
        id
    }

    /// Builds a type now, if it is not built.
    fn ensure(&mut self, id: TypeId, depth: usize) -> Result<(), XsdError> {
        let Some(source) = self.pending.remove(&id) else {
            return match self.schema.types[id].kind {
                Kind::Pending => Err(XsdError {
                    file: String::new(),
                    line: 0,
                    problem: XsdProblem::Invalid("a type is derived from itself".into()),
                }),
                _ => Ok(()),
            };
        };
        if depth > MAX_DEPTH {
            return source.refuse("types that refer to each other more than 64 deep");
        }
        let built = match &*source.node.local {
            "simpleType" => self.simple(source, depth + 1)?,
            _ => self.complex(source, depth + 1)?,
        };
        self.schema.types[id] = built;
        Ok(())
    }

    fn global_element(&mut self, name: &Name, source: Source<'d>, depth: usize) -> Result<ElementId, XsdError> {
        if let Some(id) = self.schema.global_elements.get(name) {
            return Ok(*id);
        }
        let id = self.element(name.clone(), source, depth)?;
        self.schema.global_elements.insert(name.clone(), id);
        Ok(id)
    }

    fn element(&mut self, name: Name, source: Source<'d>, depth: usize) -> Result<ElementId, XsdError> {
        if depth > MAX_DEPTH {
            return source.refuse("elements that stand for each other more than 64 deep");
        }
        let node = source.node;
        let head = match node.get("substitutionGroup") {
            Some(text) => {
                let (name, found) = self.lookup(Sort::Element, source, text)?;
                Some(self.global_element(&name, found, depth + 1)?)
            }
            None => None,
        };
        let inline = node.child(&["simpleType", "complexType"]);
        let kind = match (node.get("type"), inline, head) {
            (Some(text), None, _) => self.type_at(source, text)?,
            (None, Some(node), _) => self.reserve(Source { node, ..source }),
            (None, None, Some(head)) => self.schema.elements[head].kind,
            (None, None, None) => ANY_TYPE,
            (Some(_), Some(_), _) => return source.invalid("an element has a type and one inside"),
        };
        let constraints = identity::compile(source.document, node)?;
        self.schema.elements.push(Element {
            name,
            kind,
            nillable: node.is_true("nillable"),
            is_abstract: node.is_true("abstract"),
            block: blocks(source, "block"),
            fixed: node.get("fixed").map(str::to_owned),
            default: node.get("default").map(str::to_owned),
            head,
            constraints,
        });
        Ok(self.schema.elements.len() - 1)
    }

    fn global_attribute(&mut self, name: &Name, source: Source<'d>) -> Result<Attribute, XsdError> {
        if let Some(attribute) = self.schema.global_attributes.get(name) {
            return Ok(attribute.clone());
        }
        let attribute = self.attribute(name.clone(), source)?;
        self.schema.global_attributes.insert(name.clone(), attribute.clone());
        Ok(attribute)
    }

    fn finish(mut self, documents: &[Document]) -> Result<Schema, XsdError> {
        let members = members(&self.schema);
        for id in 0..self.schema.types.len() {
            let Kind::Complex(Complex { content: Content::Elements { particle, .. }, .. }) =
                &self.schema.types[id].kind
            else {
                continue;
            };
            let made = Automaton::new(particle, &members).map_err(|reason| XsdError {
                file: documents.first().map(|document| document.file.clone()).unwrap_or_default(),
                line: 0,
                problem: XsdProblem::Construct(match reason {
                    Unsuitable::TooLarge => {
                        "a content of more than 20,000 places (write maxOccurs=\"unbounded\")".into()
                    }
                    Unsuitable::All => "all with anything but elements that stand at most once".into(),
                }),
            })?;
            if let Kind::Complex(Complex { content: Content::Elements { automaton, .. }, .. }) =
                &mut self.schema.types[id].kind
            {
                *automaton = made;
            }
        }
        Ok(self.schema)
    }
}

/// For every element those that may stand in its place.
fn members(schema: &Schema) -> Vec<Vec<ElementId>> {
    let mut members = vec![Vec::new(); schema.elements.len()];
    for (id, element) in schema.elements.iter().enumerate() {
        let mut head = element.head;
        while let Some(above) = head {
            let blocked = schema.elements[above].block;
            let steps = schema.derivation(element.kind, schema.elements[above].kind).unwrap_or_default();
            let is_blocked = blocked.extension && steps.extension || blocked.restriction && steps.restriction;
            if !blocked.substitution && !is_blocked {
                members[above].push(id);
            }
            head = schema.elements[above].head;
        }
    }
    members
}

/// The kinds of derivation that an attribute of a node, or else its schema, blocks.
fn blocks(source: Source<'_>, attribute: &str) -> Blocks {
    let default = source.document.root.get("blockDefault").unwrap_or_default();
    let words = source.node.get(attribute).unwrap_or(default);
    let has = |word: &str| words.split_ascii_whitespace().any(|one| one == word || one == "#all");
    Blocks { extension: has("extension"), restriction: has("restriction"), substitution: has("substitution") }
}

fn xs(local: &str) -> Name {
    Name { uri: XS.to_owned(), local: local.to_owned() }
}
