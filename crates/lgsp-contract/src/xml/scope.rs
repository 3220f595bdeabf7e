//! The namespaces that are declared where the reader stands, and the keys that names get by them.

use std::borrow::Cow;

use super::error::XmlErrorKind;
use super::limits::XmlLimits;
use super::name::QName;
use super::names::{Names, XML, XMLNS, XSI};
use super::soap::Version;

/// What a prefix of the document stands for.
#[derive(Clone)]
pub(crate) enum Space<'a, 'n> {
    /// No namespace.
    None,
    /// One of the contract, with the prefix that its keys have.
    Known {
        prefix: &'n str,
        uri: Cow<'a, str>,
    },
    /// One that the contract does not know.
    Other(Cow<'a, str>),
    Soap(Version),
    Xsi,
    Xml,
}

impl Space<'_, '_> {
    pub(crate) fn uri(&self) -> &str {
        match self {
            Self::None => "",
            Self::Known { uri, .. } | Self::Other(uri) => uri,
            Self::Soap(version) => version.namespace(),
            Self::Xsi => XSI,
            Self::Xml => XML,
        }
    }
}

struct Binding<'a, 'n> {
    prefix: &'a str,
    space: Space<'a, 'n>,
}

/// The declarations in force, innermost last.
pub(crate) struct Scope<'a, 'n> {
    names: &'n Names,
    bindings: Vec<Binding<'a, 'n>>,
    /// The envelope around everything, if there is one: only its namespace has the prefix `soap`.
    pub(crate) envelope: Option<Version>,
    /// How many bytes of keys may still be made that do not stand in the document.
    room: usize,
    most: usize,
}

impl<'a, 'n> Scope<'a, 'n> {
    pub(crate) fn new(names: &'n Names, limits: &XmlLimits) -> Self {
        Self { names, bindings: Vec::new(), envelope: None, room: limits.name_bytes, most: limits.namespaces }
    }

    /// How many declarations are in force.
    #[inline]
    pub(crate) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Forgets the declarations after the first `mark`.
    #[inline]
    pub(crate) fn leave(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }

    /// Declares a prefix; `""` declares the namespace of names without one.
    pub(crate) fn declare(&mut self, prefix: &'a str, uri: Cow<'a, str>, mark: usize) -> Result<(), XmlErrorKind> {
        if self.bindings[mark..].iter().any(|binding| binding.prefix == prefix) {
            return Err(XmlErrorKind::DuplicateAttribute);
        }
        let reserved = prefix == "xmlns" || uri == XMLNS || (prefix == "xml") != (uri == XML);
        if reserved || (uri.is_empty() && !prefix.is_empty()) {
            return Err(XmlErrorKind::Namespace);
        }
        if self.bindings.len() >= self.most {
            return Err(XmlErrorKind::TooManyNamespaces);
        }
        let space = self.space(uri);
        self.bindings.push(Binding { prefix, space });
        Ok(())
    }

    fn space(&self, uri: Cow<'a, str>) -> Space<'a, 'n> {
        let fixed = [
            ("", Space::None),
            (XSI, Space::Xsi),
            (XML, Space::Xml),
            (Version::Soap11.namespace(), Space::Soap(Version::Soap11)),
            (Version::Soap12.namespace(), Space::Soap(Version::Soap12)),
        ];
        if let Some((_, space)) = fixed.into_iter().find(|(known, _)| *known == uri) {
            return space;
        }
        match self.names.key_prefix(&uri) {
            Some(prefix) => Space::Known { prefix, uri },
            None => Space::Other(uri),
        }
    }

    /// What a prefix stands for here; `None` when it is not declared.
    #[inline]
    pub(crate) fn resolve(&self, prefix: &str) -> Option<&Space<'a, 'n>> {
        match self.bindings.iter().rev().find(|binding| binding.prefix == prefix) {
            Some(binding) => Some(&binding.space),
            None if prefix.is_empty() => Some(&Space::None),
            None if prefix == "xml" => Some(&Space::Xml),
            None => None,
        }
    }

    /// The key of an element.
    #[inline]
    pub(crate) fn element_key(&mut self, name: QName<'a>) -> Result<Cow<'a, str>, XmlErrorKind> {
        if self.bindings.is_empty() && name.prefix().is_empty() {
            return Ok(Cow::Borrowed(name.raw));
        }
        let space = self.resolve(name.prefix()).ok_or(XmlErrorKind::UnboundPrefix)?;
        let prefix = match space {
            Space::None => "",
            Space::Known { prefix, .. } => prefix,
            Space::Soap(version) if self.envelope.unwrap_or(Version::Soap11) == *version => "soap",
            Space::Xsi => "xsi",
            Space::Xml => "xml",
            Space::Other(_) | Space::Soap(_) => {
                let key = format!("{{{}}}{}", space.uri(), name.local());
                return self.made(key).map(Cow::Owned);
            }
        };
        if prefix.is_empty() {
            return Ok(Cow::Borrowed(name.local()));
        }
        if prefix == name.prefix() {
            return Ok(Cow::Borrowed(name.raw));
        }
        let key = [prefix, ":", name.local()].concat();
        self.made(key).map(Cow::Owned)
    }

    /// The key of an attribute: with `@`, and never in the namespace of keys without a prefix, because attributes
    /// without a prefix are in none.
    pub(crate) fn attribute_key(&mut self, name: QName<'a>) -> Result<String, XmlErrorKind> {
        if name.prefix().is_empty() {
            return self.made(["@", name.raw].concat());
        }
        let space = self.resolve(name.prefix()).ok_or(XmlErrorKind::UnboundPrefix)?;
        let prefix = match space {
            Space::Known { prefix, .. } if !prefix.is_empty() => prefix,
            Space::Soap(version) if self.envelope.unwrap_or(Version::Soap11) == *version => "soap",
            Space::Xsi => "xsi",
            Space::Xml => "xml",
            Space::None | Space::Known { .. } | Space::Other(_) | Space::Soap(_) => {
                let key = format!("@{{{}}}{}", space.uri(), name.local());
                return self.made(key);
            }
        };
        let key = ["@", prefix, ":", name.local()].concat();
        self.made(key)
    }

    /// A namespace is written once and may be meant by every element: what keys copy of it is bounded.
    pub(crate) fn made(&mut self, key: String) -> Result<String, XmlErrorKind> {
        self.room = self.room.checked_sub(key.len()).ok_or(XmlErrorKind::NamesTooLong)?;
        Ok(key)
    }
}
