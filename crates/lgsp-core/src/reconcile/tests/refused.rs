//! What no day is compared with: lines that stand twice, names too long, and our lines out of order; and that a long file is read back.

use super::*;

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
