//! Working time of an office in Vietnam: Monday to Friday without days off, 7:30 to 11:30 and 13:30 to 17:00.
//!
//! It takes times as arguments and reads no clock.

use std::collections::HashSet;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use lgsp_model::PortalTime;

use super::tables;

/// Opening hours.
const HOURS: [(Time, Time); 2] = [
    (Time::constant(7, 30, 0, 0), Time::constant(11, 30, 0, 0)),
    (Time::constant(13, 30, 0, 0), Time::constant(17, 0, 0, 0)),
];

/// Which days are worked.
pub(crate) struct Calendar {
    off: HashSet<Date>,
    worked: HashSet<Date>,
}

impl Calendar {
    pub(crate) fn of_vietnam() -> Self {
        let (off, worked) = tables::holidays();
        Self { off: off.into_iter().collect(), worked: worked.into_iter().collect() }
    }

    pub(crate) fn is_working_day(&self, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.worked.contains(&date) || (!weekend && !self.off.contains(&date))
    }

    /// `at` when an office is open then, else the next opening.
    pub(crate) fn open_at(&self, at: DateTime) -> DateTime {
        let mut date = at.date();
        if self.is_working_day(date) {
            for (opens, closes) in HOURS {
                if at.time() < closes {
                    return if at.time() < opens { date.to_datetime(opens) } else { at };
                }
            }
        }
        loop {
            date = next_day(date);
            if self.is_working_day(date) {
                return date.to_datetime(HOURS[0].0);
            }
        }
    }

    /// The time after `minutes` of opening hours.
    pub(crate) fn after(&self, at: DateTime, minutes: u64) -> DateTime {
        let mut now = self.open_at(at);
        let mut left = minutes as i64;
        loop {
            let closes = if now.time() < HOURS[0].1 { HOURS[0].1 } else { HOURS[1].1 };
            let until = now.date().to_datetime(closes);
            let open = (until - now).total(jiff::Unit::Minute).expect("both are civil times") as i64;
            if left < open {
                return now + left.minutes();
            }
            left -= open;
            now = self.open_at(until);
        }
    }

    /// The end of office hours `days` working days after the day of `at`: what a receipt promises.
    pub(crate) fn due(&self, at: DateTime, days: u64) -> DateTime {
        let mut date = at.date();
        for _ in 0..days.max(1) {
            date = next_day(date);
            while !self.is_working_day(date) {
                date = next_day(date);
            }
        }
        date.to_datetime(HOURS[1].1)
    }
}

fn next_day(date: Date) -> Date {
    date.tomorrow().expect("the demo's dates are far from the end of time")
}

/// The national form of a civil time in Vietnam.
pub(crate) fn portal_time(at: DateTime) -> PortalTime {
    let date = at.year() as u64 * 10_000 + at.month() as u64 * 100 + at.day() as u64;
    let time = at.hour() as u64 * 10_000 + at.minute() as u64 * 100 + at.second() as u64;
    PortalTime::from_number(date * 1_000_000 + time).expect("a civil time after 1900 is a portal time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    #[test]
    fn offices_open_on_working_days_in_working_hours() {
        let calendar = Calendar::of_vietnam();
        for (given, expected) in [
            ("2026-03-11T09:00:00", "2026-03-11T09:00:00"),
            ("2026-03-11T05:00:00", "2026-03-11T07:30:00"),
            ("2026-03-11T12:00:00", "2026-03-11T13:30:00"),
            ("2026-03-13T17:00:00", "2026-03-16T07:30:00"),
            ("2026-02-16T09:00:00", "2026-02-23T07:30:00"), // Tết
            ("2026-01-10T09:00:00", "2026-01-10T09:00:00"), // a Saturday worked for the 2nd
        ] {
            assert_eq!(calendar.open_at(at(given)), at(expected), "{given}");
        }
    }

    #[test]
    fn work_stops_at_noon_in_the_evening_and_over_the_weekend() {
        let calendar = Calendar::of_vietnam();
        assert_eq!(calendar.after(at("2026-03-11T11:00:00"), 60), at("2026-03-11T14:00:00"));
        assert_eq!(calendar.after(at("2026-03-13T16:30:00"), 90), at("2026-03-16T08:30:00"));
        assert_eq!(calendar.due(at("2026-03-12T09:00:00"), 2), at("2026-03-16T17:00:00"));
        assert_eq!(portal_time(at("2026-03-13T16:30:05")).to_string(), "20260313163005");
    }
}
