//! Operators' acts as log payloads.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::registry::Changed;
use crate::AuditEntry;

/// The sender of audit events.
pub(super) const SENDER: &str = "operator";

#[derive(Serialize)]
struct Act<'a> {
    at: String,
    actor: &'a str,
    action: &'a str,
    object: &'a str,
    reason: &'a str,
    address: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    registry: &'a [Changed],
}

/// The part of an act that names entries of the registry.
#[derive(Deserialize)]
struct OfRegistry {
    #[serde(default)]
    registry: Vec<Changed>,
}

/// The entries of the registry that an act changed, from its JSON; `None` when it is not an act.
pub(super) fn changed(payload: &[u8]) -> Option<Vec<Changed>> {
    serde_json::from_slice(payload).ok().map(|act: OfRegistry| act.registry)
}

/// The act as JSON, with the entries of the registry that it changed.
pub(super) fn to_json(entry: &AuditEntry, registry: &[Changed]) -> Bytes {
    let AuditEntry { at, actor, action, object, reason, address, trace: _ } = entry;
    let act = Act { at: at.to_string(), actor, action, object, reason, address, registry };
    serde_json::to_vec(&act).expect("texts are JSON").into()
}
