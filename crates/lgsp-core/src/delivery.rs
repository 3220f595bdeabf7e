//! Delivery of the log to one target as a state machine: what to read, send, ask about and record, in which order.
//!
//! The shell feeds it [`Input`]s and does the [`Action`]s. It holds no payloads, speaks no protocol and decides
//! nothing about dossiers. Its memory is bounded by [`Policy`]: when too much is parked it stops reading, and the
//! log is the queue.
//!
//! What is durable is a position and the parked events. A send of a parked event is recorded before it leaves; what
//! may have left before a crash without a record lies within one window after the position and is asked about first.

mod answers;
mod entry;
mod exchange;
mod intake;
mod machine;
mod operator;
mod policy;
mod record;
mod view;

pub use exchange::{
    Action, Answer, CallId, Change, Input, LogEvent, ParkRow, ParkState, ParkedEvent, SendItem, Standing, Start,
};
pub use machine::Delivery;
pub use operator::{Act, ActRefused};
pub use policy::{KindPolicies, KindPolicy, MAX_PAGE, Policy, Repeat};
pub use view::{EventState, Summary};
