//! What operators see: metrics and log lines. Neither carries record values, identity numbers or secrets.

mod identity;
mod log;
mod metrics;
mod payments;
mod reconciliations;
mod upstreams;

pub(crate) use log::start_logging;
pub(crate) use metrics::Metrics;
