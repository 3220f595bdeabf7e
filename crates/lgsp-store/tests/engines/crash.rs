//! kill -9 while messages are accepted and payments change: what was acknowledged is there, once, and the store verifies.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use lgsp_model::{Seq, Status};
use lgsp_store::{
    Appended, DurableStore, LedgerLine, LedgerState, PaymentChange, PaymentChanged, StoreError, verify_dir,
};

use super::embedded::open;
use super::messages::{WHOLE, everything, read_all, record};
use super::payments::{DAY, id, later, line, name, new_payment};
use super::samples::Random;

/// Set in the process that is to be killed: its directory.
const CHILD: &str = "LGSP_STORE_TEST_CHILD";
const ROUNDS: u64 = 8;

/// Accepts messages for ever and says which, only after the store did.
async fn write_until_killed(dir: &Path) {
    let store = open(dir);
    let mut out = std::io::stdout();
    // A guard held over the loop would keep the writer from publishing.
    let first = store.head().borrow().0;
    for n in first.. {
        let answers = store.append((0..3).map(|part| record(n * 3 + part, Status::New, n)).collect()).await.unwrap();
        for (answer, part) in answers.iter().zip(0..) {
            if let Appended::Accepted { seq } = answer {
                writeln!(out, "ack {} {seq}", n * 3 + part).unwrap();
            }
        }
        out.flush().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return write_until_killed(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(u64::from(std::process::id()));
    let mut acknowledged: Vec<(u64, u64)> = Vec::new();
    for round in 0..ROUNDS {
        let enough = 5 + random.below(400) as usize;
        acknowledged.extend(one_life(dir.path(), "what_was_acknowledged_survives_kill_9", enough));
        let report = verify_dir(dir.path()).unwrap();
        assert_eq!(report.broken, None, "round {round}");
        assert!(report.events >= acknowledged.len() as u64);
    }
    let store = open(dir.path());
    let events = read_all(&store, &everything(), WHOLE).await;
    let keys: HashSet<&str> = events.iter().map(|event| event.key.as_str()).collect();
    assert_eq!(keys.len(), events.len(), "a record is there twice");
    for (dossier, seq) in acknowledged {
        let event = store.event(Seq(seq)).await.unwrap().unwrap();
        assert_eq!(event.key, super::messages::code(dossier).as_str());
        let again = store.append(vec![record(dossier, Status::New, dossier / 3)]).await.unwrap();
        assert_eq!(again, [Appended::Duplicate { seq: Seq(seq) }]);
    }
}

/// Starts a test as a writer, kills it after some acknowledgements, returns them all.
fn one_life(dir: &Path, test: &str, enough: usize) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("crash::{test}"), "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        // The first line may follow the test runner's own words.
        let Some((_, ack)) = line.split_once("ack ") else { continue };
        let Some((dossier, seq)) = ack.split_once(' ') else { continue };
        let (Ok(dossier), Ok(seq)) = (dossier.parse(), seq.parse()) else { continue };
        seen.push((dossier, seq));
        if seen.len() == enough {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen.len() >= enough, "the writer ended by itself after {}", seen.len());
    seen
}

/// Changes payments for ever, three at once, and says which version each has, only after the store did.
async fn pay_until_killed(dir: &Path) {
    let store = open(dir);
    let mut out = std::io::stdout();
    for round in 0.. {
        let mut changes = Vec::new();
        for payment in 0..3 {
            let stands = store.payment(id(payment)).await.unwrap().map(|entry| entry.seq);
            changes.push(change(payment, stands, round));
        }
        let [a, b, c] = changes.try_into().expect("three");
        let answers = tokio::join!(store.change_payment(a), store.change_payment(b), store.change_payment(c));
        for (answer, payment) in [answers.0, answers.1, answers.2].into_iter().zip(0..) {
            let PaymentChanged::Stored(seq) = answer.unwrap() else { panic!("nobody else changes it") };
            writeln!(out, "ack {payment} {seq}").unwrap();
        }
        out.flush().unwrap();
    }
}

/// A change with everything, which says in each place what the payment's version before it was.
fn change(payment: u64, stands: Option<Seq>, round: u64) -> PaymentChange {
    let before = stands.map_or(0, |seq| seq.0).to_string();
    let (state, transaction) = (LedgerState::Settled, Some(before.clone()));
    let day = DAY + round as u32 % 2;
    PaymentChange {
        after: stands,
        evidence: vec![before.clone().into()],
        names: vec![name(&format!("{payment}-{before}"))],
        ledger: vec![LedgerLine { day, state, transaction, ..line(payment, &format!("r{payment}")) }],
        ..match stands {
            Some(seq) => later(payment, seq.0, &before),
            None => new_payment(payment, &before),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_that_were_acknowledged_survive_kill_9_with_all_that_belongs_to_them() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return pay_until_killed(Path::new(&dir)).await;
    }
    let test = "payments_that_were_acknowledged_survive_kill_9_with_all_that_belongs_to_them";
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(u64::from(std::process::id()));
    let mut newest = [0; 3];
    for round in 0..ROUNDS {
        for (payment, seq) in one_life(dir.path(), test, 5 + random.below(200) as usize) {
            assert!(seq > newest[payment as usize], "a version came back");
            newest[payment as usize] = seq;
        }
        assert_eq!(verify_dir(dir.path()).unwrap().broken, None, "round {round}");
        let store = open(dir.path());
        for payment in 0..3 {
            let stands = store.payment(id(payment)).await.unwrap().unwrap();
            assert!(stands.seq.0 >= newest[payment as usize], "payment {payment} lost what was acknowledged");
            let before = String::from_utf8(stands.record.to_vec()).unwrap();
            let named = store.payment_named(name(&format!("{payment}-{before}"))).await.unwrap();
            assert_eq!(named, Some(stands.clone()));
            let evidence = store.event(Seq(stands.seq.0 - 1)).await.unwrap().unwrap();
            assert_eq!(evidence.payload, Some(stands.record));
            let lines = [super::payments::ledger(&store, DAY).await, super::payments::ledger(&store, DAY + 1).await];
            let of: Vec<_> = lines.iter().flatten().filter(|line| line.payment == id(payment)).collect();
            assert_eq!(of.len(), 1, "a line has one day");
            assert_eq!(of[0].transaction.as_deref(), Some(&before[..]));
        }
    }
}

#[test]
fn a_second_process_is_refused_while_the_first_may_write() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let second = lgsp_store::EmbeddedStore::open(dir.path(), lgsp_store::EmbeddedOptions::default());
    assert!(matches!(second.err(), Some(StoreError::Unavailable(why)) if why.contains("another process")));
    first.close();
    open(dir.path());
}
