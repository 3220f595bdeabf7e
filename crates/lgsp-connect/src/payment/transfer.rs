//! A bank transfer to the payee's account: the citizen scans a VietQR text that holds account, amount and the payment's name, and the
//! bank tells the gateway of every credit.
//!
//! There is no order at the bank and nothing to open there. A statement can be asked for where the bank offers one; without one, only
//! the bank's own word ends a payment.

use std::sync::Arc;

use aws_lc_rs::hmac::HMAC_SHA256;
use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use lgsp_model::{Dong, PaymentId, ReportStanding};
use secrecy::{ExposeSecret, SecretString};
use toml::{Table, Value};

use super::PaymentBuilder;
use super::amounts::Amounts;
use super::caller::{Call, Caller, DEFAULT_TIMEOUT, Message};
use super::declared::clock::Pattern;
use super::keys::{Keys, Secrets};
use super::members::Members;
use super::order::Order;
use super::provider::{
    Abilities, CallbackReply, CallbackRequest, CallbackVerdict, Heard, Opened, PayFailure, PaymentProvider, Report,
    Unheard,
};
use super::vietqr::{BadQr, VietQr, encode};
use super::words::cut;
use crate::connector::ConnectFuture;
use crate::form;
use crate::place::Place;
use crate::redact::own_cause;
use crate::settings::{Fields, Problem, SettingError};

/// A notification has some KiB.
const MOST_BYTES: usize = 64 * 1024;

/// The longest name of a credit at a bank.
const TRANSACTION_BYTES: usize = 120;

/// Credits of one answer that are looked at.
const MOST_CREDITS: usize = 1_000;

/// The largest transfer that banks take at once from a code.
const MOST: i64 = 499_999_999;

/// Where a credit says what.
struct Names {
    amount: String,
    purpose: String,
    transaction: String,
    /// Empty: it does not say.
    paid_at: String,
    pattern: Pattern,
    /// Empty: only credits are told of.
    direction: String,
    credit: String,
}

/// Where credits can be asked for.
struct Statement {
    uri: Uri,
    token: Option<SecretString>,
    /// The list in the answer.
    list: String,
    caller: Caller,
}

struct Transfer {
    amounts: Amounts,
    keys: Keys,
    header: HeaderName,
    names: Names,
    statement: Option<Statement>,
}

pub(super) fn check(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let secrets = Secrets::read(&mut fields, "secret");
    let header = fields.text("signature_header", Some("x-signature"));
    let header = HeaderName::try_from(header.as_str()).ok();
    if header.is_none() {
        fields.fail("signature_header", Problem::Expected("the name of a header"));
    }
    let names = names(&mut fields);
    let amounts = Amounts::read(&mut fields, 1, MOST);
    fields.known(&["allow_private", "timeout", "statement_path", "statement_list", "token"]);
    let statement = if table.contains_key("url") {
        let place = Place::read(&mut fields, "url", DEFAULT_TIMEOUT);
        let list = fields.text("statement_list", Some("transactions"));
        let token = table.contains_key("token").then(|| fields.secret("token"));
        let uri = place.as_ref().and_then(|place| place.below(&mut fields, "statement_path", "/statement"));
        place.zip(uri).map(|(place, uri)| (place, uri, token, list))
    } else {
        None
    };
    let errors = fields.finish();
    let (Some(secrets), Some(header), Some(names), true) = (secrets, header, names, errors.is_empty()) else {
        return Err(errors);
    };
    Ok(Box::new(move |clock| {
        let statement = match statement {
            Some((place, uri, token, list)) => {
                Some(Statement { uri, token, list, caller: Caller::build(&place, clock)? })
            }
            None => None,
        };
        Ok(Arc::new(Transfer { amounts, keys: Keys::new(HMAC_SHA256, &secrets), header, names, statement }))
    }))
}

fn names(fields: &mut Fields<'_>) -> Option<Names> {
    let pattern = Pattern::parse(&fields.text("paid_at_pattern", Some("yyyyMMddHHmmss")));
    if pattern.is_none() {
        fields.fail("paid_at_pattern", Problem::Expected("a pattern such as yyyyMMddHHmmss, millis or seconds"));
    }
    let optional = |fields: &mut Fields<'_>, key: &str| match fields.get(key) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => {
            fields.fail(key, Problem::Expected("a text"));
            String::new()
        }
    };
    let direction = optional(fields, "direction");
    if direction.is_empty() && fields.get("credit").is_some() {
        fields.fail("direction", Problem::Missing);
    }
    Some(Names {
        amount: fields.text("amount", Some("amount")),
        purpose: fields.text("purpose", Some("description")),
        transaction: fields.text("transaction", Some("transaction")),
        paid_at: optional(fields, "paid_at"),
        pattern: pattern?,
        credit: if direction.is_empty() { String::new() } else { fields.text("credit", None) },
        direction,
    })
}

impl Names {
    /// What a credit says, and whose it is; `None`: it is no credit.
    fn read(&self, credit: &Members<'_>, evidence: Bytes) -> Result<Option<(PaymentId, Report)>, Unheard> {
        let text = |name: &str| credit.scalar(name).filter(|text| !text.is_empty());
        if !self.direction.is_empty() && text(&self.direction).ok_or(Unheard::Malformed("direction"))? != self.credit {
            return Ok(None);
        }
        let purpose = text(&self.purpose).ok_or(Unheard::Malformed("purpose"))?;
        let order = named(&purpose).ok_or(Unheard::UnknownOrder)?;
        let amount = text(&self.amount).and_then(|amount| whole(&amount)).ok_or(Unheard::Malformed("amount"))?;
        let transaction = text(&self.transaction).filter(|transaction| transaction.len() <= TRANSACTION_BYTES);
        let report = Report {
            standing: ReportStanding::Paid,
            amount: Some(amount),
            transaction: Some(transaction.ok_or(Unheard::Malformed("transaction"))?),
            paid_at: text(&self.paid_at).and_then(|at| self.pattern.read(&at)),
            code: "credited".to_owned(),
            means: Some("VietQR".to_owned()),
            receipt_url: None,
            evidence,
        };
        Ok(Some((order, report)))
    }
}

/// The one payment that a purpose names. Banks put words of their own around it and write it in large letters.
fn named(purpose: &str) -> Option<PaymentId> {
    let words = purpose.split(|c: char| !c.is_ascii_alphanumeric());
    let mut found = words.filter_map(|word| word.to_ascii_lowercase().parse::<PaymentId>().ok());
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// Whole đồng; a fraction of nothing may stand behind them.
fn whole(text: &str) -> Option<Dong> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let amount: Dong = fraction.bytes().all(|b| b == b'0').then(|| digits.parse().ok())??;
    (amount > Dong::ZERO).then_some(amount)
}

impl Transfer {
    async fn asked(&self, order: &Order) -> Result<Report, PayFailure> {
        // There is nobody to ask, now or later: the bank's own word is all that comes.
        let Some(statement) = &self.statement else { return Err(PayFailure::Unsupported) };
        let account = &order.bill.payee.account;
        let from = Pattern::parse("yyyy-MM-dd").expect("the parts are in the table").write(order.opened_at);
        let asked = [("account", account.as_str()), ("purpose", order.id.as_str()), ("from", from.as_str())];
        let uri = form::with_query(&statement.uri.to_string(), &asked);
        let uri: Uri = uri.parse().expect("an escaped query keeps an address one");
        let answered = statement.caller.send(Call::Asks, &uri, Message::Nothing, &statement.headers()?).await?;
        if !answered.status.is_success() {
            return Err(answered.unreadable());
        }
        let members = answered.members()?;
        let list = members.raw(&statement.list).ok_or_else(|| answered.unreadable())?;
        let credits = members.objects(&statement.list);
        // A list that cannot be read is not one without our credit.
        if credits.is_empty() && list.strip_prefix('[').is_none_or(|rest| rest.trim_start() != "]") {
            return Err(answered.unreadable());
        }
        let read = |credit| self.names.read(credit, answered.body.clone()).ok().flatten();
        let ours = credits.iter().take(MOST_CREDITS).filter_map(read).filter(|(id, _)| *id == order.id);
        let mut ours: Vec<Report> = ours.map(|(_, report)| report).collect();
        // What fits comes first: a citizen may have sent a wrong amount and then the right one.
        ours.sort_by_key(|report| report.amount != Some(order.amount));
        Ok(ours.into_iter().next().unwrap_or_else(|| Report {
            standing: ReportStanding::Pending,
            amount: None,
            transaction: None,
            paid_at: None,
            code: "none".to_owned(),
            means: None,
            receipt_url: None,
            evidence: answered.body.clone(),
        }))
    }
}

impl Statement {
    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, PayFailure> {
        let Some(token) = &self.token else { return Ok(Vec::new()) };
        let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
        let mut value = value.map_err(|_| {
            PayFailure::Deferred(own_cause("token", "the token in the settings cannot stand in a header"))
        })?;
        value.set_sensitive(true);
        Ok(vec![(AUTHORIZATION, value)])
    }
}

impl PaymentProvider for Transfer {
    fn abilities(&self) -> Abilities {
        Abilities { refund: false, partial_refund: false, least: self.amounts.least, most: self.amounts.most }
    }

    fn open<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Opened, PayFailure>> {
        let payee = &order.bill.payee;
        let qr = encode(&VietQr::transfer(&payee.bank_bin, &payee.account, order.amount, order.id.as_str()));
        let opened = qr.map(|qr| Opened { pay_url: String::new(), qr: Some(qr), evidence: Bytes::new() });
        let opened = opened.map_err(|bad| match bad {
            BadQr::Tag("38.01.00") => refused("the payee's bank_bin is not six digits"),
            BadQr::Tag("38.01.01") => refused("the payee's account is not 1 to 19 letters and digits"),
            _ => refused("the payment cannot be written as a VietQR"),
        });
        Box::pin(async { opened })
    }

    fn hear(&self, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
        if came.method != Method::POST {
            return Err(Unheard::Malformed("method"));
        }
        if came.body.len() > MOST_BYTES {
            return Err(Unheard::Malformed("length"));
        }
        let signature = came.headers.get(&self.header).and_then(|value| value.to_str().ok());
        if !signature.is_some_and(|signature| self.keys.verified(came.body, signature)) {
            return Err(Unheard::BadSignature);
        }
        let members = Members::read(came.body).ok_or(Unheard::Malformed("message"))?;
        let credit = self.names.read(&members, came.body.clone())?;
        // What went out is no word about a payment.
        let (order, report) = credit.ok_or(Unheard::UnknownOrder)?;
        Ok(Heard { order, report, proven: true })
    }

    fn reply(&self, _came: &CallbackRequest<'_>, verdict: CallbackVerdict) -> CallbackReply {
        let (status, code) = match verdict {
            CallbackVerdict::Recorded | CallbackVerdict::AlreadyRecorded => (StatusCode::OK, "recorded"),
            // The money is there whatever it was meant for, so that the bank need not tell of it again.
            CallbackVerdict::UnknownOrder => (StatusCode::OK, "unknown_purpose"),
            CallbackVerdict::WrongAmount => (StatusCode::OK, "other_amount"),
            CallbackVerdict::BadSignature => (StatusCode::UNAUTHORIZED, "bad_signature"),
            CallbackVerdict::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
            CallbackVerdict::TryAgain => (StatusCode::SERVICE_UNAVAILABLE, "try_again"),
        };
        CallbackReply { status, content_type: "application/json", body: format!(r#"{{"result":"{code}"}}"#).into() }
    }

    fn query<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Report, PayFailure>> {
        Box::pin(self.asked(order))
    }
}

fn refused(why: &str) -> PayFailure {
    PayFailure::Refused(own_cause("vietqr", cut(why, 100)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_names_one_payment_whatever_the_bank_writes_around_it() {
        let id = "0123456789abcdefghjk";
        for (purpose, found) in [
            (id.to_owned(), true),
            (format!("MBVCB.123.{}.CT tu 0071 toi 257678859", id.to_uppercase()), true),
            (format!("{id} {id}"), true),
            (format!("{id} zzzzzzzzzzzzzzzzzzzz"), false),
            (format!("x{id}"), false),
            ("Lệ phí".to_owned(), false),
        ] {
            assert_eq!(named(&purpose).map(|id| id.to_string()), found.then(|| id.to_owned()), "{purpose}");
        }
    }
}
