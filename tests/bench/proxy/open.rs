//! What the way through a proxy adds to a call's time at half load. The generator is open: calls are due at their time,
//! whether earlier ones were answered or not.

use std::io::{Error, Read, Result, Write};
use std::time::{Duration, Instant};

use super::load::Load;
use super::{Scene, contracts};
use crate::{Bench, figure, http};

const CONNECTIONS: u32 = 16;
const ROUNDS: usize = 5;
const SECONDS: f64 = 3.0;
const GOAL_MILLIS: f64 = 1.0;

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let scene = Scene::set(bench)?;
    let body = contracts::record();
    let load = Load::post("/plain/echo", &body).with(("X-API-Key", contracts::API_KEY.to_owned()));
    let most = load.run(scene.gateway.public, 3)? / 3.0;
    let rate = most / 2.0;
    let ways = [("lgsp", scene.gateway.public), ("nginx", scene.nginx.port)];
    let mut added = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let direct = quantiles(&load.bytes(), scene.upstream.port, rate)?;
        for ((name, port), added) in ways.iter().zip(&mut added) {
            let through = quantiles(&load.bytes(), *port, rate)?;
            eprintln!("  {name} at {rate:.0}/s: p50 {:.3} p99 {:.3} ms, direct {direct:.3?}", through[0], through[1]);
            added.push(through[1] - direct[1]);
        }
    }
    let [ours, nginx] = &mut added;
    ours.sort_by(f64::total_cmp);
    nginx.sort_by(f64::total_cmp);
    let what = "added latency, p99 at half load";
    figure::print(&format!("{what}, least of {ROUNDS}"), "ms", ours[0], "goal", GOAL_MILLIS);
    figure::print(&format!("{what}, median"), "ms", figure::quantile(ours, 0.5), "goal", GOAL_MILLIS);
    let theirs = figure::quantile(nginx, 0.5);
    figure::print(&format!("{what}, median"), "ms", figure::quantile(ours, 0.5), "nginx", theirs);
    Ok(())
}

/// Median and 99th of a hundred, in milliseconds.
fn quantiles(request: &[u8], port: u16, rate: f64) -> Result<[f64; 2]> {
    let started = Instant::now() + Duration::from_millis(20);
    let mut millis = Vec::new();
    std::thread::scope(|scope| {
        let connections: Vec<_> =
            (0..CONNECTIONS).map(|n| scope.spawn(move || call(request, port, started, rate, n))).collect();
        for connection in connections {
            millis.extend(connection.join().map_err(|_| Error::other("a connection failed"))??);
        }
        Ok::<_, Error>(())
    })?;
    millis.sort_by(f64::total_cmp);
    Ok([figure::quantile(&millis, 0.5), figure::quantile(&millis, 0.99)])
}

/// The calls of one connection.
fn call(request: &[u8], port: u16, started: Instant, rate: f64, connection: u32) -> Result<Vec<f64>> {
    let mut stream = http::connect(port)?;
    let (mut buffer, mut millis) = (vec![0; 64 * 1024], Vec::new());
    for n in 0.. {
        let due = f64::from(n * CONNECTIONS + connection) / rate;
        if due > SECONDS {
            break;
        }
        let due = started + Duration::from_secs_f64(due);
        let now = Instant::now();
        // Who is late because of the answer before counts from when it was due; a late alarm clock is nobody's fault.
        let from = if now < due { wait_until(due) } else { due };
        stream.write_all(request)?;
        read_answer(&mut stream, &mut buffer)?;
        millis.push(from.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(millis)
}

/// When it woke up.
fn wait_until(due: Instant) -> Instant {
    loop {
        let now = Instant::now();
        if now >= due {
            return now;
        }
        std::thread::park_timeout(due - now);
    }
}

/// Reads one answer, which says how long it is.
pub(super) fn read_answer(stream: &mut std::net::TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(Error::other("closed"));
        }
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        if !text.starts_with("http/1.1 200") {
            return Err(Error::other(text));
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if filled >= head + 4 + length.unwrap_or(0) {
            return Ok(());
        }
    }
}
