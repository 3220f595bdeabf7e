//! The demo's fees: whose they are, where they are paid, what happens at the counter of the provider, and how each has to end.
//!
//! Pure: the nth fee is always alike. The expected end follows from what its citizen does, not from asking the gateway.

use serde_json::{Value, json};

/// Dossiers that a fee is asked for: each trouble at two providers.
pub(crate) const FEES: usize = 2 * Deed::ALL.len();

/// The account that the fees go to, as the demo's configuration has it.
pub(crate) const PAYEE: &str = "kho-bac-h11";

/// A payment provider of the demo, by the id in its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// VNPAY.
    Vnpay,
    /// MoMo.
    Momo,
    /// ZaloPay.
    Zalopay,
}

impl Provider {
    /// Those at which the demo's citizens pay.
    pub const ALL: [Self; 3] = [Self::Vnpay, Self::Momo, Self::Zalopay];

    /// Its id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Vnpay => "vnpay",
            Self::Momo => "momo",
            Self::Zalopay => "zalopay",
        }
    }
}

/// What becomes of a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Pay,
    CallbackLost,
    /// The one-stop system asks for it twice, and the citizen pays both.
    PayTwice,
    Fail,
    RefundPart,
    /// The citizen closes the window, and the one-stop system gives up.
    CloseWindow,
    CallbackTwice,
    Cancel,
    WrongSignature,
    RefundAll,
    Defer,
    CallbackBeforeReturn,
}

impl Deed {
    /// In the order of the fees, so that also a small demo has different ones.
    const ALL: [Self; 12] = [
        Self::Pay,
        Self::CallbackLost,
        Self::PayTwice,
        Self::Fail,
        Self::RefundPart,
        Self::CloseWindow,
        Self::CallbackTwice,
        Self::Cancel,
        Self::WrongSignature,
        Self::RefundAll,
        Self::Defer,
        Self::CallbackBeforeReturn,
    ];

    /// The button that is pressed on the provider's page.
    pub(crate) const fn button(self) -> &'static str {
        match self {
            Self::Pay | Self::PayTwice | Self::RefundPart | Self::RefundAll => "pay",
            Self::CallbackLost => "callback_lost",
            Self::CallbackTwice => "callback_twice",
            Self::CallbackBeforeReturn => "callback_before_return",
            Self::WrongSignature => "wrong_signature",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
            Self::CloseWindow => "close",
            Self::Defer => "defer",
        }
    }

    /// The state in which the payment has to stand in the end.
    pub(crate) const fn end(self) -> &'static str {
        match self {
            Self::Pay
            | Self::PayTwice
            | Self::CallbackLost
            | Self::CallbackTwice
            | Self::CallbackBeforeReturn
            | Self::WrongSignature
            | Self::Defer => "paid",
            Self::Fail | Self::Cancel => "failed",
            Self::CloseWindow => "expired",
            Self::RefundPart => "partly_refunded",
            Self::RefundAll => "refunded",
        }
    }
}

/// The fee of a dossier.
#[derive(Clone, Debug)]
pub(crate) struct Fee {
    number: usize,
    dossier: String,
    procedure: String,
    procedure_name: String,
    payer: String,
    pub(crate) provider: Provider,
    pub(crate) deed: Deed,
    /// Whether the citizen chooses the provider on the gateway's page; otherwise the one-stop system says which.
    pub(crate) is_chosen: bool,
}

impl Fee {
    /// The nth fee, of the dossier with this record.
    pub(crate) fn of(number: usize, record: &str) -> Self {
        let record: Value = serde_json::from_str(record).unwrap_or_default();
        let field = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let (round, place) = (number / Deed::ALL.len(), number % Deed::ALL.len());
        Self {
            number,
            dossier: field("MaHoSo"),
            procedure: field("MaTTHC"),
            procedure_name: field("TenTTHC"),
            payer: field("ChuHoSo"),
            provider: Provider::ALL[(number + round) % Provider::ALL.len()],
            deed: Deed::ALL[place],
            is_chosen: number % 2 == 1,
        }
    }

    /// Its two lines: phí and lệ phí, in đồng.
    fn lines(&self) -> [i64; 2] {
        [20_000 + 5_000 * self.number as i64, 10_000]
    }

    /// In đồng.
    pub(crate) fn amount(&self) -> i64 {
        self.lines().iter().sum()
    }

    /// What goes back of it, in đồng.
    pub(crate) fn refund(&self) -> Option<i64> {
        match self.deed {
            Deed::RefundPart => Some(self.lines()[1]),
            Deed::RefundAll => Some(self.amount()),
            _ => None,
        }
    }

    /// What the one-stop system asks for at the nth time, from 1.
    pub(crate) fn ask(&self, time: u32, return_url: &str) -> Value {
        let [charge, duty] = self.lines();
        let providers: Vec<&str> =
            if self.is_chosen { Provider::ALL.map(Provider::id).to_vec() } else { vec![self.provider.id()] };
        json!({
            "reference": format!("{}.{time}", self.dossier),
            "MaHoSo": self.dossier,
            "MaTTHC": self.procedure,
            "TenTTHC": self.procedure_name,
            "PhiLePhi": [
                {"LoaiPhiLePhi": "1", "MaPhiLePhi": "P01", "TenPhiLePhi": "Phí thẩm định hồ sơ", "SoTien": charge},
                {"LoaiPhiLePhi": "2", "MaPhiLePhi": "LP01", "TenPhiLePhi": "Lệ phí giải quyết hồ sơ", "SoTien": duty},
            ],
            "SoTien": charge + duty,
            "payee": PAYEE,
            "NguoiNop": {"HoTenNguoiNop": self.payer},
            "providers": providers,
            "return_url": return_url,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all() -> Vec<Fee> {
        let record = r#"{"MaHoSo":"000.00.16.H11-260105-0001","MaTTHC":"1.000001","TenTTHC":"Cấp phép","ChuHoSo":"A"}"#;
        (0..FEES).map(|number| Fee::of(number, record)).collect()
    }

    #[test]
    fn every_trouble_happens_at_two_providers_and_every_provider_has_money_and_none() {
        let fees = all();
        let kinds: HashSet<_> = fees.iter().map(|fee| (fee.deed.button(), fee.deed.end(), fee.provider)).collect();
        let of = |provider, end| kinds.iter().any(|(_, one, at)| *one == end && *at == provider);
        for deed in Deed::ALL {
            let places: HashSet<_> = fees.iter().filter(|fee| fee.deed == deed).map(|fee| fee.provider.id()).collect();
            assert_eq!(places.len(), 2, "{deed:?}");
        }
        for provider in Provider::ALL {
            assert!(of(provider, "paid") && (of(provider, "failed") || of(provider, "expired")), "{provider:?}");
        }
        assert!(fees.iter().any(|fee| fee.is_chosen) && fees.iter().any(|fee| !fee.is_chosen));
    }

    #[test]
    fn lines_add_up_and_a_refund_in_part_leaves_something() {
        for fee in all() {
            let ask = fee.ask(1, "http://counter.test/paid");
            let lines = ask["PhiLePhi"].as_array().unwrap();
            let sum: i64 = lines.iter().map(|line| line["SoTien"].as_i64().unwrap()).sum();
            assert_eq!((sum, ask["SoTien"].as_i64()), (fee.amount(), Some(fee.amount())));
            if fee.deed == Deed::RefundPart {
                assert!(fee.refund().is_some_and(|part| part > 0 && part < fee.amount()));
            }
            assert_ne!(ask["reference"], fee.ask(2, "")["reference"], "two payments, not one repeated");
        }
    }
}
