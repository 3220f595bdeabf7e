//! Payments among software that others wrote: a merchant made of npm's `vnpay`, two makers of VietQR, signatures that other languages
//! make of the fields that providers publish, and a citizen who pays in a browser that people use. `tests/run` installs them under
//! `target/tools/clients`.

// `clippy.toml` allows it in tests; the helpers between them are tests as well.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::large_futures, reason = "one test runs at a time")]

#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/cashier.rs"]
mod cashier;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "faults/chance.rs"]
mod chance;
#[path = "payments/chromium.rs"]
mod chromium;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/gateway.rs"]
mod gateway;
#[allow(dead_code, reason = "the tests of the broker use the rest of it")]
#[path = "brokers/program.rs"]
mod program;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/records.rs"]
mod records;
#[path = "payments/signatures.rs"]
mod signatures;
#[path = "payments/vietqr.rs"]
mod vietqr;
#[path = "payments/vnpay.rs"]
mod vnpay;
