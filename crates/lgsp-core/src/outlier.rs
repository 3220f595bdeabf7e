//! Which endpoints of a service are left out for a while: those that failed several times in a row.
//!
//! It chooses no endpoint (`balance.rs`) and makes no call; active probes report here what they found.

use lgsp_model::Timestamp;

use crate::Backoff;

/// When an endpoint is ejected and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutlierPolicy {
    /// Failures in a row that eject it.
    pub consecutive: u32,
    /// How long: longer with each ejection that follows soon after the one before.
    pub ejection: Backoff,
    /// At most this share of the endpoints is ejected at a time, 0 to 1, rounded down.
    pub share: f64,
    /// Good probes in a row that bring it back before its time.
    pub probes: u32,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The endpoint answered well.
    Well,
    /// It did not.
    Badly,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    In { failures: u32, since: Timestamp },
    Out { until: Timestamp, good_probes: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Endpoint {
    place: Place,
    /// Ejections that followed each other soon.
    times: u32,
}

/// The endpoints of one service, by index.
#[derive(Clone, Debug)]
pub struct Outliers {
    policy: OutlierPolicy,
    endpoints: Vec<Endpoint>,
}

impl Outliers {
    /// `endpoints` endpoints, all of them in.
    pub fn new(policy: OutlierPolicy, endpoints: usize) -> Self {
        let fresh = Endpoint { place: Place::In { failures: 0, since: Timestamp(i64::MIN) }, times: 0 };
        Self { policy, endpoints: vec![fresh; endpoints] }
    }

    /// Whether an endpoint is left out.
    pub fn is_ejected(&self, index: usize) -> bool {
        matches!(self.endpoints[index].place, Place::Out { .. })
    }

    /// Whether nothing would change by a [`success`](Self::success) of any endpoint or by time: callers on a busy path
    /// may then skip both.
    pub fn is_quiet(&self) -> bool {
        self.endpoints.iter().all(|endpoint| matches!(endpoint.place, Place::In { failures: 0, .. }))
    }

    /// An endpoint answered a call.
    pub fn success(&mut self, index: usize) {
        if let Place::In { failures, .. } = &mut self.endpoints[index].place {
            *failures = 0;
        }
    }

    /// An endpoint could not be reached, broke off, or said that what stands behind it is gone. Chance (0 to 1)
    /// shortens the ejection by its spread.
    pub fn failure(&mut self, index: usize, now: Timestamp, jitter: f64) {
        let room = self.ejected() < self.most_ejected();
        let policy = self.policy;
        let endpoint = &mut self.endpoints[index];
        let Place::In { failures, since } = &mut endpoint.place else { return };
        *failures = failures.saturating_add(1);
        if *failures < policy.consecutive.max(1) || !room {
            return;
        }
        // In for longer than its last ejection: the trouble of then is over, this is another one.
        let last = policy.ejection.delay_millis(endpoint.times, 0.0);
        endpoint.times = if now > since.plus_millis(last) { 1 } else { endpoint.times.saturating_add(1) };
        let until = now.plus_millis(policy.ejection.delay_millis(endpoint.times, jitter));
        endpoint.place = Place::Out { until, good_probes: 0 };
    }

    /// A probe came back.
    pub fn probed(&mut self, index: usize, probed: Probed, now: Timestamp, jitter: f64) {
        let policy = self.policy;
        match (&mut self.endpoints[index].place, probed) {
            (Place::In { .. }, Probed::Well) => self.success(index),
            (Place::In { .. }, Probed::Badly) => self.failure(index, now, jitter),
            (Place::Out { good_probes, .. }, Probed::Well) => {
                *good_probes += 1;
                if *good_probes >= policy.probes.max(1) {
                    self.endpoints[index].place = Place::In { failures: 0, since: now };
                }
            }
            (Place::Out { until, good_probes }, Probed::Badly) => {
                *good_probes = 0;
                // It does not come back by time alone while probes say that it is down.
                *until = (*until).max(now.plus_millis(policy.ejection.delay_millis(1, 0.0)));
            }
        }
    }

    /// Lets those back in whose time is over.
    pub fn readmit(&mut self, now: Timestamp) {
        for endpoint in &mut self.endpoints {
            if let Place::Out { until, .. } = endpoint.place
                && until <= now
            {
                endpoint.place = Place::In { failures: 0, since: now };
            }
        }
    }

    fn ejected(&self) -> usize {
        (0..self.endpoints.len()).filter(|index| self.is_ejected(*index)).count()
    }

    fn most_ejected(&self) -> usize {
        (self.endpoints.len() as f64 * self.policy.share.clamp(0.0, 1.0)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const POLICY: OutlierPolicy = OutlierPolicy {
        consecutive: 3,
        ejection: Backoff { first: Duration::from_secs(1), max: Duration::from_secs(4), spread: 0.0 },
        share: 0.5,
        probes: 2,
    };

    fn fail(outliers: &mut Outliers, index: usize, times: u32, now: i64) {
        (0..times).for_each(|_| outliers.failure(index, Timestamp(now), 0.0));
    }

    #[test]
    fn failures_in_a_row_eject_and_a_success_between_starts_the_count_again() {
        let mut outliers = Outliers::new(POLICY, 2);
        fail(&mut outliers, 0, 2, 0);
        assert!(!outliers.is_quiet());
        outliers.success(0);
        fail(&mut outliers, 0, 2, 0);
        assert!(!outliers.is_ejected(0));
        fail(&mut outliers, 0, 1, 0);
        assert!(outliers.is_ejected(0) && !outliers.is_ejected(1));
    }

    #[test]
    fn each_ejection_that_follows_soon_is_longer_up_to_the_longest() {
        let mut outliers = Outliers::new(POLICY, 2);
        let mut now = 0;
        for wait in [1000, 2000, 4000, 4000] {
            fail(&mut outliers, 0, 3, now);
            outliers.readmit(Timestamp(now + wait - 1));
            assert!(outliers.is_ejected(0), "{wait}");
            outliers.readmit(Timestamp(now + wait));
            assert!(!outliers.is_ejected(0), "{wait}");
            now += wait;
        }
        now += 4001;
        fail(&mut outliers, 0, 3, now);
        outliers.readmit(Timestamp(now + 1000));
        assert!(!outliers.is_ejected(0), "after a long good time the first ejection is short again");
    }

    #[test]
    fn a_single_endpoint_is_never_ejected() {
        let mut outliers = Outliers::new(POLICY, 1);
        fail(&mut outliers, 0, 50, 0);
        assert!(!outliers.is_ejected(0));
    }

    #[test]
    fn good_probes_in_a_row_bring_it_back_and_bad_ones_keep_it_out() {
        let mut outliers = Outliers::new(POLICY, 2);
        fail(&mut outliers, 0, 3, 0);
        let mut probe = |probed, now| {
            outliers.probed(0, probed, Timestamp(now), 0.0);
            outliers.readmit(Timestamp(now));
            outliers.is_ejected(0)
        };
        assert!(probe(Probed::Badly, 900), "bad");
        assert!(probe(Probed::Well, 1000), "its time of ejection would be over, but the probe was bad");
        assert!(probe(Probed::Badly, 1100), "bad again");
        assert!(probe(Probed::Well, 1200), "one good probe is not enough");
        assert!(!probe(Probed::Well, 1300), "two are");
    }

    proptest! {
        #[test]
        fn never_more_than_the_share_is_out_and_time_brings_all_back(
            endpoints in 1..8usize, share in 0.0..1.0f64,
            steps in prop::collection::vec((0..8usize, 0..4u8, 0..500i64), 1..300)
        ) {
            let mut outliers = Outliers::new(OutlierPolicy { share, ..POLICY }, endpoints);
            let mut now = 0;
            for (index, what, step) in steps {
                now += step;
                let index = index % endpoints;
                match what {
                    0 => outliers.success(index),
                    1 => outliers.probed(index, Probed::Well, Timestamp(now), 0.5),
                    2 => outliers.probed(index, Probed::Badly, Timestamp(now), 0.5),
                    _ => outliers.failure(index, Timestamp(now), 0.5),
                }
                outliers.readmit(Timestamp(now));
                prop_assert!(outliers.ejected() as f64 <= endpoints as f64 * share);
            }
            outliers.readmit(Timestamp(now + 4000));
            prop_assert_eq!(outliers.ejected(), 0);
        }
    }
}
