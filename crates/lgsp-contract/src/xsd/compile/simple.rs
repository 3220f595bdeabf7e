//! Simple types: restrictions with their facets, lists and unions.

use super::super::document::Node;
use super::super::model::{Blocks, Derivation, Facets, Kind, Simple, Type, TypeId, Variety};
use super::super::pattern;
use super::super::value::{Value, White};
use super::super::{XsdError, XsdProblem};
use super::{Compiler, Source, xs};

impl<'d> Compiler<'d> {
    pub(super) fn simple(&mut self, source: Source<'d>, depth: usize) -> Result<Type, XsdError> {
        let any = self.schema.global_types[&xs("anySimpleType")];
        let of = |node: &'d Node| Source { node, ..source };
        let (base, simple) = match source.node.child(&["restriction", "list", "union"]).map(of) {
            Some(inner) if inner.node.local == "restriction" => {
                let base = self.simple_base(inner, inner.node.get("base"), depth)?;
                (base, self.restricted(base, inner)?)
            }
            Some(inner) if inner.node.local == "list" => {
                let item = self.simple_base(inner, inner.node.get("itemType"), depth)?;
                let variety = Variety::List(item);
                (any, Simple { variety, white: White::Collapse, facets: Vec::new() })
            }
            Some(inner) => {
                let mut members = Vec::new();
                for name in inner.node.get("memberTypes").unwrap_or_default().split_ascii_whitespace() {
                    members.push(self.type_at(inner, name)?);
                }
                for node in &inner.node.children {
                    members.push(self.reserve(Source { node, ..source }));
                }
                members.iter().try_for_each(|member| self.ensure_simple(*member, inner, depth))?;
                // Every member deals with white space itself.
                (any, Simple { variety: Variety::Union(members), white: White::Preserve, facets: Vec::new() })
            }
            None => return source.invalid("a simple type is neither restriction nor list nor union"),
        };
        let derivation = Derivation::Restriction;
        Ok(Type {
            base: Some(base),
            derivation,
            is_abstract: false,
            block: Blocks::default(),
            kind: Kind::Simple(simple),
        })
    }

    /// The type that is named, or else the one inside; it is complete then.
    fn simple_base(&mut self, source: Source<'d>, name: Option<&str>, depth: usize) -> Result<TypeId, XsdError> {
        let base = match (name, source.node.child(&["simpleType"])) {
            (Some(name), None) => self.type_at(source, name)?,
            (None, Some(node)) => self.reserve(Source { node, ..source }),
            _ => return source.invalid("a simple type must name another one or hold one"),
        };
        self.ensure_simple(base, source, depth)?;
        Ok(base)
    }

    fn ensure_simple(&mut self, id: TypeId, source: Source<'d>, depth: usize) -> Result<(), XsdError> {
        self.ensure(id, depth)?;
        match self.schema.types[id].kind {
            Kind::Simple(_) => Ok(()),
            _ => source.invalid("a simple type is made of one that is not simple"),
        }
    }

    /// `base` with the facets that stand in a restriction.
    pub(super) fn restricted(&self, base: TypeId, source: Source<'d>) -> Result<Simple, XsdError> {
        let Kind::Simple(simple) = &self.schema.types[base].kind else {
            return source.invalid("a simple type is made of one that is not simple");
        };
        let mut simple = simple.clone();
        let mut facets = Facets::default();
        for node in &source.node.children {
            self.facet(base, Source { node, ..source }, &mut facets, &mut simple.white)?;
        }
        simple.facets.push(facets);
        Ok(simple)
    }

    fn facet(&self, base: TypeId, source: Source<'d>, facets: &mut Facets, white: &mut White) -> Result<(), XsdError> {
        let name = &*source.node.local;
        if matches!(name, "simpleType" | "attribute" | "attributeGroup" | "anyAttribute") {
            return Ok(());
        }
        let Some(text) = source.node.get("value") else { return source.invalid("a facet has no value") };
        let count = || match text.trim().parse::<usize>() {
            Ok(count) => Ok(Some(count)),
            Err(_) => source.invalid("a facet is no whole number"),
        };
        let value = || self.facet_value(base, source, text).map(Some);
        match name {
            "pattern" => match pattern::compile(text) {
                Some(pattern) => facets.patterns.push(pattern),
                None => return source.refuse("this pattern"),
            },
            "enumeration" => facets.enumeration.extend(value()?),
            "length" => facets.length = count()?,
            "minLength" => facets.min_length = count()?,
            "maxLength" => facets.max_length = count()?,
            "totalDigits" => facets.total_digits = count()?,
            "fractionDigits" => facets.fraction_digits = count()?,
            "minInclusive" => facets.min_inclusive = value()?,
            "maxInclusive" => facets.max_inclusive = value()?,
            "minExclusive" => facets.min_exclusive = value()?,
            "maxExclusive" => facets.max_exclusive = value()?,
            "whiteSpace" => {
                *white = match text {
                    "preserve" => White::Preserve,
                    "replace" => White::Replace,
                    "collapse" => White::Collapse,
                    _ => return source.invalid("whiteSpace is preserve, replace or collapse"),
                }
            }
            other => return source.refuse(&format!("the element {other} here")),
        }
        Ok(())
    }

    fn facet_value(&self, base: TypeId, source: Source<'d>, text: &str) -> Result<Value, XsdError> {
        let spaces = |prefix: &str| source.node.space(prefix).map(str::to_owned);
        let value = self.schema.value(base, text, &spaces);
        value.map_err(|rule| source.error(XsdProblem::Invalid(format!("the value of a facet breaks its type: {rule}"))))
    }
}
