//! Times as providers write them: Vietnam's, whatever zone the machine is in.
//!
//! It reads no clock.

use lgsp_model::{PortalTime, Timestamp};

/// Milliseconds since 1970 from which on a number is no time of a payment: the year 2100.
const LAST_MILLIS: i64 = 4_102_444_800_000;

/// `yyyyMMddHHmmss` in GMT+7.
pub(super) fn compact(at: Timestamp) -> String {
    // Only a time beyond the year 9999 has no such form, and none of ours is.
    PortalTime::from_timestamp(at).map_or_else(String::new, |time| time.to_string())
}

/// `yyMMdd` in GMT+7.
pub(super) fn day(at: Timestamp) -> String {
    compact(at).get(2..8).unwrap_or_default().to_owned()
}

/// Whether it is still the day of `since` in GMT+7, and not yet `until`, which is `HHmmss`.
pub(super) fn within_day(since: Timestamp, now: Timestamp, until: &str) -> bool {
    let (since, now) = (compact(since), compact(now));
    match (since.get(..8), now.get(..8), now.get(8..)) {
        (Some(since), Some(today), Some(time)) => since == today && time < until,
        _ => false,
    }
}

/// What `yyyyMMddHHmmss` in GMT+7 says.
pub(super) fn read_compact(text: &str) -> Option<Timestamp> {
    PortalTime::parse(text).ok().map(PortalTime::timestamp)
}

/// What a number of milliseconds since 1970 says.
pub(super) fn read_millis(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|millis| (1..LAST_MILLIS).contains(millis)).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_vietnams() {
        // 2026-01-01T17:30:00Z is already the second in Vietnam.
        let at = Timestamp(1_767_288_600_000);
        assert_eq!((compact(at).as_str(), day(at).as_str()), ("20260102003000", "260102"));
        assert_eq!(read_compact("20260102003000"), Some(at));
        assert_eq!(read_millis("1767288600000"), Some(at));
        for (minutes, until, within) in
            [(0, "003001", true), (0, "003000", false), (-31, "234500", false), (23 * 60, "234500", true)]
        {
            assert_eq!(within_day(at, at.plus_millis(minutes * 60_000), until), within, "{minutes} {until}");
        }
        for text in ["", "0", "-1", "1e3", "99999999999999"] {
            assert_eq!((read_millis(text), read_compact(text)), (None, None), "{text}");
        }
    }
}
