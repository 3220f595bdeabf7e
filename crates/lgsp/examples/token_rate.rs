//! Prints how many tokens one core issues in a second, and how many it knows again:
//! `cargo run --profile dist -p lgsp --example token_rate`.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of which the best counts: what disturbs takes from them.
const ROUNDS: usize = 5;
const ISSUED: u32 = 20_000;
const KNOWN: u32 = 2_000_000;

fn main() {
    let directory = std::env::temp_dir().join(format!("lgsp-token-rate-{}", std::process::id()));
    let rates = lgsp::rates::Rates::new(&directory);
    let best = |count: u32, measure: &dyn Fn(u32) -> std::time::Duration| {
        let rate = |_| f64::from(count) / measure(count).as_secs_f64();
        (0..ROUNDS).map(rate).fold(0.0, f64::max)
    };
    let issued = best(ISSUED, &|count| rates.issue(count));
    let known = best(KNOWN, &|count| rates.know_again(count));
    let _ = std::fs::remove_dir_all(&directory);
    for (figure, rate, goal) in
        [("tokens issued on one core", issued, 5e3), ("verified tokens known again on one core", known, 1e6)]
    {
        println!(
            "{{\"figure\":\"{figure}\",\"unit\":\"tokens/s\",\"lgsp\":{rate:.0},\"against\":\"goal\",\"other\":{goal:.0},\"ratio\":{:.3}}}",
            rate / goal
        );
    }
}
