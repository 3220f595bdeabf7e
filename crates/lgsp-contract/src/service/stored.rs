//! In which form a stored message is. The log keeps its bytes alone, so they have to say it themselves.

use bytes::Bytes;

use super::{Dialogue, Format, Operation};
use crate::xml::charset;

impl Operation {
    /// The form of a message that was stored as it came, by its first sign and, of XML, its root; `None` when the bytes
    /// alone do not say it (attachments, an encoding that only a header names, no body).
    pub fn stored_form(&self, body: &Bytes) -> Option<Format> {
        let text = charset::decode(body, None).ok()?;
        let text = text.trim_start();
        let speaks = |dialogue| self.exchange.callers.contains(&dialogue);
        match text.as_bytes().first()? {
            b'{' | b'[' => Some(Format::Json),
            b'<' if speaks(Dialogue::Soap) && (!speaks(Dialogue::Xml) || root(text) == Some("Envelope")) => {
                Some(Format::Soap11)
            }
            b'<' => Some(Format::Xml),
            _ => None,
        }
    }
}

/// The root's name without its prefix. What stands before it is not judged here.
fn root(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let tag = rest.trim_start().strip_prefix('<')?;
        let end = match tag.as_bytes().first()? {
            b'?' => "?>",
            b'!' if tag.starts_with("!--") => "-->",
            // Only a document type could stand here, and none is taken.
            b'!' => return None,
            _ => {
                let name = tag.split(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).next()?;
                return Some(name.rsplit(':').next().unwrap_or(name));
            }
        };
        rest = &tag[tag.find(end)? + end.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_stands_behind_whatever_may_stand_before_it() {
        for (text, name) in [
            ("<a/>", Some("a")),
            ("<?xml version=\"1.0\"?>\n<!-- <b/> --> <s:Envelope xmlns:s=\"x\">", Some("Envelope")),
            ("<Envelope>", Some("Envelope")),
            ("<!DOCTYPE a><a/>", None),
            ("<?xml", None),
            ("text", None),
        ] {
            assert_eq!(root(text), name, "{text}");
        }
    }
}
