//! Times as a profile's pattern writes them (`yyyyMMddHHmmss`, `dd/MM/yyyy HH:mm:ss`), in GMT+7.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use lgsp_model::Timestamp;

/// Providers write and read Vietnam's time.
const VIETNAM: Offset = Offset::constant(7);

/// The longest pattern: a date and a time with signs between them.
const MOST_CHARS: usize = 40;

/// A pattern of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::payment) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Part(Part),
    Sign(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// The whole of it as milliseconds since 1970.
    Millis,
    /// The whole of it as seconds since 1970.
    Seconds,
}

/// Longest first, so that `yyyy` is not read as two short years.
const PARTS: &[(&str, Part, usize)] = &[
    ("millis", Part::Millis, 0),
    ("seconds", Part::Seconds, 0),
    ("yyyy", Part::Year, 4),
    ("yy", Part::ShortYear, 2),
    ("MM", Part::Month, 2),
    ("dd", Part::Day, 2),
    ("HH", Part::Hour, 2),
    ("mm", Part::Minute, 2),
    ("ss", Part::Second, 2),
];

impl Pattern {
    /// Letters besides the parts' own are refused: `hh` would be a clock of twelve hours.
    pub(in crate::payment) fn parse(mut text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        if text.is_empty() || text.chars().count() > MOST_CHARS {
            return None;
        }
        while let Some(first) = text.chars().next() {
            if let Some((word, part, _)) = PARTS.iter().find(|(word, ..)| text.starts_with(word)) {
                pieces.push(Piece::Part(*part));
                text = &text[word.len()..];
            } else if first.is_alphanumeric() && first != 'T' {
                return None;
            } else {
                pieces.push(Piece::Sign(first));
                text = &text[first.len_utf8()..];
            }
        }
        let whole = pieces.iter().any(|piece| matches!(piece, Piece::Part(Part::Millis | Part::Seconds)));
        (!whole || pieces.len() == 1).then_some(Self(pieces))
    }

    /// The national form.
    pub(in crate::payment) fn national() -> Self {
        Self::parse("yyyyMMddHHmmss").expect("the parts are in the table")
    }

    /// The time as text.
    pub(in crate::payment) fn write(&self, at: Timestamp) -> String {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let civil = VIETNAM.to_datetime(instant);
        let piece = |piece: &Piece| match piece {
            Piece::Sign(sign) => sign.to_string(),
            Piece::Part(Part::Year) => format!("{:04}", civil.year()),
            Piece::Part(Part::ShortYear) => format!("{:02}", civil.year().rem_euclid(100)),
            Piece::Part(Part::Month) => format!("{:02}", civil.month()),
            Piece::Part(Part::Day) => format!("{:02}", civil.day()),
            Piece::Part(Part::Hour) => format!("{:02}", civil.hour()),
            Piece::Part(Part::Minute) => format!("{:02}", civil.minute()),
            Piece::Part(Part::Second) => format!("{:02}", civil.second()),
            Piece::Part(Part::Millis) => at.0.to_string(),
            Piece::Part(Part::Seconds) => at.0.div_euclid(1000).to_string(),
        };
        self.0.iter().map(piece).collect()
    }

    /// The time that a text says; `None` when it says none.
    pub(in crate::payment) fn read(&self, text: &str) -> Option<Timestamp> {
        let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (0_i16, 1_i8, 1_i8, 0_i8, 0_i8, 0_i8);
        let mut rest = text;
        for piece in &self.0 {
            let part = match piece {
                Piece::Sign(sign) => {
                    rest = rest.strip_prefix(*sign)?;
                    continue;
                }
                Piece::Part(part @ (Part::Millis | Part::Seconds)) => return whole(rest, *part),
                Piece::Part(part) => *part,
            };
            let width = PARTS.iter().find(|(_, other, _)| *other == part).map_or(2, |(.., width)| *width);
            let (digits, after) = rest.split_at_checked(width)?;
            rest = after;
            let number: i16 = Some(digits).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
            let small = i8::try_from(number);
            match part {
                Part::Year => year = number,
                Part::ShortYear => year = 2000 + number,
                Part::Month => month = small.ok()?,
                Part::Day => day = small.ok()?,
                Part::Hour => hour = small.ok()?,
                Part::Minute => minute = small.ok()?,
                Part::Second => second = small.ok()?,
                Part::Millis | Part::Seconds => return None,
            }
        }
        let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok().filter(|_| rest.is_empty())?;
        let zoned = civil.to_zoned(TimeZone::fixed(VIETNAM)).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    }
}

fn whole(text: &str, part: Part) -> Option<Timestamp> {
    let number: i64 = Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let millis = if part == Part::Seconds { number.checked_mul(1000)? } else { number };
    jiff::Timestamp::from_millisecond(millis).ok().map(|at| Timestamp(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-01-01 00:30:00 in Vietnam, which is still the old year in GMT.
    const AT: Timestamp = Timestamp(1_767_202_200_000);

    #[test]
    fn patterns_write_and_read_vietnams_time() {
        for (pattern, text) in [
            ("yyyyMMddHHmmss", "20260101003000"),
            ("dd/MM/yyyy HH:mm:ss", "01/01/2026 00:30:00"),
            ("yyyy-MM-ddTHH:mm:ss", "2026-01-01T00:30:00"),
            ("yyMMdd HHmmss", "260101 003000"),
            ("millis", "1767202200000"),
            ("seconds", "1767202200"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!((pattern.write(AT).as_str(), pattern.read(text)), (text, Some(AT)));
        }
    }

    #[test]
    fn a_clock_of_twelve_hours_and_unknown_letters_are_refused() {
        for pattern in ["", "yyyyMMddhhmmss", "yyyy year", "millis ss", "dd.MM.y"] {
            assert_eq!(Pattern::parse(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_time_is_read_as_none() {
        for text in ["", "2026010100300", "202601010030000", "20260132003000", "2026010100300x", "２０２６0101003000"]
        {
            assert_eq!(Pattern::national().read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_second_is_read_back(second in 0..4_000_000_000_i64) {
            let at = Timestamp(second * 1000);
            prop_assert_eq!(Pattern::national().read(&Pattern::national().write(at)), Some(at));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,20}") {
            let _ = Pattern::national().read(&text);
            let _ = Pattern::parse(&text).map(|pattern| pattern.write(AT));
        }
    }
}
