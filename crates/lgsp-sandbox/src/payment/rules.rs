//! What distinguishes one payment provider from the others, and what it has before it when it answers a call.
//!
//! The rules themselves stand in one file for each provider.

use std::time::Duration;

use serde_json::{Map, Value};

use super::book::{Book, NewOrder, OrderState, PaymentOrder, PaymentRefund, RefundState, text_of};
use super::callback::Errand;
use super::settings::{PaymentSettings, RefundConduct};
use crate::access::{Tokens, invalid_credentials};
use crate::answer::Answer;
use crate::call::{Call, Query};

/// One provider's rules.
pub struct Rules {
    /// Its name below `/sandbox/`.
    pub(super) name: &'static str,
    /// Where its paths start.
    pub(super) root: &'static str,
    /// Its name on its page.
    pub(super) title: &'static str,
    /// The merchant that it knows.
    pub(super) merchant: Merchant,
    /// Calls until a callback is given up.
    pub(super) tries: u32,
    /// Milliseconds between them.
    pub(super) interval_ms: u64,
    /// Milliseconds that an order without an end of its own lives.
    pub(super) lifetime_ms: u64,
    /// The code of a payment that succeeded.
    pub(super) paid: &'static str,
    /// The code of one that the provider is not sure of yet.
    pub(super) deferred: &'static str,
    /// The code of one that the citizen cancelled.
    pub(super) cancelled: &'static str,
    /// The codes of payments that failed, with words for the page.
    pub(super) failures: &'static [(&'static str, &'static str)],
    /// The service that a call is for.
    pub(super) service: fn(&Call) -> &'static str,
    /// Does what a call of a service asks.
    pub(super) answer: fn(&mut Counter<'_>, &Call, &'static str) -> Answer,
    /// What the merchant is told of an order; absent when this provider tells nothing of it.
    pub(super) callback: fn(&Terms, &PaymentOrder) -> Option<Message>,
    /// What the browser takes back.
    pub(super) back: fn(&Terms, &PaymentOrder) -> Vec<(&'static str, String)>,
    /// What the provider makes of a reply to a callback: its status and body.
    pub(super) verdict: fn(u16, &[u8]) -> Verdict,
}

/// A merchant as a provider knows it.
#[derive(Clone, Copy)]
pub(super) struct Merchant {
    pub(super) id: &'static str,
    pub(super) access_key: &'static str,
    pub(super) key: &'static str,
    /// Absent = the same key.
    pub(super) callback_key: Option<&'static str>,
}

/// What is sent to the merchant.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) verb: Verb,
    /// Absent when nobody said where to.
    pub(super) url: Option<String>,
    /// The query of a GET, the JSON of a POST.
    pub(super) content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
}

/// What a reply to a callback leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The merchant has it.
    Accepted,
    /// It is called again.
    Again,
    /// The merchant refused it, and is not called again.
    Refused,
}

/// Merchant, keys and addresses as they are now.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) merchant: String,
    pub(super) access_key: String,
    pub(super) key: String,
    pub(super) callback_key: String,
    pub(super) callback_url: Option<String>,
    pub(super) callback_fields: Vec<String>,
    pub(super) signed_wrong: bool,
}

impl Terms {
    pub(super) fn of(rules: &Rules, settings: &PaymentSettings) -> Self {
        let or = |set: &Option<String>, constant: &str| set.clone().unwrap_or_else(|| constant.to_owned());
        let key = or(&settings.key, rules.merchant.key);
        let constant = rules.merchant.callback_key.map_or_else(|| key.clone(), str::to_owned);
        Self {
            merchant: or(&settings.merchant, rules.merchant.id),
            access_key: or(&settings.access_key, rules.merchant.access_key),
            callback_key: settings.callback_key.clone().unwrap_or(constant),
            key,
            callback_url: settings.callback_url.clone(),
            callback_fields: settings.callback_fields.clone(),
            signed_wrong: settings.answers_signed_wrong,
        }
    }

    /// Where callbacks about an order go.
    pub(super) fn callback_url(&self, order: &PaymentOrder) -> Option<String> {
        self.callback_url.clone().or_else(|| order.callback_url.clone())
    }

    /// The key of signed answers.
    pub(super) fn answer_key(&self) -> &str {
        if self.signed_wrong { WRONG_KEY } else { &self.key }
    }
}

/// What signs what is to be signed wrongly.
pub(super) const WRONG_KEY: &str = "another-key-than-the-merchants-own";

/// What a provider has before it when it answers a call.
pub(super) struct Counter<'a> {
    pub(super) rules: &'static Rules,
    pub(super) settings: &'a PaymentSettings,
    pub(super) terms: Terms,
    pub(super) book: &'a mut Book,
    pub(super) tokens: &'a mut Tokens,
    /// Where this provider's paths start, as the caller sees them.
    pub(super) at: String,
    pub(super) now_ms: u64,
}

impl Counter<'_> {
    /// Opens an order under a name that is new and answers its page's address.
    pub(super) fn open(&mut self, new: NewOrder) -> String {
        let page = self.book.open(new, self.at.clone(), self.now_ms);
        self.page_url(&page)
    }

    pub(super) fn page_url(&self, page: &str) -> String {
        format!("{}/pay/{page}", self.at)
    }

    /// Milliseconds that an order lives when it does not say.
    pub(super) fn lifetime_ms(&self) -> u64 {
        self.settings.order_lifetime_ms.unwrap_or(self.rules.lifetime_ms)
    }

    /// A refund as it stands at first.
    pub(super) fn new_refund(&mut self, name: String, amount: i64, full: bool) -> PaymentRefund {
        let state = match self.settings.refunds {
            RefundConduct::Done => RefundState::Done,
            RefundConduct::Pending => RefundState::Pending,
            RefundConduct::Refused => RefundState::Refused,
        };
        PaymentRefund { name, transaction: self.book.number(), amount, full, at_ms: self.now_ms, state }
    }

    /// Writes a refund, and sees to it that it is done one day.
    pub(super) fn put_refund(&mut self, reference: &str, refund: PaymentRefund) {
        let waits = self.settings.defer_ms.filter(|_| refund.state == RefundState::Pending);
        let later =
            waits.map(|ms| Errand::SettleRefund { name: refund.name.clone(), after: Duration::from_millis(ms) });
        self.book.errands.extend(later);
        self.book.put_refund(reference, refund);
    }

    /// What becomes of an order whose time is over and that nobody pays any more.
    pub(super) fn is_expired(&self, order: &PaymentOrder) -> bool {
        order.state == OrderState::Open && !order.pays_late && self.now_ms > order.expires_ms
    }

    /// Refuses a call without a living token where one is needed.
    pub(super) fn admit(&mut self, call: &Call) -> Result<(), Answer> {
        if !self.settings.token_required || self.tokens.spend(call) { Ok(()) } else { Err(invalid_credentials()) }
    }
}

/// The fields of a call, from JSON or a form.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn of(call: &Call) -> Option<Self> {
        if call.media_type() == "application/x-www-form-urlencoded" {
            let form = Query::parse(&String::from_utf8_lossy(&call.body));
            return Some(Self(form.pairs().map(|(name, value)| (name.to_owned(), value.into())).collect()));
        }
        call.json().map(Self)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).map(text_of).unwrap_or_default()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The texts of fields, joined.
    pub(super) fn joined(&self, names: &[&str], separator: &str) -> String {
        names.iter().map(|name| self.text(name)).collect::<Vec<_>>().join(separator)
    }

    /// `name=text` of fields, joined by `&` without any encoding.
    pub(super) fn pairs(&self, names: &[&str]) -> String {
        names.iter().map(|name| format!("{name}={}", self.text(name))).collect::<Vec<_>>().join("&")
    }
}

/// Whole đồng, more than none; absent when the text is anything else.
pub(super) fn dong(text: &str) -> Option<i64> {
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|amount| *amount > 0)
}
