//! A gateway of its own directory and ports, started as the deployed program; stopped and removed when dropped.

use std::io::{Error, Result};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http;

pub(crate) const SECRET: &str = "bench-secret-0123456789";

pub(crate) struct Gateway {
    child: Child,
    dir: PathBuf,
    keep: bool,
    pub(crate) public: u16,
    pub(crate) admin: u16,
    /// From the start of the process to a ready answer.
    pub(crate) ready_after: Duration,
}

/// A port that nobody uses at the moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Gateway {
    /// Starts on a new directory, with these `[[target]]` tables.
    pub(crate) fn start(lgsp: &Path, targets: &str) -> Result<Self> {
        Self::start_with(lgsp, targets, &[])
    }

    /// Starts on a new directory, with more tables and with more files below `contracts`.
    pub(crate) fn start_with(lgsp: &Path, tables: &str, contracts: &[(String, String)]) -> Result<Self> {
        let dir = std::env::temp_dir().join(format!("lgsp-bench-{}-{}", std::process::id(), free_port()?));
        std::fs::create_dir_all(dir.join("contracts"))?;
        copy_contracts(Path::new("contracts"), &dir.join("contracts"))?;
        for (path, text) in contracts {
            let path = dir.join("contracts").join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&dir))?;
            std::fs::write(path, text)?;
        }
        Self::start_in(lgsp, dir, tables)
    }

    /// Starts on a directory that is there already.
    pub(crate) fn start_in(lgsp: &Path, dir: PathBuf, targets: &str) -> Result<Self> {
        let (public, admin) = (free_port()?, free_port()?);
        std::fs::write(dir.join("lgsp.toml"), configuration(public, admin, targets))?;
        let started = Instant::now();
        let child = Command::new(lgsp)
            .args(["serve", "--config"])
            .arg(dir.join("lgsp.toml"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("log"))?)
            .spawn()?;
        let mut this = Self { child, dir, keep: false, public, admin, ready_after: Duration::ZERO };
        while http::get(admin, "/readyz", "").map_or(true, |answer| answer.status != 200) {
            if started.elapsed() > Duration::from_secs(60) || this.child.try_wait()?.is_some() {
                let log = std::fs::read_to_string(this.dir.join("log")).unwrap_or_default();
                return Err(Error::other(format!("the gateway did not become ready: {log}")));
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        this.ready_after = started.elapsed();
        Ok(this)
    }

    pub(crate) fn token(&self) -> Result<String> {
        self.token_of("bench")
    }

    /// A token of a member with the secret of all.
    pub(crate) fn token_of(&self, member: &str) -> Result<String> {
        let form = format!("grant_type=client_credentials&client_id={member}&client_secret={SECRET}");
        let answer =
            http::post(self.public, "/oauth2/token", "", "application/x-www-form-urlencoded", form.as_bytes())?;
        let token = answer.json()?["access_token"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() { Err(Error::other("no token")) } else { Ok(token) }
    }

    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> f64 {
        self.memory("VmRSS")
    }

    /// The most of it so far.
    pub(crate) fn resident_peak(&self) -> f64 {
        self.memory("VmHWM")
    }

    fn memory(&self, what: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }

    /// CPU seconds so far.
    pub(crate) fn cpu(&self) -> f64 {
        cpu_of(self.child.id())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps its files.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes of the store's directory.
    pub(crate) fn disk(&self) -> Result<f64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(self.dir.join("data"))? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes as f64)
    }

    /// Stops the process as an operator would and keeps its directory.
    pub(crate) fn stop(mut self) -> Result<PathBuf> {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        self.keep = true;
        Ok(self.dir.clone())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if !self.keep {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// CPU seconds of a process so far, all its threads together.
pub(crate) fn cpu_of(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn copy_contracts(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir_all(&target)?;
            copy_contracts(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn configuration(public: u16, admin: u16, targets: &str) -> String {
    format!(
        r#"version = 1
[public]
listen = "127.0.0.1:{public}"
[admin]
listen = "127.0.0.1:{admin}"
token = "bench-admin-0123456789"
[store]
engine = "embedded"
path = "data"
[contracts]
path = "contracts"
[issuer]
url = "http://127.0.0.1:{public}"
keys = "keys"
[log]
level = "warn"
[[member]]
id = "bench"
name = "bench"
agencies = ["*"]
scopes = ["dossier:push", "dossier:read", "changes:read"]
secret = "{SECRET}"
{targets}
"#
    )
}
