//! Makes `dictionaries/1.zdict`: `cargo run --release -p lgsp-store --example train_dictionary -- FILE [BYTES]`, and
//! prints what records that it has not seen shrink to.

#[path = "../tests/samples.rs"]
mod samples;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: train_dictionary FILE [BYTES]");
        return ExitCode::from(64);
    };
    let size = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(32 * 1024);
    let mut texts: Vec<String> =
        (0..12_000u64).map(|n| samples::record(n * 7 + 1_000_000, (n % 10 + 1) as u8).json).collect();
    texts.extend(
        (0..3_000u64)
            .map(|n| samples::progress("H11.3-260102-0001", n, (n % 10 + 1) as u8, 20_260_102_080_000 + n % 60)),
    );
    let dictionary = zstd::dict::from_samples(&texts, size).expect("enough samples");
    std::fs::write(&file, &dictionary).expect("the file can be written");
    for level in [1, 2, 3, 4, 5, 6, 9] {
        let mut compressor = zstd::bulk::Compressor::with_dictionary(level, &dictionary).expect("a sound dictionary");
        let began = std::time::Instant::now();
        let (mut raw, mut small) = (0, 0);
        let unseen: Vec<String> = (0..4_000u64).map(|n| samples::record(n + 50_000_000, 2).json).collect();
        let made = began.elapsed();
        for text in &unseen {
            raw += text.len();
            small += compressor.compress(text.as_bytes()).expect("a record can be compressed").len();
        }
        println!(
            "level {level}: {} -> {} bytes, {:?} each",
            raw / 4_000,
            small / 4_000,
            (began.elapsed() - made) / 4_000
        );
    }
    ExitCode::SUCCESS
}
