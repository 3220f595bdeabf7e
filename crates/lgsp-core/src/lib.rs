//! Decisions as state machines: delivery to a target, the pause between attempts, the breaker, limits of callers, the
//! choice among the servers of a service, whose account a sign-in belongs to, what becomes of a payment, a provider's account of a
//! day beside ours.
//!
//! It does no I/O, reads no clock and draws no random number: time and jitter are arguments. It knows no wire format.

pub mod accounts;
mod backoff;
mod balance;
mod breaker;
pub mod delivery;
mod gcra;
mod outlier;
pub mod payment;
mod quota;
pub mod reconcile;
mod retry_budget;

pub use backoff::Backoff;
pub use balance::{Candidate, Standing, pick};
pub use breaker::{Breaker, BreakerPolicy, BreakerState, CallKind, Permit};
pub use gcra::{Gcra, Verdict};
pub use outlier::{OutlierPolicy, Outliers, Probed};
pub use quota::{DailyQuota, QuotaVerdict};
pub use retry_budget::{RetryBudget, RetryBudgetPolicy};
