//! XML 1.0 and SOAP: read into the value that JSON is read into too, and written from it.
//!
//! Documents come whole and in memory; nothing is fetched, no document type is read, and what a document costs is
//! bounded in proportion to its bytes.

mod attributes;
pub(crate) mod charset;
mod error;
mod events;
mod limits;
pub(crate) mod multipart;
mod name;
mod names;
mod read;
mod scope;
pub(crate) mod soap;
mod text;
mod write;

use crate::json;
use crate::tree::Tree;

pub use error::{XmlError, XmlErrorKind};
pub(crate) use events::{Step, Steps};
pub(crate) use limits::XmlLimits;
pub(crate) use name::{QName, is_blank, is_ncname};
pub(crate) use names::XSI;
pub(crate) use names::{Lists, Names};
pub(crate) use read::{Element, payload_key, read};
pub(crate) use write::{WriteError, WriteOptions, write};

/// One XML document, in UTF-8 or UTF-16, as compact JSON by the convention of the contracts: an element is a member, an
/// attribute a member with `@`, every value a text. `charset` is that of its Content-Type. Names in `plain` or in no
/// namespace get keys without a prefix, others the prefix of envelopes or `{namespace}`.
pub fn xml_to_json(message: &[u8], charset: Option<&str>, plain: Option<&str>) -> Result<Vec<u8>, XmlError> {
    let text = charset::decode(message, charset)?;
    // A namespace that no contract may declare is in no document that could be meant.
    let names = Names::new(plain.map(|namespace| ("", namespace))).unwrap_or_default();
    let root = read(&text, &names, &Lists::default(), &XmlLimits::default())?;
    let mut out = Vec::with_capacity(text.len());
    out.push(b'{');
    json::write(&Tree::Text(root.key), &mut out);
    out.push(b':');
    json::write(&root.value, &mut out);
    out.push(b'}');
    Ok(out)
}
