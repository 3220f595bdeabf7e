//! Services: calls that are passed on, stored or made into records, as their contracts say. Nothing of one partner is
//! known here.

mod admission;
mod call;
mod callback;
mod context;
mod credentials;
mod forward;
mod headers;
mod intake;
mod list;
mod messages;
mod outbox;
mod queue;
mod refusal;
mod reply;
mod running;
mod settings;
#[cfg(test)]
mod tests;
mod upgrade;

pub(crate) use admission::Place;
pub(crate) use call::call;
pub(crate) use callback::Callback;
pub(crate) use list::{Description, description, listing};
pub(crate) use messages::message;
pub(crate) use outbox::Outbox;
pub(crate) use reply::give_up;
pub(crate) use running::{Ground, Services};
pub(crate) use settings::{Values, unready};
