//! What ZaloPay says by calling back: JSON with a text in it, and that text is signed byte for byte.
//!
//! It calls only when it was paid; of what is not signed, the kind of the callback alone is looked at.

use hyper::Method;
use lgsp_model::ReportStanding;

use super::{Keys, Merchant};
use crate::payment::members::Members;
use crate::payment::provider::{CallbackRequest, Heard, Report, Unheard};
use crate::payment::time::read_millis;
use crate::payment::words::{cut, numbered};

/// A callback has some KiB.
const MOST_BYTES: usize = 32 * 1024;

/// Characters of a means of payment that are kept.
const MEANS_CHARS: usize = 40;

/// `type` of a callback about an order; the other kinds are about agreements that we make none of.
const ABOUT_AN_ORDER: &str = "1";

/// What stands before our name in `app_trans_id`: `yyMMdd_`.
const DAY_CHARS: usize = 7;

pub(super) fn hear(merchant: &Merchant, keys: &Keys, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
    if came.method != Method::POST {
        return Err(Unheard::Malformed("method"));
    }
    let outer = Some(came.body).filter(|body| body.len() <= MOST_BYTES).and_then(|body| Members::read(body));
    let outer = outer.ok_or(Unheard::Malformed("body"))?;
    let data = outer.scalar("data").ok_or(Unheard::Malformed("data"))?;
    if !keys.verified(data.as_bytes(), &outer.or_empty("mac")) {
        return Err(Unheard::BadSignature);
    }
    if outer.or_empty("type") != ABOUT_AN_ORDER {
        return Err(Unheard::Malformed("type"));
    }
    let told = Members::read(data.as_bytes()).ok_or(Unheard::Malformed("data"))?;
    let text = |name: &'static str| told.scalar(name).ok_or(Unheard::Malformed(name));
    if text("app_id")? != merchant.app_id {
        return Err(Unheard::UnknownOrder);
    }
    let reference = text("app_trans_id")?;
    let order = reference.get(DAY_CHARS..).filter(|_| dated(&reference)).and_then(|id| id.parse().ok());
    let order = order.ok_or(Unheard::UnknownOrder)?;
    let amount = text("amount")?.parse().map_err(|_| Unheard::Malformed("amount"))?;
    let transaction = numbered(&text("zp_trans_id")?).ok_or(Unheard::Malformed("zp_trans_id"))?;
    let report = Report {
        standing: ReportStanding::Paid,
        amount: Some(amount),
        transaction: Some(transaction),
        paid_at: told.scalar("server_time").as_deref().and_then(read_millis),
        code: "1".to_owned(),
        means: told.scalar("channel").map(|channel| cut(&channel, MEANS_CHARS)),
        receipt_url: None,
        evidence: came.body.clone(),
    };
    Ok(Heard { order, report, proven: true })
}

/// Whether a reference begins with a day and `_`.
fn dated(reference: &str) -> bool {
    let day = reference.as_bytes().get(..DAY_CHARS);
    day.is_some_and(|day| day[..6].iter().all(u8::is_ascii_digit) && day[6] == b'_')
}
