//! Rules that a schema cannot say: one row each, with the same findings as the schema gives.
//!
//! A rule looks at one record alone. It knows no clock, so it cannot tell what lies in the future, and no other
//! record: the order of statuses is the status machine's business.

mod dossier;
mod progress;

use std::fmt;

use lgsp_model::{Finding, PortalTime};

use crate::RecordKind;
use crate::schema::MAX_FINDINGS;
use crate::tree::Tree;

/// What a rule that does not hold means for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The rule is not asked.
    Off,
    /// The record is taken and the sender is told.
    Warn,
    /// The record is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// One rule as documents and tools show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// The stable name.
    pub name: &'static str,
    /// The records that it looks at.
    pub record: RecordKind,
    /// What it means when the contract does not say otherwise.
    pub severity: Severity,
    /// What it asks for, in one sentence.
    pub asks: &'static str,
}

/// Every coded rule.
pub fn rules() -> impl Iterator<Item = &'static RuleInfo> {
    ALL.iter().map(|rule| &rule.info)
}

/// A place and a sentence, for each thing that a rule does not like.
pub(crate) type Complaints = Vec<(String, &'static str)>;

struct Rule {
    info: RuleInfo,
    check: Check,
}

#[derive(Clone, Copy)]
enum Check {
    Dossier(fn(&dossier::Facts<'_>, &mut Complaints)),
    Progress(fn(&progress::Facts, &mut Complaints)),
}

const fn dossier_rule(
    name: &'static str,
    severity: Severity,
    check: fn(&dossier::Facts<'_>, &mut Complaints),
    asks: &'static str,
) -> Rule {
    Rule { info: RuleInfo { name, record: RecordKind::Dossier, severity, asks }, check: Check::Dossier(check) }
}

const fn progress_rule(
    name: &'static str,
    severity: Severity,
    check: fn(&progress::Facts, &mut Complaints),
    asks: &'static str,
) -> Rule {
    Rule { info: RuleInfo { name, record: RecordKind::Progress, severity, asks }, check: Check::Progress(check) }
}

static ALL: [Rule; 11] = [
    dossier_rule(
        "received-date-missing",
        Severity::Error,
        dossier::received_date_missing,
        "`NgayTiepNhan` is there; a new dossier (1) may have `NgayNopHoSo` and a refused one (3) `NgayTuChoi` instead",
    ),
    dossier_rule(
        "due-before-received",
        Severity::Error,
        dossier::due_before_received,
        "`NgayHenTra` is not before `NgayTiepNhan`",
    ),
    dossier_rule(
        "final-without-date",
        Severity::Error,
        dossier::final_without_date,
        "9 and 10 have `NgayKetThucXuLy` or `NgayTra`; 3, 7 and 8 have one of these or `NgayTuChoi`",
    ),
    dossier_rule(
        "identity-form",
        Severity::Error,
        dossier::identity_form,
        "`SoDinhDanh` has 12 digits when `LoaiDinhDanh` is 1 and 9 digits when it is 2",
    ),
    dossier_rule(
        "placeholder-identity",
        Severity::Warn,
        dossier::placeholder_identity,
        "`SoGiayToChuHoSo` and `SoDinhDanh` are real numbers, not a filler such as 000000001, 999999999 or 123456789",
    ),
    dossier_rule(
        "status-contradicts-dates",
        Severity::Warn,
        dossier::status_contradicts_dates,
        "1, 2, 4, 5 and 6 have neither `NgayTra` nor `NgayKetThucXuLy`; only 3, 7 and 8 have `NgayTuChoi`",
    ),
    dossier_rule(
        "filed-after-received",
        Severity::Warn,
        dossier::filed_after_received,
        "`NgayNopHoSo` is not after `NgayTiepNhan`",
    ),
    dossier_rule(
        "finished-before-received",
        Severity::Warn,
        dossier::finished_before_received,
        "`NgayKetThucXuLy`, `NgayTra` and `NgayTuChoi` are not before `NgayTiepNhan`",
    ),
    dossier_rule(
        "returned-before-finished",
        Severity::Warn,
        dossier::returned_before_finished,
        "`NgayTra` is not before `NgayKetThucXuLy`",
    ),
    progress_rule(
        "step-due-before-start",
        Severity::Warn,
        progress::step_due_before_start,
        "`NgayKetThucTheoQuyDinh` is not before `NgayBatDau`",
    ),
    progress_rule(
        "step-done-before-start",
        Severity::Warn,
        progress::step_done_before_start,
        "`ThoiDiemXuLy` is not before `NgayBatDau`",
    ),
];

/// The rules of one contract with the severities that it chose.
pub(crate) struct RuleSet {
    kind: RecordKind,
    rules: Vec<(&'static Rule, Severity)>,
}

/// What the rules found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) errors: Vec<Finding>,
    pub(crate) warnings: Vec<Finding>,
}

impl RuleSet {
    /// The rules for records of `kind`. A severity that the contract names wins; else `strict` makes warnings errors.
    /// The error is a name for which there is no rule.
    pub(crate) fn choose<'a>(
        kind: RecordKind,
        strict: bool,
        chosen: impl IntoIterator<Item = (&'a str, Severity)>,
    ) -> Result<Self, &'a str> {
        let mut rules: Vec<_> = ALL
            .iter()
            .filter(|rule| rule.info.record == kind)
            .map(|rule| (rule, if strict { Severity::Error } else { rule.info.severity }))
            .collect();
        for (name, severity) in chosen {
            let (_, slot) = rules.iter_mut().find(|(rule, _)| rule.info.name == name).ok_or(name)?;
            *slot = severity;
        }
        rules.retain(|(_, severity)| *severity != Severity::Off);
        Ok(Self { kind, rules })
    }

    /// Asks every rule about a record that kept its schema.
    pub(crate) fn check(&self, record: &Tree<'_>) -> Found {
        let mut found = Found::default();
        match self.kind {
            RecordKind::Dossier => {
                let facts = dossier::Facts::of(record);
                self.ask(&mut found, |check, complaints| match check {
                    Check::Dossier(rule) => rule(&facts, complaints),
                    Check::Progress(_) => {}
                });
            }
            RecordKind::Progress => {
                let facts = progress::Facts::of(record);
                self.ask(&mut found, |check, complaints| match check {
                    Check::Progress(rule) => rule(&facts, complaints),
                    Check::Dossier(_) => {}
                });
            }
            RecordKind::Notice => {}
        }
        found
    }

    fn ask(&self, found: &mut Found, run: impl Fn(Check, &mut Complaints)) {
        let mut complaints = Complaints::new();
        for (rule, severity) in &self.rules {
            run(rule.check, &mut complaints);
            let list = match severity {
                Severity::Off => continue,
                Severity::Warn => &mut found.warnings,
                Severity::Error => &mut found.errors,
            };
            let room = MAX_FINDINGS.saturating_sub(list.len());
            list.extend(
                complaints.drain(..).take(room).map(|(path, message)| Finding::new(path, rule.info.name, message)),
            );
        }
    }
}

/// The time in a field; `None` when the field is absent, empty or not a time.
fn time(record: &Tree<'_>, field: &'static str) -> Option<PortalTime> {
    PortalTime::parse(record.get(field)?.as_str()?).ok()
}

/// The text in a field; empty when the field is absent or not a text.
fn text<'a>(record: &'a Tree<'_>, field: &'static str) -> &'a str {
    record.get(field).and_then(Tree::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn counts(strict: bool, chosen: &[(&str, Severity)]) -> (usize, usize) {
        let record = json!({
            "TrangThaiHoSo": "2", "NgayTiepNhan": "20240315083000", "NgayNopHoSo": "20240316083000",
            "SoGiayToChuHoSo": "000000001",
        });
        let found =
            RuleSet::choose(RecordKind::Dossier, strict, chosen.iter().copied()).unwrap().check(&Tree::from(&record));
        (found.errors.len(), found.warnings.len())
    }

    #[test]
    fn the_contract_chooses_what_a_rule_means() {
        assert_eq!(counts(false, &[]), (0, 2));
        assert_eq!(counts(true, &[]), (2, 0));
        assert_eq!(counts(false, &[("placeholder-identity", Severity::Error)]), (1, 1));
        assert_eq!(counts(true, &[("placeholder-identity", Severity::Warn)]), (1, 1));
        assert_eq!(counts(false, &[("filed-after-received", Severity::Off)]), (0, 1));
    }

    #[test]
    fn a_rule_that_does_not_exist_for_these_records_is_named() {
        for name in ["plcaeholder-identity", "step-due-before-start"] {
            let refused = RuleSet::choose(RecordKind::Dossier, false, [(name, Severity::Warn)]);
            assert_eq!(refused.err(), Some(name));
        }
    }

    #[test]
    fn names_are_unique_and_findings_bounded() {
        for (n, rule) in ALL.iter().enumerate() {
            assert!(ALL[n + 1..].iter().all(|other| other.info.name != rule.info.name));
        }
        let people = vec![json!({"LoaiDinhDanh": "2", "SoDinhDanh": "000000001"}); 1000];
        let record = json!({"TrangThaiHoSo": "2", "NgayTiepNhan": "20240315083000", "DinhDanhCHS": people});
        let found = RuleSet::choose(RecordKind::Dossier, false, []).unwrap().check(&Tree::from(&record));
        assert_eq!(found.warnings.len(), MAX_FINDINGS);
    }
}
