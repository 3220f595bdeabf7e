//! How soon a gateway on an empty store is ready.

use std::io::Result;

use crate::gateway::Gateway;
use crate::{Bench, figure};

const STARTS: usize = 7;
const GOAL_MILLIS: f64 = 200.0;

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let mut millis = Vec::new();
    for n in 0..=STARTS {
        let gateway = Gateway::start(&bench.lgsp, "")?;
        // The first one reads the program from disk.
        if n > 0 {
            millis.push(gateway.ready_after.as_secs_f64() * 1000.0);
        }
    }
    millis.sort_by(f64::total_cmp);
    figure::print("ready after start, empty store", "ms", figure::quantile(&millis, 0.5), "goal", GOAL_MILLIS);
    Ok(())
}
