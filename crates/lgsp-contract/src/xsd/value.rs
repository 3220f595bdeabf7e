//! The values of the simple types of XML Schema 1.0: read from normalised text and compared.
//!
//! It knows the built-in types only; what a schema makes of them is said by facets.

use std::cmp::Ordering;

use super::calendar::{Duration, Kind, Moment};
use crate::xml::{QName, is_ncname};

/// What becomes of white space before a text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum White {
    Preserve,
    Replace,
    Collapse,
}

/// A built-in type that is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    Text,
    Language,
    NmToken,
    Name,
    NcName,
    /// A name that no other element of the document has as its own.
    Id,
    /// The name of some element of the document.
    IdRef,
    Boolean,
    Decimal,
    /// Whole numbers between two bounds.
    Integer(Option<i128>, Option<i128>),
    Float,
    Double,
    Duration,
    Moment(Kind),
    Hex,
    Base64,
    QName,
}

/// Name, type, white space, and the type that it is derived from.
pub(super) const BUILTINS: [(&str, Builtin, White, &str); 40] = {
    use Builtin as B;
    use White::{Collapse as C, Preserve, Replace};
    [
        ("anySimpleType", B::Text, Preserve, ""),
        ("string", B::Text, Preserve, "anySimpleType"),
        ("normalizedString", B::Text, Replace, "string"),
        ("token", B::Text, C, "normalizedString"),
        ("language", B::Language, C, "token"),
        ("NMTOKEN", B::NmToken, C, "token"),
        ("Name", B::Name, C, "token"),
        ("NCName", B::NcName, C, "Name"),
        ("ID", B::Id, C, "NCName"),
        ("IDREF", B::IdRef, C, "NCName"),
        ("anyURI", B::Text, C, "anySimpleType"),
        ("boolean", B::Boolean, C, "anySimpleType"),
        ("float", B::Float, C, "anySimpleType"),
        ("double", B::Double, C, "anySimpleType"),
        ("duration", B::Duration, C, "anySimpleType"),
        ("dateTime", B::Moment(Kind::DateTime), C, "anySimpleType"),
        ("date", B::Moment(Kind::Date), C, "anySimpleType"),
        ("time", B::Moment(Kind::Time), C, "anySimpleType"),
        ("gYearMonth", B::Moment(Kind::YearMonth), C, "anySimpleType"),
        ("gYear", B::Moment(Kind::Year), C, "anySimpleType"),
        ("gMonthDay", B::Moment(Kind::MonthDay), C, "anySimpleType"),
        ("gMonth", B::Moment(Kind::Month), C, "anySimpleType"),
        ("gDay", B::Moment(Kind::Day), C, "anySimpleType"),
        ("hexBinary", B::Hex, C, "anySimpleType"),
        ("base64Binary", B::Base64, C, "anySimpleType"),
        ("QName", B::QName, C, "anySimpleType"),
        ("decimal", B::Decimal, C, "anySimpleType"),
        ("integer", B::Integer(None, None), C, "decimal"),
        ("nonPositiveInteger", B::Integer(None, Some(0)), C, "integer"),
        ("negativeInteger", B::Integer(None, Some(-1)), C, "nonPositiveInteger"),
        ("nonNegativeInteger", B::Integer(Some(0), None), C, "integer"),
        ("positiveInteger", B::Integer(Some(1), None), C, "nonNegativeInteger"),
        ("long", B::Integer(Some(i64::MIN as i128), Some(i64::MAX as i128)), C, "integer"),
        ("int", B::Integer(Some(i32::MIN as i128), Some(i32::MAX as i128)), C, "long"),
        ("short", B::Integer(Some(i16::MIN as i128), Some(i16::MAX as i128)), C, "int"),
        ("byte", B::Integer(Some(i8::MIN as i128), Some(i8::MAX as i128)), C, "short"),
        ("unsignedLong", B::Integer(Some(0), Some(u64::MAX as i128)), C, "nonNegativeInteger"),
        ("unsignedInt", B::Integer(Some(0), Some(u32::MAX as i128)), C, "unsignedLong"),
        ("unsignedShort", B::Integer(Some(0), Some(u16::MAX as i128)), C, "unsignedInt"),
        ("unsignedByte", B::Integer(Some(0), Some(u8::MAX as i128)), C, "unsignedShort"),
    ]
};

/// A value of some type. No `Debug`: it is somebody's data.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Boolean(bool),
    Decimal(Decimal),
    Float(f64),
    Duration(Duration),
    Moment(Moment),
    Octets(Vec<u8>),
    /// Namespace and local name.
    Name(String, String),
    List(Vec<Value>),
}

/// A decimal number of any length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Before the point, without zeros in front.
    whole: String,
    /// After the point, without zeros at the end.
    fraction: String,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => (text.starts_with('-'), digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !is_zero, whole: whole.into(), fraction: fraction.into() })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let size = |one: &Self, other: &Self| {
            (one.whole.len(), &one.whole, &one.fraction).cmp(&(other.whole.len(), &other.whole, &other.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }

    fn is_within(&self, least: Option<i128>, most: Option<i128>) -> bool {
        let bound = |bound: i128| Self::read(&bound.to_string()).expect("a number");
        least.is_none_or(|least| self.compare(&bound(least)).is_ge())
            && most.is_none_or(|most| self.compare(&bound(most)).is_le())
    }

    pub(super) fn fraction_digits(&self) -> usize {
        self.fraction.len()
    }

    pub(super) fn total_digits(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }
}

impl Value {
    /// `None` when the type has no order or these two have none.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Decimal(one), Self::Decimal(two)) => Some(one.compare(two)),
            (Self::Float(one), Self::Float(two)) => one.partial_cmp(two),
            (Self::Duration(one), Self::Duration(two)) => one.compare(two),
            (Self::Moment(one), Self::Moment(two)) => one.compare(two),
            _ => None,
        }
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(one), Self::Float(two)) => one == two || one.is_nan() && two.is_nan(),
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.equals(two))
            }
            (one, two) => one == two || one.compare(two) == Some(Ordering::Equal),
        }
    }

    /// A text that two values share when they are equal.
    pub(super) fn canonical(&self) -> String {
        match self {
            Self::Text(text) => format!("t{text}"),
            Self::Boolean(value) => format!("b{value}"),
            Self::Decimal(number) => {
                format!("d{}{}.{}", if number.negative { "-" } else { "" }, number.whole, number.fraction)
            }
            // There are two zeros.
            Self::Float(value) => format!("f{}", value + 0.0),
            Self::Duration(value) => format!("u{}", value.canonical()),
            Self::Moment(value) => format!("m{}", value.canonical()),
            Self::Octets(octets) => format!("o{octets:?}"),
            Self::Name(uri, local) => format!("q{{{uri}}}{local}"),
            Self::List(entries) => {
                let entries: Vec<String> = entries.iter().map(Self::canonical).collect();
                format!("l{}\u{0}", entries.join("\u{1}"))
            }
        }
    }

    /// Characters, octets or entries; `None` for what has no length.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.chars().count()),
            Self::Octets(octets) => Some(octets.len()),
            Self::List(entries) => Some(entries.len()),
            _ => None,
        }
    }
}

impl White {
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::Preserve => text.to_owned(),
            Self::Replace => text.replace(['\t', '\n', '\r'], " "),
            Self::Collapse => {
                let mut words = text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
                let mut collapsed = words.next().unwrap_or_default().to_owned();
                words.for_each(|word| collapsed.extend([" ", word]));
                collapsed
            }
        }
    }
}

impl Builtin {
    /// The value of a text whose white space is as it should be; `spaces` knows the namespaces of prefixes there.
    pub(super) fn read(self, text: &str, spaces: &dyn Fn(&str) -> Option<String>) -> Option<Value> {
        let text_if = |is_one: bool| is_one.then(|| Value::Text(text.to_owned()));
        match self {
            Self::Text => text_if(true),
            Self::Language => text_if(is_language(text)),
            Self::NmToken => text_if(is_nmtoken(text)),
            Self::Name => {
                text_if(text.split(':').all(|part| part.is_empty() || is_nmtoken(part)) && starts_as_name(text))
            }
            Self::NcName | Self::Id | Self::IdRef => text_if(is_ncname(text)),
            Self::Boolean => match text {
                "true" | "1" => Some(Value::Boolean(true)),
                "false" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Self::Decimal => Decimal::read(text).map(Value::Decimal),
            Self::Integer(least, most) => {
                let number = Decimal::read(text).filter(|_| !text.contains('.'))?;
                number.is_within(least, most).then_some(Value::Decimal(number))
            }
            Self::Float => float(text).map(|value| Value::Float(f64::from(value as f32))),
            Self::Double => float(text).map(Value::Float),
            Self::Duration => Duration::read(text).map(Value::Duration),
            Self::Moment(kind) => Moment::read(kind, text).map(Value::Moment),
            Self::Hex => hex(text).map(Value::Octets),
            Self::Base64 => base64(text).map(Value::Octets),
            Self::QName => {
                let name = QName::new(text)?;
                let uri = spaces(name.prefix())?;
                Some(Value::Name(uri, name.local().to_owned()))
            }
        }
    }
}

fn starts_as_name(text: &str) -> bool {
    text.starts_with(':') || text.split(':').next().is_some_and(is_ncname)
}

fn is_nmtoken(text: &str) -> bool {
    // Any character of a name may follow a letter.
    !text.is_empty() && text.split(':').all(|part| is_ncname(&format!("a{part}")))
}

fn is_language(text: &str) -> bool {
    text.split('-').enumerate().all(|(n, part)| {
        let known = |byte: u8| byte.is_ascii_alphabetic() || n > 0 && byte.is_ascii_digit();
        (1..=8).contains(&part.len()) && part.bytes().all(known)
    })
}

fn float(text: &str) -> Option<f64> {
    match text {
        "INF" => Some(f64::INFINITY),
        "-INF" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ => {
            let known = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
            text.bytes().all(known).then(|| text.parse().ok()).flatten()
        }
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some((digit(pair[0])? * 16 + digit(*pair.get(1)?)?) as u8)).collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let six = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let (mut octets, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0, 0u32);
    for byte in &text[..text.len() - padding] {
        held = held << 6 | six(*byte)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    // What is left of the last character must be nothing.
    (padding <= 2 && held == 0).then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Option<Value> {
        let (_, builtin, white, _) = BUILTINS.iter().find(|(known, ..)| *known == name).unwrap();
        builtin.read(&white.apply(text), &|prefix| (prefix != "q").then(|| "urn:x".to_owned()))
    }

    #[test]
    fn texts_are_of_a_type_or_not() {
        for (name, text, is_one) in [
            ("decimal", "+1.50", true),
            ("decimal", ".5", true),
            ("decimal", "5.", true),
            ("decimal", ".", false),
            ("decimal", "1e3", false),
            ("decimal", "", false),
            ("integer", "1.0", false),
            ("int", "2147483648", false),
            ("int", " -2147483648\n", true),
            ("unsignedLong", "18446744073709551615", true),
            ("unsignedLong", "18446744073709551616", false),
            ("negativeInteger", "-0", false),
            ("double", "1e3", true),
            ("double", "inf", false),
            ("double", "INF", true),
            ("double", "nan", false),
            ("boolean", "TRUE", false),
            ("language", "vi-VN", true),
            ("language", "vi_VN", false),
            ("Name", "a:b", true),
            ("Name", "1a", false),
            ("NCName", "a:b", false),
            ("NMTOKEN", "-1:a", true),
            ("NMTOKEN", "a b", false),
            ("QName", "a:b", true),
            ("QName", "q:b", false),
            ("hexBinary", "0f", true),
            ("hexBinary", "0", false),
            ("base64Binary", "AQ ==", true),
            ("base64Binary", "AR==", false),
            ("base64Binary", "AQ=", false),
            ("base64Binary", "=", false),
            ("anyURI", "http://a b", true),
        ] {
            assert_eq!(read(name, text).is_some(), is_one, "{name} {text:?}");
        }
    }

    #[test]
    fn values_are_compared_and_not_their_texts() {
        let order = |name, one, two| read(name, one).unwrap().compare(&read(name, two).unwrap());
        assert_eq!(order("decimal", "1.50", "+01.5"), Some(Ordering::Equal));
        assert_eq!(order("decimal", "-2", "-10"), Some(Ordering::Greater));
        assert_eq!(order("decimal", "0.5", "0.45"), Some(Ordering::Greater));
        assert_eq!(order("decimal", "-0.0", "0"), Some(Ordering::Equal));
        assert_eq!(order("double", "NaN", "1"), None);
        assert!(read("hexBinary", "0f").unwrap().equals(&read("hexBinary", "0F").unwrap()));
        assert!(!read("string", "1.0").unwrap().equals(&read("string", "1").unwrap()));
        assert_eq!(White::Collapse.apply(" a \n b "), "a b");
        assert_eq!(White::Replace.apply("a\nb "), "a b ");
    }
}
