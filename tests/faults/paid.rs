//! kill -9 while providers say what was paid, at random moments and exactly between the commit of a callback and its reply: what VNPAY was
//! told is recorded stays recorded, once, a repetition is told so, and the gateway's ledger is VNPAY's book.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lgsp_sandbox::Sandbox;
use lgsp_sandbox::payment::vietnamese_day;
use lgsp_store::{DurableStore, EmbeddedStore, LedgerState};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::program::{Place, Waiting, until, without};
use crate::till::{FEE, Till, fee};

/// How often the program is killed in each of the two ways when `LGSP_ROUNDS` does not say.
const ROUNDS: usize = 5;
/// Citizens who pay at the same time.
const CITIZENS: usize = 4;
/// Payments that one life of the program may bring to their end.
const ONE_LIFE: usize = 25;
/// The longest life, for when the machine is slow.
const LONGEST_LIFE: Duration = Duration::from_secs(3);

/// What a citizen does, and so how his payment ends.
const ACTS: [(&str, &str); 6] = [
    ("pay", "paid"),
    ("pay", "paid"),
    ("callback_twice", "paid"),
    ("callback_before_return", "paid"),
    ("fail", "failed"),
    ("cancel", "failed"),
];

/// The gateway dies when it begins to write its first answer: what led to it is on disk then, and nobody was told.
const UNTIL_THE_REPLY: [&str; 8] =
    ["strace", "-D", "-f", "-qq", "-e", "trace=sendto,writev", "-e", "inject=sendto,writev:signal=SIGKILL:when=1"];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_was_told_is_recorded_survives_kill_9_once() {
    let rounds = std::env::var("LGSP_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let mut chance = Chance::printed("kill -9 under payments");
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    let mut till = Till::new(Place::new(None), &format!("http://{}", sandbox.addr()), "");
    till.register().await;
    // It calls soon again, and does not give up while the gateway is away.
    till.set_vnpay(json!({ "callback_interval_ms": 40, "callback_tries": 10_000 })).await;
    let exact = !without("strace");
    let (asked, mut exactly, mut unanswered) = (Arc::new(Asked::default()), 0, 0);
    let mut told = Told::default();
    for _ in 0..rounds {
        let crowd = Arc::new(Crowd::of(till, asked.clone(), chance.clone()));
        unanswered += crowd.clone().one_death(&mut chance, &mut told).await;
        till = Arc::into_inner(crowd).expect("every citizen went home").till;
        if exact {
            one_exact_death(&mut till, &asked, &mut told).await;
            exactly += 1;
        }
    }
    let program = till.start().await;
    let payments = each_ended_once(&till, &asked).await;
    all_that_was_told_stands(&till, &mut told, &payments).await;
    drop(program);
    let (paid, given) = ledger_is_the_book(&till, &payments, &asked).await;
    assert!(unanswered + exactly > 0, "no call was hit: the program was not killed under load");
    println!(
        "{rounds} kills under load, {exactly} between commit and reply; {} payments, {} calls answered, {unanswered} not; \
         {paid} paid with {given} đồng, as in VNPAY's book",
        payments.len(),
        told.answered,
    );
}

/// Citizens at work with one gateway that dies and comes back.
struct Crowd {
    till: Till,
    asked: Arc<Asked>,
    ended: AtomicUsize,
    stop: AtomicBool,
    chance: Mutex<Chance>,
}

impl Crowd {
    fn of(till: Till, asked: Arc<Asked>, chance: Chance) -> Self {
        Self { till, asked, ended: AtomicUsize::new(0), stop: AtomicBool::new(false), chance: Mutex::new(chance) }
    }

    /// Citizens pay until the program is killed at a random moment; then it comes back and they end what they began. Calls that got
    /// no answer.
    async fn one_death(self: Arc<Self>, chance: &mut Chance, told: &mut Told) -> usize {
        let mut program = self.till.start().await;
        let mut citizens = JoinSet::new();
        for _ in 0..CITIZENS {
            citizens.spawn(self.clone().citizen());
        }
        let (enough, end) = (1 + chance.below(ONE_LIFE), Instant::now() + LONGEST_LIFE);
        until("some payments end", async || {
            let ended = self.ended.load(Ordering::Relaxed);
            (ended >= enough || (ended > 0 && Instant::now() > end)).then_some(())
        })
        .await;
        program.kill();
        let unanswered = told.stands_on_disk(&self.till).await;
        let program = self.till.start().await;
        self.stop.store(true, Ordering::Relaxed);
        citizens.join_all().await;
        drop(program);
        told.stands_on_disk(&self.till).await;
        unanswered
    }

    async fn citizen(self: Arc<Self>) {
        while !self.stop.load(Ordering::Relaxed) {
            let (act, end) = ACTS[self.chance.lock().unwrap().below(ACTS.len())];
            let id = ordered(&self.till, &self.asked).await;
            let done = self.till.act(&id, act).await;
            assert_eq!(done.status, 200, "{done:?}");
            let waiting = Waiting::until("the payment ends");
            let ended = loop {
                match self.till.payment(&id).await {
                    Some(reply) if reply.body["final"] == true => break reply.body,
                    _ => waiting.a_moment().await,
                }
            };
            assert_eq!(ended["state"], end, "{ended}");
            self.ended.fetch_add(1, Ordering::Relaxed);
            again(&self.till, &id).await;
        }
    }
}

/// What was asked for, by whomever.
#[derive(Default)]
struct Asked {
    count: AtomicUsize,
    /// Payments that nobody wanted to wait for.
    given_up: Mutex<BTreeSet<String>>,
}

/// A payment whose order VNPAY has: its id. A gateway that died before it noted where the citizen pays finds that out only after a
/// while; who does not want to wait asks for another payment.
async fn ordered(till: &Till, asked: &Asked) -> String {
    loop {
        let payment = till.made(&fee(asked.count.fetch_add(1, Ordering::Relaxed))).await;
        if payment["payment_url"] != payment["page_url"] {
            let entered = till.browse(payment["payment_url"].as_str().unwrap()).await.expect("the sandbox runs");
            assert_eq!(entered.status, 302, "{entered:?}");
            return payment["id"].as_str().unwrap().to_owned();
        }
        assert_eq!(payment["state"], "created", "{payment}");
        asked.given_up.lock().unwrap().insert(payment["id"].as_str().unwrap().to_owned());
    }
}

/// VNPAY's words once more, by whoever overheard them: it was recorded already, or nobody is there.
async fn again(till: &Till, id: &str) {
    let calls = till.of_vnpay("callbacks").await;
    let Some(call) = calls.iter().find(|call| call["reference"] == id) else { return };
    if let Some(reply) = till.call_back(call["sent"].as_str().unwrap()).await {
        assert_eq!(reply.body["RspCode"], "02", "recorded before: {reply:?}");
    }
}

/// Kills the program when it begins to answer a callback, whose commit is on disk by then.
async fn one_exact_death(till: &mut Till, asked: &Asked, told: &mut Told) {
    let program = till.start().await;
    let id = ordered(till, asked).await;
    drop(program);
    // It must say nothing before that: questions about other payments go nowhere in this life.
    till.only_hears(true);
    till.place.start_through(UNTIL_THE_REPLY);
    let mut program = till.start().await;
    till.place.start_through::<&str>([]);
    till.only_hears(false);
    till.act(&id, "pay").await;
    program.ended().await;
    let store = till.store();
    assert_eq!(state_on_disk(&store, &id).await, "paid", "committed before the reply was begun");
    store.close();
    let calls = |calls: Vec<Value>| calls.into_iter().filter(|call| call["reference"] == id).collect::<Vec<_>>();
    for call in calls(till.of_vnpay("callbacks").await) {
        assert_eq!(call["status"], Value::Null, "nobody was told: {call}");
    }
    let _program = till.start().await;
    let answered = until("VNPAY calls again", async || {
        calls(till.of_vnpay("callbacks").await).into_iter().find(|call| call["status"] == 200)
    })
    .await;
    assert_eq!(code_of(&answered), "02", "recorded in the life before: {answered}");
    told.stands_later(till).await;
}

fn code_of(call: &Value) -> String {
    let reply: Value = serde_json::from_str(call["reply"].as_str().unwrap_or_default()).unwrap_or_default();
    reply["RspCode"].as_str().unwrap_or_default().to_owned()
}

async fn state_on_disk(store: &EmbeddedStore, id: &str) -> String {
    let entry = store.payment(id.parse().unwrap()).await.unwrap().expect("the payment is there");
    let record: Value = serde_json::from_slice(&entry.record).unwrap();
    record["state"].as_str().unwrap().to_owned()
}

/// What VNPAY was told, as far as it was looked at.
#[derive(Default)]
struct Told {
    looked_at: usize,
    answered: usize,
    /// Payments of which VNPAY was told that they are on record.
    recorded: BTreeSet<String>,
    /// Those of them whose first acknowledgement was `00`.
    newly: BTreeMap<String, usize>,
}

impl Told {
    /// Takes note of the calls since the last look; how many got no answer.
    async fn look(&mut self, till: &Till) -> usize {
        let calls = till.of_vnpay("callbacks").await;
        let mut unanswered = 0;
        for call in &calls[self.looked_at..] {
            let id = call["reference"].as_str().unwrap().to_owned();
            match (call["status"].as_u64(), code_of(call).as_str()) {
                (None, _) => {
                    unanswered += 1;
                    continue;
                }
                (Some(200), "00") => *self.newly.entry(id.clone()).or_default() += 1,
                (Some(200), "02") => {}
                // A gateway that starts or stops says so, and is called again.
                (Some(503), _) | (Some(200), "99") => continue,
                _ => panic!("a strange answer: {call}"),
            }
            self.answered += 1;
            self.recorded.insert(id);
        }
        self.looked_at = calls.len();
        unanswered
    }

    /// The program was killed: its store is whole, and has all that VNPAY was told it has.
    async fn stands_on_disk(&mut self, till: &Till) -> usize {
        let unanswered = self.look(till).await;
        let report = lgsp_store::verify_dir(&till.place.data()).unwrap();
        assert_eq!(report.broken, None, "the chain of what was left");
        let store = till.store();
        for id in &self.recorded {
            let state = state_on_disk(&store, id).await;
            assert!(matches!(state.as_str(), "paid" | "failed"), "{id} was acknowledged and is {state}");
        }
        store.close();
        unanswered
    }

    async fn stands_later(&mut self, till: &Till) {
        self.look(till).await;
        for (id, times) in &self.newly {
            assert_eq!(*times, 1, "{id} was new more than once");
        }
    }
}

/// Every payment was created, opened, and ended once, and the feed says so in this order; what each became.
async fn each_ended_once(till: &Till, asked: &Asked) -> BTreeMap<String, Value> {
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for record in till.feed().await {
        let id = record["id"].as_str().unwrap().to_owned();
        states.entry(id.clone()).or_default().push(record["state"].as_str().unwrap().to_owned());
        last.insert(id, record);
    }
    assert_eq!(states.len(), asked.count.load(Ordering::Relaxed), "one payment for each reference");
    let given_up = asked.given_up.lock().unwrap().clone();
    for (id, states) in &states {
        if given_up.contains(id) {
            // It is opened when nobody looks any more.
            assert!(states == &["created"] || states == &["created", "pending"], "{id}: {states:?}");
            continue;
        }
        let (end, before) = states.split_last().unwrap();
        assert!(matches!(end.as_str(), "paid" | "failed"), "{id}: {states:?}");
        // Who was killed before he noted that the order was opened learns it from VNPAY's word.
        assert!(before == ["created", "pending"] || before == ["created"], "{id}: {states:?}");
        assert_eq!(last[id]["flags"], json!([]), "{id}");
        let shown = till.payment(id).await.expect("the gateway runs").body;
        assert_eq!(shown["state"], end.as_str());
    }
    last
}

async fn all_that_was_told_stands(till: &Till, told: &mut Told, payments: &BTreeMap<String, Value>) {
    told.stands_later(till).await;
    for id in &told.recorded {
        assert!(payments.contains_key(id), "VNPAY was told that {id} is on record");
    }
}

/// The ledger's lines of these days are the orders of VNPAY's book: how many were paid, and with how much.
async fn ledger_is_the_book(till: &Till, payments: &BTreeMap<String, Value>, asked: &Asked) -> (usize, i64) {
    let orders = till.of_vnpay("orders").await;
    let store = till.store();
    let days: BTreeSet<u32> =
        orders.iter().map(|order| vietnamese_day(order["created_ms"].as_u64().unwrap())).collect();
    let mut lines = BTreeMap::new();
    // A payment that came after midnight stands in the next day.
    for day in days.iter().flat_map(|day| [*day, day + 1]) {
        for line in store.ledger("vnpay".into(), day, String::new(), lgsp_store::LEDGER_AT_ONCE).await.unwrap() {
            lines.insert(line.reference.clone(), line);
        }
    }
    store.close();
    assert_eq!(lines.len(), payments.len());
    assert_eq!(orders.len() + asked.given_up.lock().unwrap().len(), payments.len());
    let (mut paid, mut given) = (0, 0);
    for order in &orders {
        let line = &lines[order["reference"].as_str().unwrap()];
        let there = (order["state"] == "paid").then(|| order["transaction"].as_str().unwrap().to_owned());
        let here = (line.state == LedgerState::Settled).then(|| line.transaction.clone().unwrap());
        assert_eq!(here, there, "{order} and {line:?}");
        assert_eq!((line.amount.get(), order["amount"].as_i64()), (FEE, Some(FEE)));
        paid += usize::from(here.is_some());
        given += if here.is_some() { FEE } else { 0 };
    }
    (paid, given)
}
