//! NDJSON streams: records per second with the client beside it, bytes on disk, memory; and what a page of the feed costs.

use std::io::{BufRead, BufReader, Error, Result, Write};
use std::time::{Duration, Instant};

use crate::gateway::Gateway;
use crate::records::record;
use crate::{Bench, figure, http};

const RECORDS: u64 = 400_000;
const GOAL_RATE: f64 = 50_000.0;
const GOAL_BYTES: f64 = 400.0;
const GOAL_RESIDENT: f64 = 150.0;
/// Records written at once: what a client with a buffer would send.
const AT_ONCE: u64 = 200;

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let gateway = Gateway::start(&bench.lgsp, "")?;
    let token = gateway.token()?;
    figure::print("resident memory, idle", "MiB", gateway.resident(), "goal", 40.0);
    let cpu = gateway.cpu();
    let rate = push(&gateway, &token, 0, RECORDS)?;
    let cpu = (gateway.cpu() - cpu) / RECORDS as f64 * 1e6;
    eprintln!("  stream: {cpu:.1} µs CPU per record");
    figure::print("durable accept, NDJSON stream", "records/s", rate, "goal", GOAL_RATE);
    figure::print("resident memory, under load", "MiB", gateway.resident(), "goal", GOAL_RESIDENT);
    let dir = gateway.stop()?;
    let gateway = Gateway::start_in(&bench.lgsp, dir, "")?;
    figure::print("bytes on disk per record", "bytes", gateway.disk()? / RECORDS as f64, "goal", GOAL_BYTES);
    feed(&gateway, &gateway.token()?)
}

/// The records are made before the clock starts; the client does nothing but write and count lines.
pub(crate) fn push(gateway: &Gateway, token: &str, from: u64, count: u64) -> Result<f64> {
    let blocks: Vec<Vec<u8>> =
        (from..from + count).step_by(AT_ONCE as usize).map(|first| block(first, from + count)).collect();
    let mut stream = http::connect(gateway.public)?;
    let mut reader = BufReader::with_capacity(1 << 18, stream.try_clone()?);
    let started = Instant::now();
    let counting = std::thread::spawn(move || count_lines(&mut reader));
    let head = format!(
        "POST /v1/dossiers HTTP/1.1\r\n{}Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        http::fields(token)
    );
    stream.write_all(head.as_bytes())?;
    for block in &blocks {
        stream.write_all(block)?;
    }
    stream.write_all(b"0\r\n\r\n")?;
    let summary = counting.join().map_err(|_| Error::other("the reader ended early"))??;
    let took: Duration = started.elapsed();
    let accepted = summary["summary"]["accepted"].as_u64().unwrap_or(0);
    if accepted != count {
        return Err(Error::other(format!("{accepted} of {count} accepted: {summary}")));
    }
    Ok(count as f64 / took.as_secs_f64())
}

fn block(first: u64, end: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    for n in first..(first + AT_ONCE).min(end) {
        lines.extend_from_slice(record(n).as_bytes());
        lines.push(b'\n');
    }
    let mut block = format!("{:x}\r\n", lines.len()).into_bytes();
    block.extend_from_slice(&lines);
    block.extend_from_slice(b"\r\n");
    block
}

/// Reads to the end and gives back the last JSON line.
fn count_lines(reader: &mut impl BufRead) -> Result<serde_json::Value> {
    let (mut line, mut last) = (Vec::new(), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.starts_with(b"{\"summary\"") {
            last.clone_from(&line);
        }
        line.clear();
    }
    serde_json::from_slice(&last).map_err(Error::other)
}

/// CPU of the gateway per record pulled in pages of a thousand.
fn feed(gateway: &Gateway, token: &str) -> Result<()> {
    const GOAL_CPU: f64 = 3.0;
    let cpu = gateway.cpu();
    let (mut after, mut pulled) = (String::new(), 0);
    while pulled < RECORDS / 2 {
        let answer = http::get(gateway.public, &format!("/v1/changes?limit=1000{after}"), token)?.json()?;
        if answer["changes"].as_array().is_none_or(Vec::is_empty) {
            return Err(Error::other(format!("no changes in {answer}")));
        }
        pulled += answer["changes"].as_array().map_or(0, Vec::len) as u64;
        after = format!("&after={}", answer["next"].as_str().unwrap_or_default());
        if !answer["more"].as_bool().unwrap_or(false) {
            break;
        }
    }
    let each = (gateway.cpu() - cpu) / pulled as f64 * 1e6;
    figure::print("pull from the feed, CPU per record", "µs", each, "goal", GOAL_CPU);
    Ok(())
}
