//! One document as a series of steps: well-formed and within its bounds, namespaces declared. It makes no value of them.
//!
//! Strict where XML 1.0 is; document types are refused, so that there are no entities but the five of XML itself.

use std::borrow::Cow;

use super::attributes;
use super::error::{XmlError, XmlErrorKind};
use super::limits::XmlLimits;
use super::name::{QName, illegal_char, is_blank, is_space};
use super::names::Names;
use super::scope::Scope;
use super::text::{attribute_value, line_ends, reference};

/// The longest reference that means something has 10 characters: `&#1114111;`. Zeros in front may make it longer.
const MAX_REFERENCE: usize = 32;

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

/// One attribute of an element.
pub(crate) struct Attribute<'a> {
    pub(crate) name: QName<'a>,
    pub(crate) value: Cow<'a, str>,
}

/// An element that has begun and not ended.
struct Open<'a> {
    name: &'a str,
    /// How many declarations are in force around it.
    mark: usize,
}

/// Reads a document step by step.
pub(crate) struct Steps<'a, 'n> {
    text: &'a str,
    /// What is read next.
    at: usize,
    /// Where the step began, or what was wrong with it.
    start: usize,
    pub(crate) scope: Scope<'a, 'n>,
    /// Those of the element that has just begun, declarations of namespaces left out.
    pub(crate) attributes: Vec<Attribute<'a>>,
    limits: &'n XmlLimits,
    open: Vec<Open<'a>>,
    /// An element without content has begun and must end.
    ends: bool,
    rooted: bool,
    nodes: usize,
    has_returns: bool,
    has_section_ends: bool,
}

impl<'a, 'n> Steps<'a, 'n> {
    /// A byte order mark is skipped.
    pub(crate) fn new(text: &'a str, names: &'n Names, limits: &'n XmlLimits) -> Result<Self, XmlError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let bytes = text.as_bytes();
        if let Some(at) = illegal_char(text) {
            return Err(XmlError::at(bytes, at, XmlErrorKind::Character));
        }
        Ok(Self {
            text,
            at: 0,
            start: 0,
            scope: Scope::new(names, limits),
            attributes: Vec::new(),
            limits,
            open: Vec::new(),
            ends: false,
            rooted: false,
            nodes: 0,
            has_returns: memchr::memchr(b'\r', bytes).is_some(),
            has_section_ends: memchr::memmem::find(bytes, b"]]>").is_some(),
        })
    }

    /// The error at the step that was made last.
    pub(crate) fn error(&self, kind: XmlErrorKind) -> XmlError {
        XmlError::at(self.text.as_bytes(), self.start, kind)
    }

    /// The next step. After an error there is none.
    #[inline]
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
            self.start = self.at;
            let step = match self.rest().as_bytes() {
                [] => return self.complete(),
                [b'<', b'/', ..] => Some(self.end()?),
                [b'<', b'!', ..] => self.section()?,
                [b'<', b'?', ..] => {
                    self.instruction()?;
                    None
                }
                [b'<', _, ..] => Some(self.begin()?),
                [b'<'] => return Err(XmlErrorKind::Truncated),
                [b'&', ..] => Some(self.reference()?),
                _ => self.run()?,
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    #[inline]
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn begin(&mut self) -> Result<Step<'a>, XmlErrorKind> {
        if self.open.is_empty() && self.rooted {
            return Err(XmlErrorKind::TrailingData);
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlErrorKind::TooDeep);
        }
        self.rooted = true;
        self.at += 1;
        let name = self.name()?;
        self.open.push(Open { name: name.raw, mark: self.scope.mark() });
        self.attributes.clear();
        if self.rest().starts_with('>') {
            self.at += 1;
        } else {
            self.read_attributes()?;
        }
        self.nodes += 1 + self.attributes.len();
        if self.nodes > self.limits.nodes {
            return Err(XmlErrorKind::TooManyNodes);
        }
        Ok(Step::Start(name))
    }

    /// The name that stands here; what follows it is next.
    #[inline]
    fn name(&mut self) -> Result<QName<'a>, XmlErrorKind> {
        let name = QName::read(self.rest()).ok_or(XmlErrorKind::Name)?;
        if name.raw.len() > self.limits.name {
            return Err(XmlErrorKind::NamesTooLong);
        }
        self.at += name.raw.len();
        Ok(name)
    }

    fn skip_space(&mut self) -> usize {
        let length = self.rest().bytes().take_while(|byte| is_space(*byte)).count();
        self.at += length;
        length
    }

    /// Everything after the name in a start tag: declares namespaces and collects the other attributes.
    fn read_attributes(&mut self) -> Result<(), XmlErrorKind> {
        let first = self.scope.mark();
        let mut count = 0;
        loop {
            let space = self.skip_space();
            self.start = self.at;
            match self.rest().as_bytes() {
                [] => return Err(XmlErrorKind::Truncated),
                [b'>', ..] => {
                    self.at += 1;
                    return Ok(());
                }
                [b'/', b'>', ..] => {
                    self.at += 2;
                    self.ends = true;
                    return Ok(());
                }
                _ if space == 0 => return Err(XmlErrorKind::Syntax),
                _ => {}
            }
            count += 1;
            if count > self.limits.attributes {
                return Err(XmlErrorKind::TooManyAttributes);
            }
            self.read_attribute(first)?;
        }
    }

    fn read_attribute(&mut self, first: usize) -> Result<(), XmlErrorKind> {
        let place = self.at;
        let name = self.name()?;
        self.skip_space();
        if !self.rest().starts_with('=') {
            return Err(XmlErrorKind::Syntax);
        }
        self.at += 1;
        self.skip_space();
        let quote = match self.rest().as_bytes() {
            [quote @ (b'"' | b'\''), ..] => *quote,
            _ => return Err(XmlErrorKind::Syntax),
        };
        self.at += 1;
        let rest = self.rest();
        let length = memchr::memchr(quote, rest.as_bytes()).ok_or(XmlErrorKind::Truncated)?;
        let value = attribute_value(&rest[..length]).map_err(|(at, kind)| {
            self.start = self.at + at;
            kind
        })?;
        self.at += length + 1;
        self.start = place;
        if name.prefix() == "xmlns" || name.raw == "xmlns" {
            let prefix = if name.prefix().is_empty() { "" } else { name.local() };
            return self.scope.declare(prefix, value, first);
        }
        if self.attributes.iter().any(|known| known.name.raw == name.raw) {
            return Err(XmlErrorKind::DuplicateAttribute);
        }
        self.attributes.push(Attribute { name, value });
        Ok(())
    }

    fn end(&mut self) -> Result<Step<'a>, XmlErrorKind> {
        let open = self.open.last().ok_or(XmlErrorKind::Mismatched)?;
        let truncated = |rest: &str| !rest.contains('>');
        let rest = &self.rest()[2..];
        let Some(after) = rest.strip_prefix(open.name) else {
            return Err(if truncated(rest) { XmlErrorKind::Truncated } else { XmlErrorKind::Mismatched });
        };
        self.at += 2 + open.name.len();
        if !after.starts_with('>') {
            self.skip_space();
            if !self.rest().starts_with('>') {
                return Err(if truncated(rest) { XmlErrorKind::Truncated } else { XmlErrorKind::Mismatched });
            }
        }
        self.at += 1;
        self.leave();
        Ok(Step::End)
    }

    #[inline]
    fn leave(&mut self) {
        let open = self.open.pop().expect("an end has its start");
        self.scope.leave(open.mark);
    }

    /// What begins with `<!`.
    fn section(&mut self) -> Result<Option<Step<'a>>, XmlErrorKind> {
        let rest = self.rest();
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = comment.find("--").ok_or(XmlErrorKind::Truncated)?;
            self.at += "<!--".len() + end + "-->".len();
            return match comment.as_bytes().get(end + 2) {
                Some(b'>') => Ok(None),
                Some(_) => Err(XmlErrorKind::Syntax),
                None => Err(XmlErrorKind::Truncated),
            };
        }
        if let Some(section) = rest.strip_prefix("<![CDATA[") {
            self.inside()?;
            let end = section.find("]]>").ok_or(XmlErrorKind::Truncated)?;
            self.at += "<![CDATA[".len() + end + "]]>".len();
            return Ok(Some(Step::Text(self.ends_of_lines(&section[..end]))));
        }
        const DOCTYPE: &[u8] = b"<!DOCTYPE";
        let is_doctype = rest.as_bytes().get(..DOCTYPE.len()).is_some_and(|word| word.eq_ignore_ascii_case(DOCTYPE));
        Err(if is_doctype { XmlErrorKind::Doctype } else { XmlErrorKind::Syntax })
    }

    /// `<?…?>`: only the declaration means something.
    fn instruction(&mut self) -> Result<(), XmlErrorKind> {
        let rest = &self.rest()[2..];
        let end = rest.find("?>").ok_or(XmlErrorKind::Truncated)?;
        let inside = &rest[..end];
        let target = QName::read(inside).ok_or(XmlErrorKind::Syntax)?;
        let after = &inside[target.raw.len()..];
        if !after.is_empty() && !after.starts_with([' ', '\t', '\r', '\n']) {
            return Err(XmlErrorKind::Syntax);
        }
        if target.raw.eq_ignore_ascii_case("xml") {
            if self.at != 0 || target.raw != "xml" {
                return Err(XmlErrorKind::Syntax);
            }
            declaration(after)?;
        }
        self.at += 2 + end + 2;
        Ok(())
    }

    fn reference(&mut self) -> Result<Step<'a>, XmlErrorKind> {
        self.inside()?;
        let rest = self.rest();
        let window = &rest.as_bytes()[..rest.len().min(MAX_REFERENCE)];
        let end = memchr::memchr(b';', window).ok_or(XmlErrorKind::Entity)?;
        let c = reference(&rest[1..end])?;
        self.at += end + 1;
        Ok(Step::Text(Cow::Owned(c.to_string())))
    }

    /// Text up to the next markup or reference; `None` for white space around the root element.
    #[inline]
    fn run(&mut self) -> Result<Option<Step<'a>>, XmlErrorKind> {
        let rest = self.rest();
        let length = memchr::memchr2(b'<', b'&', rest.as_bytes()).unwrap_or(rest.len());
        let text = &rest[..length];
        self.at += length;
        if self.open.is_empty() {
            return if is_blank(text) { Ok(None) } else { self.inside().map(|()| None) };
        }
        if self.has_section_ends && text.contains("]]>") {
            return Err(XmlErrorKind::Syntax);
        }
        Ok(Some(Step::Text(self.ends_of_lines(text))))
    }

    #[inline]
    fn ends_of_lines(&self, text: &'a str) -> Cow<'a, str> {
        if self.has_returns { line_ends(text) } else { Cow::Borrowed(text) }
    }

    /// Refuses what may stand in an element only.
    fn inside(&self) -> Result<(), XmlErrorKind> {
        match (self.open.is_empty(), self.rooted) {
            (false, _) => Ok(()),
            (true, true) => Err(XmlErrorKind::TrailingData),
            (true, false) => Err(XmlErrorKind::Syntax),
        }
    }

    fn complete(&mut self) -> Result<Step<'a>, XmlErrorKind> {
        match (self.open.is_empty(), self.rooted) {
            (true, true) => Ok(Step::Done),
            (true, false) => Err(XmlErrorKind::Empty),
            (false, _) => Err(XmlErrorKind::Truncated),
        }
    }
}

/// `<?xml …?>`: version 1.0. The encoding was dealt with when the text was made.
fn declaration(inside: &str) -> Result<(), XmlErrorKind> {
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
