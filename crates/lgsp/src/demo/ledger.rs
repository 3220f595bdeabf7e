//! What was sent and what the gateway said to it: the one side of the comparison in the end.
//!
//! Contents are kept as digests, so that a run of many dossiers fits into memory.

use std::collections::HashMap;

use lgsp_model::EventKind;
use serde_json::Value;

use super::life::{Expected, Message};

/// Surprises that are kept for the summary; the others are only counted.
const SURPRISES_SHOWN: usize = 20;

/// Half a SHA-256, enough to tell contents apart.
pub(crate) type Mark = [u8; 16];

/// The mark of a text as it is.
pub(crate) fn mark_of_bytes(text: &[u8]) -> Mark {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text);
    digest.as_ref()[..16].try_into().expect("SHA-256 has 32 bytes")
}

/// The mark of a JSON value: equal for texts that differ in key order and spaces. Other texts get that of their bytes.
pub(crate) fn mark_of_value(text: &str) -> Mark {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => mark_of_bytes(value.to_string().as_bytes()),
        Err(_) => mark_of_bytes(text.as_bytes()),
    }
}

/// One message that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) kind: EventKind,
    pub(crate) value: Mark,
    pub(crate) bytes: Mark,
}

/// What the gateway took of one dossier, in order, and what it did not take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) accepted: Vec<Standing>,
    pub(crate) kept_back: Vec<Mark>,
}

impl Told {
    /// The record that should stand in the end.
    pub(crate) fn last_record(&self) -> Option<Mark> {
        self.accepted.iter().rev().find(|one| one.kind == EventKind::Dossier).map(|one| one.value)
    }

    /// The steps that should stand, sorted.
    pub(crate) fn steps(&self) -> Vec<Mark> {
        let steps = self.accepted.iter().filter(|one| one.kind == EventKind::Progress);
        let mut steps: Vec<Mark> = steps.map(|one| one.value).collect();
        steps.sort_unstable();
        steps
    }
}

/// Everything sent so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) dossiers: HashMap<String, Told>,
    pub(crate) accepted: u64,
    pub(crate) duplicate: u64,
    pub(crate) held: u64,
    pub(crate) rejected: u64,
    pub(crate) lives_done: u64,
    pub(crate) surprises: Vec<String>,
    pub(crate) surprise_count: u64,
}

impl Ledger {
    /// Books the answer to one message.
    pub(crate) fn book(&mut self, message: &Message, outcome: Expected) {
        if outcome != message.expected {
            self.surprise(format!(
                "{}: {} was {} and should have been {}",
                message.code,
                message.what,
                outcome.word(),
                message.expected.word()
            ));
        }
        let value = mark_of_value(&message.text);
        let told = self.dossiers.entry(message.code.clone()).or_default();
        match outcome {
            Expected::Accepted => {
                self.accepted += 1;
                let bytes = mark_of_bytes(message.text.as_bytes());
                told.accepted.push(Standing { kind: message.kind, value, bytes });
            }
            Expected::Duplicate => self.duplicate += 1,
            Expected::Held => {
                self.held += 1;
                told.kept_back.push(value);
            }
            Expected::Rejected => {
                self.rejected += 1;
                told.kept_back.push(value);
            }
        }
    }

    fn surprise(&mut self, text: String) {
        self.surprise_count += 1;
        if self.surprises.len() < SURPRISES_SHOWN {
            self.surprises.push(text);
        }
    }
}
