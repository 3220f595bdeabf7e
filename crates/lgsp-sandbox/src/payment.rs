//! Simulated payment providers with a page to pay on: VNPAY, MoMo, ZaloPay, KeyPay, PayGov and the national platform.
//!
//! No money moves. Written from the providers' public descriptions and from what callers of them do, not from the gateway. One file each,
//! over shared pieces; keys are the providers' published demonstration keys, or values that every sandbox has.

mod act;
mod book;
mod callback;
mod clock;
mod day;
mod desk;
mod page;
mod rules;
mod settings;
mod sign;
mod vnpay;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;

pub use act::{Act, ActRefused};
pub use book::{OrderState, PaymentOrder, PaymentRefund, RefundState};
pub use callback::{AttemptOutcome, CallbackAttempt};
pub use day::{DAY_FILE_HEAD, DayRow, DayRowKind, SyntheticDay};
pub use desk::{Desk, Kind, Totals};
pub use rules::Rules;
pub use settings::{BillForm, PaymentSettings, RefundConduct};
pub use vnpay::{VNPAY_HASH_SECRET, VNPAY_TMN_CODE, Vnpay, VnpayPartner};

use crate::answer::Answer;
use crate::call::Query;
use crate::partner::{Partner, received, taken};
use crate::scripted::{Body, Cut};

/// The simulated payment providers.
#[derive(Clone, Debug, Default)]
pub struct Payments {
    /// VNPAY, at `/pay-sandbox/vnpay`.
    pub vnpay: VnpayPartner,
}

/// The day that a moment in milliseconds since 1970 belongs to in Vietnam, such as 20261122.
pub fn vietnamese_day(ms: u64) -> u32 {
    clock::day(ms)
}

/// Answers a call below `/pay-sandbox`; `path` is what stands there.
pub(crate) async fn answer(payments: &Payments, path: &str, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let (name, below) = inner.split_at(inner.find('/').unwrap_or(inner.len()));
    match name {
        "vnpay" => exchange(&payments.vnpay, below, request).await,
        _ => Ok(Answer::text(StatusCode::NOT_FOUND, "vnpay\n").into_response()),
    }
}

/// Answers one call of one provider, and does what it leads to: before the answer what the browser has to wait for, the rest beside.
async fn exchange<K: Kind>(
    partner: &Partner<Desk<K>>,
    path: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let call = match received(path, request).await {
        Ok(call) => call,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let (taken, errands) = taken(partner, &call, |inside| std::mem::take(&mut inside.own.book.errands));
    callback::run(partner.clone(), errands).await;
    taken.deliver().await
}

/// The commands under `/sandbox/` that have to wait for somebody else; `None` when it is none of them.
pub(crate) async fn command(
    payments: &Payments,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Option<Result<Value, (StatusCode, String)>> {
    let provider = path.strip_suffix("/act").filter(|_| method == Method::POST)?;
    let done = match provider {
        "payment-vnpay" => payments.vnpay.command_act(body).await,
        _ => return None,
    };
    Some(done.map_err(|message| (StatusCode::BAD_REQUEST, message)))
}

/// `GET /sandbox/<provider>/day-file?day=20261122` as CSV; `None` when the path is another.
pub(crate) fn day_file(payments: &Payments, method: &Method, path: &str, query: &str) -> Option<Answer> {
    let provider = path.strip_suffix("/day-file").filter(|_| method == Method::GET)?;
    let day = Query::parse(query).number("day").and_then(|day| u32::try_from(day).ok());
    let day = day.unwrap_or_else(|| clock::day(clock::now_ms()));
    let file = match provider {
        "payment-vnpay" => payments.vnpay.day_file(day),
        _ => return None,
    };
    Some(Answer::of(StatusCode::OK, "text/csv; charset=utf-8", file))
}
