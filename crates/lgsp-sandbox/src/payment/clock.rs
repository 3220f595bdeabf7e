//! The time of payment providers: Vietnamese, whatever the machine's zone is.
//!
//! Vietnam has had no other offset than seven hours since 1975 and no summer time.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Hours ahead of UTC.
const OFFSET: Offset = Offset::constant(7);

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn civil(ms: u64) -> DateTime {
    // Beyond the year 9999 there is nothing to tell.
    OFFSET.to_datetime(Timestamp::from_millisecond(ms as i64).unwrap_or(Timestamp::MAX))
}

/// `yyyyMMddHHmmss`.
pub(super) fn compact(ms: u64) -> String {
    let at = civil(ms);
    format!("{:04}{:02}{:02}{:02}{:02}{:02}", at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second())
}

/// `dd/MM/yyyy HH:mm:ss`.
pub(super) fn written(ms: u64) -> String {
    let at = civil(ms);
    format!("{:02}/{:02}/{:04} {:02}:{:02}:{:02}", at.day(), at.month(), at.year(), at.hour(), at.minute(), at.second())
}

/// The day as a number, such as 20261122.
pub(super) fn day(ms: u64) -> u32 {
    let at = civil(ms);
    (at.year().unsigned_abs() as u32) * 10_000
        + u32::from(at.month().unsigned_abs()) * 100
        + u32::from(at.day().unsigned_abs())
}

/// The moment that `yyyyMMddHHmmss` is; absent when it is none.
pub(super) fn moment(text: &str) -> Option<u64> {
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<i8>().ok();
    let year = text[..4].parse::<i16>().ok()?;
    let at = DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?, 0).ok()?;
    u64::try_from(OFFSET.to_timestamp(at).ok()?.as_millisecond()).ok()
}

/// The first moment of a day such as 20261122; absent when there is no such day.
pub(super) fn start_of(day: u32) -> Option<u64> {
    moment(&format!("{day:08}000000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seven_hours_ahead() {
        // 2026-01-01 10:30:00 in Vietnam.
        let ms = 1_767_238_200_000;
        assert_eq!(
            (compact(ms).as_str(), written(ms).as_str(), day(ms)),
            ("20260101103000", "01/01/2026 10:30:00", 20_260_101)
        );
        assert_eq!((moment("20260101103000"), start_of(20_260_101)), (Some(ms), Some(ms - 37_800_000)));
        assert_eq!(day(ms + 13 * 3_600_000 + 1_800_000), 20_260_102);
        for wrong in ["2026010110300", "20260230103000", "2026-01-01 10:3", "20260101250000"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
