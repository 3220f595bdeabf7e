//! What goes wrong on a real machine: kill -9, lost answers, a full disk, a clock set back, a stop and a reload under
//! load, and payments through all of it. The gateway is the real program, in a process of its own. It looks only at what
//! callers, providers and operators see, and at the store's own check of its hash chain.
//!
//! `LGSP_ROUNDS` sets how often the program is killed, `LGSP_FATE_SECONDS` how long payments meet their fates, `LGSP_SEED`
//! repeats a run.

// `clippy.toml` allows it in tests; what stands between them are tests as well.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::large_futures, reason = "one test runs at a time")]

#[path = "faults/chance.rs"]
mod chance;
#[path = "faults/clock.rs"]
mod clock;
#[path = "faults/commit.rs"]
mod commit;
#[path = "faults/compare.rs"]
mod compare;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/fate.rs"]
mod fate;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/hook.rs"]
mod hook;
#[path = "faults/kill.rs"]
mod kill;
#[path = "faults/load.rs"]
mod load;
#[path = "faults/paid.rs"]
mod paid;
#[path = "faults/program.rs"]
mod program;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/records.rs"]
mod records;
#[path = "faults/refuse.rs"]
mod refuse;
#[path = "faults/stop.rs"]
mod stop;
#[path = "faults/till.rs"]
mod till;
