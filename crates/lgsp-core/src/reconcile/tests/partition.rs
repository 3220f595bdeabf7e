//! Random ledgers beside random files: the classes part what there is, and sums add up.

use proptest::prelude::*;

use super::random::{file, names, side};
use super::*;

fn agree(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
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
    fn a_ledger_beside_itself_has_no_difference(ours in side()) {
        let (_, summary) = run(RefundNames::Own, &ours, &ours).unwrap();
        prop_assert_eq!((summary.differing(), summary.difference()), (0, 0));
    }
}
