//! The comparison: what the gateway accepted against what stands in the portal and what the feed gave.
//!
//! A difference is a sentence about a dossier's code; it never shows a record.

use std::collections::HashMap;

use lgsp_model::EventKind;
use lgsp_sandbox::StoredDossier;

use super::ledger::{Mark, Told, mark_of_value};

/// What the feed gave of each dossier, in order.
pub(crate) type Pulled = HashMap<String, Vec<(EventKind, Mark)>>;

/// How one dossier compares.
pub(crate) struct Comparison {
    /// Accepted messages that the portal stored.
    pub(crate) delivered: u64,
    /// The first difference, if there is one.
    pub(crate) difference: Option<&'static str>,
}

/// Compares one dossier on all three sides.
pub(crate) fn compare(
    told: &Told,
    stored: Option<&StoredDossier>,
    pulled: Option<&Vec<(EventKind, Mark)>>,
) -> Comparison {
    let steps = told.steps();
    let stored_steps = stored.map(steps_of).unwrap_or_default();
    let difference = portal_difference(told, stored, &steps, &stored_steps).or_else(|| feed_difference(told, pulled));
    Comparison { delivered: delivered(told, stored, &steps, &stored_steps), difference }
}

fn portal_difference(
    told: &Told,
    stored: Option<&StoredDossier>,
    steps: &[Mark],
    stored_steps: &[Mark],
) -> Option<&'static str> {
    let record = stored.and_then(|stored| stored.record.as_deref()).map(mark_of_value);
    if told.last_record().is_some() && stored.is_none() {
        return Some("is not in the portal");
    }
    if record != told.last_record() {
        let kept_back = record.is_some_and(|record| told.kept_back.contains(&record));
        return Some(if kept_back {
            "stands in the portal as it was refused"
        } else {
            "stands in the portal as an older or other record"
        });
    }
    if stored_steps.iter().any(|step| told.kept_back.contains(step)) {
        return Some("has a step in the portal that was not accepted");
    }
    match stored_steps.len().cmp(&steps.len()) {
        std::cmp::Ordering::Less => Some("lacks a step in the portal"),
        std::cmp::Ordering::Greater => Some("has a step more than once in the portal"),
        std::cmp::Ordering::Equal if stored_steps != steps => Some("has other steps in the portal"),
        std::cmp::Ordering::Equal => None,
    }
}

fn feed_difference(told: &Told, pulled: Option<&Vec<(EventKind, Mark)>>) -> Option<&'static str> {
    let pulled = pulled.map(Vec::as_slice).unwrap_or_default();
    if pulled.iter().any(|(_, mark)| told.kept_back.contains(mark)) {
        return Some("came through the feed with a message that was not accepted");
    }
    let accepted = told.accepted.iter().map(|one| (one.kind, one.value));
    if pulled.iter().copied().eq(accepted) {
        return None;
    }
    Some(if pulled.len() < told.accepted.len() {
        "lacks a change in the feed"
    } else {
        "came through the feed otherwise"
    })
}

fn steps_of(stored: &StoredDossier) -> Vec<Mark> {
    let mut steps: Vec<Mark> =
        stored.steps.iter().filter_map(|step| step.record.as_deref()).map(mark_of_value).collect();
    steps.sort_unstable();
    steps
}

/// Accepted records whose bytes the portal stored, and accepted steps that it has.
fn delivered(told: &Told, stored: Option<&StoredDossier>, steps: &[Mark], stored_steps: &[Mark]) -> u64 {
    let Some(stored) = stored else { return 0 };
    let has = |bytes: &Mark| stored.versions.iter().any(|version| version.digest.0[..16] == *bytes);
    let records = told.accepted.iter().filter(|one| one.kind == EventKind::Dossier && has(&one.bytes)).count();
    let steps = steps.iter().filter(|step| stored_steps.binary_search(step).is_ok()).count();
    (records + steps) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::ledger::{Standing, mark_of_bytes};

    const RECORD: &str = r#"{"MaHoSo":"H56-260105-0001","TrangThaiHoSo":"4"}"#;
    const OLDER: &str = r#"{"MaHoSo":"H56-260105-0001","TrangThaiHoSo":"2"}"#;
    const STEP: &str = r#"{"MaHoSo":"H56-260105-0001","TrangThai":"4","ThoiDiemXuLy":"20260105090000"}"#;
    const HELD: &str = r#"{"MaHoSo":"H56-260105-0001","TrangThai":"2","ThoiDiemXuLy":"20260105091000"}"#;

    fn told() -> Told {
        let one =
            |kind, text: &str| Standing { kind, value: mark_of_value(text), bytes: mark_of_bytes(text.as_bytes()) };
        let accepted = [(EventKind::Dossier, OLDER), (EventKind::Dossier, RECORD), (EventKind::Progress, STEP)];
        Told { accepted: accepted.map(|(kind, text)| one(kind, text)).to_vec(), kept_back: vec![mark_of_value(HELD)] }
    }

    fn pulled(texts: &[(EventKind, &str)]) -> Vec<(EventKind, Mark)> {
        texts.iter().map(|(kind, text)| (*kind, mark_of_value(text))).collect()
    }

    fn all() -> Vec<(EventKind, Mark)> {
        pulled(&[(EventKind::Dossier, OLDER), (EventKind::Dossier, RECORD), (EventKind::Progress, STEP)])
    }

    /// A portal that stored these texts through its own interface.
    fn stored(records: &[&str], steps: &[&str]) -> Option<StoredDossier> {
        let portal = lgsp_sandbox::Portal::default();
        records.iter().for_each(|record| portal.preload_record(record).unwrap());
        steps.iter().for_each(|step| portal.preload_step(step).unwrap());
        portal.dossier("H56-260105-0001")
    }

    #[test]
    fn what_is_equal_on_all_sides_has_no_difference_whatever_its_bytes() {
        let spaced = r#"{ "TrangThaiHoSo": "4", "MaHoSo": "H56-260105-0001" }"#;
        let same = compare(&told(), stored(&[OLDER, RECORD], &[STEP]).as_ref(), Some(&all()));
        assert_eq!((same.difference, same.delivered), (None, 3));
        let rewritten = compare(&told(), stored(&[OLDER, spaced], &[STEP]).as_ref(), Some(&all()));
        assert_eq!(
            (rewritten.difference, rewritten.delivered),
            (None, 2),
            "equal, but not the bytes that were accepted"
        );
    }

    #[test]
    fn every_kind_of_loss_excess_and_disorder_is_a_difference() {
        let good = stored(&[OLDER, RECORD], &[STEP]);
        let reversed: Vec<_> = all().into_iter().rev().collect();
        let with_held = [all(), pulled(&[(EventKind::Progress, HELD)])].concat();
        for (stored, pulled, expected) in [
            (None, all(), "is not in the portal"),
            (stored(&[OLDER], &[STEP]), all(), "older or other record"),
            (stored(&[RECORD], &[]), all(), "lacks a step"),
            (stored(&[RECORD], &[STEP, STEP]), all(), "more than once"),
            (stored(&[RECORD], &[HELD]), all(), "not accepted"),
            (good.clone(), all()[..2].to_vec(), "lacks a change"),
            (good.clone(), reversed, "otherwise"),
            (good, with_held, "not accepted"),
        ] {
            let difference = compare(&told(), stored.as_ref(), Some(&pulled)).difference.expect(expected);
            assert!(difference.contains(expected), "{difference} instead of {expected}");
        }
    }
}
