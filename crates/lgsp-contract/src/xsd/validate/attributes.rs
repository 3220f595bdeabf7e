//! The attributes of an element: those that its type declares, and those that speak to the validator.

use super::super::document::Name;
use super::super::facet::Offence;
use super::super::model::{Kind, Process, TypeId, Usage};
use super::{Frame, Validator};
use crate::xml::{QName, Steps, XSI};

impl<'s> Validator<'s> {
    /// Checks the attributes of an element; those with a value, for keys.
    pub(super) fn attributes(&mut self, kind: TypeId, steps: &Steps<'_, '_>) -> Vec<(Name, String)> {
        let schema = self.schema;
        let mut values = Vec::new();
        let (known, wildcards) = match &schema.types[kind].kind {
            Kind::Complex(complex) => (&*complex.attributes, &*complex.wildcards),
            Kind::Any => return values,
            Kind::Simple(_) | Kind::Pending => (&[][..], &[][..]),
        };
        let mut seen = 0;
        for attribute in &steps.attributes {
            let uri = match attribute.name.prefix() {
                "" => "",
                prefix => steps.scope.resolve(prefix).map_or("", |space| space.uri()),
            };
            let local = attribute.name.local();
            if uri == XSI && matches!(local, "type" | "nil" | "schemaLocation" | "noNamespaceSchemaLocation") {
                continue;
            }
            let name = Name { uri: uri.to_owned(), local: local.to_owned() };
            let declared = known.iter().find(|known| known.name == name && known.usage != Usage::Prohibited);
            seen += usize::from(declared.is_some_and(|declared| declared.usage == Usage::Required));
            let wildcard = wildcards.iter().find(|wildcard| wildcard.allows(uri)).map(|wildcard| wildcard.process);
            let declared = match (declared, wildcard) {
                (Some(declared), _) => declared,
                (None, None) => {
                    self.find("unknown-attribute");
                    continue;
                }
                (None, Some(Process::Skip)) => continue,
                (None, Some(process)) => match schema.global_attributes.get(&name) {
                    Some(declared) => declared,
                    None => {
                        if process == Process::Strict {
                            self.find("unknown-attribute");
                        }
                        continue;
                    }
                },
            };
            if let Some(value) = self.value(declared.kind, &attribute.value, declared.fixed.as_deref(), steps) {
                values.push((name, value));
            }
        }
        if seen < known.iter().filter(|known| known.usage == Usage::Required).count() {
            self.find("required-attribute");
        }
        values
    }

    /// The type that `xsi:type` names.
    pub(super) fn said_type(&self, steps: &Steps<'_, '_>) -> Option<Result<TypeId, Offence>> {
        let said = xsi(steps, "type")?;
        let found = || {
            let name = QName::new(said.trim())?;
            let uri = steps.scope.resolve(name.prefix())?.uri().to_owned();
            self.schema.global_types.get(&Name { uri, local: name.local().to_owned() }).copied()
        };
        Some(found().ok_or("type"))
    }

    pub(super) fn nil(&mut self, frame: &Frame<'s>, steps: &Steps<'_, '_>) -> bool {
        let Some(said) = xsi(steps, "nil") else { return false };
        let is_nillable = frame.element.is_none_or(|id| self.schema.elements[id].nillable);
        let is_nil = matches!(said.trim(), "true" | "1");
        let is_boolean = is_nil || matches!(said.trim(), "false" | "0");
        if frame.kind.is_some() && (!is_boolean || !is_nillable) {
            self.find("nil");
        }
        let is_fixed = frame.element.is_some_and(|id| self.schema.elements[id].fixed.is_some());
        if is_nil && is_fixed {
            self.find("nil");
        }
        is_nil
    }
}

/// An attribute of the namespace that every schema knows.
fn xsi<'t>(steps: &'t Steps<'_, '_>, local: &str) -> Option<&'t str> {
    let mut own = steps.attributes.iter().filter(|attribute| attribute.name.local() == local);
    let found = own.find(|attribute| {
        let prefix = attribute.name.prefix();
        !prefix.is_empty() && steps.scope.resolve(prefix).is_some_and(|space| space.uri() == XSI)
    })?;
    Some(&found.value)
}
