//! Licences of everything that is built, read from cargo's own data. It gives no legal advice: it knows a list.

use std::process::Command;

use serde_json::Value;

use crate::tree::{none, root};

/// Licences that let us ship under MIT without further duty than a notice.
const PERMISSIVE: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "Unicode-3.0",
    "CC0-1.0",
    "Unlicense",
    "MIT-0",
    "CDLA-Permissive-2.0",
];

/// Whether an SPDX expression can be met with permissive licences alone: `OR` needs one side, `AND` both.
fn is_permissive(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&tokens, &mut at) && at == tokens.len()
}

fn either(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = both(tokens, at);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        good |= both(tokens, at);
    }
    good
}

fn both(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = one(tokens, at);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        good &= one(tokens, at);
    }
    good
}

fn one(tokens: &[&str], at: &mut usize) -> bool {
    let Some(token) = tokens.get(*at) else { return false };
    *at += 1;
    if *token == "(" {
        let good = either(tokens, at);
        let closed = tokens.get(*at) == Some(&")");
        *at += 1;
        return good && closed;
    }
    if tokens.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    PERMISSIVE.contains(token)
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("ISC AND (Apache-2.0 OR ISC)", true),
        ("MPL-2.0", false),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT", false),
        ("", false),
    ] {
        assert_eq!(is_permissive(expression), expected, "{expression}");
    }
}

#[test]
fn everything_that_is_built_has_a_permissive_licence() {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version=1", "--filter-platform", &host])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 50, "cargo told of {} packages only", packages.len());
    let offenders = packages.iter().filter_map(|package| {
        let licence = package["license"].as_str().unwrap_or_default();
        (!is_permissive(licence)).then(|| format!("{}: {licence:?}", package["name"]))
    });
    none(offenders.collect(), "everything is shipped under MIT: take another crate, or add a permissive licence here");
}
