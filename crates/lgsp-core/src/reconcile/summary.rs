//! What two lines say together, and the sums of a day. It knows no order and keeps no line.

use super::{Dated, Money, OurLine, Pair, TheirLine};

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident => $word:literal),+ $(,)?) => {
        /// What the two sides say of a line together.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class { $($(#[$doc])* $variant),+ }

        impl Class {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

classes! {
    /// Both say that the same amount moved.
    Matched => "matched",
    /// Neither says that money moved: a citizen who went away, an order that was refused. No difference.
    NotMoved => "not_moved",
    /// The provider says that money moved which we know nothing of.
    MissingHere => "missing_here",
    /// We say that money moved which the provider knows nothing of.
    MissingThere => "missing_there",
    /// Both say that money moved, not how much.
    DifferentAmount => "different_amount",
    /// One says that money moved and the other one that it did not, or not yet.
    DifferentState => "different_state",
    /// The provider dates it on another day, and we have no such line on this one. It is told apart from what is missing here, because
    /// we may well have it on its own day: it has to be looked for in that day's reconciliation.
    OtherDay => "other_day",
    /// Both say that the same amount moved, on days beside each other: their line is in the file of this day and ours on a day beside it, or
    /// ours is of this day and a file of a day beside it has it. We learn of some money on the other side of midnight.
    NearMidnight => "near_midnight",
    /// The provider was asked about a line of ours and gave no answer.
    Unanswered => "unanswered",
}

impl Class {
    /// Whether somebody has to look at it.
    #[must_use]
    pub const fn differs(self) -> bool {
        !matches!(self, Self::Matched | Self::NotMoved | Self::NearMidnight)
    }
}

/// What two lines say together; both are about the same thing.
#[must_use]
pub fn judge(ours: Option<&OurLine<'_>>, theirs: Option<&TheirLine<'_>>) -> Class {
    let moved_here = ours.is_some_and(|line| line.money == Money::Moved);
    let moved_there = theirs.is_some_and(|line| line.money == Money::Moved);
    match (ours, theirs) {
        (None, Some(theirs)) if moved_there && theirs.dated == Dated::Other => Class::OtherDay,
        (None, Some(_)) if moved_there => Class::MissingHere,
        (Some(_), None) if moved_here => Class::MissingThere,
        (Some(ours), Some(theirs)) if moved_here && moved_there => {
            if ours.amount == theirs.amount {
                Class::Matched
            } else {
                Class::DifferentAmount
            }
        }
        (Some(_), Some(_)) if moved_here != moved_there => Class::DifferentState,
        _ => Class::NotMoved,
    }
}

/// Lines of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many pairs, one-sided ones included.
    pub lines: u64,
    /// Đồng that moved by our account: payments less refunds.
    pub ours: i64,
    /// Đồng that moved by the provider's.
    pub theirs: i64,
}

/// A day in sums. Every line of either side is counted in one class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    classes: [Sums; Class::ALL.len()],
}

impl Summary {
    /// Counts a pair. The money of a line that the file of another day has is counted there.
    pub fn count(&mut self, class: Class, ours: Option<&OurLine<'_>>, theirs: Option<&TheirLine<'_>>) {
        let sums = &mut self.classes[class as usize];
        sums.lines += 1;
        if class == Class::NearMidnight && theirs.is_none() {
            return;
        }
        if let Some(line) = ours.filter(|line| line.money == Money::Moved) {
            sums.ours += line.kind.signed(line.amount);
        }
        if let Some(line) = theirs.filter(|line| line.money == Money::Moved) {
            sums.theirs += line.kind.signed(line.amount);
        }
    }

    /// Counts a pair and tells it.
    pub(super) fn tell<'a>(
        &mut self,
        tell: &mut impl FnMut(&Pair<'_>),
        class: Class,
        ours: Option<OurLine<'a>>,
        theirs: Option<TheirLine<'a>>,
    ) {
        self.count(class, ours.as_ref(), theirs.as_ref());
        tell(&Pair { class, ours, theirs });
    }

    /// The sums of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> Sums {
        self.classes[class as usize]
    }

    /// Both totals.
    #[must_use]
    pub fn total(&self) -> Sums {
        self.classes.iter().fold(Sums::default(), |sum, class| Sums {
            lines: sum.lines + class.lines,
            ours: sum.ours + class.ours,
            theirs: sum.theirs + class.theirs,
        })
    }

    /// How much more the provider has than we.
    #[must_use]
    pub fn difference(&self) -> i64 {
        let total = self.total();
        total.theirs - total.ours
    }

    /// Pairs that somebody has to look at. Zero is the only good figure: differences of money may cancel each other out.
    #[must_use]
    pub fn differing(&self) -> u64 {
        Class::ALL.iter().filter(|class| class.differs()).map(|class| self.of(*class).lines).sum()
    }
}
