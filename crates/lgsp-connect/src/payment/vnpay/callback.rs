//! What VNPAY says by calling back (its IPN): a query that is signed as it was written.
//!
//! It is not read through a form decoder first: VNPAY's own libraries write some signs in different ways, and only what came says
//! which one it was.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::Method;
use lgsp_model::{Dong, ReportStanding};

use super::codes::heard;
use super::{HUNDREDTHS, Keys, Merchant, canonical};
use crate::form::decoded;
use crate::payment::provider::{CallbackRequest, Heard, Report, Unheard};
use crate::payment::time::read_compact;
use crate::payment::words::cut;

/// A callback has some hundred bytes.
const MOST_BYTES: usize = 8 * 1024;

/// It has about a dozen fields.
const MOST_FIELDS: usize = 64;

/// Characters of a bank's name that are kept.
const MEANS_CHARS: usize = 40;

const HASH: &str = "vnp_SecureHash";

/// Says which hash it is, in callbacks of older versions; it was never signed.
const HASH_TYPE: &str = "vnp_SecureHashType";

pub(super) fn hear(merchant: &Merchant, keys: &Keys, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
    if came.method != Method::GET {
        return Err(Unheard::Malformed("method"));
    }
    let told = Told::read(came.query)?;
    if !told.signed(keys) {
        return Err(Unheard::BadSignature);
    }
    let values = told.values.ok_or(Unheard::Malformed("query"))?;
    let text = |name: &'static str| {
        let value = values.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or(Unheard::Malformed(name))
    };
    if text("vnp_TmnCode")? != merchant.tmn_code {
        return Err(Unheard::UnknownOrder);
    }
    let order = text("vnp_TxnRef")?.parse().map_err(|_| Unheard::UnknownOrder)?;
    let amount = hundredths(text("vnp_Amount")?).ok_or(Unheard::Malformed("vnp_Amount"))?;
    let (response, status) = (text("vnp_ResponseCode")?, text("vnp_TransactionStatus")?);
    let standing = heard(response, status);
    let paid_at = text("vnp_PayDate").ok().and_then(read_compact);
    let report = Report {
        standing,
        amount: Some(amount),
        transaction: text("vnp_TransactionNo").ok().and_then(transaction),
        paid_at: paid_at.filter(|_| standing == ReportStanding::Paid),
        code: cut(if response == "00" { status } else { response }, MEANS_CHARS),
        means: text("vnp_BankCode").ok().map(|bank| cut(bank, MEANS_CHARS)),
        receipt_url: None,
        evidence: Bytes::copy_from_slice(came.query.as_bytes()),
    };
    Ok(Heard { order, report, proven: true })
}

/// An amount in hundredths, if it is whole đồng.
pub(super) fn hundredths(text: &str) -> Option<Dong> {
    let digits = text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    let amount: i64 = if digits { text.parse().ok()? } else { return None };
    (amount % HUNDREDTHS == 0).then(|| Dong::new(amount / HUNDREDTHS))?
}

/// VNPAY's name of a payment; `0` while there is none.
pub(super) fn transaction(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty() && text != "0")
}

/// A query as it came.
struct Told<'a> {
    /// Names and values as they were written, without the hash.
    pairs: Vec<(&'a str, &'a str)>,
    /// The same as they are meant; `None` when an escape is broken.
    values: Option<BTreeMap<String, String>>,
    hash: &'a str,
}

impl<'a> Told<'a> {
    fn read(query: &'a str) -> Result<Self, Unheard> {
        let pieces = || query.split('&').filter(|piece| !piece.is_empty());
        if query.len() > MOST_BYTES || pieces().nth(MOST_FIELDS).is_some() {
            return Err(Unheard::Malformed("query"));
        }
        let (mut pairs, mut hash, mut names) = (Vec::new(), None, Vec::new());
        for piece in pieces() {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let meant = decoded(name).ok_or(Unheard::Malformed("query"))?;
            match meant.as_str() {
                HASH => hash = Some(value),
                HASH_TYPE => {}
                _ => pairs.push((name, value)),
            }
            names.push(meant);
        }
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(Unheard::Malformed("query"));
        }
        let values = pairs.iter().map(|(name, value)| Some((decoded(name)?, decoded(value)?))).collect();
        Ok(Self { pairs, values, hash: hash.ok_or(Unheard::BadSignature)? })
    }

    /// Whether it is signed as it was written; or else as VNPAY's Java library writes what it means.
    fn signed(&self, keys: &Keys) -> bool {
        let mut raw: Vec<_> = self.pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
        raw.sort_unstable();
        let raw: Vec<_> = raw.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let again = self.values.as_ref();
        let again = again.map(|values| canonical(values.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
        keys.verified(raw.join("&").as_bytes(), self.hash)
            || again.is_some_and(|again| keys.verified(again.as_bytes(), self.hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_divide_exactly_or_are_none() {
        assert_eq!(hundredths("1806000").map(Dong::get), Some(18_060));
        assert_eq!(hundredths("999999999900"), Some(Dong::MOST));
        for text in ["", "1", "150", "1806001", "-100", "1e2", "100.00", "9999999999999", "+100"] {
            assert_eq!(hundredths(text), None, "{text}");
        }
    }
}
