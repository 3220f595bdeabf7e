//! A message as a provider sent it, read without changing a letter of what its signature covers: a number stays the digits that came.
//!
//! It knows no provider: a value is found by the path that a profile says.

use std::borrow::Cow;
use std::fmt;

use toml::Value;

use super::super::members::Members;
use super::reader::Part;
use crate::form::decoded;
use crate::settings::Problem;

/// Fields of a form or a query: more is no message about a payment.
const MOST_FIELDS: usize = 200;

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Form,
    Query,
}

pub(super) const ENCODINGS: &[(&str, Encoding)] =
    &[("json", Encoding::Json), ("form", Encoding::Form), ("query", Encoding::Query)];

/// What is around an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    Bare,
    /// The LGSP's `{error_code, message}`, whose message is an object or JSON in a text; or bare.
    Lgsp,
}

/// It cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Where in a message a value stands: the first of some dotted paths at which there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(Vec<Vec<String>>);

impl Place {
    /// A text, or a list of texts; `None` when it is neither.
    fn parse(value: &Value) -> Option<Self> {
        let texts: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().map(Value::as_str).collect::<Option<_>>()?,
            _ => return None,
        };
        let paths: Vec<Vec<String>> = texts.iter().map(|text| text.split('.').map(str::to_owned).collect()).collect();
        let good = !paths.is_empty() && paths.iter().flatten().all(|step| !step.is_empty());
        good.then_some(Self(paths))
    }

    pub(super) fn of(text: &str) -> Option<Self> {
        Self::parse(&Value::String(text.to_owned()))
    }

    /// The place that a setting names, where it names one.
    pub(super) fn read(part: &Part<'_>, key: &str) -> Option<Self> {
        let place = Self::parse(part.get(key)?);
        if place.is_none() {
            part.fail(
                key,
                Problem::Expected("where in the message it stands, such as data.url, or a list of such places"),
            );
        }
        place
    }

    pub(super) fn needed(part: &Part<'_>, key: &str) -> Option<Self> {
        if !part.has(key) {
            part.fail(key, Problem::Missing);
        }
        Self::read(part, key)
    }

    /// Whether every place of it is one of `covered`.
    pub(super) fn within(&self, covered: &[&Self]) -> bool {
        self.0.iter().all(|path| covered.iter().any(|place| place.0.as_slice() == std::slice::from_ref(path)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.0.iter().map(|path| path.join(".")).collect();
        f.write_str(&paths.join(" or "))
    }
}

/// A message whose top is read.
pub(super) enum Message<'a> {
    Json(Members<'a>),
    Pairs(Vec<(String, String)>),
}

impl<'a> Message<'a> {
    pub(super) fn empty() -> Self {
        Self::Pairs(Vec::new())
    }

    /// Reads `query` or `body`, whichever the encoding means. Two fields of one name are refused: two readers would not agree on them.
    pub(super) fn read(encoding: Encoding, query: &str, body: &'a [u8]) -> Result<Self, Unreadable> {
        match encoding {
            Encoding::Json => Members::read(body).map(Self::Json).ok_or(Unreadable),
            Encoding::Form => pairs(std::str::from_utf8(body).map_err(|_| Unreadable)?).map(Self::Pairs),
            Encoding::Query => pairs(query).map(Self::Pairs),
        }
    }

    /// A text without its escapes, or a number as it came. `None` when nothing stands there, or a table, a list or null.
    pub(super) fn text(&self, place: &Place) -> Option<Cow<'_, str>> {
        place.0.iter().find_map(|path| self.at(path))
    }

    fn at(&self, path: &[String]) -> Option<Cow<'_, str>> {
        match self {
            Self::Pairs(pairs) => {
                let name = path.join(".");
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| Cow::Borrowed(value.as_str()))
            }
            Self::Json(members) => {
                let (last, before) = path.split_last()?;
                let Some((first, before)) = before.split_first() else { return members.scalar(last).map(Cow::Owned) };
                let mut inner = Members::read(members.raw(first)?.as_bytes())?;
                for step in before {
                    inner = Members::read(inner.raw(step)?.as_bytes())?;
                }
                inner.scalar(last).map(Cow::Owned)
            }
        }
    }
}

/// The inside of an answer that may be wrapped, and the code of the wrapping where that is not the one of success.
pub(super) fn unwrapped(body: &[u8], wrapping: Wrapping) -> Result<Cow<'_, [u8]>, Option<String>> {
    if wrapping == Wrapping::Bare {
        return Ok(Cow::Borrowed(body));
    }
    let members = Members::read(body).ok_or(None)?;
    let (Some(_), Some(message)) = (members.raw("error_code"), members.raw("message")) else {
        return Ok(Cow::Borrowed(body));
    };
    let code = members.scalar("error_code").ok_or(None)?;
    if code != "0" {
        return Err(Some(code));
    }
    if message.starts_with('{') {
        return Ok(Cow::Owned(message.as_bytes().to_vec()));
    }
    serde_json::from_str::<String>(message).map(|text| Cow::Owned(text.into_bytes())).map_err(|_| None)
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, Unreadable> {
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name).ok_or(Unreadable)?, decoded(value).ok_or(Unreadable)?);
        if found.len() == MOST_FIELDS || found.iter().any(|(other, _)| *other == name) {
            return Err(Unreadable);
        }
        found.push((name, value));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(body: &str) -> Result<Message<'_>, Unreadable> {
        Message::read(Encoding::Json, "", body.as_bytes())
    }

    fn at(message: &Message<'_>, path: &str) -> Option<String> {
        message.text(&Place::of(path).unwrap()).map(Cow::into_owned)
    }

    #[test]
    fn numbers_stay_the_digits_that_came_and_texts_lose_their_escapes() {
        let message = json(r#"{"a":50000.00,"b":"L\u1ec7 ph\u00ed","c":{"d":[1],"e":1e3},"f":null,"g":true}"#).unwrap();
        for (path, value) in [("a", "50000.00"), ("b", "Lệ phí"), ("c.e", "1e3"), ("g", "true")] {
            assert_eq!(at(&message, path).as_deref(), Some(value), "{path}");
        }
        for path in ["c", "c.d", "f", "x", "c.x", "a.b"] {
            assert_eq!(at(&message, path), None, "{path}");
        }
    }

    #[test]
    fn the_first_place_that_holds_a_value_counts() {
        let list: Value = Value::Array(vec!["data.url".into(), "url".into()]);
        let place = Place::parse(&list).unwrap();
        assert_eq!(json(r#"{"url":"b"}"#).unwrap().text(&place).as_deref(), Some("b"));
        assert_eq!(json(r#"{"url":"b","data":{"url":"a"}}"#).unwrap().text(&place).as_deref(), Some("a"));
    }

    #[test]
    fn a_name_that_comes_twice_is_refused_in_every_encoding() {
        for body in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, "[]", "{}x", "", "{", "\"a\""] {
            assert!(json(body).is_err(), "{body}");
        }
        for text in ["a=1&a=2", "a=1&%61=2", "a=%", "a=%f", "a=%zz", "a=%ff"] {
            assert!(Message::read(Encoding::Query, text, b"").is_err(), "{text}");
            assert!(Message::read(Encoding::Form, "", text.as_bytes()).is_err(), "{text}");
        }
        let message = Message::read(Encoding::Form, "", b"a=L%E1%BB%87+ph%C3%AD&b=&c").unwrap();
        assert_eq!((at(&message, "a").as_deref(), at(&message, "b").as_deref()), (Some("Lệ phí"), Some("")));
    }

    #[test]
    fn a_wrapped_answer_is_the_same_as_a_bare_one() {
        let inner =
            |body: &str| unwrapped(body.as_bytes(), Wrapping::Lgsp).map(|b| String::from_utf8(b.to_vec()).unwrap());
        assert_eq!(inner(r#"{"error_code":"0","message":"{\"a\":1}"}"#).unwrap(), r#"{"a":1}"#);
        assert_eq!(inner(r#"{"error_code":0,"message":{"a":1}}"#).unwrap(), r#"{"a":1}"#);
        assert_eq!(inner(r#"{"a":1}"#).unwrap(), r#"{"a":1}"#);
        assert_eq!(inner(r#"{"error_code":"-1","message":"x"}"#), Err(Some("-1".into())));
        assert_eq!(inner("<html>"), Err(None));
        assert_eq!(inner(r#"{"error_code":"0","message":[]}"#), Err(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in "[\\[\\]{}\":,a1%&=]{0,40}") {
            for encoding in [Encoding::Json, Encoding::Form, Encoding::Query] {
                for body in [bytes.as_slice(), text.as_bytes()] {
                    if let Ok(message) = Message::read(encoding, &text, body) {
                        let _ = at(&message, "a.a");
                    }
                }
            }
        }
    }
}
