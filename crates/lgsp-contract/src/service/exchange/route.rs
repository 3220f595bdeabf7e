//! Where on the upstream a call goes: the path with its parameters, the query, and headers that a map made.

use std::fmt::Write as _;

use lgsp_model::Finding;

use super::Refusal;
use crate::map::Context;
use crate::tree::{Members, Tree};

/// Members of a mapped message that are not part of the body: `$path`, `$query`, `$header`, `$status`.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Option<Vec<(String, String)>>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) status: Option<u16>,
}

/// Takes the extras out of a mapped message.
pub(super) fn split(tree: Tree<'_>) -> (Tree<'_>, Extras) {
    let Tree::Object(members) = tree else { return (tree, Extras::default()) };
    if !members.as_slice().iter().any(|member| member.key.as_str().starts_with('$')) {
        return (Tree::Object(members), Extras::default());
    }
    let mut extras = Extras::default();
    let mut body = Vec::new();
    for member in members.into_order() {
        match member.key.as_str() {
            "$path" => extras.path = pairs(&member.value),
            "$query" => extras.query = Some(pairs(&member.value)),
            "$header" => extras.headers = headers(pairs(&member.value)),
            "$status" => extras.status = scalar(&member.value).and_then(|text| text.parse().ok()),
            _ => body.push(member),
        }
    }
    let body = Members::sorted(body).expect("the keys are those of an object");
    // A whole body that is no object stands under `$body`.
    (Tree::Object(body), extras)
}

fn pairs(tree: &Tree<'_>) -> Vec<(String, String)> {
    let Tree::Object(members) = tree else { return Vec::new() };
    let of_member =
        |member: &&crate::tree::Member<'_>| scalar(&member.value).map(|value| (member.key.as_str().to_owned(), value));
    members.in_order().iter().filter_map(of_member).collect()
}

/// Headers hold visible ASCII; what is not is left to the upstream to miss.
fn headers(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let sendable = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b) || b == b'\t');
    pairs
        .into_iter()
        .filter(|(_, value)| sendable(value))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

fn scalar(tree: &Tree<'_>) -> Option<String> {
    match tree {
        Tree::Text(text) => Some(text.clone().into_owned()),
        Tree::Number(number) => Some(number.to_string()),
        Tree::Bool(value) => Some(value.to_string()),
        Tree::Null | Tree::List(_) | Tree::Object(_) => None,
    }
}

/// The path of an operation at the upstream.
pub(crate) enum UpstreamPath {
    /// The caller's, below the service.
    AsCalled,
    /// The contract's, with `{parameters}`.
    Given(Vec<Segment>),
}

pub(crate) enum Segment {
    Literal(String),
    Parameter(String),
}

impl UpstreamPath {
    /// Reads `/hoso/{id}?type=1`.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.starts_with('/') && !text.starts_with('?') && !text.is_empty() {
            return Err("must begin with / or ?");
        }
        let (mut segments, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').map(|at| open + at).ok_or("has a { without its }")?;
            segments.push(Segment::Literal(rest[..open].to_owned()));
            segments.push(Segment::Parameter(rest[open + 1..close].to_owned()));
            rest = &rest[close + 1..];
        }
        segments.push(Segment::Literal(rest.to_owned()));
        Ok(Self::Given(segments))
    }

    /// The names of its parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        let segments = match self {
            Self::AsCalled => &[][..],
            Self::Given(segments) => segments,
        };
        segments.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// The path and query of one call; `None`: the caller's.
    pub(super) fn fill(&self, called: &str, context: &Context<'_>, extras: &Extras) -> Result<Option<String>, Refusal> {
        let segments = match self {
            Self::AsCalled if extras.query.is_none() => return Ok(None),
            Self::AsCalled => return Ok(Some(with_query(called.to_owned(), context, extras))),
            Self::Given(segments) => segments,
        };
        let mut path = String::new();
        for segment in segments {
            match segment {
                Segment::Literal(text) => path.push_str(text),
                Segment::Parameter(name) => {
                    let mapped = extras.path.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                    let given = context.path.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
                    let value = mapped.or(given).ok_or_else(|| missing(name))?;
                    encode(value, &mut path);
                }
            }
        }
        Ok(Some(with_query(path, context, extras)))
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::Violates(vec![Finding::new(format!("/$path/{name}"), "required", "this parameter is missing: send it")])
}

/// The contract's query, the map's, or else the caller's own.
fn with_query(mut path: String, context: &Context<'_>, extras: &Extras) -> String {
    let mut add = |name: &str, value: &str| {
        path.push(if path.contains('?') { '&' } else { '?' });
        encode(name, &mut path);
        path.push('=');
        encode(value, &mut path);
    };
    match &extras.query {
        Some(pairs) => pairs.iter().for_each(|(name, value)| add(name, value)),
        None => context.query.iter().for_each(|(name, value)| add(name, value)),
    }
    path
}

/// Percent-encodes what is not unreserved (RFC 3986 §2.3).
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_with_its_parameters() {
        let path = UpstreamPath::parse("/hoso/{id}/x?type={kind}").unwrap();
        assert_eq!(path.parameters().collect::<Vec<_>>(), ["id", "kind"]);
        assert!(UpstreamPath::parse("hoso").is_err() && UpstreamPath::parse("/{id").is_err());
        let mut out = String::new();
        encode("a b/é?", &mut out);
        assert_eq!(out, "a%20b%2F%C3%A9%3F");
    }
}
