//! What the way through a proxy adds to a call's time at half load. The generator is open: calls are due at their time,
//! whether earlier ones were answered or not.

use std::borrow::Cow;
use std::io::Result;

use super::load::Load;
use super::{Scene, contracts};
use crate::pace::Pace;
use crate::{Bench, figure};

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
    let pace = Pace { port, rate, connections: CONNECTIONS, calls: (rate * SECONDS) as u32 };
    let millis = pace.run(|_| Cow::Borrowed(request), |_| true)?;
    Ok([figure::quantile(&millis, 0.5), figure::quantile(&millis, 0.99)])
}
