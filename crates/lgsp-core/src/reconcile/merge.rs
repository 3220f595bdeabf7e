//! Walks through both sides in the order of names, ours as they come, and tells every pair once. Theirs that no line of the day is about
//! may be our lines of the days beside it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::rows::{RefundNames, Rows, Statement, StatementError};
use super::summary::{Class, Summary, judge};
use super::{LineKind, Money, OurLine, Pair, TheirLine};

/// The walk.
pub struct Merge {
    theirs: Rows,
    /// Which of theirs were told.
    taken: Vec<bool>,
    names: RefundNames,
    /// Lines of ours that the files of other days have, with the transactions that they have there.
    elsewhere: BTreeMap<String, String>,
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
        let (taken, elsewhere) = (vec![false; theirs.len()], BTreeMap::new());
        Ok(Self { theirs, taken, names, elsewhere, next, aside, last, summary, met: 0 })
    }

    /// Takes note of a line of ours that the file of another day has: it is not missing here, and another transaction of its name is not
    /// it. Before the first line of ours.
    pub fn elsewhere(&mut self, reference: String, transaction: String) {
        self.elsewhere.insert(reference, transaction);
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

    /// Takes our next line of the day, in the order of references byte by byte, and tells what is known of it.
    ///
    /// # Errors
    /// When the line is not behind the one before, or our refunds of the day are too many.
    pub fn ours(&mut self, line: &OurLine<'_>, tell: &mut impl FnMut(&Pair<'_>)) -> Result<(), MergeError> {
        if self.last.as_str() >= line.reference && !self.last.is_empty() {
            return Err(MergeError::OutOfOrder);
        }
        self.last.clear();
        self.last.push_str(line.reference);
        let aside = (line.kind, self.names) == (LineKind::Refund, RefundNames::OfPayment);
        let elsewhere = self.elsewhere.get(line.reference).filter(|_| line.money == Money::Moved);
        match elsewhere {
            Some(_) if aside => self.summary.tell(tell, Class::NearMidnight, Some(*line), None),
            None if aside => return self.aside.push_ours(line).map_err(MergeError::Refunds),
            _ => self.own(line, tell),
        }
        Ok(())
    }

    /// A line that is matched by its own name.
    fn own(&mut self, line: &OurLine<'_>, tell: &mut impl FnMut(&Pair<'_>)) {
        let end = self.end_of(line.kind);
        let next = &mut self.next[line.kind as usize];
        while *next < end && self.theirs.key(*next).1.as_bytes() < line.reference.as_bytes() {
            *next += 1;
        }
        let named = if *next < end && self.theirs.key(*next).1 == line.reference {
            self.theirs.group(*next..end)
        } else {
            *next..*next
        };
        *next = named.end;
        let elsewhere = self.elsewhere.get(line.reference).filter(|_| line.money == Money::Moved);
        // What is paid again under the same name is money of its own, which we know nothing of.
        // So is what stands in two files, unless both say that it is one transaction.
        let same = |known: &String, other: &str| !known.is_empty() && known == other;
        let fits = |at: &usize| elsewhere.is_none_or(|known| same(known, self.theirs.theirs(*at).transaction));
        let met = named.filter(fits).min_by_key(|at| strangeness(line, &self.theirs.theirs(*at)));
        let Some(at) = met else {
            let class = if elsewhere.is_some() { Class::NearMidnight } else { judge(Some(line), None) };
            return self.summary.tell(tell, class, Some(*line), None);
        };
        self.met += 1;
        self.taken[at] = true;
        told(&mut self.summary, tell, Some(*line), Some(self.theirs.theirs(at)));
    }

    /// Ends our lines of the day. Whether money is left that the provider moved and we know nothing of: then our lines of the days beside
    /// it are worth reading.
    pub fn day_ended(&mut self, tell: &mut impl FnMut(&Pair<'_>)) -> bool {
        if self.names == RefundNames::OfPayment {
            self.refunds(self.theirs.start(LineKind::Refund)..self.theirs.len(), tell);
            self.aside = Rows::default();
        }
        (0..self.theirs.len()).any(|at| !self.taken[at] && self.theirs.theirs(at).money == Money::Moved)
    }

    /// Takes a line of ours of a day beside it, in any order, and tells it if a line of theirs that is left is the same money: the same
    /// amount, and no other transaction. It learnt of it on the other side of midnight.
    pub fn beside(&mut self, line: &OurLine<'_>, tell: &mut impl FnMut(&Pair<'_>)) {
        if line.money != Money::Moved {
            return;
        }
        let by_payment = (line.kind, self.names) == (LineKind::Refund, RefundNames::OfPayment);
        let named = self.theirs.named(line.kind, if by_payment { line.payment } else { line.reference });
        let same = |at: &usize| {
            let their = self.theirs.theirs(*at);
            !self.taken[*at]
                && (their.money, their.amount) == (Money::Moved, line.amount)
                && agree(line.transaction, their.transaction)
        };
        if let Some(at) = named.filter(same).min_by_key(|at| strangeness(line, &self.theirs.theirs(*at))) {
            self.taken[at] = true;
            self.summary.tell(tell, Class::NearMidnight, Some(*line), Some(self.theirs.theirs(at)));
        }
    }

    /// Tells the rest.
    pub fn end(mut self, tell: &mut impl FnMut(&Pair<'_>)) -> (Summary, u64) {
        // Nothing is told twice when it was ended before.
        self.day_ended(tell);
        for at in (0..self.theirs.len()).filter(|at| !self.taken[*at]) {
            told(&mut self.summary, tell, None, Some(self.theirs.theirs(at)));
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
                    self.taken[b] = true;
                    told(&mut self.summary, tell, Some(our), Some(their));
                    (ours.start, theirs.start) = (a + 1, b + 1);
                }
            }
        }
        our_rest.extend(ours);
        their_rest.extend(theirs);
        let (our_moved, our_still): (Vec<_>, Vec<_>) =
            our_rest.into_iter().map(|at| self.aside.ours(at)).partition(|line| line.money == Money::Moved);
        their_rest.retain(|at| self.theirs.theirs(*at).money == Money::Moved);
        let both = our_moved.len().min(their_rest.len());
        self.met += both as u64;
        let summary = &mut self.summary;
        for (our, at) in our_moved.iter().zip(&their_rest) {
            self.taken[*at] = true;
            told(summary, tell, Some(*our), Some(self.theirs.theirs(*at)));
        }
        for our in our_moved[both..].iter().chain(&our_still) {
            told(summary, tell, Some(*our), None);
        }
    }
}

/// Whether two names of a transaction may be the same one's.
fn agree(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
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
    summary.tell(tell, judge(ours.as_ref(), theirs.as_ref()), ours, theirs);
}
