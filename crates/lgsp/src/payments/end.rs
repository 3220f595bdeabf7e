//! `POST /v1/payments/{id}/cancel`: nobody waits for the payment any more. The provider is asked first; money that is there already wins,
//! and money that comes later is taken note of.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_core::payment::{EndCause, Fact};
use lgsp_model::{ErrorCode, PaymentState, Scope};

use super::inquiry::{self, Asked};
use super::keeper::{self, Because};
use super::{answer, facts, read};
use crate::answer::Answer;
use crate::app::App;
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

/// When to try again while the provider does not say.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(15);

pub(crate) async fn cancel(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let caller = Authorised::check(request.identify(app).await?, &Scope::PaymentCreate)?;
    let record = read::own(app, &caller, id).await?;
    let open = record.state().is_open() || (record.state() == PaymentState::Created && record.sent);
    if open && inquiry::ask(app, &request.snapshot, &record).await? == Asked::Unclear {
        let detail = "the provider cannot say now whether it has the money; the payment stays as it is until it can";
        return Err(Failure::retry(ErrorCode::UpstreamUnreachable, detail, AGAIN));
    }
    let because = Because::of(request.trace.id());
    let ended = keeper::change(app, record.id(), because, |record, now| {
        facts::learn(record, &Fact::Ended(EndCause::Cancelled), now)
    });
    let (record, _) = ended.await?;
    Ok(answer::one(StatusCode::OK, &record, &request.snapshot.config.payments.url))
}
