//! Services: calls that are passed on, stored or made into records, as their contracts say. Nothing of one partner is
//! known here.

mod admission;
mod call;
mod context;
mod credentials;
mod forward;
mod headers;
mod intake;
mod list;
mod messages;
mod queue;
mod refusal;
mod running;
mod settings;
mod upgrade;

pub(crate) use admission::Place;
pub(crate) use call::call;
pub(crate) use list::{Description, description, listing};
pub(crate) use messages::message;
pub(crate) use running::{Ground, Services};
pub(crate) use settings::{Values, unready};
