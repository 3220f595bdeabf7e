//! Points in time as values; nothing here reads a clock.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Asia/Ho_Chi_Minh has been UTC+7 without daylight saving since 1975.
const VIETNAM: Offset = Offset::constant(7);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time plus `millis` milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// RFC 3339 in Vietnam's offset: `2026-11-21T15:04:05.123+07:00`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let civil = VIETNAM.to_datetime(instant);
        let (date, time) = (civil.date(), civil.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+07:00",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}

/// A time in the national form `yyyyMMddHHmmss`, Asia/Ho_Chi_Minh. Ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortalTime(u64);

/// The text is not a real instant in the form `yyyyMMddHHmmss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPortalTime;

impl fmt::Display for BadPortalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a real time in Asia/Ho_Chi_Minh as yyyyMMddHHmmss, for example 20260315083000")
    }
}

impl std::error::Error for BadPortalTime {}

impl PortalTime {
    /// Reads `yyyyMMddHHmmss`.
    pub fn parse(text: &str) -> Result<Self, BadPortalTime> {
        if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadPortalTime);
        }
        let number: u64 = text.parse().map_err(|_| BadPortalTime)?;
        Self::from_number(number).ok_or(BadPortalTime)
    }

    /// The time whose digits are `number`, as [`Self::number`] gave them.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::civil(number).filter(|civil| civil.year() >= 1900).map(|_| Self(number))
    }

    /// The digits as one number: `20260315083000`.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The instant in Asia/Ho_Chi_Minh.
    pub fn timestamp(self) -> Timestamp {
        let civil = Self::civil(self.0).expect("checked when it was made");
        let zoned = civil.to_zoned(TimeZone::fixed(VIETNAM)).expect("years 1900 to 9999 are in range");
        Timestamp(zoned.timestamp().as_millisecond())
    }

    /// The second that holds `at`, in Vietnam's time.
    pub fn from_timestamp(at: Timestamp) -> Option<Self> {
        let c = VIETNAM.to_datetime(jiff::Timestamp::from_millisecond(at.0).ok()?);
        let date = u64::try_from(c.year()).ok()? * 10_000 + c.month() as u64 * 100 + c.day() as u64;
        Self::from_number(date * 1_000_000 + c.hour() as u64 * 10_000 + c.minute() as u64 * 100 + c.second() as u64)
    }

    fn civil(number: u64) -> Option<DateTime> {
        let part = |divisor: u64, modulus: u64| (number / divisor % modulus) as i8;
        let year = i16::try_from(number / 10_000_000_000).ok()?;
        let (month, day) = (part(100_000_000, 100), part(1_000_000, 100));
        DateTime::new(year, month, day, part(10_000, 100), part(100, 100), part(1, 100), 0).ok()
    }
}

impl fmt::Display for PortalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_real_instants_are_read() {
        for good in ["20240315083000", "20240229235959", "19000101000000"] {
            assert_eq!(PortalTime::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "20230229000000",
            "20240315240000",
            "20240315083060",
            "20241315083000",
            "2024031508300",
            "2024-03-15",
            "",
            "00000000000000",
        ] {
            assert_eq!(PortalTime::parse(bad), Err(BadPortalTime), "{bad}");
        }
    }

    #[test]
    fn times_print_in_vietnams_offset() {
        let time = PortalTime::parse("20261121150405").unwrap();
        assert_eq!(time.timestamp().to_string(), "2026-11-21T15:04:05.000+07:00");
    }

    proptest! {
        #[test]
        fn every_second_survives_the_way_there_and_back(second in 0i64..4_000_000_000) {
            let at = Timestamp(second * 1000);
            prop_assert_eq!(PortalTime::from_timestamp(at).unwrap().timestamp(), at);
        }
    }
}
