//! The ten statuses of a dossier (`TrangThaiHoSo`) and which may follow which.
//!
//! The table is the whole rule: events, times and repeats are judged in `dossier`.

use std::fmt;

/// Status codes 1 to 10 as three independent one-stop systems send them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "`name_en` says what each one means")]
pub enum Status {
    New = 1,
    Received = 2,
    NotReceived = 3,
    Processing = 4,
    SupplementAsked = 5,
    FinancialDuty = 6,
    Withdrawn = 7,
    Stopped = 8,
    Settled = 9,
    Returned = 10,
}

/// What a new status would do to a dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Allowed by the table, or the dossier's first.
    Forward,
    /// The same status again: a correction of the record.
    Same,
    /// Anything else.
    Backwards,
}

impl Status {
    /// All ten, in the order of their codes.
    pub const ALL: [Self; 10] = [
        Self::New,
        Self::Received,
        Self::NotReceived,
        Self::Processing,
        Self::SupplementAsked,
        Self::FinancialDuty,
        Self::Withdrawn,
        Self::Stopped,
        Self::Settled,
        Self::Returned,
    ];

    /// The status of a wire code `"1"` to `"10"`.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.text() == text)
    }

    /// The status of a number 1 to 10.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// The number 1 to 10.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The wire code.
    pub const fn text(self) -> &'static str {
        match self {
            Self::New => "1",
            Self::Received => "2",
            Self::NotReceived => "3",
            Self::Processing => "4",
            Self::SupplementAsked => "5",
            Self::FinancialDuty => "6",
            Self::Withdrawn => "7",
            Self::Stopped => "8",
            Self::Settled => "9",
            Self::Returned => "10",
        }
    }

    /// The statuses that may follow this one, besides itself.
    pub const fn followers(self) -> &'static [Status] {
        use Status::{
            FinancialDuty, NotReceived, Processing, Received, Returned, Settled, Stopped, SupplementAsked, Withdrawn,
        };
        match self {
            Self::New => &[
                Received,
                NotReceived,
                Processing,
                SupplementAsked,
                FinancialDuty,
                Withdrawn,
                Stopped,
                Settled,
                Returned,
            ],
            Self::Received => &[Processing, SupplementAsked, FinancialDuty, Withdrawn, Stopped, Settled, Returned],
            Self::Processing => &[SupplementAsked, FinancialDuty, Withdrawn, Stopped, Settled, Returned],
            Self::SupplementAsked => &[Received, Processing, FinancialDuty, Withdrawn, Stopped, Settled, Returned],
            Self::FinancialDuty => &[Processing, SupplementAsked, Withdrawn, Stopped, Settled, Returned],
            Self::Settled => &[Returned],
            Self::NotReceived | Self::Withdrawn | Self::Stopped | Self::Returned => &[],
        }
    }

    /// Whether nothing may follow.
    pub const fn is_final(self) -> bool {
        self.followers().is_empty()
    }

    /// What `next` would do to a dossier that stands at this status.
    pub fn step(self, next: Status) -> Step {
        if self == next {
            Step::Same
        } else if self.followers().contains(&next) {
            Step::Forward
        } else {
            Step::Backwards
        }
    }

    /// The name that citizens and clerks read.
    pub const fn name_vi(self) -> &'static str {
        match self {
            Self::New => "Mới đăng ký",
            Self::Received => "Được tiếp nhận",
            Self::NotReceived => "Không được tiếp nhận",
            Self::Processing => "Đang xử lý",
            Self::SupplementAsked => "Yêu cầu bổ sung giấy tờ",
            Self::FinancialDuty => "Yêu cầu thực hiện nghĩa vụ tài chính",
            Self::Withdrawn => "Công dân yêu cầu rút hồ sơ",
            Self::Stopped => "Dừng xử lý",
            Self::Settled => "Đã xử lý xong",
            Self::Returned => "Đã trả kết quả",
        }
    }

    /// The English name.
    pub const fn name_en(self) -> &'static str {
        match self {
            Self::New => "newly filed",
            Self::Received => "accepted",
            Self::NotReceived => "refused",
            Self::Processing => "processing",
            Self::SupplementAsked => "supplement requested",
            Self::FinancialDuty => "payment requested",
            Self::Withdrawn => "withdrawn",
            Self::Stopped => "stopped",
            Self::Settled => "settled",
            Self::Returned => "result returned",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule as people wrote it down: row = from, column = to; s same, f forward, . backwards.
    const TABLE: [&str; 10] = [
        "sfffffffff", //
        ".s.fffffff", //
        "..s.......", //
        "...sffffff", //
        ".f.fsfffff", //
        "...ffsffff", //
        "......s...", //
        ".......s..", //
        "........sf", //
        ".........s",
    ];

    #[test]
    fn all_hundred_steps_follow_the_table() {
        for from in Status::ALL {
            for to in Status::ALL {
                let expected = match TABLE[usize::from(from.code()) - 1].as_bytes()[usize::from(to.code()) - 1] {
                    b's' => Step::Same,
                    b'f' => Step::Forward,
                    _ => Step::Backwards,
                };
                assert_eq!(from.step(to), expected, "{from} to {to}");
            }
        }
    }

    #[test]
    fn codes_and_texts_name_the_same_status() {
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(status));
            assert_eq!(Status::from_text(status.text()), Some(status));
        }
        for text in ["0", "11", "01", "", " 1"] {
            assert_eq!(Status::from_text(text), None);
        }
        assert_eq!(Status::from_code(0), None);
    }
}
