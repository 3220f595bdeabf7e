//! Decisions as state machines: delivery to a target, the pause between attempts, the breaker.
//!
//! It does no I/O, reads no clock and draws no random number: time and jitter are arguments. It knows no wire format.

mod backoff;
mod breaker;
pub mod delivery;

pub use backoff::Backoff;
pub use breaker::{Breaker, BreakerPolicy, BreakerState, CallKind, Permit};
