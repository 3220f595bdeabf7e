//! The demo: dossiers lived through their whole life over the public API by three kinds of one-stop system, while the
//! sandbox's portal misbehaves, and a comparison in the end of what was accepted with what arrived.
//!
//! It uses only what any caller has, and what the sandbox tells about itself; it looks into no part of the gateway.

mod calendar;
mod catalogue;
mod chance;
mod life;
mod record;
mod tables;
mod world;

pub use catalogue::{CatalogueError, DemoProcedure, ProcedureList};
pub use world::System;
