//! What MoMo's result codes mean: one table for all calls.
//!
//! A code that is not in it means nothing.

use lgsp_model::{RefundStanding, ReportStanding};

/// A `resultCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is done.
    Done,
    /// The money is set aside; of a payment in one step it will be taken.
    Authorised,
    /// It waits for the citizen, who has done nothing yet.
    Waiting,
    /// It is being worked on, by MoMo or by a bank: the citizen has done his part, and money may be on its way.
    Processing,
    /// A request or an order by that name was sent before.
    Repeated,
    /// There is no such order.
    NotFound,
    /// Another call about the same order is being worked on.
    Conflict,
    /// It ended without money.
    Failed,
    /// Something that MoMo itself does not know; of a payment it is an end.
    Mishap,
    /// This try to send money back came to nothing; another one may be made within the hour, by another name.
    RefundFailed,
    /// The money went back already, or cannot.
    NotRefundable,
    /// MoMo is being maintained.
    Maintained,
    /// It did not take the call: who we are, the version, the form, an amount out of bounds.
    NotTaken,
    /// No documented code.
    Unlisted,
}

pub(super) fn meaning(code: &str) -> Meaning {
    match code {
        "0" => Meaning::Done,
        "9000" => Meaning::Authorised,
        "1000" => Meaning::Waiting,
        "7000" | "7002" | "8000" => Meaning::Processing,
        "40" | "41" => Meaning::Repeated,
        "42" => Meaning::NotFound,
        "43" => Meaning::Conflict,
        "98" | "1001" | "1002" | "1003" | "1004" | "1005" | "1006" | "1007" | "1017" | "1026" | "2019" | "4001"
        | "4002" | "4100" => Meaning::Failed,
        "99" => Meaning::Mishap,
        "1080" => Meaning::RefundFailed,
        "1081" | "1088" => Meaning::NotRefundable,
        "10" => Meaning::Maintained,
        "11" | "12" | "13" | "20" | "21" | "22" | "45" | "47" => Meaning::NotTaken,
        _ => Meaning::Unlisted,
    }
}

impl Meaning {
    /// Where an order stands of which this is said.
    pub(super) fn order(self) -> ReportStanding {
        match self {
            Self::Done | Self::Authorised => ReportStanding::Paid,
            Self::Waiting => ReportStanding::Pending,
            Self::Failed | Self::Mishap => ReportStanding::Failed,
            Self::NotFound => ReportStanding::NotFound,
            Self::Processing
            | Self::Repeated
            | Self::Conflict
            | Self::RefundFailed
            | Self::NotRefundable
            | Self::Maintained
            | Self::NotTaken
            | Self::Unlisted => ReportStanding::Unclear,
        }
    }

    /// Where a refund stands of which this is said. It is refused only when certainly nothing went back.
    pub(super) fn refund(self) -> RefundStanding {
        match self {
            Self::Done => RefundStanding::Done,
            Self::Failed | Self::RefundFailed | Self::NotRefundable => RefundStanding::Refused,
            Self::NotFound => RefundStanding::NotFound,
            Self::Authorised
            | Self::Waiting
            | Self::Processing
            | Self::Repeated
            | Self::Conflict
            | Self::Mishap
            | Self::Maintained
            | Self::NotTaken
            | Self::Unlisted => RefundStanding::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in MoMo's list of result codes.
    const LISTED: [&str; 37] = [
        "0", "10", "11", "12", "13", "20", "21", "22", "40", "41", "42", "43", "45", "47", "98", "99", "1000", "1001",
        "1002", "1003", "1004", "1005", "1006", "1007", "1017", "1026", "1080", "1081", "1088", "2019", "4001", "4002",
        "4100", "7000", "7002", "8000", "9000",
    ];

    #[test]
    fn every_documented_code_has_a_meaning_and_no_other_has_one() {
        for code in 0..10_000 {
            let code = code.to_string();
            assert_eq!(meaning(&code) != Meaning::Unlisted, LISTED.contains(&code.as_str()), "{code}");
        }
        for code in ["", "00", "-1", "0 ", "1e3"] {
            assert_eq!(meaning(code), Meaning::Unlisted, "{code}");
        }
    }

    #[test]
    fn an_order_is_paid_by_two_codes_and_ends_by_the_final_ones() {
        let by = |standing| LISTED.into_iter().filter(move |code| meaning(code).order() == standing);
        assert_eq!(by(ReportStanding::Paid).collect::<Vec<_>>(), ["0", "9000"]);
        assert_eq!(by(ReportStanding::Pending).collect::<Vec<_>>(), ["1000"]);
        assert!(["7000", "7002", "8000"].map(|code| meaning(code).order()) == [ReportStanding::Unclear; 3]);
        assert_eq!(by(ReportStanding::NotFound).collect::<Vec<_>>(), ["42"]);
        let failed = [
            "98", "99", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1017", "1026", "2019", "4001", "4002",
            "4100",
        ];
        assert_eq!(by(ReportStanding::Failed).collect::<Vec<_>>(), failed);
        assert_eq!(meaning("1234").order(), ReportStanding::Unclear);
    }

    #[test]
    fn a_refund_is_done_by_one_code_and_never_refused_by_what_is_not_certain() {
        let by = |standing| LISTED.into_iter().filter(move |code| meaning(code).refund() == standing);
        assert_eq!(by(RefundStanding::Done).collect::<Vec<_>>(), ["0"]);
        assert_eq!(by(RefundStanding::NotFound).collect::<Vec<_>>(), ["42"]);
        assert!(["99", "7000", "40", "1234"].map(|code| meaning(code).refund()) == [RefundStanding::Pending; 4]);
        assert!(["1080", "1081", "1088", "1001"].map(|code| meaning(code).refund()) == [RefundStanding::Refused; 4]);
    }
}
