//! Talking to the outside: partners (one file per protocol over one bounded HTTP client, behind one trait), the
//! identity providers at which people sign in (`identity`, likewise), the payment providers at which they pay (`payment`, likewise), and
//! the servers of services that are passed on (`upstream`).
//!
//! It does not know our listeners, the store or routing. A connector never decides whether to send again: it says what
//! came of one call. An upstream does, within what its caller allows.

mod client;
mod connector;
mod family;
mod form;
mod health;
mod identity;
mod npsp;
mod payment;
mod place;
mod redact;
mod settings;
mod upstream;
mod webhook;

pub use connector::{
    Asked, BatchLimit, Clock, ConnectFuture, Connector, Delivered, Known, Outgoing, QueryFailure, Repeat, Standing,
};
pub use family::{BuildError, CheckError, Checked, FAMILIES, Family, check};
pub use identity::{
    Authenticated, CheckedProvider, IdentityProvider, LoggedOut, LoginReturn, LoginStart, PROVIDERS, Person,
    ProviderFailure, ProviderFailureKind, ProviderFamily, check_provider,
};
pub use payment::{
    Abilities, BadQr, Bill, CallbackReply, CallbackRequest, CallbackVerdict, CheckedPaymentProvider, DayFileError,
    DayFileLayout, DayFileReader, Fee, Heard, Opened, Order, PAYMENT_PROVIDERS, PayFailure, Payee, Payer,
    PaymentFamily, PaymentProvider, QrService, Receipt, RefundOrder, RefundReport, RefundStanding, Report,
    ReportStanding, Unheard, VietQr, check_payment_provider, decode_vietqr, encode_vietqr,
};
pub use settings::{Problem, SettingError};
pub use upstream::{
    AddressError, BodyError, BodyFailure, BodyStream, CallFailure, CallOptions, FailureKind, Http2, Identity,
    ProbeSettings, Repeatable, ResponseBody, RetrySettings, Sent, ServerAddress, ServerSettings, ServerState,
    SwitchedLine, TlsSettings, Upstream, UpstreamBody, UpstreamError, UpstreamResponse, UpstreamSettings,
    UpstreamState,
};
