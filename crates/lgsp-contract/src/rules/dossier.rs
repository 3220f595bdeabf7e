//! The rules about one dossier record: its dates against each other and against its status, and its identity numbers.
//!
//! A date that is absent contradicts nothing. Whether a number belongs to a person is not known here.

use lgsp_model::{PortalTime, Status};

use super::{Complaints, text, time};
use crate::tree::Tree;

/// What the rules look at, read once.
pub(crate) struct Facts<'a> {
    record: &'a Tree<'a>,
    status: Option<Status>,
    filed: Option<PortalTime>,
    received: Option<PortalTime>,
    due: Option<PortalTime>,
    finished: Option<PortalTime>,
    returned: Option<PortalTime>,
    refused: Option<PortalTime>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(record: &'a Tree<'a>) -> Self {
        Self {
            record,
            status: Status::from_text(text(record, "TrangThaiHoSo")),
            filed: time(record, "NgayNopHoSo"),
            received: time(record, "NgayTiepNhan"),
            due: time(record, "NgayHenTra"),
            finished: time(record, "NgayKetThucXuLy"),
            returned: time(record, "NgayTra"),
            refused: time(record, "NgayTuChoi"),
        }
    }

    /// Each identity number with its place; `None` as kind where the record does not say which kind it is.
    fn identities(&self) -> impl Iterator<Item = (Option<usize>, &'a str, &'a str)> {
        let owner = std::iter::once((None, "", text(self.record, "SoGiayToChuHoSo")));
        let listed = self.record.get("DinhDanhCHS").and_then(Tree::as_list).into_iter().flatten().enumerate();
        owner.chain(listed.map(|(n, one)| (Some(n), text(one, "LoaiDinhDanh"), text(one, "SoDinhDanh"))))
    }
}

fn identity_path(index: Option<usize>) -> String {
    index.map_or_else(|| "/SoGiayToChuHoSo".to_owned(), |n| format!("/DinhDanhCHS/{n}/SoDinhDanh"))
}

pub(super) fn received_date_missing(facts: &Facts<'_>, complaints: &mut Complaints) {
    let instead = match facts.status {
        Some(Status::New) => facts.filed,
        Some(Status::NotReceived) => facts.refused,
        _ => None,
    };
    if facts.received.or(instead).is_none() {
        let message = match facts.status {
            Some(Status::New) => "a new dossier needs NgayNopHoSo or NgayTiepNhan",
            Some(Status::NotReceived) => "a refused dossier needs NgayTuChoi or NgayTiepNhan",
            _ => "a dossier that was accepted needs NgayTiepNhan",
        };
        complaints.push(("/NgayTiepNhan".to_owned(), message));
    }
}

pub(super) fn due_before_received(facts: &Facts<'_>, complaints: &mut Complaints) {
    if facts.due.zip(facts.received).is_some_and(|(due, received)| due < received) {
        complaints.push(("/NgayHenTra".to_owned(), "must not be before NgayTiepNhan"));
    }
}

pub(super) fn final_without_date(facts: &Facts<'_>, complaints: &mut Complaints) {
    let Some(status) = facts.status else { return };
    let (path, date, message) = match status {
        Status::Settled => (
            "/NgayKetThucXuLy",
            facts.finished.or(facts.returned),
            "a settled dossier needs NgayKetThucXuLy or NgayTra",
        ),
        Status::Returned => {
            ("/NgayTra", facts.returned.or(facts.finished), "a returned dossier needs NgayTra or NgayKetThucXuLy")
        }
        Status::NotReceived => (
            "/NgayTuChoi",
            facts.refused.or(facts.finished).or(facts.returned),
            "a refused dossier needs NgayTuChoi, NgayKetThucXuLy or NgayTra",
        ),
        Status::Withdrawn | Status::Stopped => (
            "/NgayKetThucXuLy",
            facts.finished.or(facts.refused).or(facts.returned),
            "a withdrawn or stopped dossier needs NgayKetThucXuLy, NgayTuChoi or NgayTra",
        ),
        Status::New | Status::Received | Status::Processing | Status::SupplementAsked | Status::FinancialDuty => return,
    };
    if date.is_none() {
        complaints.push((path.to_owned(), message));
    }
}

pub(super) fn identity_form(facts: &Facts<'_>, complaints: &mut Complaints) {
    for (index, kind, number) in facts.identities() {
        let (digits, message) = match kind {
            "1" => (12, "a citizen identity number (LoaiDinhDanh 1) has 12 digits"),
            "2" => (9, "an old identity card number (LoaiDinhDanh 2) has 9 digits"),
            _ => continue,
        };
        if number.len() != digits || !number.bytes().all(|b| b.is_ascii_digit()) {
            complaints.push((identity_path(index), message));
        }
    }
}

pub(super) fn placeholder_identity(facts: &Facts<'_>, complaints: &mut Complaints) {
    for (index, _, number) in facts.identities() {
        if is_placeholder(number) {
            complaints.push((identity_path(index), "this looks like a filler: send the real number or none"));
        }
    }
}

/// Whether a number is one that people type when they do not know it: one digit repeated, a small number with leading
/// zeros, or digits counting up.
fn is_placeholder(number: &str) -> bool {
    let digits = number.as_bytes();
    if digits.len() < 8 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let significant = digits.iter().skip_while(|&&digit| digit == b'0').count();
    let counts_up = |pair: &[u8]| pair[1] == if pair[0] == b'9' { b'0' } else { pair[0] + 1 };
    significant <= 3 || digits.windows(2).all(|pair| pair[0] == pair[1]) || digits.windows(2).all(counts_up)
}

pub(super) fn status_contradicts_dates(facts: &Facts<'_>, complaints: &mut Complaints) {
    let Some(status) = facts.status else { return };
    let at_work = match status {
        Status::New | Status::Received | Status::Processing | Status::SupplementAsked | Status::FinancialDuty => true,
        Status::NotReceived | Status::Withdrawn | Status::Stopped | Status::Settled | Status::Returned => false,
    };
    for (path, date) in [("/NgayTra", facts.returned), ("/NgayKetThucXuLy", facts.finished)] {
        if at_work && date.is_some() {
            complaints.push((path.to_owned(), "a dossier in this status has no such date yet"));
        }
    }
    let ended_early = matches!(status, Status::NotReceived | Status::Withdrawn | Status::Stopped);
    if facts.refused.is_some() && !ended_early {
        complaints.push(("/NgayTuChoi".to_owned(), "only a refused, withdrawn or stopped dossier has this date"));
    }
}

pub(super) fn filed_after_received(facts: &Facts<'_>, complaints: &mut Complaints) {
    if facts.filed.zip(facts.received).is_some_and(|(filed, received)| filed > received) {
        complaints.push(("/NgayNopHoSo".to_owned(), "is after NgayTiepNhan"));
    }
}

pub(super) fn finished_before_received(facts: &Facts<'_>, complaints: &mut Complaints) {
    let Some(received) = facts.received else { return };
    for (path, date) in
        [("/NgayKetThucXuLy", facts.finished), ("/NgayTra", facts.returned), ("/NgayTuChoi", facts.refused)]
    {
        if date.is_some_and(|date| date < received) {
            complaints.push((path.to_owned(), "is before NgayTiepNhan"));
        }
    }
}

pub(super) fn returned_before_finished(facts: &Facts<'_>, complaints: &mut Complaints) {
    if facts.returned.zip(facts.finished).is_some_and(|(returned, finished)| returned < finished) {
        complaints.push(("/NgayTra".to_owned(), "is before NgayKetThucXuLy"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_are_told_from_numbers_that_could_be_real() {
        for filler in ["000000001", "000000000000", "111111111", "123456789", "012345678901", "000000000123"] {
            assert!(is_placeholder(filler), "{filler}");
        }
        for real in ["011000000123", "038090000007", "113456789", "", "0", "B1234567", "000012345"] {
            assert!(!is_placeholder(real), "{real}");
        }
    }
}
