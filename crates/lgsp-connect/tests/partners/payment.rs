//! The payment providers against scripted ones on real sockets.
//!
//! A new kind of provider is one entry in `member.rs`, with what its scripted counterpart says in a file of its own.

mod bill;
mod callbacks;
mod declared;
mod keypay;
mod member;
mod momo;
mod national;
mod paygov;
mod settings;
mod sign;
mod stub;
mod suite;
mod transfer;
mod vnpay;
mod zalopay;

use lgsp_connect::{Bill, CallbackRequest, Order, RefundOrder};
use lgsp_model::{Dong, PaymentId, Timestamp};

use member::Came;

/// 2026-01-01 10:30:00 in Vietnam.
const OPENED: Timestamp = Timestamp(1_767_238_200_000);

/// When it is while the tests run: two minutes later, to the millisecond not a second.
const NOW: Timestamp = Timestamp(1_767_238_320_456);

/// The name of the order.
const ORDER: &str = "0123456789abcdefghjk";

/// The name of a refund.
const REFUND: &str = "zyxwvtsrqpnmkjhgfedc";

const AMOUNT: i64 = 50_000;

fn dong(amount: i64) -> Dong {
    Dong::new(amount).unwrap()
}

fn refund_id() -> PaymentId {
    REFUND.parse().unwrap()
}

fn order() -> Order {
    Order {
        id: ORDER.parse().unwrap(),
        amount: dong(AMOUNT),
        description: "Lệ phí hồ sơ (H56.14-260101-0007)".to_owned(),
        opened_at: OPENED,
        expires_at: OPENED.plus_millis(900_000),
        return_url: format!("https://gw.example/pay/{ORDER}/return"),
        callback_url: "https://gw.example/payments/p/callback".to_owned(),
        address: "203.0.113.7".parse().unwrap(),
        bill: Bill::default(),
    }
}

/// All of the order's money back, or half of it.
fn refund<'a>(order: &'a Order, id: &'a PaymentId, transaction: &'a str, full: bool) -> RefundOrder<'a> {
    RefundOrder {
        order,
        others: &[],
        transaction,
        id,
        amount: dong(if full { AMOUNT } else { AMOUNT / 2 }),
        full,
        asked_at: OPENED.plus_millis(60_000),
        reason: "Rút hồ sơ",
        by: "mot-cua",
    }
}

fn request(came: &Came) -> CallbackRequest<'_> {
    CallbackRequest {
        method: &came.method,
        path: "callback",
        query: &came.query,
        headers: &came.headers,
        body: &came.body,
        at: NOW,
    }
}
