//! Cases of each class: which line is paired with which, and what the two sides add up to.

use super::*;

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
