//! Metrics of payments.

use lgsp_connect::CallbackVerdict;
use lgsp_model::PaymentState;
use prometheus::{IntCounterVec, IntGaugeVec};

use super::metrics::Maker;

/// What is counted of payments.
pub(crate) struct PaymentMetrics {
    states: IntCounterVec,
    callbacks: IntCounterVec,
    flagged: IntCounterVec,
    waiting: IntGaugeVec,
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
            waiting: make.gauges(
                "lgsp_payments_waiting",
                "Payments without an end, by state, and those that a person should look at; at most 1000 of each.",
                &["what"],
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

    /// What waits now, a word for each payment.
    pub(crate) fn waiting<'a>(&self, words: impl Iterator<Item = &'a str>) {
        let words: Vec<&str> = words.collect();
        let states = PaymentState::ALL.iter().map(|state| state.as_str());
        for what in states.chain(["needs_a_person"]) {
            let count = words.iter().filter(|word| **word == what).count();
            self.waiting.with_label_values(&[what]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// A callback was answered.
    pub(crate) fn callback(&self, provider: &str, verdict: CallbackVerdict) {
        self.callbacks.with_label_values(&[provider, crate::payments::verdict_word(verdict)]).inc();
    }
}
