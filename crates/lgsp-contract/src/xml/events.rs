//! One document as a series of steps: what the XML library leaves unchecked is checked here, and namespaces are
//! declared. It makes no value of them.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::Event;

use super::attributes::{self, RawAttribute};
use super::error::{XmlError, XmlErrorKind};
use super::limits::XmlLimits;
use super::name::{QName, illegal_char, is_blank};
use super::names::Names;
use super::scope::Scope;
use super::text::{attribute_value, line_ends, reference};

/// One step through a document.
pub(crate) enum Step<'a> {
    /// An element begins; its attributes are in [`Steps::attributes`].
    Start(QName<'a>),
    /// Text or a part of it, references resolved.
    Text(Cow<'a, str>),
    End,
    /// The document is complete.
    Done,
}

/// Reads a document step by step.
pub(crate) struct Steps<'a, 'n> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    pub(crate) scope: Scope<'a, 'n>,
    /// Those of the element that has just begun, declarations of namespaces left out.
    pub(crate) attributes: Vec<Attribute<'a>>,
    raw: Vec<RawAttribute<'a>>,
    limits: &'n XmlLimits,
    /// How many declarations were in force around each open element.
    open: Vec<usize>,
    /// An element without content has begun and must end.
    ends: bool,
    rooted: bool,
    nodes: usize,
    /// Where the step began.
    start: usize,
    has_returns: bool,
    has_section_ends: bool,
}

/// One attribute of an element.
pub(crate) struct Attribute<'a> {
    pub(crate) name: QName<'a>,
    pub(crate) value: Cow<'a, str>,
}

impl<'a, 'n> Steps<'a, 'n> {
    /// A byte order mark is skipped.
    pub(crate) fn new(text: &'a str, names: &'n Names, limits: &'n XmlLimits) -> Result<Self, XmlError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let bytes = text.as_bytes();
        if let Some(at) = illegal_char(text) {
            return Err(XmlError::at(bytes, at, XmlErrorKind::Character));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        Ok(Self {
            text,
            reader,
            scope: Scope::new(names, limits),
            attributes: Vec::new(),
            raw: Vec::new(),
            limits,
            open: Vec::new(),
            ends: false,
            rooted: false,
            nodes: 0,
            start: 0,
            has_returns: memchr::memchr(b'\r', bytes).is_some(),
            has_section_ends: memchr::memmem::find(bytes, b"]]>").is_some(),
        })
    }

    /// The error at the step that was made last.
    pub(crate) fn error(&self, kind: XmlErrorKind) -> XmlError {
        XmlError::at(self.text.as_bytes(), self.start, kind)
    }

    /// The next step. After an error there is none.
    pub(crate) fn next(&mut self) -> Result<Step<'a>, XmlError> {
        self.step().map_err(|kind| self.error(kind))
    }

    fn step(&mut self) -> Result<Step<'a>, XmlErrorKind> {
        if self.ends {
            self.ends = false;
            self.leave();
            return Ok(Step::End);
        }
        loop {
            self.start = self.position();
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    self.start = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                    return Err(self.kind(&error));
                }
            };
            match event {
                Event::Start(_) => return self.begin(),
                Event::Empty(_) => {
                    self.ends = true;
                    return self.begin();
                }
                Event::End(_) => {
                    self.leave();
                    return Ok(Step::End);
                }
                Event::Text(text) => {
                    if let Some(text) = self.text_of(text.into_inner())? {
                        return Ok(Step::Text(text));
                    }
                }
                Event::CData(section) => {
                    self.inside(XmlErrorKind::Syntax)?;
                    return Ok(Step::Text(self.ends_of_lines(section.into_inner())));
                }
                Event::GeneralRef(name) => {
                    self.inside(XmlErrorKind::Syntax)?;
                    let c = reference(&name)?;
                    return Ok(Step::Text(Cow::Owned(c.to_string())));
                }
                Event::Comment(_) => {}
                Event::Decl(_) => self.declaration()?,
                Event::PI(instruction) => {
                    let target = instruction.target();
                    if target.eq_ignore_ascii_case("xml") || QName::new(target).is_none() {
                        return Err(XmlErrorKind::Syntax);
                    }
                }
                Event::DocType(_) => return Err(XmlErrorKind::Doctype),
                Event::Eof => return self.complete(),
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// The tag that was read last, without its brackets and the slash.
    fn tag(&self) -> &'a str {
        let tag = &self.text[self.start + 1..self.position() - 1];
        if self.ends { &tag[..tag.len() - 1] } else { tag }
    }

    fn begin(&mut self) -> Result<Step<'a>, XmlErrorKind> {
        if self.open.is_empty() && self.rooted {
            return Err(XmlErrorKind::TrailingData);
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlErrorKind::TooDeep);
        }
        self.rooted = true;
        let tag = self.tag();
        let end = tag.bytes().position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(tag.len());
        let name = self.name(&tag[..end])?;
        self.open.push(self.scope.mark());
        self.attributes.clear();
        if end < tag.len() {
            self.read_attributes(&tag[end..], self.start + 1 + end)?;
        }
        self.nodes += 1 + self.attributes.len();
        if self.nodes > self.limits.nodes {
            return Err(XmlErrorKind::TooManyNodes);
        }
        Ok(Step::Start(name))
    }

    fn leave(&mut self) {
        let mark = self.open.pop().expect("the reader refuses an end without a start");
        self.scope.leave(mark);
    }

    fn name(&self, raw: &'a str) -> Result<QName<'a>, XmlErrorKind> {
        if raw.len() > self.limits.name {
            return Err(XmlErrorKind::NamesTooLong);
        }
        QName::new(raw).ok_or(XmlErrorKind::Name)
    }

    /// Declares namespaces and collects the other attributes of the tag whose rest is `rest`, which begins at `offset`.
    fn read_attributes(&mut self, rest: &'a str, offset: usize) -> Result<(), XmlErrorKind> {
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        let split = attributes::split(rest, self.limits.attributes, &mut raw);
        let read = split.and_then(|()| raw.iter().try_for_each(|one| self.read_attribute(one)));
        self.raw = raw;
        read.map_err(|(at, kind)| {
            self.start = offset + at;
            kind
        })
    }

    fn read_attribute(&mut self, raw: &RawAttribute<'a>) -> Result<(), (usize, XmlErrorKind)> {
        let value = attribute_value(raw.value).map_err(|(at, kind)| (raw.value_at + at, kind))?;
        let name = self.name(raw.name).map_err(|kind| (raw.at, kind))?;
        if name.prefix() == "xmlns" || name.raw == "xmlns" {
            let prefix = if name.prefix().is_empty() { "" } else { name.local() };
            let mark = *self.open.last().expect("the element was just begun");
            return self.scope.declare(prefix, value, mark).map_err(|kind| (raw.at, kind));
        }
        if self.attributes.iter().any(|known| known.name.raw == name.raw) {
            return Err((raw.at, XmlErrorKind::DuplicateAttribute));
        }
        self.attributes.push(Attribute { name, value });
        Ok(())
    }

    /// A run of text; `None` for white space around the root element.
    fn text_of(&self, text: Cow<'a, str>) -> Result<Option<Cow<'a, str>>, XmlErrorKind> {
        if self.open.is_empty() {
            return if is_blank(&text) { Ok(None) } else { Err(self.outside()) };
        }
        if self.has_section_ends && memchr::memmem::find(text.as_bytes(), b"]]>").is_some() {
            return Err(XmlErrorKind::Syntax);
        }
        Ok(Some(self.ends_of_lines(text)))
    }

    fn ends_of_lines(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        match text {
            Cow::Borrowed(text) if self.has_returns => line_ends(text),
            text => text,
        }
    }

    fn inside(&self, before: XmlErrorKind) -> Result<(), XmlErrorKind> {
        match (self.open.is_empty(), self.rooted) {
            (false, _) => Ok(()),
            (true, true) => Err(XmlErrorKind::TrailingData),
            (true, false) => Err(before),
        }
    }

    fn outside(&self) -> XmlErrorKind {
        if self.rooted { XmlErrorKind::TrailingData } else { XmlErrorKind::Syntax }
    }

    /// `<?xml …?>`: only at the very beginning, version 1.0. The encoding was dealt with when the text was made.
    fn declaration(&mut self) -> Result<(), XmlErrorKind> {
        if self.start != 0 {
            return Err(XmlErrorKind::Syntax);
        }
        let inside = &self.text["<?xml".len()..self.position() - "?>".len()];
        let mut raw = Vec::new();
        attributes::split(inside, 3, &mut raw).map_err(|_| XmlErrorKind::Syntax)?;
        let mut fields = raw.iter().map(|one| (one.name, one.value)).peekable();
        match fields.next() {
            Some(("version", "1.0")) => {}
            Some(("version", _)) => return Err(XmlErrorKind::Version),
            _ => return Err(XmlErrorKind::Syntax),
        }
        fields.next_if(|(name, _)| *name == "encoding");
        fields.next_if(|(name, value)| *name == "standalone" && matches!(*value, "yes" | "no"));
        fields.next().map_or(Ok(()), |_| Err(XmlErrorKind::Syntax))
    }

    fn complete(&mut self) -> Result<Step<'a>, XmlErrorKind> {
        match (self.open.is_empty(), self.rooted) {
            (true, true) => Ok(Step::Done),
            (true, false) => Err(XmlErrorKind::Empty),
            (false, _) => Err(XmlErrorKind::Truncated),
        }
    }

    fn kind(&self, error: &Error) -> XmlErrorKind {
        match error {
            Error::Syntax(SyntaxError::UnclosedDoctype) => XmlErrorKind::Doctype,
            Error::Syntax(SyntaxError::InvalidBangMarkup) => XmlErrorKind::Syntax,
            Error::Syntax(_) => XmlErrorKind::Truncated,
            Error::IllFormed(IllFormedError::MissingDoctypeName) => XmlErrorKind::Doctype,
            Error::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => {
                XmlErrorKind::Mismatched
            }
            Error::IllFormed(IllFormedError::UnclosedReference) => XmlErrorKind::Entity,
            _ => XmlErrorKind::Syntax,
        }
    }
}
