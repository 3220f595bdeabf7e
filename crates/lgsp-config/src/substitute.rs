//! `${NAME}` and `file:PATH` inside parsed strings. What is put in is never looked at again, so a value can neither
//! change the structure of the file nor name further variables.

use std::path::Path;

use crate::error::Problem;

/// What the file may refer to.
pub(crate) struct Inputs<'a> {
    pub(crate) base: &'a Path,
    pub(crate) vars: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) read_file: &'a dyn Fn(&Path) -> Result<String, String>,
}

/// The value of a string leaf. `file:PATH` counts only as the whole leaf and as it is written; its path may hold
/// variables (`file:${CREDENTIALS_DIRECTORY}/token`) and one line end at the end of the file is dropped.
pub(crate) fn substitute(leaf: &str, inputs: &Inputs<'_>) -> Result<String, Problem> {
    let Some(written) = leaf.strip_prefix("file:") else { return variables(leaf, inputs) };
    let path = inputs.base.join(variables(written, inputs)?);
    // Told as it is written: a variable in it may hold what must not be shown.
    let unreadable = |cause| Problem::UnreadableFile { path: written.to_owned(), cause };
    let mut content = (inputs.read_file)(&path).map_err(unreadable)?;
    if content.ends_with('\n') {
        content.pop();
        if content.ends_with('\r') {
            content.pop();
        }
    }
    Ok(content)
}

fn variables(text: &str, inputs: &Inputs<'_>) -> Result<String, Problem> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = &reference[2..];
            continue;
        }
        out.push_str(before);
        let (name, after) = reference[2..].split_once('}').ok_or(Problem::BadReference)?;
        if !is_name(name) {
            return Err(Problem::BadReference);
        }
        let value = (inputs.vars)(name).ok_or_else(|| Problem::UnsetVariable { name: name.to_owned() })?;
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(leaf: &str) -> Result<String, Problem> {
        let vars = |name: &str| match name {
            "A" => Some("alpha".to_owned()),
            "TRICKY" => Some("${A} file:/etc/passwd \"\n[x]".to_owned()),
            "FILE" => Some("file:/etc/passwd".to_owned()),
            "DIR" => Some("/run/secrets".to_owned()),
            _ => None,
        };
        let read_file = |path: &Path| match path.to_str() {
            Some("/etc/lgsp/token" | "/run/secrets/token") => Ok("from a file: ${A}\r\n".to_owned()),
            _ => Err("no such file".to_owned()),
        };
        substitute(leaf, &Inputs { base: "/etc/lgsp".as_ref(), vars: &vars, read_file: &read_file })
    }

    #[test]
    fn variables_and_files_are_put_in_and_never_read_again() {
        for (leaf, value) in [
            ("", ""),
            ("plain $A {A} $", "plain $A {A} $"),
            ("${A}", "alpha"),
            ("<${A}-${A}>", "<alpha-alpha>"),
            ("$${A} ${A}", "${A} alpha"),
            ("$$${A}", "$${A}"),
            ("${TRICKY}", "${A} file:/etc/passwd \"\n[x]"),
            ("${FILE}", "file:/etc/passwd"),
            ("file:token", "from a file: ${A}"),
            ("file:${DIR}/token", "from a file: ${A}"),
            ("see file:token", "see file:token"),
        ] {
            assert_eq!(check(leaf).as_deref(), Ok(value), "{leaf}");
        }
    }

    #[test]
    fn references_to_nothing_are_refused() {
        assert_eq!(check("${MISSING}"), Err(Problem::UnsetVariable { name: "MISSING".to_owned() }));
        for leaf in ["${", "${}", "${A", "${1A}", "${A:-x}", "${ A }"] {
            assert_eq!(check(leaf), Err(Problem::BadReference), "{leaf}");
        }
        assert!(matches!(check("file:other"), Err(Problem::UnreadableFile { .. })));
    }

    proptest! {
        #[test]
        fn any_leaf_gives_an_answer(leaf in any::<String>()) {
            let _ = check(&leaf);
        }

        #[test]
        fn a_leaf_without_a_dollar_or_a_file_stays_as_it_is(leaf in "[^$]{0,40}") {
            prop_assume!(!leaf.starts_with("file:"));
            prop_assert_eq!(check(&leaf).unwrap(), leaf);
        }
    }
}
