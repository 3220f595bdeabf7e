//! How deep a template nests, found out before the engine sees it: the engine goes into depth by recursion, and its own
//! bound is more than the stack of a thread holds. It understands nothing else of templates.

/// How deep blocks may stand in blocks, `elif` included: the engine makes a block in a block of it.
const MAX_BLOCKS: usize = 24;

/// How deep brackets may stand in brackets.
const MAX_BRACKETS: usize = 8;

/// The longest tag, in bytes. Operators and filters in a row are nested as well.
const MAX_TAG: usize = 400;

/// The line where a template becomes too deep, if it does.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut blocks = Vec::new();
    let (mut open, mut at) = (0usize, 0);
    while let Some(start) = text[at..].find("{{").into_iter().chain(text[at..].find("{%")).min() {
        let start = at + start;
        let line = text[..start].matches('\n').count() + 1;
        let (is_block, tag) = (text[start..].starts_with("{%"), &text[start + 2..]);
        let end = end_of(tag);
        let inside = &tag[..end];
        if inside.len() > MAX_TAG || brackets(inside) > MAX_BRACKETS {
            return Some(line);
        }
        if is_block {
            let word = inside.trim_start_matches(['-', '+']).trim_start();
            let word = word.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
            match word {
                "elif" => open += 1,
                end if end.starts_with("end") => open = blocks.pop().unwrap_or_default(),
                _ => {
                    blocks.push(open);
                    open += 1;
                }
            }
            // Tags that open nothing, such as `set`, are counted until the next end: that is on the safe side.
            if !matches!(word, "for" | "if" | "elif" | "macro" | "with" | "filter" | "block" | "call" | "autoescape")
                && !word.starts_with("end")
            {
                open = blocks.pop().unwrap_or_default();
            }
            if open > MAX_BLOCKS {
                return Some(line);
            }
        }
        at = start + 2 + end;
    }
    None
}

/// Where a tag ends; a text in quotation marks does not end it.
fn end_of(tag: &str) -> usize {
    let mut quote = None;
    let bytes = tag.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == b'}' && at > 0 && matches!(bytes[at - 1], b'}' | b'%') => return at + 1,
            None => {}
        }
    }
    tag.len()
}

fn brackets(inside: &str) -> usize {
    let (mut depth, mut deepest, mut quote) = (0usize, 0, None);
    for byte in inside.bytes() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None => match byte {
                b'"' | b'\'' => quote = Some(byte),
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_of_every_kind_is_found_with_its_line() {
        let nested = |n: usize| format!("x\n{}x{}", "{% if a %}".repeat(n), "{% endif %}".repeat(n));
        let rows = "{% for a in b %}{{ a.c | default(\"(((((((((\") }}{% endfor %}".repeat(500);
        for (text, line) in [
            (rows, None),
            (nested(MAX_BLOCKS), None),
            (nested(MAX_BLOCKS + 1), Some(2)),
            (format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(100)), Some(1)),
            (format!("\n\n{{{{ {}a }}}}", "(".repeat(9)), Some(3)),
            (format!("{{{{ a{} }}}}", " | x".repeat(200)), Some(1)),
            ("{% set a = b %}".repeat(1000), None),
            ("{{ \"}}\" ~ '%}' }}".to_owned(), None),
        ] {
            assert_eq!(too_deep(&text), line, "{text:.80}");
        }
    }
}
