//! The form in which a day file writes a time, as letters that stand for digits. Only the day of it counts.

use jiff::civil::Date;

/// A form such as `dd/MM/yyyy HH:mm:ss`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TimePattern(Vec<u8>);

/// The longest form.
const MOST: usize = 40;

impl TimePattern {
    /// Reads a form: `yyyy`, `MM` and `dd` once each, `HH`, `mm` and `ss` at most once; everything else stands for itself.
    pub(super) fn read(text: &str) -> Option<Self> {
        let runs = |letter: u8| text.bytes().filter(|byte| *byte == letter).count();
        let together = |run: &str| text.matches(run).count() == 1;
        let day = [("yyyy", b'y', 4), ("MM", b'M', 2), ("dd", b'd', 2)];
        let rest = [("HH", b'H', 2), ("mm", b'm', 2), ("ss", b's', 2)];
        let good = text.is_ascii()
            && text.len() <= MOST
            && day.iter().all(|(run, letter, count)| together(run) && runs(*letter) == *count)
            && rest.iter().all(|(run, letter, count)| runs(*letter) == 0 || together(run) && runs(*letter) == *count);
        good.then(|| Self(text.as_bytes().to_vec()))
    }

    /// The day of a text in this form, as the number `yyyyMMdd`.
    pub(super) fn day(&self, text: &str) -> Option<u32> {
        if text.len() != self.0.len() {
            return None;
        }
        let [mut year, mut month, mut day, mut hour, mut minute, mut second] = [0i16; 6];
        for (pattern, byte) in self.0.iter().zip(text.bytes()) {
            let part = match pattern {
                b'y' => &mut year,
                b'M' => &mut month,
                b'd' => &mut day,
                b'H' => &mut hour,
                b'm' => &mut minute,
                b's' => &mut second,
                _ if *pattern == byte => continue,
                _ => return None,
            };
            *part = *part * 10 + i16::from(char::from(byte).to_digit(10)? as u8);
        }
        Date::new(year, month as i8, day as i8).ok()?;
        let real = year >= 1900 && hour < 24 && minute < 60 && second <= 60;
        real.then_some(year as u32 * 10_000 + month as u32 * 100 + day as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_by_their_form_and_only_real_ones() {
        for (form, text, day) in [
            ("dd/MM/yyyy HH:mm:ss", "21/11/2026 23:59:59", Some(20_261_121)),
            ("yyyyMMddHHmmss", "20240229000000", Some(20_240_229)),
            ("yyyy-MM-dd", "2026-11-21", Some(20_261_121)),
            ("dd/MM/yyyy HH:mm:ss", "21/11/2026 24:00:00", None),
            ("dd/MM/yyyy HH:mm:ss", "21/11/2026 23:60:00", None),
            ("dd/MM/yyyy HH:mm:ss", "21/13/2026 23:00:00", None),
            ("dd/MM/yyyy HH:mm:ss", "29/02/2026 23:00:00", None),
            ("dd/MM/yyyy HH:mm:ss", "21-11-2026 23:00:00", None),
            ("dd/MM/yyyy HH:mm:ss", "21/11/2026", None),
            ("yyyy-MM-dd", "+026-11-21", None),
            ("yyyy-MM-dd", "0026-11-21", None),
        ] {
            assert_eq!(TimePattern::read(form).unwrap().day(text), day, "{form} {text}");
        }
    }

    #[test]
    fn a_form_has_each_part_of_the_day_once() {
        for bad in ["", "dd/MM/yy", "dd/MM/yyyy yyyy", "d/M/yyyy", "dMd/yyyyM", "dd/MM/yyyy H:mm", "ngày dd MM yyyy"] {
            assert_eq!(TimePattern::read(bad), None, "{bad}");
        }
    }
}
