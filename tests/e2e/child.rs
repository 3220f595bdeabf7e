//! A gateway in a process of its own, started as a service manager would start it: what only a whole process shows is its
//! output, its memory and its end.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::gateway::until;

/// The process; it is killed when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    said: Arc<Mutex<Vec<String>>>,
    pub(crate) public: String,
    pub(crate) admin: String,
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Child {
    /// Runs `lgsp serve` with this configuration, whose relative paths are those of `dir`.
    pub(crate) async fn start(dir: &Path, config: &str) -> Self {
        let file = dir.join("lgsp.toml");
        std::fs::write(&file, config).unwrap();
        let program = tokio::task::spawn_blocking(program).await.unwrap();
        let mut process = Command::new(program)
            .args(["serve", "--config"])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        listen(process.stdout.take().unwrap(), said.clone());
        listen(process.stderr.take().unwrap(), said.clone());
        let mut this = Self { process, said, public: String::new(), admin: String::new() };
        let ready = until("the gateway says where it listens", async || {
            let lines = this.said.lock().unwrap().clone();
            let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find(|line| line["message"] == "gateway ready")
        })
        .await;
        let address = |name: &str| format!("http://{}", ready[name].as_str().unwrap());
        (this.public, this.admin) = (address("public"), address("admin"));
        this
    }

    /// Everything that it wrote to its standard output and error.
    pub(crate) fn log(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// The most memory that it ever had, in MiB.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line of the kernel");
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    }

    /// Asks it to end, and waits; the exit code.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let process = Mutex::new(&mut self.process);
        until("SIGTERM ends it", async || process.lock().unwrap().try_wait().unwrap()).await.code()
    }
}

/// The program of this build: beside the directory of the test programs.
pub(crate) fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let program = built.join("lgsp");
    if !program.exists() {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let target = built.parent().expect("target/<profile>");
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package", "lgsp", "--bin", "lgsp", "--target-dir"])
            .arg(target)
            .status()
            .unwrap();
        assert!(status.success() && program.exists(), "cargo build --package lgsp");
    }
    program
}

/// Collects what a pipe brings.
fn listen(pipe: impl Read + Send + 'static, into: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line);
        }
    });
}
