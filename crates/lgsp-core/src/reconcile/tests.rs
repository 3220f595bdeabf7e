//! A ledger beside a file, both of our own making: the lines and the run that all tests of it share.

mod midnight;
mod pairs;
mod partition;
mod random;
mod refused;

use lgsp_model::Dong;

use super::*;

/// A line with texts of its own: kind, reference, payment, transaction, amount, money, dated, line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Owned {
    kind: LineKind,
    reference: String,
    payment: String,
    transaction: String,
    amount: i64,
    money: Money,
    dated: Dated,
    line: u32,
}

impl Owned {
    fn payment(reference: &str, amount: i64, money: Money) -> Self {
        let (payment, transaction) = (reference.to_owned(), String::new());
        let (kind, dated, reference) = (LineKind::Payment, Dated::Asked, reference.to_owned());
        Self { kind, reference, payment, transaction, amount, money, dated, line: 0 }
    }

    fn refund(reference: &str, payment: &str, amount: i64, money: Money) -> Self {
        Self { kind: LineKind::Refund, payment: payment.to_owned(), ..Self::payment(reference, amount, money) }
    }

    fn ours(&self) -> OurLine<'_> {
        let Self { kind, reference, payment, transaction, money, .. } = self;
        let amount = Dong::new(self.amount).unwrap();
        OurLine { kind: *kind, reference, payment, transaction, amount, money: *money }
    }

    fn theirs(&self) -> TheirLine<'_> {
        let Self { kind, reference, transaction, money, dated, line, .. } = self;
        let amount = Dong::new(self.amount).unwrap();
        TheirLine { kind: *kind, reference, transaction, amount, money: *money, dated: *dated, line: *line }
    }
}

/// A pair: its class, our reference and the number of their line.
type Told = (Class, Option<String>, Option<u32>);

/// Lines beside the day that were told: our reference and their transaction.
type Beside = Vec<(String, String)>;

/// All that is told, and the summary.
fn run(names: RefundNames, ours: &[Owned], theirs: &[Owned]) -> Result<(Vec<Told>, Summary), StatementError> {
    run_beside(names, ours, &[], &[], theirs).map(|(told, _, summary)| (told, summary))
}

/// All that is told of the day, what is told of the days beside it, and the summary.
fn run_beside(
    names: RefundNames,
    ours: &[Owned],
    beside: &[Owned],
    elsewhere: &[(String, String)],
    theirs: &[Owned],
) -> Result<(Vec<Told>, Beside, Summary), StatementError> {
    let mut statement = Statement::new(names);
    for line in theirs {
        statement.push(&line.theirs())?;
    }
    let mut told = Vec::new();
    let mut tell = |pair: &Pair<'_>| {
        told.push((pair.class, pair.ours.map(|line| line.reference.to_owned()), pair.theirs.map(|line| line.line)));
    };
    let mut merge = Merge::new(statement)?;
    elsewhere.iter().for_each(|(reference, transaction)| merge.elsewhere(reference.clone(), transaction.clone()));
    let mut ours = ours.to_vec();
    ours.sort_by(|a, b| a.reference.cmp(&b.reference));
    for line in &ours {
        merge.ours(&line.ours(), &mut tell).unwrap();
    }
    let mut near = Vec::new();
    if merge.day_ended(&mut tell) {
        for line in beside {
            merge.beside(&line.ours(), &mut |pair| {
                tell(pair);
                near.push((line.reference.clone(), pair.theirs.unwrap().transaction.to_owned()));
            });
        }
    }
    let (summary, _) = merge.end(&mut tell);
    Ok((told, near, summary))
}

/// Numbers the lines as a file does.
fn numbered(mut lines: Vec<Owned>) -> Vec<Owned> {
    lines.iter_mut().zip(2..).for_each(|(line, number)| line.line = number);
    lines
}

fn of(transaction: &str, line: Owned) -> Owned {
    Owned { transaction: transaction.into(), ..line }
}

fn is_by_payment(names: RefundNames, line: &Owned) -> bool {
    (line.kind, names) == (LineKind::Refund, RefundNames::OfPayment)
}

/// What moved, signed.
fn sum(lines: &[Owned]) -> i64 {
    let moved = lines.iter().filter(|line| line.money == Money::Moved);
    moved.map(|line| if line.kind == LineKind::Refund { -line.amount } else { line.amount }).sum()
}
