//! What a value must be to count as a time, a size, a path, a secret …: each function reads one leaf.

use core::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use lgsp_model::{PortalTime, Timestamp, unit};
use toml::de::DeValue;
use toml::value::Offset;

use crate::document::Leaf;
use crate::error::{Problem, Quantity};
use crate::{ByteCount, ConnectorSettings, Secret};

/// A string that is not empty.
pub(crate) fn text(leaf: &Leaf<'_>) -> Result<String, Problem> {
    let text = leaf.text()?;
    if text.trim().is_empty() { Err(Problem::Expected("a text that is not empty")) } else { Ok(text) }
}

/// A secret of at least `least` bytes.
pub(crate) fn secret(least: usize) -> impl Fn(&Leaf<'_>) -> Result<Secret, Problem> {
    move |leaf| {
        let secret = Secret::new(leaf.text()?);
        match secret.expose().len() {
            len if len >= least => Ok(secret),
            0 => Err(Problem::Expected("a secret that is not empty; is its variable or file filled?")),
            _ => Err(Problem::Expected("a longer secret; draw one with: openssl rand -hex 32")),
        }
    }
}

/// A path, relative to the file.
pub(crate) fn path(leaf: &Leaf<'_>) -> Result<PathBuf, Problem> {
    text(leaf).map(|path| leaf.base().join(path))
}

/// An address and port to listen on.
pub(crate) fn address(leaf: &Leaf<'_>) -> Result<SocketAddr, Problem> {
    text(leaf)?.parse().map_err(|_| Problem::Expected("an address and port such as 127.0.0.1:8080 or [::]:8080"))
}

/// `true` or `false`.
pub(crate) fn flag(leaf: &Leaf<'_>) -> Result<bool, Problem> {
    leaf.value().as_bool().ok_or_else(|| leaf.wrong_type("true or false"))
}

/// A time within `range`.
pub(crate) fn time(range: RangeInclusive<Duration>) -> impl Fn(&Leaf<'_>) -> Result<Duration, Problem> {
    move |leaf| {
        let time = unit::time(&leaf.text()?);
        let time = time.ok_or(Problem::Expected("a time: a whole number with ms, s, m, h or d, such as 5s"))?;
        within(time, &range, Quantity::Time)
    }
}

/// A size within `range`.
pub(crate) fn size(range: RangeInclusive<ByteCount>) -> impl Fn(&Leaf<'_>) -> Result<ByteCount, Problem> {
    move |leaf| {
        let size = unit::size(&leaf.text()?);
        let size = size.ok_or(Problem::Expected("a size: a whole number with B, KiB, MiB or GiB, such as 16MiB"))?;
        within(size, &range, Quantity::Size)
    }
}

/// A whole number within `range`.
pub(crate) fn count(range: RangeInclusive<u32>) -> impl Fn(&Leaf<'_>) -> Result<u32, Problem> {
    move |leaf| {
        let out_of_range = || Problem::OutOfRange {
            low: Quantity::Count((*range.start()).into()),
            high: Quantity::Count((*range.end()).into()),
        };
        let number = integer(leaf)?.ok_or_else(out_of_range)?;
        let number = u32::try_from(number).map_err(|_| out_of_range())?;
        within(number, &range, |n| Quantity::Count(n.into()))
    }
}

/// A part of one, up to `most`.
pub(crate) fn fraction(most: f64) -> impl Fn(&Leaf<'_>) -> Result<f64, Problem> {
    move |leaf| {
        let number = match leaf.value() {
            DeValue::Float(number) => number.as_str().parse().unwrap_or(f64::NAN),
            DeValue::Integer(_) => integer(leaf)?.map_or(f64::NAN, |n| n as f64),
            _ => return Err(leaf.wrong_type("a number without quotes")),
        };
        within(number, &(0.0..=most), Quantity::Fraction)
    }
}

/// A moment: a date, which begins at 00:00 in Vietnam, or a date with a time and an offset.
pub(crate) fn moment(leaf: &Leaf<'_>) -> Result<Timestamp, Problem> {
    let expected = Problem::Expected("a date such as 2027-01-01, or a time such as 2027-01-01T08:00:00+07:00");
    let DeValue::Datetime(moment) = leaf.value() else { return Err(leaf.wrong_type("a date without quotes")) };
    let at = moment.date.and_then(|date| {
        let time = moment.time.map_or((0, 0, 0), |time| (time.hour, time.minute, time.second.unwrap_or(0)));
        let day = u64::from(date.year) * 10_000 + u64::from(date.month) * 100 + u64::from(date.day);
        let second = u64::from(time.0) * 10_000 + u64::from(time.1) * 100 + u64::from(time.2);
        Some(PortalTime::from_number(day * 1_000_000 + second)?.timestamp())
    });
    let east = match (moment.time.is_some(), moment.offset) {
        (false, None) => VIETNAM_MINUTES,
        (true, Some(Offset::Z)) => 0,
        (true, Some(Offset::Custom { minutes })) => i64::from(minutes),
        _ => return Err(expected),
    };
    at.map(|at| at.plus_millis((VIETNAM_MINUTES - east) * 60_000)).ok_or(expected)
}

/// How far Vietnam's clocks are ahead of UTC.
const VIETNAM_MINUTES: i64 = 7 * 60;

/// A connector's own table: any shape, with variables and files put in.
pub(crate) fn settings(leaf: &Leaf<'_>) -> Result<ConnectorSettings, Problem> {
    let entries = leaf.entries().ok_or_else(|| leaf.wrong_type("a table"))?;
    Ok(ConnectorSettings::new(table(entries)))
}

/// The depth is bounded by the parser, which refuses more than 80 levels.
fn table(entries: Vec<(String, Leaf<'_>)>) -> toml::Table {
    entries.into_iter().filter_map(|(key, leaf)| reported(&leaf).map(|value| (key, value))).collect()
}

fn reported(leaf: &Leaf<'_>) -> Option<toml::Value> {
    raw(leaf).map_err(|problem| leaf.report(problem)).ok()
}

fn raw(leaf: &Leaf<'_>) -> Result<toml::Value, Problem> {
    Ok(match leaf.value() {
        DeValue::String(_) => toml::Value::String(leaf.text()?),
        DeValue::Integer(_) => {
            toml::Value::Integer(integer(leaf)?.ok_or(Problem::Expected("a number of at most 64 bits"))?)
        }
        DeValue::Float(number) => {
            toml::Value::Float(number.as_str().parse().map_err(|_| Problem::Expected("a number"))?)
        }
        DeValue::Boolean(flag) => toml::Value::Boolean(*flag),
        DeValue::Datetime(time) => toml::Value::Datetime(*time),
        DeValue::Array(_) => {
            toml::Value::Array(leaf.elements().unwrap_or_default().iter().filter_map(reported).collect())
        }
        DeValue::Table(_) => toml::Value::Table(table(leaf.entries().unwrap_or_default())),
    })
}

/// The whole number; `None` when it does not fit.
fn integer(leaf: &Leaf<'_>) -> Result<Option<i64>, Problem> {
    match leaf.value() {
        DeValue::Integer(number) => Ok(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        _ => Err(leaf.wrong_type("a whole number without quotes")),
    }
}

fn within<T: PartialOrd + Copy>(
    value: T,
    range: &RangeInclusive<T>,
    quantity: impl Fn(T) -> Quantity,
) -> Result<T, Problem> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(Problem::OutOfRange { low: quantity(*range.start()), high: quantity(*range.end()) })
    }
}
