//! The lines on which the two sides differ, and those near midnight, as they are found: so many are kept, in pieces that are stored as
//! they are.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lgsp_core::reconcile::{Class, Money, Pair};
use lgsp_model::PaymentId;
use serde::{Deserialize, Serialize};

use super::Day;

/// Rows that are kept of one reconciliation: more than anybody looks through, some twenty megabytes. The sums count all.
pub(crate) const MOST_ROWS: u64 = 100_000;
/// Rows of one stored piece: some hundred KiB.
const PIECE: usize = 1_000;

/// One line on which the two sides differ, or one near midnight. Short keys, as there may be many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    #[serde(rename = "c")]
    pub(crate) class: String,
    #[serde(rename = "k")]
    pub(crate) kind: String,
    #[serde(rename = "r")]
    pub(crate) reference: String,
    /// The payment that it belongs to, as far as we know.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<String>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ours: Option<Side>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) theirs: Option<Side>,
    /// Where it stands in the provider's file; 0: in none.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    pub(crate) line: u32,
    /// The day of ours as `yyyyMMdd`, when it is a day beside the file's; else 0.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub(crate) day: u32,
}

/// What one side says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Side {
    #[serde(rename = "a")]
    pub(crate) amount: i64,
    #[serde(rename = "s")]
    pub(crate) state: String,
    #[serde(rename = "x", default, skip_serializing_if = "String::is_empty")]
    pub(crate) transaction: String,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Found {
    kept: u64,
    pieces: Vec<Bytes>,
    open: Vec<u8>,
    in_open: usize,
    doubtful: BTreeSet<PaymentId>,
    beside: BTreeMap<Day, BTreeSet<String>>,
}

impl Found {
    /// Takes note of a pair, if its sides differ or it is near midnight.
    pub(crate) fn take(&mut self, pair: &Pair<'_>) {
        if !(pair.class.differs() || pair.class == Class::NearMidnight) || self.kept == MOST_ROWS {
            return;
        }
        self.doubtful.extend(doubtful(pair));
        self.keep(&Row::of(pair));
    }

    /// Takes note of a line of ours of a day beside the file's that the file has.
    pub(crate) fn take_beside(&mut self, day: Day, pair: &Pair<'_>) {
        let row = Row { day: day.number(), ..Row::of(pair) };
        if self.kept < MOST_ROWS {
            self.keep(&row);
            self.beside.entry(day).or_default().insert(row.reference);
        }
    }

    /// Lines of ours of other days that the file has.
    pub(crate) fn take_all_beside(&mut self) -> BTreeMap<Day, BTreeSet<String>> {
        std::mem::take(&mut self.beside)
    }

    fn keep(&mut self, row: &Row) {
        self.kept += 1;
        self.open.push(if self.in_open == 0 { b'[' } else { b',' });
        serde_json::to_writer(&mut self.open, row).expect("plain data writes into memory");
        self.in_open += 1;
        if self.in_open == PIECE {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.in_open > 0 {
            self.open.push(b']');
            self.pieces.push(std::mem::take(&mut self.open).into());
            self.in_open = 0;
        }
    }

    /// How many are kept.
    pub(crate) fn kept(&self) -> u64 {
        self.kept
    }

    /// Payments that the provider has money for and we have not.
    pub(crate) fn take_doubtful(&mut self) -> BTreeSet<PaymentId> {
        std::mem::take(&mut self.doubtful)
    }

    /// The pieces, each a JSON list.
    pub(crate) fn into_pieces(mut self) -> Vec<Bytes> {
        self.close();
        self.pieces
    }
}

/// The payment to be asked about: one whose money moved by the provider's account and not by ours, on this day or at all.
fn doubtful(pair: &Pair<'_>) -> Option<PaymentId> {
    let theirs = pair.theirs.filter(|line| line.money == Money::Moved)?;
    match pair.class {
        Class::DifferentState => pair.ours?.payment.parse().ok(),
        Class::MissingHere => theirs.reference.parse().ok(),
        _ => None,
    }
}

impl Row {
    fn of(pair: &Pair<'_>) -> Self {
        let kind = pair.ours.map(|line| line.kind).or(pair.theirs.map(|line| line.kind));
        let reference = pair.ours.map(|line| line.reference).or(pair.theirs.map(|line| line.reference));
        let side = |amount: i64, money: Money, transaction: &str| Side {
            amount,
            state: money.as_str().to_owned(),
            transaction: transaction.to_owned(),
        };
        Self {
            class: pair.class.as_str().to_owned(),
            kind: kind.map_or("", |kind| kind.as_str()).to_owned(),
            reference: reference.unwrap_or_default().to_owned(),
            payment: pair.ours.map(|line| line.payment.to_owned()),
            ours: pair.ours.map(|line| side(line.amount.get(), line.money, line.transaction)),
            theirs: pair.theirs.map(|line| side(line.amount.get(), line.money, line.transaction)),
            line: pair.theirs.map_or(0, |line| line.line),
            day: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::reconcile::{Dated, LineKind, OurLine, TheirLine};
    use lgsp_model::Dong;

    use super::*;

    fn theirs<'a>(reference: &'a str) -> TheirLine<'a> {
        let amount = Dong::new(5).unwrap();
        let (kind, transaction, money, dated) = (LineKind::Payment, "t", Money::Moved, Dated::Asked);
        TheirLine { kind, reference, transaction, amount, money, dated, line: 3 }
    }

    #[test]
    fn rows_come_in_pieces_that_read_back_and_no_more_than_are_kept() {
        let mut found = Found::default();
        let matched = Pair { class: Class::Matched, ours: None, theirs: Some(theirs("m")) };
        for n in 0..MOST_ROWS + 5 {
            found.take(&matched);
            found.take(&Pair { class: Class::MissingHere, ours: None, theirs: Some(theirs(&format!("{n:020}"))) });
        }
        assert_eq!(found.kept(), MOST_ROWS);
        assert_eq!(found.take_doubtful().len() as u64, MOST_ROWS, "digits alone may be a payment's name");
        let pieces = found.into_pieces();
        assert!(pieces.iter().all(|piece| piece.len() < 512 * 1024));
        let read = |piece: &Bytes| serde_json::from_slice::<Vec<Row>>(piece).unwrap();
        let rows: Vec<Row> = pieces.iter().flat_map(read).collect();
        let side = Some(Side { amount: 5, state: "settled".into(), transaction: "t".into() });
        let (class, kind, reference) = ("missing_here".into(), "payment".into(), format!("{:020}", 77));
        assert_eq!(rows.len() as u64, MOST_ROWS);
        assert_eq!(rows[77], Row { class, kind, reference, theirs: side, line: 3, ..Row::default() });
    }

    #[test]
    fn only_money_that_the_provider_has_and_we_have_not_is_asked_about() {
        let payment = "0123456789abcdefghjk";
        let (amount, kind) = (Dong::new(5).unwrap(), LineKind::Refund);
        let ours = |money| OurLine { kind, reference: "r", payment, transaction: "", amount, money };
        let still = TheirLine { money: Money::Still, ..theirs("r") };
        for (class, ours, theirs, asked) in [
            (Class::DifferentState, Some(ours(Money::Open)), Some(theirs("r")), true),
            (Class::DifferentState, Some(ours(Money::Moved)), Some(still), false),
            (Class::MissingHere, None, Some(theirs(payment)), true),
            (Class::MissingHere, None, Some(theirs("another's")), false),
            (Class::MissingThere, Some(ours(Money::Moved)), None, false),
            (Class::DifferentAmount, Some(ours(Money::Moved)), Some(theirs("r")), false),
        ] {
            let mut found = Found::default();
            found.take(&Pair { class, ours, theirs });
            let wanted: Vec<PaymentId> = asked.then(|| payment.parse().unwrap()).into_iter().collect();
            assert_eq!(found.take_doubtful().into_iter().collect::<Vec<_>>(), wanted, "{class:?}");
        }
    }
}
