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
    run_beside(names, ours, &[], &[], theirs).map(|(told, _, summary)| (told, summary))
}

/// All that is told of the day, what is told of the days beside it (our reference and their transaction), and the summary.
type Beside = Vec<(String, String)>;
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

/// Lines of few names, so that both sides meet, some of them alike in their first eight bytes.
fn some_lines() -> impl Strategy<Value = Vec<Owned>> {
    let name = prop_oneof!["[ab]{1,2}", "same-beginning-[abc]{1,2}"];
    let dated = prop_oneof![3 => Just(Dated::Asked), 1 => Just(Dated::Other)];
    let line = (any::<bool>(), name, "[pq]", "[xy]?", 1..4i64, money(), dated).prop_map(
        |(refund, name, payment, transaction, amount, money, dated)| {
            let line = if refund {
                Owned::refund(&format!("r{name}"), &payment, amount, money)
            } else {
                Owned::payment(&format!("p{name}"), amount, money)
            };
            Owned { dated, transaction, ..line }
        },
    );
    proptest::collection::vec(line, 0..24)
}

fn each_once<K: Ord>(lines: Vec<Owned>, name: impl Fn(&Owned) -> K) -> Vec<Owned> {
    let by_name: BTreeMap<_, _> = lines.into_iter().map(|line| (name(&line), line)).collect();
    numbered(by_name.into_values().rev().collect())
}

/// Our side: each name once.
fn side() -> impl Strategy<Value = Vec<Owned>> {
    some_lines().prop_map(|lines| each_once(lines, |line| line.reference.clone()))
}

/// Their side: each transaction of a name once.
fn file(names: RefundNames) -> impl Strategy<Value = Vec<Owned>> {
    some_lines().prop_map(move |mut lines| {
        for line in lines.iter_mut().filter(|line| is_by_payment(names, line)) {
            line.reference.clone_from(&line.payment);
        }
        each_once(lines, |line| (line.kind, line.reference.clone(), line.transaction.clone()))
    })
}

fn is_by_payment(names: RefundNames, line: &Owned) -> bool {
    (line.kind, names) == (LineKind::Refund, RefundNames::OfPayment)
}

fn names() -> impl Strategy<Value = RefundNames> {
    prop_oneof![Just(RefundNames::Own), Just(RefundNames::OfPayment)]
}

fn agree(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

/// What moved, signed.
fn sum(lines: &[Owned]) -> i64 {
    let moved = lines.iter().filter(|line| line.money == Money::Moved);
    moved.map(|line| if line.kind == LineKind::Refund { -line.amount } else { line.amount }).sum()
}

fn references(lines: &[Owned]) -> Vec<String> {
    let mut references: Vec<_> = lines.iter().map(|line| line.reference.clone()).collect();
    references.sort();
    references
}

proptest! {
    #[test]
    fn classes_part_the_union_and_sums_add_up(
        (names, theirs) in names().prop_flat_map(|names| (Just(names), file(names))),
        ours in side(), beside in side(), known in proptest::collection::btree_map("p[ab]|r[ab]", "[xy]?", 0..3),
    ) {
        // A line of ours has one day.
        let beside: Vec<_> = beside.into_iter().filter(|line| !references(&ours).contains(&line.reference)).collect();
        let elsewhere: Vec<_> = known.clone().into_iter().collect();
        let (told, near, summary) = run_beside(names, &ours, &beside, &elsewhere, &theirs).unwrap();
        // Every line of the day is in one pair, and so is every line of theirs; lines beside the day are when theirs have them.
        let mut of_ours: Vec<_> = told.iter().filter_map(|told| told.1.clone()).collect();
        let mut of_theirs: Vec<_> = told.iter().filter_map(|told| told.2).collect();
        of_ours.sort();
        of_theirs.sort_unstable();
        let mut expected = references(&ours);
        expected.extend(near.iter().map(|(reference, _)| reference.clone()));
        expected.sort();
        prop_assert_eq!(of_ours, expected);
        prop_assert_eq!(of_theirs, (2..2 + theirs.len() as u32).collect::<Vec<_>>());
        // The summary counts what was told: the money of a line that another day's file has is counted there.
        for class in Class::ALL {
            prop_assert_eq!(summary.of(*class).lines, told.iter().filter(|told| told.0 == *class).count() as u64);
        }
        let line_of = |name: &String| ours.iter().chain(&beside).find(|line| line.reference == *name).unwrap().clone();
        let of_other_files = |told: &&Told| told.0 == Class::NearMidnight && told.2.is_none();
        let other_files: Vec<_> = told.iter().filter(of_other_files).filter_map(|told| told.1.as_ref().map(line_of)).collect();
        let of_beside: Vec<_> = near.iter().map(|(reference, _)| line_of(reference)).collect();
        let all_ours = sum(&ours) - sum(&other_files) + sum(&of_beside);
        prop_assert_eq!(summary.total(), Sums { lines: told.len() as u64, ours: all_ours, theirs: sum(&theirs) });
        for class in [Class::Matched, Class::NearMidnight] {
            prop_assert_eq!(summary.of(class).ours, summary.of(class).theirs);
        }
        prop_assert_eq!(summary.of(Class::NotMoved), Sums { lines: summary.of(Class::NotMoved).lines, ours: 0, theirs: 0 });
        if summary.differing() == 0 {
            prop_assert_eq!(summary.difference(), 0);
        }
        for (class, reference, line) in &told {
            let their = line.map(|line| theirs.iter().find(|other| other.line == line).unwrap());
            let our = reference.as_ref().map(line_of);
            match (class, &our, their) {
                (Class::NearMidnight, Some(our), Some(their)) => {
                    prop_assert!(beside.contains(our) && agree(&our.transaction, &their.transaction));
                    prop_assert_eq!((our.money, their.money, our.amount), (Money::Moved, Money::Moved, their.amount));
                }
                (Class::NearMidnight, Some(our), None) => prop_assert!(known.contains_key(&our.reference)),
                _ => prop_assert_eq!(*class, judge(our.as_ref().map(Owned::ours).as_ref(), their.map(Owned::theirs).as_ref())),
            }
            let Some(our) = our.filter(|our| ours.contains(our) && !is_by_payment(names, our)) else { continue };
            // What both name by itself is paired, with the transaction that ours has where there is one.
            let known = known.get(&our.reference).filter(|_| our.money == Money::Moved);
            let named: Vec<_> = theirs.iter().filter(|other| {
                (other.kind, &other.reference) == (our.kind, &our.reference)
                    && known.is_none_or(|known| !known.is_empty() && *known == other.transaction)
            }).collect();
            prop_assert_eq!(their.is_some(), !named.is_empty());
            let same = named.iter().find(|other| !our.transaction.is_empty() && other.transaction == our.transaction);
            prop_assert!(same.is_none_or(|same| their == Some(*same)));
        }
        // No line beside the day is left that money of theirs fits which is left.
        for our in beside.iter().filter(|our| our.money == Money::Moved && !of_beside.contains(our)) {
            let name = if is_by_payment(names, our) { &our.payment } else { &our.reference };
            let left = told.iter().filter(|told| told.1.is_none()).filter_map(|told| told.2);
            let mut left = left.map(|line| theirs.iter().find(|other| other.line == line).unwrap());
            let fits = left.any(|other| {
                (other.kind, &other.reference, other.amount, other.money) == (our.kind, name, our.amount, Money::Moved)
                    && agree(&our.transaction, &other.transaction)
            });
            prop_assert!(!fits);
        }
    }

    #[test]
    fn what_was_learnt_of_on_the_other_side_of_midnight_is_no_difference(
        lines in side(), days in proptest::collection::vec((any::<bool>(), any::<bool>()), 24), names in names(),
    ) {
        let lines: Vec<_> = lines.into_iter().map(|line| Owned { money: Money::Moved, dated: Dated::Asked, ..line }).collect();
        let of = |wanted: bool, day: fn(&(bool, bool)) -> bool| -> Vec<Owned> {
            lines.iter().zip(&days).filter(|(_, days)| day(days) == wanted).map(|(line, _)| line.clone()).collect()
        };
        let (first, second) = (of(false, |days| days.0), of(true, |days| days.0));
        // Every refund is a transaction of its own; a payment's name is enough.
        let file = |wanted| -> Vec<Owned> {
            let own = |mut line: Owned| {
                if is_by_payment(names, &line) {
                    line.transaction = std::mem::replace(&mut line.reference, line.payment.clone());
                }
                line
            };
            numbered(of(wanted, |days| days.1).into_iter().map(own).collect())
        };
        let learnt = |lines: &[Owned]| -> Vec<Owned> {
            let own = |line: &Owned| Owned {
                transaction: if is_by_payment(names, line) { line.reference.clone() } else { line.transaction.clone() },
                ..line.clone()
            };
            lines.iter().map(own).collect()
        };
        let (first, second) = (learnt(&first), learnt(&second));
        // The day is compared, then the next one, then the day again.
        let (_, near_first, _) = run_beside(names, &first, &second, &[], &file(false)).unwrap();
        let (_, near_second, of_second) = run_beside(names, &second, &first, &near_first, &file(true)).unwrap();
        let (_, _, of_first) = run_beside(names, &first, &second, &near_second, &file(false)).unwrap();
        if names == RefundNames::Own {
            prop_assert_eq!((of_first.differing(), of_second.differing()), (0, 0));
            prop_assert_eq!(of_first.total().ours + of_second.total().ours, sum(&lines));
        }
        for summary in [of_first, of_second] {
            prop_assert!(summary.differing() > 0 || summary.difference() == 0);
        }
    }

    #[test]
    fn a_ledger_beside_itself_has_no_difference(ours in side()) {
        let (_, summary) = run(RefundNames::Own, &ours, &ours).unwrap();
        prop_assert_eq!((summary.differing(), summary.difference()), (0, 0));
    }
}

#[test]
fn a_doubled_credit_is_not_hidden_by_midnight() {
    let line = |transaction: &str| of(transaction, Owned::payment("a", 5, Money::Moved));
    let file = |transaction: &str| numbered(vec![line(transaction)]);
    let names = RefundNames::Own;
    let (_, near, summary) = run_beside(names, &[], &[line("x")], &[], &file("x")).unwrap();
    assert_eq!((near.len(), summary.differing()), (1, 0));
    // The file of the day on which we learnt of it has the reference again.
    let (_, _, summary) = run_beside(names, &[line("x")], &[], &near, &file("y")).unwrap();
    assert_eq!((summary.of(Class::NearMidnight).lines, summary.of(Class::MissingHere).lines), (1, 1));
    // Another transaction, or another amount, of a line beside the day is not that line.
    let other = Owned { amount: 6, ..line("x") };
    for beside in [line("y"), other] {
        let (_, near, summary) = run_beside(names, &[], &[beside], &[], &file("x")).unwrap();
        assert_eq!((near.len(), summary.of(Class::MissingHere).lines), (0, 1));
    }
}
