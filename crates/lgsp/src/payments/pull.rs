//! A partner asks what is to be paid for a dossier (the portal's `dptracuuthanhtoanhs`): a member with the right to read payments, in the
//! words of the provider through which it asks.

use std::sync::Arc;

use lgsp_connect::Unheard;
use lgsp_core::payment::{Fact, NotNow};
use lgsp_model::{DossierCode, ErrorCode, PaymentState, Scope};
use lgsp_store::TraceId;

use super::facts;
use super::keeper::{self, Because, Changing};
use super::open;
use super::order::order;
use super::read;
use super::record::Record;
use super::word::Word;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

pub(crate) async fn pull(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentRead)?;
    let snapshot = request.snapshot.clone();
    let nothing = || Failure::new(ErrorCode::NotFound, "no payment provider of this name is asked by its partner");
    let provider = snapshot.payment_providers.get(id).ok_or_else(nothing)?;
    let trace = request.trace.id();
    let word = Word::read(request, "lookup", app.clock.wall()).await?;
    let came = word.came();
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
    let record = payable(app, code, provider.id(), trace).await?;
    let order = record.map(|record| order(&snapshot.config, &record, provider.id()));
    let reply = provider.connector.pull_reply(&came, order.as_ref());
    Ok(answer::with_body(reply.status, reply.content_type, reply.body))
}

/// The payment of a dossier that can be paid now through a provider. One that nobody has chosen a provider for is bound to this one before
/// its partner hears of it: a citizen must not be sent to two.
async fn payable(app: &Arc<App>, code: DossierCode, provider: &str, trace: TraceId) -> Result<Option<Record>, Failure> {
    for record in read::records_of(app, code).await? {
        let is_mine = record.provider.as_deref() == Some(provider) && record.sent;
        if app.clock.wall() >= record.expires_at {
            continue;
        }
        match record.state() {
            PaymentState::Created | PaymentState::Pending | PaymentState::Unknown if is_mine => {
                return Ok(Some(record));
            }
            PaymentState::Created if !record.sent && record.providers.iter().any(|id| id == provider) => {
                match bind(app, &record, provider, trace).await {
                    Ok(record) => return Ok(Some(record)),
                    // Somebody chose another one meanwhile.
                    Err(Changing::Refused(_)) => {}
                    Err(Changing::Failed(failure)) => return Err(failure),
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

async fn bind(app: &Arc<App>, record: &Record, provider: &str, trace: TraceId) -> Result<Record, Changing> {
    let bound = keeper::change(app, record.id(), Because::of(trace), |record, now| {
        if record.state() != PaymentState::Created || record.sent || now >= record.expires_at {
            return Err(NotNow::Over);
        }
        open::choose(record, provider, now);
        facts::learn(record, &Fact::Opened, now)
    });
    Ok(bound.await?.0)
}
