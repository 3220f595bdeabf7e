//! The portal's faults during the demo: they come and go, one kind after the other, each of which a gateway must bear
//! without a person.

use std::time::Duration;

use lgsp_sandbox::{CodeForm, Fault, FaultRule, MessageForm, Portal};
use tokio::time::Instant;

/// How long a fault stands, and how long the calm after it lasts: short, so that also a small demo meets many.
const FAULT: Duration = Duration::from_millis(300);
const CALM: Duration = Duration::from_millis(150);

/// The faults in their order, with the words for the progress line.
fn forecast() -> [(&'static str, Vec<FaultRule>); 15] {
    let likely = |fault, probability| vec![FaultRule::with_probability(fault, probability)];
    let times = |fault, times| vec![FaultRule::times(fault, times)];
    let both = |one, other| vec![FaultRule::times(one, 1), FaultRule::times(other, 1)];
    let code = |form| vec![FaultRule::always(Fault::CodeForm { form })];
    let message = |form| vec![FaultRule::always(Fault::MessageForm { form })];
    [
        ("slow answers", likely(Fault::Slow { delay_ms: 80 }, 0.5)),
        ("answers lost after storing", times(Fault::ResetAfterStoring, 3)),
        ("code as a number", code(CodeForm::Integer)),
        ("502", likely(Fault::BadGateway, 0.4)),
        ("sessions expire", times(Fault::SessionsExpire, 2)),
        ("message is JSON in a text", message(MessageForm::JsonInText)),
        ("a record of a batch refused once", times(Fault::RefuseNth { nth: 2 }, 2)),
        ("code \"00\"", code(CodeForm::DoubleZero)),
        ("connections cut before storing", times(Fault::ResetBeforeStoring, 2)),
        ("503", times(Fault::Unavailable { retry_after_s: 1 }, 1)),
        ("message is an object", message(MessageForm::Object)),
        ("a failure under code 0", times(Fault::FailureUnderZero, 2)),
        ("success without a code", code(CodeForm::OnlyText)),
        ("silence after storing", times(Fault::SilenceAfterStoring { hold_ms: 700 }, 1)),
        ("logins refused", both(Fault::SessionsExpire, Fault::WrongCredentials)),
    ]
}

/// How long it takes until every fault has stood once.
pub(crate) fn one_pass() -> Duration {
    (FAULT + CALM) * forecast().len() as u32
}

/// Makes weather until it is dropped; the caller clears the sky afterwards.
pub(crate) async fn change(portal: Portal, tell: impl Fn(Option<&'static str>)) {
    for (name, rules) in forecast().into_iter().cycle() {
        for rule in rules {
            portal.add_fault(rule).expect("the forecast's faults are well formed, and few stand at a time");
        }
        tell(Some(name));
        tokio::time::sleep(FAULT).await;
        portal.clear_faults();
        tell(None);
        tokio::time::sleep(CALM).await;
    }
}

/// Spreads the beginnings of lives over one pass of the weather, so that a small demo meets every fault, and a large
/// one runs as fast as it can.
pub(crate) struct Pace {
    started: Instant,
    between: Duration,
}

impl Pace {
    pub(crate) fn of(count: u64) -> Self {
        let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        Self { started: Instant::now(), between: one_pass() / count }
    }

    /// Waits until the life with this number may begin.
    pub(crate) async fn wait_for(&self, number: u64) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        tokio::time::sleep_until(self.started + self.between.saturating_mul(number)).await;
    }
}
