//! Any XML as JSON without loss and without a contract: an element is `{"t":"{namespace}name","a":{…},"c":[…]}` with
//! its name, attributes and content, where content is texts and elements in order.
//!
//! Prefixes, comments and processing instructions are not kept; white space is.

use std::borrow::Cow;

use super::error::{XmlError, XmlErrorKind};
use super::events::{Step, Steps};
use super::limits::XmlLimits;
use super::name::QName;
use super::names::Names;
use super::write::{DECLARATION, WriteError, WriteErrorKind, WriteOptions, Writer};
use crate::tree::{Member, Members, Tree};

/// An element that has begun and not ended.
struct Frame<'a> {
    name: Cow<'a, str>,
    attributes: Vec<Member<'a>>,
    content: Vec<Tree<'a>>,
}

/// Reads one document into the lossless form.
pub(crate) fn read<'a>(text: &'a str, limits: &XmlLimits) -> Result<Tree<'a>, XmlError> {
    let names = Names::default();
    let mut steps = Steps::new(text, &names, limits)?;
    let mut frames: Vec<Frame<'a>> = Vec::new();
    let mut root = Tree::Null;
    loop {
        match steps.next()? {
            Step::Start(name) => {
                let frame = begin(name, &mut steps).map_err(|kind| steps.error(kind))?;
                frames.push(frame);
            }
            Step::Text(piece) => {
                let frame = frames.last_mut().expect("text outside the root is refused before");
                match frame.content.last_mut() {
                    Some(Tree::Text(text)) => text.to_mut().push_str(&piece),
                    _ if piece.is_empty() => {}
                    _ => frame.content.push(Tree::Text(piece)),
                }
            }
            Step::End => {
                let element = frames.pop().expect("an end has its start").into_tree();
                match frames.last_mut() {
                    Some(parent) => parent.content.push(element),
                    None => root = element,
                }
            }
            Step::Done => return Ok(root),
        }
    }
}

fn begin<'a>(name: QName<'a>, steps: &mut Steps<'a, '_>) -> Result<Frame<'a>, XmlErrorKind> {
    let space = steps.scope.resolve(name.prefix()).ok_or(XmlErrorKind::UnboundPrefix)?;
    let expanded = expand(space.uri(), name);
    let name = match expanded {
        Cow::Owned(made) => Cow::Owned(steps.scope.made(made)?),
        borrowed => borrowed,
    };
    let mut attributes: Vec<Member<'a>> = Vec::with_capacity(steps.attributes.len());
    for n in 0..steps.attributes.len() {
        let name = steps.attributes[n].name;
        let uri = match name.prefix() {
            "" => "",
            prefix => steps.scope.resolve(prefix).ok_or(XmlErrorKind::UnboundPrefix)?.uri(),
        };
        let key = match expand(uri, name) {
            Cow::Owned(made) => Cow::Owned(steps.scope.made(made)?),
            borrowed => borrowed,
        };
        if attributes.iter().any(|known| known.key.as_str() == key) {
            return Err(XmlErrorKind::DuplicateAttribute);
        }
        let value = std::mem::take(&mut steps.attributes[n].value);
        attributes.push(Member::new(key, Tree::Text(value)));
    }
    Ok(Frame { name, attributes, content: Vec::new() })
}

fn expand<'a>(uri: &str, name: QName<'a>) -> Cow<'a, str> {
    if uri.is_empty() { Cow::Borrowed(name.local()) } else { Cow::Owned(format!("{{{uri}}}{}", name.local())) }
}

impl<'a> Frame<'a> {
    fn into_tree(self) -> Tree<'a> {
        let mut members = vec![Member::new("t", Tree::Text(self.name))];
        if !self.attributes.is_empty() {
            members.push(Member::new("a", Tree::Object(Members::gathered(self.attributes))));
        }
        if !self.content.is_empty() {
            members.push(Member::new("c", Tree::List(self.content)));
        }
        Tree::Object(Members::gathered(members))
    }
}

/// Writes a document from the lossless form.
pub(crate) fn write(tree: &Tree<'_>) -> Result<Vec<u8>, WriteError> {
    let names = Names::default();
    let mut out = DECLARATION.to_vec();
    let mut writer = Writer::new(&mut out, &names, &WriteOptions::default());
    element(tree, &mut writer, 0).map_err(|kind| writer.error(kind))?;
    writer.declare();
    Ok(out)
}

fn element<'t>(tree: &'t Tree<'_>, writer: &mut Writer<'_, '_, 't>, depth: usize) -> Result<(), WriteErrorKind> {
    let Tree::Object(members) = tree else { return Err(WriteErrorKind::Shape) };
    let known = |member: &Member<'_>| matches!(member.key.as_str(), "t" | "a" | "c");
    if !members.as_slice().iter().all(known) {
        return Err(WriteErrorKind::Shape);
    }
    if depth > XmlLimits::default().depth {
        return Err(WriteErrorKind::TooDeep);
    }
    let name = writer.open(tree.get("t").and_then(Tree::as_str).ok_or(WriteErrorKind::Shape)?)?;
    match tree.get("a") {
        None => {}
        Some(Tree::Object(attributes)) => {
            for attribute in attributes.in_order() {
                let value = attribute.value.as_str().ok_or(WriteErrorKind::NotText)?;
                writer.attribute(attribute.key.as_str(), value)?;
            }
        }
        Some(_) => return Err(WriteErrorKind::Shape),
    }
    let content = match tree.get("c") {
        None => &[],
        Some(content) => content.as_list().ok_or(WriteErrorKind::Shape)?,
    };
    if content.is_empty() {
        writer.raw(b"/>");
        return Ok(());
    }
    writer.raw(b">");
    for item in content {
        match item {
            Tree::Text(text) => writer.text(text)?,
            item => element(item, writer, depth + 1)?,
        }
    }
    writer.close(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use proptest::prelude::*;

    fn to_json(text: &str) -> String {
        let mut out = Vec::new();
        json::write(&read(text, &XmlLimits::default()).ok().unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn from_json(text: &str) -> Result<String, WriteErrorKind> {
        let written = write(&json::parse(text.as_bytes()).ok().unwrap());
        written.map(|bytes| String::from_utf8(bytes[DECLARATION.len()..].to_vec()).unwrap()).map_err(|error| error.kind)
    }

    #[test]
    fn names_attributes_and_content_are_kept_and_prefixes_are_not() {
        let text = "<p:a xmlns:p='urn:x' xmlns='urn:y' p:i='1' i='2'>\n <b>x<![CDATA[<]]>&amp;</b>z<c xmlns=''/></p:a>";
        let lossless =
            r#"{"t":"{urn:x}a","a":{"{urn:x}i":"1","i":"2"},"c":["\n ",{"t":"{urn:y}b","c":["x<&"]},"z",{"t":"c"}]}"#;
        assert_eq!(to_json(text), lossless);
        let written = from_json(lossless).unwrap();
        assert_eq!(to_json(&written), lossless);
    }

    #[test]
    fn what_is_not_the_form_is_refused() {
        for (text, kind) in [
            ("[]", WriteErrorKind::Shape),
            ("{}", WriteErrorKind::Shape),
            (r#"{"t":"a","x":1}"#, WriteErrorKind::Shape),
            (r#"{"t":"a","a":[]}"#, WriteErrorKind::Shape),
            (r#"{"t":"a","c":{}}"#, WriteErrorKind::Shape),
            (r#"{"t":"a","c":[1]}"#, WriteErrorKind::Shape),
            (r#"{"t":"a","a":{"b":1}}"#, WriteErrorKind::NotText),
            (r#"{"t":"a b"}"#, WriteErrorKind::Name),
            (r#"{"t":"p:a"}"#, WriteErrorKind::Prefix),
            (r#"{"t":"a","c":["\u0000"]}"#, WriteErrorKind::Character),
        ] {
            assert_eq!(from_json(text), Err(kind), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_is_read_the_same_after_it_was_written(text in "(<a x='é'>|<p:b xmlns:p='urn:&lt;'>|</a>|</p:b>| |x|&amp;|\r){0,12}") {
            if let Ok(tree) = read(&text, &XmlLimits::default()) {
                let written = String::from_utf8(write(&tree).unwrap()).unwrap();
                let again = read(&written, &XmlLimits::default()).ok().unwrap();
                prop_assert_eq!(again.to_value(), tree.to_value());
            }
        }
    }
}
