//! The table of payment providers: a name, and how its settings become one that citizens can be sent to.
//!
//! A new kind of provider is one file and one row here; one that signs fields in a declared order is a table of settings and no code.
//! Nothing is stored, and nothing is decided: a provider makes one call, or reads one callback, and says what it means.

mod amounts;
mod caller;
mod day_file;
mod declared;
mod keys;
mod members;
mod momo;
mod order;
mod provider;
mod time;
mod transfer;
mod vietqr;
mod vnpay;
mod words;
mod zalopay;

use std::fmt;
use std::sync::Arc;

use toml::Table;

pub use day_file::{DayFileError, DayFileLayout, DayFileReader};
pub use lgsp_model::{RefundStanding, ReportStanding};
pub use order::{Bill, Fee, Order, Payee, Payer, RefundOrder};
pub use provider::{
    Abilities, CallbackReply, CallbackRequest, CallbackVerdict, Heard, Opened, PayFailure, PaymentProvider, Receipt,
    RefundReport, Report, Unheard,
};
pub use vietqr::{BadQr, QrService, VietQr, decode as decode_vietqr, encode as encode_vietqr};

use crate::connector::Clock;
use crate::family::{BuildError, CheckError};
use crate::settings::SettingError;

/// One row of the table.
#[derive(Clone, Copy)]
pub struct PaymentFamily {
    /// The word in `kind = "…"`.
    pub name: &'static str,
    check: fn(&Table) -> Result<PaymentBuilder, Vec<SettingError>>,
}

type PaymentBuilder = Box<dyn FnOnce(Clock) -> Result<Arc<dyn PaymentProvider>, BuildError> + Send>;

/// Every kind of provider.
pub const PAYMENT_PROVIDERS: &[PaymentFamily] = &[
    PaymentFamily { name: "vnpay", check: vnpay::check },
    PaymentFamily { name: "momo", check: momo::check },
    PaymentFamily { name: "zalopay", check: zalopay::check },
    PaymentFamily { name: "keypay", check: declared::check_keypay },
    PaymentFamily { name: "paygov", check: declared::check_paygov },
    PaymentFamily { name: "national", check: declared::check_national },
    PaymentFamily { name: "declared", check: declared::check },
    PaymentFamily { name: "transfer", check: transfer::check },
];

/// Settings that were found good. Nothing was connected yet.
pub struct CheckedPaymentProvider(PaymentBuilder);

/// Checks a provider's settings. Touches nothing outside.
pub fn check_payment_provider(kind: &str, settings: &Table) -> Result<CheckedPaymentProvider, CheckError> {
    let family = PAYMENT_PROVIDERS.iter().find(|family| family.name == kind);
    let family = family.ok_or(CheckError::UnknownPaymentProvider)?;
    (family.check)(settings).map(CheckedPaymentProvider).map_err(CheckError::Settings)
}

impl CheckedPaymentProvider {
    /// Builds the provider. It connects when it is first used.
    pub fn build(self, clock: Clock) -> Result<Arc<dyn PaymentProvider>, BuildError> {
        (self.0)(clock)
    }
}

impl fmt::Debug for CheckedPaymentProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedPaymentProvider")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_refused_by_name() {
        let refused = check_payment_provider("cheque", &Table::new()).unwrap_err();
        let kinds: Vec<_> = PAYMENT_PROVIDERS.iter().map(|family| family.name).collect();
        assert_eq!(refused.to_string(), format!("no such kind of payment provider; there are {}", kinds.join(", ")));
    }

    #[test]
    fn every_kind_tells_what_it_needs() {
        for family in PAYMENT_PROVIDERS {
            let Err(CheckError::Settings(errors)) = check_payment_provider(family.name, &Table::new()) else {
                panic!("{} was accepted", family.name)
            };
            assert!(!errors.is_empty());
        }
    }
}
