//! How the outcome of one record is written, and the sums over many. The same words in every form of the interface.

use lgsp_model::{DossierCode, Finding, HoldReason, Seq};
use lgsp_store::Appended;
use serde::Serialize;

use super::record::RecordRefusal;

/// What became of one record of several.
pub(crate) enum StoredOrRefused {
    Stored { code: DossierCode, warnings: Vec<Finding>, appended: Appended },
    Refused(RecordRefusal),
}

/// One record's result, as it is written.
#[derive(Serialize)]
pub(crate) struct RecordResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(rename = "MaHoSo")]
    code: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FindingText<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<FindingText<'a>>>,
}

#[derive(Serialize)]
pub(crate) struct FindingText<'a> {
    path: &'a str,
    rule: &'a str,
    message: &'a str,
}

impl<'a> FindingText<'a> {
    pub(crate) fn list(findings: &'a [Finding]) -> Vec<Self> {
        let text = |finding: &'a Finding| Self { path: &finding.path, rule: &finding.rule, message: &finding.message };
        findings.iter().map(text).collect()
    }
}

/// The sentence for a held event.
pub(crate) fn reason_text(reason: HoldReason) -> String {
    format!(
        "the dossier stands at {} ({}) and would move back to {} ({}); an operator decides",
        reason.from,
        reason.from.name_en(),
        reason.to,
        reason.to.name_en()
    )
}

/// The outcome's word, its event, and the reason when it was held.
pub(crate) fn outcome_of(appended: Appended) -> (&'static str, Option<Seq>, Option<String>) {
    match appended {
        Appended::Accepted { seq } => ("accepted", Some(seq), None),
        Appended::Duplicate { seq } => ("duplicate", Some(seq), None),
        Appended::Held { seq, reason } => ("held", Some(seq), Some(reason_text(reason))),
        Appended::KeyReused => ("rejected", None, None),
    }
}

impl<'a> RecordResult<'a> {
    /// The result of a stored (or repeated) record; single answers always carry `warnings`.
    pub(crate) fn stored(
        index: Option<usize>,
        code: &'a DossierCode,
        appended: Appended,
        warnings: &'a [Finding],
    ) -> Self {
        let (outcome, seq, reason) = outcome_of(appended);
        let warnings = (index.is_none() || !warnings.is_empty()).then(|| FindingText::list(warnings));
        Self { index, seq: seq.map(|seq| seq.0), code: Some(code.as_str()), outcome, reason, errors: None, warnings }
    }

    /// The result of a refused record. A failure without findings becomes one about the whole record.
    pub(crate) fn refused(index: Option<usize>, refusal: &'a RecordRefusal) -> Self {
        let failure = &refusal.failure;
        let mut errors = FindingText::list(&failure.findings);
        if errors.is_empty() {
            errors.push(FindingText { path: "", rule: failure.code.slug(), message: &failure.detail });
        }
        let code = refusal.code.as_ref().map(DossierCode::as_str);
        Self { index, seq: None, code, outcome: "rejected", reason: None, errors: Some(errors), warnings: None }
    }

    /// Writes it as one JSON object without a line end.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, self).expect("plain data writes into memory");
    }
}

/// Sums over the records of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) accepted: u64,
    pub(crate) duplicate: u64,
    pub(crate) held: u64,
    pub(crate) rejected: u64,
}

impl Tally {
    /// Writes one result and counts it.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, index: usize, result: &StoredOrRefused) {
        self.count(result);
        match result {
            StoredOrRefused::Stored { code, warnings, appended } => {
                RecordResult::stored(Some(index), code, *appended, warnings).write(out);
            }
            StoredOrRefused::Refused(refusal) => RecordResult::refused(Some(index), refusal).write(out),
        }
    }

    pub(crate) fn count(&mut self, result: &StoredOrRefused) {
        match result {
            StoredOrRefused::Stored { appended: Appended::Accepted { .. }, .. } => self.accepted += 1,
            StoredOrRefused::Stored { appended: Appended::Duplicate { .. }, .. } => self.duplicate += 1,
            StoredOrRefused::Stored { appended: Appended::Held { .. }, .. } => self.held += 1,
            StoredOrRefused::Stored { appended: Appended::KeyReused, .. } | StoredOrRefused::Refused(_) => {
                self.rejected += 1;
            }
        }
    }

    /// The sums as the beginning of a JSON object that the caller closes.
    pub(crate) fn open_object(&self) -> Vec<u8> {
        format!(
            r#"{{"accepted":{},"duplicate":{},"held":{},"rejected":{}"#,
            self.accepted, self.duplicate, self.held, self.rejected
        )
        .into_bytes()
    }
}
