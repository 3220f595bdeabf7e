//! A simulated payment provider: what all of them have, and the handle by which tests and the demo drive one.
//!
//! What is particular stands in the provider's own file.

use std::marker::PhantomData;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::act::{Act, ActRefused, House, perform};
use super::book::{Book, OrderState, PaymentOrder, RefundState};
use super::callback::{self, CallbackAttempt, Caller};
use super::rules::{Counter, Rules, Terms};
use super::settings::PaymentSettings;
use super::{clock, day, page};
use crate::access::Access;
use crate::address;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::{Inside, Inspect, Partner, Peer, Serves};

/// Where pages of orders stand below a provider.
const PAGES: &str = "/pay/";

/// A payment provider.
pub trait Kind: Default + Send + 'static {
    /// What distinguishes it from the others.
    const RULES: &'static Rules;
}

/// What a simulated payment provider has.
pub struct Desk<K> {
    pub(super) book: Book,
    pub(super) caller: Caller,
    kind: PhantomData<K>,
}

impl<K> Default for Desk<K> {
    fn default() -> Self {
        let caller = Client::builder(TokioExecutor::new()).build_http();
        Self { book: Book::default(), caller, kind: PhantomData }
    }
}

impl<K: Kind> Peer for Desk<K> {
    const NAME: &'static str = K::RULES.name;
    type Settings = PaymentSettings;
    fn access(settings: &PaymentSettings) -> &Access {
        &settings.access
    }
}

impl<K: Kind> Serves for Desk<K> {
    fn service(call: &Call) -> &'static str {
        match call.path.as_str() {
            path if path.ends_with("/token") => "token",
            path if path.starts_with(PAGES) => "page",
            _ => (K::RULES.service)(call),
        }
    }

    /// Whether one is needed is a setting, and looked at with the call.
    fn is_open(_service: &str) -> bool {
        true
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        let settings = inside.settings.clone();
        let at = format!("{}{}", address::base(settings.base.as_deref(), call), K::RULES.root);
        let mut counter = Counter {
            rules: K::RULES,
            terms: Terms::of(K::RULES, &settings),
            settings: &settings,
            book: &mut inside.own.book,
            tokens: &mut inside.tokens,
            at,
            now_ms: clock::now_ms(),
        };
        match call.path.strip_prefix(PAGES) {
            Some(name) => page::answer(&mut counter, call, name),
            None => (K::RULES.answer)(&mut counter, call, service),
        }
    }
}

impl<K: Kind> Inspect for Desk<K> {
    fn list(&self, list: &str) -> Option<Value> {
        match list {
            "orders" => Some(self.book.orders().map(|order| json!(order)).collect()),
            "callbacks" => Some(self.book.callbacks.iter().map(|attempt| json!(attempt)).collect()),
            "ledger" => Some(day::rows(&self.book, None).iter().map(|row| json!(row)).collect()),
            "totals" => Some(json!(Totals::of(&self.book))),
            _ => None,
        }
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        (command == "settle-refund").then(|| {
            let asked: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let name = asked["refund"].as_str().ok_or("refund: the merchant's name of it")?;
            if self.book.settle_refund(name) {
                Ok(json!({"refund": name, "state": RefundState::Done}))
            } else {
                Err("no such refund on its way".to_owned())
            }
        })
    }
}

/// What a provider's books come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Orders of any state.
    pub orders: u64,
    /// Orders with money.
    pub paid: u64,
    /// Their money, in đồng.
    pub paid_amount: i64,
    /// Refunds that are done.
    pub refunds: u64,
    /// Their money, in đồng.
    pub refunded_amount: i64,
    /// Calls of callbacks.
    pub callbacks: u64,
}

impl Totals {
    fn of(book: &Book) -> Self {
        let mut totals = Self { callbacks: book.callbacks.count(), ..Self::default() };
        for order in book.orders() {
            totals.orders += 1;
            if order.state == OrderState::Paid {
                totals.paid += 1;
                totals.paid_amount += order.amount;
            }
            for refund in order.refunds.iter().filter(|refund| refund.state == RefundState::Done) {
                totals.refunds += 1;
                totals.refunded_amount += refund.amount;
            }
        }
        totals
    }
}

impl<K: Kind> Partner<Desk<K>> {
    /// Where callbacks go: registered with the provider, and before what an order says.
    pub fn set_callback_url(&self, url: &str) {
        self.change_settings(|settings| settings.callback_url = Some(url.to_owned()));
    }

    /// The orders, oldest first; the newest 100,000.
    pub fn orders(&self) -> Vec<PaymentOrder> {
        self.lock().own.book.orders().cloned().collect()
    }

    /// The order of a name.
    pub fn order(&self, reference: &str) -> Option<PaymentOrder> {
        self.lock().own.book.order(reference).cloned()
    }

    /// The path of an order's page, for [`crate::Sandbox::url`].
    pub fn page(&self, reference: &str) -> Option<String> {
        self.order(reference).map(|order| format!("{}{PAGES}{}", K::RULES.root, order.page))
    }

    /// Every call of every callback, in the order in which they ended; the newest 100,000.
    pub fn callbacks(&self) -> Vec<CallbackAttempt> {
        self.lock().own.book.callbacks.rows()
    }

    /// What the books come to.
    pub fn totals(&self) -> Totals {
        Totals::of(&self.lock().own.book)
    }

    /// Waits until so many calls about an order have ended, and answers all that have.
    pub async fn callbacks_of(&self, reference: &str, count: usize) -> Vec<CallbackAttempt> {
        let mut arrivals = self.arrivals();
        loop {
            arrivals.borrow_and_update();
            let calls = self.calls_of(reference);
            if calls.len() >= count || arrivals.changed().await.is_err() {
                return calls;
            }
        }
    }

    fn calls_of(&self, reference: &str) -> Vec<CallbackAttempt> {
        let inside = self.lock();
        inside.own.book.callbacks.iter().filter(|call| call.reference == reference).cloned().collect()
    }

    /// Waits until an order is as it should be, and answers it.
    pub async fn order_when(&self, reference: &str, is: impl Fn(&PaymentOrder) -> bool) -> PaymentOrder {
        let mut arrivals = self.arrivals();
        loop {
            arrivals.borrow_and_update();
            if let Some(order) = self.order(reference).filter(&is) {
                return order;
            }
            // The sender lives as long as this handle.
            let _ = arrivals.changed().await;
        }
    }

    /// Does what a button of the page does, on the current tokio runtime. `code` is for failures; absent = the provider's first.
    pub async fn act(&self, reference: &str, act: Act, code: Option<&str>) -> Result<PaymentOrder, ActRefused> {
        let (order, errands) = {
            let mut inside = self.lock();
            let settings = inside.settings.clone();
            let house = House { rules: K::RULES, settings: &settings, now_ms: clock::now_ms() };
            perform(house, &mut inside.own.book, reference, act, code)?;
            let order = inside.own.book.order(reference).cloned().ok_or(ActRefused::UnknownOrder)?;
            (order, std::mem::take(&mut inside.own.book.errands))
        };
        self.announce();
        callback::run(self.clone(), errands).await;
        Ok(order)
    }

    /// The citizen pays.
    pub async fn pay(&self, reference: &str) -> Result<PaymentOrder, ActRefused> {
        self.act(reference, Act::Pay, None).await
    }

    /// The payment fails with a code of the provider.
    pub async fn fail(&self, reference: &str, code: &str) -> Result<PaymentOrder, ActRefused> {
        self.act(reference, Act::Fail, Some(code)).await
    }

    /// The citizen goes back.
    pub async fn cancel(&self, reference: &str) -> Result<PaymentOrder, ActRefused> {
        self.act(reference, Act::Cancel, None).await
    }

    /// A refund that is on its way is done. False when there is none of this name.
    pub fn settle_refund(&self, name: &str) -> bool {
        let settled = self.lock().own.book.settle_refund(name);
        self.announce();
        settled
    }

    /// The day file of a day such as 20261122, in Vietnamese time: what was paid and what went back.
    pub fn day_file(&self, day: u32) -> String {
        day::file(&day::rows(&self.lock().own.book, Some(day)))
    }

    /// The control's `act`: `reference`, `act`, `code`.
    pub(super) async fn command_act(&self, body: &[u8]) -> Result<Value, String> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wanted {
            reference: String,
            act: Act,
            #[serde(default)]
            code: Option<String>,
        }
        let wanted: Wanted = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let done = self.act(&wanted.reference, wanted.act, wanted.code.as_deref()).await;
        done.map(|order| json!(order)).map_err(|refused| refused.to_string())
    }
}
