//! SOAP 1.1 and 1.2 envelopes with document/literal bodies: read and written, and the media types that they travel as.
//!
//! It does not know operations. The RPC encoding (`href`, `encodingStyle`) is not interpreted; its attributes are values
//! like any other.

mod fault;
mod media;

use std::borrow::Cow;
use std::fmt;

use super::error::XmlError;
use super::limits::XmlLimits;
use super::names::{Lists, Names};
use super::read::{Element, read_document};
use super::write::{DECLARATION, WriteError, WriteOptions, write_into};
use crate::tree::Tree;

pub(crate) use fault::{Fault, FaultCode, write_fault};
pub(crate) use media::{MediaType, media_type};

/// A version of SOAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Soap11,
    Soap12,
}

impl Version {
    /// The namespace of its envelopes.
    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::Soap11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }
}

/// A message. No `Debug`: it holds personal data.
pub(crate) struct Envelope<'a> {
    pub(crate) version: Version,
    pub(crate) headers: Vec<Element<'a>>,
    pub(crate) body: Body<'a>,
}

/// What the body of an envelope holds.
pub(crate) enum Body<'a> {
    Payload(Element<'a>),
    Fault(Fault<'a>),
    Empty,
}

/// What becomes of header blocks that must be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Understood {
    /// Whoever gets the message next decides.
    Passed,
    /// None is understood here.
    None,
}

/// Why a document is not acceptable as an envelope. It has no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SoapError {
    Xml(XmlError),
    /// An envelope of another version, or no envelope at all.
    VersionMismatch,
    /// A header that must be understood is not; its key.
    MustUnderstand {
        version: Version,
        header: String,
    },
    /// Something stands in the envelope where it does not belong.
    Shape {
        version: Version,
        what: ShapeError,
    },
}

/// What is wrong with the parts of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShapeError {
    NoBody,
    /// An element other than header and body, or body before header.
    UnknownPart,
    /// The body has more than one element.
    SeveralPayloads,
    /// Text in place of an element.
    Text,
    /// A fault without its code or reason.
    Fault,
}

impl fmt::Display for SoapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(error) => error.fmt(f),
            Self::VersionMismatch => f.write_str("this is no SOAP 1.1 or 1.2 envelope; send one of them"),
            Self::MustUnderstand { header, .. } => {
                write!(f, "the header {header} must be understood and is not; leave it out")
            }
            Self::Shape { what, .. } => f.write_str(match what {
                ShapeError::NoBody => "the envelope has no body; send one",
                ShapeError::UnknownPart => "the envelope holds something other than one header and then one body",
                ShapeError::SeveralPayloads => "the body holds more than one element; send one (document/literal)",
                ShapeError::Text => "a header or body holds text; put it into an element",
                ShapeError::Fault => "the fault has no code or no reason; send both",
            }),
        }
    }
}

impl std::error::Error for SoapError {}

impl From<XmlError> for SoapError {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

/// Reads an envelope. Paths in `lists` begin below the body.
pub(crate) fn read<'a>(
    text: &'a str,
    names: &Names,
    lists: &Lists,
    limits: &XmlLimits,
    understood: Understood,
) -> Result<Envelope<'a>, SoapError> {
    let document = read_document(text, names, lists, limits)?;
    let version = document.envelope.ok_or(SoapError::VersionMismatch)?;
    let shape = |what| SoapError::Shape { version, what };
    let (mut headers, mut body) = (Vec::new(), None);
    for part in elements(document.root.value).map_err(shape)? {
        match &*part.key {
            "soap:Header" if headers.is_empty() && body.is_none() => headers = elements(part.value).map_err(shape)?,
            "soap:Body" if body.is_none() => body = Some(elements(part.value).map_err(shape)?),
            _ => return Err(shape(ShapeError::UnknownPart)),
        }
    }
    if understood == Understood::None {
        headers.iter().try_for_each(|header| check_understood(header, version))?;
    }
    let mut payloads = body.ok_or(shape(ShapeError::NoBody))?;
    let body = match (payloads.len(), payloads.pop()) {
        (_, None) => Body::Empty,
        (1, Some(only)) if only.key == "soap:Fault" => {
            Body::Fault(Fault::from_tree(only.value, version).ok_or(shape(ShapeError::Fault))?)
        }
        (1, Some(only)) => Body::Payload(only),
        (_, Some(_)) => return Err(shape(ShapeError::SeveralPayloads)),
    };
    Ok(Envelope { version, headers, body })
}

/// The elements inside an element; its attributes are of no interest.
fn elements(tree: Tree<'_>) -> Result<Vec<Element<'_>>, ShapeError> {
    let members = match tree {
        Tree::Object(members) => members.into_order(),
        Tree::Text(text) if text.trim().is_empty() => return Ok(Vec::new()),
        Tree::Null => return Ok(Vec::new()),
        _ => return Err(ShapeError::Text),
    };
    let mut elements = Vec::with_capacity(members.len());
    for member in members {
        let key = member.key.into_text();
        match member.value {
            _ if key.starts_with('@') => {}
            Tree::Text(text) if key == super::read::TEXT => {
                if !text.trim().is_empty() {
                    return Err(ShapeError::Text);
                }
            }
            Tree::List(items) => {
                elements.extend(items.into_iter().map(|value| Element { key: key.clone(), value }));
            }
            value => elements.push(Element { key, value }),
        }
    }
    Ok(elements)
}

/// A block for somebody further on is not ours to understand.
fn check_understood(header: &Element<'_>, version: Version) -> Result<(), SoapError> {
    let text = |key| header.value.get(key).and_then(Tree::as_str).map(str::trim);
    let must = matches!(text("@soap:mustUnderstand"), Some("1" | "true"));
    let for_us = match version {
        Version::Soap11 => text("@soap:actor").is_none_or(|actor| actor.is_empty() || actor.ends_with("/actor/next")),
        Version::Soap12 => text("@soap:role").is_none_or(|role| {
            role.is_empty() || role.ends_with("/role/next") || role.ends_with("/role/ultimateReceiver")
        }),
    };
    if must && for_us {
        return Err(SoapError::MustUnderstand { version, header: header.key.clone().into_owned() });
    }
    Ok(())
}

/// Writes an envelope. Every header and the payload declare the namespaces that they use themselves.
pub(crate) fn write(
    version: Version,
    headers: &[Element<'_>],
    payload: Option<&Element<'_>>,
    names: &Names,
    options: &WriteOptions,
) -> Result<Vec<u8>, WriteError> {
    let options = WriteOptions { soap: version, ..*options };
    let mut out = Vec::new();
    begin(&mut out, version, options.declaration);
    if !headers.is_empty() {
        out.extend_from_slice(b"<soap:Header>");
        for header in headers {
            write_into(&mut out, &header.key, &header.value, names, &options)?;
        }
        out.extend_from_slice(b"</soap:Header>");
    }
    out.extend_from_slice(b"<soap:Body>");
    if let Some(payload) = payload {
        write_into(&mut out, &payload.key, &payload.value, names, &options)?;
    }
    end(&mut out);
    Ok(out)
}

fn begin(out: &mut Vec<u8>, version: Version, declaration: bool) {
    if declaration {
        out.extend_from_slice(DECLARATION);
    }
    out.extend_from_slice(b"<soap:Envelope xmlns:soap=\"");
    out.extend_from_slice(version.namespace().as_bytes());
    out.extend_from_slice(b"\">");
}

fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"</soap:Body></soap:Envelope>");
}

impl<'a> Element<'a> {
    pub(crate) fn new(key: impl Into<Cow<'a, str>>, value: Tree<'a>) -> Self {
        Self { key: key.into(), value }
    }
}

#[cfg(test)]
mod tests;
