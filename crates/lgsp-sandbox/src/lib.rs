//! Simulated partners of the gateway, on real wire formats, with the traps of the real ones and faults on demand.
//!
//! It knows nothing of the gateway, keeps everything in memory, and is not meant for real data. One file for each
//! partner.

mod access;
mod answer;
mod call;
mod control;
mod echo;
mod enterprise;
mod faults;
mod forms;
mod line;
mod ministry;
mod partner;
mod population;
mod portal;
mod profiles;
mod scripted;
mod server;
mod sessions;
mod vnpost;

pub use access::{Access, LgspKey};
pub use echo::{Echo, EchoSeen, EchoSettings};
pub use enterprise::{Enterprise, EnterpriseSettings, RegisteredEnterprise, UnknownEnterprise};
pub use faults::{BadFault, CodeForm, Fault, FaultId, FaultRule, MessageForm};
pub use ministry::{Ministry, MinistryDossier, MinistryFile, MinistrySettings, Waiting};
pub use partner::{Partner, Peer, PeerCounters};
pub use population::{
    Address, Birth, Citizen, Lookup, LookupKind, Officer, PersonName, Population, PopulationSettings,
};
pub use portal::{
    BatchMode, Catalogue, Counters, NotStored, Notice, Portal, PortalSettings, Procedure, StoredDossier, StoredStep,
    StoredVersion,
};
pub use profiles::{Ack, AckStatus, Profile, Profiles, ProfilesSettings};
pub use server::{Partners, Sandbox};
pub use vnpost::{PostOrder, VnPost, VnPostSettings};
