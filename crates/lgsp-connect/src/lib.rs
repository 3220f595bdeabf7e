//! Talking to the outside: one file per partner over one bounded HTTP client, behind one trait.
//!
//! It does not know our listeners, the store or routing, and it never decides whether to send again: it says what
//! came of one call.

mod client;
mod connector;
mod family;
mod npsp;
mod redact;
mod settings;
mod webhook;

pub use connector::{
    Asked, BatchLimit, Clock, ConnectFuture, Connector, Delivered, Known, Outgoing, QueryFailure, Repeat, Standing,
};
pub use family::{BuildError, CheckError, Checked, FAMILIES, Family, check};
pub use settings::{Problem, SettingError};
