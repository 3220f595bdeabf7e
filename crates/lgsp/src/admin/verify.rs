//! `POST verify`: checks the log against its hash chain while the gateway goes on working.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use hyper::Response;
use lgsp_store::VerifyReport;
use serde_json::{Value, json};

use super::operator::{Operator, Refusal};
use super::{Admin, shown};

/// Runs the check; the answer comes when it has ended.
pub(super) async fn run(State(admin): State<Arc<Admin>>, _: Operator) -> Result<Response<Body>, Refusal> {
    let report = admin.app.store.verify().await?;
    if let Some((seq, what)) = &report.broken {
        tracing::error!(seq = seq.0, cause = what, "log differs from its hash chain");
    }
    Ok(shown(&report_json(&report)))
}

/// A report as the API and `lgsp verify --json` write it.
pub(crate) fn report_json(report: &VerifyReport) -> Value {
    json!({
        "intact": report.broken.is_none(),
        "events": report.events,
        "head": report.head.to_string(),
        "broken": report.broken.as_ref().map(|(seq, what)| json!({"seq": seq.0, "what": what})),
    })
}
