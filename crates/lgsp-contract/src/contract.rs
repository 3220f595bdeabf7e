//! One contract, loaded: checks records and runs its own examples.
//!
//! It changes no record. What it takes is passed on byte for byte by whoever holds the bytes.

use std::fmt;

use lgsp_model::{ContentDigest, DossierCode, Finding, Timestamp};

use crate::example::{ExampleReport, Examples};
use crate::fields::KnownFields;
use crate::manifest::Title;
use crate::rules::RuleSet;
use crate::schema::RecordSchema;
use crate::{JsonError, RecordHead, RecordKind, canonical, head, json};

/// A loaded contract.
pub struct Contract {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) valid_from: Timestamp,
    pub(crate) title: Title,
    pub(crate) kind: RecordKind,
    pub(crate) schema: RecordSchema,
    pub(crate) fields: Option<KnownFields>,
    pub(crate) rules: RuleSet,
    pub(crate) examples: Examples,
}

/// A record that keeps its contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the gateway acts on.
    pub head: RecordHead,
    /// By which a repeat of this record is recognised.
    pub content: ContentDigest,
    /// What the sender should look at; at most [`crate::MAX_FINDINGS`].
    pub warnings: Vec<Finding>,
}

/// Why a record was not taken. Holds no value of the record besides the dossier's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is not acceptable JSON.
    Malformed(JsonError),
    /// It breaks the contract.
    Violates {
        /// The dossier, if the record names one in the right form.
        code: Option<DossierCode>,
        /// What is wrong; at least one, at most [`crate::MAX_FINDINGS`].
        findings: Vec<Finding>,
    },
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Violates { findings, .. } => {
                for (n, finding) in findings.iter().enumerate() {
                    let separator = if n == 0 { "" } else { "; " };
                    write!(f, "{separator}{}: {} ({})", finding.path, finding.message, finding.rule)?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Rejection {}

impl Contract {
    /// The name under which records are sent.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version, as its author wrote it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// From when this version is in force.
    pub fn valid_from(&self) -> Timestamp {
        self.valid_from
    }

    /// The Vietnamese title.
    pub fn title_vi(&self) -> &str {
        &self.title.vi
    }

    /// The English title.
    pub fn title_en(&self) -> &str {
        &self.title.en
    }

    /// What its records are about.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The JSON Schema, as it was written.
    pub fn schema(&self) -> &serde_json::Value {
        self.schema.source()
    }

    /// Checks one record: strict JSON, the schema, the coded rules.
    pub fn check(&self, record: &[u8]) -> Result<Checked, Rejection> {
        let tree = json::parse(record).map_err(Rejection::Malformed)?;
        let violates = |findings| Rejection::Violates { code: head::code_of(self.kind, &tree), findings };
        self.schema.check(&tree, record.len()).map_err(violates)?;
        let head = RecordHead::read(self.kind, &tree).map_err(|finding| violates(vec![finding]))?;
        let found = self.rules.check(&tree);
        if !found.errors.is_empty() {
            return Err(violates(found.errors));
        }
        let mut warnings = found.warnings;
        if let Some(fields) = &self.fields {
            fields.warn(&tree, &mut warnings);
        }
        Ok(Checked { head, content: canonical::content_digest(&self.id, &tree, record), warnings })
    }

    /// Runs every example of the contract and says which did not turn out as expected.
    pub fn run_examples(&self) -> ExampleReport {
        self.examples.run(self)
    }

    /// The texts of the examples that are records in order, complete and without warnings.
    pub fn valid_examples(&self) -> impl Iterator<Item = &str> {
        self.examples.valid_texts()
    }
}

/// Names the contract, not its contents.
impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}
