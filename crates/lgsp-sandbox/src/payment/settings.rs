//! How a simulated payment provider behaves: merchant, keys, addresses, patience, and what it does by itself.
//!
//! Everything can be changed while it runs; what is absent is as at the real provider.

use serde::{Deserialize, Serialize};

use super::act::Act;
use crate::access::{Access, LgspKey};

/// What becomes of refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundConduct {
    /// They are done when they are answered.
    #[default]
    Done,
    /// They are on their way first, and done after `defer_ms` or by the command `settle-refund`.
    Pending,
    /// They are refused.
    Refused,
}

/// How the national platform gives out a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillForm {
    /// The document itself.
    #[default]
    Pdf,
    /// An address of the document, `UrlBienLai`.
    Url,
}

/// How a simulated payment provider behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentSettings {
    /// The client of the LGSP in front of the provider, for tokens, and the delay of answers.
    pub access: Access,
    /// The `lgspaccesstoken` of callers where one is needed.
    pub lgsp_key: LgspKey,
    /// Whether calls need a token (PayGov and the national platform behind an LGSP; PayGov wants `lgspaccesstoken` too).
    pub token_required: bool,
    /// Where the page starts, such as `http://sandbox:9090`; absent = as the caller addressed it.
    pub base: Option<String>,
    /// Who the merchant is (`vnp_TmnCode`, `partnerCode`, `app_id`, `client_id`, `MaDoiTac`); absent = the constant.
    pub merchant: Option<String>,
    /// The merchant's public key name (`accessKey`); absent = the constant.
    pub access_key: Option<String>,
    /// What the merchant signs with; absent = the constant.
    pub key: Option<String>,
    /// What callbacks are signed with; absent = the constant. Where a provider has one key for both, it is `key`.
    pub callback_key: Option<String>,
    /// Where callbacks go, of providers where the merchant registers it; of the others it stands before what an order says.
    pub callback_url: Option<String>,
    /// Where browsers go after the page, of providers where the merchant registers it.
    pub return_url: Option<String>,
    /// Where the national portal asks what is to be paid for a dossier.
    pub lookup_url: Option<String>,
    /// The `Authorization` with which it asks; absent = none.
    pub lookup_authorization: Option<String>,
    /// Calls until a callback is given up; absent = as at the real provider.
    pub callback_tries: Option<u32>,
    /// Milliseconds between calls; absent = as at the real provider.
    pub callback_interval_ms: Option<u64>,
    /// Milliseconds until a call counts as not answered.
    pub callback_timeout_ms: u64,
    /// Milliseconds between what happens and the first call.
    pub callback_delay_ms: u64,
    /// Milliseconds that an order without an end of its own lives; absent = as at the real provider.
    pub order_lifetime_ms: Option<u64>,
    /// Milliseconds after which what was deferred is done; absent = only by command.
    pub defer_ms: Option<u64>,
    /// Milliseconds after an order's end at which `pay_late` pays.
    pub late_ms: u64,
    /// What a visit of the page does at once, in place of asking; absent = the page is shown.
    pub automatic: Option<Act>,
    /// The code of an automatic failure; absent = the provider's first.
    pub automatic_code: Option<String>,
    /// What becomes of refunds.
    pub refunds: RefundConduct,
    /// Whether signed answers have a wrong signature.
    pub answers_signed_wrong: bool,
    /// Milliseconds in which a repeated `requestId` counts as still being worked on (MoMo: 422 and 7000).
    pub in_flight_ms: u64,
    /// How the national platform gives out receipts.
    pub bill: BillForm,
    /// The fields that PayGov's callback checksum covers, in order, after the secret key; empty = all in the order of the message.
    pub callback_fields: Vec<String>,
}

impl Default for PaymentSettings {
    fn default() -> Self {
        Self {
            access: Access::default(),
            lgsp_key: LgspKey::default(),
            token_required: false,
            base: None,
            merchant: None,
            access_key: None,
            key: None,
            callback_key: None,
            callback_url: None,
            return_url: None,
            lookup_url: None,
            lookup_authorization: None,
            callback_tries: None,
            callback_interval_ms: None,
            callback_timeout_ms: 15_000,
            callback_delay_ms: 0,
            order_lifetime_ms: None,
            defer_ms: Some(5_000),
            late_ms: 1_000,
            automatic: None,
            automatic_code: None,
            refunds: RefundConduct::Done,
            answers_signed_wrong: false,
            in_flight_ms: 0,
            bill: BillForm::Pdf,
            callback_fields: Vec::new(),
        }
    }
}
