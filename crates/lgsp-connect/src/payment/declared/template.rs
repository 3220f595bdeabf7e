//! A text with values in it: `{bill.dossier}-{order.opened_at|time yyMMdd}`.
//!
//! Nothing is ever cut: a value that does not fit is an error before anything is sent.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::super::words::plain;
use super::clock::Pattern;
use super::reader::Errors;
use super::settings::Declared;
use super::values::{Datum, Facts, Name, Shape, Topic};
use crate::settings::Problem;

/// Pieces of one text: more is no field of a message.
const MOST_PIECES: usize = 32;

const EXPECTED: Problem = Problem::Expected("a text whose braces are closed, such as PAY or {bill.dossier}-{order.id}");

const EXPECTED_FILTER: Problem = Problem::Expected(
    "a way to write a value behind each |: number, plain, unaccented, upper, lower, required, most N, times N, time PATTERN, either YES NO",
);

const EXPECTED_NAME: Problem = Problem::Expected("names of values that there are here, such as {order.id}");

const EXPECTED_SHAPE: Problem =
    Problem::Expected("a way to write that such a value has: times for amounts, time for times, either for yes or no");

const EXPECTED_NUMBER: Problem = Problem::Expected("|number last, behind a value that stands alone");

/// A text with values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    number: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Name, Vec<Filter>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Filter {
    Number,
    Plain,
    Unaccented,
    Upper,
    Lower,
    Required,
    Most(usize),
    Times(i64),
    Time(Pattern),
    Either(String, String),
}

/// What a template became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Text(String),
    Number(i64),
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Why a value cannot be written as the profile wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is longer than the provider takes.
    TooLong,
    /// It is empty and must not be.
    Empty,
    /// It is no number or no time.
    Unfit,
}

impl Flaw {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "is longer than the provider takes",
            Self::Empty => "is empty and must not be",
            Self::Unfit => "cannot be written as the profile wants it",
        }
    }
}

/// Where a template stands: what is at hand there, and where an error in it is told.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub topics: &'a [Topic],
    pub settings: &'a Declared,
    pub errors: &'a Errors,
}

impl Template {
    /// `None` when it is wrong, which `scope` was told.
    pub(super) fn parse(text: &str, key: &str, scope: Scope<'_>) -> Option<Self> {
        let parsed = pieces(text).and_then(|pieces| {
            let number = match pieces.iter().position(is_number) {
                Some(0) if pieces.len() == 1 => true,
                None => false,
                Some(_) => return Err(EXPECTED_NUMBER),
            };
            Ok(Self { pieces, number })
        });
        let template = parsed.map_err(|problem| scope.errors.fail(key, problem)).ok()?;
        let known = |name: &Name| name.topic(scope.settings).is_some_and(|topic| scope.topics.contains(&topic));
        if !template.names().all(known) {
            scope.errors.fail(key, EXPECTED_NAME);
            return None;
        }
        Some(template)
    }

    fn names(&self) -> impl Iterator<Item = &Name> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(name, _) => Some(name),
            Piece::Text(_) => None,
        })
    }

    /// Whether a value in it is empty.
    pub(super) fn lacks(&self, facts: &Facts<'_>) -> bool {
        self.names().any(|name| matches!(facts.value(name), Datum::Text(text) if text.is_empty()))
    }

    pub(super) fn write(&self, facts: &Facts<'_>) -> Result<Written, Flaw> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(name, filters) => out.push_str(&written(facts.value(name), filters)?),
            }
        }
        if self.number { out.parse().map(Written::Number).map_err(|_| Flaw::Unfit) } else { Ok(Written::Text(out)) }
    }
}

fn is_number(piece: &Piece) -> bool {
    matches!(piece, Piece::Value(_, filters) if filters.contains(&Filter::Number))
}

fn pieces(mut text: &str) -> Result<Vec<Piece>, Problem> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    while let Some(at) = text.find(['{', '}']) {
        plain.push_str(&text[..at]);
        let rest = &text[at..];
        if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            plain.push_str(&rest[..1]);
            text = after;
            continue;
        }
        let (inside, after) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or(EXPECTED)?;
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(value(inside)?);
        text = after;
    }
    plain.push_str(text);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    if pieces.len() > MOST_PIECES { Err(EXPECTED) } else { Ok(pieces) }
}

fn value(inside: &str) -> Result<Piece, Problem> {
    let mut words = inside.split('|');
    let name = words.next().and_then(|name| Name::parse(name.trim())).ok_or(EXPECTED_NAME)?;
    let filters: Vec<Filter> =
        words.map(|word| filter(word.trim()).ok_or(EXPECTED_FILTER)).collect::<Result<_, _>>()?;
    let mut shape = name.shape();
    for filter in &filters {
        shape = match (filter, shape) {
            (Filter::Times(_), Shape::Whole) => Shape::Whole,
            (Filter::Time(_), Shape::At) | (Filter::Either(..), Shape::Either) => Shape::Text,
            (Filter::Times(_) | Filter::Time(_) | Filter::Either(..), _) => return Err(EXPECTED_SHAPE),
            _ => Shape::Text,
        };
    }
    let number = filters.iter().position(|filter| *filter == Filter::Number);
    if number.is_some_and(|at| at + 1 != filters.len()) {
        return Err(EXPECTED_NUMBER);
    }
    Ok(Piece::Value(name, filters))
}

fn filter(word: &str) -> Option<Filter> {
    let (word, argument) = word.split_once(' ').unwrap_or((word, ""));
    match (word, argument) {
        ("number", "") => Some(Filter::Number),
        ("plain", "") => Some(Filter::Plain),
        ("unaccented", "") => Some(Filter::Unaccented),
        ("upper", "") => Some(Filter::Upper),
        ("lower", "") => Some(Filter::Lower),
        ("required", "") => Some(Filter::Required),
        ("most", most) => most.parse().ok().filter(|most| *most > 0).map(Filter::Most),
        ("times", factor) => factor.parse().ok().filter(|factor| (1..=1000).contains(factor)).map(Filter::Times),
        ("time", pattern) => Pattern::parse(pattern).map(Filter::Time),
        ("either", words) => words.split_once(' ').map(|(yes, no)| Filter::Either(yes.to_owned(), no.to_owned())),
        _ => None,
    }
}

fn written(mut datum: Datum<'_>, filters: &[Filter]) -> Result<String, Flaw> {
    for filter in filters {
        datum = match (filter, datum) {
            (Filter::Times(factor), Datum::Whole(number)) => {
                Datum::Whole(number.checked_mul(*factor).ok_or(Flaw::Unfit)?)
            }
            (Filter::Time(pattern), Datum::At(at)) => owned(pattern.write(at)),
            (Filter::Either(yes, no), Datum::Either(is)) => owned(if is { yes.clone() } else { no.clone() }),
            (Filter::Times(_) | Filter::Time(_) | Filter::Either(..), _) => return Err(Flaw::Unfit),
            (filter, datum) => owned(shaped(filter, text(datum))?),
        };
    }
    Ok(text(datum))
}

fn shaped(filter: &Filter, text: String) -> Result<String, Flaw> {
    match filter {
        Filter::Unaccented => Ok(unaccented(&text)),
        Filter::Plain => Ok(plain(&text, usize::MAX)),
        Filter::Upper => Ok(text.to_uppercase()),
        Filter::Lower => Ok(text.to_lowercase()),
        Filter::Required if text.is_empty() => Err(Flaw::Empty),
        Filter::Most(most) if text.chars().count() > *most => Err(Flaw::TooLong),
        _ => Ok(text),
    }
}

fn owned(text: String) -> Datum<'static> {
    Datum::Text(text.into())
}

/// A value that no filter writes in another way.
fn text(datum: Datum<'_>) -> String {
    match datum {
        Datum::Text(text) => text.into_owned(),
        Datum::Whole(number) => number.to_string(),
        Datum::At(at) => Pattern::national().write(at),
        Datum::Either(is) => is.to_string(),
    }
}

/// Letters without their accents.
fn unaccented(text: &str) -> String {
    let bare = text.nfd().filter(|c| !is_combining_mark(*c));
    bare.map(|c| {
        if c == 'đ' {
            'd'
        } else if c == 'Đ' {
            'D'
        } else {
            c
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;
    use crate::payment::declared::reader::Part;
    use crate::payment::declared::settings::Settings;
    use crate::payment::order::Order;
    use crate::settings::Fields;

    fn order() -> Order {
        Order {
            id: "0123456789abcdefghjk".parse().unwrap(),
            amount: lgsp_model::Dong::new(50_000).unwrap(),
            description: "Lệ phí (đợt 2): hộ tịch".into(),
            opened_at: lgsp_model::Timestamp(1_767_202_200_000),
            expires_at: lgsp_model::Timestamp(1_767_203_100_000),
            return_url: String::new(),
            callback_url: String::new(),
            address: [192, 0, 2, 1].into(),
            bill: Default::default(),
        }
    }

    fn with_settings(check: impl FnOnce(&Declared, &Errors, &Settings)) {
        let profile: Table = "settings = { code = {}, none = { default = '' } }".parse().unwrap();
        let (errors, given): (_, Table) = (Errors::default(), "code = 'a|b'".parse().unwrap());
        let declared = Declared::read(&Part::new(&profile, String::new(), &errors));
        let settings = declared.fill(&mut Fields::new(&given), None);
        check(&declared, &errors, &settings);
    }

    fn write(text: &str) -> Result<Written, Flaw> {
        let mut written = Err(Flaw::Unfit);
        with_settings(|settings, errors, values| {
            let scope = Scope { topics: &[Topic::Order, Topic::Setting], settings, errors };
            let order = order();
            let facts = Facts { order: Some(&order), ..Facts::new(values, lgsp_model::Timestamp(0)) };
            written = Template::parse(text, "x", scope).unwrap().write(&facts);
        });
        written
    }

    #[test]
    fn values_are_written_as_the_profile_wants_them() {
        for (text, expected) in [
            ("", ""),
            ("PAY", "PAY"),
            ("{{{order.amount}}}", "{50000}"),
            ("{order.id|most 20}", "0123456789abcdefghjk"),
            ("{order.description|unaccented}", "Le phi (dot 2): ho tich"),
            ("{order.description|plain|upper}", "LE PHI DOT 2 : HO TICH"),
            ("{order.opened_at}", "20260101003000"),
            ("HS-{order.opened_at|time yyMMdd}-{order.id|lower}", "HS-260101-0123456789abcdefghjk"),
            ("{order.expires_at|time millis}", "1767203100000"),
            ("{order.address}/{setting.code}{setting.none}", "192.0.2.1/a|b"),
            ("{bill.dossier}", ""),
        ] {
            assert_eq!(write(text), Ok(Written::Text(expected.into())), "{text}");
        }
        assert_eq!(write("{order.amount|times 100|number}"), Ok(Written::Number(5_000_000)));
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_is_never_cut() {
        for (text, flaw) in [
            ("{order.description|most 22}", Flaw::TooLong),
            ("{bill.dossier|required}", Flaw::Empty),
            ("{order.id|number}", Flaw::Unfit),
        ] {
            assert_eq!(write(text), Err(flaw), "{text}");
        }
    }
}
