//! The vocabulary of the gateway: identifiers, codes, scopes, kinds of people, the dossier's status machine, time and error
//! codes.
//!
//! It does no I/O, reads no clock and knows no wire format; every other crate speaks in its words.

mod agency;
mod digest;
mod dossier;
mod error;
mod event;
mod id;
mod outcome;
mod payment;
mod person;
mod scope;
mod status;
mod time;
pub mod unit;

pub use agency::{AgencyCode, AgencyGrant, BadAgencyCode};
pub use digest::{ContentDigest, Digest};
pub use dossier::{DossierState, HoldReason, Incoming, KNOWN_EVENTS, Verdict};
pub use error::{ErrorCode, Finding};
pub use event::{Disposition, EventKind, Seq};
pub use id::{BadId, DossierCode, EventKey, MemberId, TargetId};
pub use outcome::{Cause, Outcome};
pub use payment::{Dong, FeeKind, PaymentId, PaymentState, RefundStanding, ReportStanding};
pub use person::{BadLevel, BadPersonKind, Level, PersonKind};
pub use scope::{BadScope, Scope, ServiceId};
pub use status::{Status, Step};
pub use time::{BadPortalTime, PortalTime, Timestamp};
pub use unit::ByteCount;
