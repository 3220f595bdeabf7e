//! Records that break their contract, in the ways that are met: each must be refused and must never arrive anywhere.

use jiff::civil::DateTime;
use lgsp_model::{EventKind, Status};
use serde_json::{Value, json};

use crate::demo::chance::Chance;
use crate::demo::record::Dossier;

/// A province that no member of the demo was granted.
const FOREIGN_AGENCY: &str = "H29.01";

/// What can be wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flaw {
    ImpossibleDate,
    UnknownStatus,
    NoProcedure,
    DueBeforeReceived,
    NoEndDate,
    NumberForText,
    LongNote,
    ForeignAgency,
    StepWithoutTime,
    StepWithLongOfficer,
}

impl Flaw {
    pub(super) const ALL: [Self; 10] = [
        Self::ImpossibleDate,
        Self::UnknownStatus,
        Self::NoProcedure,
        Self::DueBeforeReceived,
        Self::NoEndDate,
        Self::NumberForText,
        Self::LongNote,
        Self::ForeignAgency,
        Self::StepWithoutTime,
        Self::StepWithLongOfficer,
    ];

    /// A record of `dossier` with this flaw.
    pub(super) fn apply(self, dossier: &Dossier, at: DateTime) -> (EventKind, String, &'static str) {
        let step = || dossier.step(dossier.status, at, "Xử lý hồ sơ");
        match self {
            Self::ImpossibleDate => {
                record(dossier, "NgayTiepNhan", json!("20260230083000"), "a day that does not exist")
            }
            Self::UnknownStatus => record(dossier, "TrangThaiHoSo", json!("11"), "an unknown status"),
            Self::NoProcedure => record(dossier, "MaTTHC", Value::Null, "no procedure"),
            Self::DueBeforeReceived => {
                let mut early = dossier.clone();
                early.received = Some(at);
                record(&early, "NgayHenTra", json!("20200102170000"), "due before it was received")
            }
            Self::NoEndDate => {
                let mut ended = dossier.clone();
                (ended.status, ended.finished, ended.returned, ended.refused) = (Status::Settled, None, None, None);
                (EventKind::Dossier, ended.record(), "settled without a date")
            }
            Self::NumberForText => record(dossier, "LoaiDoiTuong", json!(1), "a number where a text belongs"),
            Self::LongNote => {
                record(dossier, "GhiChu", json!("dài ".repeat(501)), "a note of more than 2,000 characters")
            }
            Self::ForeignAgency => {
                let code = dossier.code.split_once('-').map_or(dossier.code.as_str(), |(_, rest)| rest);
                record(dossier, "MaHoSo", json!(format!("{FOREIGN_AGENCY}-{code}")), "an agency that was not granted")
            }
            Self::StepWithoutTime => {
                field(EventKind::Progress, &step(), "ThoiDiemXuLy", json!(""), "a step without a time")
            }
            Self::StepWithLongOfficer => field(
                EventKind::Progress,
                &step(),
                "NguoiXuLy",
                json!("Ban".repeat(20)),
                "an officer's name of 60 characters",
            ),
        }
    }
}

pub(super) fn some(dossier: &Dossier, at: DateTime, chance: &mut Chance) -> (EventKind, String, &'static str) {
    chance.pick(&Flaw::ALL).apply(dossier, at)
}

fn record(dossier: &Dossier, name: &str, value: Value, what: &'static str) -> (EventKind, String, &'static str) {
    field(EventKind::Dossier, &dossier.record(), name, value, what)
}

/// The record with one field changed; null takes it out.
fn field(
    kind: EventKind,
    text: &str,
    name: &str,
    value: Value,
    what: &'static str,
) -> (EventKind, String, &'static str) {
    let mut record: Value = serde_json::from_str(text).expect("the demo wrote it as JSON");
    let fields = record.as_object_mut().expect("a record is an object");
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
    (kind, record.to_string(), what)
}
