//! `tests/run` counts truly: its last line and its exit code are what everybody trusts. The tools that it calls are
//! played here; what they check is no matter of this file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What the played tools say and how they end.
struct Play {
    format: u8,
    lints: u8,
    /// `None`: there is no nextest.
    nextest: Option<(&'static str, u8)>,
    test: (&'static str, u8),
    doc: (&'static str, u8),
}

const GOOD: Play = Play {
    format: 0,
    lints: 0,
    nextest: Some(("     Summary [   4.1s] 25 tests run: 25 passed (2 slow), 0 skipped", 0)),
    test: ("must not be called", 1),
    doc: ("test result: ok. 3 passed; 0 failed; 0 ignored", 0),
};

/// The last line of `tests/run` and whether it ended well.
fn run(play: &Play) -> (String, bool) {
    let tools = tempfile::tempdir().expect("a directory");
    let (nextest, nextest_status) = play.nextest.unwrap_or_default();
    let version = if play.nextest.is_some() { 0 } else { 101 };
    let cargo = format!(
        "case \"$*\" in\n*--version) case $1 in nextest) exit {version};; esac;;\nfmt*) exit {};;\nclippy*) exit {};;\n\
         nextest*) echo '{nextest}'; exit {nextest_status};;\n*--doc*) echo '{}'; exit {};;\n\
         test*) echo '{}'; exit {};;\n*) exit 99;;\nesac\n",
        play.format, play.lints, play.doc.0, play.doc.1, play.test.0, play.test.1
    );
    write(tools.path(), "cargo", &cargo);
    for present in ["chromium", "curl", "faketime", "promtool", "strace", "xmllint"] {
        write(tools.path(), present, "exit 0\n");
    }
    // What is installed already is not fetched.
    for present in ["clients/venv/bin", "json-schema-suite/tests/draft2020-12"] {
        fs::create_dir_all(tools.path().join(present)).expect("a directory");
    }
    write(&tools.path().join("clients/venv/bin"), "python", "exit 0\n");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("run");
    let text = fs::read_to_string(&script).expect("the script");
    for of in ["python", "node"] {
        let pinned = pinned(&text, of);
        fs::write(tools.path().join(format!("clients/installed-{of}")), pinned).expect("a written file");
    }
    let path = format!("{}:/usr/bin:/bin", tools.path().display());
    let output = Command::new(script)
        .env("PATH", path)
        .env("LGSP_TOOLS", tools.path())
        .env_remove("CI_LONG")
        .output()
        .expect("the script starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said.lines().last().unwrap_or_default().to_owned(), output.status.success())
}

/// The packages that the script installs for a language.
fn pinned(script: &str, of: &str) -> String {
    let list = script.split_once(&format!("{of}_clients=(")).and_then(|(_, rest)| rest.split_once(')'));
    let (list, _) = list.expect("a list of packages");
    list.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write(folder: &Path, name: &str, body: &str) {
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{body}")).expect("a written file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("an executable file");
}

fn check(play: &Play, last: &str, good: bool) {
    assert_eq!(run(play), (last.to_owned(), good));
}

#[test]
fn passed_tests_of_all_kinds_are_added_up() {
    check(&GOOD, "28 passed, 0 failed", true);
    let cargo = "test result: ok. 7 passed; 0 failed; 0 ignored\ntest result: ok. 5 passed; 0 failed; 0 ignored";
    check(&Play { nextest: None, test: (cargo, 0), ..GOOD }, "15 passed, 0 failed", true);
}

#[test]
fn every_failure_is_counted_and_ends_the_run_badly() {
    let summary = "     Summary [   4.1s] 25 tests run: 21 passed, 3 failed, 1 timed out, 0 skipped";
    check(&Play { nextest: Some((summary, 100)), ..GOOD }, "24 passed, 4 failed", false);
    let cargo =
        "test result: FAILED. 6 passed; 1 failed; 0 ignored\ntest result: FAILED. 3 passed; 2 failed; 0 ignored";
    check(&Play { nextest: None, test: (cargo, 101), ..GOOD }, "12 passed, 3 failed", false);
    check(&Play { doc: ("test result: FAILED. 2 passed; 1 failed", 101), ..GOOD }, "27 passed, 1 failed", false);
}

#[test]
fn a_failure_without_a_count_is_still_a_failure() {
    check(&Play { nextest: Some(("error: could not compile", 101)), ..GOOD }, "3 passed, 1 failed", false);
    check(&Play { format: 1, ..GOOD }, "28 passed, 1 failed", false);
    check(&Play { lints: 101, ..GOOD }, "28 passed, 1 failed", false);
    check(&Play { nextest: Some(("", 0)), doc: ("", 0), ..GOOD }, "0 passed, 0 failed", false);
}
