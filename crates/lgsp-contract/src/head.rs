//! What the gateway needs to know of a record: whose dossier it is and where it says the dossier stands.
//!
//! It reads three fields and judges nothing else.

use lgsp_model::{DossierCode, EventKind, Finding, Incoming, PortalTime, Status};

use crate::tree::Tree;

/// What a contract's records are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// A dossier (`DongBoHoSoMC`).
    Dossier,
    /// A progress step (`CapNhatTienDoHoSoMC`).
    Progress,
    /// A status notice of a dossier born on the portal (`DongBoTrangThaiHoSo`).
    Notice,
}

/// The part of a record that the gateway acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordHead {
    /// A dossier record.
    Dossier {
        /// `MaHoSo`.
        code: DossierCode,
        /// `TrangThaiHoSo`.
        status: Status,
    },
    /// A progress step.
    Progress {
        /// `MaHoSo`.
        code: DossierCode,
        /// `TrangThai`.
        status: Status,
        /// `ThoiDiemXuLy`.
        at: PortalTime,
    },
    /// A status notice.
    Notice {
        /// `MaHoSoDonVi`, the agency's own code; where that is absent `MaHoSo`, the portal's code.
        code: DossierCode,
    },
}

impl RecordHead {
    /// The dossier that the record belongs to.
    pub fn code(&self) -> &DossierCode {
        match self {
            Self::Dossier { code, .. } | Self::Progress { code, .. } | Self::Notice { code } => code,
        }
    }

    /// The kind of event that the record becomes.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Dossier { .. } => EventKind::Dossier,
            Self::Progress { .. } => EventKind::Progress,
            Self::Notice { .. } => EventKind::Status,
        }
    }

    /// What the status machine is asked about.
    pub fn incoming(&self) -> Incoming {
        match self {
            Self::Dossier { status, .. } => Incoming::Record(*status),
            Self::Progress { status, at, .. } => Incoming::Progress(*status, *at),
            Self::Notice { .. } => Incoming::Notice,
        }
    }

    /// Reads the head of a record. A schema asks for these fields already; whoever loosens it gets the findings here.
    pub(crate) fn read(kind: RecordKind, record: &Tree<'_>) -> Result<Self, Finding> {
        let field = code_field(kind, record);
        let code: DossierCode = text(record, field)?.parse().map_err(|bad: lgsp_model::BadId| {
            Finding::new(format!("/{field}"), "dossier-code", format!("must be {}", bad.expected))
        })?;
        Ok(match kind {
            RecordKind::Dossier => Self::Dossier { code, status: status(record, "TrangThaiHoSo")? },
            RecordKind::Progress => {
                let at = PortalTime::parse(text(record, "ThoiDiemXuLy")?)
                    .map_err(|bad| Finding::new("/ThoiDiemXuLy", "portal-time", bad.to_string()))?;
                Self::Progress { code, status: status(record, "TrangThai")?, at }
            }
            RecordKind::Notice => Self::Notice { code },
        })
    }
}

/// The dossier that a record names, if it names one in the right form.
pub(crate) fn code_of(kind: RecordKind, record: &Tree<'_>) -> Option<DossierCode> {
    record.get(code_field(kind, record))?.as_str()?.parse().ok()
}

fn code_field(kind: RecordKind, record: &Tree<'_>) -> &'static str {
    let own = || record.get("MaHoSoDonVi").and_then(Tree::as_str).is_some_and(|own| !own.is_empty());
    if kind == RecordKind::Notice && own() { "MaHoSoDonVi" } else { "MaHoSo" }
}

fn text<'a>(record: &'a Tree<'_>, field: &'static str) -> Result<&'a str, Finding> {
    record
        .get(field)
        .and_then(Tree::as_str)
        .ok_or_else(|| Finding::new(format!("/{field}"), "required", "this field is missing: send it as a string"))
}

fn status(record: &Tree<'_>, field: &'static str) -> Result<Status, Finding> {
    Status::from_text(text(record, field)?)
        .ok_or_else(|| Finding::new(format!("/{field}"), "enum", "must be a status \"1\" to \"10\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_notice_belongs_to_the_agencys_own_dossier_and_else_to_the_portals() {
        let own = json!({"MaHoSo": "G22-240315-000001", "MaHoSoDonVi": "H56.14-240315-0007"});
        let portal = json!({"MaHoSo": "G22-240315-000001", "MaHoSoDonVi": ""});
        for (record, code) in [(own, "H56.14-240315-0007"), (portal, "G22-240315-000001")] {
            let head = RecordHead::read(RecordKind::Notice, &Tree::from(&record)).unwrap();
            assert_eq!(
                (head.code().as_str(), head.kind(), head.incoming()),
                (code, EventKind::Status, Incoming::Notice)
            );
        }
    }

    #[test]
    fn a_step_carries_its_own_time() {
        let record = json!({"MaHoSo": "H56.14-240315-0007", "TrangThai": "4", "ThoiDiemXuLy": "20240316090000"});
        let head = RecordHead::read(RecordKind::Progress, &Tree::from(&record)).unwrap();
        let at = PortalTime::parse("20240316090000").unwrap();
        assert_eq!(head.incoming(), Incoming::Progress(Status::Processing, at));
    }

    #[test]
    fn what_is_missing_or_misshapen_is_named_even_if_the_schema_let_it_through() {
        for (kind, record, path, rule) in [
            (RecordKind::Dossier, json!({}), "/MaHoSo", "required"),
            (RecordKind::Dossier, json!({"MaHoSo": "x"}), "/MaHoSo", "dossier-code"),
            (
                RecordKind::Dossier,
                json!({"MaHoSo": "H56-240315-0007", "TrangThaiHoSo": "11"}),
                "/TrangThaiHoSo",
                "enum",
            ),
            (
                RecordKind::Progress,
                json!({"MaHoSo": "H56-240315-0007", "ThoiDiemXuLy": ""}),
                "/ThoiDiemXuLy",
                "portal-time",
            ),
            (RecordKind::Notice, json!({"MaHoSoDonVi": "x"}), "/MaHoSoDonVi", "dossier-code"),
            (RecordKind::Notice, json!([]), "/MaHoSo", "required"),
        ] {
            let finding = RecordHead::read(kind, &Tree::from(&record)).unwrap_err();
            assert_eq!((finding.path.as_str(), finding.rule.as_str()), (path, rule));
            assert_eq!(code_of(kind, &Tree::from(&record)).is_some(), path.starts_with("/T"), "{path}");
        }
    }
}
