//! The gateway from outside: a real one on free ports, a sandbox portal beside it, real sockets. It looks at nothing
//! inside; what a caller or operator cannot see is tested beside the code.

// `clippy.toml` allows it in tests; the helpers between them are tests as well.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::large_futures, reason = "one test runs at a time")]

#[path = "e2e/admin.rs"]
mod admin;
#[path = "e2e/authority.rs"]
mod authority;
#[path = "e2e/browser.rs"]
mod browser;
#[path = "e2e/canary.rs"]
mod canary;
#[path = "e2e/canary_sign_in.rs"]
mod canary_sign_in;
#[path = "e2e/canned.rs"]
mod canned;
#[path = "e2e/cashier.rs"]
mod cashier;
#[path = "e2e/child.rs"]
mod child;
#[path = "e2e/delivery.rs"]
mod delivery;
#[path = "e2e/feed.rs"]
mod feed;
#[path = "e2e/formats.rs"]
mod formats;
#[path = "e2e/gateway.rs"]
mod gateway;
#[path = "e2e/golden.rs"]
mod golden;
#[path = "e2e/hook.rs"]
mod hook;
#[path = "e2e/machines.rs"]
mod machines;
#[path = "e2e/members.rs"]
mod members;
#[path = "e2e/national.rs"]
mod national;
#[path = "e2e/payments.rs"]
mod payments;
#[path = "e2e/proofs.rs"]
mod proofs;
#[path = "e2e/proxy.rs"]
mod proxy;
#[path = "e2e/push.rs"]
mod push;
#[path = "e2e/queue.rs"]
mod queue;
#[path = "e2e/raw.rs"]
mod raw;
#[path = "e2e/reconcile.rs"]
mod reconcile;
#[path = "e2e/records.rs"]
mod records;
#[path = "e2e/restart.rs"]
mod restart;
#[path = "e2e/services.rs"]
mod services;
#[path = "e2e/sign_in.rs"]
mod sign_in;
#[path = "e2e/signer.rs"]
mod signer;
#[path = "e2e/stream.rs"]
mod stream;
#[path = "e2e/tellers.rs"]
mod tellers;
#[path = "e2e/tls.rs"]
mod tls;
#[path = "e2e/tokens.rs"]
mod tokens;
#[path = "e2e/wire.rs"]
mod wire;
