//! One figure as a JSON line.

use serde_json::json;

/// Prints a figure: what, ours, the rival's (or the goal), and the ratio of ours to it.
pub(crate) fn print(what: &str, unit: &str, ours: f64, rival: &str, theirs: f64) {
    let ratio = if theirs == 0.0 { 0.0 } else { ours / theirs };
    println!(
        "{}",
        json!({"figure": what, "unit": unit, "lgsp": round(ours), "against": rival, "other": round(theirs), "ratio": round(ratio)})
    );
}

/// Which of several rounds counts when the machine is not ours alone.
#[derive(Clone, Copy)]
pub(crate) enum Best {
    /// Costs: what disturbs adds to them.
    Least,
    /// Rates: what disturbs takes from them.
    Most,
}

/// Prints a figure that was measured in alternating rounds: the best of each, their ratio, and the median of the ratios of
/// each round.
pub(crate) fn print_rounds(what: &str, unit: &str, best: Best, ours: &[f64], rival: &str, theirs: &[f64]) {
    let choose = |values: &[f64]| match best {
        Best::Least => values.iter().copied().fold(f64::INFINITY, f64::min),
        Best::Most => values.iter().copied().fold(0.0, f64::max),
    };
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    ratios.sort_by(f64::total_cmp);
    let (ours, theirs) = (choose(ours), choose(theirs));
    println!(
        "{}",
        json!({"figure": what, "unit": unit, "lgsp": round(ours), "against": rival, "other": round(theirs),
            "ratio": round(ours / theirs), "median_ratio": round(quantile(&ratios, 0.5)), "rounds": ratios.len()})
    );
}

fn round(value: f64) -> f64 {
    if value.abs() >= 100.0 { value.round() } else { (value * 1000.0).round() / 1000.0 }
}

/// The value below which a fraction of the sorted samples lies.
pub(crate) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let at = ((sorted.len() as f64 - 1.0) * fraction).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}
