//! A payment as it stands in the log, and as callers, feeds and webhooks see it: one JSON object.
//!
//! It is written here and nowhere else. It names the payer, so it never prints.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bytes::Bytes;
use lgsp_core::payment::{EndCause, Flag, Payment, Refund, RefundState};
use lgsp_model::{Dong, PaymentId, PaymentState, Timestamp};
use serde::{Deserialize, Serialize};

use super::when;

/// The whole payment.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) member: String,
    pub(crate) state: String,
    #[serde(rename = "MaHoSo")]
    pub(crate) dossier: String,
    #[serde(rename = "MaTTHC")]
    pub(crate) procedure: String,
    #[serde(rename = "TenTTHC", default)]
    pub(crate) procedure_name: String,
    #[serde(rename = "SoTien")]
    pub(crate) amount: i64,
    #[serde(rename = "PhiLePhi")]
    pub(crate) fees: Vec<FeeLine>,
    pub(crate) payee: String,
    #[serde(rename = "NguoiNop", default)]
    pub(crate) payer: Payer,
    pub(crate) description: String,
    /// The providers among which the citizen may choose.
    pub(crate) providers: Vec<String>,
    /// The one that was chosen.
    pub(crate) provider: Option<String>,
    pub(crate) return_url: Option<String>,
    pub(crate) payer_address: Option<IpAddr>,
    #[serde(with = "when")]
    pub(crate) created_at: Timestamp,
    #[serde(with = "when")]
    pub(crate) changed_at: Timestamp,
    #[serde(with = "when")]
    pub(crate) expires_at: Timestamp,
    #[serde(with = "when::maybe")]
    pub(crate) opened_at: Option<Timestamp>,
    /// Whether a provider may have been told of it.
    pub(crate) sent: bool,
    pub(crate) payment_url: Option<String>,
    pub(crate) qr: Option<String>,
    pub(crate) transaction: Option<String>,
    pub(crate) means: Option<String>,
    pub(crate) receipt_url: Option<String>,
    #[serde(with = "when::maybe")]
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) received: Option<i64>,
    pub(crate) provider_code: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) flags: Vec<String>,
    pub(crate) refunded: i64,
    pub(crate) refunds: Vec<RefundLine>,
    pub(crate) post: Option<Post>,
    /// Who has looked at what the flags say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<Review>,
    /// The digest of what was asked for: a repeat of the reference must ask for the same.
    pub(crate) asked: String,
}

/// One fee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct FeeLine {
    #[serde(rename = "LoaiPhiLePhi")]
    pub(crate) kind: String,
    #[serde(rename = "MaPhiLePhi")]
    pub(crate) code: String,
    #[serde(rename = "TenPhiLePhi")]
    pub(crate) name: String,
    #[serde(rename = "SoTien")]
    pub(crate) amount: i64,
}

/// Who pays.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Payer {
    #[serde(rename = "HoTenNguoiNop")]
    pub(crate) name: String,
    #[serde(rename = "SoCMNDNguoiNop")]
    pub(crate) identity: String,
    #[serde(rename = "DiaChiNguoiNop")]
    pub(crate) address: String,
    #[serde(rename = "HuyenNguoiNop")]
    pub(crate) district: String,
    #[serde(rename = "TinhNguoiNop")]
    pub(crate) province: String,
}

/// Money that goes back.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RefundLine {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) amount: i64,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    #[serde(with = "when")]
    pub(crate) asked_at: Timestamp,
    #[serde(with = "when::maybe", default)]
    pub(crate) done_at: Option<Timestamp>,
    pub(crate) provider_id: Option<String>,
    pub(crate) code: Option<String>,
    /// Whether the provider may have been told of it.
    #[serde(default = "may_be")]
    pub(crate) sent: bool,
}

/// What is not known to be otherwise.
const fn may_be() -> bool {
    true
}

/// Somebody has looked at a flagged payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Review {
    #[serde(with = "when")]
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    pub(crate) reason: String,
}

/// The order at the post that brings the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Post {
    /// The stored message that orders it.
    pub(crate) message: String,
    /// The order's number.
    pub(crate) order: String,
    /// What the post collects on delivery; none of it is of this payment.
    #[serde(rename = "CODAmount")]
    pub(crate) cod: i64,
    /// The postage that is among the fees.
    #[serde(rename = "CuocPhi")]
    pub(crate) postage: Option<i64>,
}

/// A record that this gateway did not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotARecord;

impl Record {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, NotARecord> {
        let record: Self = serde_json::from_slice(bytes).map_err(|_| NotARecord)?;
        record.checked().ok_or(NotARecord)?;
        Ok(record)
    }

    pub(crate) fn write(&self) -> Bytes {
        serde_json::to_vec(self).expect("plain data writes into memory").into()
    }

    /// What decisions rest on.
    pub(crate) fn payment(&self) -> Payment {
        self.checked().expect("it was checked when it was read or made")
    }

    pub(crate) fn id(&self) -> PaymentId {
        self.id.parse().expect("it was checked when it was read or made")
    }

    fn checked(&self) -> Option<Payment> {
        let flags: Option<BTreeSet<Flag>> = self.flags.iter().map(|word| Flag::of(word)).collect();
        let refunds: Option<Vec<Refund>> = self.refunds.iter().map(RefundLine::checked).collect();
        let cause = match &self.cause {
            Some(word) => Some(EndCause::of(word)?),
            None => None,
        };
        self.id.parse::<PaymentId>().ok()?;
        Some(Payment {
            amount: Dong::new(self.amount)?,
            state: self.state.parse().ok()?,
            changed_at: self.changed_at,
            expires_at: self.expires_at,
            sent: self.sent,
            transaction: self.transaction.clone(),
            paid_at: self.paid_at,
            received: self.received.and_then(Dong::new),
            code: self.provider_code.clone(),
            cause,
            flags: flags?,
            refunds: refunds?,
        })
    }

    /// Takes over what became of it. A refund that is new there has its line here already.
    pub(crate) fn take(&mut self, payment: &Payment, now: Timestamp) {
        self.state = payment.state.as_str().to_owned();
        self.changed_at = payment.changed_at;
        self.sent = payment.sent;
        self.transaction.clone_from(&payment.transaction);
        self.paid_at = payment.paid_at;
        self.received = payment.received.map(Dong::get);
        self.provider_code.clone_from(&payment.code);
        self.cause = payment.cause.map(|cause| cause.as_str().to_owned());
        let flags: Vec<_> = payment.flags.iter().map(|flag| flag.as_str().to_owned()).collect();
        if flags.len() > self.flags.len() {
            self.review = None;
        }
        self.flags = flags;
        self.refunded = payment.refunded().get();
        for refund in &payment.refunds {
            let Some(line) = self.refunds.iter_mut().find(|line| line.id == refund.id.as_str()) else { continue };
            if refund.state == RefundState::Done && line.done_at.is_none() {
                line.done_at = Some(now);
            }
            line.state = refund.state.as_str().to_owned();
            line.provider_id.clone_from(&refund.provider_id);
            line.code.clone_from(&refund.code);
        }
    }

    /// Whether something about it waits for a person.
    pub(crate) fn needs_a_person(&self) -> bool {
        !self.flags.is_empty() && self.review.is_none()
    }

    pub(crate) fn state(&self) -> PaymentState {
        self.state.parse().expect("it was checked when it was read or made")
    }

    /// Whether money of it is at its provider and not all of it went back; a contradiction of the provider's own counts.
    pub(crate) fn holds_money(&self) -> bool {
        let contradicted = self.state() == PaymentState::Failed && self.received.is_some();
        contradicted || (self.state().had_money() && self.state() != PaymentState::Refunded)
    }

    /// Whether both ask for the same fee.
    pub(crate) fn shares_a_fee_with(&self, other: &Self) -> bool {
        let same = |a: &FeeLine, b: &FeeLine| (&a.kind, &a.code, a.amount) == (&b.kind, &b.code, b.amount);
        self.fees.iter().any(|fee| fee.amount > 0 && other.fees.iter().any(|one| same(fee, one)))
    }
}

impl RefundLine {
    fn checked(&self) -> Option<Refund> {
        Some(Refund {
            id: self.id.parse().ok()?,
            amount: Dong::new(self.amount)?,
            state: RefundState::of(&self.state)?,
            provider_id: self.provider_id.clone(),
            code: self.code.clone(),
        })
    }
}
