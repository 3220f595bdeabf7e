//! A provider's account of a day beside ours: what both have, what only one has, and where they contradict each other.
//!
//! It compares and adds up. Where the lines come from, what is kept of the differences and what is done about them are the
//! caller's; nothing here changes a payment.

mod merge;
mod rows;
mod summary;
#[cfg(test)]
mod tests;

pub use merge::{Merge, MergeError};
pub use rows::{MOST_LINES, RefundNames, Statement, StatementError};
pub use summary::{Class, Summary, Sums, judge};

use lgsp_model::Dong;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// Money that a citizen paid.
    Payment,
    /// Money that went back.
    Refund,
}

impl LineKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
        }
    }

    /// An amount as it counts in a sum: what went back is taken away.
    #[must_use]
    pub const fn signed(self, amount: Dong) -> i64 {
        match self {
            Self::Payment => amount.get(),
            Self::Refund => -amount.get(),
        }
    }
}

/// What one side says of the money of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Money {
    /// It is not known yet whether it moved.
    Open,
    /// It moved.
    Moved,
    /// It did not move and will not.
    Still,
}

impl Money {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Moved => "settled",
            Self::Still => "void",
        }
    }
}

/// A line of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OurLine<'a> {
    /// What it is about.
    pub kind: LineKind,
    /// Its name at the provider: a payment's or a refund's id.
    pub reference: &'a str,
    /// The payment that it belongs to.
    pub payment: &'a str,
    /// The provider's name of the transaction; empty when we have none.
    pub transaction: &'a str,
    /// How much.
    pub amount: Dong,
    /// Where it stands.
    pub money: Money,
}

/// A line of the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TheirLine<'a> {
    /// What it is about.
    pub kind: LineKind,
    /// Our name, as the provider wrote it down: see [`RefundNames`].
    pub reference: &'a str,
    /// The provider's name of the transaction; empty when it says none.
    pub transaction: &'a str,
    /// How much.
    pub amount: Dong,
    /// Whether the money moved.
    pub money: Money,
    /// Whether it is dated on the day that was asked for.
    pub dated: Dated,
    /// Where it stands in the file, the header being 1; 0 when it comes from no file.
    pub line: u32,
}

/// The date of a provider's line, beside the day that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dated {
    /// That day, or no date at all.
    Asked,
    /// Another day.
    Other,
}

/// Two lines that name each other, or one that nobody names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// What the two say together.
    pub class: Class,
    /// Ours.
    pub ours: Option<OurLine<'a>>,
    /// Theirs.
    pub theirs: Option<TheirLine<'a>>,
}
