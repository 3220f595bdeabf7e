//! Metrics of payments.

use lgsp_connect::CallbackVerdict;
use lgsp_model::PaymentState;
use prometheus::IntCounterVec;

use super::metrics::Maker;

/// What is counted of payments.
pub(crate) struct PaymentMetrics {
    states: IntCounterVec,
    callbacks: IntCounterVec,
    flagged: IntCounterVec,
}

impl PaymentMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        Self {
            states: make.counters("lgsp_payments_total", "Payments that came to a state.", &["provider", "state"]),
            callbacks: make.counters(
                "lgsp_payment_callbacks_total",
                "Callbacks of payment providers, by what became of them.",
                &["provider", "verdict"],
            ),
            flagged: make.counters(
                "lgsp_payments_flagged_total",
                "Payments that a person should look at, by why.",
                &["provider", "flag"],
            ),
        }
    }

    /// A payment came to a state.
    pub(crate) fn changed(&self, provider: &str, state: PaymentState) {
        self.states.with_label_values(&[provider, state.as_str()]).inc();
    }

    /// A payment was flagged.
    pub(crate) fn flagged(&self, provider: &str, flag: &str) {
        self.flagged.with_label_values(&[provider, flag]).inc();
    }

    /// A callback was answered.
    pub(crate) fn callback(&self, provider: &str, verdict: CallbackVerdict) {
        self.callbacks.with_label_values(&[provider, crate::payments::word(verdict)]).inc();
    }
}
