//! Prints how long a map of 40 fields takes, without reading and writing of JSON: microseconds, the best of many rounds.
//!
//! `cargo run --release -p lgsp-contract --example map_rate`. A number as argument is the count of rounds.

use std::hint::black_box;
use std::time::Instant;

use lgsp_contract::{Budget, CodeMaps, Context, Document, Map};

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Many short rounds: the best one was not interrupted.
const ROUNDS: u32 = 2_000;
const RUNS: u32 = 50;
const FIELDS: usize = 40;

fn main() {
    let rounds = std::env::args().nth(1).map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let mut codes = CodeMaps::default();
    codes.read("kind", "from,to\n0,1\n1,2\n2,4\n").expect("a table");
    let members: Vec<String> = (0..FIELDS).map(|n| format!("\"TruongSo{n}\":\"{}\"", sample(n))).collect();
    let input = format!("{{{}}}", members.join(","));
    let copies = |n: usize| format!("/TruongSo{n}");
    let mixed = |n: usize| match n % 8 {
        0 => format!("date(/TruongSo{n}, \"yyyy-MM-dd\", \"yyyyMMdd\")"),
        1 => format!("upper(unaccent(/TruongSo{n}))"),
        2 => format!("code(/TruongSo{n}, \"kind\")"),
        3 => format!("integer(/TruongSo{n})"),
        4 => format!("/TruongSo{n}  when present(/TruongSo{n})"),
        _ => copies(n),
    };
    for (name, source) in
        [("40 copies", &copies as &dyn Fn(usize) -> String), ("40 fields, half through functions", &mixed)]
    {
        let rules: String = (0..FIELDS).map(|n| format!("a{n} <- {}\n", source(n))).collect();
        let map = Map::compile("rate.map", &rules, &codes).unwrap_or_else(|errors| panic!("{errors:?}"));
        let document = Document::from_json(input.as_bytes()).expect("JSON");
        let (context, budget) = (Context::default(), Budget::default());
        let best = (0..rounds).map(|_| {
            let start = Instant::now();
            for _ in 0..RUNS {
                let made = map.apply(black_box(&document), &context, &budget);
                assert!(black_box(made).is_ok(), "the sample fits the map");
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
        });
        println!("{name:34} {:5.2} µs", best.fold(f64::INFINITY, f64::min));
    }
}

/// A made-up value for field `n`.
fn sample(n: usize) -> &'static str {
    match n % 8 {
        0 => "1990-05-17",
        1 => "Nguyễn Văn Đức",
        2 => "1",
        3 => "1200",
        _ => "Phường Bến Nghé, thành phố ví dụ",
    }
}
