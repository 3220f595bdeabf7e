//! The targets of one gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lgsp_model::DossierCode;
use lgsp_store::DurableStore;
use serde::Serialize;

use crate::failure::Failure;

/// Where each copy of a dossier stands, by target.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub(crate) struct SyncState(BTreeMap<String, String>);

/// All.
#[derive(Default)]
pub(crate) struct Targets {}

/// The portal.
pub(crate) struct Portal {}

impl Portal {
    pub(crate) async fn query(&self, _service: &str, _parameters: &BTreeMap<String, serde_json::Value>) -> Result<Bytes, Failure> {
        Ok(Bytes::new())
    }
}

/// No.
#[derive(Debug)]
pub enum TargetError {}
impl std::fmt::Display for TargetError { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }

impl Targets {
    pub(crate) async fn start(_c: &[lgsp_config::Target], _s: &Arc<dyn DurableStore>, _k: &crate::clock::Clock, _m: &Arc<crate::telemetry::Metrics>) -> Result<Self, TargetError> { Ok(Self {}) }
    pub(crate) async fn replace(&self, _c: &[lgsp_config::Target], _s: &Arc<dyn DurableStore>, _k: &crate::clock::Clock, _m: &Arc<crate::telemetry::Metrics>) -> Result<(), TargetError> { Ok(()) }
    pub(crate) async fn stop(&self) {}
    pub(crate) async fn sync_of(&self, _store: &Arc<dyn DurableStore>, _code: &DossierCode) -> Result<SyncState, Failure> {
        Ok(SyncState::default())
    }
    pub(crate) fn portal(&self) -> Option<Portal> {
        None
    }
}
