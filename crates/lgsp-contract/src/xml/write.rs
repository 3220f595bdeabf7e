//! Writes a value as XML, the reverse of reading: `@x` is an attribute, a list an element for every entry.
//!
//! Only namespaces that are used are declared, at the root. A value that has no place in XML is an error with the path
//! of its keys, never written as something like it.

mod escape;

use std::borrow::Cow;
use std::fmt;

use escape::{Kind, escape, scalar_text};

use super::name::{QName, illegal_char};
use super::names::{Names, XML, XMLNS, XSI};
use super::read::TEXT;
use super::soap::Version;
use crate::tree::{Member, Tree};

/// The first line of a document.
pub(crate) const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// As deep as values are read, and the two levels of an envelope.
const DEPTH: usize = 66;

/// What becomes of null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Nil {
    /// The element is left out.
    #[default]
    Omit,
    /// The element is there with `xsi:nil`.
    Xsi,
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteOptions {
    /// Whether `<?xml …?>` comes first.
    pub(crate) declaration: bool,
    pub(crate) nil: Nil,
    /// What the prefix `soap` of keys stands for.
    pub(crate) soap: Version,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { declaration: true, nil: Nil::Omit, soap: Version::Soap11 }
    }
}

/// Why a value cannot be XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteErrorKind {
    /// A key is no name.
    Name,
    /// A key has a prefix that the contract does not declare.
    Prefix,
    /// A text holds a character that XML does not allow.
    Character,
    /// A list inside a list, or at the root.
    List,
    /// An attribute or `#text` that is an object or a list.
    NotText,
    /// Nested too deep.
    TooDeep,
}

/// A value that cannot be XML. The path has keys, no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteError {
    /// The keys down to it, each after a slash.
    pub(crate) path: String,
    pub(crate) kind: WriteErrorKind,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            WriteErrorKind::Name => "the key is no name of XML",
            WriteErrorKind::Prefix => "the key has a prefix that the contract's [names] does not declare",
            WriteErrorKind::Character => "the text holds a character that XML 1.0 does not allow",
            WriteErrorKind::List => "XML has no list in a list and no list at the root",
            WriteErrorKind::NotText => "an attribute or #text must be a text, a number or a truth value",
            WriteErrorKind::TooDeep => "it is nested too deep",
        };
        write!(f, "{}: {what}", self.path)
    }
}

impl std::error::Error for WriteError {}

/// Writes a document whose root element is `key` with `tree` inside.
pub(crate) fn write(key: &str, tree: &Tree<'_>, names: &Names, options: &WriteOptions) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    if options.declaration {
        out.extend_from_slice(DECLARATION);
    }
    write_into(&mut out, key, tree, names, options)?;
    Ok(out)
}

/// Appends the element `key` with `tree` inside; it declares what it uses.
pub(crate) fn write_into(
    out: &mut Vec<u8>,
    key: &str,
    tree: &Tree<'_>,
    names: &Names,
    options: &WriteOptions,
) -> Result<(), WriteError> {
    let mut writer = Writer::new(out, names, options);
    writer.element(key, tree).map_err(|kind| writer.error(kind))?;
    writer.declare();
    Ok(())
}

/// Writes one element and what is inside, then its declarations.
pub(crate) struct Writer<'o, 'n, 't> {
    out: &'o mut Vec<u8>,
    names: &'n Names,
    options: WriteOptions,
    /// Where declarations go.
    root: Option<usize>,
    /// Prefixes in use with their namespaces.
    used: Vec<(Cow<'n, str>, &'n str)>,
    /// Namespaces in use that the contract has no prefix for; theirs are `n0`, `n1` …
    others: Vec<&'t str>,
    plain: bool,
    path: Vec<&'t str>,
}

impl<'o, 'n, 't> Writer<'o, 'n, 't> {
    pub(crate) fn new(out: &'o mut Vec<u8>, names: &'n Names, options: &WriteOptions) -> Self {
        let options = *options;
        Self { out, names, options, root: None, used: Vec::new(), others: Vec::new(), plain: false, path: Vec::new() }
    }

    /// The error where the writer stands.
    pub(crate) fn error(&self, kind: WriteErrorKind) -> WriteError {
        let path = if self.path.is_empty() { "/".to_owned() } else { format!("/{}", self.path.join("/")) };
        WriteError { path, kind }
    }

    fn element(&mut self, key: &'t str, tree: &'t Tree<'_>) -> Result<(), WriteErrorKind> {
        match tree {
            Tree::List(items) if self.root.is_some() => items.iter().try_for_each(|item| match item {
                Tree::List(_) => {
                    self.path.push(key);
                    Err(WriteErrorKind::List)
                }
                item => self.element(key, item),
            }),
            Tree::Null if self.options.nil == Nil::Omit && self.root.is_some() => Ok(()),
            tree => {
                self.path.push(key);
                self.one(key, tree)?;
                self.path.pop();
                Ok(())
            }
        }
    }

    fn one(&mut self, key: &'t str, tree: &'t Tree<'_>) -> Result<(), WriteErrorKind> {
        let name = self.open(key)?;
        match tree {
            Tree::List(_) => return Err(WriteErrorKind::List),
            Tree::Object(members) => {
                let members = members.in_order();
                let content = self.attributes(&members)?;
                if content == 0 {
                    self.out.extend_from_slice(b"/>");
                    return Ok(());
                }
                self.out.push(b'>');
                for member in members {
                    self.member(member)?;
                }
            }
            Tree::Null => {
                if self.options.nil == Nil::Xsi {
                    self.use_prefix("xsi")?;
                    self.out.extend_from_slice(b" xsi:nil=\"true\"");
                }
                self.out.extend_from_slice(b"/>");
                return Ok(());
            }
            scalar => {
                let text = scalar_text(scalar)?;
                if text.is_empty() {
                    self.out.extend_from_slice(b"/>");
                    return Ok(());
                }
                self.out.push(b'>');
                self.text(&text)?;
            }
        }
        self.close(name);
        Ok(())
    }

    /// Writes the attributes among `members`; how many other members there are.
    fn attributes(&mut self, members: &[&'t Member<'_>]) -> Result<usize, WriteErrorKind> {
        let mut others = 0;
        for member in members {
            match member.key.as_str().strip_prefix('@') {
                None => others += 1,
                Some(_) if matches!(member.value, Tree::Null) => {}
                Some(name) => {
                    self.path.push(member.key.as_str());
                    self.attribute(name, &scalar_text(&member.value)?)?;
                    self.path.pop();
                }
            }
        }
        Ok(others)
    }

    fn member(&mut self, member: &'t Member<'_>) -> Result<(), WriteErrorKind> {
        match member.key.as_str() {
            key if key.starts_with('@') => Ok(()),
            TEXT => {
                self.path.push(TEXT);
                if !matches!(member.value, Tree::Null) {
                    self.text(&scalar_text(&member.value)?)?;
                }
                self.path.pop();
                Ok(())
            }
            key => self.element(key, &member.value),
        }
    }

    /// `<name`; where the name stands.
    pub(crate) fn open(&mut self, key: &'t str) -> Result<std::ops::Range<usize>, WriteErrorKind> {
        if self.path.len() > DEPTH {
            return Err(WriteErrorKind::TooDeep);
        }
        self.out.push(b'<');
        let start = self.out.len();
        self.name(key, Kind::Element)?;
        let end = self.out.len();
        self.root.get_or_insert(end);
        Ok(start..end)
    }

    /// `</name>`, with the name that stands at `name`.
    pub(crate) fn close(&mut self, name: std::ops::Range<usize>) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_within(name);
        self.out.push(b'>');
    }

    pub(crate) fn attribute(&mut self, key: &'t str, value: &str) -> Result<(), WriteErrorKind> {
        self.out.push(b' ');
        self.name(key, Kind::Attribute)?;
        self.out.extend_from_slice(b"=\"");
        escape(value, Kind::Attribute, self.out)?;
        self.out.push(b'"');
        Ok(())
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), WriteErrorKind> {
        escape(text, Kind::Element, self.out)
    }

    fn name(&mut self, key: &'t str, kind: Kind) -> Result<(), WriteErrorKind> {
        if let Some(rest) = key.strip_prefix('{') {
            let (uri, local) = rest.rsplit_once('}').ok_or(WriteErrorKind::Name)?;
            return self.other(uri, local);
        }
        let name = QName::new(key).ok_or(WriteErrorKind::Name)?;
        if name.prefix().is_empty() {
            // Declaring a namespace is not for keys to do.
            if key == "xmlns" && kind == Kind::Attribute {
                return Err(WriteErrorKind::Name);
            }
            self.plain |= kind == Kind::Element;
        } else {
            self.use_prefix(name.prefix())?;
        }
        self.out.extend_from_slice(key.as_bytes());
        Ok(())
    }

    fn other(&mut self, uri: &'t str, local: &str) -> Result<(), WriteErrorKind> {
        let valid = QName::new(local).is_some_and(|name| name.prefix().is_empty());
        if !valid || uri.is_empty() || illegal_char(uri).is_some() {
            return Err(WriteErrorKind::Name);
        }
        let n = match self.others.iter().position(|known| *known == uri) {
            Some(n) => n,
            None => {
                if matches!(uri, XML | XMLNS) {
                    return Err(WriteErrorKind::Name);
                }
                self.others.push(uri);
                self.others.len() - 1
            }
        };
        let prefix = self.other_prefix(n);
        self.out.extend_from_slice(prefix.as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(local.as_bytes());
        Ok(())
    }

    /// A prefix that the contract does not use.
    fn other_prefix(&self, n: usize) -> String {
        let mut prefix = format!("n{n}");
        while self.names.namespace(&prefix).is_some() {
            prefix.push('_');
        }
        prefix
    }

    fn use_prefix(&mut self, prefix: &str) -> Result<(), WriteErrorKind> {
        if prefix == "xml" || self.used.iter().any(|(known, _)| known == prefix) {
            return Ok(());
        }
        let namespace = match prefix {
            "xsi" => XSI,
            "soap" => self.options.soap.namespace(),
            _ => self.names.namespace(prefix).ok_or(WriteErrorKind::Prefix)?,
        };
        self.used.push((Cow::Owned(prefix.to_owned()), namespace));
        Ok(())
    }

    /// Inserts the declarations of all namespaces in use into the root's start tag.
    pub(crate) fn declare(self) {
        let Some(root) = self.root else { return };
        let mut declarations = Vec::new();
        let mut add = |prefix: &str, namespace: &str| {
            declarations.extend_from_slice(b" xmlns");
            if !prefix.is_empty() {
                declarations.push(b':');
                declarations.extend_from_slice(prefix.as_bytes());
            }
            declarations.extend_from_slice(b"=\"");
            escape(namespace, Kind::Attribute, &mut declarations).expect("namespaces were checked");
            declarations.push(b'"');
        };
        if let Some(namespace) = self.names.plain().filter(|_| self.plain) {
            add("", namespace);
        }
        for (prefix, namespace) in &self.used {
            add(prefix, namespace);
        }
        for (n, namespace) in self.others.iter().enumerate() {
            add(&self.other_prefix(n), namespace);
        }
        self.out.splice(root..root, declarations);
    }
}

#[cfg(test)]
#[path = "write/tests.rs"]
mod tests;
