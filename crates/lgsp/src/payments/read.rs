//! Reading payments: one, those of a dossier, a receipt; and what they say together of a dossier's money.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use lgsp_connect::Receipt;
use lgsp_model::{DossierCode, ErrorCode, PaymentState, Scope};
use lgsp_store::PAYMENTS_AT_ONCE;
use serde::Serialize;
use serde_json::json;

use super::answer as told;
use super::keeper::{self, Kept};
use super::order::order;
use super::record::Record;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

pub(crate) async fn one(app: &Arc<App>, request: &Accepted, id: &str) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentRead)?;
    let record = readable(app, &caller, id).await?;
    Ok(told::one(StatusCode::OK, &record, &request.snapshot.config.payments.url))
}

/// A payment of the caller's agencies. Whether there are others is none of his business.
async fn readable(app: &App, caller: &Authorised, id: &str) -> Result<Record, Failure> {
    let id = id.parse().map_err(|_| keeper::unknown())?;
    let kept = keeper::load(app, &id).await?.ok_or_else(keeper::unknown)?;
    let code: DossierCode = kept.record.dossier.parse().map_err(|_| keeper::unknown())?;
    caller.check_agency(&code.agency()).map_err(|_| keeper::unknown())?;
    Ok(kept.record)
}

/// A payment that the caller asked for.
pub(crate) async fn own(app: &App, caller: &Authorised, id: &str) -> Result<Record, Failure> {
    let record = readable(app, caller, id).await?;
    if record.member != caller.caller().member.id.as_str() {
        let detail = "another member asked for this payment; only that one may change it";
        return Err(Failure::new(ErrorCode::AgencyNotGranted, detail));
    }
    Ok(record)
}

/// `GET /v1/payments?MaHoSo=…`: the newest first.
pub(crate) async fn of_dossier(app: &Arc<App>, request: &Accepted) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentRead)?;
    let bad = |detail: String| Failure::new(ErrorCode::BadParameter, detail);
    let code = request.query("MaHoSo").ok_or_else(|| bad("say whose payments: ?MaHoSo=…".to_owned()))?;
    let code: DossierCode = code.parse().map_err(|error| bad(format!("MaHoSo: {error}")))?;
    caller.check_agency(&code.agency())?;
    let records = records_of(app, code.clone()).await?;
    let base = &request.snapshot.config.payments.url;
    let payments: Vec<_> = records.iter().map(|record| told::view(record, base)).collect();
    let financial = financial(&records);
    let body = json!({ "MaHoSo": code.as_str(), "financial": financial, "payments": payments });
    Ok(answer::json(StatusCode::OK, body.to_string()))
}

/// A dossier's payments, the newest first.
pub(crate) async fn records_of(app: &App, code: DossierCode) -> Result<Vec<Record>, Failure> {
    let entries = app.store.payments_of(code, PAYMENTS_AT_ONCE).await?;
    entries.into_iter().map(|entry| Kept::of(entry).map(|kept| kept.record)).collect()
}

/// A dossier's money: beside its business state, and never mixed up with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Financial {
    state: &'static str,
    /// What was asked for and is neither paid nor over, in đồng.
    open: i64,
    /// What came, in đồng.
    paid: i64,
    /// What went back, in đồng.
    refunded: i64,
}

/// What a dossier's payments say together; `None` when there are none.
pub(crate) async fn financial_state(app: &App, code: DossierCode) -> Result<Option<Financial>, Failure> {
    let records = records_of(app, code).await?;
    Ok((!records.is_empty()).then(|| financial(&records)))
}

fn financial(records: &[Record]) -> Financial {
    let mut sums = Financial { state: "none", ..Financial::default() };
    let mut unknown = false;
    for record in records {
        let state = record.state();
        unknown |= matches!(state, PaymentState::Unknown | PaymentState::RefundPending);
        if state.had_money() {
            sums.paid += record.amount;
            sums.refunded += record.refunded;
        } else if matches!(state, PaymentState::Created | PaymentState::Pending | PaymentState::Unknown) {
            sums.open += record.amount;
        }
    }
    sums.state = match (unknown, sums.open, sums.paid, sums.refunded) {
        (true, ..) => "unclear",
        (_, 1.., ..) => "open",
        (_, _, 0, _) => "unpaid",
        (_, _, paid, refunded) if paid == refunded => "refunded",
        (_, _, _, 1..) => "partly_refunded",
        _ => "paid",
    };
    sums
}

/// `GET /v1/payments/{id}/receipt`: the provider's own where it has one, else what the gateway can vouch for.
pub(crate) async fn receipt(app: &Arc<App>, request: &Accepted, id: &str) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentRead)?;
    let record = readable(app, &caller, id).await?;
    if !record.state().had_money() {
        return Err(Failure::new(ErrorCode::Conflict, "there is no receipt: the payment is not paid"));
    }
    let snapshot = &request.snapshot;
    let provider = snapshot.payment_providers.of(&record);
    let theirs = match (provider, &record.receipt_url) {
        (_, Some(url)) => Some(Receipt::Url(url.clone())),
        (Some(provider), None) => {
            provider.connector.receipt(&order(&snapshot.config, &record, provider.id())).await.ok()
        }
        (None, None) => None,
    };
    match theirs {
        Some(Receipt::Pdf(pdf)) => Ok(answer::with_body(StatusCode::OK, "application/pdf", pdf)),
        Some(Receipt::Url(url)) => {
            let mut answer = answer::json(StatusCode::OK, receipt_of(&record, Some(&url)));
            if let Ok(url) = HeaderValue::try_from(url) {
                answer.headers_mut().insert(LOCATION, url);
            }
            Ok(answer)
        }
        None => Ok(answer::json(StatusCode::OK, receipt_of(&record, None))),
    }
}

fn receipt_of(record: &Record, url: Option<&str>) -> String {
    let Record { id, dossier, procedure, amount, fees, payee, payer, provider, transaction, means, .. } = record;
    json!({
        "id": id, "state": record.state, "MaHoSo": dossier, "MaTTHC": procedure, "SoTien": amount, "PhiLePhi": fees,
        "payee": payee, "NguoiNop": payer, "provider": provider, "transaction": transaction, "means": means,
        "paid_at": record.paid_at.map(|at| at.to_string()), "refunded": record.refunded, "UrlBienLai": url,
    })
    .to_string()
}
