//! Numbers in messages, of JSON or as texts of XML: reading, rounding, comparing.
//!
//! Whole numbers stay exact. Decimals are rounded on their digits, never through a float. No value is shown.

use std::cmp::Ordering;

use serde_json::Number;

use crate::tree::Tree;

/// The longest number as text: amounts of money have 20 digits at most, doubles print with 24.
const MAX_DIGITS: usize = 40;

/// The number that a scalar says; `None` when it says none.
pub(super) fn read(text: &str) -> Option<Number> {
    if text.len() > MAX_DIGITS {
        return None;
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    if !digits.contains('.') {
        if let Ok(number) = text.parse::<i64>() {
            return Some(number.into());
        }
        if let Ok(number) = text.parse::<u64>() {
            return Some(number.into());
        }
    }
    Number::from_f64(text.parse().ok()?)
}

/// The whole number that a text says: `12`, also `12.00`.
pub(super) fn read_whole(text: &str) -> Option<i64> {
    if text.len() > MAX_DIGITS {
        return None;
    }
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    whole.parse().ok()
}

/// `text` with exactly `places` digits behind the point, a half rounded away from zero.
pub(super) fn decimal(text: &str, places: usize) -> Option<String> {
    read(text)?;
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut kept: Vec<u8> = whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(places)).collect();
    let up = fraction.as_bytes().get(places).is_some_and(|digit| *digit >= b'5');
    if up {
        let mut at = kept.len();
        loop {
            if at == 0 {
                kept.insert(0, b'1');
                break;
            }
            at -= 1;
            if kept[at] == b'9' {
                kept[at] = b'0';
            } else {
                kept[at] += 1;
                break;
            }
        }
    }
    let point = kept.len() - places;
    let shown: String = kept.iter().map(|digit| char::from(*digit)).collect();
    let whole = shown[..point].trim_start_matches('0');
    let is_zero = shown.bytes().all(|digit| digit == b'0');
    let mut out = String::with_capacity(shown.len() + 3);
    out.push_str(if negative && !is_zero { "-" } else { "" });
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if places > 0 {
        out.push('.');
        out.push_str(&shown[point..]);
    }
    Some(out)
}

/// Whether two scalars are equal: as numbers when one of them is a number, so that a text of XML equals a number of
/// JSON. Two texts are equal only when they are the same: `01` is not `1`.
pub(super) fn equal(one: &Tree<'_>, other: &Tree<'_>) -> bool {
    match (one, other) {
        (Tree::Text(one), Tree::Text(other)) => one == other,
        _ => order(one, other).is_some_and(Ordering::is_eq),
    }
}

/// How two scalars are ordered: as numbers when both say one, as texts else; `None` when they cannot be compared.
pub(super) fn order(one: &Tree<'_>, other: &Tree<'_>) -> Option<Ordering> {
    match (one, other) {
        (Tree::Null, Tree::Null) => Some(Ordering::Equal),
        (Tree::Bool(one), Tree::Bool(other)) => Some(one.cmp(other)),
        (Tree::Bool(value), Tree::Text(text)) => Some(word(*value).cmp(text)),
        (Tree::Text(text), Tree::Bool(value)) => Some((**text).cmp(word(*value))),
        (Tree::Text(one), Tree::Text(other)) => {
            let by_number = || numbers(&read(one)?, &read(other)?);
            by_number().or_else(|| Some(one.cmp(other)))
        }
        (Tree::Number(one), Tree::Number(other)) => numbers(one, other),
        (Tree::Number(one), Tree::Text(other)) => numbers(one, &read(other)?),
        (Tree::Text(one), Tree::Number(other)) => numbers(&read(one)?, other),
        _ => None,
    }
}

fn word(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn numbers(one: &Number, other: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_rounded_on_their_digits() {
        for (text, places, expected) in [
            ("12.345", 2, "12.35"),
            ("-12.345", 2, "-12.35"),
            ("0.5", 0, "1"),
            ("-0.4", 0, "0"),
            ("999.999", 2, "1000.00"),
            ("007", 1, "7.0"),
            ("1.005", 2, "1.01"),
            ("12", 0, "12"),
            ("123456789012345678901234.5", 2, "123456789012345678901234.50"),
        ] {
            assert_eq!(decimal(text, places).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in ["", "-", "1.", ".5", "+1", "1e5", "0x1", "NaN", "inf", " 1", "1,5", "١", "--1", &"1".repeat(41)] {
            assert!(read(text).is_none(), "{text}");
            assert!(read_whole(text).is_none(), "{text}");
            assert!(decimal(text, 2).is_none(), "{text}");
        }
        assert_eq!((read_whole("12.50"), read_whole("12.00"), read_whole("-7")), (None, Some(12), Some(-7)));
        assert_eq!(read_whole("9223372036854775808"), None);
    }

    proptest! {
        #[test]
        fn whole_numbers_survive_the_way_there_and_back(number: i64, places in 0usize..6) {
            prop_assert_eq!(read(&number.to_string()).and_then(|read| read.as_i64()), Some(number));
            let decimal = decimal(&number.to_string(), places).unwrap();
            prop_assert_eq!(read_whole(&decimal), Some(number));
        }

        #[test]
        fn rounding_to_more_places_changes_nothing(whole in -1_000_000i64..1_000_000, fraction in "[0-9]{1,6}") {
            let text = format!("{whole}.{fraction}");
            let longer = decimal(&text, 8).unwrap();
            prop_assert_eq!(decimal(&longer, fraction.len()), decimal(&text, fraction.len()));
        }

        #[test]
        fn numbers_are_ordered_as_numbers_whatever_their_form(one: i32, other: i32) {
            let (text, number) = (Tree::Text(one.to_string().into()), Tree::Number(other.into()));
            prop_assert_eq!(order(&text, &number), Some(one.cmp(&other)));
            prop_assert_eq!(order(&number, &text), Some(other.cmp(&one)));
        }
    }
}
