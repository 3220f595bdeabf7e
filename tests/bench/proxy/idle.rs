//! What connections that wait for their next request cost: each made one call.

use std::io::{Result, Write};
use std::time::{Duration, Instant};

use super::load::Load;
use super::{Scene, contracts};
use crate::pace::read_answer;
use crate::{Bench, figure, http};

const CONNECTIONS: usize = 10_000;
const GOAL_MIB: f64 = 150.0;
/// The allocator gives memory back a little later.
const SETTLING: Duration = Duration::from_secs(3);

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let scene = Scene::set(bench)?;
    let load = Load::post("/plain/echo", &contracts::record()).with(("X-API-Key", contracts::API_KEY.to_owned()));
    let (request, mut buffer) = (load.bytes(), vec![0; 64 * 1024]);
    let before = scene.gateway.resident();
    let mut open = Vec::new();
    while open.len() < CONNECTIONS {
        let Ok(mut stream) = http::connect(scene.gateway.public) else { break };
        stream.write_all(&request)?;
        read_answer(&mut stream, &mut buffer)?;
        open.push(stream);
    }
    let settled = Instant::now() + SETTLING;
    while Instant::now() < settled {
        std::thread::park_timeout(settled - Instant::now());
    }
    let resident = scene.gateway.resident();
    eprintln!("  {} connections: {before:.0} MiB before, {resident:.0} MiB with them", open.len());
    let what = format!("resident with {} idle connections", open.len());
    figure::print(&what, "MiB", resident, "goal", GOAL_MIB * open.len() as f64 / CONNECTIONS as f64);
    Ok(())
}
