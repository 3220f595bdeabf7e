//! Calls that become records of the gateway's own: the contract maps them, the intake judges and stores them as if they
//! had been pushed.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use lgsp_contract::{MapContext, UpstreamAnswer, UpstreamCall};
use lgsp_model::ErrorCode;

use super::call::Call;
use super::refusal::failure_of;
use crate::answer::{self, Answer};
use crate::app::RecordContract;
use crate::failure::Failure;
use crate::intake::{self, Takes};
use crate::request::Authorised;

pub(super) async fn take(call: &Call<'_>, made: &UpstreamCall, context: &MapContext<'_>) -> Result<Answer, Failure> {
    let record = call.operation.record().and_then(RecordContract::of_id);
    let record =
        record.ok_or_else(|| Failure::new(ErrorCode::Internal, "the contract names no record of the gateway"))?;
    let caller = Authorised::by_contract(call.caller.clone());
    let takes = Takes::new(call.app, caller, record, call.trace, &call.app.snapshot())?;
    let (status, result) = intake::one(&takes, made.body.clone(), None).await?;
    let came = UpstreamAnswer { status: status.as_u16(), content_type: Some("application/json"), body: &result };
    let context = MapContext { status: Some(status.as_u16()), ..*context };
    let made = call.operation.response(made.caller, &came, &context).map_err(failure_of)?;
    let status = StatusCode::from_u16(made.status).unwrap_or(status);
    let mut answer = answer::with_body(status, "application/json", made.body);
    if let Some(content_type) = made.content_type.and_then(|text| HeaderValue::from_str(&text).ok()) {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(answer)
}
