//! One message of an operation: read by its form, typed and checked by its schema, written in a form. It maps nothing.

use std::borrow::Cow;

use bytes::Bytes;
use lgsp_model::Finding;

use super::{Refusal, UpstreamAnswer};
use crate::json;
use crate::map::Context;
use crate::schema::RecordSchema;
use crate::service::format::{is_json, media_type};
use crate::service::order::Order;
use crate::service::shape::Shape;
use crate::service::{Blame, Format};
use crate::tree::{Member, Members, Tree};
use crate::xml::soap::{self, Body, SoapError, Understood, Version};
use crate::xml::{self, Element, Lists, Names, WriteError, WriteOptions, XmlLimits, charset, multipart};
use crate::xsd::{Part, XmlSchema};

/// What is known of one message of an operation.
pub(crate) struct Side {
    pub(crate) schema: Option<MessageSchema>,
    pub(crate) shape: Shape,
    /// How its members stand when it is written as XML.
    pub(crate) order: Order,
    pub(crate) lists: Lists,
    /// The root element, or the element in the body of an envelope. Of answers it may be absent: then any.
    pub(crate) element: Option<String>,
}

/// By which a message is checked.
pub(crate) enum MessageSchema {
    Json {
        schema: RecordSchema,
        /// As it was written, for descriptions.
        source: String,
    },
    Xsd {
        schema: Box<dyn XmlSchema>,
        /// Its files, for descriptions.
        parts: Vec<Part>,
    },
}

/// A message that was read. No `Debug`: it holds personal data.
#[derive(Default)]
pub(super) struct Message<'a> {
    pub(super) tree: Tree<'a>,
    /// The header blocks of its envelope.
    pub(super) header: Vec<Element<'a>>,
    pub(super) version: Option<Version>,
    pub(super) fault: Option<soap::Fault<'a>>,
}

/// What stands around a value when it is written as XML.
pub(crate) struct Envelope<'e, 'a> {
    pub(crate) element: Option<&'e str>,
    pub(crate) header: Vec<Element<'a>>,
}

impl<'a> Message<'a> {
    /// A request without a body: the parameters of its path and query are the message.
    pub(super) fn of_parameters(context: &'a Context<'a>, side: &Side) -> Self {
        let mut members: Vec<Member<'a>> = Vec::new();
        for (name, value) in context.path.iter().chain(context.query) {
            if !members.iter().any(|member| member.key.as_str() == name) {
                members.push(Member::new(Cow::Borrowed(&**name), Tree::Text(Cow::Borrowed(value))));
            }
        }
        let tree = Tree::Object(Members::sorted(members).expect("every name was taken once"));
        Self { tree: side.shape.apply(tree), ..Self::default() }
    }

    /// The form that the message really has: an envelope says its version itself.
    pub(super) fn format(&self, declared: Format) -> Format {
        match self.version {
            Some(Version::Soap11) => Format::Soap11,
            Some(Version::Soap12) => Format::Soap12,
            None => declared,
        }
    }
}

impl Side {
    /// Reads a request. Header blocks of an envelope that goes on to another one are for whoever gets that; otherwise
    /// none is understood here.
    pub(super) fn read<'a>(
        &self,
        format: Format,
        passed_on: bool,
        text: &'a str,
        names: &Names,
    ) -> Result<Message<'a>, Refusal> {
        let understood = if passed_on { Understood::Passed } else { Understood::None };
        let message = self.read_any(format, text, names, understood)?;
        match message.fault {
            Some(_) => Err(Refusal::soap("a request cannot be a fault")),
            None => Ok(message),
        }
    }

    /// Reads an answer: it may be a fault.
    pub(super) fn read_answer<'a>(&self, format: Format, text: &'a str, names: &Names) -> Result<Message<'a>, Refusal> {
        self.read_any(format, text, names, Understood::Passed)
    }

    /// A value as its form wants it: JSON has types, which XML has not, and XML has an order.
    pub(super) fn formed<'a>(&self, tree: Tree<'a>, from: Format, to: Format) -> Tree<'a> {
        match to {
            Format::Json if from.is_xml() => self.shape.apply(tree),
            Format::Json => tree,
            Format::Xml | Format::Soap11 | Format::Soap12 => self.order.arrange(tree),
        }
    }

    /// Whether an error is in the form that the contract promises, and not a page of some server on the way.
    pub(super) fn is_readable_error(&self, format: Format, answer: &UpstreamAnswer<'_>, names: &Names) -> bool {
        if answer.body.is_empty() {
            return !format.is_soap();
        }
        let Ok(text) = decode_answer(format, answer, answer.body) else { return false };
        // An error may be another document than the answer is.
        matches!(self.read_answer(format, &text, names), Ok(_) | Err(Refusal::Violates(_)))
    }

    fn read_any<'a>(
        &self,
        format: Format,
        text: &'a str,
        names: &Names,
        understood: Understood,
    ) -> Result<Message<'a>, Refusal> {
        let limits = XmlLimits::default();
        let mut message = match format {
            Format::Json => {
                return Ok(Message {
                    tree: json::parse(text.as_bytes()).map_err(Refusal::Json)?,
                    ..Message::default()
                });
            }
            Format::Xml => {
                let root = xml::read(text, names, &self.lists, &limits).map_err(Refusal::Xml)?;
                Message { tree: self.inside(root)?, ..Message::default() }
            }
            Format::Soap11 | Format::Soap12 => {
                let envelope = soap::read(text, names, &self.lists, &limits, understood)?;
                let (tree, fault) = match envelope.body {
                    Body::Payload(element) => (self.inside(element)?, None),
                    Body::Fault(fault) => (Tree::Null, Some(fault)),
                    Body::Empty => (empty(), None),
                };
                Message { tree, fault, header: envelope.headers, version: Some(envelope.version) }
            }
        };
        message.tree = self.shape.apply(std::mem::take(&mut message.tree));
        Ok(message)
    }

    /// What stands in the element, if it is the one that the contract names.
    fn inside<'a>(&self, element: Element<'a>) -> Result<Tree<'a>, Refusal> {
        match &self.element {
            Some(expected) if *expected != element.key => {
                let message = format!("the element must be {expected}, in the namespace of the contract");
                Err(Refusal::Violates(vec![Finding::new("", "element", message)]))
            }
            _ => Ok(match element.value {
                // An element without anything inside is an object without members.
                Tree::Text(text) if text.trim().is_empty() => empty(),
                other => other,
            }),
        }
    }

    /// Whether a message keeps its schema.
    pub(super) fn check(&self, tree: &Tree<'_>, size: usize, names: &Names) -> Result<(), Vec<Finding>> {
        match &self.schema {
            None => Ok(()),
            Some(MessageSchema::Json { schema, .. }) => schema.check(tree, size),
            Some(MessageSchema::Xsd { schema, .. }) => {
                let element = self.element.as_deref().unwrap_or("root");
                let document = xml::write(element, tree, names, &WriteOptions::default())
                    .map_err(|error| vec![unwritable(&error)])?;
                schema.check(std::str::from_utf8(&document).expect("XML is written as UTF-8"))
            }
        }
    }
}

fn empty<'a>() -> Tree<'a> {
    Tree::Object(Members::sorted(Vec::new()).expect("no keys, none twice"))
}

fn unwritable(error: &WriteError) -> Finding {
    Finding::new(error.path.clone(), "not-xml", error.to_string())
}

impl From<SoapError> for Refusal {
    fn from(error: SoapError) -> Self {
        match error {
            SoapError::Xml(error) => Self::Xml(error),
            SoapError::VersionMismatch => Self::Soap { what: error.to_string().into(), blame: Blame::VersionMismatch },
            SoapError::MustUnderstand { .. } => {
                Self::Soap { what: error.to_string().into(), blame: Blame::MustUnderstand }
            }
            SoapError::Shape { .. } => Self::soap(error.to_string()),
        }
    }
}

/// Writes a value in a form.
pub(crate) fn write(
    tree: Tree<'_>,
    format: Format,
    envelope: &Envelope<'_, '_>,
    names: &Names,
) -> Result<Vec<u8>, Finding> {
    let element = envelope.element.unwrap_or("response");
    let options = WriteOptions::default();
    let version = match format {
        Format::Json => {
            let mut out = Vec::new();
            json::write(&tree, &mut out);
            return Ok(out);
        }
        Format::Xml => {
            return xml::write(element, &tree, names, &options).map_err(|error| unwritable(&error));
        }
        Format::Soap11 => Version::Soap11,
        Format::Soap12 => Version::Soap12,
    };
    let payload = Element::new(element, tree);
    soap::write(version, &envelope.header, Some(&payload), names, &options).map_err(|error| unwritable(&error))
}

/// The text of a request in a form.
pub(super) fn decode<'a>(format: Format, content_type: Option<&str>, body: &'a [u8]) -> Result<Cow<'a, str>, Refusal> {
    if format == Format::Json {
        return std::str::from_utf8(body).map(Cow::Borrowed).map_err(|_| {
            let error = json::parse(body).err().expect("bytes that are not UTF-8 are refused");
            Refusal::Json(error)
        });
    }
    let media = content_type.and_then(soap::media_type);
    let charset = media
        .as_ref()
        .filter(|media| !media.essence.starts_with("multipart/"))
        .and_then(|media| media.parameter("charset"));
    charset::decode(body, charset).map_err(Refusal::Xml)
}

/// The form of a request and its text.
pub(crate) fn decode_request<'a>(
    exchange: &super::Exchange,
    content_type: Option<&str>,
    body: &'a Bytes,
) -> Result<(Format, Cow<'a, str>), Refusal> {
    let format = exchange.caller_format(content_type)?;
    let parts = Parts::of(content_type, body)?;
    Ok((format, decode(format, content_type, parts.root())?))
}

/// The text of an answer, which must be in the form that the contract says.
pub(super) fn decode_answer<'a>(
    format: Format,
    answer: &UpstreamAnswer<'_>,
    root: &'a [u8],
) -> Result<Cow<'a, str>, Refusal> {
    let fits = answer.content_type.is_none_or(|content_type| {
        let media = media_type(content_type);
        let xml = media.ends_with("/xml") || media.ends_with("+xml");
        media == "multipart/related"
            // Old servers say text for everything, and some leave the type out.
            || media.starts_with("text/plain")
            || media == "application/octet-stream"
            || if format.is_xml() { xml } else { is_json(&media) || media == "text/html" }
    });
    if !fits {
        return Err(Refusal::Answer { findings: Vec::new(), why: "it has another media type".into() });
    }
    decode(format, answer.content_type, root).map_err(Refusal::answer)
}

/// A body as it came, and where in it the message stands when it has attachments.
pub(super) struct Parts<'a> {
    body: &'a Bytes,
    root: Option<multipart::RootPart>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(content_type: Option<&str>, body: &'a Bytes) -> Result<Self, Refusal> {
        let related = content_type.filter(|header| media_type(header) == "multipart/related");
        let root = related.map(|header| multipart::find_root(header, body)).transpose();
        let root = root.map_err(|error| Refusal::soap(error.to_string()))?;
        Ok(Self { body, root })
    }

    /// The media type of the root part, as the header of the whole says it.
    pub(super) fn root_type(content_type: &str) -> Option<String> {
        let media = soap::media_type(content_type)?;
        let inner = media.parameter("type").filter(|inner| *inner != "application/xop+xml");
        inner.or_else(|| media.parameter("start-info")).map(media_type)
    }

    pub(super) fn root(&self) -> &'a [u8] {
        match &self.root {
            Some(root) => &self.body[root.content.clone()],
            None => self.body,
        }
    }

    pub(super) fn has_attachments(&self) -> bool {
        self.root.as_ref().is_some_and(|root| root.parts > 1)
    }

    /// The body with another message in place of this one. Attachments stay as they are; a form that has none gets the
    /// message alone.
    pub(super) fn replace_root(
        &self,
        format: Format,
        action: Option<&str>,
        written: Vec<u8>,
    ) -> Result<(Option<String>, Bytes), Refusal> {
        match &self.root {
            Some(root) if format.is_soap() => Ok((None, root.replace(self.body, &written).into())),
            Some(root) if root.parts > 1 => {
                Err(Refusal::soap("the message has attachments, which the other side cannot take"))
            }
            _ => {
                let content_type = match format {
                    Format::Soap12 => Version::Soap12.content_type(action),
                    other => other.media_type().to_owned(),
                };
                Ok((Some(content_type), written.into()))
            }
        }
    }
}
