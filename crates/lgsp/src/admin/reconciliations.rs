//! Reconciliations of payments: makes one from a provider's file or by asking it, lists them, and gives their rows as tables.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use hyper::Response;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use lgsp_model::ErrorCode;
use serde_json::json;
use tokio::sync::SemaphorePermit;

use super::operator::{Operator, Query, Reason, Refusal};
use super::{Admin, shown};
use crate::failure::Failure;
use crate::payments::reconcile::{self, Day, Outcome, Rows, Upload};

/// How long somebody should wait who finds another reconciliation at work: a million lines take some seconds.
const BUSY: Duration = Duration::from_secs(10);
/// The reason of an operator who gives none.
const REASON: &str = "the day's payments are compared";

/// `POST reconciliations?provider=&day=&reason=`: with the provider's file as body; without one the provider is asked.
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    query: Query,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let wanted = |name: &str| Failure::new(ErrorCode::BadParameter, format!("say {name}="));
    let provider = reconcile::provider(&admin.app, query.text("provider").ok_or_else(|| wanted("provider"))?)?;
    let day: Day = query.value("day")?.ok_or_else(|| wanted("day"))?;
    if day > Day::of(admin.app.clock.wall()) {
        return Err(Failure::new(ErrorCode::BadParameter, "day has not come yet").into());
    }
    let reason = Reason::new(query.text("reason").unwrap_or(REASON))?;
    let _alone = alone(&admin)?;
    let id = provider.id.as_str();
    let compared = match Upload::of(body) {
        Some(file) => {
            let limits = admin.app.snapshot().config.limits.clone();
            let statement = file.read(&provider, day, &limits).await?;
            reconcile::with_file(&admin.app, id, day, statement).await?
        }
        None => reconcile::with_answers(&admin.app, id, day).await?,
    };
    let audit = operator.entry(&admin, "payments.reconcile", format!("{id}/{day}"), reason);
    let outcome = reconcile::finish(&admin.app, compared, audit).await?;
    Ok(shown(&outcome))
}

/// One at a time: each holds a whole day.
fn alone(admin: &Admin) -> Result<SemaphorePermit<'_>, Failure> {
    let busy = |_| Failure::retry(ErrorCode::Overloaded, "another reconciliation is at work", BUSY);
    admin.reconciling.try_acquire().map_err(busy)
}

/// `GET reconciliations?provider=&limit=&after=`: in the order of providers and days.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    query: Query,
) -> Result<Response<Body>, Refusal> {
    let (limit, after) = (query.limit()?, query.text("after").unwrap_or_default());
    let found = reconcile::list(&*admin.app.store, query.text("provider"), after, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.clone());
    Ok(shown(&json!({"reconciliations": found, "next": next})))
}

/// `GET reconciliations/{id}`.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    id: Path<String>,
) -> Result<Response<Body>, Refusal> {
    Ok(shown(&reconcile::read(&*admin.app.store, &id).await?))
}

/// `GET reconciliations/{id}/rows.csv`.
pub(super) async fn csv(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    id: Path<String>,
) -> Result<Response<Body>, Refusal> {
    let outcome = reconcile::read(&*admin.app.store, &id).await?;
    let (mut table, mut rows) = (reconcile::csv(), Rows::of(&*admin.app.store, &outcome));
    while let Some(piece) = rows.next().await? {
        table.add(&piece);
    }
    Ok(download(&outcome, "csv", "text/csv; charset=utf-8", table.into_bytes()))
}

/// `GET reconciliations/{id}/rows.xlsx`: the sums besides.
pub(super) async fn xlsx(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    id: Path<String>,
) -> Result<Response<Body>, Refusal> {
    let outcome = reconcile::read(&*admin.app.store, &id).await?;
    let failed = |error| {
        tracing::error!(cause = %error, "a workbook cannot be written");
        Failure::new(ErrorCode::Internal, "the workbook cannot be written; rows.csv has the same rows")
    };
    let (mut book, mut rows) = (reconcile::xlsx(&outcome).map_err(failed)?, Rows::of(&*admin.app.store, &outcome));
    while let Some(piece) = rows.next().await? {
        book.add(&piece).map_err(failed)?;
    }
    // Packing a hundred thousand rows takes a while: not on a thread that others wait for.
    let packed = tokio::task::spawn_blocking(move || book.into_bytes()).await.expect("packing does not panic");
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(download(&outcome, "xlsx", kind, packed.map_err(failed)?))
}

fn download(outcome: &Outcome, ending: &str, kind: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{}.{ending}\"", outcome.id));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_DISPOSITION, name.expect("names of reconciliations are visible ASCII"));
    response
}
