//! What each provider calls what, and how its values are brought into one form.
//!
//! A value that cannot be read is as good as absent, but for the kind of account: nobody is taken for a citizen or an
//! officer by mistake.

use jiff::civil::Date;
use lgsp_model::PersonKind;
use serde_json::{Map, Value};
use toml::Table;
use unicode_normalization::UnicodeNormalization as _;

use super::failure::{ProviderFailure, malformed};
use super::person::Person;
use crate::settings::{Fields, Problem};

/// A longer value is no name, number or address.
const MOST_CHARS: usize = 500;

/// Nobody alive was born before.
const FIRST_YEAR: i16 = 1850;

/// What is known of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    Kind,
    Level,
    TechId,
    IdentityNumber,
    TaxCode,
    Name,
    BirthDate,
    Email,
    Phone,
    Organisation,
}

impl Claim {
    const ALL: [Self; 10] = [
        Self::Kind,
        Self::Level,
        Self::TechId,
        Self::IdentityNumber,
        Self::TaxCode,
        Self::Name,
        Self::BirthDate,
        Self::Email,
        Self::Phone,
        Self::Organisation,
    ];

    /// Its key in the table `claims`.
    fn key(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Level => "level",
            Self::TechId => "tech_id",
            Self::IdentityNumber => "identity_number",
            Self::TaxCode => "tax_code",
            Self::Name => "name",
            Self::BirthDate => "birth_date",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Organisation => "organisation",
        }
    }
}

/// What a provider calls each, in the order in which they are looked for.
pub(super) type DefaultNames = &'static [(Claim, &'static [&'static str])];

/// The names in use, and the kind of account when the provider does not say.
pub(super) struct ClaimNames {
    names: Vec<(Claim, Vec<String>)>,
    kind_default: Option<PersonKind>,
}

impl ClaimNames {
    pub(super) fn new(names: DefaultNames, kind_default: Option<PersonKind>) -> Self {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self { names: names.iter().map(|(claim, names)| (*claim, owned(names))).collect(), kind_default }
    }

    /// With the settings `claims` and `kind_default`.
    pub(super) fn configured(names: DefaultNames, fields: &mut Fields<'_>) -> Self {
        let kind = fields.text("kind_default", Some(PersonKind::Officer.as_str())).parse().ok();
        if kind.is_none() {
            fields.fail("kind_default", Problem::Expected("citizen, enterprise, organisation or officer"));
        }
        let mut all = Self::new(names, kind);
        match fields.get("claims") {
            Some(toml::Value::Table(table)) => all.rename(table, fields),
            Some(_) => fields.fail("claims", Problem::Expected("a table of claims' names")),
            None => {}
        }
        all
    }

    fn rename(&mut self, table: &Table, fields: &mut Fields<'_>) {
        for (key, value) in table {
            let path = format!("claims.{key}");
            let Some(claim) = Claim::ALL.into_iter().find(|claim| claim.key() == key) else {
                fields.fail(&path, Problem::Unknown);
                continue;
            };
            let names: Option<Vec<String>> = match value {
                toml::Value::String(name) => Some(vec![name.clone()]),
                toml::Value::Array(names) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
                _ => None,
            };
            match names.filter(|names| names.iter().all(|name| !name.is_empty())) {
                Some(names) => {
                    self.names.retain(|(known, _)| *known != claim);
                    self.names.push((claim, names));
                }
                None => fields.fail(&path, Problem::Expected("a claim's name or a list of names")),
            }
        }
    }

    /// The person whom `read` tells of.
    pub(super) fn person(
        &self,
        subject: String,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Person, ProviderFailure> {
        let names = |claim| self.names.iter().filter(move |(known, _)| *known == claim).flat_map(|(_, names)| names);
        let find = |claim| names(claim).find_map(|name| read(name).and_then(|text| tidy(&text)));
        let number = |claim| find(claim).map(|text| text.chars().filter(|c| !c.is_whitespace()).collect());
        let kind = match find(Claim::Kind) {
            Some(text) => text.parse().ok().or_else(|| text.parse().ok().and_then(PersonKind::of_account_type)),
            None => self.kind_default,
        };
        Ok(Person {
            subject,
            kind: kind.ok_or_else(|| malformed("kind", "the provider does not say what kind of account it is"))?,
            level: names(Claim::Level).find_map(|name| read(name)?.parse().ok()),
            tech_id: find(Claim::TechId),
            identity_number: number(Claim::IdentityNumber),
            tax_code: number(Claim::TaxCode),
            name: find(Claim::Name),
            birth_date: names(Claim::BirthDate).find_map(|name| date(&read(name)?)),
            email: find(Claim::Email),
            phone: find(Claim::Phone),
            organisation: find(Claim::Organisation),
        })
    }
}

/// A claim's text: a number is written out; of a list only the one member counts.
pub(super) fn text_of(claims: &Map<String, Value>, name: &str) -> Option<String> {
    fn text(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(items) if items.len() == 1 && !items[0].is_array() => text(&items[0]),
            _ => None,
        }
    }
    claims.get(name).and_then(text)
}

/// Unicode NFC, without space around it and without control characters; `None` when nothing is left.
fn tidy(text: &str) -> Option<String> {
    let tidy: String = text.nfc().filter(|c| !c.is_control()).take(MOST_CHARS + 1).collect();
    let tidy = tidy.trim();
    (!tidy.is_empty() && tidy.chars().count() <= MOST_CHARS).then(|| tidy.to_owned())
}

/// `yyyyMMdd`, `dd/MM/yyyy` or `yyyy-MM-dd` as `yyyy-MM-dd`, if there was such a day.
fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i16>().ok()).flatten();
    let part = |range| text.get(range).and_then(digits);
    let (year, month, day) = match (text.len(), text.as_bytes().get(2), text.as_bytes().get(4)) {
        (8, ..) => (part(0..4)?, part(4..6)?, part(6..8)?),
        (10, Some(b'/'), _) if text.as_bytes()[5] == b'/' => (part(6..10)?, part(3..5)?, part(0..2)?),
        (10, _, Some(b'-')) if text.as_bytes()[7] == b'-' => (part(0..4)?, part(5..7)?, part(8..10)?),
        _ => return None,
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (year >= FIRST_YEAR).then(|| date.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_are_read_in_three_forms_and_only_real_ones() {
        for text in ["19900131", "31/01/1990", "1990-01-31", " 1990-01-31 "] {
            assert_eq!(date(text).as_deref(), Some("1990-01-31"), "{text}");
        }
        for text in [
            "",
            "1990",
            "19900231",
            "31/02/1990",
            "1990-13-01",
            "01-02-1990",
            "1/2/1990",
            "+990-01-31",
            "0001-01-01",
            "năm 1990",
            "ngày 1/1",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    const NAMES: DefaultNames = &[
        (Claim::Kind, &["LoaiTaiKhoan"]),
        (Claim::IdentityNumber, &["SoDinhDanh", "SoCMND"]),
        (Claim::Level, &["loAs", "IAL"]),
        (Claim::Name, &["HoVaTen"]),
    ];

    fn person(claims: &Value, kind_default: Option<PersonKind>) -> Result<Person, ProviderFailure> {
        let claims = claims.as_object().unwrap();
        ClaimNames::new(NAMES, kind_default).person("s".into(), &|name| text_of(claims, name))
    }

    #[test]
    fn the_first_name_with_a_value_counts_and_numbers_are_texts() {
        let claims = json!({"LoaiTaiKhoan": 2, "SoDinhDanh": " ", "SoCMND": "012 345 678", "loAs": "?", "IAL": 3,
            "HoVaTen": " Nguye\u{302}\u{303}n Thi\u{323}\u{0} A "});
        let person = person(&claims, None).unwrap();
        assert_eq!(person.kind, PersonKind::Enterprise);
        assert_eq!(person.identity_number.as_deref(), Some("012345678"));
        assert_eq!(person.level.map(|level| level.number()), Some(3));
        assert_eq!(person.name.as_deref(), Some("Nguyễn Thị A"));
        assert_eq!(format!("{person:?}"), "Person { kind: Enterprise, level: Some(Level(3)), .. }");
    }

    #[test]
    fn nobody_is_of_a_kind_that_was_not_said() {
        for claims in [json!({}), json!({"LoaiTaiKhoan": "9"}), json!({"LoaiTaiKhoan": "robot"})] {
            assert_eq!(person(&claims, None).unwrap_err().cause.code, "kind", "{claims}");
        }
        assert_eq!(person(&json!({}), Some(PersonKind::Officer)).unwrap().kind, PersonKind::Officer);
        assert!(person(&json!({"LoaiTaiKhoan": "9"}), Some(PersonKind::Officer)).is_err());
        assert_eq!(person(&json!({"LoaiTaiKhoan": ["1"]}), None).unwrap().kind, PersonKind::Citizen);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not_but_never_breaks(text in ".{0,40}", long in 0usize..600) {
            let claims = json!({"LoaiTaiKhoan": "1", "HoVaTen": text.repeat(long), "NgayThangNamSinh": text});
            let person = person(&claims, None).unwrap();
            prop_assert!(person.name.is_none_or(|name| name.chars().count() <= MOST_CHARS && name.trim() == name));
            prop_assert!(date(&text).is_none_or(|date| date.len() == 10));
        }
    }
}
