//! Deliveries in the metrics of the program.

use std::time::Duration;

use lgsp_model::TargetId;

use super::{DeliveryMeter, OutcomeCounts};
use crate::telemetry::Metrics;

impl DeliveryMeter for Metrics {
    fn call_ended(&self, target: &TargetId, outcomes: OutcomeCounts, took: Duration) {
        let target = target.as_str();
        for (outcome, count) in [
            ("settled", outcomes.settled),
            ("refused", outcomes.refused),
            ("deferred", outcomes.deferred),
            ("unknown", outcomes.unknown),
        ] {
            if count > 0 {
                self.deliveries.with_label_values(&[target, outcome]).inc_by(count);
            }
        }
        self.delivery_duration.with_label_values(&[target]).observe(took.as_secs_f64());
    }

    fn delivered(&self, target: &TargetId, after: Duration) {
        self.accept_to_delivered.with_label_values(&[target.as_str()]).observe(after.as_secs_f64());
    }
}
