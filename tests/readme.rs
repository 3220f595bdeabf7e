//! The README's commands, run as a newcomer would: the demo is started, then every command of the section on trying it by
//! hand is executed as it stands. It does not judge the prose.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the demo may take to the end of its summary.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the summary says of the fees of ten dossiers: the first ten troubles, one of which makes two payments.
const MONEY: [(&str, u32); 7] =
    [("fees", 11), ("paid", 8), ("failed", 2), ("given up", 1), ("refunded", 2), ("paid twice", 1), ("difference", 0)];
/// Where they were paid.
const PROVIDERS: [&str; 3] = ["vnpay", "momo", "zalopay"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand below the root").to_owned()
}

/// The program that the workspace's build put beside the test's folder.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let program = test.ancestors().nth(2).expect("target/<profile>/deps/test").join("lgsp");
    assert!(program.exists(), "{} is missing: run the tests with --workspace, which builds it", program.display());
    program
}

/// The shell blocks of the README, in order.
fn blocks() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("README.md")).expect("the README is there");
    let fenced = |part: &str| part.split("```").next().map(str::to_owned);
    text.split("```sh\n").skip(1).filter_map(fenced).collect()
}

/// The summary's line of this name.
fn line_of<'a>(said: &'a [String], name: &str) -> &'a str {
    let start = format!("  {name:<10}");
    let found = said.iter().find(|line| line.starts_with(&start));
    found.unwrap_or_else(|| panic!("no {name} in {said:#?}"))[start.len()..].trim()
}

struct Demo {
    process: Child,
    /// What it printed, to the end of its invitation.
    said: Vec<String>,
    /// Kept open, because the demo says a last line when it is stopped.
    lines: Lines<BufReader<ChildStdout>>,
}

impl Demo {
    /// Starts the README's first command and waits until it invites to try by hand.
    fn start() -> Self {
        let mut child = Command::new(program())
            .args(["demo", "--dossiers", "30"])
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut this = Self { process: child, said: Vec::new(), lines };
        let started = Instant::now();
        while let Some(Ok(line)) = this.lines.next() {
            assert!(started.elapsed() < PATIENCE, "the demo did not come to its end");
            let is_last = line.starts_with("  sign in ");
            this.said.push(line);
            if is_last {
                let equal = this.said.iter().any(|line| line.contains("All is equal"));
                assert!(equal, "the summary says that something did not arrive: {:#?}", this.said);
                return this;
            }
        }
        panic!("the demo ended without its invitation");
    }

    /// Whether every fee has the end that it should, and every provider's money is the ledger's.
    fn assert_the_money_is_there(&self) {
        for (name, count) in MONEY {
            let line = line_of(&self.said, name);
            assert_eq!(line.split(' ').next(), Some(count.to_string().as_str()), "{name}: {line}");
        }
        for provider in PROVIDERS {
            let line = line_of(&self.said, provider);
            assert!(!line.starts_with("0 ") && line.ends_with(" lines, 0 differ"), "{line}");
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // The demo's ports are the README's: they must be free for whoever comes next.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let blocks = blocks();
    assert_eq!(blocks[0].trim(), "cargo run --release -- demo");
    assert_eq!(blocks[1].trim(), "./tests/run");
    let by_hand: Vec<&String> =
        blocks.iter().filter(|block| block.contains("127.0.0.1:8080") || block.contains("LGSP_ADMIN_TOKEN")).collect();
    assert!(by_hand.len() >= 4, "token, push, pull, ask");
    let demo = Demo::start();
    demo.assert_the_money_is_there();
    // One shell for all, because later commands use the earlier ones' variables. The built program stands for cargo.
    let script: String = by_hand.iter().map(|block| block.as_str()).collect::<Vec<_>>().join("\necho\n");
    let script = format!("{script}\necho\n{}\n", line_of(&demo.said, "pay"));
    let script = script.replace("cargo run -q --release --", &program().display().to_string());
    let output = Command::new("bash").args(["-euc", &script]).current_dir(root()).output().expect("bash is there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for expected in [
        r#""outcome":"accepted""#,
        r#""changes":["#,
        r#""next":""#,
        "national-portal",
        "0100000001",
        r#""services":["#,
        "http://127.0.0.1:8080/pay/",
    ] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

#[test]
fn the_first_command_stands_within_twentylines() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("the README is there");
    let line = text.lines().position(|line| line.starts_with("cargo run --release -- demo"));
    assert!(line.is_some_and(|line| line < 20), "{line:?}");
}
