//! From what providers say to what decisions rest on, and back into the record.

use bytes::Bytes;
use lgsp_connect::{RefundReport, Report};
use lgsp_core::payment::{Fact, NotNow, RefundSaying, Saying, Step};
use lgsp_model::{PaymentId, Timestamp};
use serde_json::json;

use super::record::Record;

/// Bytes of one piece of evidence that are kept: all callbacks and answers that providers document have less.
const MOST_EVIDENCE: usize = 64 * 1024;

/// Applies a fact to a record.
pub(crate) fn learn(record: &mut Record, fact: &Fact, now: Timestamp) -> Result<(), NotNow> {
    match record.payment().learn(fact, now) {
        Step::Same => Ok(()),
        Step::Changed(payment) => {
            record.take(&payment, now);
            Ok(())
        }
        Step::Refused(why) => Err(why),
    }
}

/// Applies a provider's word about the order.
pub(crate) fn said(record: &mut Record, report: &Report, now: Timestamp) -> Result<(), NotNow> {
    let saying = Saying {
        standing: report.standing,
        amount: report.amount,
        transaction: report.transaction.clone(),
        paid_at: report.paid_at,
        code: report.code.clone(),
    };
    learn(record, &Fact::Said(saying), now)?;
    if record.state().had_money() {
        record.means = record.means.take().or_else(|| report.means.clone());
        record.receipt_url = record.receipt_url.take().or_else(|| report.receipt_url.clone());
    }
    Ok(())
}

/// Applies a provider's word about a refund.
pub(crate) fn refund_said(
    record: &mut Record,
    id: &PaymentId,
    report: &RefundReport,
    now: Timestamp,
) -> Result<(), NotNow> {
    let saying =
        RefundSaying { standing: report.standing, provider_id: report.provider_id.clone(), code: report.code.clone() };
    learn(record, &Fact::RefundSaid(id.clone(), saying), now)
}

/// What a provider said, as the log keeps it.
pub(crate) fn evidence(provider: &str, what: &str, said: &[u8]) -> Bytes {
    let shown = &said[..said.len().min(MOST_EVIDENCE)];
    let text = String::from_utf8_lossy(shown);
    json!({ "provider": provider, "what": what, "bytes": said.len(), "said": text }).to_string().into()
}
