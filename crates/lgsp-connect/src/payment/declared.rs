//! Providers that are described by a table of settings, the profile, and need no code: which fields a message has, what is signed with
//! which key, where in an answer the result stands and what its codes mean.
//!
//! `keypay`, `paygov` and `national` are profiles that are built in; the table `profile` of their settings is laid over them. The kind
//! `declared` has none built in. What a profile may say is described in config/payment-profiles.md.

mod answer;
mod callback;
pub(super) mod clock;
mod field;
mod message;
mod profile;
mod reader;
mod request;
mod settings;
mod signature;
mod template;
mod token;
mod values;

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use lgsp_model::ReportStanding;
use toml::{Table, Value};

use super::PaymentBuilder;
use super::amounts::Amounts;
use super::caller::{Answered, Call, Caller, DEFAULT_TIMEOUT};
use super::order::{Order, RefundOrder};
use super::provider::{
    Abilities, CallbackReply, CallbackRequest, CallbackVerdict, Heard, Opened, PayFailure, PaymentProvider, Receipt,
    RefundReport, Report, Unheard,
};
use crate::connector::ConnectFuture;
use crate::place::Place;
use crate::redact::own_cause;
use crate::settings::{Fields, Problem, SettingError};
use answer::is_address;
use profile::{Profile, Query, Refund, Told};
use reader::laid_over;
use request::Request;
use settings::Settings;
use token::Kept;
use values::Facts;

/// A receipt is a document.
const RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// What a document begins with.
const PDF: &[u8] = b"%PDF-";

/// The longest text of a QR code or an address that is passed on.
const TEXT_BYTES: usize = 4 * 1024;

/// KeyPay of the national portal, version 3.0.
const KEYPAY: &str = include_str!("profiles/keypay.toml");

/// PayGov.
const PAYGOV: &str = include_str!("profiles/paygov.toml");

/// The payment platform of the national portal, version 1.0.6.
const NATIONAL: &str = include_str!("profiles/national.toml");

pub(super) fn check_keypay(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    check_over(KEYPAY, table)
}

pub(super) fn check_paygov(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    check_over(PAYGOV, table)
}

pub(super) fn check_national(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    check_over(NATIONAL, table)
}

/// A profile wholly from settings.
pub(super) fn check(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    if !table.contains_key("profile") {
        return Err(vec![SettingError { key: "profile".to_owned(), problem: Problem::Missing }]);
    }
    check_over("", table)
}

fn check_over(built_in: &str, table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    let mut merged: Table = built_in.parse().expect("a built-in profile is TOML, which the tests see");
    match table.get("profile") {
        None => {}
        Some(Value::Table(over)) => laid_over(&mut merged, over),
        Some(_) => return Err(vec![SettingError { key: "profile".to_owned(), problem: Problem::Expected("a table") }]),
    }
    let profile = Profile::read(&merged)?;
    let mut fields = Fields::new(table);
    fields.known(&["profile"]);
    let place = Place::read(&mut fields, "url", DEFAULT_TIMEOUT);
    let settings = profile.settings.fill(&mut fields, place.as_ref());
    let amounts = Amounts::read(&mut fields, profile.amounts.0, profile.amounts.1);
    let errors = fields.finish();
    let Some(place) = place.filter(|_| errors.is_empty()) else { return Err(errors) };
    Ok(Box::new(move |clock| {
        let caller = Caller::build_for(&place, clock, RESPONSE_BYTES)?;
        Ok(Arc::new(Declared { profile, settings, amounts, place, caller, token: Kept::default() }))
    }))
}

/// A provider that is described by a profile.
struct Declared {
    profile: Profile,
    settings: Settings,
    amounts: Amounts,
    place: Place,
    caller: Caller,
    token: Kept,
}

impl Declared {
    fn facts(&self) -> Facts<'_> {
        Facts::new(&self.settings, self.caller.now())
    }

    /// Makes a call. What the provider said, and the facts that it was made of.
    async fn exchange(&self, call: Call, request: &Request, facts: Facts<'_>) -> Result<Answered, PayFailure> {
        let token = self.token().await?;
        let facts = Facts { token: Some(&token), ..facts };
        let written = request.write(&self.place, &facts)?;
        let answered = self.caller.send(call, &written.uri, written.body(), &written.headers).await?;
        if answered.status == StatusCode::UNAUTHORIZED && !token.is_empty() {
            self.token.forget(&token).await;
            return Err(PayFailure::Deferred(own_cause("http_401", "the provider does not take the token any more")));
        }
        Ok(answered)
    }

    /// The token that calls need; empty when they need none.
    async fn token(&self) -> Result<String, PayFailure> {
        let Some(token) = &self.profile.token else { return Ok(String::new()) };
        if token.when.as_ref().is_some_and(|key| self.settings.text(key).is_empty()) {
            return Ok(String::new());
        }
        let ask = async {
            let facts = self.facts();
            let written = token.request.write(&self.place, &facts)?;
            let answered = self.caller.send(Call::Asks, &written.uri, written.body(), &written.headers).await?;
            token.answer.take(&answered, &facts, |(), _, came| {
                let lifetime = token.lifetime.as_ref().and_then(|place| came.text(place)?.parse().ok());
                let text = came.text(&token.token).filter(|text| !text.is_empty());
                let text = text.ok_or_else(|| malformed("the token"))?;
                Ok((text.into_owned(), lifetime))
            })
        };
        // Nothing was asked of the provider itself yet.
        self.token.get(self.caller.now(), ask).await.map_err(|failure| match failure {
            PayFailure::Refused(cause) | PayFailure::Unknown(cause) => PayFailure::Deferred(cause),
            other => other,
        })
    }

    async fn opened(&self, order: &Order) -> Result<Opened, PayFailure> {
        let open = &self.profile.open;
        let facts = Facts { order: Some(order), ..self.facts() };
        let Some(answer) = &open.answer else {
            let written = open.request.write(&self.place, &facts)?;
            return Ok(Opened { pay_url: written.address, qr: None, evidence: Bytes::new() });
        };
        let answered = self.exchange(Call::Changes, &open.request, facts).await?;
        answer.take(&answered, &facts, |(), _, came| {
            let pay_url = open.pay_url.as_ref().and_then(|place| came.text(place));
            let pay_url = pay_url.filter(|url| url.len() <= TEXT_BYTES && self.may_send_to(url));
            let pay_url = pay_url.ok_or_else(|| malformed("the address of the payment page"))?.into_owned();
            let qr = open.qr.as_ref().and_then(|place| came.text(place));
            let qr = qr.filter(|qr| (1..=TEXT_BYTES).contains(&qr.len())).map(std::borrow::Cow::into_owned);
            Ok(Opened { pay_url, qr, evidence: answered.body.clone() })
        })
    }

    /// A page of plain http only where the provider itself is one.
    fn may_send_to(&self, url: &str) -> bool {
        is_address(url) && (self.place.rule.plain || url.starts_with("https://"))
    }

    async fn asked(&self, query: &Query, order: &Order) -> Result<Report, PayFailure> {
        let facts = Facts { order: Some(order), ..self.facts() };
        let answered = self.exchange(Call::Asks, &query.request, facts).await?;
        query.answer.take(&answered, &facts, |told, code, came| {
            match query.reading.order(came) {
                Some(named) if named.as_ref() != Ok(&order.id) => return Err(super::caller::of_another()),
                // Of what it does not know it need not say whose it is.
                None if query.reading.order.is_some() && told != Told::Stands(ReportStanding::NotFound) => {
                    return Err(malformed("the order's name"));
                }
                Some(_) | None => {}
            }
            let known = match told {
                Told::Stands(standing) => Some((standing, code)),
                Told::Read => None,
            };
            let mut report = query.reading.report(came, known, answered.body.clone()).map_err(malformed)?;
            report.receipt_url = report.receipt_url.and_then(|url| self.receipt_address(url));
            Ok(report)
        })
    }

    /// Where a citizen may see a receipt that the provider says is at `url`.
    fn receipt_address(&self, url: String) -> Option<String> {
        if url.len() > TEXT_BYTES {
            return None;
        }
        let base = self.profile.receipt.as_ref().and_then(|receipt| receipt.base.as_ref());
        match base.map_or("", |key| self.settings.text(key)) {
            "" => Some(url).filter(|url| self.may_send_to(url)),
            // Where the settings say it is, plain http inside the unit's own network will do.
            base => Some(moved(&url, base)).filter(|url| is_address(url)),
        }
    }

    async fn refunded(&self, refund: &Refund, call: Call, of: RefundOrder<'_>) -> Result<RefundReport, PayFailure> {
        let facts = Facts { order: Some(of.order), refund: Some(of), ..self.facts() };
        let answered = self.exchange(call, &refund.request, facts).await?;
        refund.answer.take(&answered, &facts, |standing, code, came| {
            let provider_id = refund.provider_id.as_ref().and_then(|place| came.text(place));
            let provider_id = provider_id.filter(|id| (1..=TEXT_BYTES).contains(&id.len()));
            let provider_id = provider_id.map(std::borrow::Cow::into_owned);
            Ok(RefundReport { standing, provider_id, code: code.to_owned(), evidence: answered.body.clone() })
        })
    }

    async fn receipted(&self, order: &Order) -> Result<Receipt, PayFailure> {
        let Some(receipt) = &self.profile.receipt else { return Err(PayFailure::Unsupported) };
        let report = match (&self.profile.query, receipt.ask_first) {
            (Some(query), true) => Some(self.asked(query, order).await?),
            _ => None,
        };
        let facts = Facts { order: Some(order), report: report.as_ref(), ..self.facts() };
        let answered = self.exchange(Call::Asks, &receipt.request, facts).await?;
        if answered.status.is_success() && answered.body.starts_with(PDF) {
            return Ok(Receipt::Pdf(answered.body));
        }
        receipt.answer.take(&answered, &facts, |(), _, came| {
            let url = receipt.url.as_ref().and_then(|place| came.text(place));
            let url = url.and_then(|url| self.receipt_address(url.into_owned()));
            url.map(Receipt::Url).ok_or_else(|| malformed("the receipt's address"))
        })
    }
}

/// An address with another base before its path: a receipt is often named by a host that only the partner itself can reach.
fn moved(url: &str, base: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.find(['/', '?']).map_or("", |at| &rest[at..]));
    format!("{}{path}", base.trim_end_matches('/'))
}

fn malformed(what: &str) -> PayFailure {
    PayFailure::Unknown(own_cause(
        "answer_malformed",
        format!("in the provider's answer {what} is missing or cannot be read"),
    ))
}

impl PaymentProvider for Declared {
    fn abilities(&self) -> Abilities {
        let refund = self.profile.refund.as_ref();
        Abilities {
            refund: refund.is_some(),
            partial_refund: refund.is_some_and(|refund| refund.partial),
            least: self.amounts.least,
            most: self.amounts.most,
        }
    }

    fn open<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Opened, PayFailure>> {
        Box::pin(self.opened(order))
    }

    fn hear(&self, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
        let callback = self.profile.callback.as_ref().ok_or(Unheard::Malformed("callback"))?;
        let mut heard = callback.hear(came, &self.settings)?;
        heard.report.receipt_url = heard.report.receipt_url.and_then(|url| self.receipt_address(url));
        Ok(heard)
    }

    fn reply(&self, came: &CallbackRequest<'_>, verdict: CallbackVerdict) -> CallbackReply {
        match &self.profile.callback {
            Some(callback) => callback.reply(came, verdict, &self.settings),
            None => {
                CallbackReply { status: StatusCode::NOT_FOUND, content_type: "application/json", body: "{}".into() }
            }
        }
    }

    fn query<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Report, PayFailure>> {
        Box::pin(async move {
            match &self.profile.query {
                Some(query) => self.asked(query, order).await,
                None => Err(PayFailure::Unsupported),
            }
        })
    }

    fn refund<'a>(&'a self, refund: RefundOrder<'a>) -> ConnectFuture<'a, Result<RefundReport, PayFailure>> {
        Box::pin(async move {
            match &self.profile.refund {
                Some(how) if refund.full || how.partial => self.refunded(how, Call::Changes, refund).await,
                _ => Err(PayFailure::Unsupported),
            }
        })
    }

    fn query_refund<'a>(
        &'a self,
        refund: RefundOrder<'a>,
        _provider_id: Option<&'a str>,
    ) -> ConnectFuture<'a, Result<RefundReport, PayFailure>> {
        Box::pin(async move {
            match &self.profile.query_refund {
                Some(how) => self.refunded(how, Call::Asks, refund).await,
                None => Err(PayFailure::Unsupported),
            }
        })
    }

    fn receipt<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Receipt, PayFailure>> {
        Box::pin(self.receipted(order))
    }

    fn pulled(&self, came: &CallbackRequest<'_>) -> Option<Result<String, Unheard>> {
        self.profile.pull.as_ref()?.pulled(came)
    }

    fn pull_reply(&self, came: &CallbackRequest<'_>, order: Option<&Order>) -> CallbackReply {
        match &self.profile.pull {
            Some(pull) => pull.reply(came, order, &self.settings),
            None => {
                CallbackReply { status: StatusCode::NOT_FOUND, content_type: "application/json", body: Bytes::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests;
