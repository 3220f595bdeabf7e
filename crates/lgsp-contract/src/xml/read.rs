//! XML as a value, by the convention that the mapping language works on: an element is a member of its parent's object,
//! an attribute a member with `@`, a text is a text.
//!
//! Keys have the prefixes of the contract, whatever prefixes the document uses. It types nothing: every value is a text,
//! an object, a list or nil. Comments and processing instructions are dropped.

use std::borrow::Cow;

use super::error::{XmlError, XmlErrorKind};
use super::events::{Step, Steps};
use super::limits::XmlLimits;
use super::name::{QName, is_blank};
use super::names::{Lists, Names};
use super::scope::Space;
use super::soap::Version;
use crate::tree::{Member, Members, Tree};

/// The key of the text of an element that has attributes or elements too.
pub(crate) const TEXT: &str = "#text";

/// An envelope and its body stand around what a contract speaks of.
const ENVELOPE_LEVELS: usize = 2;

/// One element with everything inside. No `Debug`: it holds personal data.
pub(crate) struct Element<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) value: Tree<'a>,
}

/// A whole document.
pub(crate) struct Document<'a> {
    pub(crate) root: Element<'a>,
    /// The version of SOAP, if the root is an envelope.
    pub(crate) envelope: Option<Version>,
}

/// Reads one document; its root is the result.
pub(crate) fn read<'a>(
    text: &'a str,
    names: &Names,
    lists: &Lists,
    limits: &XmlLimits,
) -> Result<Element<'a>, XmlError> {
    read_document(text, names, lists, limits).map(|document| document.root)
}

/// [`read`], and whether it is a SOAP envelope.
pub(crate) fn read_document<'a>(
    text: &'a str,
    names: &Names,
    lists: &Lists,
    limits: &XmlLimits,
) -> Result<Document<'a>, XmlError> {
    let mut steps = Steps::new(text, names, limits)?;
    let mut builder = Builder { lists, frames: Vec::new(), members: Vec::new(), skipped: 0 };
    loop {
        let step = steps.next()?;
        let built = match step {
            Step::Start(name) => builder.start(name, &mut steps),
            Step::Text(text) => {
                builder.text(text);
                Ok(())
            }
            Step::End => builder.end(),
            Step::Done => break,
        };
        built.map_err(|kind| steps.error(kind))?;
    }
    let root = builder.members.pop().expect("a complete document has a root");
    Ok(Document { root: Element { key: root.key.into_text(), value: root.value }, envelope: steps.scope.envelope })
}

/// The key of the element that a message is about: the first one in the body of an envelope, or the root. `None` when
/// there is no such element; what follows it is not looked at.
pub(crate) fn payload_key(
    text: &str,
    names: &Names,
    limits: &XmlLimits,
    in_envelope: bool,
) -> Result<Option<String>, XmlError> {
    let mut steps = Steps::new(text, names, limits)?;
    let (mut depth, mut in_body) = (0usize, false);
    loop {
        match steps.next()? {
            Step::Start(name) => {
                if depth == 0
                    && let Some(&Space::Soap(version)) = steps.scope.resolve(name.prefix())
                {
                    steps.scope.envelope = Some(version);
                }
                let key = steps.scope.element_key(name).map_err(|kind| steps.error(kind))?;
                if !in_envelope || (in_body && depth == ENVELOPE_LEVELS) {
                    return Ok(Some(key.into_owned()));
                }
                in_body = in_body || (depth + 1 == ENVELOPE_LEVELS && key == "soap:Body");
                depth += 1;
            }
            Step::End => depth -= 1,
            Step::Text(_) => {}
            Step::Done => return Ok(None),
        }
    }
}

/// An element that has begun and not ended.
struct Frame<'a> {
    key: Cow<'a, str>,
    /// Where its members begin.
    first: usize,
    /// The text since the last element inside.
    text: Option<Cow<'a, str>>,
    nil: bool,
    has_elements: bool,
    has_text: bool,
}

struct Builder<'a, 'n> {
    lists: &'n Lists,
    frames: Vec<Frame<'a>>,
    /// The members of all open elements, outermost first: an object gets its own, of the right size, when it ends.
    members: Vec<Member<'a>>,
    /// How many of the outermost elements are no part of a path: those of an envelope.
    skipped: usize,
}

impl<'a> Builder<'a, '_> {
    fn start(&mut self, name: QName<'a>, steps: &mut Steps<'a, '_>) -> Result<(), XmlErrorKind> {
        if let Some(parent) = self.frames.last_mut() {
            settle(parent, &mut self.members)?;
            parent.has_elements = true;
        } else if name.local() == "Envelope"
            && let Some(&Space::Soap(version)) = steps.scope.resolve(name.prefix())
        {
            steps.scope.envelope = Some(version);
            self.skipped = ENVELOPE_LEVELS;
        }
        let key = steps.scope.element_key(name)?;
        let mut frame =
            Frame { key, first: self.members.len(), text: None, nil: false, has_elements: false, has_text: false };
        if !steps.attributes.is_empty() {
            self.attributes(&mut frame, steps)?;
        }
        self.frames.push(frame);
        Ok(())
    }

    fn attributes(&mut self, frame: &mut Frame<'a>, steps: &mut Steps<'a, '_>) -> Result<(), XmlErrorKind> {
        for n in 0..steps.attributes.len() {
            let key = steps.scope.attribute_key(steps.attributes[n].name)?;
            if self.members[frame.first..].iter().any(|member| member.key.as_str() == key) {
                return Err(XmlErrorKind::DuplicateAttribute);
            }
            let value = std::mem::take(&mut steps.attributes[n].value);
            self.members.push(Member::new(key, Tree::Text(value)));
        }
        let own = &self.members[frame.first..];
        frame.nil = own.iter().any(|member| {
            member.key.as_str() == "@xsi:nil" && member.value.as_str().is_some_and(|v| matches!(v.trim(), "true" | "1"))
        });
        // Where a validator might find schemas says nothing about the value. What is nil has no type either.
        let only_xsi = own.iter().all(|member| member.key.as_str().starts_with("@xsi:"));
        let dropped = |key: &str| match key {
            "@xsi:schemaLocation" | "@xsi:noNamespaceSchemaLocation" => true,
            "@xsi:nil" if !frame.nil => true,
            _ => frame.nil && only_xsi,
        };
        let mut kept = frame.first;
        for n in frame.first..self.members.len() {
            if !dropped(self.members[n].key.as_str()) {
                self.members.swap(kept, n);
                kept += 1;
            }
        }
        self.members.truncate(kept);
        Ok(())
    }

    fn text(&mut self, piece: Cow<'a, str>) {
        let frame = self.frames.last_mut().expect("text outside the root is refused before");
        match &mut frame.text {
            Some(text) => text.to_mut().push_str(&piece),
            none => *none = Some(piece),
        }
    }

    fn end(&mut self) -> Result<(), XmlErrorKind> {
        let mut frame = self.frames.pop().expect("an end has its start");
        let value = self.value(&mut frame)?;
        let first = self.frames.last().map_or(0, |parent| parent.first);
        let key = &*frame.key;
        if let Some(last) = self.members[first..].last_mut()
            && last.key.as_str() == key
        {
            last.value.gather(value);
            return Ok(());
        }
        let above = self.frames.get(self.skipped..).unwrap_or_default().iter().rev().map(|frame| &*frame.key);
        let is_inside = self.frames.len() > self.skipped;
        let value = if is_inside && self.lists.holds(key, above) { Tree::List(vec![value]) } else { value };
        self.members.push(Member::new(frame.key, value));
        Ok(())
    }

    fn value(&mut self, frame: &mut Frame<'a>) -> Result<Tree<'a>, XmlErrorKind> {
        if frame.nil && (frame.has_elements || frame.text.as_deref().is_some_and(|text| !is_blank(text))) {
            return Err(XmlErrorKind::NilContent);
        }
        let bare = self.members.len() == frame.first;
        if frame.nil && bare {
            return Ok(Tree::Null);
        }
        if frame.has_elements {
            settle(frame, &mut self.members)?;
        } else {
            let text = frame.text.take().unwrap_or_default();
            if bare {
                return Ok(Tree::Text(text));
            }
            if !text.is_empty() && !frame.nil {
                self.members.push(Member::new(TEXT, Tree::Text(text)));
            }
        }
        let members = self.members.drain(frame.first..).collect();
        Ok(Tree::Object(Members::gathered(members)))
    }
}

/// The text between two elements: white space is only for the eye, and one other text is a member of its own.
fn settle<'a>(frame: &mut Frame<'a>, members: &mut Vec<Member<'a>>) -> Result<(), XmlErrorKind> {
    let Some(text) = frame.text.take() else { return Ok(()) };
    if is_blank(&text) {
        return Ok(());
    }
    if frame.has_text {
        return Err(XmlErrorKind::MixedContent);
    }
    frame.has_text = true;
    members.push(Member::new(TEXT, Tree::Text(text)));
    Ok(())
}

#[cfg(test)]
#[path = "read/tests.rs"]
mod tests;
