//! A partner asks what is to be paid for a dossier (the portal's `dptracuuthanhtoanhs`): a member with the right to read payments, in the
//! words of the provider through which it asks.

use std::sync::Arc;

use lgsp_connect::{CallbackRequest, Unheard};
use lgsp_model::{DossierCode, ErrorCode, PaymentState, Scope};

use super::keeper::Kept;
use super::order::order;
use super::record::Record;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

const MOST_BYTES: lgsp_model::ByteCount = lgsp_model::ByteCount(64 * 1024);

/// Payments of one dossier that are looked through.
const OF_DOSSIER: usize = 1000;

pub(crate) async fn pull(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentRead)?;
    let snapshot = request.snapshot.clone();
    let nothing = || Failure::new(ErrorCode::NotFound, "no payment provider of this name is asked by its partner");
    let provider = snapshot.payment_providers.get(id).ok_or_else(nothing)?;
    let parts = request.parts.clone();
    let body = request.into_body_within(MOST_BYTES)?.read_whole().await?;
    let came = CallbackRequest {
        method: &parts.method,
        path: "lookup",
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &body,
        at: app.clock.wall(),
    };
    let asked = provider.connector.pulled(&came).ok_or_else(nothing)?;
    let code = asked.map_err(|unheard| match unheard {
        Unheard::BadSignature => Failure::new(ErrorCode::Unauthenticated, "the signature is wrong"),
        Unheard::UnknownOrder | Unheard::Malformed(_) => {
            Failure::new(ErrorCode::MalformedRequest, "the request cannot be read; it must name MaHoSo")
        }
    })?;
    let code: DossierCode =
        code.parse().map_err(|error| Failure::new(ErrorCode::BadParameter, format!("MaHoSo: {error}")))?;
    caller.check_agency(&code.agency())?;
    let record = payable(app, code, provider.id()).await?;
    let order = record.map(|record| order(&snapshot.config, &record, provider.id()));
    let reply = provider.connector.pull_reply(&came, order.as_ref());
    Ok(answer::with_body(reply.status, reply.content_type, reply.body))
}

/// The payment of a dossier that can be paid now through a provider, or that was paid last.
async fn payable(app: &App, code: DossierCode, provider: &str) -> Result<Option<Record>, Failure> {
    let mut paid = None;
    for entry in app.store.payments_of(code, OF_DOSSIER).await? {
        let record = Kept::of(entry)?.record;
        let there = record
            .provider
            .as_deref()
            .map_or_else(|| record.providers.iter().any(|id| id == provider), |id| id == provider);
        match record.state() {
            PaymentState::Created | PaymentState::Pending | PaymentState::Unknown if there => return Ok(Some(record)),
            state if there && state.had_money() && paid.is_none() => paid = Some(record),
            _ => {}
        }
    }
    Ok(paid)
}
