//! What ZaloPay's codes mean: `return_code` says how it went, `sub_return_code` why; one table for all calls.
//!
//! A code that is not in it means nothing. `-101` has had two meanings, "went back to the citizen" and "no such order". Where ZaloPay
//! has a name for the payment or the refund, only the first can be meant. Where it has none, both say of an order that there is no money
//! for it, and of a refund it decides nothing: to call it done may leave a citizen without his money, and nobody would look.

use lgsp_model::{RefundStanding, ReportStanding};

use crate::payment::members::Members;

/// `return_code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Processing,
    Failed(Why),
}

/// `sub_return_code`, or a `return_code` that says as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It says no more than that it failed.
    NotSaid,
    /// There is an order, or a refund, by that name already.
    Repeated,
    /// The order's time ran out, or the citizen gave up, or there was too little money.
    Ended,
    /// It knows nothing of the order, or not yet, or no more.
    NotFound,
    /// It knows no such order, or it sent the money back to the citizen by itself.
    NoMoney,
    /// It knows no such refund.
    RefundNotFound,
    /// The refund is on its way.
    RefundPending,
    /// It will not send money back: not paid, too late, too much, or no means of it.
    NotRefundable,
    /// It did not take the call: who we are, the form, the signature, the time.
    NotTaken,
    /// Too many calls, or maintenance: it was not looked at.
    Later,
    /// Something went wrong there.
    Broken,
    /// No documented code.
    Unlisted,
}

pub(super) fn outcome(told: &Members<'_>) -> Outcome {
    let code = told.or_empty("return_code");
    match code.as_str() {
        "1" => Outcome::Success,
        "3" => Outcome::Processing,
        "2" => Outcome::Failed(why(&told.or_empty("sub_return_code"))),
        // Errors of a call stand here in some answers.
        other => Outcome::Failed(match why(other) {
            Why::NotSaid => Why::Unlisted,
            why => why,
        }),
    }
}

pub(super) fn why(code: &str) -> Why {
    match code {
        "" | "0" | "1" | "2" => Why::NotSaid,
        "-68" | "-23" => Why::Repeated,
        "-54" | "-63" | "-322" | "-329" => Why::Ended,
        "-49" => Why::NotFound,
        "-101" => Why::NoMoney,
        "-8" | "-21" => Why::RefundNotFound,
        "-1" => Why::RefundPending,
        "-2" | "-4" | "-5" | "-6" | "-9" | "-11" | "-13" | "-14" | "-18" | "-22" | "-28" | "-102" => Why::NotRefundable,
        "-3" | "-10" | "-12" | "-24" | "-25" | "-26" | "-27" | "-53" | "-92" | "-401" | "-402" | "-403" | "-405"
        | "406" => Why::NotTaken,
        "-32" | "-33" | "-34" | "-35" | "-43" | "-88" | "-135" | "-429" | "-999" => Why::Later,
        "-15" | "-16" | "-17" | "-19" | "-20" | "-29" | "-30" | "-31" | "-301" | "-500" => Why::Broken,
        _ => Why::Unlisted,
    }
}

/// What is said of a call: where it stands, or that the call itself came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<T> {
    Standing(T),
    /// Ask, or send, again later.
    Later,
    /// The call is wrong.
    Refused,
    /// Nobody can say what it did.
    Unknown,
}

impl Outcome {
    /// Of a question about an order; `named`: the answer has ZaloPay's name of its payment.
    pub(super) fn order(self, named: bool) -> Said<ReportStanding> {
        Said::Standing(match self {
            Self::Success => ReportStanding::Paid,
            Self::Processing => ReportStanding::Pending,
            Self::Failed(why) => match why {
                Why::NotSaid | Why::Ended => ReportStanding::Failed,
                Why::NoMoney if named => ReportStanding::Refunded,
                Why::NotFound | Why::NoMoney => ReportStanding::NotFound,
                Why::Later | Why::Broken => return Said::Later,
                Why::NotTaken => return Said::Refused,
                Why::Repeated | Why::RefundNotFound | Why::RefundPending | Why::NotRefundable | Why::Unlisted => {
                    ReportStanding::Unclear
                }
            },
        })
    }

    /// Of sending money back: refused only when certainly nothing goes back.
    pub(super) fn refund(self) -> Said<RefundStanding> {
        Said::Standing(match self {
            Self::Success => RefundStanding::Done,
            Self::Processing => RefundStanding::Pending,
            Self::Failed(why) => match why {
                // It is the payment that is not found here.
                Why::NotSaid
                | Why::Ended
                | Why::NotFound
                | Why::RefundNotFound
                | Why::NotRefundable
                | Why::NotTaken => RefundStanding::Refused,
                Why::Repeated | Why::RefundPending => RefundStanding::Pending,
                Why::Later => return Said::Later,
                Why::Broken | Why::NoMoney | Why::Unlisted => return Said::Unknown,
            },
        })
    }

    /// Of a question about a refund; `named`: ZaloPay's name of it is known, from this answer or an earlier one.
    pub(super) fn asked_refund(self, named: bool) -> Said<RefundStanding> {
        Said::Standing(match self {
            Self::Success => RefundStanding::Done,
            Self::Processing => RefundStanding::Pending,
            Self::Failed(why) => match why {
                Why::NotSaid | Why::NotRefundable => RefundStanding::Refused,
                Why::NoMoney if named => RefundStanding::Done,
                Why::NotFound | Why::RefundNotFound => RefundStanding::NotFound,
                Why::RefundPending | Why::Repeated | Why::Ended | Why::NoMoney | Why::Unlisted => {
                    RefundStanding::Pending
                }
                Why::Later | Why::Broken => return Said::Later,
                Why::NotTaken => return Said::Refused,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, sub: &str) -> Outcome {
        let text = format!(r#"{{"return_code":{code},"sub_return_code":{sub}}}"#);
        outcome(&Members::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn every_documented_code_has_a_meaning_of_an_order() {
        use ReportStanding::{Failed, NotFound, Paid, Pending, Refunded, Unclear};
        for (code, sub, said) in [
            ("1", "1", Said::Standing(Paid)),
            ("3", "1", Said::Standing(Pending)),
            ("2", "0", Said::Standing(Failed)),
            ("2", "-54", Said::Standing(Failed)),
            ("2", "-322", Said::Standing(Failed)),
            ("2", "-329", Said::Standing(Failed)),
            ("2", "-49", Said::Standing(NotFound)),
            ("2", "-68", Said::Standing(Unclear)),
            ("2", "-101", Said::Standing(NotFound)),
            ("2", "-12345", Said::Standing(Unclear)),
            ("7", "1", Said::Standing(Unclear)),
            ("0", "0", Said::Standing(Unclear)),
            ("2", "-401", Said::Refused),
            ("2", "-402", Said::Refused),
            ("2", "-403", Said::Refused),
            ("2", "-405", Said::Refused),
            ("-403", "0", Said::Refused),
            ("2", "-429", Said::Later),
            ("2", "-500", Said::Later),
            ("-500", "0", Said::Later),
            ("2", "-33", Said::Later),
        ] {
            assert_eq!(of(code, sub).order(false), said, "{code}/{sub}");
            let named = if sub == "-101" { Said::Standing(Refunded) } else { said };
            assert_eq!(of(code, sub).order(true), named, "{code}/{sub}");
        }
    }

    #[test]
    fn every_documented_code_has_a_meaning_of_a_refund() {
        use RefundStanding::{Done, NotFound, Pending, Refused};
        for (code, sub, sent, asked) in [
            ("1", "1", Said::Standing(Done), Said::Standing(Done)),
            ("1", "-101", Said::Standing(Done), Said::Standing(Done)),
            ("3", "1", Said::Standing(Pending), Said::Standing(Pending)),
            ("2", "0", Said::Standing(Refused), Said::Standing(Refused)),
            ("2", "-13", Said::Standing(Refused), Said::Standing(Refused)),
            ("2", "-14", Said::Standing(Refused), Said::Standing(Refused)),
            ("2", "-23", Said::Standing(Pending), Said::Standing(Pending)),
            ("2", "-1", Said::Standing(Pending), Said::Standing(Pending)),
            ("2", "-21", Said::Standing(Refused), Said::Standing(NotFound)),
            ("2", "-403", Said::Standing(Refused), Said::Refused),
            ("2", "-429", Said::Later, Said::Later),
            ("2", "-500", Said::Unknown, Said::Later),
            ("2", "-101", Said::Unknown, Said::Standing(Pending)),
            ("2", "-12345", Said::Unknown, Said::Standing(Pending)),
        ] {
            assert_eq!((of(code, sub).refund(), of(code, sub).asked_refund(false)), (sent, asked), "{code}/{sub}");
            let named = if (code, sub) == ("2", "-101") { Said::Standing(Done) } else { asked };
            assert_eq!(of(code, sub).asked_refund(true), named, "{code}/{sub}");
        }
    }
}
