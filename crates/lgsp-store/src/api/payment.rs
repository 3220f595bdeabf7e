//! Payments: where each one stands, the names that lead to it, when it is looked at next, and the ledger of each
//! provider's days. What a payment is stands in the log, a whole record at each change; the rest only leads there.
//!
//! It reads no record and decides nothing about money.

use std::fmt;

use bytes::Bytes;
use lgsp_model::{AgencyCode, BadId, Dong, DossierCode, MemberId, PaymentId, Seq, Timestamp};

use crate::TraceId;

/// Payments that one call gives out at most: records of some KiB each.
pub const PAYMENTS_AT_ONCE: usize = 1_000;
/// Lines of a ledger that one call gives out at most, some 20 ms of reading.
pub const LEDGER_AT_ONCE: usize = 20_000;
/// Bytes of a name, and of each text in a ledger line: providers' own numbers have some tens.
pub const PAYMENT_TEXT_BYTES: usize = 200;
/// Names, ledger lines and pieces of evidence that one change may bring, of each: it needs a handful.
pub const PAYMENT_PARTS: usize = 64;

/// A name by which a payment is found besides its id. It leads to one payment for ever.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentName(String);

impl PaymentName {
    /// The name of this kind with these parts, such as `transaction/vnpay/14422574`. Other parts make another name,
    /// whatever they hold. Refused are an empty part, no parts, and more than [`PAYMENT_TEXT_BYTES`].
    pub fn new(kind: &str, parts: &[&str]) -> Result<Self, BadId> {
        let mut name = kind.to_owned();
        for part in parts {
            name.push('/');
            for letter in part.chars() {
                match letter {
                    '/' => name.push_str("%2F"),
                    '%' => name.push_str("%25"),
                    other => name.push(other),
                }
            }
        }
        let good = !parts.is_empty() && parts.iter().all(|part| !part.is_empty()) && name.len() <= PAYMENT_TEXT_BYTES;
        if good {
            Ok(Self(name))
        } else {
            Err(BadId { expected: "a payment's name: parts with text, 200 bytes at most" })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A payment as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentEntry {
    /// Which one.
    pub id: PaymentId,
    /// The event of its last change: its version.
    pub seq: Seq,
    /// When it is looked at next; `None`: never.
    pub due: Option<Timestamp>,
    /// The dossier that it is for.
    pub dossier: DossierCode,
    /// The agency that it belongs to.
    pub agency: AgencyCode,
    /// Whom it belongs to.
    pub sender: MemberId,
    /// The payload of event [`Self::seq`].
    pub record: Bytes,
}

/// Without the record, which names the payer.
impl fmt::Debug for PaymentEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, seq, due, dossier, agency: _, sender: _, record } = self;
        write!(f, "PaymentEntry({id} at {seq}, due {due:?}, dossier {dossier}, {} bytes)", record.len())
    }
}

/// What a line of the ledger is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LedgerKind {
    /// Money from the citizen.
    Payment = 1,
    /// Money back to him.
    Refund = 2,
}

/// Whether the money of a line moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LedgerState {
    /// Not known yet.
    Open = 1,
    /// It did.
    Settled = 2,
    /// It did not, and will not.
    Void = 3,
}

impl LedgerKind {
    /// The number that the store keeps.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a stored number.
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Payment),
            2 => Some(Self::Refund),
            _ => None,
        }
    }
}

impl LedgerState {
    /// The number that the store keeps.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The state of a stored number.
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Open),
            2 => Some(Self::Settled),
            3 => Some(Self::Void),
            _ => None,
        }
    }
}

/// One line of a provider's day as the gateway knows it: what a reconciliation compares with the provider's own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// The provider.
    pub provider: String,
    /// The day in Asia/Ho_Chi_Minh as a number: 20261122.
    pub day: u32,
    /// The order's or the refund's name at the provider; there is one line for it, on whatever day. Never empty.
    pub reference: String,
    /// Which way the money goes.
    pub kind: LedgerKind,
    /// How much.
    pub amount: Dong,
    /// Whether it went.
    pub state: LedgerState,
    /// The provider's number for it, once known.
    pub transaction: Option<String>,
    /// The payment that it belongs to.
    pub payment: PaymentId,
}

/// A change of a payment, or a new one: all of it or nothing, in one commit.
#[derive(Clone)]
pub struct PaymentChange {
    /// Which one.
    pub id: PaymentId,
    /// The version that the change was decided on; `None`: there is no such payment yet.
    pub after: Option<Seq>,
    /// The whole payment as it is now, as payload of an event of kind `payment`.
    pub record: Bytes,
    /// What the provider said, each an event of kind `evidence` before that one.
    pub evidence: Vec<Bytes>,
    /// Names to be added. One that leads to this payment already is no error.
    pub names: Vec<PaymentName>,
    /// Lines to be as given, by provider and reference: the payment's line that is there is changed, and may change its
    /// day. No two payments may have one reference at a provider: whoever makes references makes them so.
    pub ledger: Vec<LedgerLine>,
    /// When it is to be looked at next; `None`: never.
    pub due: Option<Timestamp>,
    /// The dossier: the key of the events.
    pub dossier: DossierCode,
    /// The agency that the payment belongs to.
    pub agency: AgencyCode,
    /// Whom it belongs to: the sender of the events.
    pub sender: MemberId,
    /// When.
    pub at: Timestamp,
    /// The request's trace.
    pub trace: TraceId,
}

/// Without the record and the evidence, which name the payer.
impl fmt::Debug for PaymentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, after, evidence, names, ledger, due, .. } = self;
        write!(
            f,
            "PaymentChange({id} after {after:?}, {} pieces of evidence, {names:?}, {ledger:?}, due {due:?})",
            evidence.len()
        )
    }
}

impl PaymentChange {
    /// What of it is too large or too much, if anything is.
    pub(crate) fn out_of_bounds(&self) -> Option<&'static str> {
        let fits = |text: &str| (1..=PAYMENT_TEXT_BYTES).contains(&text.len());
        let line_fits = |line: &LedgerLine| {
            fits(&line.provider) && fits(&line.reference) && line.transaction.as_deref().is_none_or(fits)
        };
        if [self.evidence.len(), self.names.len(), self.ledger.len()].iter().any(|count| *count > PAYMENT_PARTS) {
            Some("the parts of a payment's change")
        } else if !self.ledger.iter().all(line_fits) {
            Some("a text in a ledger line")
        } else if self.ledger.iter().any(|line| line.payment != self.id) {
            Some("a ledger line of another payment")
        } else {
            None
        }
    }
}

/// What became of a [`PaymentChange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentChanged {
    /// Stored; this is the payment's version now.
    Stored(Seq),
    /// The payment is not at the version that the change was decided on: read it again, decide again. Nothing was stored.
    Stale,
    /// A name, or the ledger line of the same provider, day and reference, leads to another payment. Nothing was stored.
    Taken(PaymentId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_parts_are_other_names() {
        let name = |parts: &[&str]| PaymentName::new("reference", parts).unwrap().as_str().to_owned();
        assert_eq!(name(&["one-stop-h11", "PT-1"]), "reference/one-stop-h11/PT-1");
        let names = [name(&["a", "b/c"]), name(&["a/b", "c"]), name(&["a", "b", "c"]), name(&["a", "b%2Fc"])];
        for (at, one) in names.iter().enumerate() {
            assert!(!names[at + 1..].contains(one), "{one}");
        }
    }

    #[test]
    fn a_name_without_text_or_beyond_its_bound_is_refused() {
        let longest = "x".repeat(PAYMENT_TEXT_BYTES - "a/".len());
        assert!(PaymentName::new("a", &[&longest]).is_ok());
        let slashes = "/".repeat(PAYMENT_TEXT_BYTES / 3 + 1);
        for parts in [&[][..], &[""], &["b", ""], &[&format!("{longest}x")], &[&slashes]] {
            assert!(PaymentName::new("a", parts).is_err(), "{parts:?}");
        }
    }

    #[test]
    fn numbers_lead_back_to_kinds_and_states() {
        for code in 0..=4 {
            assert_eq!(LedgerKind::from_code(code).map_or(0, LedgerKind::code), if code < 3 { code } else { 0 });
            assert_eq!(LedgerState::from_code(code).map_or(0, LedgerState::code), if code < 4 { code } else { 0 });
        }
    }
}
