//! Who may go on now: rate, calls at once and daily quota, for each member at each service. Counts live in this process:
//! they start anew with it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use hyper::header::{HeaderMap, HeaderValue};
use lgsp_contract::ServiceLimits;
use lgsp_core::{DailyQuota, Gcra, QuotaVerdict, Verdict};
use lgsp_model::{ErrorCode, MemberId, Timestamp};

use crate::failure::Failure;

/// Limits of one service, and what its members have used of them.
pub(crate) struct Admission {
    limits: ServiceLimits,
    rate: Option<(Gcra, u32, Duration)>,
    quota: Option<DailyQuota>,
    concurrency: u32,
    start: Instant,
    /// One entry for each member that ever called; members are as many as the configuration has.
    used: RwLock<HashMap<MemberId, Arc<Used>>>,
}

#[derive(Default)]
struct Used {
    arrival: AtomicU64,
    today: AtomicU64,
    in_flight: AtomicU32,
}

/// A place among a member's calls; dropping it makes room.
pub(crate) struct Place {
    used: Arc<Used>,
    standing: Option<RateStanding>,
}

/// What a call found of its member's rate.
#[derive(Clone, Copy)]
pub(crate) struct Standing(Option<RateStanding>);

/// What the `RateLimit` headers say.
#[derive(Clone, Copy)]
struct RateStanding {
    limit: u32,
    window: u64,
    remaining: u32,
    reset: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.used.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    pub(crate) fn new(limits: &ServiceLimits) -> Self {
        let burst = NonZeroU32::new(limits.burst).unwrap_or(NonZeroU32::MIN);
        let gcra = |(calls, period): (u32, Duration)| {
            let calls = NonZeroU32::new(calls).unwrap_or(NonZeroU32::MIN);
            (Gcra::new(calls, period, burst), burst.get(), period)
        };
        Self {
            limits: *limits,
            rate: limits.rate.map(gcra),
            quota: limits.quota.map(DailyQuota::new),
            concurrency: limits.concurrency,
            start: Instant::now(),
            used: RwLock::default(),
        }
    }

    /// What it was made from.
    pub(crate) fn limits(&self) -> &ServiceLimits {
        &self.limits
    }

    /// A place for one call of a member, or why not.
    pub(crate) fn enter(&self, member: &MemberId, now: Timestamp) -> Result<Place, Failure> {
        let used = self.used_by(member);
        if used.in_flight.fetch_add(1, Ordering::Relaxed) >= self.concurrency {
            used.in_flight.fetch_sub(1, Ordering::Relaxed);
            let detail = format!("at most {} calls of this member at once", self.concurrency);
            return Err(Failure::retry(ErrorCode::RateLimited, detail, Duration::from_secs(1)));
        }
        let mut place = Place { used, standing: None };
        place.standing = self.check_rate(&place.used)?;
        self.check_quota(&place.used, now)?;
        Ok(place)
    }

    fn used_by(&self, member: &MemberId) -> Arc<Used> {
        if let Some(used) = self.used.read().expect("no panic while held").get(member) {
            return used.clone();
        }
        self.used.write().expect("no panic while held").entry(member.clone()).or_default().clone()
    }

    fn check_rate(&self, used: &Used) -> Result<Option<RateStanding>, Failure> {
        let Some((gcra, limit, _)) = &self.rate else { return Ok(None) };
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut seen = used.arrival.load(Ordering::Relaxed);
        loop {
            match gcra.check(seen, now) {
                Verdict::Allowed { tat, remaining, reset_after } => {
                    match used.arrival.compare_exchange_weak(seen, tat, Ordering::Relaxed, Ordering::Relaxed) {
                        Ok(_) => {
                            let window = gcra.window().as_secs().max(1);
                            let reset = reset_after.as_secs();
                            return Ok(Some(RateStanding { limit: *limit, window, remaining, reset }));
                        }
                        Err(other) => seen = other,
                    }
                }
                Verdict::Refused { retry_after, .. } => {
                    let detail = "the rate agreed for this service is used up";
                    return Err(Failure::retry(ErrorCode::RateLimited, detail, round_up(retry_after)));
                }
            }
        }
    }

    fn check_quota(&self, used: &Used, now: Timestamp) -> Result<(), Failure> {
        let Some(quota) = &self.quota else { return Ok(()) };
        let mut seen = used.today.load(Ordering::Relaxed);
        loop {
            match quota.check(seen, now) {
                QuotaVerdict::Allowed { cell, .. } => {
                    match used.today.compare_exchange_weak(seen, cell, Ordering::Relaxed, Ordering::Relaxed) {
                        Ok(_) => return Ok(()),
                        Err(other) => seen = other,
                    }
                }
                QuotaVerdict::Refused { retry_after } => {
                    let detail = format!("the {} calls agreed for a day are used up", quota.limit());
                    return Err(Failure::retry(ErrorCode::QuotaUsedUp, detail, round_up(retry_after)));
                }
            }
        }
    }
}

/// Whole seconds, so that who waits them is not refused again.
fn round_up(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

impl Place {
    /// What is left of the rate.
    pub(crate) fn standing(&self) -> Standing {
        Standing(self.standing)
    }
}

impl Standing {
    /// Adds the `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers-09).
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let Some(RateStanding { limit, window, remaining, reset }) = self.0 else { return };
        let ascii = |text: String| HeaderValue::from_str(&text).expect("digits and names are visible ASCII");
        headers.insert("ratelimit-policy", ascii(format!("\"member\";q={limit};w={window}")));
        headers.insert("ratelimit", ascii(format!("\"member\";r={remaining};t={reset}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lgsp_model::ByteCount;

    fn limits() -> ServiceLimits {
        ServiceLimits {
            rate: None,
            burst: 2,
            concurrency: 10,
            body: ByteCount::mib(1),
            answer: ByteCount::mib(1),
            quota: None,
        }
    }

    fn member(id: &str) -> MemberId {
        id.parse().unwrap()
    }

    const NOON: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn a_member_has_so_many_calls_at_once_and_others_have_their_own() {
        let admission = Admission::new(&ServiceLimits { concurrency: 2, ..limits() });
        let first = admission.enter(&member("a"), NOON).ok();
        let _second = admission.enter(&member("a"), NOON).ok().unwrap();
        assert!(admission.enter(&member("a"), NOON).is_err());
        assert!(admission.enter(&member("b"), NOON).is_ok());
        drop(first);
        assert!(admission.enter(&member("a"), NOON).is_ok());
    }

    #[test]
    fn a_rate_lets_its_burst_through_and_says_when_to_come_back() {
        let admission = Admission::new(&ServiceLimits { rate: Some((1, Duration::from_secs(3600))), ..limits() });
        let place = admission.enter(&member("a"), NOON).ok().unwrap();
        let mut headers = HeaderMap::new();
        place.standing().tell(&mut headers);
        assert_eq!(headers["ratelimit"].to_str().unwrap().split(';').nth(1), Some("r=1"));
        assert!(admission.enter(&member("a"), NOON).is_ok());
        let refused = admission.enter(&member("a"), NOON).err().unwrap();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        assert!(refused.retry_after.unwrap() > Duration::from_secs(3500));
    }

    #[test]
    fn a_quota_ends_with_the_day() {
        let admission = Admission::new(&ServiceLimits { quota: Some(1), ..limits() });
        assert!(admission.enter(&member("a"), NOON).is_ok());
        assert_eq!(admission.enter(&member("a"), NOON).err().unwrap().code, ErrorCode::QuotaUsedUp);
        assert!(admission.enter(&member("a"), NOON.plus_millis(86_400_000)).is_ok());
    }
}
