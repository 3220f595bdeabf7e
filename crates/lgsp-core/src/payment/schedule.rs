//! When a payment is looked at again. The pause grows with how long it has stood as it does, so that no count has to be kept.

use std::time::Duration;

use lgsp_model::{PaymentState, Timestamp};

use super::Payment;

/// The shortest pause: a citizen who just paid looks at his screen.
const SHORTEST: Duration = Duration::from_secs(10);

/// The longest while somebody waits.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What is open for longer than this is asked about seldom; an operator has been told long since.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);

/// How often then.
const SELDOM: Duration = Duration::from_secs(6 * 3600);

/// Money may come after the end, by a bank that was slow. After this only a day's reconciliation finds it.
const WATCHED_AFTER_END: Duration = Duration::from_secs(24 * 3600);

/// How soon an attempt is repeated that could not be made.
pub const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(15);

/// When to look at it next; `None`: there is nothing to find out by looking.
#[must_use]
pub fn next_look(payment: &Payment, now: Timestamp) -> Option<Timestamp> {
    let stood = Duration::from_millis(u64::try_from(now.0 - payment.changed_at.0).unwrap_or(0));
    let pause = (stood / 2).clamp(SHORTEST, LONGEST);
    let after = |pause: Duration| now.plus_millis(millis(pause));
    match payment.state {
        PaymentState::Created if !payment.sent => Some(payment.expires_at.max(now)),
        PaymentState::Created | PaymentState::Pending if now < payment.expires_at => {
            Some(after(pause).min(payment.expires_at.plus_millis(1)))
        }
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown | PaymentState::RefundPending => {
            Some(after(if stood > PATIENCE { SELDOM } else { pause }))
        }
        PaymentState::Expired if payment.sent && stood < WATCHED_AFTER_END => Some(after(pause.max(stood))),
        PaymentState::Expired
        | PaymentState::Paid
        | PaymentState::Failed
        | PaymentState::Refunded
        | PaymentState::PartlyRefunded => None,
    }
}

fn millis(pause: Duration) -> i64 {
    i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)
}
