//! What of a partner's words may be kept: cut, one line, without secrets and without what looks like an identity
//! number.

use lgsp_model::Cause;
use serde_json::Value;

/// Characters of a partner's text that are kept for the operator.
const KEPT_CHARS: usize = 500;

/// A run of so many digits may be an identity or telephone number (CMND has 9, CCCD 12).
const DIGIT_RUN: usize = 9;

/// A value shorter than this is a code or a number of a list, and stands in innocent words too.
const SHORTEST_VALUE_CHARS: usize = 4;

/// Bytes of a partner's text that are searched for values: some pages, far more than is kept.
const SEARCHED_BYTES: usize = 8 * 1024;

/// A cause with the partner's words in it.
pub(crate) fn partner_cause(code: impl Into<String>, words: &str, secrets: &[&str]) -> Cause {
    Cause { code: code.into(), detail: partner_text(words, secrets) }
}

/// A cause in our own words, which hold nothing to hide.
pub(crate) fn own_cause(code: impl Into<String>, detail: impl Into<String>) -> Cause {
    Cause { code: code.into(), detail: detail.into() }
}

/// A partner's words as they may be kept.
pub(crate) fn partner_text(words: &str, secrets: &[&str]) -> String {
    let mut text = words.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
    }
    let mut kept = String::new();
    let mut run = String::new();
    for c in text.chars().take(KEPT_CHARS) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        flush(&mut kept, &mut run);
        kept.push(if c.is_control() { ' ' } else { c });
    }
    flush(&mut kept, &mut run);
    kept
}

/// A partner's words without secrets and without the texts that it was sent.
pub(crate) fn without_values(words: &str, secrets: &[&str], sent: Vec<Value>) -> String {
    let mut text = words[..words.floor_char_boundary(SEARCHED_BYTES)].to_owned();
    let mut hidden: Vec<String> = secrets.iter().filter(|secret| !secret.is_empty()).map(ToString::to_string).collect();
    sent.into_iter().for_each(|value| texts(value, &mut hidden));
    hidden.retain(|value| text.contains(value));
    // A value may be a part of another one.
    hidden.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
    for value in hidden {
        text = text.replace(&value, "***");
    }
    text
}

fn texts(value: Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let text = text.trim();
            if text.chars().count() >= SHORTEST_VALUE_CHARS {
                found.push(text.to_owned());
            }
        }
        Value::Array(items) => items.into_iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, field)| texts(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn flush(kept: &mut String, run: &mut String) {
    kept.push_str(if run.len() >= DIGIT_RUN { "***" } else { run });
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_numbers_secrets_and_line_breaks_do_not_survive() {
        let text = partner_text("CCCD 038012345678 sai\nHồ sơ H56.14-240315-0007, session abc-1 hết hạn", &["abc-1"]);
        assert_eq!(text, "CCCD *** sai Hồ sơ H56.14-240315-0007, session *** hết hạn");
    }

    #[test]
    fn long_texts_are_cut_also_inside_a_number() {
        let text = partner_text(&format!("{}0123456789", "ệ".repeat(495)), &[]);
        assert_eq!(text.chars().count(), 500);
    }
}
