//! Operators' acts as log payloads.

use bytes::Bytes;
use serde::Serialize;

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
}

/// The act as JSON.
pub(super) fn to_json(entry: &AuditEntry) -> Bytes {
    let AuditEntry { at, actor, action, object, reason, address, trace: _ } = entry;
    let act = Act { at: at.to_string(), actor, action, object, reason, address };
    serde_json::to_vec(&act).expect("texts are JSON").into()
}
