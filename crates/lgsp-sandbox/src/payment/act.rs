//! What a citizen, the citizen's bank or a bad day can do to an order: one step, decided without waiting for anybody.
//!
//! What has to be done outside comes back as errands.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::book::{Book, OrderState, PaymentOrder};
use super::callback::{Delivery, Errand};
use super::rules::{Rules, Terms, WRONG_KEY};
use super::settings::PaymentSettings;

/// What is done to an order: the buttons of the page, and the same by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// The money is taken; the callback goes out and the browser goes back.
    Pay,
    /// It fails with a code of the provider.
    Fail,
    /// The citizen goes back.
    Cancel,
    /// The citizen closes the window: nothing happens.
    Close,
    /// The citizen closes the window; the money is taken after the order's end.
    PayLate,
    /// The money is taken, and the callback goes out twice at the same time.
    CallbackTwice,
    /// The money is taken, and the browser goes back only when the callback was answered.
    CallbackBeforeReturn,
    /// The money is taken, and no callback goes out.
    CallbackLost,
    /// The money is taken, and the callback is signed with another key.
    WrongSignature,
    /// The money is taken, and the callback says a thousand đồng more.
    WrongAmount,
    /// It looks suspicious or waits for the bank first, and is paid after `defer_ms` or by another `pay`.
    Defer,
    /// Nothing is paid, and the callback says that it was: what somebody can make of a callback whose signature does not cover it.
    Forge,
}

impl Act {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 12] = [
        Self::Pay,
        Self::Fail,
        Self::Cancel,
        Self::Close,
        Self::PayLate,
        Self::CallbackTwice,
        Self::CallbackBeforeReturn,
        Self::CallbackLost,
        Self::WrongSignature,
        Self::WrongAmount,
        Self::Defer,
        Self::Forge,
    ];

    /// The word of the button and of the control.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pay => "pay",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
            Self::Close => "close",
            Self::PayLate => "pay_late",
            Self::CallbackTwice => "callback_twice",
            Self::CallbackBeforeReturn => "callback_before_return",
            Self::CallbackLost => "callback_lost",
            Self::WrongSignature => "wrong_signature",
            Self::WrongAmount => "wrong_amount",
            Self::Defer => "defer",
            Self::Forge => "forge",
        }
    }
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActRefused {
    /// No order of this name.
    UnknownOrder,
    /// The order is over.
    Over,
    /// The order's time is over; only `pay_late` takes money now.
    Expired,
    /// The provider has no such code.
    UnknownCode,
}

impl fmt::Display for ActRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownOrder => "no such order; VNPAY has it once its page was visited",
            Self::Over => "the order is over",
            Self::Expired => "the order's time is over; pay_late takes money all the same",
            Self::UnknownCode => "the provider has no such code",
        })
    }
}

impl std::error::Error for ActRefused {}

/// What the browser sees afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It goes back to the merchant.
    Return,
    /// The window is closed.
    Closed,
}

/// How much more a callback says that is to be wrong.
const WRONG_BY: i64 = 1_000;

/// The provider whose order it is.
#[derive(Clone, Copy)]
pub(super) struct House<'a> {
    pub(super) rules: &'static Rules,
    pub(super) settings: &'a PaymentSettings,
    pub(super) now_ms: u64,
}

impl House<'_> {
    fn delivery(&self, order: &PaymentOrder) -> Option<Delivery> {
        self.delivery_by(&Terms::of(self.rules, self.settings), order)
    }

    fn delivery_by(&self, terms: &Terms, order: &PaymentOrder) -> Option<Delivery> {
        let message = (self.rules.callback)(terms, order)?;
        Some(Delivery { reference: order.reference.clone(), message, before_return: false })
    }
}

/// Does it.
pub(super) fn perform(
    house: House<'_>,
    book: &mut Book,
    reference: &str,
    act: Act,
    code: Option<&str>,
) -> Result<Shown, ActRefused> {
    let House { rules, settings, now_ms } = house;
    let order = book.order(reference).ok_or(ActRefused::UnknownOrder)?;
    if order.is_over() {
        return Err(ActRefused::Over);
    }
    let late = order.state == OrderState::Open && now_ms > order.expires_ms;
    if late && !matches!(act, Act::PayLate | Act::Close | Act::Forge) {
        return Err(ActRefused::Expired);
    }
    let until_late = Duration::from_millis((order.expires_ms + settings.late_ms).saturating_sub(now_ms));
    match act {
        Act::Close => return Ok(Shown::Closed),
        Act::PayLate if !late => {
            let order = book.order_mut(reference).ok_or(ActRefused::UnknownOrder)?;
            order.pays_late = true;
            book.errands.push(Errand::PayLate { reference: reference.to_owned(), after: until_late });
            return Ok(Shown::Closed);
        }
        Act::Fail => fail(rules, book, reference, code)?,
        Act::Cancel => end(book, reference, OrderState::Cancelled, rules.cancelled),
        Act::Defer => defer(house, book, reference),
        Act::Forge => {}
        Act::Pay
        | Act::PayLate
        | Act::CallbackTwice
        | Act::CallbackBeforeReturn
        | Act::CallbackLost
        | Act::WrongSignature
        | Act::WrongAmount => take_money(house, book, reference),
    }
    tell(house, book, reference, act);
    Ok(if act == Act::PayLate { Shown::Closed } else { Shown::Return })
}

fn fail(rules: &Rules, book: &mut Book, reference: &str, code: Option<&str>) -> Result<(), ActRefused> {
    let first = rules.failures.first().map_or("", |(code, _)| code);
    let code = code.unwrap_or(first);
    if !rules.failures.iter().any(|(known, _)| *known == code) {
        return Err(ActRefused::UnknownCode);
    }
    end(book, reference, OrderState::Failed, code);
    Ok(())
}

fn defer(house: House<'_>, book: &mut Book, reference: &str) {
    end(book, reference, OrderState::Deferred, house.rules.deferred);
    let number = book.number();
    if let Some(order) = book.order_mut(reference) {
        order.transaction = Some(number);
    }
    let settled = house.settings.defer_ms.map(Duration::from_millis);
    let later = settled.map(|after| Errand::Settle { reference: reference.to_owned(), after });
    book.errands.extend(later);
}

fn end(book: &mut Book, reference: &str, state: OrderState, code: &str) {
    if let Some(order) = book.order_mut(reference) {
        order.state = state;
        order.code = code.to_owned();
    }
}

fn take_money(house: House<'_>, book: &mut Book, reference: &str) {
    let number = book.number();
    end(book, reference, OrderState::Paid, house.rules.paid);
    if let Some(order) = book.order_mut(reference) {
        order.paid_ms = Some(house.now_ms);
        order.pays_late = false;
        order.transaction.get_or_insert(number);
    }
}

/// Queues what the merchant is told.
fn tell(house: House<'_>, book: &mut Book, reference: &str, act: Act) {
    let Some(order) = book.order(reference).cloned() else { return };
    let terms = Terms::of(house.rules, house.settings);
    let mut calls: Vec<Delivery> = match act {
        Act::CallbackLost | Act::Close => Vec::new(),
        Act::WrongSignature => {
            let stranger = Terms { callback_key: WRONG_KEY.to_owned(), ..terms };
            house.delivery_by(&stranger, &order).into_iter().collect()
        }
        Act::WrongAmount => {
            let other = PaymentOrder { amount: order.amount + WRONG_BY, ..order };
            house.delivery(&other).into_iter().collect()
        }
        Act::Forge => {
            let number = book.number();
            let (code, paid_ms) = (house.rules.paid.to_owned(), Some(house.now_ms));
            let transaction = Some(number);
            let other = PaymentOrder { state: OrderState::Paid, code, paid_ms, transaction, ..order };
            house.delivery(&other).into_iter().collect()
        }
        Act::CallbackTwice => house.delivery(&order).map(|call| vec![call.clone(), call]).unwrap_or_default(),
        Act::Pay | Act::PayLate | Act::Fail | Act::Cancel | Act::CallbackBeforeReturn | Act::Defer => {
            house.delivery(&order).into_iter().collect()
        }
    };
    for call in &mut calls {
        call.before_return = act == Act::CallbackBeforeReturn;
    }
    book.errands.extend(calls.into_iter().map(Errand::Call));
}
