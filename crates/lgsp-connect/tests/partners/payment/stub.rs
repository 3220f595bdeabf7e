//! A provider whose every word is given by the test.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use lgsp_connect::{Clock, PaymentProvider, check_payment_provider};
use lgsp_model::Timestamp;

use super::member::{Member, NEW};
use super::{AMOUNT, NOW, ORDER};
use crate::server::{Answer, Call, Partner};

/// Where the order stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    Waiting,
    Paid,
    Failed,
    /// A bank has not said, or it looks suspicious.
    Unclear,
    Missing,
    /// Paid, and all of it went back.
    Refunded,
}

/// Where a refund stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Back {
    Done,
    Pending,
    Refused,
    Missing,
}

/// What it does until told otherwise.
#[derive(Clone)]
pub(super) struct Play {
    pub(super) stands: Stands,
    pub(super) back: Back,
    pub(super) amount: i64,
    /// The order that answers speak of.
    pub(super) order: &'static str,
    /// What answers are signed with, where they are.
    pub(super) key: &'static str,
    /// In place of every answer.
    pub(super) instead: Option<Instead>,
}

pub(super) type Instead = Arc<dyn Fn() -> Answer + Send + Sync>;

pub(super) struct Stub {
    pub(super) partner: Partner,
    play: Arc<Mutex<Play>>,
    now: Arc<AtomicI64>,
}

impl Stub {
    pub(super) async fn start(member: &'static Member) -> Self {
        let play =
            Play { stands: Stands::Paid, back: Back::Done, amount: AMOUNT, order: ORDER, key: NEW, instead: None };
        let play = Arc::new(Mutex::new(play));
        let script = Arc::clone(&play);
        let partner = Partner::start(move |call| {
            let play = script.lock().unwrap().clone();
            play.instead.as_ref().map_or_else(|| (member.answer)(call, &play), |instead| instead())
        })
        .await;
        Self { partner, play, now: Arc::new(AtomicI64::new(NOW.0)) }
    }

    pub(super) fn play(&self, change: impl FnOnce(&mut Play)) {
        change(&mut self.play.lock().unwrap());
    }

    /// Answers everything with a body.
    pub(super) fn say(&self, body: impl Into<String>) {
        let body = body.into();
        self.instead(move || Answer::Reply(body.clone()));
    }

    pub(super) fn instead(&self, answer: impl Fn() -> Answer + Send + Sync + 'static) {
        self.play(|play| play.instead = Some(Arc::new(answer)));
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.partner.address)
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.partner.calls()
    }

    /// A provider of ours in front of it.
    pub(super) fn provider(&self, member: &Member, more: &str) -> Arc<dyn PaymentProvider> {
        let now = Arc::clone(&self.now);
        build(member, &self.base(), more, Arc::new(move || Timestamp(now.load(Ordering::SeqCst))))
    }
}

fn build(member: &Member, base: &str, more: &str, clock: Clock) -> Arc<dyn PaymentProvider> {
    let settings = format!("{}\nallow_private = true\n{more}", (member.settings)(base));
    check_payment_provider(member.kind, &settings.parse().unwrap()).unwrap().build(clock).unwrap()
}

/// A provider that nobody listens to: good for what is read and not called.
pub(super) fn deaf(member: &Member) -> Arc<dyn PaymentProvider> {
    build(member, "http://127.0.0.1:9", "", Arc::new(|| NOW))
}
