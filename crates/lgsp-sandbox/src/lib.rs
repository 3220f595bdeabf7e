//! Simulated partners of the gateway, on real wire formats, with the traps of the real ones and faults on demand.
//!
//! It knows nothing of the gateway, keeps everything in memory, and is not meant for real data. One file for each
//! partner; this far there is one, the national portal.

mod control;
mod faults;
mod portal;
mod server;

pub use faults::{BadFault, CodeForm, Fault, FaultId, FaultRule, MessageForm};
pub use portal::{
    BatchMode, Catalogue, Counters, NotStored, Notice, Portal, PortalSettings, Procedure, StoredDossier, StoredStep,
    StoredVersion,
};
pub use server::Sandbox;
