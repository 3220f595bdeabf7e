//! The rules about one progress step: its dates against each other.
//!
//! Whether the step fits the dossier's history is the status machine's business.

use lgsp_model::PortalTime;

use super::{Complaints, time};
use crate::tree::Tree;

/// What the rules look at, read once.
pub(crate) struct Facts {
    done: Option<PortalTime>,
    start: Option<PortalTime>,
    due: Option<PortalTime>,
}

impl Facts {
    pub(crate) fn of(record: &Tree<'_>) -> Self {
        Self {
            done: time(record, "ThoiDiemXuLy"),
            start: time(record, "NgayBatDau"),
            due: time(record, "NgayKetThucTheoQuyDinh"),
        }
    }
}

pub(super) fn step_due_before_start(facts: &Facts, complaints: &mut Complaints) {
    if facts.due.zip(facts.start).is_some_and(|(due, start)| due < start) {
        complaints.push(("/NgayKetThucTheoQuyDinh".to_owned(), "is before NgayBatDau"));
    }
}

pub(super) fn step_done_before_start(facts: &Facts, complaints: &mut Complaints) {
    if facts.done.zip(facts.start).is_some_and(|(done, start)| done < start) {
        complaints.push(("/ThoiDiemXuLy".to_owned(), "is before NgayBatDau"));
    }
}
