//! Dates, times and durations of XML Schema 1.0: read strictly, and compared as points on the time line.
//!
//! Years beyond nine digits are refused: nothing of ours lives that long.

use std::cmp::Ordering;

const DAY: i64 = 86_400;
/// What a time zone that is not said may be off, seconds.
const UNKNOWN_ZONE: i64 = 14 * 3600;
/// A leap year, so that every day of a year exists, for what has no year.
const SOME_YEAR: i64 = 2000;

/// Which parts a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    DateTime,
    Date,
    Time,
    YearMonth,
    Year,
    MonthDay,
    Month,
    Day,
}

/// A point of the time line, or many of them when parts are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    kind: Kind,
    /// Seconds since 1970, by the clock of its zone taken as UTC.
    seconds: i64,
    /// Digits after the point of the seconds, no zeros at the end.
    fraction: String,
    /// Seconds ahead of UTC, when said.
    zone: Option<i64>,
}

impl Moment {
    pub(super) fn read(kind: Kind, text: &str) -> Option<Self> {
        let mut rest = Rest(text.as_bytes());
        let (mut year, mut month, mut day) = (SOME_YEAR, 1, 1);
        let has = |kinds: &[Kind]| kinds.contains(&kind);
        if has(&[Kind::DateTime, Kind::Date, Kind::YearMonth, Kind::Year]) {
            year = rest.year()?;
        }
        if has(&[Kind::DateTime, Kind::Date, Kind::YearMonth]) {
            rest.skip(b"-")?;
            month = rest.two(1, 12)?;
        }
        if has(&[Kind::MonthDay, Kind::Month]) {
            rest.skip(b"--")?;
            month = rest.two(1, 12)?;
        }
        if has(&[Kind::DateTime, Kind::Date, Kind::MonthDay]) {
            rest.skip(b"-")?;
            day = rest.two(1, 31)?;
        }
        if kind == Kind::Day {
            rest.skip(b"---")?;
            day = rest.two(1, 31)?;
        }
        if day > days_of(year, month) {
            return None;
        }
        let (mut seconds, mut fraction) = (0, String::new());
        if kind == Kind::DateTime {
            rest.skip(b"T")?;
        }
        if has(&[Kind::DateTime, Kind::Time]) {
            (seconds, fraction) = rest.clock()?;
        }
        let zone = rest.zone()?;
        rest.0.is_empty().then(|| Self { kind, seconds: days(year, month, day) * DAY + seconds, fraction, zone })
    }

    pub(super) fn canonical(&self) -> String {
        let seconds = self.seconds - self.zone.unwrap_or(0);
        format!("{seconds}.{}{}", self.fraction, if self.zone.is_some() { "Z" } else { "" })
    }

    /// `None` when the order depends on a zone that is not said.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        let at = |moment: &Self, zone: i64| (moment.seconds - zone, moment.fraction.clone());
        match (self.zone, other.zone) {
            (None, None) => Some(at(self, 0).cmp(&at(other, 0))),
            (Some(one), Some(two)) => Some(at(self, one).cmp(&at(other, two))),
            (Some(zone), None) => {
                let this = at(self, zone);
                if this < at(other, UNKNOWN_ZONE) {
                    Some(Ordering::Less)
                } else if this > at(other, -UNKNOWN_ZONE) {
                    Some(Ordering::Greater)
                } else {
                    None
                }
            }
            (None, Some(_)) => other.compare(self).map(Ordering::reverse),
        }
    }
}

/// What is left to read.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn skip(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn digits(&mut self) -> &[u8] {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits
    }

    fn year(&mut self) -> Option<i64> {
        let is_negative = self.skip(b"-").is_some();
        let digits = self.digits();
        if digits.len() < 4 || digits.len() > 9 || digits.len() > 4 && digits[0] == b'0' {
            return None;
        }
        let year = number(digits)?;
        // There is no year 0; the year before 1 is -1.
        match (year, is_negative) {
            (0, _) => None,
            (year, true) => Some(1 - year),
            (year, false) => Some(year),
        }
    }

    fn two(&mut self, least: i64, most: i64) -> Option<i64> {
        let (two, rest) = self.0.split_at_checked(2)?;
        let value = number(two).filter(|value| (least..=most).contains(value))?;
        self.0 = rest;
        Some(value)
    }

    /// `hh:mm:ss` and a fraction; 24:00:00 is the end of the day.
    fn clock(&mut self) -> Option<(i64, String)> {
        let hours = self.two(0, 24)?;
        self.skip(b":")?;
        let minutes = self.two(0, 59)?;
        self.skip(b":")?;
        let seconds = self.two(0, 59)?;
        let mut fraction = String::new();
        if self.skip(b".").is_some() {
            let digits = String::from_utf8_lossy(self.digits()).into_owned();
            if digits.is_empty() {
                return None;
            }
            fraction = digits.trim_end_matches('0').to_owned();
        }
        if hours == 24 && (minutes, seconds, fraction.as_str()) != (0, 0, "") {
            return None;
        }
        Some((hours * 3600 + minutes * 60 + seconds, fraction))
    }

    fn zone(&mut self) -> Option<Option<i64>> {
        if self.0.is_empty() {
            return Some(None);
        }
        if self.skip(b"Z").is_some() {
            return Some(Some(0));
        }
        let sign = if self.skip(b"+").is_some() {
            1
        } else {
            self.skip(b"-")?;
            -1
        };
        let hours = self.two(0, 14)?;
        self.skip(b":")?;
        let minutes = self.two(0, if hours == 14 { 0 } else { 59 })?;
        Some(Some(sign * (hours * 3600 + minutes * 60)))
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, by counting in eras of 400 years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A length of time: months and seconds have no fixed ratio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Duration {
    months: i64,
    seconds: i64,
    fraction: String,
    negative: bool,
}

impl Duration {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let text = text.strip_prefix('P')?;
        let (date, time) = match text.split_once('T') {
            Some((_, "")) => return None,
            Some((date, time)) => (date, time),
            None => (text, ""),
        };
        let mut found = Self { months: 0, seconds: 0, fraction: String::new(), negative };
        let date = parts(date, &[('Y', 12), ('M', 1), ('D', 0)])?;
        for (unit, value, fraction) in &date {
            if !fraction.is_empty() {
                return None;
            }
            match unit {
                'Y' => found.months = found.months.checked_add(value.checked_mul(12)?)?,
                'M' => found.months = found.months.checked_add(*value)?,
                _ => found.seconds = found.seconds.checked_add(value.checked_mul(DAY)?)?,
            }
        }
        let time = parts(time, &[('H', 3600), ('M', 60), ('S', 1)])?;
        for (unit, value, fraction) in &time {
            let each = match unit {
                'H' => 3600,
                'M' => 60,
                _ => 1,
            };
            if !fraction.is_empty() && each != 1 {
                return None;
            }
            found.seconds = found.seconds.checked_add(value.checked_mul(each)?)?;
            if each == 1 {
                found.fraction = fraction.trim_start_matches('.').trim_end_matches('0').to_owned();
            }
        }
        (!date.is_empty() || !time.is_empty()).then_some(found)
    }

    pub(super) fn canonical(&self) -> String {
        format!("{}{}M{}.{}", if self.negative { "-" } else { "" }, self.months, self.seconds, self.fraction)
    }

    /// As XML Schema says: by what four points in time become of it; `None` when they disagree.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        let orders = [(1696, 9), (1697, 2), (1903, 3), (1903, 7)].map(|start| self.from(start).cmp(&other.from(start)));
        orders.iter().all(|order| *order == orders[0]).then_some(orders[0])
    }

    fn from(&self, (year, month): (i64, i64)) -> (i64, i64) {
        let sign = if self.negative { -1 } else { 1 };
        let months = month - 1 + sign * self.months.min(12 * 1_000_000_000);
        let start = days(year, month, 1);
        let end = days(year + months.div_euclid(12), months.rem_euclid(12) + 1, 1);
        let nanos = format!("{:0<9.9}", self.fraction).parse::<i64>().unwrap_or(0);
        let total = ((end - start) * DAY).saturating_add(sign * self.seconds);
        (total, sign * nanos)
    }
}

/// `1Y2M` as units with their numbers, in the order given, each at most once.
fn parts(text: &str, units: &[(char, i64)]) -> Option<Vec<(char, i64, String)>> {
    let (mut rest, mut next, mut found) = (text, 0, Vec::new());
    while !rest.is_empty() {
        let at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let unit = rest[at..].chars().next()?;
        let place = units[next..].iter().position(|(known, _)| *known == unit)?;
        let (whole, fraction) = rest[..at].find('.').map_or((&rest[..at], ""), |point| rest[..at].split_at(point));
        let is_fraction = fraction.len() != 1 && fraction.chars().skip(1).all(|c| c.is_ascii_digit());
        if whole.is_empty() || !is_fraction {
            return None;
        }
        found.push((unit, number(whole.as_bytes())?, fraction.to_owned()));
        next += place + 1;
        rest = &rest[at + 1..];
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: Kind, one: &str, two: &str) -> Option<Ordering> {
        Moment::read(kind, one).unwrap().compare(&Moment::read(kind, two).unwrap())
    }

    #[test]
    fn days_exist_or_not() {
        for (kind, text, is_one) in [
            (Kind::Date, "2024-02-29", true),
            (Kind::Date, "2023-02-29", false),
            (Kind::Date, "1900-02-29", false),
            (Kind::Date, "-0001-12-31+07:00", true),
            (Kind::Date, "0000-01-01", false),
            (Kind::Date, "02024-01-01", false),
            (Kind::Date, "2024-1-1", false),
            (Kind::Date, "2024-01-01+14:01", false),
            (Kind::DateTime, "2024-01-01T24:00:00", true),
            (Kind::DateTime, "2024-01-01T24:00:01", false),
            (Kind::DateTime, "2024-01-01T23:59:59.999Z", true),
            (Kind::DateTime, "2024-01-01T23:59:59.", false),
            (Kind::DateTime, "2024-01-01 23:59:59", false),
            (Kind::MonthDay, "--02-29", true),
            (Kind::MonthDay, "--02-30", false),
            (Kind::Day, "---31", true),
            (Kind::Month, "--13", false),
            (Kind::Year, "2024Z", true),
            (Kind::YearMonth, "2024-12", true),
            (Kind::Time, "12:00:00+07:00", true),
            (Kind::Time, "12:00", false),
        ] {
            assert_eq!(Moment::read(kind, text).is_some(), is_one, "{text}");
        }
    }

    #[test]
    fn moments_are_compared_in_their_zones() {
        assert_eq!(order(Kind::DateTime, "2024-01-01T07:00:00+07:00", "2024-01-01T00:00:00Z"), Some(Ordering::Equal));
        assert_eq!(order(Kind::DateTime, "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.45Z"), Some(Ordering::Greater));
        assert_eq!(order(Kind::Date, "2024-01-01", "2024-01-01Z"), None);
        assert_eq!(order(Kind::Date, "2024-01-01", "2024-01-03Z"), Some(Ordering::Less));
        assert_eq!(order(Kind::Date, "-0001-01-01", "0001-01-01"), Some(Ordering::Less));
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1) - days(2000, 2, 28), 2);
    }

    #[test]
    fn durations_are_compared_where_that_is_possible() {
        let of = |text: &str| Duration::read(text).unwrap();
        assert_eq!(of("P1Y").compare(&of("P12M")), Some(Ordering::Equal));
        assert_eq!(of("P1M").compare(&of("P30D")), None);
        assert_eq!(of("P1M").compare(&of("P32D")), Some(Ordering::Less));
        assert_eq!(of("-PT0.5S").compare(&of("PT0S")), Some(Ordering::Less));
        for text in [
            "", "P", "PT", "P1", "1D", "P1S", "PT1D", "P1DT", "P1.5D", "PT1.S", "PT.5S", "P1M1Y", "P-1D", "+P1D",
            "PT1S2S",
        ] {
            assert!(Duration::read(text).is_none(), "{text}");
        }
    }
}
