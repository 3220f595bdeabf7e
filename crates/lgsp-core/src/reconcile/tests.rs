//! Random ledgers beside random files: the classes part what there is, sums add up, and cases of each class.

use std::collections::BTreeMap;

use lgsp_model::Dong;
use proptest::prelude::*;

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

type Told = (Class, Option<String>, Option<u32>);

/// All that is told, and the summary.
fn run(names: RefundNames, ours: &[Owned], theirs: &[Owned]) -> Result<(Vec<Told>, Summary), StatementError> {
    let mut statement = Statement::new(names);
    for line in theirs {
        statement.push(&line.theirs())?;
    }
    let mut told = Vec::new();
    let mut tell = |pair: &Pair<'_>| {
        told.push((pair.class, pair.ours.map(|line| line.reference.to_owned()), pair.theirs.map(|line| line.line)));
    };
    let mut merge = Merge::new(statement)?;
    let mut ours = ours.to_vec();
    ours.sort_by(|a, b| a.reference.cmp(&b.reference));
    for line in &ours {
        merge.ours(&line.ours(), &mut tell).unwrap();
    }
    let (summary, _) = merge.end(&mut tell);
    Ok((told, summary))
}

/// Numbers the lines as a file does.
fn numbered(mut lines: Vec<Owned>) -> Vec<Owned> {
    lines.iter_mut().zip(2..).for_each(|(line, number)| line.line = number);
    lines
}

#[test]
fn each_class_has_its_cases() {
    use Class::{DifferentAmount, DifferentState, Matched, MissingHere, MissingThere, NotMoved, OtherDay};
    use Money::{Moved, Open, Still};
    let other = |line: Owned| Owned { dated: Dated::Other, ..line };
    let line = |amount, money| Owned::payment("a", amount, money);
    for (ours, theirs, class, sums) in [
        (Some(line(5, Moved)), Some(line(5, Moved)), Matched, (5, 5)),
        (Some(line(5, Moved)), Some(other(line(5, Moved))), Matched, (5, 5)),
        (Some(line(5, Moved)), Some(line(7, Moved)), DifferentAmount, (5, 7)),
        (Some(line(5, Open)), Some(line(5, Moved)), DifferentState, (0, 5)),
        (Some(line(5, Still)), Some(line(7, Moved)), DifferentState, (0, 7)),
        (Some(line(5, Moved)), Some(line(5, Still)), DifferentState, (5, 0)),
        (Some(line(5, Moved)), Some(line(5, Open)), DifferentState, (5, 0)),
        (Some(line(5, Open)), Some(line(5, Still)), NotMoved, (0, 0)),
        (Some(line(5, Still)), None, NotMoved, (0, 0)),
        (Some(line(5, Open)), None, NotMoved, (0, 0)),
        (None, Some(line(5, Still)), NotMoved, (0, 0)),
        (Some(line(5, Moved)), None, MissingThere, (5, 0)),
        (None, Some(line(5, Moved)), MissingHere, (0, 5)),
        (None, Some(other(line(5, Moved))), OtherDay, (0, 5)),
    ] {
        let (ours, theirs): (Vec<_>, Vec<_>) = (ours.into_iter().collect(), theirs.into_iter().collect());
        let (told, summary) = run(RefundNames::Own, &ours, &theirs).unwrap();
        assert_eq!(told.len(), 1, "{ours:?} {theirs:?}");
        assert_eq!(told[0].0, class, "{ours:?} {theirs:?}");
        assert_eq!(summary.of(class), Sums { lines: 1, ours: sums.0, theirs: sums.1 }, "{ours:?} {theirs:?}");
        assert_eq!(summary.difference(), sums.1 - sums.0);
        assert_eq!(summary.differing(), u64::from(class.differs()));
    }
}

#[test]
fn a_refund_counts_against_what_was_paid_and_is_no_payment() {
    let ours = [Owned::payment("a", 50, Money::Moved), Owned::refund("b", "a", 20, Money::Moved)];
    let theirs = numbered(vec![Owned::payment("a", 50, Money::Moved), Owned::payment("b", 20, Money::Moved)]);
    let (told, summary) = run(RefundNames::Own, &ours, &theirs).unwrap();
    assert_eq!(
        told.iter().map(|told| told.0).collect::<Vec<_>>(),
        [Class::Matched, Class::MissingThere, Class::MissingHere]
    );
    assert_eq!((summary.total().ours, summary.total().theirs, summary.difference()), (30, 70, 40));
}

#[test]
fn differences_that_cancel_each_other_out_are_differences() {
    let theirs = numbered(vec![Owned::payment("b", 50, Money::Moved)]);
    let (_, summary) = run(RefundNames::Own, &[Owned::payment("a", 50, Money::Moved)], &theirs).unwrap();
    assert_eq!((summary.difference(), summary.differing()), (0, 2));
}

#[test]
fn refunds_known_by_their_payment_are_told_apart_by_amount() {
    use Money::{Moved, Open};
    let ours = [
        Owned::refund("r1", "p", 10, Moved),
        Owned::refund("r2", "p", 10, Open),
        Owned::refund("r3", "p", 30, Moved),
        Owned::refund("r4", "q", 5, Moved),
    ];
    let of = |payment: &str, amount, money| Owned::refund(payment, payment, amount, money);
    let theirs = numbered(vec![of("p", 40, Moved), of("p", 10, Moved), of("o", 5, Moved)]);
    let (mut told, _) = run(RefundNames::OfPayment, &ours, &theirs).unwrap();
    told.sort();
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(
        told,
        [
            (Class::Matched, name("r1"), Some(3)),
            (Class::NotMoved, name("r2"), None),
            (Class::MissingHere, None, Some(4)),
            (Class::MissingThere, name("r4"), None),
            (Class::DifferentAmount, name("r3"), Some(2)),
        ]
    );
}

fn of(transaction: &str, line: Owned) -> Owned {
    Owned { transaction: transaction.into(), ..line }
}

#[test]
fn a_line_that_stands_there_twice_is_refused_with_both_places() {
    use Money::{Moved, Still};
    let twice = |first, again| Err(StatementError::Twice { first, again });
    let paid = |name: &str, transaction: &str, money| of(transaction, Owned::payment(name, 5, money));
    let refund = |transaction: &str| of(transaction, Owned::refund("p", "p", 5, Moved));
    let both = [RefundNames::Own, RefundNames::OfPayment];
    for (names, theirs, result) in [
        (&both[..], vec![paid("b", "x", Moved), paid("a", "x", Moved), paid("b", "x", Moved)], twice(2, 4)),
        (&both, vec![paid("b", "", Moved), paid("a", "", Moved), paid("b", "", Moved)], twice(2, 4)),
        (&both, vec![paid("b", "x", Still), paid("b", "y", Moved), paid("b", "x", Moved)], twice(2, 4)),
        (&both, vec![paid("b", "", Still), paid("b", "", Moved), paid("b", "", Still)], Ok(())),
        (&both, vec![paid("b", "0", Still), paid("b", "0", Still), paid("b", "x", Moved)], Ok(())),
        (&both, vec![paid("b", "x", Moved), paid("b", "y", Moved), paid("b", "", Moved)], Ok(())),
        (&both, vec![refund("x"), refund("y"), refund("x")], twice(2, 4)),
        (&both, vec![refund("x"), refund("y"), paid("p", "x", Moved)], Ok(())),
        (&both[..1], vec![refund("x"), refund(""), refund("")], twice(3, 4)),
        (&both[1..], vec![refund("x"), refund(""), refund("")], Ok(())),
    ] {
        let theirs = numbered(theirs);
        for names in names {
            assert_eq!(run(*names, &[], &theirs).map(drop), result, "{names:?} {theirs:?}");
        }
    }
}

#[test]
fn what_is_paid_again_under_the_same_name_is_missing_here_and_the_day_is_compared() {
    use Money::{Moved, Open, Still};
    let ours = |transaction: &str, money| of(transaction, Owned::payment("a", 5, money));
    let theirs = |transaction: &str, amount, money| of(transaction, Owned::payment("a", amount, money));
    // Ours, theirs, the line that is paired and what the two say, and the classes of all others.
    for (our, file, paired, others) in [
        (ours("y", Moved), vec![theirs("x", 5, Moved), theirs("y", 5, Moved)], (3, Class::Matched), Class::MissingHere),
        (
            ours("y", Moved),
            vec![theirs("x", 5, Moved), theirs("y", 7, Moved)],
            (3, Class::DifferentAmount),
            Class::MissingHere,
        ),
        (
            ours("y", Moved),
            vec![theirs("x", 5, Moved), theirs("y", 5, Still)],
            (3, Class::DifferentState),
            Class::MissingHere,
        ),
        (ours("", Moved), vec![theirs("x", 7, Moved), theirs("y", 5, Moved)], (3, Class::Matched), Class::MissingHere),
        (ours("z", Moved), vec![theirs("x", 5, Moved), theirs("y", 5, Moved)], (2, Class::Matched), Class::MissingHere),
        (
            ours("", Open),
            vec![theirs("", 5, Still), theirs("y", 5, Moved)],
            (3, Class::DifferentState),
            Class::NotMoved,
        ),
        (ours("", Still), vec![theirs("x", 5, Still), theirs("y", 5, Still)], (2, Class::NotMoved), Class::NotMoved),
    ] {
        let file = numbered(file);
        let (told, summary) = run(RefundNames::Own, std::slice::from_ref(&our), &file).unwrap();
        for (class, of_ours, line) in &told {
            let expected = if of_ours.is_some() { (Some(paired.0), paired.1) } else { (*line, others) };
            assert_eq!((*line, *class), expected, "{our:?} {file:?}");
        }
        assert_eq!((told.len(), summary.total().theirs), (2, sum(&file)), "{our:?} {file:?}");
    }
}

#[test]
fn our_lines_out_of_order_are_noticed() {
    let mut merge = Merge::new(Statement::new(RefundNames::Own)).unwrap();
    let [a, b] = ["a", "b"].map(|name| Owned::payment(name, 5, Money::Moved));
    merge.ours(&b.ours(), &mut |_| ()).unwrap();
    assert_eq!(merge.ours(&a.ours(), &mut |_| ()), Err(MergeError::OutOfOrder));
    assert_eq!(merge.ours(&b.ours(), &mut |_| ()), Err(MergeError::OutOfOrder));
}

#[test]
fn names_longer_than_a_block_holds_are_refused_and_many_blocks_are_read_back() {
    let mut statement = Statement::new(RefundNames::Own);
    let long = Owned::payment(&"x".repeat(256), 5, Money::Moved);
    assert_eq!(statement.push(&long.theirs()), Err(StatementError::TooLong));
    let name = |n: u32| format!("{:0>200}", n * 7919 % 20_011);
    for n in 0..20_000 {
        statement.push(&Owned { line: n, ..Owned::payment(&name(n), i64::from(n), Money::Moved) }.theirs()).unwrap();
    }
    let mut seen = Vec::new();
    Merge::new(statement).unwrap().end(&mut |pair| {
        let line = pair.theirs.unwrap();
        assert_eq!((line.reference, line.amount.get()), (name(line.line).as_str(), i64::from(line.line)));
        seen.push(line.reference.to_owned());
    });
    assert!(seen.len() == 20_000 && seen.is_sorted());
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![Just(Money::Open), Just(Money::Moved), Just(Money::Still)]
}

/// A side: few names, so that both sides meet, some of them alike in their first eight bytes.
fn side() -> impl Strategy<Value = Vec<Owned>> {
    let name = prop_oneof!["[ab]{1,2}", "same-beginning-[abc]{1,2}"];
    let dated = prop_oneof![3 => Just(Dated::Asked), 1 => Just(Dated::Other)];
    let line = (any::<bool>(), name, "[pq]", 1..4i64, money(), dated).prop_map(
        |(refund, name, payment, amount, money, dated)| {
            let line = if refund {
                Owned::refund(&format!("r{name}"), &payment, amount, money)
            } else {
                Owned::payment(&format!("p{name}"), amount, money)
            };
            Owned { dated, ..line }
        },
    );
    proptest::collection::vec(line, 0..24).prop_map(|lines| {
        let by_name: BTreeMap<_, _> = lines.into_iter().map(|line| (line.reference.clone(), line)).collect();
        numbered(by_name.into_values().rev().collect())
    })
}

/// What moved, signed.
fn sum(lines: &[Owned]) -> i64 {
    let moved = lines.iter().filter(|line| line.money == Money::Moved);
    moved.map(|line| if line.kind == LineKind::Refund { -line.amount } else { line.amount }).sum()
}

proptest! {
    #[test]
    fn classes_part_the_union_and_sums_add_up(ours in side(), theirs in side(), of_payment in any::<bool>()) {
        let names = if of_payment { RefundNames::OfPayment } else { RefundNames::Own };
        let theirs: Vec<Owned> = theirs.into_iter().map(|mut line| {
            if of_payment && line.kind == LineKind::Refund {
                line.reference = line.payment.clone();
            }
            line
        }).collect();
        let (told, summary) = run(names, &ours, &theirs).unwrap();
        // Every line of either side is in one pair.
        let mut of_ours: Vec<_> = told.iter().filter_map(|told| told.1.clone()).collect();
        let mut of_theirs: Vec<_> = told.iter().filter_map(|told| told.2).collect();
        of_ours.sort();
        of_theirs.sort_unstable();
        prop_assert_eq!(of_ours, ours.iter().map(|line| line.reference.clone()).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(of_theirs, (2..2 + theirs.len() as u32).collect::<Vec<_>>());
        // The summary counts what was told.
        for class in Class::ALL {
            prop_assert_eq!(summary.of(*class).lines, told.iter().filter(|told| told.0 == *class).count() as u64);
        }
        prop_assert_eq!(summary.total(), Sums { lines: told.len() as u64, ours: sum(&ours), theirs: sum(&theirs) });
        prop_assert_eq!(summary.difference(), sum(&theirs) - sum(&ours));
        let matched = summary.of(Class::Matched);
        prop_assert_eq!(matched.ours, matched.theirs);
        prop_assert_eq!(summary.of(Class::NotMoved), Sums { lines: summary.of(Class::NotMoved).lines, ours: 0, theirs: 0 });
        if summary.differing() == 0 {
            prop_assert_eq!(summary.difference(), 0);
        }
        // What both name by itself is paired, and judged as the two lines say.
        for line in ours.iter().filter(|line| line.kind == LineKind::Payment || !of_payment) {
            let there = theirs.iter().find(|other| (other.kind, &other.reference) == (line.kind, &line.reference));
            let pair = told.iter().find(|told| told.1.as_ref() == Some(&line.reference)).unwrap();
            prop_assert_eq!(pair.2, there.map(|other| other.line));
            prop_assert_eq!(pair.0, judge(Some(&line.ours()), there.map(Owned::theirs).as_ref()));
        }
    }

    #[test]
    fn a_ledger_beside_itself_has_no_difference(ours in side()) {
        let (_, summary) = run(RefundNames::Own, &ours, &ours).unwrap();
        prop_assert_eq!((summary.differing(), summary.difference()), (0, 0));
    }
}
