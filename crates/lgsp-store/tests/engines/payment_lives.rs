//! Random lives of payments through the real store, compared with a model; the store is reopened, and opened from a
//! copy of its files as a crash leaves them, on the way. And many who change one payment at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lgsp_model::{PaymentId, Seq, Status, Timestamp};
use lgsp_store::{
    DurableStore, EmbeddedStore, LedgerLine, LedgerState, PaymentChange, PaymentChanged, PaymentEntry, StoreError,
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::embedded::open;
use super::messages::{NOW, append, code, record};
use super::model::copy;
use super::payments::{DAY, id, later, line, name, new_payment, stored};

/// Payments, names, references and days of the model: few, so that acts meet.
const FEW: u64 = 4;

#[derive(Clone, Debug)]
enum Act {
    Change(Change),
    /// A payment, whether its version is right, and when it is due.
    Postpone(u64, bool, Option<i64>),
    /// A dossier's record between payments.
    Post,
    Restart,
    Crash,
}

#[derive(Clone, Debug)]
struct Change {
    payment: u64,
    /// Whether it names the payment's version, or one before.
    fresh: bool,
    evidence: usize,
    names: Vec<u64>,
    /// References and days.
    lines: Vec<(u64, u32, bool)>,
    due: Option<i64>,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let due = || prop::option::of(0i64..6);
    let line = (0..FEW, DAY..DAY + 2, any::<bool>());
    let names = prop::collection::vec(0..FEW, 0..3);
    let lines = prop::collection::vec(line, 0..3);
    let change = (0..FEW, prop::bool::weighted(0.8), 0usize..3, names, lines, due());
    let change = change.prop_map(|(payment, fresh, evidence, names, lines, due)| {
        Act::Change(Change { payment, fresh, evidence, names, lines, due })
    });
    let postpone = (0..FEW, prop::bool::weighted(0.8), due());
    let act = prop_oneof![
        8 => change,
        2 => postpone.prop_map(|(payment, fresh, due)| Act::Postpone(payment, fresh, due)),
        1 => Just(Act::Post),
        1 => Just(Act::Restart),
        1 => Just(Act::Crash),
    ];
    prop::collection::vec(act, 1..40)
}

struct Pair {
    dirs: Vec<TempDir>,
    store: EmbeddedStore,
    events: u64,
    posts: u64,
    payments: HashMap<u64, (u64, PaymentEntry)>,
    names: HashMap<u64, u64>,
    lines: BTreeMap<(String, u64), LedgerLine>,
}

fn due(at: Option<i64>) -> Option<Timestamp> {
    at.map(|millis| NOW.plus_millis(millis))
}

impl Pair {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let (payments, names, lines) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        Self { dirs: vec![dir], store, events: 0, posts: 0, payments, names, lines }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Change(change) => self.change(change).await,
            Act::Postpone(payment, fresh, at) => {
                let known = self.payments.get_mut(payment).filter(|_| *fresh);
                let after = known.as_ref().map_or(Seq(self.events + 1), |(_, entry)| entry.seq);
                let answer = self.store.postpone_payment(id(*payment), after, due(*at)).await;
                assert_eq!(answer, Ok(known.is_some()));
                if let Some((_, entry)) = known {
                    entry.due = due(*at);
                }
            }
            Act::Post => {
                self.posts += 1;
                append(&self.store, record(100 + self.posts, Status::New, 1)).await;
                self.events += 1;
            }
            Act::Restart => {
                let next = tempfile::tempdir().unwrap();
                std::mem::replace(&mut self.store, open(next.path())).close();
                self.store = open(self.dirs.last().unwrap().path());
            }
            Act::Crash => {
                let next = tempfile::tempdir().unwrap();
                copy(self.dirs.last().unwrap().path(), next.path());
                self.store = open(next.path());
                self.dirs.push(next);
            }
        }
    }

    async fn change(&mut self, asked: &Change) {
        let known = self.payments.get(&asked.payment).map(|(_, entry)| entry.seq);
        let after = if asked.fresh { known } else { Some(Seq(self.events + 1)) };
        let ledger = asked.lines.iter().map(|(reference, day, settled)| LedgerLine {
            day: *day,
            state: if *settled { LedgerState::Settled } else { LedgerState::Open },
            transaction: settled.then(|| "7".to_owned()),
            ..line(asked.payment, &reference.to_string())
        });
        let change = PaymentChange {
            after,
            evidence: vec!["evidence".into(); asked.evidence],
            names: asked.names.iter().map(|of| name(&of.to_string())).collect(),
            ledger: ledger.collect(),
            due: due(asked.due),
            dossier: code(asked.payment % 2),
            ..new_payment(asked.payment, &format!("record {}", self.events))
        };
        let expected = self.expected(asked, &change, known);
        assert_eq!(self.store.change_payment(change.clone()).await, Ok(expected.clone()), "{change:?}");
        if let PaymentChanged::Stored(seq) = expected {
            self.take(asked, change, seq);
        }
    }

    fn expected(&self, asked: &Change, change: &PaymentChange, known: Option<Seq>) -> PaymentChanged {
        if change.after != known {
            return PaymentChanged::Stale;
        }
        let named = asked.names.iter().filter_map(|of| self.names.get(of)).map(|payment| id(*payment));
        let same = |a: &LedgerLine, b: &LedgerLine| (a.day, &a.reference) == (b.day, &b.reference);
        let lined = change.ledger.iter().flat_map(|line| self.lines.values().filter(move |known| same(known, line)));
        let mut led = named.chain(lined.map(|line| line.payment.clone()));
        let seq = Seq(self.events + asked.evidence as u64 + 1);
        led.find(|led| *led != change.id).map_or(PaymentChanged::Stored(seq), PaymentChanged::Taken)
    }

    fn take(&mut self, asked: &Change, change: PaymentChange, seq: Seq) {
        self.events = seq.0;
        self.names.extend(asked.names.iter().map(|of| (*of, asked.payment)));
        self.lines.extend(change.ledger.into_iter().map(|line| ((line.reference.clone(), asked.payment), line)));
        let made = self.payments.get(&asked.payment).map_or(seq.0, |(made, _)| *made);
        let PaymentChange { id, due, dossier, agency, sender, record, .. } = change;
        let entry = PaymentEntry { id, seq, due, dossier, agency, sender, record };
        self.payments.insert(asked.payment, (made, entry));
    }

    async fn compare(&self) {
        let known = |payment: Option<&u64>| {
            payment.and_then(|payment| self.payments.get(payment)).map(|(_, entry)| entry.clone())
        };
        for n in 0..FEW {
            assert_eq!(self.store.payment(id(n)).await.unwrap(), known(Some(&n)));
            let named = self.store.payment_named(name(&n.to_string())).await.unwrap();
            assert_eq!(named, known(self.names.get(&n)));
        }
        let mut all: Vec<_> = self.payments.values().cloned().collect();
        all.sort_by_key(|(made, _)| std::cmp::Reverse(*made));
        let all: Vec<_> = all.into_iter().map(|(_, entry)| entry).collect();
        for dossier in 0..2 {
            let of: Vec<_> = all.iter().filter(|entry| entry.dossier == code(dossier)).cloned().collect();
            assert_eq!(self.store.payments_of(code(dossier), 10).await.unwrap(), of);
        }
        let mut waiting: Vec<_> = self.payments.values().filter(|(_, entry)| entry.due.is_some()).cloned().collect();
        waiting.retain(|(_, entry)| entry.due <= due(Some(3)));
        waiting.sort_by_key(|(made, entry)| (entry.due, *made));
        let waiting: Vec<_> = waiting.into_iter().map(|(_, entry)| entry).collect();
        assert_eq!(self.store.payments_due(Timestamp(0)..=NOW.plus_millis(3), 10).await.unwrap(), waiting);
        for day in DAY..DAY + 2 {
            let lines: Vec<_> = self.lines.values().filter(|line| line.day == day).cloned().collect();
            assert_eq!(super::payments::ledger(&self.store, day).await, lines);
        }
        let report = self.store.verify().await.unwrap();
        assert_eq!((report.events, report.broken), (self.events, None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn payments_live_as_the_model_says_across_restarts_and_crashes(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new();
            for act in &acts {
                pair.act(act).await;
            }
            pair.compare().await;
            pair.act(&Act::Crash).await;
            pair.compare().await;
        });
    }
}

/// Makes all these changes at once.
async fn at_once(store: &Arc<EmbeddedStore>, changes: Vec<PaymentChange>) -> Vec<Result<PaymentChanged, StoreError>> {
    let calls: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let store = store.clone();
            tokio::spawn(async move { store.change_payment(change).await })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_changes_decided_on_one_version_exactly_one_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    let mut after = stored(&*store, new_payment(1, "created")).await;
    for round in 0..10 {
        let callback = |n: u64| PaymentChange {
            evidence: vec!["evidence".into()],
            names: vec![name(&format!("{round}-{n}"))],
            ..later(1, after.0, &format!("paid {n}"))
        };
        let answers = at_once(&store, (0..100).map(callback).collect()).await;
        let winners: Vec<_> = answers.iter().filter(|answer| **answer != Ok(PaymentChanged::Stale)).collect();
        assert_eq!(winners, [&Ok(PaymentChanged::Stored(Seq(after.0 + 2)))], "round {round}");
        let won = answers.iter().position(|answer| answer == winners[0]).unwrap();
        let stands = store.payment(id(1)).await.unwrap().unwrap();
        assert_eq!(stands.record, format!("paid {won}"));
        for n in 0..100 {
            let named = store.payment_named(name(&format!("{round}-{n}"))).await.unwrap();
            assert_eq!(named.is_some(), n == won, "{n}");
        }
        after = stands.seq;
    }
    assert_eq!(store.verify().await.unwrap().broken, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_new_payments_of_one_name_exactly_one_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    let made = (0..100).map(|n| PaymentChange { names: vec![name("one")], ..new_payment(n, "created") }).collect();
    let answers = at_once(&store, made).await;
    let winner: PaymentId = store.payment_named(name("one")).await.unwrap().unwrap().id;
    let (mut made, mut taken) = (0, 0);
    for answer in answers {
        match answer.unwrap() {
            PaymentChanged::Stored(seq) => {
                made += 1;
                assert_eq!(seq, Seq(1));
            }
            PaymentChanged::Taken(by) => {
                taken += 1;
                assert_eq!(by, winner);
            }
            PaymentChanged::Stale => panic!("nothing changed before"),
        }
    }
    assert_eq!((made, taken), (1, 99));
}
