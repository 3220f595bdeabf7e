//! Alternating rounds of the same load through several proxies: the machine drifts, a round does not.

use std::io::Result;

use super::load::Load;
use crate::figure;

/// Each round gives every proxy its turn.
const ROUNDS: usize = 5;
const SECONDS: u32 = 2;
const WARM_UP_SECONDS: u32 = 1;

pub(super) struct Contestant<'a> {
    pub(super) name: &'static str,
    pub(super) port: u16,
    /// CPU seconds of its processes so far.
    pub(super) cpu: Box<dyn Fn() -> f64 + 'a>,
    pub(super) load: Load,
}

/// What one contestant did, round by round.
#[derive(Default)]
pub(super) struct Measured {
    /// CPU µs for each request.
    pub(super) cpu: Vec<f64>,
    /// Requests in a second.
    pub(super) rate: Vec<f64>,
}

pub(super) fn contest(contestants: &[Contestant<'_>]) -> Result<Vec<Measured>> {
    for contestant in contestants {
        contestant.load.run(contestant.port, WARM_UP_SECONDS)?;
    }
    let mut measured: Vec<Measured> = contestants.iter().map(|_| Measured::default()).collect();
    for _ in 0..ROUNDS {
        for (contestant, measured) in contestants.iter().zip(&mut measured) {
            let before = (contestant.cpu)();
            let done = contestant.load.run(contestant.port, SECONDS)?;
            measured.cpu.push(((contestant.cpu)() - before) / done * 1e6);
            measured.rate.push(done / f64::from(SECONDS));
        }
    }
    for (contestant, measured) in contestants.iter().zip(&measured) {
        let told = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            format!("{:.1} / {:.1} / {:.1}", sorted[0], figure::quantile(&sorted, 0.5), sorted[sorted.len() - 1])
        };
        let (name, cpu, rate) = (contestant.name, told(&measured.cpu), told(&measured.rate));
        eprintln!("  {name}: {cpu} µs CPU, {rate} requests/s (least / median / most)");
    }
    Ok(measured)
}
