//! What every payment provider offers, and the values that cross that border.
//!
//! A provider makes one try and reports it. When to ask again, what a payment becomes of it and what is remembered are the caller's.

use bytes::Bytes;
use hyper::http::HeaderMap;
use hyper::{Method, StatusCode};
use lgsp_model::{Cause, Dong, PaymentId, RefundStanding, ReportStanding, Timestamp};

use super::order::{Order, RefundOrder};
use crate::connector::ConnectFuture;

/// One provider, ready to be talked to.
pub trait PaymentProvider: Send + Sync {
    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// Opens an order. [`PayFailure::Unknown`] when it may have been opened: it is asked about then, never opened again.
    fn open<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Opened, PayFailure>>;

    /// Reads a callback: checks its signature over the bytes as they came, in constant time, and says what it means. Touches nothing.
    fn hear(&self, came: &CallbackRequest<'_>) -> Result<Heard, Unheard>;

    /// What the provider's rules say that a callback is answered with.
    fn reply(&self, came: &CallbackRequest<'_>, verdict: CallbackVerdict) -> CallbackReply;

    /// Asks where an order stands. [`PayFailure::Unsupported`] at a provider that nobody can ask, at any time: it calls back or says nothing.
    fn query<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Report, PayFailure>>;

    /// Sends money back. [`PayFailure::Unknown`] when it may be on its way: it is asked about then, never sent again blindly.
    fn refund<'a>(&'a self, refund: RefundOrder<'a>) -> ConnectFuture<'a, Result<RefundReport, PayFailure>> {
        let _ = refund;
        Box::pin(async { Err(PayFailure::Unsupported) })
    }

    /// Asks where a refund stands. `provider_id` is what [`RefundReport`] said earlier.
    fn query_refund<'a>(
        &'a self,
        refund: RefundOrder<'a>,
        provider_id: Option<&'a str>,
    ) -> ConnectFuture<'a, Result<RefundReport, PayFailure>> {
        let _ = (refund, provider_id);
        Box::pin(async { Err(PayFailure::Unsupported) })
    }

    /// The provider's own receipt of a paid order.
    fn receipt<'a>(&'a self, order: &'a Order) -> ConnectFuture<'a, Result<Receipt, PayFailure>> {
        let _ = order;
        Box::pin(async { Err(PayFailure::Unsupported) })
    }

    /// The dossier that a partner asks about, when it is one that pulls what is to be paid (`dptracuuthanhtoanhs`). `None`: it does not
    /// pull. The caller was identified already.
    fn pulled(&self, came: &CallbackRequest<'_>) -> Option<Result<String, Unheard>> {
        let _ = came;
        None
    }

    /// What such a pull is answered with: the order that can be paid now, or that was paid last; `None`: there is none.
    fn pull_reply(&self, came: &CallbackRequest<'_>, order: Option<&Order>) -> CallbackReply {
        let _ = (came, order);
        CallbackReply { status: StatusCode::NOT_FOUND, content_type: "application/json", body: Bytes::new() }
    }
}

/// What a provider can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It takes refunds of all that was paid.
    pub refund: bool,
    /// It takes refunds of less.
    pub partial_refund: bool,
    /// The smallest amount that it takes.
    pub least: Dong,
    /// The largest amount that it takes.
    pub most: Dong,
}

/// An order that the provider has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Where the citizen pays.
    pub pay_url: String,
    /// A VietQR payload or another text for a QR code, where the provider gives one.
    pub qr: Option<String>,
    /// What the provider answered, for the record; empty when nothing was asked of it.
    pub evidence: Bytes,
}

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayFailure {
    /// This provider has no such call.
    Unsupported,
    /// It certainly did not reach the provider, or the provider will take it later: try again.
    Deferred(Cause),
    /// The provider looked at it and said no.
    Refused(Cause),
    /// It left and no readable, rightly signed answer came.
    Unknown(Cause),
}

/// A provider's word about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Where it stands.
    pub standing: ReportStanding,
    /// The amount that the provider has for it, where it says.
    pub amount: Option<Dong>,
    /// The provider's name of the payment, where it says.
    pub transaction: Option<String>,
    /// When it was paid, where it says.
    pub paid_at: Option<Timestamp>,
    /// The provider's own result code, as text (`00`, `24`, `7002`).
    pub code: String,
    /// The bank or the means of payment, where it says; at most 40 characters.
    pub means: Option<String>,
    /// Where the provider's receipt is, where it says.
    pub receipt_url: Option<String>,
    /// What it said, byte for byte.
    pub evidence: Bytes,
}

/// A callback as it came.
#[derive(Clone, Copy)]
pub struct CallbackRequest<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The part of the path behind the provider's own, such as `callback` or `lookup`.
    pub path: &'a str,
    /// The query, undecoded; empty when there is none.
    pub query: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a Bytes,
    /// When it came.
    pub at: Timestamp,
}

/// What a callback says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The order.
    pub order: PaymentId,
    /// What happened to it.
    pub report: Report,
    /// Whether the signature covers what happened; where it does not, the provider has to be asked before it counts.
    pub proven: bool,
}

/// Why a callback says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// It is not signed by the provider.
    BadSignature,
    /// It is rightly signed and about an order that can be none of ours.
    UnknownOrder,
    /// It cannot be read: which field, never its value.
    Malformed(&'static str),
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallbackVerdict {
    /// It is on record now.
    Recorded,
    /// It was already.
    AlreadyRecorded,
    /// No payment here has that name.
    UnknownOrder,
    /// The payment here is over another amount.
    WrongAmount,
    /// It is not signed by the provider.
    BadSignature,
    /// It cannot be read.
    Malformed,
    /// It could not be recorded, or not be confirmed, now: the provider shall call again.
    TryAgain,
}

/// What a callback is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackReply {
    /// The status.
    pub status: StatusCode,
    /// The body's type.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

/// A provider's word about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundReport {
    /// Where it stands.
    pub standing: RefundStanding,
    /// The provider's name of the refund, where it says.
    pub provider_id: Option<String>,
    /// The provider's own result code, as text.
    pub code: String,
    /// What it said, byte for byte.
    pub evidence: Bytes,
}

/// A provider's receipt.
#[derive(Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Where it can be read.
    Url(String),
    /// The document itself.
    Pdf(Bytes),
}
