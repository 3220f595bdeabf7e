//! ZaloPay's gateway, version 2: orders are opened, asked about and refunded over an API of forms, and it calls back when one was paid.
//!
//! It never calls back about a payment that failed: the job learns that by asking.

mod api;
mod callback;
mod codes;

use std::sync::Arc;

use aws_lc_rs::hmac::HMAC_SHA256;
use hyper::{StatusCode, Uri};
use lgsp_model::{PaymentId, Timestamp};
use serde_json::json;
use toml::{Table, Value};

use super::PaymentBuilder;
use super::amounts::Amounts;
use super::caller::{Caller, DEFAULT_TIMEOUT};
use super::keys::{Keys, Secrets};
use super::order::{Order, RefundOrder};
use super::provider::{
    Abilities, CallbackReply, CallbackRequest, CallbackVerdict, Heard, Opened, PayFailure, PaymentProvider,
    RefundReport, Report, Unheard,
};
use super::time::day;
use crate::connector::ConnectFuture;
use crate::place::{AddressRule, Place};
use crate::settings::{Fields, Problem, SettingError};

/// What ZaloPay takes of one payment, where the contract says nothing else.
const LEAST: i64 = 1_000;
const MOST: i64 = 100_000_000;

/// Characters of `app_user`.
const USER_CHARS: usize = 50;

/// Who we are there.
struct Merchant {
    app_id: String,
    app_user: String,
    bank_code: Option<String>,
}

/// Where its calls are.
struct Calls {
    create: Uri,
    query: Uri,
    refund: Uri,
    query_refund: Uri,
}

struct ZaloPay {
    merchant: Merchant,
    /// `key1`, a part of what is signed in a question.
    secrets: Secrets,
    /// `key1`: what we sign with.
    ours: Keys,
    /// `key2`: what callbacks are signed with.
    theirs: Keys,
    calls: Calls,
    /// Which addresses a browser may be sent to.
    rule: AddressRule,
    amounts: Amounts,
    caller: Caller,
}

pub(super) fn check(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let place = Place::read(&mut fields, "url", DEFAULT_TIMEOUT);
    let secrets = (Secrets::read(&mut fields, "key1"), Secrets::read(&mut fields, "key2"));
    let merchant = Merchant::read(&mut fields);
    let amounts = Amounts::read(&mut fields, LEAST, MOST);
    fields.known(&["api_path"]);
    let calls = place.as_ref().and_then(|place| Calls::read(&mut fields, place));
    let errors = fields.finish();
    match (place, secrets, calls, errors.is_empty()) {
        (Some(place), (Some(key1), Some(key2)), Some(calls), true) => Ok(Box::new(move |clock| {
            let caller = Caller::build(&place, clock)?;
            let (ours, theirs) = (Keys::new(HMAC_SHA256, &key1), Keys::new(HMAC_SHA256, &key2));
            let rule = place.rule;
            Ok(Arc::new(ZaloPay { merchant, secrets: key1, ours, theirs, calls, rule, amounts, caller }))
        })),
        _ => Err(errors),
    }
}

impl Merchant {
    fn read(fields: &mut Fields<'_>) -> Self {
        let app_id = match fields.get("app_id") {
            Some(Value::Integer(id)) => id.to_string(),
            Some(Value::String(id)) => id.clone(),
            None => {
                fields.fail("app_id", Problem::Missing);
                "0".to_owned()
            }
            Some(_) => String::new(),
        };
        if app_id.is_empty() || app_id.len() > 10 || !app_id.bytes().all(|b| b.is_ascii_digit()) {
            fields.fail("app_id", Problem::Expected("the number that ZaloPay gave the application"));
        }
        let app_user = fields.text("app_user", Some("lgsp"));
        if app_user.chars().count() > USER_CHARS {
            fields.fail("app_user", Problem::Expected("at most 50 characters"));
        }
        Self { app_id, app_user, bank_code: fields.optional("bank_code") }
    }

    /// `app_trans_id`: the day in Vietnam on which the order was made, and its name.
    fn reference(&self, order: &Order) -> String {
        format!("{}_{}", day(order.opened_at), order.id)
    }

    /// `m_refund_id`: the day, the application and the refund's name; the same at every try.
    fn refund_reference(&self, id: &PaymentId, asked_at: Timestamp) -> String {
        format!("{}_{}_{id}", day(asked_at), self.app_id)
    }
}

impl Calls {
    fn read(fields: &mut Fields<'_>, place: &Place) -> Option<Self> {
        let api = place.below(fields, "api_path", "/v2")?.to_string();
        let call = |name: &str| format!("{}/{name}", api.trim_end_matches('/')).parse().ok();
        let (create, query, refund) = (call("create")?, call("query")?, call("refund")?);
        Some(Self { create, query, refund, query_refund: call("query_refund")? })
    }
}

impl PaymentProvider for ZaloPay {
    fn abilities(&self) -> Abilities {
        Abilities { refund: true, partial_refund: true, least: self.amounts.least, most: self.amounts.most }
    }

    fn open<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Opened, PayFailure>> {
        Box::pin(self.create(order))
    }

    fn hear(&self, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
        callback::hear(&self.merchant, &self.theirs, came)
    }

    /// A repeated callback gets the first one's answer, as the documents know no other for it. -1 says that it is not ZaloPay's;
    /// 0 has it call again, three times at most: right for what may become known, and for what a person has to look at.
    fn reply(&self, _: &CallbackRequest<'_>, verdict: CallbackVerdict) -> CallbackReply {
        let (code, message) = match verdict {
            CallbackVerdict::Recorded | CallbackVerdict::AlreadyRecorded => (1, "success"),
            CallbackVerdict::BadSignature => (-1, "mac not equal"),
            CallbackVerdict::Malformed => (-1, "invalid callback"),
            CallbackVerdict::UnknownOrder => (0, "order not found"),
            CallbackVerdict::WrongAmount => (0, "amount not equal"),
            CallbackVerdict::TryAgain => (0, "try again later"),
        };
        let body = json!({"return_code": code, "return_message": message}).to_string().into();
        CallbackReply { status: StatusCode::OK, content_type: "application/json", body }
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
        provider_id: Option<&'a str>,
    ) -> ConnectFuture<'a, Result<RefundReport, PayFailure>> {
        Box::pin(self.ask_refund(refund, provider_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed with a published key by another implementation.
    const CREATE: &str = "2553|260101_HS1|user123|50000|1767238200000|{}|[]";

    /// The callback of ZaloPay's own document.
    const CALLBACK: &str = r#"{"app_id":2553,"app_trans_id":"200904_2553_1598435687208","app_time":1599189392817,"app_user":"demo","amount":10000,"embed_data":"{\"merchantinfo\":\"embeddata123\",\"promotioninfo\":\"\"}","item":"[{\"itemid\":\"knb\",\"itemname\":\"kim nguyen bao\",\"itemprice\":198400,\"itemquantity\":1}]","zp_trans_id":200904000000389,"server_time":1599189413498,"channel":38,"merchant_user_id":"7ZMSl3nEg5sOUJzOLSoUFT8xKNQVaLOLXHB--8Eytqc","user_fee_amount":0,"discount_amount":0}"#;

    #[test]
    fn what_is_signed_is_what_the_published_keys_make_of_it() {
        for (key, text, mac) in [
            (
                "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL",
                CREATE,
                "a1da939e89c53b6e0abc5f43c6e7a2174a2eb20860de8dd2664186abcbbead49",
            ),
            (
                "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz",
                CALLBACK,
                "d8d33baf449b31d7f9b94fa50d7c942c08cd4d83f28fa185557da21acb104f67",
            ),
        ] {
            for (settings, signs) in [(format!("key = '{key}'"), true), (format!("key = ['next', '{key}']"), false)] {
                let table = settings.parse().unwrap();
                let keys = Keys::new(HMAC_SHA256, &Secrets::read(&mut Fields::new(&table), "key").unwrap());
                assert!(keys.verified(text.as_bytes(), mac));
                assert_eq!(keys.sign(text.as_bytes()) == mac, signs, "the newest signs");
            }
        }
    }
}
