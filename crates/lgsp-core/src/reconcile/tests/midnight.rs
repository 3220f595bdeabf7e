//! Money that we learnt of on the other side of midnight: compared once on each day it is no difference, and hides none.

use proptest::prelude::*;

use super::random::{names, side};
use super::*;

proptest! {
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
