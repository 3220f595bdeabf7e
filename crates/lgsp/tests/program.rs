//! The program as a shell starts it. That it is tested here makes cargo build it anew with the tests of the workspace,
//! some of which start it as well; what its commands do is tested where they are.

use std::process::Command;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lgsp")).args(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_program_says_its_version_and_refuses_what_it_does_not_know() {
    let (code, said, _) = run(&["--version"]);
    assert_eq!((code, said.as_str()), (Some(0), concat!("lgsp ", env!("CARGO_PKG_VERSION"), "\n")));
    let (code, said, complaint) = run(&["serve", "--config", "does-not-exist.toml"]);
    assert_eq!((code, said.as_str()), (Some(64), ""));
    assert!(complaint.contains("does-not-exist.toml"), "{complaint}");
    assert_eq!(run(&["fly"]).0, Some(64));
}
