//! What a simulated payment provider has on its books: orders, refunds, and every callback with the reply that it got.
//!
//! It knows no provider's words and sends nothing.

use serde::Serialize;
use serde_json::{Map, Value};

use super::callback::{CallbackAttempt, Errand};
use super::clock;
use super::sign::random_name;
use crate::partner::Journal;
use crate::recent::Recent;

/// Orders that are remembered; at about two KB each they take some hundreds of MB, and only a bench comes near.
const MAX_ORDERS: usize = 100_000;

/// Where an order stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It waits for the citizen.
    Open,
    /// It was debited, and the provider is not sure yet.
    Deferred,
    /// The provider has the money.
    Paid,
    /// It ended without money.
    Failed,
    /// The citizen went back.
    Cancelled,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// It is on its way.
    Pending,
    /// The money went back.
    Done,
    /// Nothing went back.
    Refused,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaymentOrder {
    /// The merchant's name of it.
    pub reference: String,
    /// The last part of its page's address.
    pub page: String,
    /// Whole đồng.
    pub amount: i64,
    /// What it is for.
    pub description: String,
    /// When it was opened, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it ends.
    pub expires_ms: u64,
    /// Where the browser goes.
    pub return_url: Option<String>,
    /// Where callbacks go, as the order said.
    pub callback_url: Option<String>,
    /// Where it stands.
    pub state: OrderState,
    /// The provider's code for where it stands; empty while it is open.
    pub code: String,
    /// The provider's name of the payment.
    pub transaction: Option<String>,
    /// When it was paid.
    pub paid_ms: Option<u64>,
    /// Whether it will be paid after its end.
    pub pays_late: bool,
    /// Where the provider's paths start, as the merchant addressed it.
    pub at: String,
    /// What went back, or was asked to.
    pub refunds: Vec<PaymentRefund>,
    /// The fields as they came.
    pub asked: Map<String, Value>,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaymentRefund {
    /// The merchant's name of it.
    pub name: String,
    /// The provider's name of it.
    pub transaction: String,
    /// Whole đồng.
    pub amount: i64,
    /// Whether it was asked for as all that was paid.
    pub full: bool,
    /// When it was asked for, in milliseconds since 1970.
    pub at_ms: u64,
    /// Where it stands.
    pub state: RefundState,
}

impl PaymentOrder {
    /// What went back or is on its way.
    pub fn refunded(&self) -> i64 {
        let counts = |refund: &&PaymentRefund| refund.state != RefundState::Refused;
        self.refunds.iter().filter(counts).map(|refund| refund.amount).sum()
    }

    pub(super) fn asked(&self, field: &str) -> String {
        self.asked.get(field).map(text_of).unwrap_or_default()
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, OrderState::Paid | OrderState::Failed | OrderState::Cancelled)
    }
}

/// A value as a signature sees it: texts without quotes, numbers as they came.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// An order before it has a name here.
pub(super) struct NewOrder {
    pub(super) reference: String,
    pub(super) amount: i64,
    pub(super) description: String,
    pub(super) expires_ms: u64,
    pub(super) return_url: Option<String>,
    pub(super) callback_url: Option<String>,
    pub(super) asked: Map<String, Value>,
}

/// A request that was answered, for providers that answer a repeated one alike.
pub(super) struct Answered {
    pub(super) at_ms: u64,
    pub(super) body: Vec<u8>,
    pub(super) answer: Value,
}

/// All that a provider has.
pub(super) struct Book {
    orders: Recent<PaymentOrder>,
    pages: Recent<String>,
    refunds: Recent<String>,
    pub(super) requests: Recent<Answered>,
    pub(super) callbacks: Journal<CallbackAttempt>,
    /// What is to be done outside once the call that wants it is through.
    pub(super) errands: Vec<Errand>,
    last_number: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            orders: Recent::with_limit(MAX_ORDERS),
            pages: Recent::with_limit(MAX_ORDERS),
            refunds: Recent::with_limit(MAX_ORDERS),
            requests: Recent::with_limit(MAX_ORDERS),
            callbacks: Journal::with_limit(MAX_ORDERS),
            errands: Vec::new(),
            last_number: 0,
        }
    }
}

impl Book {
    /// Opens an order under a name that is new and answers the last part of its page's address.
    pub(super) fn open(&mut self, new: NewOrder, at: String, now_ms: u64) -> String {
        let page = random_name();
        let NewOrder { reference, amount, description, expires_ms, return_url, callback_url, asked } = new;
        self.pages.put(page.clone(), reference.clone());
        let order = PaymentOrder {
            reference: reference.clone(),
            page: page.clone(),
            amount,
            description,
            created_ms: now_ms,
            expires_ms,
            return_url,
            callback_url,
            state: OrderState::Open,
            code: String::new(),
            transaction: None,
            paid_ms: None,
            pays_late: false,
            at,
            refunds: Vec::new(),
            asked,
        };
        self.orders.put(reference, order);
        page
    }

    pub(super) fn order(&self, reference: &str) -> Option<&PaymentOrder> {
        self.orders.get(reference)
    }

    pub(super) fn order_mut(&mut self, reference: &str) -> Option<&mut PaymentOrder> {
        self.orders.get_mut(reference)
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = &PaymentOrder> {
        self.orders.values()
    }

    pub(super) fn of_page(&self, page: &str) -> Option<&PaymentOrder> {
        self.pages.get(page).and_then(|reference| self.orders.get(reference))
    }

    pub(super) fn of_transaction(&self, transaction: &str) -> Option<&PaymentOrder> {
        self.orders.values().find(|order| order.transaction.as_deref() == Some(transaction))
    }

    pub(super) fn refund(&self, name: &str) -> Option<(&PaymentOrder, &PaymentRefund)> {
        let order = self.orders.get(self.refunds.get(name)?)?;
        Some((order, order.refunds.iter().find(|refund| refund.name == name)?))
    }

    /// Writes a refund under a name that is new.
    pub(super) fn put_refund(&mut self, reference: &str, refund: PaymentRefund) {
        self.refunds.put(refund.name.clone(), reference.to_owned());
        if let Some(order) = self.orders.get_mut(reference) {
            order.refunds.push(refund);
        }
    }

    /// What was on its way is done now. False when there is no such refund on its way.
    pub(super) fn settle_refund(&mut self, name: &str) -> bool {
        let Some(reference) = self.refunds.get(name) else { return false };
        let refunds = self.orders.get_mut(reference).map(|order| &mut order.refunds).into_iter().flatten();
        let mut waiting = refunds.filter(|refund| refund.name == name && refund.state == RefundState::Pending);
        waiting.next().map(|refund| refund.state = RefundState::Done).is_some()
    }

    /// A number that was not given before, not even by a provider that was started again: thirteen digits, growing.
    pub(super) fn number(&mut self) -> String {
        self.last_number = clock::now_ms().max(self.last_number + 1);
        self.last_number.to_string()
    }
}
