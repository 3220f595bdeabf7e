//! Dates and times between the forms of different systems, by patterns that are read when a map is loaded.
//!
//! A time without a zone is Vietnam's; nothing here reads a clock. Names of months, two-digit years and leap seconds
//! are not read: they would have to be guessed.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// Asia/Ho_Chi_Minh has been UTC+7 without daylight saving since 1975.
const VIETNAM: Offset = Offset::constant(7);

/// The longest pattern, in bytes: an ISO time with fraction and offset has 27.
const MAX_PATTERN: usize = 64;

/// How many patterns may stand beside each other for reading, separated by `|`.
const MAX_ALTERNATIVES: usize = 8;

/// The most digits of a number of seconds or milliseconds: the year 9999 has 15.
const MAX_UNIX_DIGITS: usize = 15;

/// One way to write a date or time.
pub(super) struct Pattern {
    form: Form,
    text: Box<str>,
}

enum Form {
    Pieces(Vec<Piece>),
    /// ISO 8601 as systems write it: date, or date and time with optional seconds, fraction and offset.
    Iso,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
}

enum Piece {
    Part { part: Part, width: usize },
    Literal(Box<str>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millis,
    Offset,
}

/// Why a pattern is refused at load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPattern {
    /// Empty, or longer than a date can need.
    Length,
    /// A letter that means nothing, or a count of letters that means nothing.
    Letters,
    /// A part stands twice.
    Twice,
    /// There is no year, or a smaller part without the next larger one.
    Incomplete,
    /// More alternatives than are useful, or alternatives for writing.
    Alternatives,
}

impl BadPattern {
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Length => "a pattern has 1 to 64 characters",
            Self::Letters => {
                "use yyyy, MM, dd, HH, mm, ss, SSS and XXX (offset), other letters in '…'; or iso, unix, unix-ms"
            }
            Self::Twice => "every part may stand once",
            Self::Incomplete => "a pattern needs yyyy, and every part the next larger one: no dd without MM",
            Self::Alternatives => "at most 8 patterns for reading, separated by |, and one for writing",
        }
    }
}

/// The patterns `text` names for reading, the first that fits wins.
pub(super) fn readable(text: &str) -> Result<Vec<Pattern>, BadPattern> {
    let patterns: Vec<_> = text.split('|').map(Pattern::read).collect::<Result<_, _>>()?;
    if patterns.len() > MAX_ALTERNATIVES { Err(BadPattern::Alternatives) } else { Ok(patterns) }
}

/// The time that `text` says by the first pattern that fits.
pub(super) fn parse(patterns: &[Pattern], text: &str) -> Option<DateTime> {
    patterns.iter().find_map(|pattern| pattern.parse(text))
}

impl Pattern {
    /// Reads one pattern.
    pub(super) fn read(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() || text.len() > MAX_PATTERN {
            return Err(BadPattern::Length);
        }
        if text.contains('|') {
            return Err(BadPattern::Alternatives);
        }
        let form = match text {
            "iso" => Form::Iso,
            "unix" => Form::Unix,
            "unix-ms" => Form::UnixMillis,
            _ => Form::Pieces(pieces(text)?),
        };
        Ok(Self { form, text: text.into() })
    }

    /// The pattern as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn parse(&self, text: &str) -> Option<DateTime> {
        match &self.form {
            Form::Pieces(pieces) => read_pieces(pieces, text),
            Form::Iso => read_iso(text),
            Form::Unix => instant(number(text)?.checked_mul(1000)?),
            Form::UnixMillis => instant(number(text)?),
        }
    }

    /// Writes a time of Vietnam.
    pub(super) fn write(&self, time: DateTime) -> String {
        let mut out = String::with_capacity(self.text.len() + 8);
        match &self.form {
            Form::Pieces(pieces) => pieces.iter().for_each(|piece| piece.write(time, &mut out)),
            Form::Iso => {
                let all = [Part::Year, Part::Month, Part::Day, Part::Hour, Part::Minute, Part::Second, Part::Offset];
                for (part, before) in all.into_iter().zip(["", "-", "-", "T", ":", ":", ""]) {
                    out.push_str(before);
                    Piece::Part { part, width: part.digits() }.write(time, &mut out);
                }
            }
            Form::Unix | Form::UnixMillis => {
                let millis = VIETNAM.to_timestamp(time).map_or(0, jiff::Timestamp::as_millisecond);
                let shown = if matches!(self.form, Form::Unix) { millis.div_euclid(1000) } else { millis };
                write!(out, "{shown}").expect("writing to memory does not fail");
            }
        }
        out
    }
}

impl Part {
    /// Digits when written in full.
    const fn digits(self) -> usize {
        match self {
            Self::Year => 4,
            Self::Millis => 3,
            Self::Offset => 0,
            _ => 2,
        }
    }

    const fn of(letter: char, count: usize) -> Option<Self> {
        Some(match (letter, count) {
            ('y', 4) => Self::Year,
            ('M', 1 | 2) => Self::Month,
            ('d', 1 | 2) => Self::Day,
            ('H', 1 | 2) => Self::Hour,
            ('m', 1 | 2) => Self::Minute,
            ('s', 1 | 2) => Self::Second,
            ('S', 3) => Self::Millis,
            ('X', 3) => Self::Offset,
            _ => return None,
        })
    }

    fn value(self, time: DateTime) -> i32 {
        match self {
            Self::Year => time.year().into(),
            Self::Month => time.month().into(),
            Self::Day => time.day().into(),
            Self::Hour => time.hour().into(),
            Self::Minute => time.minute().into(),
            Self::Second => time.second().into(),
            Self::Millis => time.millisecond().into(),
            Self::Offset => 0,
        }
    }
}

impl Piece {
    fn write(&self, time: DateTime, out: &mut String) {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Part { part: Part::Offset, .. } => out.push_str("+07:00"),
            Self::Part { part, width } => {
                write!(out, "{:0width$}", part.value(time)).expect("writing to memory does not fail");
            }
        }
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, BadPattern> {
    let (mut pieces, mut seen) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (literal, after) = quoted.split_once('\'').ok_or(BadPattern::Letters)?;
            pieces.push(Piece::Literal(if literal.is_empty() { "'" } else { literal }.into()));
            rest = after;
            continue;
        }
        let count = rest.len() - rest.trim_start_matches(letter).len();
        let (run, after) = rest.split_at(count);
        rest = after;
        if !letter.is_alphabetic() {
            pieces.push(Piece::Literal(run.into()));
            continue;
        }
        let part = Part::of(letter, count).ok_or(BadPattern::Letters)?;
        if seen.contains(&part) {
            return Err(BadPattern::Twice);
        }
        seen.push(part);
        pieces.push(Piece::Part { part, width: count });
    }
    let order = [Part::Year, Part::Month, Part::Day, Part::Hour, Part::Minute, Part::Second, Part::Millis];
    let there = order.iter().take_while(|part| seen.contains(part)).count();
    let complete = order[there..].iter().all(|part| !seen.contains(part));
    let offset = !seen.contains(&Part::Offset) || seen.contains(&Part::Hour);
    if there == 0 || !complete || !offset { Err(BadPattern::Incomplete) } else { Ok(pieces) }
}

/// The parts of a time while they are collected; what is not said is the beginning.
struct Said {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    /// Seconds east of Greenwich.
    offset: Option<i32>,
}

impl Said {
    const NOTHING: Self = Self { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanos: 0, offset: None };

    fn set(&mut self, part: Part, value: i32) {
        let small = i8::try_from(value).unwrap_or(i8::MAX);
        match part {
            Part::Year => self.year = i16::try_from(value).unwrap_or(0),
            Part::Month => self.month = small,
            Part::Day => self.day = small,
            Part::Hour => self.hour = small,
            Part::Minute => self.minute = small,
            Part::Second => self.second = small,
            Part::Millis => self.nanos = value * 1_000_000,
            Part::Offset => self.offset = Some(value),
        }
    }

    /// The time in Vietnam; `None` when there is no such day or time.
    fn time(&self) -> Option<DateTime> {
        if self.year < 1 || self.second > 59 {
            return None;
        }
        let date = Date::new(self.year, self.month, self.day).ok()?;
        let time = jiff::civil::Time::new(self.hour, self.minute, self.second, self.nanos).ok()?;
        let civil = DateTime::from_parts(date, time);
        match self.offset {
            None => Some(civil),
            Some(seconds) => {
                let instant = Offset::from_seconds(seconds).ok()?.to_timestamp(civil).ok()?;
                in_years(VIETNAM.to_datetime(instant))
            }
        }
    }
}

/// A time that four digits of a year can say.
fn in_years(time: DateTime) -> Option<DateTime> {
    (1..=9999).contains(&time.year()).then_some(time)
}

fn instant(millis: i64) -> Option<DateTime> {
    in_years(VIETNAM.to_datetime(jiff::Timestamp::from_millisecond(millis).ok()?))
}

fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let fits = !digits.is_empty() && digits.len() <= MAX_UNIX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn read_pieces(pieces: &[Piece], text: &str) -> Option<DateTime> {
    let (mut said, mut rest) = (Said::NOTHING, text);
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => rest = rest.strip_prefix(&**literal)?,
            Piece::Part { part: Part::Offset, .. } => {
                let (offset, after) = read_offset(rest)?;
                said.set(Part::Offset, offset);
                rest = after;
            }
            Piece::Part { part, width } => {
                let most = if *width == 1 { 2 } else { *width };
                let (value, after) = digits(rest, *width, most)?;
                said.set(*part, value);
                rest = after;
            }
        }
    }
    if rest.is_empty() { said.time() } else { None }
}

/// A number of `least` to `most` digits at the beginning of `text`, and what follows.
fn digits(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at(count);
    Some((number.parse().ok()?, rest))
}

/// `Z`, `+07:00`, `+0700` or `+07`, in seconds.
fn read_offset(text: &str) -> Option<(i32, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((0, rest));
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, rest) = digits(text.strip_prefix(['+', '-'])?, 2, 2)?;
    let (minutes, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2, 2)?,
        None => digits(rest, 2, 2).unwrap_or((0, rest)),
    };
    (hours <= 18 && minutes <= 59).then_some((sign * (hours * 3600 + minutes * 60), rest))
}

fn read_iso(text: &str) -> Option<DateTime> {
    let mut said = Said::NOTHING;
    let mut rest = text;
    for (part, before) in [(Part::Year, ""), (Part::Month, "-"), (Part::Day, "-")] {
        let (value, after) = digits(rest.strip_prefix(before)?, part.digits(), part.digits())?;
        said.set(part, value);
        rest = after;
    }
    if rest.is_empty() {
        return said.time();
    }
    rest = rest.strip_prefix(['T', 't', ' '])?;
    for (part, before) in [(Part::Hour, ""), (Part::Minute, ":")] {
        let (value, after) = digits(rest.strip_prefix(before)?, 2, 2)?;
        said.set(part, value);
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(':') {
        let (value, after) = digits(after, 2, 2)?;
        said.set(Part::Second, value);
        rest = after;
        if let Some(after) = rest.strip_prefix('.') {
            let count = after.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, after) = after.split_at(count);
            let shown = fraction.get(..9).unwrap_or(fraction);
            let scale = 10_i32.checked_pow(u32::try_from(9 - shown.len()).ok()?)?;
            said.nanos = shown.parse::<i32>().ok()? * scale;
            rest = after;
        }
    }
    if !rest.is_empty() {
        let (offset, after) = read_offset(rest)?;
        said.set(Part::Offset, offset);
        rest = after;
    }
    if rest.is_empty() { said.time() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn convert(text: &str, from: &str, to: &str) -> Option<String> {
        let time = parse(&readable(from).unwrap(), text)?;
        Some(Pattern::read(to).unwrap().write(time))
    }

    #[test]
    fn dates_go_from_one_form_to_another() {
        for (text, from, to, expected) in [
            ("1990-05-17", "yyyy-MM-dd", "yyyyMMdd", "19900517"),
            ("17/05/1990", "dd/MM/yyyy", "iso", "1990-05-17T00:00:00+07:00"),
            ("7/5/1990", "d/M/yyyy", "dd/MM/yyyy", "07/05/1990"),
            ("20260315083000", "yyyyMMddHHmmss", "yyyy-MM-dd HH:mm:ss", "2026-03-15 08:30:00"),
            ("2026-03-15T20:30:00Z", "iso", "yyyyMMddHHmmss", "20260316033000"),
            ("2026-03-15T20:30:00.123456+0700", "iso", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-03-15T20:30:00.123+07:00"),
            ("2026-03-15T20:30", "iso", "HH:mm dd/MM/yyyy", "20:30 15/03/2026"),
            ("1990", "dd/MM/yyyy|yyyy", "yyyy", "1990"),
            ("0", "unix", "iso", "1970-01-01T07:00:00+07:00"),
            ("1773538200000", "unix-ms", "yyyyMMddHHmmss", "20260315083000"),
            ("1970-01-01T00:00:00-01:00", "iso", "unix", "3600"),
            ("15 o'clock 2026-01-02", "HH' o''clock '", "yyyy", ""),
        ] {
            if expected.is_empty() {
                assert!(readable(from).is_err());
            } else {
                assert_eq!(convert(text, from, to).as_deref(), Some(expected), "{text} {from} {to}");
            }
        }
    }

    #[test]
    fn what_is_no_date_in_the_pattern_is_not_read() {
        for (text, from) in [
            ("1990-02-30", "yyyy-MM-dd"),
            ("1990-13-01", "yyyy-MM-dd"),
            ("0000-01-01", "yyyy-MM-dd"),
            ("1990-05-17 ", "yyyy-MM-dd"),
            ("90-05-17", "yyyy-MM-dd"),
            ("20260315240000", "yyyyMMddHHmmss"),
            ("20260315235960", "yyyyMMddHHmmss"),
            ("2026-03-15T10:00:00+25:00", "iso"),
            ("2026-03-15T10:00:00.+07:00", "iso"),
            ("2026-03-15T", "iso"),
            ("9999999999999999", "unix"),
            ("+5", "unix"),
            ("", "iso"),
        ] {
            assert!(parse(&readable(from).unwrap(), text).is_none(), "{text} {from}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for (pattern, why) in [
            ("", BadPattern::Length),
            ("yy-MM-dd", BadPattern::Letters),
            ("YYYY-MM-DD", BadPattern::Letters),
            ("yyyy-MM-dd 'open", BadPattern::Letters),
            ("yyyy-MM-dd yyyy", BadPattern::Twice),
            ("yyyy-dd", BadPattern::Incomplete),
            ("HH:mm", BadPattern::Incomplete),
            ("yyyy-MM-ddXXX", BadPattern::Incomplete),
        ] {
            assert_eq!(readable(pattern).err(), Some(why), "{pattern}");
        }
        assert_eq!(readable(&"yyyy|".repeat(9)[..44]).err(), Some(BadPattern::Alternatives));
        assert_eq!(Pattern::read("yyyy|iso").err(), Some(BadPattern::Alternatives));
    }

    proptest! {
        #[test]
        fn every_second_survives_every_full_pattern(second in -2_000_000_000i64..4_000_000_000) {
            let iso = convert(&second.to_string(), "unix", "iso").unwrap();
            for form in ["yyyyMMddHHmmss", "d/M/yyyy H:m:s", "yyyy-MM-dd'T'HH:mm:ssXXX", "unix-ms"] {
                let there = convert(&iso, "iso", form).unwrap();
                prop_assert_eq!(convert(&there, form, "unix").unwrap(), second.to_string());
            }
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".{0,40}", pattern in "[yMdHmsSX'|:/ T.ơ-]{0,24}") {
            for patterns in [readable(&pattern), readable("iso|unix|unix-ms")].into_iter().flatten() {
                if let Some(time) = parse(&patterns, &text) {
                    patterns[0].write(time);
                }
            }
        }
    }
}
