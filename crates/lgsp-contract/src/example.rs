//! The examples of a contract: whole records that pass, and small changes of them that must not pass unnoticed.
//!
//! They are data that `lgsp check` runs, so that a changed schema or rule shows at once what it lets through.

use std::collections::BTreeMap;

use lgsp_model::Finding;
use serde::Deserialize;
use serde_json::Value;

use crate::manifest::line_of;
use crate::{Contract, Diagnostic, Rejection, SourceFile, parse_strict};

/// The file of changed records, in the folder of examples.
const CASES: &str = "cases.toml";

/// The folder of whole records, in the folder of examples.
const VALID: &str = "valid/";

/// What came of running a contract's examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExampleReport {
    /// How many examples ran.
    pub run: usize,
    /// Those that did not turn out as expected.
    pub failures: Vec<Diagnostic>,
}

/// The examples of one contract.
#[derive(Default)]
pub(crate) struct Examples {
    /// Whole records: file and text.
    valid: Vec<SourceFile>,
    /// The file that the cases stand in.
    cases_file: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(rename = "case", default)]
    cases: Vec<Case>,
}

/// One example that is made from a whole record, or is a text of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows, in words.
    name: String,
    /// The whole record it starts from: a file name in `valid/`.
    #[serde(default)]
    base: String,
    /// JSON Pointer → the JSON text that is put there.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// JSON Pointers of fields that are taken away.
    #[serde(default)]
    remove: Vec<String>,
    /// A text of its own, instead of `base`.
    text: Option<String>,
    /// The findings that refuse it, as `path rule`.
    #[serde(default)]
    errors: Vec<String>,
    /// The warnings that it passes with, as `path rule`.
    #[serde(default)]
    warnings: Vec<String>,
    /// The kind of JSON error that refuses it.
    malformed: Option<String>,
}

impl Examples {
    /// Takes the examples out of the files below `folder` (which ends with `/`).
    pub(crate) fn read<'a>(
        files: impl Iterator<Item = &'a SourceFile>,
        folder: &str,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut examples = Self::default();
        for file in files {
            let Some(inside) = file.path.strip_prefix(folder) else { continue };
            if inside == CASES {
                examples.cases_file.clone_from(&file.path);
                match toml::from_str::<CaseFile>(&file.text) {
                    Ok(read) => examples.cases = read.cases,
                    Err(error) => diagnostics.push(Diagnostic {
                        file: file.path.clone(),
                        place: error.span().map_or_else(String::new, |span| line_of(&file.text, span.start)),
                        message: error.message().to_owned(),
                    }),
                }
            } else if inside.starts_with(VALID) && inside.ends_with(".json") {
                examples.valid.push(file.clone());
            } else {
                diagnostics.push(Diagnostic {
                    file: file.path.clone(),
                    place: "the file".to_owned(),
                    message: "is not an example: valid/*.json and cases.toml are read here".to_owned(),
                });
            }
        }
        examples
    }

    pub(crate) fn valid_texts(&self) -> impl Iterator<Item = &str> {
        self.valid.iter().map(|file| file.text.as_str())
    }

    pub(crate) fn run(&self, contract: &Contract) -> ExampleReport {
        let mut report = ExampleReport::default();
        let mut fail = |file: &str, place: &str, message: String| {
            report.failures.push(Diagnostic { file: file.to_owned(), place: place.to_owned(), message });
        };
        for file in &self.valid {
            let outcome = Outcome::of(contract, file.text.as_bytes());
            if outcome != Outcome::default() {
                fail(&file.path, "the record", format!("should pass without warnings, but {outcome}"));
            }
        }
        for case in &self.cases {
            match self.text_of(case) {
                Err(message) => fail(&self.cases_file, &case.name, message),
                Ok(text) => {
                    let (expected, outcome) = (case.expected(), Outcome::of(contract, text.as_bytes()));
                    if outcome != expected {
                        fail(&self.cases_file, &case.name, format!("expected that {expected}, but {outcome}"));
                    }
                }
            }
        }
        report.run = self.valid.len() + self.cases.len();
        report
    }

    /// The record of a case.
    fn text_of(&self, case: &Case) -> Result<String, String> {
        if let Some(text) = &case.text {
            return Ok(text.clone());
        }
        let name = format!("{VALID}{}", case.base);
        let base = self.valid.iter().find(|file| file.path.ends_with(&name)).ok_or(format!("there is no {name}"))?;
        let mut record = parse_strict(base.text.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
        for (pointer, text) in &case.set {
            let value = parse_strict(text.as_bytes()).map_err(|error| format!("set {pointer}: {error}"))?;
            let (place, key) = slot(&mut record, pointer).ok_or(format!("set {pointer}: there is no such place"))?;
            match place {
                Value::Object(map) => drop(map.insert(key, value)),
                other => *other.pointer_mut(&format!("/{key}")).ok_or(format!("set {pointer}: no such entry"))? = value,
            }
        }
        for pointer in &case.remove {
            let removed = slot(&mut record, pointer).and_then(|(place, key)| place.as_object_mut()?.remove(&key));
            removed.ok_or(format!("remove {pointer}: there is no such field"))?;
        }
        Ok(record.to_string())
    }
}

/// The value that holds the last segment of `pointer`, and that segment.
fn slot<'a>(record: &'a mut Value, pointer: &str) -> Option<(&'a mut Value, String)> {
    let (place, key) = pointer.rsplit_once('/')?;
    Some((record.pointer_mut(place)?, key.replace("~1", "/").replace("~0", "~")))
}

impl Case {
    fn expected(&self) -> Outcome {
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        Outcome { malformed: self.malformed.clone(), errors: sorted(&self.errors), warnings: sorted(&self.warnings) }
    }
}

/// What a contract says about a record, in a form that can be compared. All empty: it passes without warnings.
#[derive(Default, PartialEq, Eq)]
struct Outcome {
    malformed: Option<String>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Outcome {
    fn of(contract: &Contract, record: &[u8]) -> Self {
        match contract.check(record) {
            Ok(checked) => Self { warnings: listed(&checked.warnings), ..Self::default() },
            Err(Rejection::Malformed(error)) => {
                Self { malformed: Some(error.kind.name().to_owned()), ..Self::default() }
            }
            Err(Rejection::Violates { findings, .. }) => Self { errors: listed(&findings), ..Self::default() },
        }
    }
}

fn listed(findings: &[Finding]) -> Vec<String> {
    let mut list: Vec<String> = findings.iter().map(|finding| format!("{} {}", finding.path, finding.rule)).collect();
    list.sort();
    list
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.malformed, self.errors.is_empty(), self.warnings.is_empty()) {
            (Some(kind), ..) => write!(f, "it is malformed ({kind})"),
            (None, false, _) => write!(f, "it is refused for {}", self.errors.join(", ")),
            (None, true, false) => write!(f, "it passes with warnings about {}", self.warnings.join(", ")),
            (None, true, true) => f.write_str("it passes without warnings"),
        }
    }
}
