//! MoMo's API: opening an order, where one stands, sending money back, where that stands.
//!
//! Answers carry no signature that covers them: they are believed because of where they were asked, and only about what was asked.

use lgsp_model::{Cause, Dong, RefundStanding, ReportStanding};
use serde_json::{Map, Value};

use super::codes::{Meaning, meaning};
use super::{Momo, canonical};
use crate::payment::amounts::with_amount;
use crate::payment::caller::{Answered, Call, Message, of_another};
use crate::payment::members::Members;
use crate::payment::order::{Order, RefundOrder};
use crate::payment::provider::{Opened, PayFailure, RefundReport, Report};
use crate::payment::words::{cut, filled, fresh, numbered};
use crate::redact::own_cause;

/// Characters of `orderInfo` and of a refund's description.
const INFO_CHARS: usize = 200;

/// Characters of a code or a means of payment that are kept.
const CODE_CHARS: usize = 40;

impl Momo {
    pub(super) async fn create(&self, order: &Order) -> Result<Opened, PayFailure> {
        let (amount, id) = (order.amount.to_string(), order.id.as_str());
        let info = cut(filled(&order.description, id), INFO_CHARS);
        let signed = [
            ("accessKey", self.merchant.access_key()),
            ("amount", &amount),
            ("extraData", ""),
            ("ipnUrl", &order.callback_url),
            ("orderId", id),
            ("orderInfo", &info),
            ("partnerCode", &self.merchant.partner_code),
            ("redirectUrl", &order.return_url),
            // An order is opened once: a second try by the same name gets the first one's answer.
            ("requestId", id),
            ("requestType", &self.merchant.request_type),
        ];
        let more = [("autoCapture", true.into())];
        let answered = self.post(Call::Changes, &self.calls.create, &signed, &more).await?;
        let told = answered.members()?;
        let code = told.or_empty("resultCode");
        match meaning(&code) {
            Meaning::Done => {}
            Meaning::Maintained => return Err(PayFailure::Deferred(said(&code))),
            Meaning::Failed
            | Meaning::Mishap
            | Meaning::NotTaken
            | Meaning::NotFound
            | Meaning::RefundFailed
            | Meaning::NotRefundable => return Err(PayFailure::Refused(said(&code))),
            Meaning::Authorised
            | Meaning::Waiting
            | Meaning::Processing
            | Meaning::Repeated
            | Meaning::Conflict
            | Meaning::Unlisted => return Err(PayFailure::Unknown(said(&code))),
        }
        about(&told, id)?;
        let pay_url = told.scalar("payUrl").filter(|url| self.rule.read(url).is_some());
        let pay_url = pay_url.ok_or_else(|| answered.unreadable())?;
        let qr = told.scalar("qrCodeUrl").filter(|qr| !qr.is_empty());
        Ok(Opened { pay_url, qr, evidence: answered.body.clone() })
    }

    pub(super) async fn ask(&self, order: &Order) -> Result<Report, PayFailure> {
        let answered = self.question(&self.calls.query, order.id.as_str()).await?;
        let told = answered.members()?;
        let code = told.or_empty("resultCode");
        let meant = meaning(&code);
        match meant {
            Meaning::Maintained | Meaning::Repeated => return Err(PayFailure::Deferred(said(&code))),
            Meaning::NotTaken => return Err(PayFailure::Refused(said(&code))),
            _ => about(&told, order.id.as_str())?,
        }
        let amount = match told.scalar("amount") {
            // Of an order that it does not know it says none.
            None => None,
            Some(_) if meant == Meaning::NotFound => None,
            Some(text) => Some(text.parse::<Dong>().map_err(|_| answered.unreadable())?),
        };
        let standing = match meant.order() {
            ReportStanding::Paid if amount.is_some_and(|amount| went_back(&told) >= amount.get()) => {
                ReportStanding::Refunded
            }
            standing => standing,
        };
        Ok(Report {
            standing: with_amount(standing, amount),
            amount,
            transaction: numbered(&told.or_empty("transId")),
            // The time of the answer is all that it tells.
            paid_at: None,
            code: cut(&code, CODE_CHARS),
            means: Some(cut(&told.or_empty("payType"), CODE_CHARS)).filter(|means| !means.is_empty()),
            receipt_url: None,
            evidence: answered.body.clone(),
        })
    }

    pub(super) async fn send_back(&self, refund: RefundOrder<'_>) -> Result<RefundReport, PayFailure> {
        let Some(paid) = numbered(refund.transaction).and_then(|paid| paid.parse::<u64>().ok()) else {
            return Err(PayFailure::Refused(own_cause("transaction", "the payment has no number of MoMo's")));
        };
        let (amount, id, reason, paid) =
            (refund.amount.to_string(), refund.id.as_str(), cut(refund.reason, INFO_CHARS), paid.to_string());
        let signed = [
            ("accessKey", self.merchant.access_key()),
            ("amount", &amount),
            ("description", &reason),
            // A refund has an order's name of its own, and the same request's name at every try.
            ("orderId", id),
            ("partnerCode", &self.merchant.partner_code),
            ("requestId", id),
            ("transId", &paid),
        ];
        let answered = self.post(Call::Changes, &self.calls.refund, &signed, &[]).await?;
        let told = answered.members()?;
        let code = told.or_empty("resultCode");
        let standing = match meaning(&code) {
            Meaning::Maintained | Meaning::Conflict => return Err(PayFailure::Deferred(said(&code))),
            Meaning::Mishap | Meaning::Unlisted | Meaning::Authorised => return Err(PayFailure::Unknown(said(&code))),
            // It is the payment that is not found, or the call that is not taken: nothing goes back.
            Meaning::NotFound | Meaning::NotTaken => RefundStanding::Refused,
            meant => meant.refund(),
        };
        about(&told, id)?;
        let provider_id = numbered(&told.or_empty("transId")).filter(|id| id != refund.transaction);
        Ok(RefundReport { standing, provider_id, code: cut(&code, CODE_CHARS), evidence: answered.body.clone() })
    }

    pub(super) async fn ask_refund(&self, refund: RefundOrder<'_>) -> Result<RefundReport, PayFailure> {
        let id = refund.id.as_str();
        let answered = self.question(&self.calls.query_refund, id).await?;
        let told = answered.members()?;
        let mut code = told.or_empty("resultCode");
        match meaning(&code) {
            Meaning::Maintained | Meaning::Repeated => return Err(PayFailure::Deferred(said(&code))),
            Meaning::NotTaken => return Err(PayFailure::Refused(said(&code))),
            _ => about(&told, id)?,
        }
        let mut provider_id = numbered(&told.or_empty("transId"));
        // Some answers list the refunds; then only what is said of this one counts.
        let listed = told.objects("refundTrans");
        if !listed.is_empty() {
            let this = listed.iter().find(|one| one.or_empty("orderId") == id);
            code = this.map_or_else(|| "42".to_owned(), |one| one.or_empty("resultCode"));
            provider_id = this.and_then(|one| numbered(&one.or_empty("transId")));
        }
        let provider_id = provider_id.filter(|id| id != refund.transaction);
        let standing = meaning(&code).refund();
        Ok(RefundReport { standing, provider_id, code: cut(&code, CODE_CHARS), evidence: answered.body.clone() })
    }

    async fn question(&self, call: &hyper::Uri, id: &str) -> Result<Answered, PayFailure> {
        let request = format!("{id}-{}", fresh());
        let signed = [
            ("accessKey", self.merchant.access_key()),
            ("orderId", id),
            ("partnerCode", &self.merchant.partner_code),
            ("requestId", &request),
        ];
        self.post(Call::Asks, call, &signed, &[]).await
    }

    async fn post(
        &self,
        call: Call,
        to: &hyper::Uri,
        signed: &[(&str, &str)],
        more: &[(&str, Value)],
    ) -> Result<Answered, PayFailure> {
        let signature = self.keys.sign(canonical(signed).as_bytes());
        let mut message = Map::new();
        for (name, value) in signed {
            let value = match *name {
                "accessKey" => continue,
                "amount" | "transId" => Value::from(value.parse::<u64>().expect("an amount and a number are digits")),
                _ => Value::from(*value),
            };
            message.insert((*name).to_owned(), value);
        }
        message.insert("lang".to_owned(), self.merchant.lang.as_str().into());
        message.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        message.insert("signature".to_owned(), signature.into());
        self.caller.post(call, to, Message::Json(Value::Object(message).to_string())).await
    }
}

/// An answer that names another order is none to this question.
fn about(told: &Members<'_>, id: &str) -> Result<(), PayFailure> {
    if told.scalar("orderId").is_none_or(|named| named == id) { Ok(()) } else { Err(of_another()) }
}

/// What of a payment went back, in đồng.
fn went_back(told: &Members<'_>) -> i64 {
    let refunds = told.objects("refundTrans");
    let done = refunds.iter().filter(|one| meaning(&one.or_empty("resultCode")) == Meaning::Done);
    done.filter_map(|one| one.or_empty("amount").parse::<Dong>().ok()).sum()
}

fn said(code: &str) -> Cause {
    let known = meaning(code) != Meaning::Unlisted;
    let code = if known { format!("momo_{code}") } else { "momo_other".to_owned() };
    own_cause(code, "MoMo did not do what it was asked; its list of result codes says what the code means")
}
