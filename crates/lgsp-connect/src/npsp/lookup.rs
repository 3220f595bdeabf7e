//! What `TraCuuHoSo` says about one event of ours.
//!
//! The portal's documents name `MAHOSO` and `TRANGTHAIHOSO`; a list of steps (`TIENDO`) comes from some portals only,
//! so a step is called missing only when there is a list to miss it in.

use lgsp_model::{EventKind, Status, Step as Move};
use serde::Deserialize;
use serde_json::Value;

use super::reply::Reply;
use super::words::{says_absent, says_busy, says_failure};
use crate::connector::{Asked, Outgoing};
use crate::redact::partner_cause;

/// What a dossier record of ours says.
#[derive(Deserialize)]
struct Record {
    #[serde(rename = "TrangThaiHoSo", default)]
    status: String,
}

/// What a progress record of ours says.
#[derive(Deserialize)]
struct Step {
    #[serde(rename = "ThoiDiemXuLy", default)]
    at: String,
    #[serde(rename = "TrangThai", default)]
    status: String,
    #[serde(rename = "NoiDungXuLy", default)]
    content: String,
}

pub(super) fn judge(event: &Outgoing, reply: &Reply, repeatable: bool) -> Asked {
    let text = reply.folded();
    // A failure under the code of success is no "cannot tell": the next look-up may well tell.
    let failed = !reply.may_be_zero() || says_failure(&text) || says_busy(&text);
    if failed && !says_absent(&text) {
        let code = if says_busy(&text) { "busy" } else { "lookup_refused" };
        return Asked::Deferred { cause: partner_cause(code, &reply.words, &[]), after: None };
    }
    let Some(rows) = reply.rows() else {
        return if says_absent(&text) { Asked::Missing } else { Asked::CannotTell };
    };
    let row = rows.into_iter().find(|row| field(row, "MAHOSO").is_some_and(|code| code == event.code));
    match (row, event.kind) {
        // A notice is about a dossier that was born there: that it is missing says nothing about the notice.
        (_, EventKind::Status) if repeatable => Asked::Missing,
        (
            _,
            EventKind::Status
            | EventKind::Audit
            | EventKind::Message
            | EventKind::Reply
            | EventKind::Access
            | EventKind::Payment
            | EventKind::Evidence,
        ) => Asked::CannotTell,
        (None, EventKind::Dossier | EventKind::Progress) => Asked::Missing,
        (Some(row), EventKind::Dossier) if stands_later(row, event) => Asked::Same,
        (Some(_), EventKind::Dossier) => Asked::Differs,
        (Some(row), EventKind::Progress) => step_in(row, event, repeatable),
    }
}

/// Whether the portal's dossier stands where only a later event of ours can have brought it. Events of one dossier go
/// out in order, so this one was taken too, and sending it again would move the portal back for a moment.
fn stands_later(row: &Value, event: &Outgoing) -> bool {
    let theirs = field(row, "TRANGTHAIHOSO").and_then(|text| Status::from_text(text.trim()));
    let ours =
        serde_json::from_slice::<Record>(&event.payload).ok().and_then(|record| Status::from_text(&record.status));
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours.step(theirs) == Move::Forward && theirs.step(ours) == Move::Backwards,
        _ => false,
    }
}

fn step_in(row: &Value, event: &Outgoing, repeatable: bool) -> Asked {
    let steps = row.get("TIENDO").and_then(Value::as_array);
    let ours = serde_json::from_slice::<Step>(&event.payload).ok();
    match (steps, ours) {
        (Some(steps), Some(ours)) => {
            let same = |step: &Value| {
                field(step, "THOIDIEMXULY").as_deref() == Some(ours.at.trim())
                    && field(step, "TRANGTHAI").as_deref() == Some(ours.status.trim())
                    && field(step, "NOIDUNGXULY").unwrap_or_default() == ours.content.trim()
            };
            if steps.iter().any(same) { Asked::Same } else { Asked::Missing }
        }
        _ if repeatable => Asked::Missing,
        _ => Asked::CannotTell,
    }
}

/// A field as text, whether it was written as text or as a number.
fn field(row: &Value, name: &str) -> Option<String> {
    match row.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lgsp_model::{Seq, Timestamp};

    use super::*;
    use crate::connector::Known;

    fn asked(ours: &str, theirs: &str) -> Asked {
        let event = Outgoing {
            seq: Seq(1),
            kind: EventKind::Dossier,
            code: "H56.14-240315-0007".into(),
            agency: "H56.14".into(),
            sender: "one-stop".into(),
            at: Timestamp(0),
            trace: [0; 16],
            cursor: String::new(),
            payload: Bytes::from(format!(r#"{{"TrangThaiHoSo":"{ours}"}}"#)),
            known: Known::Unsure,
        };
        let reply = format!(
            r#"{{"error_code":"0","message":"thành công","result":[{{"MAHOSO":"H56.14-240315-0007","TRANGTHAIHOSO":"{theirs}"}}]}}"#
        );
        judge(&event, &Reply::read(reply.as_bytes()), false)
    }

    #[test]
    fn a_record_that_the_portal_is_already_beyond_is_not_sent_after_a_newer_one() {
        for (ours, theirs, expected) in [
            ("2", "9", Asked::Same),
            ("4", "10", Asked::Same),
            ("2", "2", Asked::Differs),
            ("9", "4", Asked::Differs),
            // Work goes back and forth between these: either may be the later.
            ("4", "6", Asked::Differs),
            ("5", "2", Asked::Differs),
            ("4", "", Asked::Differs),
        ] {
            assert_eq!(asked(ours, theirs), expected, "{ours} at {theirs}");
        }
    }
}
