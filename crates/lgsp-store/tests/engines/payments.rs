//! Payments: what the trait promises of a change, of names, of what is due and of the ledger.

use bytes::Bytes;
use lgsp_model::{AgencyGrant, Dong, EventKind, PaymentId, Seq, Timestamp};
use lgsp_store::{
    Appended, DurableStore, LEDGER_AT_ONCE, LedgerKind, LedgerLine, LedgerState, NewEvent, PAYMENT_PARTS,
    PAYMENT_TEXT_BYTES, PAYMENTS_AT_ONCE, PaymentChange, PaymentChanged, PaymentEntry, PaymentName, ReadFilter,
    StoreError, Subject,
};

use super::messages::{NOW, WHOLE, append, code, everything, key, message, of_kinds, read_all, record};

pub const DAY: u32 = 20_261_122;

pub fn id(n: u64) -> PaymentId {
    format!("{n:020}").parse().unwrap()
}

pub fn name(text: &str) -> PaymentName {
    PaymentName::new("transaction", &["vnpay", text]).unwrap()
}

pub fn amount(dong: i64) -> Dong {
    Dong::new(dong).unwrap()
}

/// A line of a payment that is not settled yet.
pub fn line(payment: u64, reference: &str) -> LedgerLine {
    LedgerLine {
        provider: "vnpay".into(),
        day: DAY,
        reference: reference.into(),
        kind: LedgerKind::Payment,
        amount: amount(50_000),
        state: LedgerState::Open,
        transaction: None,
        payment: id(payment),
    }
}

/// A payment of dossier `payment` that nothing is known of but its record.
pub fn new_payment(payment: u64, record: &str) -> PaymentChange {
    PaymentChange {
        id: id(payment),
        after: None,
        record: Bytes::from(record.to_owned()),
        evidence: Vec::new(),
        names: Vec::new(),
        ledger: Vec::new(),
        due: None,
        dossier: code(payment),
        agency: code(payment).agency(),
        sender: "one-stop-h11".parse().unwrap(),
        at: NOW,
        trace: [6; 16],
    }
}

pub fn later(payment: u64, after: u64, record: &str) -> PaymentChange {
    PaymentChange { after: Some(Seq(after)), ..new_payment(payment, record) }
}

pub async fn stored(store: &dyn DurableStore, change: PaymentChange) -> Seq {
    match store.change_payment(change).await.unwrap() {
        PaymentChanged::Stored(seq) => seq,
        other => panic!("{other:?}"),
    }
}

fn entry(payment: u64, seq: u64, record: &str) -> PaymentEntry {
    let PaymentChange { id, due, dossier, agency, sender, record, .. } = new_payment(payment, record);
    PaymentEntry { id, seq: Seq(seq), due, dossier, agency, sender, record }
}

pub async fn ledger(store: &dyn DurableStore, day: u32) -> Vec<LedgerLine> {
    store.ledger("vnpay".into(), day, String::new(), 1_000).await.unwrap()
}

pub async fn a_payment_its_evidence_names_and_lines_are_one_change(store: &dyn DurableStore) {
    append(store, record(1, lgsp_model::Status::New, 1)).await;
    let open = PaymentChange {
        names: vec![name("reference")],
        ledger: vec![line(1, "a")],
        due: Some(NOW.plus_millis(9)),
        ..new_payment(1, "created")
    };
    assert_eq!(stored(store, open).await, Seq(2));
    let due = PaymentEntry { due: Some(NOW.plus_millis(9)), ..entry(1, 2, "created") };
    assert_eq!(store.payment(id(1)).await.unwrap(), Some(due));
    let paid = LedgerLine { state: LedgerState::Settled, transaction: Some("14422574".into()), ..line(1, "a") };
    let second = PaymentChange {
        evidence: vec![Bytes::from_static(b"\xffvnp_Amount=5000000"), Bytes::from_static(b"{}")],
        names: vec![name("14422574"), name("reference"), name("14422574")],
        ledger: vec![paid.clone()],
        ..later(1, 2, "paid")
    };
    assert_eq!(stored(store, second).await, Seq(5));
    assert_eq!(*store.head().borrow(), Seq(5));
    assert_eq!(store.payment(id(1)).await.unwrap(), Some(entry(1, 5, "paid")));
    for known in ["reference", "14422574"] {
        assert_eq!(store.payment_named(name(known)).await.unwrap(), Some(entry(1, 5, "paid")), "{known}");
    }
    assert_eq!(store.payment_named(name("14422575")).await.unwrap(), None);
    assert_eq!(store.payment(id(2)).await.unwrap(), None);
    assert_eq!(ledger(store, DAY).await, [paid]);
    let events = read_all(store, &of_kinds(&[EventKind::Payment, EventKind::Evidence]), WHOLE).await;
    let seen: Vec<_> = events.iter().map(|e| (e.seq.0, e.kind, e.previous, e.payload.as_deref())).collect();
    let expected = [
        (2, EventKind::Payment, None, Some(&b"created"[..])),
        (3, EventKind::Evidence, None, Some(b"\xffvnp_Amount=5000000")),
        (4, EventKind::Evidence, None, Some(b"{}")),
        (5, EventKind::Payment, Some(Seq(2)), Some(b"paid")),
    ];
    assert_eq!(seen, expected);
    for event in &events {
        assert_eq!((event.key.as_str(), event.agency.as_str()), (code(1).as_str(), code(1).agency().as_str()));
        assert_eq!((event.sender.as_str(), event.at, event.trace), ("one-stop-h11", NOW, [6; 16]));
    }
    assert_eq!(store.dossier(code(1)).await.unwrap().unwrap().last, Some(Seq(1)), "the dossier did not move");
    assert_eq!(store.history(code(1), 10).await.unwrap().len(), 1);
}

pub async fn a_change_that_was_decided_on_another_version_is_stale_and_stores_nothing(store: &dyn DurableStore) {
    let loud = |change: PaymentChange| PaymentChange {
        names: vec![name("never")],
        ledger: vec![LedgerLine { payment: change.id.clone(), ..line(1, "never") }],
        evidence: vec![Bytes::from_static(b"never")],
        ..change
    };
    stored(store, new_payment(1, "created")).await;
    stored(store, later(1, 1, "pending")).await;
    stored(store, new_payment(2, "created")).await;
    for stale in [new_payment(1, "x"), later(1, 1, "x"), later(1, 3, "x"), later(1, u64::MAX, "x"), later(3, 1, "x")] {
        assert_eq!(store.change_payment(loud(stale.clone())).await, Ok(PaymentChanged::Stale), "{stale:?}");
    }
    assert_eq!(*store.head().borrow(), Seq(3));
    assert_eq!(store.payment(id(1)).await.unwrap(), Some(entry(1, 2, "pending")));
    assert_eq!(store.payment(id(3)).await.unwrap(), None);
    assert_eq!(store.payment_named(name("never")).await.unwrap(), None);
    assert_eq!(ledger(store, DAY).await, []);
}

pub async fn a_name_leads_to_one_payment_for_ever(store: &dyn DurableStore) {
    stored(store, PaymentChange { names: vec![name("n")], ledger: vec![line(1, "r")], ..new_payment(1, "a") }).await;
    stored(store, later(1, 1, "b")).await;
    let second = |names: &[&str], lines: &[&str]| PaymentChange {
        names: names.iter().map(|text| name(text)).collect(),
        ledger: lines.iter().map(|reference| line(2, reference)).collect(),
        evidence: vec![Bytes::from_static(b"never")],
        ..new_payment(2, "c")
    };
    for taken in [second(&["free", "n"], &[]), second(&["free"], &["free", "r"])] {
        assert_eq!(store.change_payment(taken.clone()).await, Ok(PaymentChanged::Taken(id(1))), "{taken:?}");
    }
    assert_eq!((*store.head().borrow(), store.payment(id(2)).await.unwrap()), (Seq(2), None));
    assert_eq!(store.payment_named(name("free")).await.unwrap(), None);
    assert_eq!(ledger(store, DAY).await, [line(1, "r")]);
    assert_eq!(store.payment_named(name("n")).await.unwrap(), Some(entry(1, 2, "b")));
    let elsewhere = LedgerLine { provider: "momo".into(), ..line(2, "r") };
    let other = PaymentChange { names: vec![name("m")], ledger: vec![elsewhere], ..new_payment(2, "c") };
    assert_eq!(stored(store, other).await, Seq(3));
}

pub async fn what_is_due_comes_earliest_first_and_may_wait_without_an_event(store: &dyn DurableStore) {
    let at = |millis| Some(NOW.plus_millis(millis));
    for (payment, due) in [(1, at(30)), (2, at(10)), (3, None), (4, at(20)), (5, at(10))] {
        stored(store, PaymentChange { due, ..new_payment(payment, "x") }).await;
    }
    let due = |until: i64, limit: usize| async move {
        let entries = store.payments_due(Timestamp(0)..=NOW.plus_millis(until), limit).await.unwrap();
        entries.into_iter().map(|entry| entry.seq.0).collect::<Vec<_>>()
    };
    assert_eq!((due(9, 9).await, due(10, 9).await, due(99, 9).await), (vec![], vec![2, 5], vec![2, 5, 4, 1]));
    assert_eq!((due(99, 3).await, due(99, 0).await), (vec![2, 5, 4], vec![]));
    assert_eq!(store.postpone_payment(id(2), Seq(2), at(40)).await, Ok(true));
    assert_eq!(store.postpone_payment(id(5), Seq(5), None).await, Ok(true));
    assert_eq!(due(99, 9).await, [4, 1, 2]);
    for (payment, after) in [(4, 3), (4, u64::MAX), (9, 1)] {
        assert_eq!(store.postpone_payment(id(payment), Seq(after), None).await, Ok(false), "{payment} {after}");
    }
    assert_eq!(stored(store, PaymentChange { due: at(1), ..later(5, 5, "y") }).await, Seq(6));
    assert_eq!(store.postpone_payment(id(5), Seq(5), None).await, Ok(false), "it changed meanwhile");
    assert_eq!(due(99, 9).await, [6, 4, 1, 2]);
    assert_eq!(*store.head().borrow(), Seq(6));
    assert_eq!(store.payment(id(2)).await.unwrap().unwrap().due, at(40));
}

pub async fn a_dossiers_payments_come_newest_first(store: &dyn DurableStore) {
    let of_first = |payment: u64| PaymentChange { dossier: code(1), ..new_payment(payment, "x") };
    for change in [of_first(7), of_first(3), new_payment(2, "x"), of_first(5)] {
        stored(store, change).await;
    }
    stored(store, PaymentChange { after: Some(Seq(1)), ..of_first(7) }).await;
    let of = |dossier: u64, limit: usize| async move {
        let entries = store.payments_of(code(dossier), limit).await.unwrap();
        entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(of(1, 10).await, [id(5), id(3), id(7)]);
    assert_eq!(of(1, 2).await, [id(5), id(3)]);
    assert_eq!(of(2, usize::MAX).await, [id(2)]);
    assert_eq!(of(3, 10).await, []);
}

pub async fn the_ledger_is_read_in_the_order_of_references_and_a_line_may_move_to_another_day(
    store: &dyn DurableStore,
) {
    let references = ["", "A", "a", "a.b", "b", "ơ"];
    for (reference, n) in references.iter().zip(1..).skip(1) {
        stored(store, PaymentChange { ledger: vec![line(n, reference)], ..new_payment(n, "x") }).await;
    }
    let page = |day: u32, after: &str, limit: usize| {
        let asked = store.ledger("vnpay".into(), day, after.to_owned(), limit);
        async move { asked.await.unwrap().into_iter().map(|line| line.reference).collect::<Vec<_>>() }
    };
    assert_eq!(page(DAY, "", 2).await, ["A", "a"]);
    assert_eq!(page(DAY, "a", 2).await, ["a.b", "b"]);
    assert_eq!(page(DAY, "b", usize::MAX).await, ["ơ"]);
    assert_eq!(page(DAY, "ơ", 2).await, [""; 0]);
    let refund = LedgerLine { kind: LedgerKind::Refund, amount: amount(1), reference: "z".into(), ..line(2, "A") };
    let moved = LedgerLine { day: DAY + 1, state: LedgerState::Void, ..line(2, "A") };
    stored(store, PaymentChange { ledger: vec![refund.clone(), moved.clone()], ..later(2, 1, "y") }).await;
    assert_eq!(page(DAY, "", 10).await, ["a", "a.b", "b", "z", "ơ"]);
    assert_eq!(ledger(store, DAY + 1).await, [moved]);
    let settled = LedgerLine { state: LedgerState::Settled, transaction: Some("7".into()), ..refund };
    stored(store, PaymentChange { ledger: vec![settled.clone()], ..later(2, 6, "z") }).await;
    assert_eq!(store.ledger("vnpay".into(), DAY, "b".into(), 1).await.unwrap(), [settled]);
    assert_eq!(store.ledger("momo".into(), DAY, String::new(), 10).await.unwrap(), []);
    assert_eq!(ledger(store, DAY - 1).await, []);
}

pub async fn payments_and_evidence_are_given_out_only_when_asked_for_by_kind(store: &dyn DurableStore) {
    let evidence = |body: &str| NewEvent {
        subject: Subject::Evidence { key: "payment/vnpay".parse().unwrap() },
        ..message("post", "A-1", body)
    };
    assert_eq!(append(store, evidence("a bad signature")).await, Appended::Accepted { seq: Seq(1) });
    stored(store, PaymentChange { evidence: vec![Bytes::from_static(b"e")], ..new_payment(1, "p") }).await;
    append(store, record(1, lgsp_model::Status::New, 1)).await;
    let seqs = |filter: ReadFilter| async move {
        let events = read_all(store, &filter, WHOLE).await;
        events.into_iter().map(|event| event.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(seqs(everything()).await, [4]);
    assert_eq!(seqs(of_kinds(&[EventKind::Payment])).await, [3]);
    assert_eq!(seqs(of_kinds(&[EventKind::Payment, EventKind::Dossier])).await, [3, 4]);
    assert_eq!(seqs(of_kinds(&[EventKind::Evidence])).await, [1, 2]);
    let agencies = |codes: &[&str]| ReadFilter {
        agencies: AgencyGrant::parse(codes).unwrap(),
        ..of_kinds(&[EventKind::Payment, EventKind::Evidence])
    };
    assert_eq!((seqs(agencies(&["H11"])).await, seqs(agencies(&["H56"])).await), (vec![2, 3], vec![]));
    assert_eq!(store.event(Seq(1)).await.unwrap().unwrap().agency, "");
    let once = NewEvent { idempotency: key("abc", 1), ..evidence("x") };
    assert_eq!(append(store, once.clone()).await, Appended::Accepted { seq: Seq(5) });
    assert_eq!(append(store, once).await, Appended::Duplicate { seq: Seq(5) });
}

pub async fn a_change_beyond_its_bounds_is_refused_and_stores_nothing(store: &dyn DurableStore) {
    let with = |ledger: LedgerLine| PaymentChange { ledger: vec![ledger], ..new_payment(1, "x") };
    let long = "x".repeat(PAYMENT_TEXT_BYTES + 1);
    let many: Vec<_> = (0..=PAYMENT_PARTS).map(|n| name(&n.to_string())).collect();
    for refused in [
        with(line(1, "")),
        with(line(1, &long)),
        with(line(2, "of another")),
        with(LedgerLine { provider: String::new(), ..line(1, "r") }),
        with(LedgerLine { transaction: Some(long.clone()), ..line(1, "r") }),
        PaymentChange { names: many.clone(), ..new_payment(1, "x") },
        PaymentChange { evidence: vec![Bytes::new(); PAYMENT_PARTS + 1], ..new_payment(1, "x") },
    ] {
        let answer = store.change_payment(refused.clone()).await;
        assert!(matches!(answer, Err(StoreError::OutOfBounds { .. })), "{answer:?} to {refused:?}");
    }
    assert_eq!((*store.head().borrow(), store.payment(id(1)).await.unwrap()), (Seq(0), None));
    let longest = LedgerLine { transaction: Some(long[1..].to_owned()), ..line(1, &long[1..]) };
    let most = PaymentChange { names: many[1..].to_vec(), ..with(longest) };
    assert_eq!(stored(store, most).await, Seq(1));
}

pub async fn no_call_gives_out_more_than_its_bound(store: &dyn DurableStore) {
    let due = Some(Timestamp(0));
    for n in 1..=PAYMENTS_AT_ONCE as u64 + 1 {
        let ledger = (0..21).map(|part| line(n, &format!("{n:04}-{part:02}"))).collect();
        stored(store, PaymentChange { dossier: code(1), due, ledger, ..new_payment(n, "x") }).await;
    }
    assert_eq!(store.payments_of(code(1), usize::MAX).await.unwrap().len(), PAYMENTS_AT_ONCE);
    assert_eq!(store.payments_due(Timestamp(0)..=NOW, usize::MAX).await.unwrap().len(), PAYMENTS_AT_ONCE);
    let page = store.ledger("vnpay".into(), DAY, String::new(), usize::MAX).await.unwrap();
    assert_eq!(page.len(), LEDGER_AT_ONCE);
    let rest = store.ledger("vnpay".into(), DAY, page[page.len() - 1].reference.clone(), usize::MAX).await.unwrap();
    assert_eq!(page.len() + rest.len(), 21 * (PAYMENTS_AT_ONCE + 1));
}
