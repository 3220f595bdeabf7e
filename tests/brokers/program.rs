//! A program around software that others wrote, which runs as long as a test needs it: a wish a line in, what came of it a line
//! out, both JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// What others wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Software {
    /// npm `openid-client` and `jose`: a relying party.
    OpenidClient,
    /// PyPI `authlib` and `joserfc`: another one.
    Authlib,
    /// npm `oidc-provider`: an identity provider.
    OidcProvider,
    /// npm `oauth2-mock-server`: one that says what it is told to.
    MockServer,
    /// Chromium, driven by npm `puppeteer-core`: somebody signs in.
    Chromium,
    /// The same: somebody pays.
    ChromiumPays,
    /// npm `vnpay`: a merchant of VNPAY's.
    Vnpay,
    /// npm `vietnam-qr-pay`.
    NodeVietQr,
    /// PyPI `vietnam-qr-pay`.
    PythonVietQr,
    /// MoMo and ZaloPay, with nothing but Node.js.
    NodePeers,
    /// Their signatures, with nothing but Python.
    PythonPeers,
}

impl Software {
    /// The names that `tests/run` gives to what it needs and could not install.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Authlib | Self::PythonVietQr | Self::PythonPeers => &["python-clients"],
            Self::Vnpay | Self::NodeVietQr | Self::NodePeers => &["node-clients"],
            Self::OpenidClient | Self::OidcProvider | Self::MockServer => &["node-clients", "node-identity"],
            Self::Chromium | Self::ChromiumPays => &["node-clients", "node-identity", "chromium"],
        }
    }

    const fn script(self) -> &'static str {
        match self {
            Self::OpenidClient => "brokers/openid_client.mjs",
            Self::Authlib => "brokers/authlib_client.py",
            Self::OidcProvider => "brokers/oidc_provider.mjs",
            Self::MockServer => "brokers/mock_provider.mjs",
            Self::Chromium => "brokers/chromium.mjs",
            Self::ChromiumPays => "payments/chromium.mjs",
            Self::Vnpay => "payments/vnpay_client.mjs",
            Self::NodeVietQr => "payments/vietqr.mjs",
            Self::PythonVietQr => "payments/vietqr.py",
            Self::NodePeers => "payments/peers.mjs",
            Self::PythonPeers => "payments/peers.py",
        }
    }

    /// What is there when it was installed, below [`folder`].
    const fn installed(self) -> &'static str {
        match self {
            Self::Authlib | Self::PythonVietQr | Self::PythonPeers => "venv/bin/python",
            Self::OpenidClient => "node_modules/openid-client",
            Self::OidcProvider => "node_modules/oidc-provider",
            Self::MockServer => "node_modules/oauth2-mock-server",
            Self::Chromium | Self::ChromiumPays => "node_modules/puppeteer-core",
            Self::Vnpay => "node_modules/vnpay",
            Self::NodeVietQr => "node_modules/vietnam-qr-pay",
            Self::NodePeers => "package.json",
        }
    }

    /// Whether the person who runs the tests was told that it is missing.
    fn is_left_out(self) -> bool {
        let left_out = std::env::var("LGSP_WITHOUT").unwrap_or_default();
        left_out.split(' ').any(|name| self.needs().contains(&name))
    }

    fn command(self) -> Command {
        let installed = folder().join(self.installed());
        assert!(installed.exists(), "{} is missing; tests/run installs it", installed.display());
        let is_python = self.installed() == "venv/bin/python";
        let mut command = Command::new(if is_python { installed } else { "node".into() });
        command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(self.script()));
        command.arg(folder().join("package.json"));
        command
    }
}

/// Where it is installed.
fn folder() -> PathBuf {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/clients");
    std::env::var_os("LGSP_CLIENTS").map_or_else(|| PathBuf::from(usual), PathBuf::from)
}

/// Such a program while it runs. It ends when nobody can have wishes any more.
pub(crate) struct Program {
    software: Software,
    process: Child,
    wishes: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it; `None` when it was left out.
    pub(crate) fn start(software: Software) -> Option<Self> {
        if software.is_left_out() {
            return None;
        }
        let mut command = software.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{software:?}: {error}"));
        let wishes = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Self { software, process, wishes, answers })
    }

    /// What comes of a wish.
    #[track_caller]
    pub(crate) fn ask(&mut self, wish: &str, given: Value) -> Value {
        self.try_ask(wish, given).unwrap_or_else(|error| panic!("{:?}, {wish}: {error}", self.software))
    }

    /// What comes of a wish that may be refused: then the words of the software, whatever they are.
    #[track_caller]
    pub(crate) fn try_ask(&mut self, wish: &str, given: Value) -> Result<Value, String> {
        // The gateway that the program talks to runs on the other threads.
        let said = tokio::task::block_in_place(|| {
            writeln!(self.wishes.as_mut().unwrap(), "{}", json!({"wish": wish, "given": given})).unwrap();
            let mut line = String::new();
            self.answers.read_line(&mut line).unwrap();
            line
        });
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{:?} said: {said}", self.software));
        match said.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(said["value"].clone()),
        }
    }

    /// What comes of a wish, as text.
    #[track_caller]
    pub(crate) fn text(&mut self, wish: &str, given: Value) -> String {
        self.ask(wish, given).as_str().unwrap().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.wishes.take());
        // It may have ended before, which the test has noticed.
        let _ = self.process.wait();
    }
}
