//! Runs a program of the clients with one JSON value in and one out.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A client that others wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// PyPI `zeep`.
    Zeep,
    /// npm `soap`.
    NodeSoap,
    /// PyPI `http-message-signatures`.
    Signer,
}

impl Tool {
    /// The name that `tests/run` gives it when it cannot be installed.
    const fn name(self) -> &'static str {
        match self {
            Self::Zeep | Self::Signer => "python-clients",
            Self::NodeSoap => "node-clients",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::Zeep | Self::Signer => folder().join("venv/bin/python"),
            Self::NodeSoap => "node".into(),
        }
    }

    fn arguments(self) -> Vec<PathBuf> {
        let script = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients").join(name);
        match self {
            Self::Zeep => vec![script("soap_zeep.py")],
            Self::Signer => vec![script("sign.py")],
            Self::NodeSoap => vec![script("soap_node.mjs"), folder().join("package.json")],
        }
    }

    /// Whether the person who runs the tests was told that it is missing.
    fn left_out(self) -> bool {
        std::env::var("LGSP_WITHOUT").is_ok_and(|left_out| left_out.split(' ').any(|name| name == self.name()))
    }

    /// What it makes of `input`; `None` when it was left out.
    pub(crate) async fn run(self, input: Value) -> Option<Value> {
        if self.left_out() {
            return None;
        }
        Some(tokio::task::spawn_blocking(move || self.run_blocking(&input)).await.unwrap())
    }

    fn run_blocking(self, input: &Value) -> Value {
        let installed = folder().join(if self == Self::NodeSoap { "node_modules/soap" } else { "venv/bin/python" });
        assert!(installed.exists(), "{} is missing; tests/run installs it", installed.display());
        let mut command = Command::new(self.program());
        command.args(self.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{self:?}: {error}"));
        serde_json::to_writer(process.stdin.take().unwrap(), input).unwrap();
        let output = process.wait_with_output().unwrap();
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{self:?} failed: {said} {told}");
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{self:?} said: {said} {told}"))
    }
}

/// Where they are installed.
fn folder() -> PathBuf {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/clients");
    std::env::var_os("LGSP_CLIENTS").map_or_else(|| PathBuf::from(usual), PathBuf::from)
}
