//! `POST /v1/payments`: a payment is on disk before anybody is told of it, and a repeat of its reference finds it.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use lgsp_model::{DossierCode, ErrorCode, PaymentId, Scope};
use lgsp_store::{PaymentChange, PaymentChanged, TraceId};

use super::ask::Ask;
use super::keeper::{self, Kept};
use super::record::Record;
use super::{answer, lines, open, post};
use crate::answer::Answer;
use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

/// The largest body: fifty fees with long names have less.
const MOST_BYTES: lgsp_model::ByteCount = lgsp_model::ByteCount(64 * 1024);

pub(crate) async fn create(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentCreate)?;
    let (snapshot, trace, from) = (request.snapshot.clone(), request.trace.id(), request.peer.address);
    let body = request.into_body_within(MOST_BYTES)?.read_whole().await?;
    let ask = Ask::read(&body)?;
    let dossier = ask.dossier(&caller)?;
    let base = &snapshot.config.payments.url;
    if let Some(known) = known(app, &caller, &ask).await? {
        return Ok(answer::one(StatusCode::OK, &known, base));
    }
    let now = app.clock.wall();
    let mut record = ask.record(&snapshot, &caller, (new_id(), &dossier.agency()), from, now)?;
    if let Some(wanted) = &ask.post {
        record.post = Some(post::linked(app, &caller, wanted, &record).await?);
    }
    let only = match record.providers.as_slice() {
        [only] => snapshot.payment_providers.get(only).cloned(),
        _ => None,
    };
    if let Some(provider) = &only {
        open::choose(&mut record, provider.id(), now);
    }
    if let Some(known) = store(app, &caller, &ask, &record, dossier, trace).await? {
        return Ok(answer::one(StatusCode::OK, &known, base));
    }
    if let Some(provider) = &only {
        record = open::open(app, &snapshot, &record, provider, trace).await?;
    }
    let mut answer = answer::one(StatusCode::CREATED, &record, base);
    let location = HeaderValue::try_from(format!("/v1/payments/{}", record.id)).expect("letters and digits");
    answer.headers_mut().insert(LOCATION, location);
    Ok(answer)
}

/// The payment that this reference made, when it asked for the same.
async fn known(app: &App, caller: &Authorised, ask: &Ask) -> Result<Option<Record>, Failure> {
    let Some(name) = lines::reference_name(caller.caller().member.id.as_str(), &ask.reference) else { return Ok(None) };
    let Some(entry) = app.store.payment_named(name).await? else { return Ok(None) };
    let kept = Kept::of(entry)?;
    if kept.record.asked == ask.digest() {
        return Ok(Some(kept.record));
    }
    let detail = "this reference made another payment; use a new one, or ask for the same again";
    Err(Failure::new(ErrorCode::IdempotencyMismatch, detail))
}

/// Stores a new payment; `Some` when another request with its reference was sooner.
async fn store(
    app: &Arc<App>,
    caller: &Authorised,
    ask: &Ask,
    record: &Record,
    dossier: DossierCode,
    trace: TraceId,
) -> Result<Option<Record>, Failure> {
    let change = PaymentChange {
        id: record.id(),
        after: None,
        record: record.write(),
        evidence: Vec::new(),
        names: lines::names(record),
        ledger: lines::ledger(record),
        due: lines::due(None, record, record.created_at),
        agency: dossier.agency(),
        dossier,
        sender: caller.caller().member.id.clone(),
        at: record.created_at,
        trace,
    };
    match app.store.change_payment(change).await? {
        PaymentChanged::Stored(_) => {
            keeper::note(app, None, record);
            Ok(None)
        }
        PaymentChanged::Taken(_) | PaymentChanged::Stale => match known(app, caller, ask).await? {
            Some(known) => Ok(Some(known)),
            None => Err(Failure::new(ErrorCode::Conflict, "the order at the post has a payment already")),
        },
    }
}

/// A name that nobody can guess.
pub(crate) fn new_id() -> PaymentId {
    let mut random = [0u8; PaymentId::LENGTH];
    aws_lc_rs::rand::fill(&mut random).expect("the system has randomness");
    PaymentId::of_random(random)
}

/// The snapshot's providers that a record may be paid at.
pub(crate) fn choices<'a>(
    snapshot: &'a Snapshot,
    record: &'a Record,
) -> impl Iterator<Item = &'a Arc<super::providers::PaymentProvider>> {
    snapshot.payment_providers.iter().filter(|provider| record.providers.iter().any(|id| id == provider.id()))
}
