//! Load by wrk: one request repeated on 64 connections that stay open.

use std::fmt::Write as _;
use std::io::{Error, Result};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::http;

const CONNECTIONS: u32 = 64;

/// One request.
pub(super) struct Load {
    path: String,
    body: String,
    fields: Vec<(&'static str, String)>,
}

/// What wrk says at its end.
pub(super) struct Told {
    pub(super) requests: f64,
    /// Answers that are no success, and errors of connections: its own words.
    pub(super) failures: Option<String>,
}

/// A wrk that runs.
pub(super) struct Running {
    child: Child,
    script: PathBuf,
}

impl Load {
    pub(super) fn post(path: &str, body: &str) -> Self {
        let fields = vec![("Content-Type", "application/json".to_owned())];
        Self { path: path.to_owned(), body: body.to_owned(), fields }
    }

    pub(super) fn with(mut self, field: (&'static str, String)) -> Self {
        self.fields.push(field);
        self
    }

    /// The bytes of the request.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\n", self.path);
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body);
        head.into_bytes()
    }

    /// The JSON that one request is answered with.
    pub(super) fn once(&self, port: u16) -> Result<Value> {
        let mut fields = String::new();
        for (name, value) in &self.fields {
            let _ = write!(fields, "{name}: {value}\r\n");
        }
        let answer = http::post_with(port, &self.path, &fields, self.body.as_bytes())?;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status != 200 {
            return Err(Error::other(format!("{}: {} {text}", self.path, answer.status)));
        }
        answer.json().map_err(|error| Error::other(format!("{}: {error} in {text}", self.path)))
    }

    pub(super) fn start(&self, port: u16, seconds: u32) -> Result<Running> {
        let script = std::env::temp_dir().join(format!("lgsp-bench-{}-{port}.lua", std::process::id()));
        let mut lua = format!("wrk.method = \"POST\"\nwrk.body = [==[{}]==]\n", self.body);
        for (name, value) in &self.fields {
            let _ = writeln!(lua, "wrk.headers[\"{name}\"] = [==[{value}]==]");
        }
        std::fs::write(&script, lua)?;
        let child = Command::new("wrk")
            .args(["-t1", "--timeout", "30s", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s"), "-s"])
            .arg(&script)
            .arg(format!("http://127.0.0.1:{port}{}", self.path))
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Running { child, script })
    }

    /// How many requests were answered; none may fail.
    pub(super) fn run(&self, port: u16, seconds: u32) -> Result<f64> {
        let told = self.start(port, seconds)?.end()?;
        match told.failures {
            None => Ok(told.requests),
            Some(failures) => Err(Error::other(format!("{}: {failures}", self.path))),
        }
    }
}

impl Running {
    /// Asks it to end now.
    pub(super) fn stop(self) -> Result<Told> {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        self.end()
    }

    /// Waits for its end.
    pub(super) fn end(self) -> Result<Told> {
        let output = self.child.wait_with_output()?;
        let _ = std::fs::remove_file(&self.script);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = |wanted: &str| text.lines().map(str::trim).find(|line| line.contains(wanted));
        let requests = line(" requests in ").and_then(|line| line.split(' ').next()?.parse().ok());
        let requests = requests.ok_or_else(|| Error::other(format!("wrk says {text}")))?;
        let failures: Vec<&str> = ["Non-2xx", "Socket errors"].into_iter().filter_map(line).collect();
        let failures = (!failures.is_empty()).then(|| failures.join("; "));
        Ok(Told { requests, failures })
    }
}
