//! The forms of dates and times that partners insist on.
//!
//! Forms and ranges only: days of months are not counted.

/// Whether a text has a form of the letters `yyyy MM dd HH mm ss fff`, every other character standing for itself, and
/// its numbers are possible.
pub(crate) fn is_date(text: &str, form: &str) -> bool {
    if text.len() != form.len() {
        return false;
    }
    let same = form.bytes().zip(text.bytes()).all(|(form, byte)| match form {
        b'y' | b'M' | b'd' | b'H' | b'm' | b's' | b'f' => byte.is_ascii_digit(),
        other => other == byte,
    });
    same && ["MM", "dd", "HH", "mm", "ss"].iter().all(|part| {
        let range = match *part {
            "MM" => 1..=12,
            "dd" => 1..=31,
            "HH" => 0..=23,
            _ => 0..=59,
        };
        let number = form.find(part).and_then(|at| text[at..at + part.len()].parse::<u8>().ok());
        number.is_none_or(|number| range.contains(&number))
    })
}

/// `yyyy-MM-ddTHH:mm:ss.fff`, with nothing, `Z` or an offset after it.
pub(crate) fn is_iso_millis(text: &str) -> bool {
    const FORM: &str = "yyyy-MM-ddTHH:mm:ss.fff";
    let Some((time, zone)) = text.split_at_checked(FORM.len()) else { return false };
    is_date(time, FORM) && (zone.is_empty() || zone == "Z" || is_date(zone, "+HH:mm") || is_date(zone, "-HH:mm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_kept_to_the_letter() {
        assert!(is_date("20260731", "yyyyMMdd"));
        assert!(is_date("2026-07-31 08:05:09", "yyyy-MM-dd HH:mm:ss"));
        for wrong in
            ["2026-07-31T08:05:09", "2026-13-31 08:05:09", "2026-07-31 24:05:09", "31-07-2026 08:05:09", "", "ạ"]
        {
            assert!(!is_date(wrong, "yyyy-MM-dd HH:mm:ss"), "{wrong}");
        }
        for right in ["2026-07-31T08:05:09.120", "2026-07-31T08:05:09.120Z", "2026-07-31T08:05:09.120+07:00"] {
            assert!(is_iso_millis(right), "{right}");
        }
        for wrong in ["2026-07-31T08:05:09", "2026-07-31 08:05:09.120", "2026-07-31T08:05:09.120+7", "ngày"] {
            assert!(!is_iso_millis(wrong), "{wrong}");
        }
    }
}
