//! Prints how long one record of each shipped contract takes to check: microseconds, the best of several rounds.
//!
//! `cargo run --release -p lgsp-contract --example check_rate`. A number as argument is the count of rounds.

use std::hint::black_box;
use std::time::Instant;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Many short rounds: the best one was not interrupted.
const ROUNDS: u32 = 2_000;
const RECORDS: u32 = 50;

fn main() {
    let rounds = std::env::args().nth(1).map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let (catalogue, diagnostics) = lgsp_contract::load(&lgsp_contract::shipped());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    for contract in catalogue.contracts() {
        for text in contract.valid_examples() {
            let best = |work: &dyn Fn()| {
                (0..rounds)
                    .map(|_| {
                        let start = Instant::now();
                        (0..RECORDS).for_each(|_| work());
                        start.elapsed().as_secs_f64() * 1e6 / f64::from(RECORDS)
                    })
                    .fold(f64::INFINITY, f64::min)
            };
            let check = |record: &str| best(&|| drop(black_box(contract.check(black_box(record.as_bytes())))));
            let sorted = serde_json::from_str::<serde_json::Value>(text).expect("examples are JSON").to_string();
            let as_written: String = text.lines().map(str::trim).collect();
            println!(
                "{:14} {:5} bytes  parse + check + digest {:5.2} µs, keys in the order of the specification {:5.2} µs",
                contract.id(),
                sorted.len(),
                check(&sorted),
                check(&as_written),
            );
        }
    }
}
