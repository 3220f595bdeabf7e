//! Every metric of the program, by the names that dashboards and alerts rely on. Labels are bounded: never a dossier,
//! never a raw path.

use std::time::Duration;

use super::identity::IdentityMetrics;
use super::payments::PaymentMetrics;
use super::reconciliations::ReconciliationMetrics;
use super::upstreams::UpstreamMetrics;
use lgsp_model::{EventKind, Timestamp};
use lgsp_store::CommitObserver;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

use crate::server::CertificateEnd;

/// The registry and its metrics.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_duration: HistogramVec,
    events: IntCounterVec,
    pub(super) identity: IdentityMetrics,
    pub(super) reconciliations: ReconciliationMetrics,
    commit_seconds: Histogram,
    commit_batch: Histogram,
    commit_failures: IntCounter,
    /// The newest committed position.
    pub(crate) log_seq: IntGauge,
    /// Events between a target's position and the head.
    pub(crate) target_lag_events: IntGaugeVec,
    /// Age of the oldest event that a target has not got.
    pub(crate) target_lag_seconds: GaugeVec,
    /// Events by how their delivery ended.
    pub(crate) deliveries: IntCounterVec,
    /// From accepting an event to a target having it.
    pub(crate) accept_to_delivered: HistogramVec,
    /// How long one call to a target took.
    pub(crate) delivery_duration: HistogramVec,
    /// Events that a target has not taken, by state.
    pub(crate) parked: IntGaugeVec,
    /// Held events that nobody has decided about.
    pub(crate) held: IntGauge,
    /// 0 closed, 1 half open, 2 open.
    pub(crate) breaker_state: IntGaugeVec,
    observed: IntCounterVec,
    /// Of services.
    pub(crate) upstreams: UpstreamMetrics,
    /// Of payments.
    pub(crate) payments: PaymentMetrics,
    reload_success: IntGauge,
    reload_timestamp: Gauge,
    certificates: GaugeVec,
    member_last_push: GaugeVec,
    member_usual_interval: GaugeVec,
}

const REQUEST_BUCKETS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const COMMIT_BUCKETS: &[f64] = &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0];
const BATCH_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

impl Metrics {
    /// All metrics at zero.
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let process = prometheus::process_collector::ProcessCollector::for_self();
        registry.register(Box::new(process)).expect("registered once");
        let make = Maker(&registry);
        let build_info = make.gauges("lgsp_build_info", "The version that runs.", &["version"]);
        build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let times = |name, help, label| make.histograms(name, help, &[label], REQUEST_BUCKETS);
        let of_member = |name, help| make.float_gauges(name, help, &["member"]);
        Self {
            requests: make.counters("lgsp_requests_total", "Requests answered.", &["route", "dialect", "status"]),
            request_duration: times("lgsp_request_duration_seconds", "From a request's head to its answer.", "route"),
            events: make.counters("lgsp_events_total", "Records received, by outcome.", &["kind", "outcome"]),
            identity: IdentityMetrics::new(&make),
            reconciliations: ReconciliationMetrics::new(&make),
            commit_seconds: make.histogram("lgsp_store_commit_seconds", "One commit, fsync included.", COMMIT_BUCKETS),
            commit_batch: make.histogram("lgsp_store_commit_batch", "Events in one commit.", BATCH_BUCKETS),
            commit_failures: make.counter("lgsp_store_commit_failures_total", "Commits that failed."),
            log_seq: make.gauge("lgsp_log_seq", "The newest committed position of the log."),
            target_lag_events: make.gauges("lgsp_target_lag_events", "Events not delivered yet.", &["target"]),
            target_lag_seconds: make.float_gauges("lgsp_target_lag_seconds", "Age of the oldest one.", &["target"]),
            deliveries: make.counters("lgsp_deliveries_total", "Deliveries, by outcome.", &["target", "outcome"]),
            accept_to_delivered: times(
                "lgsp_accept_to_delivered_seconds",
                "From accepting an event to a target having it.",
                "target",
            ),
            delivery_duration: times("lgsp_delivery_duration_seconds", "One call to a target.", "target"),
            parked: make.gauges("lgsp_parked", "Events a target has not taken, by state.", &["target", "state"]),
            held: make.gauge("lgsp_held", "Events held until an operator decides."),
            breaker_state: make.gauges("lgsp_breaker_state", "0 closed, 1 half open, 2 open.", &["target"]),
            upstreams: UpstreamMetrics::new(&make),
            payments: PaymentMetrics::new(&make),
            observed: make.counters(
                "lgsp_contract_observed_total",
                "Places of messages that broke a contract which only observes.",
                &["service", "operation", "side"],
            ),
            reload_success: make.gauge("lgsp_config_reload_success", "1 when the last reload was taken over."),
            reload_timestamp: make
                .float_gauge("lgsp_config_reload_timestamp_seconds", "When the configuration was last taken over."),
            // It has no values, and so does not show, until a listener has a certificate.
            certificates: make.float_gauges("lgsp_certificate_not_after_seconds", "A certificate's end.", &["name"]),
            member_last_push: of_member("lgsp_member_last_push_timestamp_seconds", "When a member last pushed."),
            member_usual_interval: of_member("lgsp_member_usual_push_interval_seconds", "How often it usually pushes."),
            registry,
        }
    }

    /// Counts one answered request.
    pub(crate) fn request(&self, route: &str, dialect: &str, status: u16, took: Duration) {
        let mut digits = [0u8; 3];
        let status = three_digits(status, &mut digits);
        self.requests.with_label_values(&[route, dialect, status]).inc();
        self.request_duration.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Counts what a contract only observes.
    pub(crate) fn observed(&self, service: &str, operation: &str, side: &str, places: usize) {
        self.observed.with_label_values(&[service, operation, side]).inc_by(places as u64);
    }

    /// Counts records by what became of them.
    pub(crate) fn events(&self, kind: EventKind, outcome: &str, count: u64) {
        self.events.with_label_values(&[kind.as_str(), outcome]).inc_by(count);
    }

    /// Notes that a member pushed.
    pub(crate) fn pushed(&self, member: &str, at: Timestamp) {
        self.member_last_push.with_label_values(&[member]).set(seconds(at));
    }

    /// Says how often a member usually pushes; without a figure it is not watched.
    pub(crate) fn watch_member(&self, member: &str, interval: Option<Duration>) {
        match interval {
            Some(interval) => self.member_usual_interval.with_label_values(&[member]).set(interval.as_secs_f64()),
            None => drop(self.member_usual_interval.remove_label_values(&[member])),
        }
    }

    /// Shows when certificates end, and forgets those that are not there any more. Of several with one name the first to
    /// end counts.
    pub(crate) fn certificates(&self, ends: &[CertificateEnd]) {
        self.certificates.reset();
        for end in ends {
            let first = ends.iter().filter(|other| other.name == end.name).map(|other| other.at).min();
            self.certificates.with_label_values(&[&end.name]).set(first.unwrap_or(end.at) as f64);
        }
    }

    /// Notes how a reload went.
    pub(crate) fn reloaded(&self, good: bool, at: Timestamp) {
        self.reload_success.set(i64::from(good));
        if good {
            self.reload_timestamp.set(seconds(at));
        }
    }

    /// The text that Prometheus scrapes.
    pub(crate) fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).expect("metrics encode into memory");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl CommitObserver for Metrics {
    fn committed(&self, events: usize, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
        self.commit_batch.observe(events as f64);
    }

    fn failed(&self) {
        self.commit_failures.inc();
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
}

fn three_digits(status: u16, digits: &mut [u8; 3]) -> &str {
    for (place, divisor) in digits.iter_mut().zip([100, 10, 1]) {
        *place = b'0' + (status / divisor % 10) as u8;
    }
    std::str::from_utf8(digits).expect("digits are ASCII")
}

/// Makes and registers; a failure would be a wrong name or help in this file.
pub(super) struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn add<C: prometheus::core::Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let made = made.expect("names and labels are well-formed");
        self.0.register(Box::new(made.clone())).expect("each name is registered once");
        made
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(name, help))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(name, help))
    }

    fn float_gauge(&self, name: &str, help: &str) -> Gauge {
        self.add(Gauge::new(name, help))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.add(GaugeVec::new(Opts::new(name, help), labels))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.add(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
    }
}
