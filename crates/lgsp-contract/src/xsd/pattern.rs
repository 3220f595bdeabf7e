//! Patterns of XML Schema 1.0 as regular expressions of the library: always over the whole value, with the classes that
//! XML adds.
//!
//! Blocks of Unicode (`\p{IsThai}`) are not supported, two excepted.

use regex::{Regex, RegexBuilder};

/// Bytes of one compiled pattern.
const MAX_BYTES: usize = 1 << 20;

const NAME_START: &str = r"_:A-Za-z\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{2FF}\x{370}-\x{37D}\x{37F}-\x{1FFF}\x{200C}-\x{200D}\x{2070}-\x{218F}\x{2C00}-\x{2FEF}\x{3001}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFFD}\x{10000}-\x{EFFFF}";
const NAME_MORE: &str = r"\-.0-9\x{B7}\x{300}-\x{36F}\x{203F}-\x{2040}";

/// The expression; `None` when it is not one of XML Schema, or too large.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    let mut translated = String::from(r"\A(?:");
    let mut chars = pattern.chars().peekable();
    let mut in_class = 0u32;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut translated)?,
            '[' => {
                // A class inside a class is only what is taken away from it.
                if in_class > 0 && !translated.ends_with("--") {
                    return None;
                }
                in_class += 1;
                translated.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    translated.push('^');
                }
                if chars.next_if_eq(&'-').is_some() {
                    translated.push_str(r"\-");
                }
            }
            ']' if in_class > 0 => {
                in_class -= 1;
                translated.push(']');
            }
            '-' if in_class > 0 => match chars.peek() {
                Some('[') => translated.push_str("--"),
                Some(']') => translated.push_str(r"\-"),
                _ => translated.push('-'),
            },
            '&' | '~' | '^' if in_class > 0 => translated.extend(['\\', c]),
            '^' | '$' => translated.extend(['\\', c]),
            '.' if in_class == 0 => translated.push_str(r"[^\n\r]"),
            '(' if in_class == 0 && chars.peek() == Some(&'?') => return None,
            // What the library takes for a lazy repetition, or a repetition of one.
            '?' | '+' | '*' | '{' if in_class == 0 && pattern_repeats(&translated) => return None,
            c => translated.push(c),
        }
    }
    translated.push_str(r")\z");
    RegexBuilder::new(&translated).size_limit(MAX_BYTES).build().ok()
}

/// Whether a repetition stands at the end already.
fn pattern_repeats(translated: &str) -> bool {
    let mut before = translated.chars().rev();
    let last = before.next();
    matches!(last, Some('?' | '*' | '+' | '}'))
        && before.take_while(|c| *c == '\\').count() % 2 == 0
        && !(last == Some('}') && ends_with_class(translated))
}

/// `\p{…}` and `\x{…}` end with a brace too.
fn ends_with_class(translated: &str) -> bool {
    let open = translated.rfind('{').unwrap_or(0);
    [r"\p", r"\P", r"\x"].iter().any(|class| translated[..open].ends_with(class))
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Option<()> {
    let c = chars.next()?;
    // Inside a class a class of its own adds what is in it.
    let class = match c {
        's' => r" \t\n\r".to_owned(),
        'S' => r"^ \t\n\r".to_owned(),
        'd' => r"\p{Nd}".to_owned(),
        'D' => r"^\p{Nd}".to_owned(),
        'w' => r"^\p{P}\p{Z}\p{C}".to_owned(),
        'W' => r"\p{P}\p{Z}\p{C}".to_owned(),
        'i' => NAME_START.to_owned(),
        'I' => format!("^{NAME_START}"),
        'c' => format!("{NAME_START}{NAME_MORE}"),
        'C' => format!("^{NAME_START}{NAME_MORE}"),
        'p' | 'P' => {
            let rest: String = chars.by_ref().take_while(|c| *c != '}').collect();
            let name = rest.strip_prefix('{')?;
            let negated = if c == 'P' { "^" } else { "" };
            match name {
                "IsBasicLatin" => format!(r"{negated}\x{{0}}-\x{{7F}}"),
                "IsLatin-1Supplement" => format!(r"{negated}\x{{80}}-\x{{FF}}"),
                name if name.len() <= 2 && !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()) => {
                    format!(r"{negated}\p{{{name}}}")
                }
                _ => return None,
            }
        }
        'n' | 'r' | 't' => format!("\\{c}"),
        '\\' | '|' | '.' | '?' | '*' | '+' | '(' | ')' | '{' | '}' | '-' | '[' | ']' | '^' | '$' => {
            out.extend(['\\', c]);
            return Some(());
        }
        _ => return None,
    };
    out.extend(["[", &class, "]"]);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_hold_for_the_whole_value() {
        for (pattern, yes, no) in [
            ("[0-9]{12}", "000000000001", "0000000000012"),
            ("a|b", "b", "ab"),
            (r"\d+", "٣4", "a"),
            (r"[A-Z-[B]]*", "AC", "AB"),
            (r"[\w-[\d]]+", "ạb", "a1"),
            (r"\i\c*", "a-1", "1a"),
            (r"[\i-[:]][\c-[:]]*", "a1", "a:1"),
            ("^a$", "^a$", "a"),
            (r"a.b", "a b", "a\nb"),
            (r"\p{Lu}\P{Lu}", "Aa", "AA"),
            ("[a&&b]", "&", "c"),
            ("[-a]", "-", "b"),
            ("[a-]", "-", "b"),
            (r"\p{IsBasicLatin}+", "abc", "ạ"),
            (r"(a\+)?", "a+", "a"),
            ("", "", "a"),
        ] {
            let regex = compile(pattern).unwrap_or_else(|| panic!("{pattern}"));
            assert!(regex.is_match(yes) && !regex.is_match(no), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_of_xml_schema_is_refused() {
        for pattern in [
            "(",
            "[",
            "a**",
            "a*?",
            "(?i)a",
            r"\b",
            r"\p{IsThai}",
            r"\p{Script=Thai}",
            "[a[b]]",
            r"\",
            "*",
            "(a{99999}){99999}",
        ] {
            assert!(compile(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in r"[\\\[\]()^$.*+?{}a1,|pPdwisLu&~-]{0,16}") {
            let _ = compile(&pattern);
        }
    }
}
