//! What MoMo says by calling back (its IPN): JSON of which most members are signed as they were written.
//!
//! Members that are not signed are not looked at.

use hyper::Method;
use lgsp_model::ReportStanding;

use super::codes::meaning;
use super::{Keys, Merchant, canonical};
use crate::payment::members::Members;
use crate::payment::provider::{CallbackRequest, Heard, Report, Unheard};
use crate::payment::time::read_millis;
use crate::payment::words::{cut, numbered};

/// A callback has less than two KiB.
const MOST_BYTES: usize = 16 * 1024;

/// Characters of a code or a means of payment that are kept.
const CODE_CHARS: usize = 40;

/// What is signed behind the access key, in this order.
const SIGNED: [&str; 12] = [
    "amount",
    "extraData",
    "message",
    "orderId",
    "orderInfo",
    "orderType",
    "partnerCode",
    "payType",
    "requestId",
    "responseTime",
    "resultCode",
    "transId",
];

pub(super) fn hear(merchant: &Merchant, keys: &Keys, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
    if came.method != Method::POST {
        return Err(Unheard::Malformed("method"));
    }
    let told = Some(came.body).filter(|body| body.len() <= MOST_BYTES).and_then(|body| Members::read(body));
    let told = told.ok_or(Unheard::Malformed("body"))?;
    let mut fields = Vec::with_capacity(SIGNED.len());
    for name in SIGNED {
        fields.push((name, told.scalar(name).ok_or(Unheard::Malformed(name))?));
    }
    let access = [("accessKey", merchant.access_key())];
    let signed: Vec<_> = access.into_iter().chain(fields.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    if !keys.verified(canonical(&signed).as_bytes(), &told.or_empty("signature")) {
        return Err(Unheard::BadSignature);
    }
    // Every one of them was there.
    let text = |name: &str| signed.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| *value);
    if text("partnerCode") != merchant.partner_code {
        return Err(Unheard::UnknownOrder);
    }
    let order = text("orderId").parse().map_err(|_| Unheard::UnknownOrder)?;
    let amount = text("amount").parse().map_err(|_| Unheard::Malformed("amount"))?;
    let standing = match meaning(text("resultCode")).order() {
        // An order that is spoken of is one that there is.
        ReportStanding::NotFound => ReportStanding::Unclear,
        standing => standing,
    };
    let report = Report {
        standing,
        amount: Some(amount),
        transaction: numbered(text("transId")),
        paid_at: read_millis(text("responseTime")).filter(|_| standing == ReportStanding::Paid),
        code: cut(text("resultCode"), CODE_CHARS),
        means: Some(cut(text("payType"), CODE_CHARS)).filter(|means| !means.is_empty()),
        receipt_url: None,
        evidence: came.body.clone(),
    };
    Ok(Heard { order, report, proven: true })
}
