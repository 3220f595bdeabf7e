//! Payments under everything that can happen to them, in any order and at the same time: asked for again and again, paid, refused, put
//! off, called back about properly, twice, late, falsely or never, cancelled, sent back in parts, asked about over lost answers, expired,
//! and all that over kill -9 and jumps of the clock. The provider tells the truth in the end. Then no order was paid twice, no more went
//! back than came, no money was forgotten, nobody was told two ends, and the gateway's money is the provider's.
//!
//! `LGSP_FATE_SECONDS` sets how long new cases are begun, `LGSP_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lgsp_model::{PaymentState, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::clock::{set, under};
use crate::hook::Hook;
use crate::program::{Neighbours, Place, Program, until, without};
use crate::records::{code, with};
use crate::till::{FEE, Reply, Till, fee};

/// How long new cases are begun when `LGSP_FATE_SECONDS` does not say.
const SECONDS: u64 = 10;
/// Payments of one case; every third is for the same fee as the one before it.
const PAYMENTS: usize = 24;
/// Those of them to which most things happen.
const BUSY: usize = 4;
/// Times at which some things happen at once.
const MOMENTS: usize = 20;
/// The most things at one moment.
const AT_ONCE: usize = 24;
/// Seconds that the clock jumps: a question is due, a refund is overdue, an order expires, an expired one is asked about again.
const JUMPS: [u64; 9] = [12, 12, 12, 30, 75, 75, 200, 900, 2_000];
/// When a case begins, in seconds of a Vietnamese day, so that it ends on the same day: a provider knows a repeated refund for a day.
const MORNING: u64 = 8 * 3_600;
/// The longest quiet time that a case may need at its end, in seconds.
const LONGEST_END: u64 = 13 * 3_600;
/// The gateway looks twice a second at what is due, and it has to ask and store on a busy machine.
const A_LOOK: Duration = Duration::from_millis(700);

const ACTS: [&str; 14] = [
    "pay",
    "pay",
    "pay",
    "pay_late",
    "callback_twice",
    "callback_before_return",
    "callback_lost",
    "callback_lost",
    "wrong_signature",
    "wrong_amount",
    "defer",
    "close",
    "fail",
    "cancel",
];

const FAULTS: [&str; 6] = [
    r#"{"fault":"reset_after_storing","service":"refund","times":2}"#,
    r#"{"fault":"reset_before_storing","service":"refund","times":1}"#,
    r#"{"fault":"malformed_body","service":"refund","times":1}"#,
    r#"{"fault":"reset_after_storing","service":"querydr","times":3}"#,
    r#"{"fault":"bad_gateway","service":"querydr","probability":0.5}"#,
    r#"{"fault":"wrong_content_type","service":"querydr","times":2}"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_the_gateways_money_is_the_providers_and_nobody_is_told_two_ends() {
    if without("faketime") {
        return;
    }
    let seconds = std::env::var("LGSP_FATE_SECONDS").map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    let mut chance = Chance::printed("payments in any order of events");
    let (end, mut sums) = (Instant::now() + Duration::from_secs(seconds), Sums::default());
    loop {
        let world = Arc::new(World::start().await);
        for _ in 0..MOMENTS {
            world.clone().moment(&mut chance, &mut sums).await;
        }
        if world.come_to_rest().await {
            sums.faked += usize::from(world.sees_the_time().await);
            world.judge(&mut sums).await;
        }
        if Instant::now() > end {
            break;
        }
    }
    println!("{sums:?}");
    assert!(sums.kills > 0 && sums.jumps > 0 && sums.paid > 0 && sums.faked > 0, "the cases miss a kind: {sums:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_never_reached_its_provider_is_opened_again() {
    if without("faketime") {
        return;
    }
    let world = World::start().await;
    let till = &world.till;
    let lost = json!({ "fault": "reset_before_storing", "service": "create", "times": 8 });
    till.control("momo", "POST", "faults", Some(lost)).await;
    let momo = with(fee(0), "providers", json!(["momo"]));
    let made = till.made(&momo).await;
    assert_eq!((&made["state"], &made["payment_url"]), (&"unknown".into(), &made["page_url"]), "{made}");
    till.control("momo", "DELETE", "faults", None).await;
    let id = made["id"].as_str().unwrap();
    let (mut passed, opened) = (0, Mutex::default());
    until("the order is opened", async || {
        world.jump(15);
        passed += 15;
        assert!(passed < 1_500, "the payment ends soon");
        // The job of the gateway looks by itself.
        tokio::time::sleep(A_LOOK).await;
        let payment = till.payment(id).await.expect("the gateway runs").body;
        *opened.lock().unwrap() = payment.clone();
        (payment["state"] == "pending").then_some(())
    })
    .await;
    let opened: Value = opened.into_inner().unwrap();
    assert_ne!(opened["payment_url"], opened["page_url"], "{opened}");
    let orders = till.control("momo", "GET", "orders", None).await.body;
    assert_eq!(orders.as_array().map(Vec::len), Some(1), "once: {orders}");
    assert!(passed >= 60, "an order on its way is not opened twice: after {passed} s");
}

/// What the cases came to.
#[derive(Debug, Default)]
struct Sums {
    cases: usize,
    kills: usize,
    jumps: usize,
    /// Cases at whose end the gateway's clock was the one that it was shown.
    faked: usize,
    payments: usize,
    paid: usize,
    flagged: usize,
    refunded: i64,
}

/// One payment as the one-stop system knows it.
struct Fee {
    ask: Value,
    known: Mutex<Option<Value>>,
    /// The end that somebody was told: whether it was paid.
    word: Mutex<Option<bool>>,
}

struct World {
    till: Till,
    hook: Hook,
    fees: Vec<Fee>,
    program: tokio::sync::Mutex<Option<Program>>,
    /// Where the time stands, and how far it is ahead of this process.
    shown: PathBuf,
    ahead: Mutex<u64>,
    _partners: Neighbours,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    Visit,
    Act(&'static str),
    Replay(Bend),
    Return,
    Cancel,
    Refund(usize, Option<i64>),
    Look,
}

/// How somebody bends what the provider said.
#[derive(Clone, Copy, Debug)]
enum Bend {
    Straight,
    OtherOrder,
    OtherSignature,
    OtherAmount,
}

impl World {
    async fn start() -> Self {
        let place = Place::new(None);
        let shown = place.path().join("time");
        let ahead = until_morning();
        set(&shown, &format!("+{ahead}"));
        let place = under(place, &shown);
        let (partners, hook) = (place.neighbours().await, Hook::start().await);
        let kind = "connector = \"webhook\"\n";
        let target = hook.target("one-stop-hook").replace(kind, &format!("{kind}kinds = [\"payment\"]\n"));
        let till = Till::new(place, &partners.url, &target);
        till.register().await;
        till.set_vnpay(json!({ "callback_interval_ms": 150, "callback_tries": 12, "defer_ms": null })).await;
        let program = Some(till.start().await).into();
        let fees = (0..PAYMENTS).map(|n| {
            let same = if n % 3 == 2 { n - 1 } else { n };
            Fee { ask: with(fee(n), "MaHoSo", code(same)), known: Mutex::default(), word: Mutex::default() }
        });
        Self { till, hook, fees: fees.collect(), program, shown, ahead: ahead.into(), _partners: partners }
    }

    fn jump(&self, seconds: u64) {
        let mut ahead = self.ahead.lock().unwrap();
        *ahead += seconds;
        set(&self.shown, &format!("+{ahead}"));
    }

    /// Some things happen at once; the gateway may die in between, and the clock may jump.
    async fn moment(self: Arc<Self>, chance: &mut Chance, sums: &mut Sums) {
        self.weather(chance).await;
        if chance.below(3) == 0 {
            self.jump(JUMPS[chance.below(JUMPS.len())]);
            sums.jumps += 1;
        }
        let mut things = JoinSet::new();
        for _ in 0..=chance.below(AT_ONCE) {
            let among = if chance.below(2) == 0 { BUSY } else { PAYMENTS };
            let (world, n, event) = (self.clone(), chance.below(among), event(chance));
            let delay = Duration::from_millis(chance.below(40) as u64);
            things.spawn(async move {
                // Chance decides what comes first.
                tokio::time::sleep(delay).await;
                world.happen(n, event).await;
            });
        }
        if chance.below(5) == 0 {
            let delay = Duration::from_millis(chance.below(80) as u64);
            tokio::time::sleep(delay).await;
            let mut program = self.program.lock().await;
            program.as_mut().expect("it runs").kill();
            let report = lgsp_store::verify_dir(&self.till.place.data()).unwrap();
            assert_eq!(report.broken, None, "the chain of what was left");
            *program = Some(self.till.start().await);
            sums.kills += 1;
        }
        things.join_all().await;
    }

    /// How the provider behaves from now on.
    async fn weather(&self, chance: &mut Chance) {
        if chance.below(3) == 0 {
            let conduct = ["done", "done", "pending", "refused"][chance.below(4)];
            let wrong = chance.below(8) == 0;
            self.till.set_vnpay(json!({ "refunds": conduct, "answers_signed_wrong": wrong })).await;
        }
        if chance.below(4) == 0 {
            let fault = serde_json::from_str(FAULTS[chance.below(FAULTS.len())]).unwrap();
            let added = self.till.vnpay("POST", "faults", Some(fault)).await;
            assert_eq!(added.status, 200, "{added:?}");
        } else if chance.below(3) == 0 {
            self.till.vnpay("DELETE", "faults", None).await;
        }
    }

    async fn happen(&self, n: usize, event: Event) {
        let fee = &self.fees[n];
        let Some(known) = fee.known.lock().unwrap().clone() else {
            // Of a payment that nobody knows, only asking for it leads somewhere.
            return self.heard(n, self.till.ask(&fee.ask).await, &[200, 201]);
        };
        let id = known["id"].as_str().unwrap();
        let path = format!("/v1/payments/{id}");
        match event {
            Event::Ask => self.heard(n, self.till.ask(&fee.ask).await, &[200, 201]),
            Event::Visit => self.visit(&known).await,
            Event::Act(act) => {
                self.visit(&known).await;
                // What is over is refused there.
                self.till.act(id, act).await;
            }
            Event::Replay(bend) => self.replay(id, bend).await,
            Event::Return => {
                let query = self.overheard(id).await.unwrap_or_default();
                let back = self.till.browse(&format!("/pay/{id}/return?{query}")).await;
                assert!(back.is_none_or(|back| matches!(back.status, 303 | 503)), "the browser is sent on");
            }
            Event::Cancel => {
                let cancelled = self.till.call("POST", &format!("{path}/cancel"), Some(&json!({}))).await;
                self.heard(n, cancelled, &[200, 409, 502, 504]);
            }
            Event::Refund(refund, amount) => {
                let mut ask = json!({ "reference": format!("hoan-{refund}"), "reason": "Hồ sơ rút" });
                if let Some(amount) = amount {
                    ask["SoTien"] = amount.into();
                }
                self.heard(n, self.till.call("POST", &format!("{path}/refund"), Some(&ask)).await, &[200, 409, 422]);
            }
            Event::Look => self.heard(n, self.till.payment(id).await, &[200]),
        }
    }

    async fn visit(&self, payment: &Value) {
        if payment["payment_url"] != payment["page_url"] {
            // An order whose time is over is not shown any more.
            self.till.browse(payment["payment_url"].as_str().unwrap()).await.expect("the sandbox runs");
        }
    }

    /// Something that the provider said about an order at some time.
    async fn overheard(&self, id: &str) -> Option<String> {
        let calls = self.till.of_vnpay("callbacks").await;
        let mut said = calls.iter().filter(|call| call["reference"] == id).map(|call| call["sent"].as_str().unwrap());
        said.next_back().map(str::to_owned)
    }

    async fn replay(&self, id: &str, bend: Bend) {
        let Some(said) = self.overheard(id).await else { return };
        let (sent, expected) = match bend {
            Bend::Straight => (said, None),
            Bend::OtherOrder => {
                let (first, rest) = said.split_once('&').unwrap();
                (format!("{rest}&{first}"), None)
            }
            Bend::OtherSignature => {
                let (text, hash) = said.split_once("vnp_SecureHash=").unwrap();
                let other = if hash.starts_with('0') { "1" } else { "0" };
                (format!("{text}vnp_SecureHash={other}{}", &hash[1..]), Some("97"))
            }
            Bend::OtherAmount => (said.replace("vnp_Amount=", "vnp_Amount=1"), Some("97")),
        };
        let Some(reply) = self.till.call_back(&sent).await else { return };
        let told = reply.body["RspCode"].as_str().unwrap_or_default().to_owned();
        match expected {
            Some(expected) => assert!(told == expected || reply.status == 503, "{bend:?}: {reply:?}"),
            // 04 and 97: what was overheard was false from the beginning; 99: it cannot be stored now.
            None => {
                assert!(matches!(told.as_str(), "00" | "02" | "04" | "97" | "99") || reply.status == 503, "{reply:?}")
            }
        }
    }

    /// Takes note of what the one-stop system is told.
    fn heard(&self, n: usize, reply: Option<Reply>, expected: &[u16]) {
        let Some(reply) = reply else { return };
        assert!(expected.contains(&reply.status) || reply.status == 503, "{reply:?}");
        if !matches!(reply.status, 200 | 201) {
            return;
        }
        let fee = &self.fees[n];
        note_end(&mut fee.word.lock().unwrap(), &reply.body);
        let mut known = fee.known.lock().unwrap();
        if let Some(known) = known.as_ref() {
            assert_eq!(known["id"], reply.body["id"], "one reference is one payment");
        }
        // An answer may overtake another; the address does not go away again.
        let url_stays = known.as_ref().is_none_or(|known| known["payment_url"] == known["page_url"]);
        if url_stays {
            *known = Some(reply.body);
        }
    }

    /// Whether the gateway's time is the one that it is shown. A process that the library failed to fake lives in another, in which nothing ends.
    async fn sees_the_time(&self) -> bool {
        let fresh = self.till.made(&with(fee(PAYMENTS), "MaHoSo", code(PAYMENTS))).await;
        let real = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let shown = i64::try_from(real + *self.ahead.lock().unwrap()).expect("a time of this century");
        let made_at = fresh["created_at"].as_str().unwrap();
        // To the hour: it may strike meanwhile.
        [shown - 600, shown + 600].iter().any(|at| made_at[..13] == Timestamp(at * 1000).to_string()[..13])
    }

    /// The provider says all that it knows, the citizens are done, and time passes until nothing is open. False: the case says nothing.
    async fn come_to_rest(&self) -> bool {
        self.till.vnpay("DELETE", "faults", None).await;
        self.till.set_vnpay(json!({ "refunds": "done", "answers_signed_wrong": false })).await;
        for (n, fee) in self.fees.iter().enumerate() {
            if fee.known.lock().unwrap().is_some() {
                self.heard(n, Some(Reply { status: 200, body: self.till.made(&fee.ask).await }), &[200]);
            }
        }
        for order in self.till.of_vnpay("orders").await {
            if order["state"] == "deferred" {
                self.till.act(order["reference"].as_str().unwrap(), "pay").await;
            }
            for refund in order["refunds"].as_array().unwrap().iter().filter(|refund| refund["state"] == "pending") {
                self.till.vnpay("POST", "settle-refund", Some(json!({ "refund": refund["name"] }))).await;
            }
        }
        let (mut passed, mut step, mut changes) = (0, 15, 0);
        loop {
            self.jump(step);
            // The job of the gateway looks by itself.
            tokio::time::sleep(A_LOOK).await;
            let before = std::mem::replace(&mut changes, self.till.feed().await.len());
            let open = match self.is_at_rest().await {
                Ok(()) if changes == before => return true,
                Ok(()) => "something changed just now".to_owned(),
                Err(open) => open,
            };
            if passed >= LONGEST_END {
                assert!(!self.sees_the_time().await, "never comes to rest: {open}");
                println!("the gateway's clock was not faked: this case says nothing");
                return false;
            }
            passed += step;
            step = (step * 2).min(3_600);
        }
    }

    /// Whether nothing is open and what VNPAY has is known here; otherwise what is missing.
    async fn is_at_rest(&self) -> Result<(), String> {
        let orders = by_reference(self.till.of_vnpay("orders").await);
        for fee in &self.fees {
            let Some(known) = fee.known.lock().unwrap().clone() else { continue };
            let id = known["id"].as_str().unwrap();
            let payment = self.till.payment(id).await.expect("the gateway runs").body;
            let open =
                matches!(payment["state"].as_str().unwrap(), "created" | "pending" | "unknown" | "refund_pending");
            let there = orders.get(id).is_some_and(|order| order["state"] == "paid");
            if open || there != state_of(&payment).had_money() {
                return Err(format!("{payment} and {:?}", orders.get(id)));
            }
        }
        Ok(())
    }

    async fn judge(&self, sums: &mut Sums) {
        let orders = by_reference(self.till.of_vnpay("orders").await);
        let feed = self.till.feed().await;
        let last = each_story_is_one(&feed);
        let (mut ours, mut holding) = (0, BTreeMap::<String, Vec<Value>>::new());
        for fee in &self.fees {
            let Some(known) = fee.known.lock().unwrap().clone() else { continue };
            let id = known["id"].as_str().unwrap();
            let payment = self.till.payment(id).await.expect("the gateway runs").body;
            assert_eq!(payment["state"], last[id]["state"], "the feed's last word");
            note_end(&mut fee.word.lock().unwrap(), &payment);
            compare(&payment, orders.get(id));
            if payment["state"] == "paid" && payment["refunds"] == json!([]) {
                holding.entry(payment["MaHoSo"].as_str().unwrap().to_owned()).or_default().push(payment.clone());
            }
            ours += if state_of(&payment).had_money() { FEE - payment["refunded"].as_i64().unwrap() } else { 0 };
            sums.payments += 1;
            sums.paid += usize::from(state_of(&payment).had_money());
            sums.flagged += usize::from(payment["flags"] != json!([]));
            sums.refunded += payment["refunded"].as_i64().unwrap();
        }
        let totals = self.till.vnpay("GET", "totals", None).await.body;
        let theirs = totals["paid_amount"].as_i64().unwrap() - totals["refunded_amount"].as_i64().unwrap();
        assert_eq!(ours, theirs, "the gateway's money is the provider's");
        for (dossier, paid) in holding.iter().filter(|(_, paid)| paid.len() > 1) {
            let flagged =
                paid.iter().filter(|payment| payment["flags"].as_array().unwrap().contains(&"paid_twice".into()));
            assert_eq!(flagged.count(), paid.len() - 1, "{dossier} is paid twice: {paid:?}");
        }
        self.the_hook_was_told_the_same(&feed).await;
        self.program.lock().await.as_mut().expect("it runs").kill();
        let report = lgsp_store::verify_dir(&self.till.place.data()).unwrap();
        assert_eq!(report.broken, None, "{report:?}");
        sums.cases += 1;
    }

    /// Webhooks bring the same changes as the feed, each at least once.
    async fn the_hook_was_told_the_same(&self, feed: &[Value]) {
        let expected: BTreeSet<String> = feed.iter().map(story).collect();
        until("all changes were told to the hook", async || {
            let told: BTreeSet<String> = self
                .hook
                .calls()
                .iter()
                .map(|call| {
                    let body: Value = serde_json::from_slice(&call.body).unwrap();
                    let record = &body["data"]["record"];
                    assert_eq!(body["type"], format!("payment.{}", record["state"].as_str().unwrap()));
                    story(record)
                })
                .collect();
            assert!(told.is_subset(&expected), "the hook was told something else");
            (told == expected).then_some(())
        })
        .await;
    }
}

fn event(chance: &mut Chance) -> Event {
    match chance.below(16) {
        0 | 1 => Event::Ask,
        2 => Event::Visit,
        3..=7 => Event::Act(ACTS[chance.below(ACTS.len())]),
        8 | 9 => {
            let bends = [Bend::Straight, Bend::OtherOrder, Bend::OtherSignature, Bend::OtherAmount];
            Event::Replay(bends[chance.below(bends.len())])
        }
        10 => Event::Return,
        11 => Event::Cancel,
        12..=14 => {
            let amounts = [None, Some(10_000), Some(20_000), Some(FEE), Some(FEE + 1)];
            Event::Refund(chance.below(3), amounts[chance.below(amounts.len())])
        }
        _ => Event::Look,
    }
}

/// Seconds until the next morning in Vietnam.
fn until_morning() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let of_day = (since + 7 * 3_600) % 86_400;
    (MORNING + 86_400 - of_day) % 86_400
}

fn by_reference(orders: Vec<Value>) -> BTreeMap<String, Value> {
    orders.into_iter().map(|order| (order["reference"].as_str().unwrap().to_owned(), order)).collect()
}

fn state_of(payment: &Value) -> PaymentState {
    payment["state"].as_str().unwrap().parse().unwrap()
}

/// A change as far as two ways of telling it have to agree.
fn story(record: &Value) -> String {
    json!([
        record["id"],
        record["state"],
        record["changed_at"],
        record["refunds"],
        record["flags"],
        record["transaction"],
        record["payment_url"]
    ])
    .to_string()
}

/// Whoever was told an end is told no other.
fn note_end(word: &mut Option<bool>, payment: &Value) {
    let state = state_of(payment);
    let end = if state.had_money() { Some(true) } else { (state == PaymentState::Failed).then_some(false) };
    if let Some(end) = end {
        assert_eq!(*word.get_or_insert(end), end, "two ends: {payment}");
    }
}

/// Each payment's changes follow the table of steps, and it ends once; its last change.
fn each_story_is_one(feed: &[Value]) -> BTreeMap<String, Value> {
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let (mut words, mut paid) = (BTreeMap::new(), BTreeMap::<String, usize>::new());
    for record in feed {
        let id = record["id"].as_str().unwrap().to_owned();
        note_end(words.entry(id.clone()).or_default(), record);
        let to = state_of(record);
        let from = last.get(&id).map(state_of);
        let bridged = from == Some(PaymentState::Created) && PaymentState::Pending.may_become(to);
        let follows = from.map_or(to == PaymentState::Created, |from| from == to || from.may_become(to) || bridged);
        assert!(follows, "{from:?} to {to}: {record}");
        let held = from.is_some_and(PaymentState::had_money);
        *paid.entry(id.clone()).or_default() += usize::from(to.had_money() && !held);
        assert!(record["refunded"].as_i64().unwrap() <= FEE, "more went back than came: {record}");
        last.insert(id, record.clone());
    }
    assert!(paid.values().all(|times| *times <= 1), "paid twice: {paid:?}");
    last
}

/// A payment and its order in the provider's book.
fn compare(payment: &Value, order: Option<&Value>) {
    let what = || format!("{payment} and {order:?}");
    let there = order.filter(|order| order["state"] == "paid");
    assert_eq!(there.is_some(), state_of(payment).had_money(), "{}", what());
    let Some(order) = there else { return };
    assert_eq!((&payment["received"], &payment["transaction"]), (&FEE.into(), &order["transaction"]), "{}", what());
    let done = |list: &Value, name: &str| -> BTreeMap<String, i64> {
        let done = list.as_array().unwrap().iter().filter(|refund| refund["state"] == "done");
        done.map(|refund| (refund[name].as_str().unwrap().to_owned(), refund["amount"].as_i64().unwrap())).collect()
    };
    let (ours, theirs) = (done(&payment["refunds"], "id"), done(&order["refunds"], "name"));
    assert_eq!(ours, theirs, "{}", what());
    assert_eq!(payment["refunded"].as_i64(), Some(theirs.values().sum()), "{}", what());
    assert!(theirs.values().sum::<i64>() <= FEE, "{}", what());
}
