//! A payment as a state machine: what is known of it, what may be learnt, and what it becomes. When to ask a provider again.
//!
//! It knows no provider, no format and no clock. Its promise: money that a provider reported is never forgotten, no more goes back than
//! came, and after `paid` or `failed` nobody is told the other.

mod machine;
mod schedule;

use std::collections::BTreeSet;

use lgsp_model::{Dong, PaymentId, PaymentState, RefundStanding, ReportStanding, Timestamp};

pub use schedule::{RETRY_AFTER_FAILURE, next_look};

/// What decisions about a payment rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What is to be paid.
    pub amount: Dong,
    /// Where it stands.
    pub state: PaymentState,
    /// Since when.
    pub changed_at: Timestamp,
    /// Until when it is waited for.
    pub expires_at: Timestamp,
    /// Whether a provider may have been told of it.
    pub sent: bool,
    /// The provider's name of the payment.
    pub transaction: Option<String>,
    /// When the provider got the money.
    pub paid_at: Option<Timestamp>,
    /// What the provider says it got; that is the amount, unless a flag says otherwise.
    pub received: Option<Dong>,
    /// The provider's last result code.
    pub code: Option<String>,
    /// Why it ended without money.
    pub cause: Option<EndCause>,
    /// What a person should look at.
    pub flags: BTreeSet<Flag>,
    /// Money that went back or is on its way.
    pub refunds: Vec<Refund>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

words! {
    /// Why a payment ended without money.
    EndCause {
        /// Its time ran out.
        Expired => "expired",
        /// Who asked for it wants it no more.
        Cancelled => "cancelled",
        /// The provider did not take the order.
        NotTaken => "not_taken",
        /// The provider took the order, and it was not paid.
        NotPaid => "not_paid",
    }
}

words! {
    /// Something about a payment that a person should look at.
    Flag {
        /// The money came after nobody waited for it any more.
        Late => "late",
        /// The same fee of the same dossier was paid before: this one should go back.
        PaidTwice => "paid_twice",
        /// The provider said that it failed, and later that it has the money.
        PaidAfterFailed => "paid_after_failed",
        /// The provider reports another amount.
        WrongAmount => "wrong_amount",
        /// The provider reports a second payment of the same order.
        OtherTransaction => "other_transaction",
        /// The provider said that it has the money, and later that it has not.
        Contradicted => "contradicted",
        /// The provider sent the money back without being asked here.
        RefundedElsewhere => "refunded_elsewhere",
    }
}

words! {
    /// Where a refund stands.
    RefundState {
        /// Asked for; the provider may have it.
        Pending => "pending",
        /// The money went back.
        Done => "done",
        /// It did not.
        Refused => "refused",
    }
}

/// Money that goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its name here and at the provider.
    pub id: PaymentId,
    /// How much.
    pub amount: Dong,
    /// Where it stands.
    pub state: RefundState,
    /// The provider's name of it.
    pub provider_id: Option<String>,
    /// The provider's last result code about it.
    pub code: Option<String>,
}

/// What can be learnt about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The provider has the order.
    Opened,
    /// The provider was told of the order and gave no readable answer.
    OpenedMaybe,
    /// The provider did not take the order.
    NotTaken(String),
    /// The provider said where the order stands: in a proven callback, or asked.
    Said(Saying),
    /// The provider was asked after the payment's time and gave no readable answer.
    Silent,
    /// Nobody waits for it any more. Of a payment that a provider was told of only after it said that it has no money.
    Ended(EndCause),
    /// Somebody wants money back.
    RefundAsked(PaymentId, Dong),
    /// The provider said where a refund stands.
    RefundSaid(PaymentId, RefundSaying),
    /// The same fee was paid before.
    PaidBefore,
    /// The transaction that the provider names paid another payment.
    UsedElsewhere,
}

/// A provider's word about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// Where it stands there.
    pub standing: ReportStanding,
    /// The amount, where it says.
    pub amount: Option<Dong>,
    /// The provider's name of the payment, where it says.
    pub transaction: Option<String>,
    /// When it was paid, where it says.
    pub paid_at: Option<Timestamp>,
    /// Its result code.
    pub code: String,
}

/// A provider's word about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundSaying {
    /// Where it stands there.
    pub standing: RefundStanding,
    /// The provider's name of it, where it says.
    pub provider_id: Option<String>,
    /// Its result code.
    pub code: String,
}

/// What a fact makes of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was known: nothing changes.
    Same,
    /// It becomes this.
    Changed(Box<Payment>),
    /// It cannot be done now.
    Refused(NotNow),
}

/// Why something cannot be done with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// It is not paid, or all of it went back.
    NothingToRefund,
    /// A refund is on its way; its end decides what is left.
    RefundUnderWay,
    /// More than is left.
    TooMuch {
        /// What is left.
        left: Dong,
    },
    /// A refund of this name is there over another amount.
    OtherAmount,
    /// It has the money or ended already.
    Over,
    /// Nothing about it waits for a person.
    NothingToReview,
}

impl Payment {
    /// One that was asked for.
    #[must_use]
    pub fn asked(amount: Dong, now: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            amount,
            state: PaymentState::Created,
            changed_at: now,
            expires_at,
            sent: false,
            transaction: None,
            paid_at: None,
            received: None,
            code: None,
            cause: None,
            flags: BTreeSet::new(),
            refunds: Vec::new(),
        }
    }

    /// What went back.
    #[must_use]
    pub fn refunded(&self) -> Dong {
        let done = self.refunds.iter().filter(|refund| refund.state == RefundState::Done);
        Dong::total(done.map(|refund| refund.amount)).expect("no more goes back than came")
    }

    /// What could still go back.
    #[must_use]
    pub fn left(&self) -> Dong {
        self.amount.minus(self.refunded()).unwrap_or_default()
    }

    /// The refund whose end is not known.
    #[must_use]
    pub fn refund_under_way(&self) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.state == RefundState::Pending)
    }

    /// Whether a person should look at it.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        !self.flags.is_empty()
    }

    /// What a fact makes of it.
    #[must_use]
    pub fn learn(&self, fact: &Fact, now: Timestamp) -> Step {
        machine::learn(self, fact, now)
    }
}
