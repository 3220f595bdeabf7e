//! What VNPAY's codes mean: one table for callbacks, one for answers about an order, one for refunds.
//!
//! A code that is in none of them means nothing.

use lgsp_model::{RefundStanding, ReportStanding};

/// `vnp_ResponseCode` of a callback that says why a payment came to nothing: suspended service, wrong details three times, expired,
/// locked, wrong one-time password, cancelled, too little money, over the limit, bank out of order, wrong password too often, other.
const REASONS: &[&str] = &["09", "10", "11", "12", "13", "24", "51", "65", "75", "79", "99"];

/// What a callback says: `vnp_ResponseCode` and `vnp_TransactionStatus`.
pub(super) fn heard(response: &str, status: &str) -> ReportStanding {
    match (response, status) {
        ("00", "00") => ReportStanding::Paid,
        // Suspected of fraud: the money was taken and may go back.
        ("07", _) | (_, "07") => ReportStanding::Unclear,
        (_, "01") => ReportStanding::Pending,
        ("00", "02") => ReportStanding::Failed,
        (reason, "02") if REASONS.contains(&reason) => ReportStanding::Failed,
        _ => ReportStanding::Unclear,
    }
}

/// What an answer about an order is about: `vnp_TransactionType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Payment,
    FullRefund,
    PartialRefund,
}

impl About {
    pub(super) fn of(code: &str) -> Option<Self> {
        match code {
            // Left out of answers about a payment that was not finished.
            "01" | "" => Some(Self::Payment),
            "02" => Some(Self::FullRefund),
            "03" => Some(Self::PartialRefund),
            _ => None,
        }
    }
}

/// What a good answer says about an order by its `vnp_TransactionStatus`.
pub(super) fn asked(about: About, status: &str) -> ReportStanding {
    match (about, status) {
        (About::FullRefund, "00") => ReportStanding::Refunded,
        // Only what was paid can be on its way back, or be refused that.
        (About::FullRefund, "01" | "02" | "05" | "06" | "09") => ReportStanding::Paid,
        (About::PartialRefund, "00" | "01" | "02" | "05" | "06" | "09") => ReportStanding::Paid,
        (About::Payment, "00") => ReportStanding::Paid,
        (About::Payment, "01") => ReportStanding::Pending,
        (About::Payment, "02") => ReportStanding::Failed,
        // 04: taken at the bank and not successful; 07: suspected of fraud; the rest is not of payments.
        _ => ReportStanding::Unclear,
    }
}

/// What a good answer says about a refund by its `vnp_TransactionStatus`.
pub(super) fn refund(status: &str) -> RefundStanding {
    match status {
        "00" => RefundStanding::Done,
        "02" | "09" => RefundStanding::Refused,
        // 01, 05 and 06: on its way; of anything else nobody can say.
        _ => RefundStanding::Pending,
    }
}

/// What the API made of a call: `vnp_ResponseCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It did it.
    Good,
    /// There is no such order.
    NotFound,
    /// It has had a request by that name already.
    Repeated,
    /// The payment itself failed.
    NotPaid,
    /// It knows not who we are, or what we want.
    Refused,
    /// It is out of order.
    Broken,
    /// No documented code.
    Other,
}

pub(super) fn answer(code: &str) -> Answer {
    match code {
        "00" => Answer::Good,
        "02" | "03" | "97" => Answer::Refused,
        "91" => Answer::NotFound,
        "94" => Answer::Repeated,
        "95" => Answer::NotPaid,
        "99" => Answer::Broken,
        _ => Answer::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_needs_both_codes_to_be_a_payment() {
        use ReportStanding::{Failed, Paid, Pending, Unclear};
        for (response, status, standing) in [
            ("00", "00", Paid),
            ("00", "01", Pending),
            ("00", "02", Failed),
            ("00", "04", Unclear),
            ("00", "05", Unclear),
            ("00", "06", Unclear),
            ("00", "07", Unclear),
            ("00", "09", Unclear),
            ("07", "00", Unclear),
            ("07", "02", Unclear),
            ("09", "02", Failed),
            ("10", "02", Failed),
            ("11", "02", Failed),
            ("12", "02", Failed),
            ("13", "02", Failed),
            ("24", "02", Failed),
            ("51", "02", Failed),
            ("65", "02", Failed),
            ("75", "02", Failed),
            ("79", "02", Failed),
            ("99", "02", Failed),
            ("24", "00", Unclear),
            ("99", "00", Unclear),
            ("24", "01", Pending),
            ("24", "04", Unclear),
            ("42", "02", Unclear),
            ("00", "42", Unclear),
            ("", "", Unclear),
        ] {
            assert_eq!(heard(response, status), standing, "{response}/{status}");
        }
    }

    #[test]
    fn every_status_of_an_answer_has_a_meaning() {
        use ReportStanding::{Failed, Paid, Pending, Refunded, Unclear};
        let standings = [
            ("01", [Paid, Pending, Failed, Unclear, Unclear, Unclear, Unclear, Unclear, Unclear]),
            ("02", [Refunded, Paid, Paid, Unclear, Paid, Paid, Unclear, Paid, Unclear]),
            ("03", [Paid, Paid, Paid, Unclear, Paid, Paid, Unclear, Paid, Unclear]),
        ];
        for (kind, expected) in standings {
            let about = About::of(kind).unwrap();
            let found = ["00", "01", "02", "04", "05", "06", "07", "09", "42"].map(|status| asked(about, status));
            assert_eq!(found, expected, "{kind}");
        }
        assert_eq!(About::of("04"), None);
    }

    #[test]
    fn every_status_of_a_refund_has_a_meaning() {
        use RefundStanding::{Done, Pending, Refused};
        let found = ["00", "01", "02", "04", "05", "06", "07", "09", "42", ""].map(refund);
        let expected = [Done, Pending, Refused, Pending, Pending, Pending, Pending, Refused, Pending, Pending];
        assert_eq!(found, expected);
    }

    #[test]
    fn every_code_of_the_api_has_a_meaning() {
        let found = ["00", "02", "03", "91", "94", "95", "97", "99", "42", ""].map(answer);
        use Answer::{Broken, Good, NotFound, NotPaid, Other, Refused, Repeated};
        assert_eq!(found, [Good, Refused, Refused, NotFound, Repeated, NotPaid, Refused, Broken, Other, Other]);
    }
}
