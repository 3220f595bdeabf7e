//! From the accept answer's request to the portal having the record, at 200 events a second and a portal that answers in
//! 5 ms. The simulated portal tells when it stored each record.

use std::io::{Error, Result};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, free_port};
use crate::records::record;
use crate::{Bench, figure, http};

const EVENTS: u64 = 2000;
const PER_SECOND: u64 = 200;
const GOAL_MILLIS: f64 = 50.0;

struct Portal {
    child: Child,
    port: u16,
}

impl Portal {
    fn start(bench: &Bench) -> Result<Self> {
        let port = free_port()?;
        let child = Command::new(&bench.lgsp)
            .args(["sandbox", "--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null())
            .spawn()?;
        let this = Self { child, port };
        for _ in 0..5000 {
            if http::connect(port).is_ok() {
                http::post(port, "/sandbox/settings", "", "application/json", br#"{"answer_delay_ms":5}"#)?;
                return Ok(this);
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Err(Error::other("the sandbox did not start"))
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let portal = Portal::start(bench)?;
    let gateway = Gateway::start(&bench.lgsp, &target(portal.port))?;
    let token = gateway.token()?;
    let metrics_before = delivered_within(&gateway)?;
    let started = Instant::now();
    for n in 0..EVENTS {
        let due = started + Duration::from_micros(n * 1_000_000 / PER_SECOND);
        while Instant::now() < due {
            std::thread::park_timeout(due - Instant::now());
        }
        http::post(gateway.public, "/v1/dossiers", &token, "application/json", record(n).as_bytes())?;
    }
    let mut waited = 0;
    while delivered_within(&gateway)?.0 < metrics_before.0 + EVENTS as f64 {
        waited += 1;
        if waited > 2000 {
            return Err(Error::other("not all events were delivered"));
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let (count, p95) = delivered_within(&gateway)?;
    eprintln!("  latency: {count} delivered");
    figure::print("accept to delivered, p95 at 200/s", "ms", p95 * 1000.0, "goal", GOAL_MILLIS);
    Ok(())
}

/// How many events were delivered, and the upper bound of the bucket that holds the 95th of a hundred, in seconds.
fn delivered_within(gateway: &Gateway) -> Result<(f64, f64)> {
    let text = String::from_utf8_lossy(&http::get(gateway.admin, "/metrics", "")?.body).into_owned();
    let mut buckets: Vec<(f64, f64)> = text.lines().filter_map(bucket).collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = buckets.last().map_or(0.0, |(_, count)| *count);
    let p95 = buckets.iter().find(|(_, below)| *below >= count * 0.95).map_or(0.0, |(bound, _)| *bound);
    Ok((count, p95))
}

fn bucket(line: &str) -> Option<(f64, f64)> {
    let rest = line.strip_prefix("lgsp_accept_to_delivered_seconds_bucket{")?;
    let (labels, count) = rest.split_once("} ")?;
    let bound = labels.split("le=\"").nth(1)?.trim_end_matches('"');
    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
    Some((bound, count.parse().ok()?))
}

fn target(port: u16) -> String {
    format!(
        r#"[[target]]
id = "national-portal"
connector = "npsp"
agencies = ["*"]
start = "beginning"
[target.settings]
adapter_url = "http://127.0.0.1:{port}/XrdAdapter/RestService/forward/"
auth_endpoint = "mapi/login"
integration_endpoint = "mapi/g"
share_endpoint = "mapi/g"
username = "lgsp"
password = "lgsp-sandbox"
madonvi = "000.00.16.H11"
dstcode = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
"#
    )
}
