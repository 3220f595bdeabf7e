//! A day in Asia/Ho_Chi_Minh.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use lgsp_model::{PortalTime, Timestamp};

/// One, as the number `yyyyMMdd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(u32);

/// The text is not a day such as 2026-11-21.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadDay;

impl Day {
    /// The day that holds a moment.
    pub(crate) fn of(at: Timestamp) -> Self {
        let digits = PortalTime::from_timestamp(at).map_or(0, PortalTime::number);
        Self(u32::try_from(digits / 1_000_000).unwrap_or_default())
    }

    /// The days before and after it.
    pub(crate) fn beside(self) -> [Self; 2] {
        let parts = [self.0 / 10_000, self.0 / 100 % 100, self.0 % 100];
        let [year, month, day] = parts.map(|part| i16::try_from(part).unwrap_or_default());
        let date = Date::new(year, month as i8, day as i8).unwrap_or_default();
        [date.yesterday(), date.tomorrow()].map(|date| date.map_or(self, Self::from))
    }

    /// As the ledger writes it.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        let [year, month, day] = [i32::from(date.year()), date.month().into(), date.day().into()];
        Self(u32::try_from(year * 10_000 + month * 100 + day).unwrap_or_default())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

impl FromStr for Day {
    type Err = BadDay;
    fn from_str(text: &str) -> Result<Self, BadDay> {
        let digits = |at: usize, byte: u8| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        let formed = text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| digits(at, byte));
        let date: Date = formed.then(|| text.parse().ok()).flatten().ok_or(BadDay)?;
        Ok(Self::from(date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_real_and_written_in_one_way() {
        for text in ["2026-11-21", "2024-02-29"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        for text in ["", "2026-02-29", "2026-11-1", "20261121", "2026-11-21T00", "-026-11-21", "2026/11/21"] {
            assert_eq!(text.parse::<Day>(), Err(BadDay), "{text}");
        }
    }

    #[test]
    fn days_beside_a_day_are_in_other_months_and_years_too() {
        for (day, beside) in [
            ("2026-11-21", ["2026-11-20", "2026-11-22"]),
            ("2027-01-01", ["2026-12-31", "2027-01-02"]),
            ("2024-02-29", ["2024-02-28", "2024-03-01"]),
        ] {
            assert_eq!(day.parse::<Day>().unwrap().beside().map(|day| day.to_string()), beside, "{day}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_hanoi() {
        let seventeen_utc = PortalTime::parse("20261122000000").unwrap().timestamp();
        assert_eq!(Day::of(seventeen_utc), Day(20_261_122));
        assert_eq!(Day::of(seventeen_utc.plus_millis(-1)), Day(20_261_121));
    }
}
