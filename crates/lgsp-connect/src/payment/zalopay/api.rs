//! ZaloPay's API: opening an order, where one stands, sending money back, where that stands.
//!
//! Answers carry no signature: they are believed because of where they were asked.

use std::time::Duration;

use hyper::Uri;
use lgsp_model::{Cause, Dong, RefundStanding, ReportStanding};
use serde_json::json;

use super::ZaloPay;
use super::codes::{Outcome, Said, Why, outcome, why};
use crate::health::millis;
use crate::payment::amounts::with_amount;
use crate::payment::caller::{Answered, Call, Message};
use crate::payment::members::Members;
use crate::payment::order::{Order, RefundOrder};
use crate::payment::provider::{Opened, PayFailure, RefundReport, Report};
use crate::payment::time::read_millis;
use crate::payment::words::{cut, filled, numbered};
use crate::redact::own_cause;

/// `expire_duration_seconds`: five minutes to thirty days.
const EXPIRY_SECONDS: (i64, i64) = (300, 2_592_000);

/// Characters of descriptions.
const INFO_CHARS: usize = 200;

/// Characters of a code that are kept.
const CODE_CHARS: usize = 40;

/// ZaloPay answers about an order for so long; that it knows none says nothing any more afterwards.
const REMEMBERED: Duration = Duration::from_secs(48 * 3600);

impl ZaloPay {
    pub(super) async fn create(&self, order: &Order) -> Result<Opened, PayFailure> {
        let merchant = &self.merchant;
        let now = self.caller.now();
        let seconds = ((order.expires_at.0 - now.0) / 1000).clamp(EXPIRY_SECONDS.0, EXPIRY_SECONDS.1).to_string();
        let embedded = json!({"redirecturl": order.return_url}).to_string();
        let (reference, amount, time) = (merchant.reference(order), order.amount.to_string(), now.0.to_string());
        let (description, items) = (cut(filled(&order.description, order.id.as_str()), INFO_CHARS), "[]");
        let signed = [&merchant.app_id, &reference, &merchant.app_user, &amount, &time, &embedded, items];
        let mac = self.ours.sign(signed.join("|").as_bytes());
        let mut form: Vec<(&str, &str)> = vec![
            ("app_id", &merchant.app_id),
            ("app_user", &merchant.app_user),
            ("app_trans_id", &reference),
            ("app_time", &time),
            ("amount", &amount),
            ("item", items),
            ("embed_data", &embedded),
            ("description", &description),
            ("callback_url", &order.callback_url),
            ("expire_duration_seconds", &seconds),
            ("mac", &mac),
        ];
        form.extend(merchant.bank_code.as_deref().map(|bank| ("bank_code", bank)));
        let answered = self.post(Call::Changes, &self.calls.create, &form).await?;
        let told = answered.members()?;
        match outcome(&told) {
            Outcome::Success => {}
            Outcome::Processing | Outcome::Failed(Why::Repeated | Why::Broken | Why::NoMoney | Why::Unlisted) => {
                return Err(PayFailure::Unknown(said(&told)));
            }
            Outcome::Failed(Why::Later) => return Err(PayFailure::Deferred(said(&told))),
            Outcome::Failed(_) => return Err(PayFailure::Refused(said(&told))),
        }
        let pay_url = told.scalar("order_url").filter(|url| self.rule.read(url).is_some());
        let pay_url = pay_url.ok_or_else(|| answered.unreadable())?;
        let qr = told.scalar("qr_code").filter(|qr| !qr.is_empty());
        Ok(Opened { pay_url, qr, evidence: answered.body.clone() })
    }

    pub(super) async fn ask(&self, order: &Order) -> Result<Report, PayFailure> {
        let (app_id, reference) = (&self.merchant.app_id, self.merchant.reference(order));
        let mac = self.ours.sign([app_id, reference.as_str(), self.secrets.first()].join("|").as_bytes());
        let form = [("app_id", app_id.as_str()), ("app_trans_id", &reference), ("mac", &mac)];
        let answered = self.post(Call::Asks, &self.calls.query, &form).await?;
        let told = answered.members()?;
        let transaction = numbered(&told.or_empty("zp_trans_id"));
        let standing = match standing(outcome(&told).order(transaction.is_some()), &told)? {
            ReportStanding::NotFound if self.caller.now() > order.opened_at.plus_millis(millis(REMEMBERED)) => {
                ReportStanding::Unclear
            }
            standing => standing,
        };
        let money = matches!(standing, ReportStanding::Paid | ReportStanding::Refunded);
        // Nought is what stands there of no payment.
        let amount = match told.scalar("amount").filter(|text| money && text != "0") {
            Some(text) => Some(text.parse::<Dong>().map_err(|_| answered.unreadable())?),
            None => None,
        };
        let standing = with_amount(standing, amount);
        let paid = standing == ReportStanding::Paid;
        Ok(Report {
            standing,
            amount,
            transaction,
            paid_at: told.scalar("server_time").filter(|_| paid).as_deref().and_then(read_millis),
            code: code(&told),
            means: None,
            receipt_url: None,
            evidence: answered.body.clone(),
        })
    }

    pub(super) async fn send_back(&self, refund: RefundOrder<'_>) -> Result<RefundReport, PayFailure> {
        let (merchant, time) = (&self.merchant, self.caller.now().0.to_string());
        let name = merchant.refund_reference(refund.id, refund.asked_at);
        let amount = refund.amount.to_string();
        let reason = cut(filled(refund.reason, "Hoàn tiền"), INFO_CHARS);
        let signed = [merchant.app_id.as_str(), refund.transaction, &amount, &reason, &time];
        let mac = self.ours.sign(signed.join("|").as_bytes());
        let form = [
            ("app_id", merchant.app_id.as_str()),
            ("m_refund_id", &name),
            ("zp_trans_id", refund.transaction),
            ("amount", &amount),
            ("timestamp", &time),
            ("description", &reason),
            ("mac", &mac),
        ];
        let answered = self.post(Call::Changes, &self.calls.refund, &form).await?;
        let told = answered.members()?;
        let standing = standing(outcome(&told).refund(), &told)?;
        Ok(report(&answered, &told, standing, None))
    }

    pub(super) async fn ask_refund(
        &self,
        refund: RefundOrder<'_>,
        provider_id: Option<&str>,
    ) -> Result<RefundReport, PayFailure> {
        let (app_id, time) = (&self.merchant.app_id, self.caller.now().0.to_string());
        let name = self.merchant.refund_reference(refund.id, refund.asked_at);
        let mac = self.ours.sign([app_id.as_str(), &name, &time].join("|").as_bytes());
        let form = [("app_id", app_id.as_str()), ("m_refund_id", &name), ("timestamp", &time), ("mac", &mac)];
        let answered = self.post(Call::Asks, &self.calls.query_refund, &form).await?;
        let told = answered.members()?;
        let named = provider_id.is_some() || numbered(&told.or_empty("refund_id")).is_some();
        let standing = standing(outcome(&told).asked_refund(named), &told)?;
        Ok(report(&answered, &told, standing, provider_id))
    }

    async fn post(&self, call: Call, to: &Uri, form: &[(&str, &str)]) -> Result<Answered, PayFailure> {
        self.caller.post(call, to, Message::Form(form)).await
    }
}

fn standing<T>(said_of_it: Said<T>, told: &Members<'_>) -> Result<T, PayFailure> {
    match said_of_it {
        Said::Standing(standing) => Ok(standing),
        Said::Later => Err(PayFailure::Deferred(said(told))),
        Said::Refused => Err(PayFailure::Refused(said(told))),
        Said::Unknown => Err(PayFailure::Unknown(said(told))),
    }
}

fn report(
    answered: &Answered,
    told: &Members<'_>,
    standing: RefundStanding,
    provider_id: Option<&str>,
) -> RefundReport {
    let named = numbered(&told.or_empty("refund_id")).or_else(|| provider_id.map(ToOwned::to_owned));
    RefundReport { standing, provider_id: named, code: code(told), evidence: answered.body.clone() }
}

/// The detail where there is one: the outcome itself stands in the report.
fn code(told: &Members<'_>) -> String {
    let (code, sub) = (told.or_empty("return_code"), told.or_empty("sub_return_code"));
    cut(if code == "2" && !matches!(sub.as_str(), "" | "0" | "1") { &sub } else { &code }, CODE_CHARS)
}

fn said(told: &Members<'_>) -> Cause {
    let code = code(told);
    let known = matches!(code.as_str(), "2" | "3") || !matches!(why(&code), Why::Unlisted | Why::NotSaid);
    let code = if known { format!("zalopay_{code}") } else { "zalopay_other".to_owned() };
    own_cause(code, "ZaloPay did not do what it was asked; its list of status codes says what the code means")
}
