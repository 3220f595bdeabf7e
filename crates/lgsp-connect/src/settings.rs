//! A connector's own table of settings, read strictly: every error at once, with its key.
//!
//! It reads values; what they mean is the connector's.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use toml::{Table, Value};

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The key inside the connector's table.
    pub key: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a setting. Values are never repeated: they may be secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It must be there.
    Missing,
    /// The connector has no such setting.
    Unknown,
    /// It is not what it should be.
    Expected(&'static str),
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::Missing => write!(f, "{}: is required", self.key),
            Problem::Unknown => write!(f, "{}: no such setting", self.key),
            Problem::Expected(what) => write!(f, "{}: expected {what}", self.key),
        }
    }
}

impl std::error::Error for SettingError {}

/// Reads a table and remembers everything that is wrong with it.
pub(crate) struct Fields<'a> {
    table: &'a Table,
    seen: BTreeSet<String>,
    errors: Vec<SettingError>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(table: &'a Table) -> Self {
        Self { table, seen: BTreeSet::new(), errors: Vec::new() }
    }

    pub(crate) fn fail(&mut self, key: &str, problem: Problem) {
        self.errors.push(SettingError { key: key.to_owned(), problem });
    }

    pub(crate) fn get(&mut self, key: &str) -> Option<&'a Value> {
        self.seen.insert(key.to_owned());
        self.table.get(key)
    }

    /// Keys that are read only when something else is right: they are known all the same.
    pub(crate) fn known(&mut self, keys: &[&str]) {
        self.seen.extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// A non-empty text; an empty one stands in when it is wrong.
    pub(crate) fn text(&mut self, key: &str, default: Option<&str>) -> String {
        match (self.get(key), default) {
            (Some(Value::String(text)), _) if !text.is_empty() => return text.clone(),
            (Some(_), _) => self.fail(key, Problem::Expected("a text that is not empty")),
            (None, Some(default)) => return default.to_owned(),
            (None, None) => self.fail(key, Problem::Missing),
        }
        String::new()
    }

    /// A text that may be absent.
    pub(crate) fn optional(&mut self, key: &str) -> Option<String> {
        self.get(key).is_some().then(|| self.text(key, None)).filter(|text| !text.is_empty())
    }

    pub(crate) fn secret(&mut self, key: &str) -> SecretString {
        SecretString::from(self.text(key, None))
    }

    pub(crate) fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.get(key) {
            Some(Value::Boolean(flag)) => *flag,
            Some(_) => {
                self.fail(key, Problem::Expected("true or false"));
                default
            }
            None => default,
        }
    }

    pub(crate) fn count(&mut self, key: &str, default: usize, range: RangeInclusive<usize>) -> usize {
        let Some(value) = self.get(key) else { return default };
        let count = value.as_integer().and_then(|n| usize::try_from(n).ok()).filter(|n| range.contains(n));
        count.unwrap_or_else(|| {
            self.fail(key, Problem::Expected("a whole number within the allowed range"));
            default
        })
    }

    /// A duration such as `500ms`, `6s`, `10m` or `1h`.
    pub(crate) fn duration(&mut self, key: &str, default: Duration, range: RangeInclusive<Duration>) -> Duration {
        let Some(value) = self.get(key) else { return default };
        let duration = value.as_str().and_then(parse_duration).filter(|duration| range.contains(duration));
        duration.unwrap_or_else(|| {
            self.fail(key, Problem::Expected("a duration with its unit such as 500ms, 6s, 10m or 1h, within reason"));
            default
        })
    }

    /// An absolute `http` or `https` address with a host and without a query.
    pub(crate) fn address(&mut self, key: &str) -> Option<hyper::Uri> {
        let text = self.text(key, None);
        if text.is_empty() {
            return None;
        }
        let uri = text.parse::<hyper::Uri>().ok().filter(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        });
        if uri.is_none() {
            self.fail(key, Problem::Expected("an address that begins with http:// or https://, without a password"));
        }
        uri
    }

    /// Everything that was wrong, keys that nobody asked for included.
    pub(crate) fn finish(mut self) -> Vec<SettingError> {
        let unknown: Vec<&String> = self.table.keys().filter(|key| !self.seen.contains(key.as_str())).collect();
        for key in unknown {
            self.fail(key, Problem::Unknown);
        }
        self.errors
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, millis) in
            [("500ms", Some(500)), ("6s", Some(6000)), ("10m", Some(600_000)), ("1h", Some(3_600_000))]
        {
            assert_eq!(parse_duration(text).map(|d| d.as_millis()), millis, "{text}");
        }
        for text in ["", "6", "s", "6 s", "-1s", "6d", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn every_error_is_told_at_once_and_no_value_is_repeated() {
        let table: Table = "a = 1\nb = 'x'\nsurprise = 'geheim'\nurl = 'ftp://x'".parse().unwrap();
        let mut fields = Fields::new(&table);
        fields.text("a", None);
        fields.count("b", 1, 1..=5);
        fields.text("missing", None);
        fields.address("url");
        let errors = fields.finish();
        let keys: Vec<_> = errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "missing", "url", "surprise"]);
        assert!(errors.iter().all(|error| !error.to_string().contains("geheim")));
    }
}
