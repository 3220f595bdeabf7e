//! Mutated input: shipped examples, bent and broken, through the checks in this process and through a running gateway
//! in both of its dialects; contracts, maps, templates and messages of services; hostile messages, bent
//! sign-ins and bent words of payment providers over the wire.
//! Nothing may panic, fail inside, hang, or come back other than it was sent.
//!
//! `LGSP_FUZZ_SECONDS` sets how long each target runs, `LGSP_SEED` repeats a run.

// `clippy.toml` allows it in tests; what stands between them are tests as well.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::large_futures, reason = "one test runs at a time")]

#[path = "fuzz/bridge.rs"]
mod bridge;
#[path = "fuzz/broker.rs"]
mod broker;
#[path = "faults/chance.rs"]
mod chance;
#[path = "fuzz/checks.rs"]
mod checks;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/child.rs"]
mod child;
#[path = "fuzz/dialects.rs"]
mod dialects;
#[path = "fuzz/exchange.rs"]
mod exchange;
#[path = "clients/fees.rs"]
mod fees;
#[path = "fuzz/folders.rs"]
mod folders;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/gateway.rs"]
mod gateway;
#[path = "fuzz/hostile.rs"]
mod hostile;
#[path = "fuzz/language.rs"]
mod language;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/payment.rs"]
mod payment;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/raw.rs"]
mod raw;
#[path = "fuzz/texts.rs"]
mod texts;
#[path = "fuzz/xml.rs"]
mod xml;
