//! Texts as providers take them, and names that are new at every call.
//!
//! It knows no field of any provider.

use aws_lc_rs::rand;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::keys::hex;

/// Digits that every number of 64 bits holds.
const NUMBER_DIGITS: usize = 18;

/// Letters without accents and signs that every implementation of a form writes alike: letters, digits and `.,:_-`, single spaces
/// between words, at most `most` characters. `Lệ phí hồ sơ (5)` becomes `Le phi ho so 5`.
pub(super) fn plain(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut gap = false;
    for c in text.nfd().filter(|c| !is_combining_mark(*c)) {
        let c = match c {
            'đ' => 'd',
            'Đ' => 'D',
            other => other,
        };
        if !(c.is_ascii_alphanumeric() || matches!(c, '.' | ',' | ':' | '_' | '-')) {
            gap = !out.is_empty();
            continue;
        }
        if out.len() + usize::from(gap) >= most {
            break;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// The text; another one where there is none, for fields that must say something.
pub(super) fn filled<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// The first characters of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The name of a payment or refund at a provider that numbers them, in 64 bits; `0` stands there while there is none.
pub(super) fn numbered(text: &str) -> Option<String> {
    let digits = (1..=NUMBER_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (digits && !text.starts_with('0')).then(|| text.to_owned())
}

/// Sixteen hexadecimal digits that no other call has.
pub(super) fn fresh() -> String {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).expect("the system's source of randomness works");
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_and_signs_are_left_out() {
        for (text, most, expected) in [
            ("Lệ phí hồ sơ: 5", 255, "Le phi ho so: 5"),
            ("  Đóng lệ phí (H56.14-240315-0007)/đợt 2!", 255, "Dong le phi H56.14-240315-0007 dot 2"),
            ("Nguye\u{302}\u{303}n", 255, "Nguyen"),
            ("ab cd", 3, "ab"),
            ("ab cd", 4, "ab c"),
            ("测试", 255, ""),
        ] {
            assert_eq!(plain(text, most), expected);
        }
    }

    #[test]
    fn a_transaction_is_a_number_that_is_not_nought() {
        assert_eq!(numbered("4088878653").as_deref(), Some("4088878653"));
        for text in ["", "0", "-1", "007", "1.5", "12a", "1234567890123456789"] {
            assert_eq!(numbered(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_needs_no_escape_but_for_spaces_and_colons_and_commas(text in ".*", most in 0usize..40) {
            let plain = plain(&text, most);
            prop_assert!(plain.len() <= most);
            prop_assert!(plain.bytes().all(|b| b.is_ascii_alphanumeric() || b" .,:_-".contains(&b)), "{}", plain);
            prop_assert!(plain.trim() == plain && !plain.contains("  "));
        }
    }
}
