//! Metrics of payments' reconciliations.

use lgsp_model::Timestamp;
use prometheus::{GaugeVec, IntGaugeVec};

use super::metrics::{Maker, Metrics};

pub(super) struct ReconciliationMetrics {
    differences: IntGaugeVec,
    last: GaugeVec,
}

impl ReconciliationMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let provider = &["provider"];
        Self {
            differences: make.gauges(
                "lgsp_reconciliation_differences",
                "Lines on which a provider's account and ours differ, by the newest reconciliation of each of the last 31 days.",
                provider,
            ),
            last: make.float_gauges(
                "lgsp_reconciliation_timestamp_seconds",
                "When payments were last reconciled with a provider; 0: not within 31 days.",
                provider,
            ),
        }
    }
}

impl Metrics {
    /// Shows how a provider's reconciliations stand.
    pub(crate) fn reconciled(&self, provider: &str, differing: u64, last: Option<Timestamp>) {
        let differing = i64::try_from(differing).unwrap_or(i64::MAX);
        self.reconciliations.differences.with_label_values(&[provider]).set(differing);
        let last = last.map_or(0.0, |last| last.0 as f64 / 1000.0);
        self.reconciliations.last.with_label_values(&[provider]).set(last);
    }

    /// Shows no provider any more, before those of a new configuration are shown.
    pub(crate) fn forget_reconciliations(&self) {
        self.reconciliations.differences.reset();
        self.reconciliations.last.reset();
    }
}
