//! What growth costs: accept rate and page time of the feed on a small store and on one of three million events, and how
//! soon the large one is ready.

use std::io::Result;
use std::time::Instant;

use crate::gateway::Gateway;
use crate::{Bench, figure, http, stream};

const SMALL: u64 = 10_000;
const LARGE: u64 = 3_000_000;
/// Records of one measured stream, and how they are brought in until the store is large.
const MEASURED: u64 = 200_000;
const GOAL_MILLIS: f64 = 1000.0;
const GOAL_RESIDENT: f64 = 150.0;
const PAGES: u64 = 200;

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let gateway = Gateway::start(&bench.lgsp, "")?;
    let token = gateway.token()?;
    stream::push(&gateway, &token, 0, SMALL)?;
    let small_page = page_micros(&gateway, &token)?;
    let small_rate = stream::push(&gateway, &token, SMALL, MEASURED)?;
    let mut next = SMALL + MEASURED;
    while next < LARGE {
        let count = MEASURED.min(LARGE - next);
        stream::push(&gateway, &token, next, count)?;
        next += count;
    }
    let large_rate = stream::push(&gateway, &token, next, MEASURED)?;
    let large_page = page_micros(&gateway, &token)?;
    figure::print("resident memory, 3,000,000 events", "MiB", gateway.resident(), "goal", GOAL_RESIDENT);
    figure::print("accept rate at 3,000,000 events", "records/s", large_rate, "at 10,000", small_rate);
    figure::print("page of the feed at 3,000,000 events", "µs", large_page, "at 10,000", small_page);
    let dir = gateway.stop()?;
    let again = Gateway::start_in(&bench.lgsp, dir, "")?;
    let millis = again.ready_after.as_secs_f64() * 1000.0;
    figure::print("ready after start, 3,000,000 events", "ms", millis, "goal", GOAL_MILLIS);
    Ok(())
}

/// The time of one page of a hundred changes near the end of the log: the median of many.
fn page_micros(gateway: &Gateway, token: &str) -> Result<f64> {
    let mut after = String::new();
    let mut times = Vec::new();
    for _ in 0..PAGES {
        let started = Instant::now();
        let answer = http::get(gateway.public, &format!("/v1/changes?limit=100{after}"), token)?.json()?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
        if answer["more"].as_bool() == Some(true) {
            after = format!("&after={}", answer["next"].as_str().unwrap_or_default());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(figure::quantile(&times, 0.5))
}
