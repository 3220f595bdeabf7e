//! Paying: the providers at which citizens pay, the accounts that may be paid to, and what members may ask for. How a provider is
//! talked to is the shell's business.

use std::time::Duration;

use lgsp_model::{AgencyCode, AgencyGrant};

use crate::{ConnectorSettings, ProviderId};

/// `[payments]`: what holds for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    /// Where providers and citizens' browsers reach the gateway, without a slash at its end.
    pub url: String,
    /// How long a payment is waited for whose caller does not say.
    pub expiry: Duration,
    /// How long a caller may have it waited for.
    pub longest: Duration,
    /// Calls at one time that ask one provider where payments stand.
    pub asking: u32,
}

/// `[[payment_provider]]`: where citizens pay.
#[derive(Clone, Debug)]
pub struct PaymentProvider {
    /// Its name in paths, records, metrics and logs.
    pub id: ProviderId,
    /// The family that speaks its protocol; whether there is such a one, the shell says.
    pub kind: String,
    /// What people read, in Vietnamese.
    pub name: String,
    /// What people read, in English.
    pub name_en: String,
    /// The agencies whose fees may be paid there.
    pub agencies: AgencyGrant,
    /// How the columns of its day file are called, where it differs from the family's own.
    pub day_file: ConnectorSettings,
    /// The family's own table.
    pub settings: ConnectorSettings,
}

/// `[[payee]]`: an account that may be paid to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    /// Its name in requests and records.
    pub id: ProviderId,
    /// The agency whose account it is; dossiers of the agencies below it may be paid to it too.
    pub agency: AgencyCode,
    /// What the agency is called.
    pub agency_name: String,
    /// `TKThuHuong`.
    pub account: String,
    /// `MaNHThuHuong`.
    pub bank: String,
    /// The bank's six digits at NAPAS; empty when unknown.
    pub bank_bin: String,
    /// `TenTKThuHuong`.
    pub name: String,
    /// `KhoBac`; empty when it is no account of the treasury.
    pub treasury: String,
    /// The providers that pay to it; `None`: all of its agency.
    pub providers: Option<Vec<ProviderId>>,
}

/// `member.payments`: what a member that asks for payments may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPayments {
    /// Where citizens may be sent when they have paid; matched to the letter.
    pub return_urls: Vec<String>,
}
