//! Whoever changes payments, their names or a ledger behind the store's back is found by `verify`; one who changes them
//! through it while it verifies is not accused.

use std::path::Path;
use std::sync::Arc;

use lgsp_model::{Seq, Timestamp};
use lgsp_store::{DurableStore, LedgerKind, LedgerLine, LedgerState, PaymentChange, StoreError, verify_dir};
use rusqlite::Connection;

use super::embedded::open;
use super::messages::{NOW, code};
use super::model::copy;
use super::payments::{DAY, amount, id, later, line, name, new_payment, stored};

/// A closed store: payment 1 with two names and two lines at its second event (seq 2), 2 with one of each (seq 3), 3
/// with nothing (seq 4) and of payment 1's dossier.
async fn make(dir: &Path) {
    let store = open(dir);
    let first = PaymentChange { names: vec![name("a")], ledger: vec![line(1, "a")], ..new_payment(1, "created") };
    stored(&store, first).await;
    let refund = LedgerLine { kind: LedgerKind::Refund, amount: amount(9), ..line(1, "r") };
    let settled = LedgerLine { state: LedgerState::Settled, transaction: Some("7".into()), ..line(1, "a") };
    let due = Some(NOW);
    let paid = PaymentChange { names: vec![name("t")], ledger: vec![settled, refund], due, ..later(1, 1, "paid") };
    stored(&store, paid).await;
    let other = PaymentChange { names: vec![name("b")], ledger: vec![line(2, "b")], ..new_payment(2, "created") };
    stored(&store, other).await;
    stored(&store, PaymentChange { dossier: code(1), ..new_payment(3, "created") }).await;
    store.close();
}

fn file(dir: &Path) -> Connection {
    Connection::open(dir.join("lgsp.db")).unwrap()
}

/// Where `verify` finds something after `change`, in which `id(1)` is a payment's id.
async fn found(dir: &Path, change: &str) -> Option<u64> {
    let copied = tempfile::tempdir().unwrap();
    copy(dir, copied.path());
    let conn = file(copied.path());
    let with_ids =
        (0..10).fold(change.to_owned(), |text, n| text.replace(&format!("id({n})"), &format!("'{}'", id(n))));
    conn.execute_batch(&with_ids).unwrap_or_else(|error| panic!("{change}: {error}"));
    drop(conn);
    match verify_dir(copied.path()) {
        Ok(report) => report.broken.map(|(seq, _)| seq.0),
        Err(StoreError::Damaged(_)) => Some(0),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_payment_its_name_or_its_line_changed_behind_the_stores_back_is_found() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path()).await;
    assert_eq!(verify_dir(dir.path()).unwrap().broken, None);
    for (change, at) in [
        // A payment moved to another event, its own first one too.
        ("UPDATE payment SET seq = 1 WHERE id = id(1)", 1),
        ("UPDATE payment SET seq = 3 WHERE id = id(1)", 3),
        ("UPDATE payment SET seq = 77 WHERE id = id(1)", 77),
        ("UPDATE payment SET seq = 4 WHERE id = id(1)", 4),
        ("UPDATE payment SET made = 2 WHERE id = id(1)", 2),
        ("UPDATE payment SET dossier = 'H11.3-260102-0003' WHERE id = id(1)", 2),
        ("UPDATE payment SET id = id(4) WHERE id = id(3)", 4),
        ("DELETE FROM payment WHERE id = id(3)", 4),
        ("DELETE FROM payment", 2),
        ("DROP TABLE payment", 2),
        ("INSERT INTO payment VALUES (9, id(9), 4, NULL, 'H11.3-260102-0001')", 4),
        // Names.
        ("UPDATE payment_name SET payment = 3 WHERE name LIKE '%/t'", 2),
        ("UPDATE payment_name SET payment = 9 WHERE name LIKE '%/t'", 2),
        ("UPDATE payment_name SET name = 'transaction/vnpay/8' WHERE name LIKE '%/t'", 2),
        ("DELETE FROM payment_name WHERE name LIKE '%/b'", 3),
        ("INSERT INTO payment_name VALUES ('transaction/vnpay/x', 4)", 4),
        ("INSERT INTO payment_name VALUES ('transaction/vnpay/x', 9)", 4),
        // Lines.
        ("UPDATE ledger SET amount = 50001 WHERE reference = 'b'", 3),
        ("UPDATE ledger SET amount = -1 WHERE reference = 'b'", 0),
        ("UPDATE ledger SET state = 2 WHERE reference = 'b'", 3),
        ("UPDATE ledger SET kind = 1 WHERE reference = 'r'", 2),
        ("UPDATE ledger SET day = day + 1 WHERE reference = 'b'", 3),
        ("UPDATE ledger SET provider = 'momo' WHERE reference = 'b'", 3),
        ("UPDATE ledger SET reference = 'c' WHERE reference = 'b'", 3),
        ("UPDATE ledger SET number = '8' WHERE reference = 'a'", 2),
        ("UPDATE ledger SET number = NULL WHERE reference = 'a'", 2),
        ("UPDATE ledger SET number = '' WHERE reference = 'b'", 3),
        ("UPDATE ledger SET payment = 3 WHERE reference = 'r'", 2),
        ("UPDATE ledger SET payment = 9 WHERE reference = 'b'", 3),
        ("UPDATE ledger SET id = NULL WHERE reference = 'b'", 0),
        ("UPDATE ledger SET id = id(3) WHERE reference = 'b'", 3),
        ("DELETE FROM ledger WHERE reference = 'r'", 2),
        ("INSERT INTO ledger VALUES ('vnpay', 20261122, 'x', 1, 1, 1, NULL, 4, id(3))", 4),
        ("INSERT INTO ledger VALUES ('vnpay', 20261122, 'x', 1, 1, 1, NULL, 9, id(9))", 4),
    ] {
        assert_eq!(found(dir.path(), change).await, Some(at), "{change}");
    }
    assert_eq!(found(dir.path(), "UPDATE payment SET due = 5").await, None, "when to look next is no truth");
}

#[tokio::test]
async fn a_payments_row_that_lies_is_damage_and_no_answer() {
    for seq in [3, 77] {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path()).await;
        file(dir.path()).execute("UPDATE payment SET seq = ?1 WHERE dossier = ?2", (seq, code(1).as_str())).unwrap();
        let store = open(dir.path());
        for answer in [
            store.payment(id(1)).await.map(drop),
            store.payment_named(name("a")).await.map(drop),
            store.payments_of(code(1), 10).await.map(drop),
            store.payments_due(Timestamp(0)..=NOW, 10).await.map(drop),
        ] {
            assert!(matches!(answer, Err(StoreError::Damaged(_))), "{seq}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_purged_payment_is_not_given_out_any_more_and_its_names_stay_taken() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path()).await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"paid");
    file(dir.path()).execute("UPDATE log SET payload = NULL, digest = ?1 WHERE seq = 2", [digest.as_ref()]).unwrap();
    assert_eq!(verify_dir(dir.path()).unwrap().broken, None);
    let store = open(dir.path());
    assert_eq!(store.payment(id(1)).await, Ok(None));
    assert_eq!(store.payment_named(name("a")).await, Ok(None));
    assert_eq!(store.payments_of(code(1), 10).await.unwrap().len(), 1);
    let again = PaymentChange { names: vec![name("a")], ..new_payment(8, "x") };
    assert_eq!(store.change_payment(again).await, Ok(lgsp_store::PaymentChanged::Taken(id(1))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_that_change_while_they_are_checked_are_not_called_broken() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        let mut after = [None::<Seq>; 7];
        for round in 0..400u64 {
            let payment = round % 7;
            let moved = LedgerLine { day: DAY + round as u32 % 3, ..line(payment, &format!("r{payment}")) };
            let change = PaymentChange {
                after: after[payment as usize],
                names: vec![name(&round.to_string())],
                ledger: vec![moved],
                evidence: vec!["evidence".into(); round as usize % 2],
                ..new_payment(payment, "x")
            };
            after[payment as usize] = Some(stored(&*writer, change).await);
        }
    });
    let mut checks = 0;
    while !writing.is_finished() {
        assert_eq!(store.verify().await.unwrap().broken, None);
        checks += 1;
    }
    writing.await.unwrap();
    assert!(checks > 1, "it was checked while it changed");
}
