//! VNPAY's API: where an order or a refund stands (`querydr`), and sending money back (`refund`).
//!
//! What it answers counts only with its signature.

use lgsp_model::{RefundStanding, ReportStanding};
use serde_json::{Map, Value};

use super::callback::{hundredths, transaction};
use super::codes::{self, About, Answer};
use super::{HUNDREDTHS, INFO_CHARS, VERSION, Vnpay};
use crate::payment::amounts::with_amount;
use crate::payment::caller::{Answered, Call, Message, of_another, unsigned};
use crate::payment::members::Members;
use crate::payment::order::{Order, RefundOrder};
use crate::payment::provider::{PayFailure, RefundReport, Report};
use crate::payment::time::{compact, read_compact, within_day};
use crate::payment::words::{cut, filled, fresh, plain};
use crate::redact::own_cause;

/// What of an answer to `querydr` is signed, in this order.
const ASKED: &[&str] = &[
    "vnp_ResponseId",
    "vnp_Command",
    "vnp_ResponseCode",
    "vnp_Message",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_BankCode",
    "vnp_PayDate",
    "vnp_TransactionNo",
    "vnp_TransactionType",
    "vnp_TransactionStatus",
    "vnp_OrderInfo",
    "vnp_PromotionCode",
    "vnp_PromotionAmount",
];

/// The same of an answer to `refund`: without the two fields of a promotion.
const REFUNDED: &[&str] = ASKED.split_at(ASKED.len() - 2).0;

/// Letters of `vnp_CreateBy`.
const BY_CHARS: usize = 245;

/// `HHmmss` in Vietnam from which on a refund is not sent again that day: a quarter of an hour for the call and for clocks that differ.
const LAST_REPEAT: &str = "234500";

/// VNPAY's clock may be so far behind ours.
const CLOCKS_APART_MILLIS: i64 = 60_000;

/// Characters of a code or a bank's name that are kept.
const CODE_CHARS: usize = 40;

impl Vnpay {
    pub(super) async fn ask(&self, order: &Order) -> Result<Report, PayFailure> {
        let answered = self.querydr(order, None).await?;
        let told = self.told(&answered, order, ASKED)?;
        let code = told.or_empty("vnp_ResponseCode");
        let about = About::of(&told.or_empty("vnp_TransactionType"));
        let status = told.or_empty("vnp_TransactionStatus");
        let standing = match codes::answer(&code) {
            Answer::Good => about.map_or(ReportStanding::Unclear, |about| codes::asked(about, &status)),
            Answer::NotFound => ReportStanding::NotFound,
            Answer::NotPaid | Answer::Other => ReportStanding::Unclear,
            Answer::Repeated | Answer::Broken => return Err(PayFailure::Deferred(said(&code))),
            Answer::Refused => return Err(PayFailure::Refused(said(&code))),
        };
        // The amount and the name of a refund are not those of the payment.
        let paid = about == Some(About::Payment);
        let amount = match told.or_empty("vnp_Amount") {
            text if text.is_empty() || !paid => None,
            text => Some(hundredths(&text).ok_or_else(|| answered.unreadable())?),
        };
        let standing = if paid { with_amount(standing, amount) } else { standing };
        let good = codes::answer(&code) == Answer::Good;
        Ok(Report {
            standing,
            amount,
            transaction: transaction(&told.or_empty("vnp_TransactionNo")).filter(|_| paid),
            paid_at: read_compact(&told.or_empty("vnp_PayDate")).filter(|_| paid && standing == ReportStanding::Paid),
            code: cut(if good && !status.is_empty() { &status } else { &code }, CODE_CHARS),
            means: Some(cut(&told.or_empty("vnp_BankCode"), CODE_CHARS)).filter(|bank| !bank.is_empty()),
            receipt_url: None,
            evidence: answered.body.clone(),
        })
    }

    pub(super) async fn send_back(&self, refund: RefundOrder<'_>) -> Result<RefundReport, PayFailure> {
        let order = refund.order;
        let signed = [
            // The same at every try, so that VNPAY itself sees a repetition.
            ("vnp_RequestId", refund.id.to_string()),
            ("vnp_Version", VERSION.to_owned()),
            ("vnp_Command", "refund".to_owned()),
            ("vnp_TmnCode", self.merchant.tmn_code.clone()),
            ("vnp_TransactionType", if refund.full { "02" } else { "03" }.to_owned()),
            ("vnp_TxnRef", order.id.to_string()),
            ("vnp_Amount", (refund.amount.get() * HUNDREDTHS).to_string()),
            ("vnp_TransactionNo", refund.transaction.to_owned()),
            ("vnp_TransactionDate", compact(order.opened_at)),
            ("vnp_CreateBy", filled(&plain(refund.by, BY_CHARS), "lgsp").to_owned()),
            ("vnp_CreateDate", compact(refund.asked_at)),
            ("vnp_IpAddr", self.merchant.address(order)),
            ("vnp_OrderInfo", filled(&plain(refund.reason, INFO_CHARS), "Hoan tien").to_owned()),
        ];
        let answered = self.post(Call::Changes, &signed, &[]).await?;
        let told = self.told(&answered, order, REFUNDED)?;
        let code = told.or_empty("vnp_ResponseCode");
        let status = told.or_empty("vnp_TransactionStatus");
        let standing = match codes::answer(&code) {
            Answer::Good => codes::refund(&status),
            Answer::Repeated => RefundStanding::Pending,
            Answer::NotFound | Answer::NotPaid | Answer::Refused => RefundStanding::Refused,
            Answer::Broken | Answer::Other => return Err(PayFailure::Unknown(said(&code))),
        };
        let code = cut(if code == "00" && !status.is_empty() { &status } else { &code }, CODE_CHARS);
        let provider_id = transaction(&told.or_empty("vnp_TransactionNo")).filter(|id| id != refund.transaction);
        Ok(RefundReport { standing, provider_id, code, evidence: answered.body.clone() })
    }

    pub(super) async fn ask_refund(
        &self,
        refund: RefundOrder<'_>,
        provider_id: Option<&str>,
    ) -> Result<RefundReport, PayFailure> {
        let answered = self.querydr(refund.order, provider_id).await?;
        let told = self.told(&answered, refund.order, ASKED)?;
        let code = told.or_empty("vnp_ResponseCode");
        let status = told.or_empty("vnp_TransactionStatus");
        let about_this = about_this(&told, refund, provider_id);
        let standing = match codes::answer(&code) {
            Answer::Good if about_this => codes::refund(&status),
            Answer::Good | Answer::NotFound => self.untold(refund, provider_id),
            Answer::NotPaid => RefundStanding::Refused,
            Answer::Other => RefundStanding::Pending,
            Answer::Repeated | Answer::Broken => return Err(PayFailure::Deferred(said(&code))),
            Answer::Refused => return Err(PayFailure::Refused(said(&code))),
        };
        let code = cut(if code == "00" && !status.is_empty() { &status } else { &code }, CODE_CHARS);
        let told_now = || transaction(&told.or_empty("vnp_TransactionNo")).filter(|_| about_this);
        let provider_id = provider_id.map(ToOwned::to_owned).or_else(told_now);
        Ok(RefundReport { standing, provider_id, code, evidence: answered.body.clone() })
    }

    /// VNPAY's word shows no trace of a refund. It may be sent again while VNPAY would see that it is the same: a request's name is
    /// unique for a day, and what is sent shortly before the day ends may arrive in the next. One that VNPAY gave a name to is there,
    /// whatever this answer is about. Of both only a person can tell.
    fn untold(&self, refund: RefundOrder<'_>, provider_id: Option<&str>) -> RefundStanding {
        let told_apart = within_day(refund.asked_at, self.caller.now(), LAST_REPEAT);
        if provider_id.is_none() && told_apart { RefundStanding::NotFound } else { RefundStanding::Pending }
    }

    async fn querydr(&self, order: &Order, transaction: Option<&str>) -> Result<Answered, PayFailure> {
        let signed = [
            ("vnp_RequestId", fresh()),
            ("vnp_Version", VERSION.to_owned()),
            ("vnp_Command", "querydr".to_owned()),
            ("vnp_TmnCode", self.merchant.tmn_code.clone()),
            ("vnp_TxnRef", order.id.to_string()),
            ("vnp_TransactionDate", compact(order.opened_at)),
            ("vnp_CreateDate", compact(self.caller.now())),
            ("vnp_IpAddr", self.merchant.address(order)),
            ("vnp_OrderInfo", format!("Truy van {}", order.id)),
        ];
        let more = transaction.map(|transaction| ("vnp_TransactionNo", transaction.to_owned()));
        self.post(Call::Asks, &signed, more.as_slice()).await
    }

    async fn post(
        &self,
        call: Call,
        signed: &[(&str, String)],
        more: &[(&str, String)],
    ) -> Result<Answered, PayFailure> {
        let values: Vec<&str> = signed.iter().map(|(_, value)| value.as_str()).collect();
        let hash = self.keys.sign(values.join("|").as_bytes());
        let fields = signed.iter().chain(more).map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        let mut message: Map<String, Value> = fields.collect();
        message.insert("vnp_SecureHash".to_owned(), hash.into());
        self.caller.post(call, &self.api, Message::Json(Value::Object(message).to_string())).await
    }

    /// An answer whose signature is right and that is about this order.
    fn told<'a>(&self, answered: &'a Answered, order: &Order, signed: &[&str]) -> Result<Members<'a>, PayFailure> {
        let told = answered.members()?;
        let values: Vec<String> = signed.iter().map(|name| told.or_empty(name)).collect();
        if !self.keys.verified(values.join("|").as_bytes(), &told.or_empty("vnp_SecureHash")) {
            return Err(unsigned());
        }
        let (merchant, reference) = (told.or_empty("vnp_TmnCode"), told.or_empty("vnp_TxnRef"));
        let ours = merchant == self.merchant.tmn_code && reference == order.id.as_str();
        // Of what it does not know it need not say whose it is.
        if ours || (codes::answer(&told.or_empty("vnp_ResponseCode")) != Answer::Good && reference.is_empty()) {
            return Ok(told);
        }
        Err(of_another())
    }
}

/// Whether a good answer is about this refund: of its kind, over its amount and of its name; where its name is not known, made after it
/// was asked for and not under the name of another, so that it is not an earlier one over the same amount.
fn about_this(told: &Members<'_>, refund: RefundOrder<'_>, provider_id: Option<&str>) -> bool {
    let kind = if refund.full { About::FullRefund } else { About::PartialRefund };
    let amount = told.or_empty("vnp_Amount");
    let same_amount = amount.is_empty() || hundredths(&amount) == Some(refund.amount);
    let same = match provider_id {
        Some(id) => told.or_empty("vnp_TransactionNo") == id,
        None => {
            let earliest = refund.asked_at.plus_millis(-CLOCKS_APART_MILLIS);
            let name = told.or_empty("vnp_TransactionNo");
            let another = refund.others.contains(&name) || name == refund.transaction;
            !another && read_compact(&told.or_empty("vnp_PayDate")).is_some_and(|made| made >= earliest)
        }
    };
    About::of(&told.or_empty("vnp_TransactionType")) == Some(kind) && same_amount && same
}

fn said(code: &str) -> lgsp_model::Cause {
    let known = codes::answer(code) != Answer::Other;
    let code = if known { format!("vnpay_{code}") } else { "vnpay_other".to_owned() };
    own_cause(code, "VNPAY did not do what it was asked; its documents say what the code means")
}
