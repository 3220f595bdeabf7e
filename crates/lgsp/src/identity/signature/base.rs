//! The signature base (RFC 9421 §2.5): the text that is signed, made anew from the request as it came.
//!
//! Of component parameters only `name` of `@query-param` is computed. What is not computed is refused, never skipped.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use hyper::HeaderMap;
use sfv::{FieldType, InnerList, Item, List, ListEntry};

use super::BadSignature;
use crate::form;
use crate::identity::authenticate::Head;

/// Components of one signature: more than any profile lists.
const MOST_COMPONENTS: usize = 32;

/// The components that a signature covers, each once.
pub(super) struct Covered<'a> {
    items: Vec<(Cow<'a, str>, &'a Item)>,
}

impl<'a> Covered<'a> {
    /// Reads the list of components.
    pub(super) fn read(input: &'a InnerList) -> Result<Self, BadSignature> {
        if input.items.len() > MOST_COMPONENTS {
            return Err(BadSignature::Malformed);
        }
        let mut seen = HashSet::new();
        let mut items = Vec::with_capacity(input.items.len());
        for item in &input.items {
            let name = item.bare_item.as_string().map(sfv::StringRef::as_str).ok_or(BadSignature::Malformed)?;
            let plain = item.params.is_empty() || name == "@query-param";
            if !plain || !seen.insert(item.serialize()) {
                return Err(BadSignature::BadComponent);
            }
            items.push((Cow::Borrowed(name), item));
        }
        Ok(Self { items })
    }

    /// Whether this component is among them.
    pub(super) fn has(&self, name: &str) -> bool {
        self.items.iter().any(|(covered, item)| covered == name && item.params.is_empty())
    }

    /// Checks that the method, the whole target and the body are covered, with what says how to read the body.
    pub(super) fn check(&self, head: &Head<'_>) -> Result<(), BadSignature> {
        self.must("@method", "@method")?;
        if !self.has("@target-uri") {
            self.must("@authority", "@target-uri, or @authority with @path and @query")?;
            if !self.has("@request-target") {
                self.must("@path", "@target-uri, or @authority with @path and @query")?;
                if head.uri.query().is_some() {
                    self.must("@query", "@query")?;
                }
            }
        }
        if head.has_body {
            self.must("content-digest", "content-digest")?;
            for name in ["content-type", "content-encoding"] {
                if head.headers.contains_key(name) {
                    self.must(name, name)?;
                }
            }
        }
        Ok(())
    }

    fn must(&self, name: &str, told: &'static str) -> Result<(), BadSignature> {
        if self.has(name) { Ok(()) } else { Err(BadSignature::NotCovered(told)) }
    }

    /// The text that is signed.
    pub(super) fn base(&self, head: &Head<'_>, input: &InnerList) -> Result<String, BadSignature> {
        let mut base = String::with_capacity(512);
        for (name, item) in &self.items {
            let value = component(name, item, head).ok_or(BadSignature::BadComponent)?;
            writeln!(base, "{}: {value}", item.serialize()).expect("a string takes all");
        }
        let parameters: List = vec![ListEntry::InnerList(input.clone())];
        let parameters = parameters.serialize().expect("a list of one element is not empty");
        write!(base, "\"@signature-params\": {parameters}").expect("a string takes all");
        Ok(base)
    }
}

fn component<'a>(name: &str, item: &Item, head: &'a Head<'_>) -> Option<Cow<'a, str>> {
    let uri = head.uri;
    let query = || uri.query().unwrap_or_default();
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    Some(match name {
        "@method" => head.method.as_str().into(),
        "@scheme" => head.scheme.into(),
        "@authority" => authority(head)?.into(),
        "@path" => path.into(),
        "@query" => format!("?{}", query()).into(),
        "@request-target" => with_query(path, uri.query()).into(),
        "@target-uri" => format!("{}://{}{}", head.scheme, authority(head)?, with_query(path, uri.query())).into(),
        "@query-param" => query_parameter(item, query())?.into(),
        derived if derived.starts_with('@') => return None,
        field_name if field_name.bytes().any(|b| b.is_ascii_uppercase()) => return None,
        field_name => field(head.headers, field_name)?,
    })
}

fn with_query(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// The host in lower case, without the port that its scheme has anyway.
fn authority(head: &Head<'_>) -> Option<String> {
    let given = match head.uri.authority() {
        Some(authority) => authority.as_str(),
        None => head.headers.get("host")?.to_str().ok()?,
    };
    let given = given.trim().to_ascii_lowercase();
    let usual = match head.scheme {
        "https" => ":443",
        _ => ":80",
    };
    Some(given.strip_suffix(usual).unwrap_or(&given).to_owned())
}

/// The one value of a query parameter, decoded and encoded again (RFC 9421 §2.2.8).
fn query_parameter(item: &Item, query: &str) -> Option<String> {
    let name = item.params.get("name").filter(|_| item.params.len() == 1)?.as_string()?;
    let name = form::decode(&name.as_str().replace('+', "%2B"))?;
    let pairs = form::pairs(query);
    let mut values = pairs.iter().filter(|(key, _)| *key == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then(|| encode(value))
}

/// Percent-encodes all but what forms leave as it is.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_') {
            out.push(byte.into());
        } else {
            write!(out, "%{byte:02X}").expect("a string takes all");
        }
    }
    out
}

/// A field's value: all its lines, trimmed, joined by a comma; `None` when it is absent or not ASCII.
pub(super) fn field<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut lines = headers.get_all(name).iter().map(|line| line.to_str().ok().map(str::trim));
    let first = lines.next()??;
    let mut joined = Cow::Borrowed(first);
    for line in lines {
        let line = line?;
        joined.to_mut().push_str(", ");
        joined.to_mut().push_str(line);
    }
    Some(joined)
}
