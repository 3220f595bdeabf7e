//! The shell of the gateway: listens, runs the phases of each request, calls the core and does what it says, answers and
//! drains. Business rules stand in `lgsp-model` and `lgsp-core`, partners' details in `lgsp-connect`.

mod answer;
mod app;
mod clock;
mod failure;
mod feed;
mod form;
mod gate;
pub mod gateway;
mod identity;
mod intake;
pub mod load;
mod lookup;
mod national;
mod oauth;
mod request;
mod route;
mod server;
mod targets;
pub mod telemetry;
mod trace;

/// The OpenAPI 3.1 document of the public API.
pub const OPENAPI: &str = include_str!("../openapi.json");
