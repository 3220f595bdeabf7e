//! Payments in the gateway's own words: whole đồng, the states of a payment and what each may become, the names by which one is known.
//!
//! It knows no provider and no wire format.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use crate::BadId;

/// An amount of money in whole đồng, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dong(i64);

impl Dong {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount of one payment: what the field's narrowest amount, twelve digits of hundredths, can say.
    pub const MOST: Self = Self(9_999_999_999);

    /// The amount; `None` when it is negative or more than [`Self::MOST`].
    #[must_use]
    pub const fn new(dong: i64) -> Option<Self> {
        if 0 <= dong && dong <= Self::MOST.0 { Some(Self(dong)) } else { None }
    }

    /// How many đồng.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Both together, if one payment can be so large.
    #[must_use]
    pub const fn plus(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0)
    }

    /// What is left without `other`, if there is so much.
    #[must_use]
    pub const fn minus(self, other: Self) -> Option<Self> {
        Self::new(self.0 - other.0)
    }

    /// The sum, if one payment can be so large.
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

/// The digits alone, as providers want them.
impl fmt::Display for Dong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Digits alone: no sign, no separators, no fraction.
impl FromStr for Dong {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let digits = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let amount = if digits { text.parse().ok().and_then(Self::new) } else { None };
        amount.ok_or(BadId { expected: "whole đồng: 1 to 10 digits" })
    }
}

macro_rules! states {
    ($($(#[$doc:meta])* $variant:ident => $word:literal),+ $(,)?) => {
        /// Where a payment stands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PaymentState { $($(#[$doc])* $variant),+ }

        impl PaymentState {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire and in metric labels.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for PaymentState {
            type Err = BadId;
            fn from_str(word: &str) -> Result<Self, BadId> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err(BadId { expected: "a payment's state" }) }
            }
        }
    };
}

states! {
    /// Asked for; no provider knows of it yet.
    Created => "created",
    /// A provider has the order and waits for the citizen.
    Pending => "pending",
    /// Nobody can say now whether the provider has the order or the money: it is asked until it says.
    Unknown => "unknown",
    /// The provider has the money.
    Paid => "paid",
    /// The provider said that it ended without money, or refused the order. Final.
    Failed => "failed",
    /// Nobody waits for it any more: its time ran out, or it was cancelled. Money that comes all the same is taken note of.
    Expired => "expired",
    /// Paid, and some of it is on its way back.
    RefundPending => "refund_pending",
    /// All of it went back. Final.
    Refunded => "refunded",
    /// Some of it went back.
    PartlyRefunded => "partly_refunded",
}

impl fmt::Display for PaymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PaymentState {
    /// What it may become besides itself: the one table of steps.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        use PaymentState::{Created, Expired, Failed, Paid, PartlyRefunded, Pending, RefundPending, Refunded, Unknown};
        match self {
            Created => &[Pending, Unknown, Failed, Expired],
            Pending => &[Unknown, Paid, Failed, Expired],
            Unknown => &[Pending, Paid, Failed, Expired],
            Expired => &[Paid],
            Paid => &[RefundPending],
            RefundPending => &[Paid, PartlyRefunded, Refunded],
            PartlyRefunded => &[RefundPending],
            Failed | Refunded => &[],
        }
    }

    /// Whether the step is in the table.
    #[must_use]
    pub fn may_become(self, other: Self) -> bool {
        self.next().contains(&other)
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }

    /// Whether the provider was given the money, whatever became of it afterwards.
    #[must_use]
    pub const fn had_money(self) -> bool {
        matches!(self, Self::Paid | Self::RefundPending | Self::Refunded | Self::PartlyRefunded)
    }

    /// Whether a provider may have the order without an end that the gateway knows of.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Unknown)
    }
}

/// A payment's name, here and at its provider: 20 of `0-9 a-z` without `i l o u`. It fits every provider's field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentId(String);

/// The letters of a [`PaymentId`]: 32, none of them like another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl PaymentId {
    /// Its length.
    pub const LENGTH: usize = 20;

    /// The name that random bytes make; a hundred of their bits count.
    #[must_use]
    pub fn of_random(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PaymentId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let good = text.len() == Self::LENGTH && text.bytes().all(|b| LETTERS.contains(&b));
        if good { Ok(Self(text.to_owned())) } else { Err(BadId { expected: "a payment's id: 20 of 0-9 a-z" }) }
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a fee line is for (`LoaiPhiLePhi`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeeKind {
    /// `1`: phí, the price of a service.
    Charge,
    /// `2`: lệ phí, the fixed fee of an administrative act.
    Fee,
}

impl FeeKind {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Charge => "1",
            Self::Fee => "2",
        }
    }
}

impl FromStr for FeeKind {
    type Err = BadId;
    fn from_str(code: &str) -> Result<Self, BadId> {
        match code {
            "1" => Ok(Self::Charge),
            "2" => Ok(Self::Fee),
            _ => Err(BadId { expected: "1 (phí) or 2 (lệ phí)" }),
        }
    }
}

/// Where an order stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportStanding {
    /// It waits for the citizen.
    Pending,
    /// The provider cannot say yet: the bank's word is missing, or it looks suspicious there.
    Unclear,
    /// It has the money.
    Paid,
    /// It ended without money.
    Failed,
    /// It knows no such order.
    NotFound,
    /// It was paid, and all of it went back at the provider.
    Refunded,
}

/// Where a refund stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStanding {
    /// The money went back.
    Done,
    /// It is on its way.
    Pending,
    /// The provider refused it; nothing went back.
    Refused,
    /// The provider knows no such refund: it may be sent again.
    NotFound,
}

/// Money of several payments together; it does not overflow for fewer than nine hundred million payments.
impl Sum<Dong> for i64 {
    fn sum<I: Iterator<Item = Dong>>(amounts: I) -> Self {
        amounts.map(Dong::get).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::PaymentState::{
        Created, Expired, Failed, Paid, PartlyRefunded, Pending, RefundPending, Refunded, Unknown,
    };
    use super::*;

    #[test]
    fn all_eighty_one_steps_follow_the_table() {
        let allowed = [
            (Created, Pending),
            (Created, Unknown),
            (Created, Failed),
            (Created, Expired),
            (Pending, Unknown),
            (Pending, Paid),
            (Pending, Failed),
            (Pending, Expired),
            (Unknown, Pending),
            (Unknown, Paid),
            (Unknown, Failed),
            (Unknown, Expired),
            (Expired, Paid),
            (Paid, RefundPending),
            (RefundPending, Paid),
            (RefundPending, PartlyRefunded),
            (RefundPending, Refunded),
            (PartlyRefunded, RefundPending),
        ];
        for from in PaymentState::ALL {
            for to in PaymentState::ALL {
                assert_eq!(from.may_become(*to), allowed.contains(&(*from, *to)), "{from} to {to}");
            }
        }
    }

    #[test]
    fn money_is_never_lost_by_a_step_and_two_states_are_final() {
        for from in PaymentState::ALL.iter().filter(|state| state.had_money()) {
            assert!(from.next().iter().all(|to| to.had_money()), "{from}");
        }
        let last: Vec<_> = PaymentState::ALL.iter().filter(|state| state.is_final()).collect();
        assert_eq!(last, [&Failed, &Refunded]);
    }

    #[test]
    fn words_lead_back_to_their_states() {
        for state in PaymentState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("PAID".parse::<PaymentState>().is_err());
    }

    #[test]
    fn amounts_are_digits_within_bounds() {
        for (text, dong) in [("0", 0), ("50000", 50_000), ("9999999999", 9_999_999_999), ("007", 7)] {
            assert_eq!(text.parse::<Dong>().map(Dong::get), Ok(dong), "{text}");
        }
        for text in ["", "-1", "+1", "1.0", "1,000", "10000000000", "99999999999", " 1", "1e3", "５"] {
            assert!(text.parse::<Dong>().is_err(), "{text}");
        }
        assert_eq!((Dong::MOST.plus(Dong(1)), Dong(1).minus(Dong(2))), (None, None));
        assert_eq!(Dong::total([Dong(1), Dong(2)]), Some(Dong(3)));
        assert_eq!(Dong::total([Dong::MOST, Dong(1)]), None);
    }

    #[test]
    fn a_payments_name_is_what_random_bytes_make_of_it() {
        let id = PaymentId::of_random(std::array::from_fn(|n| n as u8 * 13));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in ["", "0123456789abcdefghj", "0123456789abcdefghjK", "0123456789abcdefghjl"] {
            assert!(text.parse::<PaymentId>().is_err(), "{text}");
        }
    }
}
