//! Clients that others wrote, as vendors use them: SOAP clients that know a service by its WSDL alone, and a signer of
//! requests. `tests/run` installs them under `target/tools/clients`.

// `clippy.toml` allows it in tests; the helpers between them are tests as well.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::large_futures, reason = "one test runs at a time")]

#[path = "clients/fees.rs"]
mod fees;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "e2e/gateway.rs"]
mod gateway;
#[path = "clients/people.rs"]
mod people;
#[path = "clients/signatures.rs"]
mod signatures;
#[path = "clients/soap.rs"]
mod soap;
#[path = "clients/tool.rs"]
mod tool;
