//! Where things stand and what they are called.

use std::collections::BTreeSet;

use crate::tree::{FILES, none, read, root};

/// What is visible at the top, and nothing else.
const TOP: [&str; 9] =
    ["Cargo.toml", "Cargo.lock", "README.md", "crates", "config", "contracts", "tests", "deploy", "target"];

/// What runs of the gateway in this directory leave there; ignored by version control.
const LEFT_BEHIND: [&str; 2] = ["data", "keys"];

/// Dotfiles of the top.
const DOTFILES: [&str; 6] = [".ci", ".git", ".gitignore", ".clippy.toml", ".rustfmt.toml", ".config"];

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "mod"];

#[test]
fn the_top_level_holds_only_what_is_agreed() {
    let names = std::fs::read_dir(root()).expect("a root").map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let known = |name: &str| TOP.contains(&name) || DOTFILES.contains(&name) || LEFT_BEHIND.contains(&name);
    none(
        names.filter(|name| !known(name)).collect(),
        "the top level is the first thing that a newcomer reads: put it into one of the folders, or add it to TOP",
    );
}

#[test]
fn files_and_folders_are_named_after_what_they_hold() {
    let rust = FILES.iter().filter(|file| file.path.ends_with(".rs"));
    let bad = |path: &str| path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part));
    none(
        rust.filter(|file| bad(&file.path)).map(|file| file.path.clone()).collect(),
        "name a module after what it holds (and write foo.rs beside foo/, not mod.rs): such a name attracts anything",
    );
}

#[test]
fn every_crate_takes_lints_and_edition_from_the_workspace() {
    let mut offenders = Vec::new();
    for file in FILES.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let manifest: toml::Table = file.text.parse().expect("a manifest");
        let inherits = |table: &str, key: &str| {
            let value = manifest.get(table).and_then(|table| table.get(key));
            value.and_then(|value| if key == "workspace" { Some(value) } else { value.get("workspace") })
                == Some(&toml::Value::Boolean(true))
        };
        let keys = ["version", "edition", "rust-version", "license", "publish"];
        offenders
            .extend(keys.iter().filter(|key| !inherits("package", key)).map(|key| format!("{}: {key}", file.path)));
        if !inherits("lints", "workspace") {
            offenders.push(format!("{}: lints", file.path));
        }
    }
    none(offenders, "one place says it for all: write `x.workspace = true`, and `[lints] workspace = true`");
}

#[test]
fn every_test_file_is_registered_and_every_crate_is_a_member() {
    let manifest = read("tests/Cargo.toml");
    let offenders = FILES.iter().filter_map(|file| {
        let name = file.path.strip_prefix("tests/")?.strip_suffix(".rs")?;
        let root = !name.contains('/') && name != "lib";
        (root && !manifest.contains(&format!("path = \"{name}.rs\""))).then(|| file.path.clone())
    });
    none(offenders.collect(), "a test file that Cargo.toml does not name is never run: add a [[test]] entry");
}

#[test]
fn scripts_stop_at_the_first_failure() {
    let scripts =
        FILES.iter().filter(|file| file.text.starts_with("#!") && file.text.lines().next().is_some_and(is_shell));
    none(
        scripts.filter(|file| !file.text.contains("set -eu")).map(|file| file.path.clone()).collect(),
        "a script that goes on after a failure reports success: write `set -euo pipefail`",
    );
}

fn is_shell(first: &str) -> bool {
    first.ends_with("bash") || first.ends_with("sh")
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    // Written in pieces, so that this file is not its own offender.
    let words = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "lgsp/"), concat!("sha", "red/do")];
    let hosts = [
        concat!("nex", "us."),
        concat!("artifact", "ory"),
        concat!("index.cra", "tes.io"),
        concat!("proxy.gol", "ang"),
    ];
    let mut offenders = BTreeSet::new();
    for file in FILES.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.text.lines().enumerate() {
            if words.iter().chain(&hosts).any(|word| line.contains(word)) {
                offenders.insert(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    none(
        offenders.into_iter().collect(),
        "the tree has to mean the same on every machine: no paths of one, no hosts of a registry",
    );
}

#[test]
fn the_tests_of_the_invariants_exist() {
    let map = read("crates/ARCHITECTURE.md");
    let section = map.split("\n## ").find(|section| section.to_lowercase().starts_with("invariants"));
    let section = section.expect("crates/ARCHITECTURE.md has a section `## Invariants`");
    let named = section.split('`').skip(1).step_by(2).filter(|word| word.matches('_').count() >= 2);
    let named: Vec<&str> = named.map(|word| word.rsplit("::").next().expect("a last part")).collect();
    assert!(named.len() >= 11, "every one of the eleven invariants names its test; found {named:?}");
    let exists = |name: &str| FILES.iter().any(|file| file.text.contains(&format!("fn {name}(")));
    none(
        named.iter().filter(|name| !exists(name)).map(|name| (*name).to_owned()).collect(),
        "an invariant without its test is a wish: write the test, or mend its name in crates/ARCHITECTURE.md",
    );
}

#[test]
fn every_setting_of_a_connector_stands_in_the_shipped_file() {
    let shipped = read("config/lgsp.toml");
    let shown: BTreeSet<&str> = shipped
        .lines()
        .filter_map(|line| Some(line.trim_start_matches(['#', ' ']).split_once('=')?.0.trim()))
        .collect();
    let mut asked = 0;
    let mut offenders = Vec::new();
    let readers = FILES.iter().filter(|file| file.path.starts_with("crates/lgsp-connect/src/"));
    let reads = |text: &str| text.contains("Fields::new(table)") || text.contains("fields: &mut Fields<");
    for file in readers.filter(|file| reads(&file.text)) {
        for call in crate::source::production(&file.text).join("\n").split("fields.").skip(1) {
            // A call of the settings' reader: `fields.text("username", …)`; `fail` only names a key.
            let Some((method, arguments)) = call.split_once('(') else { continue };
            let Some(key) = arguments.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            if method == "fail" || !method.bytes().all(|b| b.is_ascii_lowercase()) {
                continue;
            }
            asked += 1;
            if !shown.contains(key) {
                offenders.push(format!("{}: {key}", file.path));
            }
        }
    }
    assert!(asked > 10, "the connectors read their settings in another way now: mend this test");
    none(offenders, "config/lgsp.toml is the reference of every key: show it there with its unit and its default");
}

/// Traits with several implementations, each with the suite that all of them pass.
struct Suite {
    /// `impl <this> for`.
    implementation: &'static str,
    /// What stands in the name or the text of a test that runs the suite, beside the implementation's name.
    run: &'static str,
}

/// One line for every trait of which there is, or will be, more than one implementation in production code.
const SUITES: [Suite; 4] = [
    Suite { implementation: "impl DurableStore for ", run: "suite_on!" },
    Suite { implementation: "impl SoftState for ", run: "soft_suite_on!" },
    Suite { implementation: "impl Connector for ", run: "suite" },
    Suite { implementation: "impl IdentityProvider for ", run: "identity/suite" },
];

#[test]
fn every_implementation_of_a_trait_runs_its_suite() {
    let mut offenders = Vec::new();
    for suite in SUITES {
        // A stand-in of a test module is no implementation that anybody relies on.
        let production =
            |path: &str| path.starts_with("crates/") && path.contains("/src/") && !path.ends_with("/tests.rs");
        for file in FILES.iter().filter(|file| production(&file.path)) {
            let code = crate::source::production(&file.text).join("\n");
            for rest in code.split(suite.implementation).skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                let tested = FILES.iter().any(|test| {
                    let is_test = test.path.contains("tests") || test.text.contains("#[cfg(test)]");
                    is_test
                        && (test.path.contains(suite.run) || test.text.contains(suite.run))
                        && test.text.contains(&name)
                });
                if !tested {
                    offenders.push(format!("{}: {}{name}", file.path, suite.implementation));
                }
            }
        }
    }
    none(offenders, "one suite per trait, run on every implementation: otherwise they drift apart");
}
