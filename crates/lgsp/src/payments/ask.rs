//! What a caller asks to be paid: read, checked against what he may ask for, made into a record. Everything that is wrong is told at once.

use std::net::IpAddr;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use lgsp_config::{Config, Payee};
use lgsp_contract::BodySchema;
use lgsp_core::payment::Payment;
use lgsp_model::{AgencyCode, Dong, DossierCode, ErrorCode, Finding, PaymentId, Timestamp};
use serde::{Deserialize, Serialize};

use super::providers::PaymentProviders;
use super::record::{FeeLine, Payer, Record};
use super::when;
use crate::app::Snapshot;
use crate::failure::Failure;
use crate::request::Authorised;

pub(crate) const SCHEMA: &str = include_str!("schema/payment.json");

static BODY: LazyLock<BodySchema> = LazyLock::new(|| BodySchema::compile(SCHEMA).expect("the shipped schema is one"));

/// The body of `POST /v1/payments`.
#[derive(Deserialize, Serialize)]
pub(crate) struct Ask {
    pub(crate) reference: String,
    #[serde(rename = "MaHoSo")]
    dossier: String,
    #[serde(rename = "MaTTHC")]
    procedure: String,
    #[serde(rename = "TenTTHC", default)]
    procedure_name: String,
    #[serde(rename = "PhiLePhi")]
    fees: Vec<FeeLine>,
    #[serde(rename = "SoTien")]
    amount: i64,
    payee: String,
    #[serde(rename = "NguoiNop", default)]
    payer: Payer,
    providers: Option<Vec<String>>,
    description: Option<String>,
    return_url: Option<String>,
    payer_address: Option<String>,
    expires_at: Option<String>,
    pub(crate) post: Option<PostAsk>,
}

/// The order at the post that brings the result.
#[derive(Deserialize, Serialize)]
pub(crate) struct PostAsk {
    pub(crate) message: String,
    #[serde(rename = "CuocPhi")]
    pub(crate) postage: Option<i64>,
}

impl Ask {
    /// Reads a body that keeps the schema.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Failure> {
        BODY.check(body)?;
        serde_json::from_slice(body).map_err(|_| Failure::new(ErrorCode::MalformedJson, "the body cannot be read"))
    }

    /// What a repeat of the reference has to ask for too.
    pub(crate) fn digest(&self) -> String {
        let written = serde_json::to_vec(self).expect("plain data writes into memory");
        digest(&SHA256, &written).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The dossier, when the caller may ask for money for it.
    pub(crate) fn dossier(&self, caller: &Authorised) -> Result<DossierCode, Failure> {
        let code: DossierCode = self
            .dossier
            .parse()
            .map_err(|error| Failure::findings(vec![Finding::new("/MaHoSo", "format", format!("{error}"))]))?;
        caller.check_agency(&code.agency())?;
        Ok(code)
    }

    /// The record of a new payment. `from` is where the request came from.
    pub(crate) fn record(
        &self,
        snapshot: &Snapshot,
        caller: &Authorised,
        (id, agency): (PaymentId, &AgencyCode),
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Record, Failure> {
        let mut findings = Vec::new();
        let mut wrong = |path: &str, rule: &str, message: String| findings.push(Finding::new(path, rule, message));
        let config = &snapshot.config;
        if !self.sums_up() {
            wrong("/SoTien", "sum", "must be the sum of the fees' SoTien".to_owned());
        }
        let payee = self.payee(config, agency);
        if payee.is_none() {
            wrong("/payee", "allow-list", format!("must be an account of {agency} or of an agency above it"));
        }
        let amount = Dong::new(self.amount).unwrap_or_default();
        let providers = payee.map(|payee| self.providers(&snapshot.payment_providers, payee, agency, amount));
        if providers.as_ref().is_some_and(Vec::is_empty) {
            let message =
                "none of these providers takes this amount for this account; leave providers out for all that do";
            wrong("/providers", "allow-list", message.to_owned());
        }
        let allowed = &caller.caller().member.payments.return_urls;
        if self.return_url.as_ref().is_some_and(|url| !allowed.contains(url)) {
            wrong("/return_url", "allow-list", "must be one of your payments.return_urls, to the letter".to_owned());
        }
        let expires_at = self.expires_at(config, now);
        if expires_at.is_none() {
            let longest = config.payments.longest.as_secs() / 3600;
            wrong("/expires_at", "range", format!("must be in 5 minutes to {longest} hours from now"));
        }
        let address = self.payer_address.as_ref().map(|text| text.parse::<IpAddr>().ok());
        if address == Some(None) {
            wrong("/payer_address", "format", "must be an IP address".to_owned());
        }
        let (Some(providers), Some(expires_at), true) = (providers, expires_at, findings.is_empty()) else {
            return Err(Failure::findings(findings));
        };
        let address = address.flatten().unwrap_or(from);
        Ok(self.filled(id, caller, providers, Payment::asked(amount, now, expires_at), address))
    }

    fn sums_up(&self) -> bool {
        let fees = self.fees.iter().map(|fee| Dong::new(fee.amount));
        fees.collect::<Option<Vec<_>>>().and_then(Dong::total).is_some_and(|sum| sum.get() == self.amount)
    }

    fn payee<'a>(&self, config: &'a Config, agency: &AgencyCode) -> Option<&'a Payee> {
        config.payees.iter().find(|payee| payee.id.as_str() == self.payee && payee.agency.covers(agency))
    }

    fn providers(&self, all: &PaymentProviders, payee: &Payee, agency: &AgencyCode, amount: Dong) -> Vec<String> {
        let wanted = |id: &str| self.providers.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one == id));
        let takes = all.iter().filter(|provider| provider.takes(payee, agency, amount) && wanted(provider.id()));
        takes.map(|provider| provider.id().to_owned()).collect()
    }

    fn expires_at(&self, config: &Config, now: Timestamp) -> Option<Timestamp> {
        let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let longest = now.plus_millis(millis(config.payments.longest));
        match &self.expires_at {
            None => Some(now.plus_millis(millis(config.payments.expiry))),
            Some(text) => when::read(text).filter(|at| (now.plus_millis(LEAST_MILLIS)..=longest).contains(at)),
        }
    }

    fn filled(
        &self,
        id: PaymentId,
        caller: &Authorised,
        providers: Vec<String>,
        payment: Payment,
        address: IpAddr,
    ) -> Record {
        let description = self.description.clone().unwrap_or_else(|| format!("Phí, lệ phí hồ sơ {}", self.dossier));
        let mut record = Record {
            id: id.as_str().to_owned(),
            reference: self.reference.clone(),
            member: caller.caller().member.id.as_str().to_owned(),
            state: String::new(),
            dossier: self.dossier.clone(),
            procedure: self.procedure.clone(),
            procedure_name: self.procedure_name.clone(),
            amount: self.amount,
            fees: self.fees.clone(),
            payee: self.payee.clone(),
            payer: self.payer.clone(),
            description,
            providers,
            provider: None,
            return_url: self.return_url.clone(),
            payer_address: Some(address),
            created_at: payment.changed_at,
            changed_at: payment.changed_at,
            expires_at: payment.expires_at,
            opened_at: None,
            sent: false,
            payment_url: None,
            qr: None,
            transaction: None,
            means: None,
            receipt_url: None,
            paid_at: None,
            received: None,
            provider_code: None,
            cause: None,
            flags: Vec::new(),
            refunded: 0,
            refunds: Vec::new(),
            post: None,
            review: None,
            asked: self.digest(),
        };
        record.take(&payment, payment.changed_at);
        record
    }
}

/// A citizen needs so long to pay.
const LEAST_MILLIS: i64 = 5 * 60 * 1000 - 1000;
