//! Metrics of who proves what: callers, people who sign in, tokens, and ways that are kept for old clients.

use prometheus::IntCounterVec;

use super::metrics::{Maker, Metrics};

pub(super) struct IdentityMetrics {
    authentications: IntCounterVec,
    sign_ins: IntCounterVec,
    tokens_issued: IntCounterVec,
    legacy_calls: IntCounterVec,
}

impl IdentityMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        Self {
            authentications: make.counters("lgsp_authentications_total", "Proofs of callers.", &["kind", "outcome"]),
            sign_ins: make.counters(
                "lgsp_sign_ins_total",
                "People who signed in, or did not, by identity provider.",
                &["provider", "outcome"],
            ),
            tokens_issued: make.counters(
                "lgsp_tokens_issued_total",
                "Tokens issued, by grant and by how the client proved itself.",
                &["grant", "client_proof"],
            ),
            legacy_calls: make.counters(
                "lgsp_legacy_calls_total",
                "Calls in ways that are kept for old clients, by member.",
                &["member", "way"],
            ),
        }
    }
}

impl Metrics {
    /// Counts a proof of a caller: which kinds are still in use, and which fail.
    pub(crate) fn authentication(&self, kind: &str, outcome: &str) {
        self.identity.authentications.with_label_values(&[kind, outcome]).inc();
    }

    /// Counts a sign-in; the outcomes are few and the providers those of the configuration.
    pub(crate) fn sign_in(&self, provider: &str, outcome: &str) {
        self.identity.sign_ins.with_label_values(&[provider, outcome]).inc();
    }

    /// Counts a token by its grant, one of those that there are.
    pub(crate) fn token(&self, grant: &str, proof: &str) {
        let grant = grant.rsplit(':').next().unwrap_or_default();
        self.identity.tokens_issued.with_label_values(&[grant, proof]).inc();
    }

    /// Counts a call in a way that is kept for old clients: who still has to change.
    pub(crate) fn legacy_client(&self, member: &str, way: &str) {
        self.identity.legacy_calls.with_label_values(&[member, way]).inc();
    }
}
