//! What a contract says of names: which prefixes its keys use for namespaces, and which elements are lists.
//!
//! A prefix here belongs to keys only; documents may use any prefix they like.

use std::collections::HashMap;
use std::fmt;

use super::name::is_ncname;
use super::soap::Version;

pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";
pub(crate) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
pub(crate) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Prefixes with a meaning of their own, which no contract may give another.
const RESERVED: [&str; 4] = ["xml", "xmlns", "xsi", "soap"];

/// Namespaces that have a prefix in every contract.
const FIXED: [&str; 5] = [XML, XMLNS, XSI, Version::Soap11.namespace(), Version::Soap12.namespace()];

/// The prefixes by which the keys of a contract name XML namespaces. The prefix `""` is that of keys without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    plain: Option<String>,
    prefixed: Vec<(String, String)>,
}

/// Why prefixes are not acceptable; names the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NamesError {
    /// Not a name, or one with a meaning of its own.
    Prefix(String),
    /// Empty, with characters that no namespace has, or one that has a fixed prefix.
    Namespace(String),
    /// Two prefixes for one namespace: keys would not be unique.
    Ambiguous(String),
}

impl fmt::Display for NamesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => write!(f, "prefix {prefix:?} is not a free name; choose another one"),
            Self::Namespace(prefix) => {
                write!(f, "the namespace of prefix {prefix:?} is empty, malformed or one that has a fixed prefix")
            }
            Self::Ambiguous(prefix) => {
                write!(f, "prefix {prefix:?} stands for a namespace that has another prefix; keep one of them")
            }
        }
    }
}

impl std::error::Error for NamesError {}

impl Names {
    /// `pairs` are prefix and namespace.
    pub(crate) fn new<P, N>(pairs: impl IntoIterator<Item = (P, N)>) -> Result<Self, NamesError>
    where
        P: Into<String>,
        N: Into<String>,
    {
        let mut names = Self::default();
        for (prefix, namespace) in pairs {
            let (prefix, namespace) = (prefix.into(), namespace.into());
            let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}' | '<' | '>' | '"');
            if namespace.is_empty() || namespace.contains(odd) || FIXED.contains(&namespace.as_str()) {
                return Err(NamesError::Namespace(prefix));
            }
            if names.key_prefix(&namespace).is_some() {
                return Err(NamesError::Ambiguous(prefix));
            }
            if prefix.is_empty() {
                if names.plain.replace(namespace).is_some() {
                    return Err(NamesError::Ambiguous(prefix));
                }
            } else if !is_ncname(&prefix) || RESERVED.contains(&prefix.as_str()) {
                return Err(NamesError::Prefix(prefix));
            } else if names.namespace(&prefix).is_some() {
                return Err(NamesError::Ambiguous(prefix));
            } else {
                names.prefixed.push((prefix, namespace));
            }
        }
        Ok(names)
    }

    /// The namespace of keys without a prefix.
    pub(crate) fn plain(&self) -> Option<&str> {
        self.plain.as_deref()
    }

    /// The namespace of keys with this prefix, `""` excepted.
    pub(crate) fn namespace(&self, prefix: &str) -> Option<&str> {
        self.prefixed.iter().find(|(known, _)| known == prefix).map(|(_, namespace)| namespace.as_str())
    }

    /// The prefix of keys in this namespace; `""` when they have none.
    pub(crate) fn key_prefix(&self, namespace: &str) -> Option<&str> {
        if self.plain() == Some(namespace) {
            return Some("");
        }
        self.prefixed.iter().find(|(_, known)| known == namespace).map(|(prefix, _)| prefix.as_str())
    }
}

/// Elements that are lists even when there is one. An entry is a key (`CongDan`), the end of a path
/// (`CongdanCollection/CongDan`), or a whole path (`/CongdanCollection/CongDan`; in an envelope it starts in its body).
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    /// By the last key; every entry has the keys before it, innermost first.
    by_key: HashMap<String, Vec<Place>>,
    /// Bit n: some entry's last key has n bytes (63: or more). Most elements are settled by it.
    lengths: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    above: Vec<String>,
    whole: bool,
}

impl Lists {
    /// Empty entries are ignored.
    pub(crate) fn new<E: AsRef<str>>(entries: impl IntoIterator<Item = E>) -> Self {
        let mut lists = Self::default();
        for entry in entries {
            lists.add(entry.as_ref());
        }
        lists
    }

    /// These and the entries of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (key, places) in &other.by_key {
            self.lengths |= length_bit(key);
            self.by_key.entry(key.clone()).or_default().extend_from_slice(places);
        }
    }

    fn add(&mut self, entry: &str) {
        let mut keys = split(entry).into_iter().rev().filter(|key| !key.is_empty()).map(str::to_owned);
        let Some(last) = keys.next() else { return };
        self.lengths |= length_bit(&last);
        let place = Place { above: keys.collect(), whole: entry.starts_with('/') };
        let places = self.by_key.entry(last).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
    }

    /// Whether the element `key` is a list; `above` are the keys around it, innermost first.
    #[inline]
    pub(crate) fn holds<'k>(&self, key: &str, above: impl Iterator<Item = &'k str> + Clone) -> bool {
        if self.lengths & length_bit(key) == 0 {
            return false;
        }
        let Some(places) = self.by_key.get(key) else { return false };
        places.iter().any(|place| {
            let mut above = above.clone();
            place.above.iter().all(|key| above.next() == Some(key)) && (!place.whole || above.next().is_none())
        })
    }
}

fn length_bit(key: &str) -> u64 {
    1 << key.len().min(63)
}

/// The keys of a path; a slash inside `{…}` belongs to a namespace.
fn split(path: &str) -> Vec<&str> {
    let (mut inside, mut start, mut keys) = (false, 0, Vec::new());
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'{' => inside = true,
            b'}' => inside = false,
            b'/' if !inside => {
                keys.push(&path[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    keys.push(&path[start..]);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_stand_for_one_namespace_each() {
        let names = Names::new([("", "http://dancuquocgia.bca"), ("mic", "http://www.mic.gov.vn/dancu/1.0")]).unwrap();
        assert_eq!(names.plain(), Some("http://dancuquocgia.bca"));
        assert_eq!(names.key_prefix("http://dancuquocgia.bca"), Some(""));
        assert_eq!(names.key_prefix("http://www.mic.gov.vn/dancu/1.0"), Some("mic"));
        assert_eq!(names.namespace("mic"), Some("http://www.mic.gov.vn/dancu/1.0"));
        assert_eq!((names.key_prefix("urn:x"), names.namespace("x")), (None, None));
    }

    #[test]
    fn prefixes_that_would_make_keys_unclear_are_refused() {
        for (pairs, error) in [
            (&[("soap", "urn:x")][..], NamesError::Prefix("soap".into())),
            (&[("a b", "urn:x")], NamesError::Prefix("a b".into())),
            (&[("a:b", "urn:x")], NamesError::Prefix("a:b".into())),
            (&[("a", "")], NamesError::Namespace("a".into())),
            (&[("a", "urn:{x}")], NamesError::Namespace("a".into())),
            (&[("a", XSI)], NamesError::Namespace("a".into())),
            (&[("a", "urn:x"), ("b", "urn:x")], NamesError::Ambiguous("b".into())),
            (&[("a", "urn:x"), ("a", "urn:y")], NamesError::Ambiguous("a".into())),
            (&[("", "urn:x"), ("", "urn:y")], NamesError::Ambiguous(String::new())),
        ] {
            assert_eq!(Names::new(pairs.iter().copied()).unwrap_err(), error);
        }
    }

    #[test]
    fn a_list_is_named_by_its_key_the_end_of_its_path_or_its_whole_path() {
        let lists = Lists::new(["a", "x/b", "/r/c", "/", "", "{http://n/s}d/e"]);
        let holds = |path: &[&str]| lists.holds(path[path.len() - 1], path[..path.len() - 1].iter().rev().copied());
        for path in [&["a"][..], &["q", "a"], &["x", "b"], &["r", "x", "b"], &["r", "c"], &["{http://n/s}d", "e"]] {
            assert!(holds(path), "{path:?}");
        }
        for path in [&["b"][..], &["y", "b"], &["q", "r", "c"], &["c"], &["d", "e"], &["f"]] {
            assert!(!holds(path), "{path:?}");
        }
    }
}
