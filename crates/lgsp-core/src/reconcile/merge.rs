//! Walks through both sides in the order of names, ours as they come, and tells every pair once.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use super::rows::{RefundNames, Rows, Statement, StatementError};
use super::summary::{Summary, judge};
use super::{LineKind, Money, OurLine, Pair, TheirLine};

/// The walk.
pub struct Merge {
    theirs: Rows,
    names: RefundNames,
    /// Where each kind goes on in theirs.
    next: [usize; 2],
    /// Our refunds, when they are matched by another name than the one that they are ordered by.
    aside: Rows,
    last: String,
    summary: Summary,
    /// How many lines of ours named one of theirs.
    met: u64,
}

/// Why our lines cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeError {
    /// They do not come in the order of their references, byte by byte, each once.
    OutOfOrder,
    /// Our refunds, which have to be kept here, are too many or too long.
    Refunds(StatementError),
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrder => f.write_str("lines of the ledger came out of order"),
            Self::Refunds(error) => write!(f, "refunds of the ledger: {error}"),
        }
    }
}

impl std::error::Error for MergeError {}

impl Merge {
    /// Begins.
    ///
    /// # Errors
    /// When one of the provider's lines stands there twice.
    pub fn new(theirs: Statement) -> Result<Self, StatementError> {
        let (theirs, names) = theirs.close()?;
        let next = [theirs.start(LineKind::Payment), theirs.start(LineKind::Refund)];
        let (aside, last, summary) = (Rows::default(), String::new(), Summary::default());
        Ok(Self { theirs, names, next, aside, last, summary, met: 0 })
    }

    /// How many lines the provider has.
    #[must_use]
    pub fn theirs(&self) -> usize {
        self.theirs.len()
    }

    /// How many pairs so far have both sides.
    #[must_use]
    pub fn met(&self) -> u64 {
        self.met
    }

    /// Takes our next line, in the order of references byte by byte, and tells what is known of the provider's up to it.
    ///
    /// # Errors
    /// When the line is not behind the one before, or our refunds of the day are too many.
    pub fn ours(&mut self, line: &OurLine<'_>, tell: &mut impl FnMut(&Pair<'_>)) -> Result<(), MergeError> {
        if self.last.as_str() >= line.reference && !self.last.is_empty() {
            return Err(MergeError::OutOfOrder);
        }
        self.last.clear();
        self.last.push_str(line.reference);
        if (line.kind, self.names) == (LineKind::Refund, RefundNames::OfPayment) {
            return self.aside.push_ours(line).map_err(MergeError::Refunds);
        }
        let end = self.end_of(line.kind);
        let next = &mut self.next[line.kind as usize];
        while *next < end && self.theirs.key(*next).1.as_bytes() < line.reference.as_bytes() {
            told(&mut self.summary, tell, None, Some(self.theirs.theirs(*next)));
            *next += 1;
        }
        let named = if *next < end && self.theirs.key(*next).1 == line.reference {
            self.theirs.group(*next..end)
        } else {
            *next..*next
        };
        *next = named.end;
        // What is paid again under the same name is money of its own, which we know nothing of.
        let met = named.clone().min_by_key(|at| strangeness(line, &self.theirs.theirs(*at)));
        for at in named.filter(|at| Some(*at) != met) {
            told(&mut self.summary, tell, None, Some(self.theirs.theirs(at)));
        }
        self.met += u64::from(met.is_some());
        told(&mut self.summary, tell, Some(*line), met.map(|at| self.theirs.theirs(at)));
        Ok(())
    }

    /// Tells the rest.
    pub fn end(mut self, tell: &mut impl FnMut(&Pair<'_>)) -> (Summary, u64) {
        for kind in [LineKind::Payment, LineKind::Refund] {
            let rest = self.next[kind as usize]..self.end_of(kind);
            match (kind, self.names) {
                (LineKind::Refund, RefundNames::OfPayment) => self.refunds(rest, tell),
                (LineKind::Payment, _) | (_, RefundNames::Own) => {
                    rest.for_each(|at| told(&mut self.summary, tell, None, Some(self.theirs.theirs(at))));
                }
            }
        }
        (self.summary, self.met)
    }

    fn end_of(&self, kind: LineKind) -> usize {
        match kind {
            LineKind::Payment => self.theirs.start(LineKind::Refund),
            LineKind::Refund => self.theirs.len(),
        }
    }

    /// Refunds that are matched by their payment: those of one payment against each other.
    fn refunds(&mut self, theirs: Range<usize>, tell: &mut impl FnMut(&Pair<'_>)) {
        self.aside.sort();
        let (mut ours, mut theirs) = (0..self.aside.len(), theirs);
        loop {
            let order = match (ours.is_empty(), theirs.is_empty()) {
                (true, true) => return,
                (false, true) => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, false) => {
                    self.aside.key(ours.start).1.as_bytes().cmp(self.theirs.key(theirs.start).1.as_bytes())
                }
            };
            let of_ours = if order.is_le() { self.aside.group(ours.clone()) } else { ours.start..ours.start };
            let of_theirs = if order.is_ge() { self.theirs.group(theirs.clone()) } else { theirs.start..theirs.start };
            (ours.start, theirs.start) = (of_ours.end, of_theirs.end);
            self.one_payment(of_ours, of_theirs, tell);
        }
    }

    /// Refunds of one payment: equal amounts belong together; of what is left, those that moved on both sides, in the order of
    /// amounts. Both sides are sorted by amount, what moved before what did not.
    fn one_payment(&mut self, mut ours: Range<usize>, mut theirs: Range<usize>, tell: &mut impl FnMut(&Pair<'_>)) {
        let (mut our_rest, mut their_rest) = (Vec::new(), Vec::new());
        while let (Some(a), Some(b)) = (ours.clone().next(), theirs.clone().next()) {
            let (our, their) = (self.aside.ours(a), self.theirs.theirs(b));
            match our.amount.cmp(&their.amount) {
                Ordering::Less => our_rest.extend(ours.next()),
                Ordering::Greater => their_rest.extend(theirs.next()),
                Ordering::Equal => {
                    self.met += 1;
                    told(&mut self.summary, tell, Some(our), Some(their));
                    (ours.start, theirs.start) = (a + 1, b + 1);
                }
            }
        }
        our_rest.extend(ours);
        their_rest.extend(theirs);
        let (our_moved, our_still): (Vec<_>, Vec<_>) =
            our_rest.into_iter().map(|at| self.aside.ours(at)).partition(|line| line.money == Money::Moved);
        let (their_moved, their_still): (Vec<_>, Vec<_>) =
            their_rest.into_iter().map(|at| self.theirs.theirs(at)).partition(|line| line.money == Money::Moved);
        let both = our_moved.len().min(their_moved.len());
        self.met += both as u64;
        let summary = &mut self.summary;
        for (our, their) in our_moved.iter().zip(&their_moved) {
            told(summary, tell, Some(*our), Some(*their));
        }
        for our in our_moved[both..].iter().chain(&our_still) {
            told(summary, tell, Some(*our), None);
        }
        for their in their_moved[both..].iter().chain(&their_still) {
            told(summary, tell, None, Some(*their));
        }
    }
}

/// How little a line of theirs is the one that ours is about, of several of its name: another transaction, nothing that moved, another
/// amount, later in the file.
fn strangeness(ours: &OurLine<'_>, theirs: &TheirLine<'_>) -> (bool, bool, bool, u32) {
    let transaction = ours.transaction.is_empty() || ours.transaction != theirs.transaction;
    (transaction, theirs.money != Money::Moved, ours.amount != theirs.amount, theirs.line)
}

fn told(
    summary: &mut Summary,
    tell: &mut impl FnMut(&Pair<'_>),
    ours: Option<OurLine<'_>>,
    theirs: Option<TheirLine<'_>>,
) {
    let class = judge(ours.as_ref(), theirs.as_ref());
    summary.count(class, ours.as_ref(), theirs.as_ref());
    tell(&Pair { class, ours, theirs });
}
