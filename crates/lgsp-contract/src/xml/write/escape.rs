//! Values as texts of XML, escaped for where they stand.

use std::borrow::Cow;

use super::super::name::illegal_char;
use super::WriteErrorKind;
use crate::tree::Tree;

/// Where a text or name stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Element,
    Attribute,
}

pub(super) fn scalar_text<'t>(tree: &'t Tree<'_>) -> Result<Cow<'t, str>, WriteErrorKind> {
    Ok(match tree {
        Tree::Text(text) => Cow::Borrowed(text),
        Tree::Number(number) => Cow::Owned(number.to_string()),
        Tree::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Tree::Null => Cow::Borrowed(""),
        Tree::List(_) | Tree::Object(_) => return Err(WriteErrorKind::NotText),
    })
}

/// Appends a text so that a reader gets back the very same one.
pub(super) fn escape(text: &str, kind: Kind, out: &mut Vec<u8>) -> Result<(), WriteErrorKind> {
    if illegal_char(text).is_some() {
        return Err(WriteErrorKind::Character);
    }
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let entity: &[u8] = match (byte, kind) {
            (b'&', _) => b"&amp;",
            (b'<', _) => b"&lt;",
            (b'>', _) => b"&gt;",
            (b'\r', _) => b"&#13;",
            (b'"', Kind::Attribute) => b"&quot;",
            (b'\n', Kind::Attribute) => b"&#10;",
            (b'\t', Kind::Attribute) => b"&#9;",
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(entity);
        copied = at + 1;
    }
    out.extend_from_slice(&bytes[copied..]);
    Ok(())
}
