//! Reloads under load, each with a changed contract: no call may fail.

use std::io::{Error, Result};
use std::process::Command;
use std::time::{Duration, Instant};

use super::load::Load;
use super::{Scene, contracts};
use crate::gateway::Gateway;
use crate::{Bench, figure, http};

const RELOADS: u32 = 1000;
const LONGEST: Duration = Duration::from_secs(180);

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let scene = Scene::set(bench)?;
    let load = Load::post("/plain/echo", &contracts::record()).with(("X-API-Key", contracts::API_KEY.to_owned()));
    let running = load.start(scene.gateway.public, LONGEST.as_secs() as u32 + 60)?;
    let started = Instant::now();
    let mut reloads = 0;
    while reloads < RELOADS && started.elapsed() < LONGEST {
        reload(&scene.gateway, scene.upstream.port, reloads)?;
        reloads += 1;
    }
    let took = started.elapsed().as_secs_f64();
    let told = running.stop()?;
    let failures = told.failures.as_deref().unwrap_or("none failed");
    eprintln!("  {reloads} reloads in {took:.1} s, {} calls meanwhile: {failures}", told.requests);
    let words = told.failures.iter().flat_map(|text| text.split([' ', ',', ':']));
    let failed: u64 = words.filter_map(|word| word.parse::<u64>().ok()).sum();
    figure::print(&format!("failed calls during {reloads} reloads"), "calls", failed as f64, "goal", 0.0);
    Ok(())
}

/// Changes a contract, asks for a reload and waits until it was taken over.
fn reload(gateway: &Gateway, upstream: u16, n: u32) -> Result<()> {
    let before = taken_over(gateway)?;
    let (path, text) = contracts::plain("plain", "api-key", upstream, 1000 + n % 2);
    std::fs::write(gateway.dir().join("contracts").join(path), text)?;
    Command::new("kill").args(["-HUP", &gateway.pid().to_string()]).status()?;
    for _ in 0..5000 {
        if taken_over(gateway)? != before {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    Err(Error::other(format!("reload {n} was not taken over")))
}

/// When the configuration was taken over last, as the gateway writes it.
fn taken_over(gateway: &Gateway) -> Result<String> {
    let text = String::from_utf8_lossy(&http::get(gateway.admin, "/metrics", "")?.body).into_owned();
    let line = text.lines().find(|line| line.starts_with("lgsp_config_reload_timestamp_seconds "));
    line.map(str::to_owned).ok_or_else(|| Error::other("no time of the last reload"))
}
