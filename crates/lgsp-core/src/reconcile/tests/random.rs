//! Random lines of both sides, of few names so that they meet. What is proved of them stands beside it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

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
pub(super) fn side() -> impl Strategy<Value = Vec<Owned>> {
    some_lines().prop_map(|lines| each_once(lines, |line| line.reference.clone()))
}

/// Their side: each transaction of a name once.
pub(super) fn file(names: RefundNames) -> impl Strategy<Value = Vec<Owned>> {
    some_lines().prop_map(move |mut lines| {
        for line in lines.iter_mut().filter(|line| is_by_payment(names, line)) {
            line.reference.clone_from(&line.payment);
        }
        each_once(lines, |line| (line.kind, line.reference.clone(), line.transaction.clone()))
    })
}

pub(super) fn names() -> impl Strategy<Value = RefundNames> {
    prop_oneof![Just(RefundNames::Own), Just(RefundNames::OfPayment)]
}
