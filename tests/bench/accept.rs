//! Durable accept of single posts, token and contract checked, against Redis with an fsync before each answer. Both are
//! driven by a client in C on the same machine, with the same records and the same number of connections.

use std::fmt::Write as _;
use std::io::{Error, Result};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::gateway::{Gateway, free_port};
use crate::records::{Numbers, record_with_code};
use crate::{Bench, figure, http};

const CONNECTIONS: [u32; 2] = [64, 512];
const SECONDS: u32 = 10;
/// Pairs of runs: the machine drifts, a pair does not.
const PAIRS: usize = 3;
/// Different records that the client draws from; each post gets a code of its own.
const POOL: usize = 1000;

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    for connections in CONNECTIONS {
        let mut pairs = Vec::new();
        for _ in 0..PAIRS {
            pairs.push((ours(bench, connections)?, redis(connections)?));
        }
        pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let (ours, theirs) = pairs[PAIRS / 2];
        let what = format!("durable accept, single posts, {connections} connections");
        figure::print(&what, "records/s", ours, "redis XADD, appendfsync always", theirs);
    }
    Ok(())
}

fn ours(bench: &Bench, connections: u32) -> Result<f64> {
    let gateway = Gateway::start(&bench.lgsp, "")?;
    let script = std::env::temp_dir().join(format!("lgsp-bench-{}.lua", gateway.public));
    std::fs::write(&script, lua(&gateway.token()?))?;
    let (cpu, before) = (gateway.cpu(), accepted(&gateway)?);
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{SECONDS}s"), "-s"])
        .arg(&script)
        .arg(format!("http://127.0.0.1:{}/v1/dossiers", gateway.public))
        .output()?;
    let _ = std::fs::remove_file(&script);
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") {
        return Err(Error::other(format!("some posts were refused: {text}")));
    }
    let stored = accepted(&gateway)? - before;
    let cpu = (gateway.cpu() - cpu) / stored * 1e6;
    eprintln!(
        "  {connections} connections: {stored} accepted, {cpu:.1} µs CPU each, {:.0} MiB resident",
        gateway.resident()
    );
    // What the gateway stored, not what the client believes.
    Ok(stored / f64::from(SECONDS))
}

fn accepted(gateway: &Gateway) -> Result<f64> {
    let metrics = String::from_utf8_lossy(&http::get(gateway.admin, "/metrics", "")?.body).into_owned();
    let line = metrics.lines().find(|line| line.starts_with("lgsp_log_seq "));
    Ok(line.and_then(|line| line.split(' ').nth(1)).and_then(|value| value.parse().ok()).unwrap_or(0.0))
}

/// Requests with records of the pool, each with the next code. The parts are joined in Lua, which costs the client about a
/// microsecond.
fn lua(token: &str) -> String {
    let mut numbers = Numbers::new(7);
    let mut script = String::from("local pool = {\n");
    for _ in 0..POOL {
        let record = record_with_code("@", &mut numbers);
        let (before, after) = record.split_once('@').unwrap_or_default();
        let _ = writeln!(script, "{{[==[{before}]==],[==[{after}]==]}},");
    }
    let length = "#body";
    let _ = write!(
        script,
        r#"}}
local head = "POST /v1/dossiers HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: "
local n = 0
function request()
  n = n + 1
  local parts = pool[n % {POOL} + 1]
  local agency, rest = n % 40 + 1, math.floor(n / 40)
  local body = parts[1] .. string.format("H56.%02d-26%02d%02d-%05d", agency, math.floor(rest / 28) % 11 + 1, rest % 28 + 1, math.floor(rest / 308) + 1) .. parts[2]
  return head .. {length} .. "\r\n\r\n" .. body
end
"#
    );
    script
}

/// Redis on its own directory and port; stopped and removed when dropped.
struct Redis {
    child: Child,
    dir: std::path::PathBuf,
    port: u16,
}

impl Redis {
    fn start() -> Result<Self> {
        let port = free_port()?;
        let dir = std::env::temp_dir().join(format!("lgsp-bench-redis-{port}"));
        std::fs::create_dir_all(&dir)?;
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--dir"])
            .arg(&dir)
            .stdout(Stdio::null())
            .spawn()?;
        let this = Self { child, dir, port };
        for _ in 0..5000 {
            if http::connect(port).is_ok() {
                return Ok(this);
            }
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
        Err(Error::other("redis did not start"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all::<&Path>(&self.dir);
    }
}

fn redis(connections: u32) -> Result<f64> {
    let redis = Redis::start()?;
    let record = record_with_code("H56.01-260101-00001", &mut Numbers::new(7));
    let requests = SECONDS * 30_000;
    let output = Command::new("redis-benchmark")
        .args(["-p", &redis.port.to_string(), "-c", &connections.to_string(), "-n", &requests.to_string(), "--csv"])
        .args(["XADD", "log", "*", "record", &record])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The last line ends with seven quoted figures, the rate first; the command before them holds commas of its own.
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let rate = last.rsplit(',').nth(6).and_then(|figure| figure.trim_matches('"').parse().ok());
    rate.ok_or_else(|| Error::other(format!("no rate in: {text}")))
}
