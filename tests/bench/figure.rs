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

fn round(value: f64) -> f64 {
    if value.abs() >= 100.0 { value.round() } else { (value * 1000.0).round() / 1000.0 }
}

/// The value below which a fraction of the sorted samples lies.
pub(crate) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let at = ((sorted.len() as f64 - 1.0) * fraction).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}
