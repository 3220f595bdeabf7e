//! Rules for single Rust files: what they open with, how long they are, what pure ones must not mention.

use crate::tree::{FILES, File, none};

/// The most lines of production code in a file.
const FILE_LINES: usize = 400;
/// The most lines of a function of production code, signature and braces included.
const FUNCTION_LINES: usize = 50;

/// Crates that decide and never act.
const PURE: [&str; 4] = ["lgsp-model", "lgsp-contract", "lgsp-core", "lgsp-config"];

/// What acts: I/O, clocks, chance, threads, the environment.
const ACTS: [&str; 17] = [
    "tokio",
    "async ",
    ".await",
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "::now(",
    "env!(",
    "getrandom",
    "rand::",
    "println!",
    "tracing",
];

/// What leaves a hole.
const HOLES: [&str; 5] = ["todo!(", "unimplemented!(", "#[ignore", "dbg!(", "unsafe {"];

fn rust() -> impl Iterator<Item = &'static File> {
    FILES.iter().filter(|file| file.path.ends_with(".rs"))
}

/// Files whose code runs in production: not the tests, the test modules, the benches and the examples.
fn production_files() -> impl Iterator<Item = &'static File> {
    let is_test = |path: &str| {
        path.starts_with("tests/")
            || path.contains("/tests/")
            || path.contains("/examples/")
            || path.contains("/benches/")
            || path.ends_with("/tests.rs")
            || path.ends_with("/suite.rs")
            || path.contains("/suite/")
    };
    rust().filter(move |file| !is_test(&file.path))
}

/// The lines of production code: everything but items under `#[cfg(test)]`, which rustfmt closes at the column where
/// they open.
pub(crate) fn production(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(test)]") {
            kept.push(line);
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        for line in lines.by_ref() {
            let closes = line.len() > indent && line[..indent].trim().is_empty() && line[indent..].starts_with('}');
            let single = line.trim_end().ends_with(';') && line.len() - line.trim_start().len() == indent;
            if closes || single {
                break;
            }
        }
    }
    kept
}

#[test]
fn every_file_says_what_it_is() {
    none(
        rust().filter(|file| !file.text.starts_with("//! ")).map(|file| file.path.clone()).collect(),
        "a file opens with `//!`: what it is, then what it deliberately does not do",
    );
}

#[test]
fn files_stay_short() {
    let long = production_files().filter_map(|file| {
        let lines = production(&file.text).len();
        (lines > FILE_LINES).then(|| format!("{}: {lines} lines", file.path))
    });
    none(long.collect(), "more than 400 lines of production code hold more than one responsibility: split by that");
}

#[test]
fn functions_stay_short() {
    let long = production_files().flat_map(|file| {
        let lines = production(&file.text);
        functions(&lines)
            .into_iter()
            .filter(|(_, len)| *len > FUNCTION_LINES)
            .map(|(name, len)| format!("{}: {name}: {len} lines", file.path))
            .collect::<Vec<_>>()
    });
    none(long.collect(), "more than 50 lines are read in pieces anyway: name the pieces");
}

/// Functions with a body and their length; rustfmt closes one at the column where it opens.
fn functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        for (end, line) in lines.iter().enumerate().skip(start) {
            if line.trim().is_empty() || line.len() - line.trim_start().len() != indent {
                continue;
            }
            let last = line.trim_end();
            if last.ends_with(';') {
                break;
            }
            if last.ends_with('}') && (end == start || last.trim() == "}" || last.trim_start().starts_with(") ")) {
                found.push((name.to_owned(), end - start + 1));
                break;
            }
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    loop {
        match words.next()? {
            "pub" | "pub(crate)" | "pub(super)" | "const" | "async" => {}
            "fn" => return words.next()?.split(['(', '<']).next(),
            _ => return None,
        }
    }
}

#[test]
fn pure_crates_decide_and_never_act() {
    let mut offenders = Vec::new();
    for file in production_files() {
        if !PURE.iter().any(|name| file.path.starts_with(&format!("crates/{name}/"))) {
            continue;
        }
        for line in production(&file.text) {
            let code = line.split("//").next().unwrap_or_default();
            // The trait alone writes nowhere: pure code gives it a buffer.
            let code = if code.trim() == "use std::io::{self, Write};" { "" } else { code };
            if let Some(word) = ACTS.iter().find(|word| mentions(code, word)) {
                offenders.push(format!("{}: {word}: {}", file.path, line.trim()));
            }
        }
    }
    none(
        offenders,
        "a pure crate takes time, chance and texts as arguments: that is why it can be tested exhaustively",
    );
}

/// Whether `code` has `word`, not as the end of a longer one.
fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let starts_inside = word.starts_with(|c: char| c.is_alphanumeric());
        !(starts_inside && before.is_some_and(|c| c.is_alphanumeric() || c == '_'))
    })
}

#[test]
fn nothing_is_left_open_or_skipped() {
    let found = rust().filter(|file| file.path != "tests/tidy/source.rs").flat_map(|file| {
        HOLES.iter().filter(|hole| file.text.contains(**hole)).map(|hole| format!("{}: {hole}", file.path))
    });
    none(found.collect(), "a stub is a defect and a skipped test proves nothing: finish it or take it out");
}

#[test]
fn types_are_named_after_what_they_are() {
    let bad = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
        let named = matches!(words.next(), Some("struct" | "enum" | "trait" | "mod"));
        let name = words.next().unwrap_or_default().to_lowercase();
        let name = name.trim_end_matches(|c: char| !c.is_alphanumeric());
        named && ["manager", "helper", "helpers", "utils", "util", "misc"].iter().any(|end| name.ends_with(end))
    };
    let found = rust().flat_map(|file| {
        file.text
            .lines()
            .filter(|line| bad(line))
            .map(|line| format!("{}: {}", file.path, line.trim()))
            .collect::<Vec<_>>()
    });
    none(found.collect(), "such a name says nothing: name what it holds or does");
}

#[test]
fn production_code_imports_by_name() {
    let found = production_files().flat_map(|file| {
        let globs = production(&file.text).into_iter().filter(|line| {
            let line = line.trim_start();
            (line.starts_with("use ") || line.starts_with("pub use ")) && line.contains("*;")
        });
        globs.map(|line| format!("{}: {}", file.path, line.trim())).collect::<Vec<_>>()
    });
    none(found.collect(), "a glob hides where a name comes from and what a crate promises: list the names");
}

#[test]
fn tests_are_named_as_sentences() {
    let found = rust().flat_map(|file| {
        file.text
            .lines()
            .filter(|line| function_name(line).is_some_and(|name| name.starts_with("test_")))
            .map(|line| format!("{}: {}", file.path, line.trim()))
            .collect::<Vec<_>>()
    });
    none(found.collect(), "a test's name is the sentence that it proves, without `test_`");
}

#[test]
fn the_measure_of_this_file_measures() {
    let text = "//! x\nfn a(\n    b: u8,\n) -> u8 {\n    b\n}\n\ntrait T {\n    fn c(&self);\n    fn d(&self) {\n        e();\n    }\n}\nfn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\nfn h() {\n}\n";
    let lines = production(text);
    let found = functions(&lines);
    let found: Vec<(&str, usize)> = found.iter().map(|(name, len)| (name.as_str(), *len)).collect();
    assert_eq!(found, [("a", 5), ("d", 3), ("f", 1), ("h", 2)]);
    assert!(mentions("use std::fs;", "std::fs") && mentions("tokio::spawn", "tokio"));
    assert!(!mentions("let operand::x", "rand::") && !mentions("a b", "tokio"));
}
