//! The shell of the gateway: listens, runs the phases of each request, calls the core and does what it says, answers and
//! drains. Business rules stand in `lgsp-model` and `lgsp-core`, partners' details in `lgsp-connect`.

mod admin;
mod answer;
mod app;
mod broker;
mod cli;
mod clock;
mod delivery;
pub mod demo;
mod failure;
mod feed;
mod form;
mod gate;
pub mod gateway;
mod identity;
mod intake;
mod load;
mod lookup;
mod national;
mod openapi;
mod payments;
pub mod rates;
mod request;
mod route;
mod serve;
mod server;
mod services;
mod sync;
mod targets;
mod telemetry;
mod trace;

pub use cli::run;
pub use openapi::OPENAPI;
