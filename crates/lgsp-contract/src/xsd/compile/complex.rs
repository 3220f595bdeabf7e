//! Complex types: attributes, content, extension and restriction.

use super::super::automaton::Automaton;
use super::super::document::{Name, Node};
use super::super::model::{
    ANY_TYPE, Attribute, Complex, Content, Derivation, Kind, Particle, Process, Spaces, Term, Type, TypeId, Usage,
    Wildcard,
};
use super::super::{XsdError, XsdProblem};
use super::{Compiler, MAX_DEPTH, Sort, Source, blocks, xs};

/// Elements that hold or name a content.
const CONTENTS: [&str; 4] = ["sequence", "choice", "all", "group"];

impl<'d> Compiler<'d> {
    pub(super) fn complex(&mut self, source: Source<'d>, depth: usize) -> Result<Type, XsdError> {
        let node = source.node;
        let of = |node: &'d Node| Source { node, ..source };
        let mixed = node.is_true("mixed");
        let (base, derivation, complex) = match node.child(&["simpleContent", "complexContent"]).map(of) {
            None => (ANY_TYPE, Derivation::Restriction, self.plain(source, mixed, depth)?),
            Some(outer) => {
                let Some(inner) = outer.node.child(&["extension", "restriction"]).map(of) else {
                    return outer.invalid("a content is neither extension nor restriction");
                };
                let Some(name) = inner.node.get("base") else { return inner.invalid("a derived type has no base") };
                let base = self.type_at(inner, name)?;
                self.ensure(base, depth)?;
                let is_extension = inner.node.local == "extension";
                let derivation = if is_extension { Derivation::Extension } else { Derivation::Restriction };
                let own = Complex { mixed: mixed || outer.node.is_true("mixed"), ..self.plain(inner, mixed, depth)? };
                let complex = match (&*outer.node.local, derivation) {
                    ("simpleContent", _) => self.simple_content(base, inner, own, derivation)?,
                    (_, Derivation::Extension) => self.extended(base, inner, own)?,
                    (_, Derivation::Restriction) => self.narrowed(base, inner, own)?,
                };
                (base, derivation, complex)
            }
        };
        let is_abstract = node.is_true("abstract");
        let block = blocks(source, "block");
        Ok(Type { base: Some(base), derivation, is_abstract, block, kind: Kind::Complex(complex) })
    }

    /// The attributes and the content that stand in a node.
    fn plain(&mut self, source: Source<'d>, mixed: bool, depth: usize) -> Result<Complex, XsdError> {
        let (mut attributes, mut wildcards) = (Vec::new(), Vec::new());
        self.attributes(source, &mut attributes, &mut wildcards, 0)?;
        let content = match source.node.child(&CONTENTS) {
            Some(node) => {
                let particle = self.particle(Source { node, ..source }, depth)?;
                if is_empty(&particle) {
                    Content::Empty
                } else {
                    Content::Elements { particle, automaton: Automaton::default() }
                }
            }
            None => Content::Empty,
        };
        Ok(Complex { attributes, wildcards, mixed, content })
    }

    fn simple_content(
        &mut self,
        base: TypeId,
        source: Source<'d>,
        mut own: Complex,
        derivation: Derivation,
    ) -> Result<Complex, XsdError> {
        let inherited = match &self.schema.types[base].kind {
            Kind::Complex(complex) => (complex.attributes.clone(), complex.wildcards.clone()),
            _ => (Vec::new(), Vec::new()),
        };
        merge(&mut own, inherited, derivation);
        let Some(text) = self.schema.text_type(base) else {
            return source.invalid("the base of a simple content has none");
        };
        let text = match derivation {
            Derivation::Extension => text,
            Derivation::Restriction => {
                let inner = source.node.child(&["simpleType"]).map(|node| self.reserve(Source { node, ..source }));
                if let Some(inner) = inner {
                    self.ensure(inner, 0)?;
                }
                let from = inner.unwrap_or(text);
                let simple = self.restricted(from, source)?;
                let block = super::Blocks::default();
                let kind = Kind::Simple(simple);
                self.schema.types.push(Type { base: Some(from), derivation, is_abstract: false, block, kind });
                self.schema.types.len() - 1
            }
        };
        Ok(Complex { content: Content::Simple(text), mixed: false, ..own })
    }

    fn extended(&mut self, base: TypeId, source: Source<'d>, mut own: Complex) -> Result<Complex, XsdError> {
        let Kind::Complex(complex) = &self.schema.types[base].kind else {
            return match self.schema.types[base].kind {
                Kind::Any => source.refuse("extension of anyType"),
                _ => source.invalid("the base of a complex content is simple"),
            };
        };
        merge(&mut own, (complex.attributes.clone(), complex.wildcards.clone()), Derivation::Extension);
        let (content, mixed) = match (complex.content.clone(), own.content) {
            (content, Content::Empty) => (content, complex.mixed),
            (Content::Empty, content) => (content, own.mixed),
            (Content::Elements { particle: first, .. }, Content::Elements { particle: second, .. }) => {
                let term = Term::Sequence(vec![first, second]);
                let particle = Particle { min: 1, max: Some(1), term };
                (Content::Elements { particle, automaton: Automaton::default() }, own.mixed || complex.mixed)
            }
            (Content::Simple(_), _) | (_, Content::Simple(_)) => {
                return source.invalid("a simple content is extended by elements");
            }
        };
        Ok(Complex { content, mixed, ..own })
    }

    fn narrowed(&mut self, base: TypeId, source: Source<'d>, mut own: Complex) -> Result<Complex, XsdError> {
        match &self.schema.types[base].kind {
            Kind::Complex(complex) => {
                let inherited = (complex.attributes.clone(), Vec::new());
                merge(&mut own, inherited, Derivation::Restriction);
                Ok(own)
            }
            Kind::Any => Ok(own),
            Kind::Simple(_) | Kind::Pending => source.invalid("the base of a complex content is simple"),
        }
    }

    fn attributes(
        &mut self,
        source: Source<'d>,
        into: &mut Vec<Attribute>,
        wildcards: &mut Vec<Wildcard>,
        depth: usize,
    ) -> Result<(), XsdError> {
        if depth > MAX_DEPTH {
            return source.refuse("groups that refer to each other more than 64 deep");
        }
        for node in &source.node.children {
            let source = Source { node, ..source };
            self.count(source)?;
            match &*node.local {
                "attribute" => {
                    let attribute = self.attribute_use(source)?;
                    if into.iter().any(|known| known.name == attribute.name) {
                        return source.invalid("a type has an attribute twice");
                    }
                    into.push(attribute);
                }
                "attributeGroup" => {
                    let Some(text) = node.get("ref") else { return source.invalid("a group is not referred to") };
                    let (_, group) = self.lookup(Sort::AttributeGroup, source, text)?;
                    self.attributes(group, into, wildcards, depth + 1)?;
                }
                "anyAttribute" => wildcards.push(wildcard(source)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn attribute_use(&mut self, source: Source<'d>) -> Result<Attribute, XsdError> {
        let node = source.node;
        let mut attribute = match (node.get("name"), node.get("ref")) {
            (Some(name), None) => {
                let default = source.document.root.get("attributeFormDefault");
                let is_qualified = node.get("form").or(default) == Some("qualified");
                let name = source.document.own(name);
                let name = if is_qualified { name } else { Name { uri: String::new(), ..name } };
                self.attribute(name, source)?
            }
            (None, Some(text)) => {
                let (name, found) = self.lookup(Sort::Attribute, source, text)?;
                let mut attribute = self.global_attribute(&name, found)?;
                attribute.fixed = node.get("fixed").map(str::to_owned).or(attribute.fixed);
                attribute
            }
            _ => return source.invalid("an attribute has neither name nor reference, or both"),
        };
        attribute.usage = match node.get("use") {
            None | Some("optional") => Usage::Optional,
            Some("required") => Usage::Required,
            Some("prohibited") => Usage::Prohibited,
            Some(_) => return source.invalid("use is optional, required or prohibited"),
        };
        Ok(attribute)
    }

    pub(super) fn attribute(&mut self, name: Name, source: Source<'d>) -> Result<Attribute, XsdError> {
        let kind = match (source.node.get("type"), source.node.child(&["simpleType"])) {
            (Some(text), None) => self.type_at(source, text)?,
            (None, Some(node)) => self.reserve(Source { node, ..source }),
            (None, None) => self.schema.global_types[&xs("anySimpleType")],
            (Some(_), Some(_)) => return source.invalid("an attribute has a type and one inside"),
        };
        let fixed = source.node.get("fixed").map(str::to_owned);
        Ok(Attribute { name, kind, usage: Usage::Optional, fixed })
    }

    fn particle(&mut self, source: Source<'d>, depth: usize) -> Result<Particle, XsdError> {
        if depth > MAX_DEPTH {
            return source.refuse("groups that refer to each other more than 64 deep");
        }
        self.count(source)?;
        let node = source.node;
        let (min, max) = occurrence(source)?;
        let term = match &*node.local {
            "element" => Term::Element(self.element_use(source, depth)?),
            "any" => Term::Any(wildcard(source)?),
            "group" => {
                let Some(text) = node.get("ref") else { return source.invalid("a group is not referred to") };
                let (_, group) = self.lookup(Sort::Group, source, text)?;
                let Some(inner) = group.node.child(&CONTENTS) else { return group.invalid("a group is empty") };
                let inside = self.particle(Source { node: inner, ..group }, depth + 1)?;
                // What stands in a group stands there once, so that the reference says how often.
                return Ok(Particle { min, max, ..inside });
            }
            kind @ ("sequence" | "choice" | "all") => {
                let parts = node.children.iter().map(|node| self.particle(Source { node, ..source }, depth + 1));
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                match kind {
                    "sequence" => Term::Sequence(parts),
                    "choice" => Term::Choice(parts),
                    _ if max != Some(1) => return source.refuse("all with maxOccurs"),
                    _ => Term::All(parts),
                }
            }
            other => return source.refuse(&format!("the element {other} here")),
        };
        Ok(Particle { min, max, term })
    }

    fn element_use(&mut self, source: Source<'d>, depth: usize) -> Result<usize, XsdError> {
        let node = source.node;
        match (node.get("name"), node.get("ref")) {
            (Some(name), None) => {
                let default = source.document.root.get("elementFormDefault");
                let is_qualified = node.get("form").or(default) == Some("qualified");
                let name = source.document.own(name);
                let name = if is_qualified { name } else { Name { uri: String::new(), ..name } };
                self.element(name, source, depth)
            }
            (None, Some(text)) => {
                let (name, found) = self.lookup(Sort::Element, source, text)?;
                self.global_element(&name, found, depth)
            }
            _ => source.invalid("an element has neither name nor reference, or both"),
        }
    }
}

/// Whether a content is empty by its form, so that not even white space may stand there.
fn is_empty(particle: &Particle) -> bool {
    particle.max == Some(0)
        || match &particle.term {
            Term::Sequence(parts) | Term::All(parts) => parts.is_empty(),
            Term::Choice(parts) => parts.is_empty() && particle.min == 0,
            Term::Element(_) | Term::Any(_) => false,
        }
}

/// Adds what a type inherits. In a restriction what it says itself holds instead.
fn merge(own: &mut Complex, inherited: (Vec<Attribute>, Vec<Wildcard>), derivation: Derivation) {
    let mut attributes = inherited.0;
    attributes.retain(|attribute| !own.attributes.iter().any(|known| known.name == attribute.name));
    attributes.append(&mut own.attributes);
    own.attributes = attributes;
    if derivation == Derivation::Extension {
        own.wildcards.extend(inherited.1);
    }
}

fn occurrence(source: Source<'_>) -> Result<(u32, Option<u32>), XsdError> {
    let wrong = || source.error(XsdProblem::Invalid("minOccurs and maxOccurs are whole numbers".into()));
    let min = source.node.get("minOccurs").unwrap_or("1").trim().parse().map_err(|_| wrong())?;
    let max = match source.node.get("maxOccurs").unwrap_or("1").trim() {
        "unbounded" => None,
        number => Some(number.parse().map_err(|_| wrong())?),
    };
    match max {
        Some(max) if max < min => source.invalid("minOccurs is more than maxOccurs"),
        _ => Ok((min, max)),
    }
}

fn wildcard(source: Source<'_>) -> Result<Wildcard, XsdError> {
    let target = &source.document.target;
    let spaces = match source.node.get("namespace").unwrap_or("##any") {
        "##any" => Spaces::Any,
        "##other" => Spaces::Other(target.clone()),
        words => {
            let space = |word: &str| match word {
                "##targetNamespace" => target.clone(),
                "##local" => String::new(),
                uri => uri.to_owned(),
            };
            Spaces::These(words.split_ascii_whitespace().map(space).collect())
        }
    };
    let process = match source.node.get("processContents") {
        None | Some("strict") => Process::Strict,
        Some("lax") => Process::Lax,
        Some("skip") => Process::Skip,
        Some(_) => return source.invalid("processContents is strict, lax or skip"),
    };
    Ok(Wildcard { spaces, process })
}
