//! VNPAY 2.1.0: the browser is sent to it with a signed address, it calls back with a signed query, and it is asked and told to send
//! money back over a signed API.
//!
//! Nothing is asked of it to open an order: the address itself is the order.

mod api;
mod callback;
mod codes;

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::hmac::HMAC_SHA512;
use bytes::Bytes;
use hyper::{StatusCode, Uri};
use serde_json::json;
use toml::Table;

use super::PaymentBuilder;
use super::amounts::Amounts;
use super::caller::{Caller, DEFAULT_TIMEOUT};
use super::keys::{Keys, Secrets};
use super::order::{Order, RefundOrder};
use super::provider::{
    Abilities, CallbackReply, CallbackRequest, CallbackVerdict, Heard, Opened, PayFailure, PaymentProvider,
    RefundReport, Report, Unheard,
};
use super::time::compact;
use super::words::{filled, plain};
use crate::connector::ConnectFuture;
use crate::form::form_encoded;
use crate::place::Place;
use crate::redact::own_cause;
use crate::settings::{Fields, Problem, SettingError};

const VERSION: &str = "2.1.0";

/// VNPAY counts in hundredths of a đồng.
const HUNDREDTHS: i64 = 100;

/// What VNPAY takes of one payment: less than a billion.
const LEAST: i64 = 5_000;
const MOST: i64 = 999_999_999;

/// Letters of `vnp_OrderInfo`.
const INFO_CHARS: usize = 255;

/// Letters of `vnp_ReturnUrl`.
const RETURN_URL_CHARS: std::ops::RangeInclusive<usize> = 10..=255;

/// The shortest `vnp_IpAddr`.
const LEAST_ADDRESS_CHARS: usize = 7;

/// Who we are there.
struct Merchant {
    tmn_code: String,
    locale: String,
    order_type: String,
    bank_code: Option<String>,
    /// The gateway's own address as VNPAY knows it; the citizen's where it is not said.
    address: Option<IpAddr>,
}

struct Vnpay {
    merchant: Merchant,
    keys: Keys,
    pay: Uri,
    api: Uri,
    amounts: Amounts,
    caller: Caller,
}

pub(super) fn check(table: &Table) -> Result<PaymentBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let place = Place::read(&mut fields, "url", DEFAULT_TIMEOUT);
    let secrets = Secrets::read(&mut fields, "secret");
    let merchant = Merchant::read(&mut fields);
    let amounts = Amounts::read(&mut fields, LEAST, MOST);
    fields.known(&["pay_path", "api_url", "api_path"]);
    let addresses = place.as_ref().and_then(|place| {
        let pay = place.below(&mut fields, "pay_path", "/paymentv2/vpcpay.html");
        let api =
            place.elsewhere(&mut fields, "api_url")?.below(&mut fields, "api_path", "/merchant_webapi/api/transaction");
        Some((pay?, api?))
    });
    let errors = fields.finish();
    match (place, secrets, addresses, errors.is_empty()) {
        (Some(place), Some(secrets), Some((pay, api)), true) => Ok(Box::new(move |clock| {
            let caller = Caller::build(&place, clock)?;
            let keys = Keys::new(HMAC_SHA512, &secrets);
            Ok(Arc::new(Vnpay { merchant, keys, pay, api, amounts, caller }))
        })),
        _ => Err(errors),
    }
}

impl Merchant {
    fn read(fields: &mut Fields<'_>) -> Self {
        let tmn_code = fields.text("tmn_code", None);
        let good = tmn_code.len() == 8 && tmn_code.bytes().all(|b| b.is_ascii_alphanumeric());
        if !tmn_code.is_empty() && !good {
            fields.fail("tmn_code", Problem::Expected("the eight letters and digits that VNPAY gave the merchant"));
        }
        let locale = fields.text("locale", Some("vn"));
        if !matches!(locale.as_str(), "vn" | "en" | "") {
            fields.fail("locale", Problem::Expected("vn or en"));
        }
        let order_type = word(fields, "order_type").unwrap_or_else(|| "other".to_owned());
        let bank_code = word(fields, "bank_code");
        let address = fields.optional("address").and_then(|text| {
            let address = text.parse().ok();
            if address.is_none() {
                fields.fail("address", Problem::Expected("an IP address"));
            }
            address
        });
        Self { tmn_code, locale, order_type, bank_code, address }
    }

    fn address(&self, order: &Order) -> String {
        written(self.address.unwrap_or(order.address))
    }
}

/// A code of VNPAY's: letters, digits and `_`.
fn word(fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    let text = fields.optional(key)?;
    let good = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good {
        fields.fail(key, Problem::Expected("letters, digits and _"));
    }
    good.then_some(text)
}

/// An address in at least so many characters as the field wants: a short one of IPv6 is written out.
fn written(address: IpAddr) -> String {
    let address = address.to_canonical();
    let text = address.to_string();
    match address {
        IpAddr::V6(address) if text.len() < LEAST_ADDRESS_CHARS => {
            address.segments().map(|segment| format!("{segment:04x}")).join(":")
        }
        _ => text,
    }
}

impl Vnpay {
    /// The address that is the order.
    fn pay_url(&self, order: &Order) -> Result<String, PayFailure> {
        if !carries(&order.return_url) {
            let detail =
                "the return address is too long for VNPAY, or holds signs that its libraries write in several ways";
            return Err(PayFailure::Refused(own_cause("return_url", detail)));
        }
        let info = filled(&plain(&order.description, INFO_CHARS), order.id.as_str()).to_owned();
        let merchant = &self.merchant;
        let bank = merchant.bank_code.clone().unwrap_or_default();
        // In the order of their names, which is the order in which they are signed.
        let fields = [
            ("vnp_Amount", (order.amount.get() * HUNDREDTHS).to_string()),
            ("vnp_BankCode", bank),
            ("vnp_Command", "pay".to_owned()),
            ("vnp_CreateDate", compact(order.opened_at)),
            ("vnp_CurrCode", "VND".to_owned()),
            ("vnp_ExpireDate", compact(order.expires_at)),
            ("vnp_IpAddr", written(order.address)),
            ("vnp_Locale", merchant.locale.clone()),
            ("vnp_OrderInfo", info),
            ("vnp_OrderType", merchant.order_type.clone()),
            ("vnp_ReturnUrl", order.return_url.clone()),
            ("vnp_TmnCode", merchant.tmn_code.clone()),
            ("vnp_TxnRef", order.id.to_string()),
            ("vnp_Version", VERSION.to_owned()),
        ];
        let signed = canonical(fields.iter().map(|(name, value)| (*name, value.as_str())));
        let hash = self.keys.sign(signed.as_bytes());
        Ok(format!("{}?{signed}&vnp_SecureHash={hash}", self.pay))
    }
}

/// What is signed of fields in the order of their names.
fn canonical<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let fields = fields.filter(|(_, value)| !value.is_empty());
    fields.map(|(name, value)| format!("{}={}", form_encoded(name), form_encoded(value))).collect::<Vec<_>>().join("&")
}

/// Whether an address fits the field and is written alike by all of VNPAY's libraries: they differ in `!*'()~` and beyond ASCII.
fn carries(return_url: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b"!*'()~".contains(&b);
    RETURN_URL_CHARS.contains(&return_url.len()) && return_url.bytes().all(plain)
}

impl PaymentProvider for Vnpay {
    fn abilities(&self) -> Abilities {
        Abilities { refund: true, partial_refund: true, least: self.amounts.least, most: self.amounts.most }
    }

    fn open<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Opened, PayFailure>> {
        let opened = self.pay_url(order).map(|pay_url| Opened { pay_url, qr: None, evidence: Bytes::new() });
        Box::pin(std::future::ready(opened))
    }

    fn hear(&self, came: &CallbackRequest<'_>) -> Result<Heard, Unheard> {
        callback::hear(&self.merchant, &self.keys, came)
    }

    fn reply(&self, _: &CallbackRequest<'_>, verdict: CallbackVerdict) -> CallbackReply {
        let (code, message) = match verdict {
            CallbackVerdict::Recorded => ("00", "Confirm Success"),
            CallbackVerdict::AlreadyRecorded => ("02", "Order already confirmed"),
            CallbackVerdict::UnknownOrder => ("01", "Order not found"),
            CallbackVerdict::WrongAmount => ("04", "Invalid amount"),
            CallbackVerdict::BadSignature => ("97", "Invalid signature"),
            CallbackVerdict::Malformed => ("99", "Invalid request"),
            CallbackVerdict::TryAgain => ("99", "Try again later"),
        };
        let body = json!({"RspCode": code, "Message": message}).to_string().into();
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

    #[test]
    fn what_is_signed_and_how_is_what_an_independent_client_makes_of_it() {
        let fields = [
            ("vnp_Amount", "1806000"),
            ("vnp_BankCode", ""),
            ("vnp_Command", "pay"),
            ("vnp_CreateDate", "20260101103000"),
            ("vnp_CurrCode", "VND"),
            ("vnp_ExpireDate", "20260101104500"),
            ("vnp_IpAddr", "127.0.0.1"),
            ("vnp_Locale", "vn"),
            ("vnp_OrderInfo", "Le phi ho so: 5"),
            ("vnp_OrderType", "other"),
            ("vnp_ReturnUrl", "https://gw.example/return"),
            ("vnp_TmnCode", "TESTTMN1"),
            ("vnp_TxnRef", "HS20260101-5"),
            ("vnp_Version", "2.1.0"),
        ];
        let signed = canonical(fields.into_iter());
        let expected = "vnp_Amount=1806000&vnp_Command=pay&vnp_CreateDate=20260101103000&vnp_CurrCode=VND\
            &vnp_ExpireDate=20260101104500&vnp_IpAddr=127.0.0.1&vnp_Locale=vn&vnp_OrderInfo=Le+phi+ho+so%3A+5\
            &vnp_OrderType=other&vnp_ReturnUrl=https%3A%2F%2Fgw.example%2Freturn&vnp_TmnCode=TESTTMN1\
            &vnp_TxnRef=HS20260101-5&vnp_Version=2.1.0";
        assert_eq!(signed, expected);
        let hash = "5e1327d1804cec65a17ee6cbbb31e9af0ea5f94fe16ede5703af458754a3d8038ffa8690a9249281a66e35ede7b2520c7952\
            d07d28949b4c4155e60482e2c8bc";
        for settings in
            ["secret = 'SECRETKEY0123456789ABCDEFGHIJKLM'", "secret = ['next', 'SECRETKEY0123456789ABCDEFGHIJKLM']"]
        {
            let keys =
                Keys::new(HMAC_SHA512, &Secrets::read(&mut Fields::new(&settings.parse().unwrap()), "secret").unwrap());
            assert!(keys.verified(signed.as_bytes(), hash));
            assert_eq!(keys.sign(signed.as_bytes()) == hash, !settings.contains("next"), "the newest signs");
        }
    }

    #[test]
    fn addresses_have_at_least_seven_characters() {
        for (address, text) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "0000:0000:0000:0000:0000:0000:0000:0001"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(written(address.parse().unwrap()), text);
        }
    }

    #[test]
    fn only_return_addresses_that_are_written_in_one_way_are_sent() {
        for (url, good) in [
            ("https://gw.example/pay/0123456789/return?a=b&c=%20", true),
            ("https://gw.example/~a", false),
            ("https://gw.example/(a)", false),
            ("https://gw.example/lệ-phí", false),
            ("https://a", false),
        ] {
            assert_eq!(carries(url), good, "{url}");
        }
        assert!(!carries(&format!("https://gw.example/{}", "a".repeat(240))));
    }
}
