//! `contract.toml`: what a contract is called, which records it is for, and where its parts are.
//!
//! Every key is known or refused; nothing is guessed from file names.

use std::collections::BTreeMap;

use lgsp_model::{PortalTime, Timestamp};
use serde::Deserialize;

use crate::{RecordKind, Severity};

/// The file that makes a folder a contract.
pub(crate) const MANIFEST: &str = "contract.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The name under which records are sent: 1 to 64 of a-z 0-9 and dashes inside.
    pub(crate) id: String,
    pub(crate) version: String,
    /// The first day on which this version is in force.
    pub(crate) valid_from: toml::value::Datetime,
    pub(crate) title: Title,
    pub(crate) record: RecordKind,
    /// The schema's file, relative to the folder.
    pub(crate) schema: String,
    /// Whether the warnings of coded rules are errors.
    #[serde(default)]
    pub(crate) strict: bool,
    /// The severities that the contract chooses itself.
    #[serde(default)]
    pub(crate) rules: BTreeMap<String, Severity>,
    /// The folder of the examples, relative to the contract's folder.
    pub(crate) examples: String,
}

/// A contract's name for people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Title {
    pub(crate) vi: String,
    pub(crate) en: String,
}

/// What is wrong with a manifest, and where in the file.
pub(crate) struct ManifestError {
    pub(crate) place: String,
    pub(crate) message: String,
}

impl Manifest {
    pub(crate) fn read(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|error| ManifestError {
            place: error.span().map_or_else(|| "the file".to_owned(), |span| line_of(text, span.start)),
            message: error.message().to_owned(),
        })?;
        if !is_contract_id(&manifest.id) {
            return Err(refuse("id", "must be 1 to 64 of a-z, 0-9 and dashes between them"));
        }
        if manifest.version.is_empty() {
            return Err(refuse("version", "must not be empty"));
        }
        if starts(&manifest.valid_from).is_none() {
            return Err(refuse("valid_from", "must be a day such as 2025-07-01, without quotation marks"));
        }
        Ok(manifest)
    }
}

/// Midnight in Vietnam on the day of a `valid_from`; `None` when that is not a plain day.
pub(crate) fn starts(valid_from: &toml::value::Datetime) -> Option<Timestamp> {
    let day = valid_from.date.filter(|_| valid_from.time.is_none() && valid_from.offset.is_none())?;
    let number = u64::from(day.year) * 10_000 + u64::from(day.month) * 100 + u64::from(day.day);
    PortalTime::from_number(number * 1_000_000).map(PortalTime::timestamp)
}

fn refuse(place: &str, message: &str) -> ManifestError {
    ManifestError { place: place.to_owned(), message: message.to_owned() }
}

pub(crate) fn is_contract_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !id.starts_with('-')
        && !id.ends_with('-')
}

/// The line, from 1, that holds the byte at `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> String {
    let before = text.bytes().take(offset).filter(|&b| b == b'\n').count();
    format!("line {}", before + 1)
}
