//! MoMo's payment gateway, version 2: orders are opened, asked about and refunded over a JSON API, and it calls back with signed JSON.
//!
//! Payments in two steps (authorise, then capture) are not used: a fee is taken at once.

mod api;
mod callback;
mod codes;

use std::sync::Arc;

use aws_lc_rs::hmac::HMAC_SHA256;
use bytes::Bytes;
use hyper::{StatusCode, Uri};
use secrecy::{ExposeSecret, SecretString};
use toml::Table;

use std::time::Duration;

use super::PaymentBuilder;
use super::amounts::Amounts;
use super::caller::Caller;
use super::keys::{Keys, Secrets};
use super::order::{Order, RefundOrder};
use super::provider::{
    Abilities, CallbackReply, CallbackRequest, CallbackVerdict, Heard, Opened, PayFailure, PaymentProvider,
    RefundReport, Report, Unheard,
};
use crate::connector::ConnectFuture;
use crate::place::{AddressRule, Place};
use crate::settings::{Fields, Problem, SettingError};

/// MoMo wants its clients to wait so long for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What MoMo takes of one payment.
const LEAST: i64 = 1_000;
const MOST: i64 = 50_000_000;

/// Who we are there.
struct Merchant {
    partner_code: String,
    access_key: SecretString,
    request_type: String,
    lang: String,
}

/// Where its calls are.
struct Calls {
    create: Uri,
    query: Uri,
    refund: Uri,
    query_refund: Uri,
}

struct Momo {
    merchant: Merchant,
    keys: Keys,
    calls: Calls,
    /// Which addresses a browser may be sent to.
    rule: AddressRule,
    amounts: Amounts,
    caller: Caller,
}

pub(super) fn check(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let place = Place::read(&mut fields, "url", PATIENCE);
    let secrets = Secrets::read(&mut fields, "secret_key");
    let merchant = Merchant::read(&mut fields);
    let amounts = Amounts::read(&mut fields, LEAST, MOST);
    fields.known(&["api_path"]);
    let calls = place.as_ref().and_then(|place| Calls::read(&mut fields, place));
    let errors = fields.finish();
    match (place, secrets, calls, errors.is_empty()) {
        (Some(place), Some(secrets), Some(calls), true) => Ok(Box::new(move |clock| {
            let caller = Caller::build(&place, clock)?;
            let keys = Keys::new(HMAC_SHA256, &secrets);
            Ok(Arc::new(Momo { merchant, keys, calls, rule: place.rule, amounts, caller }))
        })),
        _ => Err(errors),
    }
}

impl Merchant {
    fn read(fields: &mut Fields<'_>) -> Self {
        let (partner_code, access_key) = (fields.text("partner_code", None), fields.secret("access_key"));
        let request_type = fields.text("request_type", Some("captureWallet"));
        if !request_type.bytes().all(|b| b.is_ascii_alphanumeric()) {
            fields.fail("request_type", Problem::Expected("one of MoMo's words such as captureWallet"));
        }
        let lang = fields.text("lang", Some("vi"));
        if !matches!(lang.as_str(), "vi" | "en" | "") {
            fields.fail("lang", Problem::Expected("vi or en"));
        }
        Self { partner_code, access_key, request_type, lang }
    }

    fn access_key(&self) -> &str {
        self.access_key.expose_secret()
    }
}

impl Calls {
    fn read(fields: &mut Fields<'_>, place: &Place) -> Option<Self> {
        let api = place.below(fields, "api_path", "/v2/gateway/api")?.to_string();
        let call = |name: &str| format!("{}/{name}", api.trim_end_matches('/')).parse().ok();
        let (create, query, refund) = (call("create")?, call("query")?, call("refund")?);
        Some(Self { create, query, refund, query_refund: call("refund/query")? })
    }
}

/// What is signed: names and values as they are, in the order of the names.
fn canonical(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

impl PaymentProvider for Momo {
    fn abilities(&self) -> Abilities {
        Abilities { refund: true, partial_refund: true, least: self.amounts.least, most: self.amounts.most }
    }

    fn open<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Opened, PayFailure>> {
        Box::pin(self.create(order))
    }

    fn hear(&self, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
        callback::hear(&self.merchant, &self.keys, came)
    }

    /// MoMo knows one answer: 204, "I have it". It has no word for refusing, and money does not go back because of one. So 204 is
    /// said of everything that MoMo itself told and that is on record, also where it is about an order or an amount that we do not
    /// know: calling again would change nothing. Where nothing it could have told is on record, saying so would be untrue: a wrong
    /// signature (a forger, or a key that is changed on one side only) and an unreadable call are errors of the call, and what could
    /// not be recorded is asked for again. What MoMo does not repeat, the job learns by asking.
    fn reply(&self, _: &CallbackRequest<'_>, verdict: CallbackVerdict) -> CallbackReply {
        let status = match verdict {
            CallbackVerdict::Recorded
            | CallbackVerdict::AlreadyRecorded
            | CallbackVerdict::UnknownOrder
            | CallbackVerdict::WrongAmount => StatusCode::NO_CONTENT,
            CallbackVerdict::BadSignature | CallbackVerdict::Malformed => StatusCode::BAD_REQUEST,
            CallbackVerdict::TryAgain => StatusCode::SERVICE_UNAVAILABLE,
        };
        CallbackReply { status, content_type: "application/json", body: Bytes::new() }
    }

    fn query<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Report, PayFailure>> {
        Box::pin(self.ask(order))
    }

    fn refund<'a>(&'a self, refund: RefundOrder<'a>) -> ConnectFuture<'a, Result<RefundReport, PayFailure>> {
        Box::pin(self.send_back(refund))
    }

    fn query_refund<'a>(
        &'a self,
        refund: RefundOrder<'a>,
        _: Option<&'a str>,
    ) -> ConnectFuture<'a, Result<RefundReport, PayFailure>> {
        Box::pin(self.ask_refund(refund))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATE: &str = "accessKey=F8BBA842ECF85&amount=50000&extraData=&ipnUrl=https://gw.example/ipn&orderId=HS-1\
        &orderInfo=Lệ phí HS-1&partnerCode=MOMO&redirectUrl=https://gw.example/r\
        &requestId=11111111-1111-4111-8111-111111111111&requestType=captureWallet";

    #[test]
    fn what_is_signed_is_what_the_published_keys_make_of_it() {
        let keys = |settings: &str| {
            let table = settings.parse().unwrap();
            Keys::new(HMAC_SHA256, &Secrets::read(&mut Fields::new(&table), "secret_key").unwrap())
        };
        let fields = [
            ("accessKey", "F8BBA842ECF85"),
            ("amount", "50000"),
            ("extraData", ""),
            ("ipnUrl", "https://gw.example/ipn"),
            ("orderId", "HS-1"),
            ("orderInfo", "Lệ phí HS-1"),
            ("partnerCode", "MOMO"),
            ("redirectUrl", "https://gw.example/r"),
            ("requestId", "11111111-1111-4111-8111-111111111111"),
            ("requestType", "captureWallet"),
        ];
        assert_eq!(canonical(&fields), CREATE);
        let expected = "ecfe35ef19176bb1629de8bdaeba41ff8cb5e38f5b3efe80e9edcec7659fa3d9";
        assert_eq!(keys("secret_key = 'K951B6PE1waDMi640xX08PD3vg6EkVlz'").sign(CREATE.as_bytes()), expected);
        let both = keys("secret_key = ['next', 'K951B6PE1waDMi640xX08PD3vg6EkVlz']");
        assert!(both.verified(CREATE.as_bytes(), expected));
        assert_ne!(both.sign(CREATE.as_bytes()), expected);
    }
}
