//! How one delivery ended. Four values, because "no answer" is neither success nor failure (DESIGN 6).

use std::time::Duration;

/// What a target did with one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it.
    Settled,
    /// The target looked at it and said no; sending the same again changes nothing.
    Refused(Cause),
    /// It was certainly not taken; it may be sent again, not before `after` when that is given.
    Deferred {
        /// Why it was not taken.
        cause: Cause,
        /// The pause that the target asked for (`Retry-After`).
        after: Option<Duration>,
    },
    /// The request left and no readable answer came: the effect is unknown and must be asked for.
    Unknown(Cause),
}

/// Why a delivery did not settle: a stable short code, and the partner's own words cut to 500 characters.
/// Neither ever holds record values or secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A constant such as `timeout`, `http_502`, `refused`, `session`.
    pub code: String,
    /// One sentence for the operator.
    pub detail: String,
}
