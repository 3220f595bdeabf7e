//! Times and sizes with units. A bare number is neither.

use std::fmt;
use std::time::Duration;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteCount(pub u64);

impl ByteCount {
    /// `n` KiB.
    pub const fn kib(n: u64) -> Self {
        Self(n * 1024)
    }

    /// `n` MiB.
    pub const fn mib(n: u64) -> Self {
        Self(n * 1024 * 1024)
    }

    /// The number as a length in memory; on machines that cannot address so much, the most that they can.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = SIZE_UNITS
            .iter()
            .rev()
            .find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size))
            .unwrap_or(&SIZE_UNITS[0]);
        write!(f, "{}{unit}", self.0 / size)
    }
}

/// Units of sizes in bytes, from the smallest up.
const SIZE_UNITS: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Units of times in milliseconds, from the smallest up.
const TIME_UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads `16MiB`; `None` when the text is not a whole number with a unit.
pub fn size(text: &str) -> Option<ByteCount> {
    with_unit(text, &SIZE_UNITS).map(ByteCount)
}

/// Reads `5s`; `None` when the text is not a whole number with a unit.
pub fn time(text: &str) -> Option<Duration> {
    with_unit(text, &TIME_UNITS).map(Duration::from_millis)
}

/// Writes a time the way that [`time`] reads it.
pub fn write_time(time: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (unit, size) = TIME_UNITS
        .iter()
        .rev()
        .find(|(_, size)| millis >= *size && millis.is_multiple_of(*size))
        .unwrap_or(&TIME_UNITS[0]);
    write!(f, "{}{unit}", millis / size)
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Time(Duration);
    impl fmt::Display for Time {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_time(self.0, f)
        }
    }

    #[test]
    fn times_and_sizes_are_read_with_their_units() {
        assert_eq!(time("30ms"), Some(Duration::from_millis(30)));
        assert_eq!(time("5s"), Some(Duration::from_secs(5)));
        assert_eq!(time("10m"), Some(Duration::from_secs(600)));
        assert_eq!(time("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(time("2d"), Some(Duration::from_secs(172_800)));
        assert_eq!(size("512B"), Some(ByteCount(512)));
        assert_eq!(size("32KiB"), Some(ByteCount::kib(32)));
        assert_eq!(size("16MiB"), Some(ByteCount::mib(16)));
        assert_eq!(size("1GiB"), Some(ByteCount(1 << 30)));
    }

    #[test]
    fn numbers_without_a_known_unit_are_refused() {
        for text in ["", "5", "s", "5 s", "-5s", "1.5s", "5S", "5sec", "1h30m", "99999999999999999999s", "٥s"] {
            assert_eq!(time(text), None, "{text}");
        }
        for text in ["", "16", "MiB", "16MB", "16mib", "16 MiB", "1.5GiB", "18446744073709551615GiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 1u64..u64::MAX / 2, bytes in 1u64..u64::MAX / 2) {
            prop_assert_eq!(time(&Time(Duration::from_millis(millis)).to_string()), Some(Duration::from_millis(millis)));
            prop_assert_eq!(size(&ByteCount(bytes).to_string()), Some(ByteCount(bytes)));
        }
    }
}
