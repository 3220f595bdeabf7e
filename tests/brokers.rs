//! The broker of identities among software that others wrote: relying parties that sign people in with us, a browser that
//! people use, identity providers that we sign people in with, and one of them that says wrong things. `tests/run` installs them
//! under `target/tools/clients`.

// `clippy.toml` allows it in tests; the helpers between them are tests as well.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::large_futures, reason = "one test runs at a time")]

#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/browser.rs"]
mod browser;
#[path = "brokers/chromium.rs"]
mod chromium;
#[path = "brokers/door.rs"]
mod door;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/gateway.rs"]
mod gateway;
#[allow(dead_code, reason = "the tests of payments use the rest of it")]
#[path = "brokers/program.rs"]
mod program;
#[path = "brokers/relying_parties.rs"]
mod relying_parties;
#[path = "brokers/upstream.rs"]
mod upstream;
#[path = "brokers/wrong_tokens.rs"]
mod wrong_tokens;
