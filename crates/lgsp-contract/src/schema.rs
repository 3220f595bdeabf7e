//! The schema of a contract, compiled once: a quick yes or no, and findings when it is no.
//!
//! It fetches nothing: a `$ref` that leaves the file is refused when the contract is loaded. The texts of the schema
//! library carry values of the record, so every sentence is written here.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use lgsp_model::{Finding, PortalTime};
use serde_json::Value;

use crate::instance::RecordJson;
use crate::tree::Tree;

/// How many findings one record gives at most: enough to mend a form in one go, and an answer that stays small.
pub const MAX_FINDINGS: usize = 20;

/// Records longer than this (in bytes) are told only their first violation of the schema: the library collects every
/// violation before it returns, and a hostile record of many megabytes could have millions.
const DETAIL_LIMIT: usize = 64 * 1024;

/// The keyword of our schemas that says in words what a pattern or format asks for.
const EXPECTED: &str = "x-expected";

/// How many characters of a name or path that the sender chose are shown.
const SHOWN_NAME: usize = 64;

/// How many characters of a path are shown.
const SHOWN_PATH: usize = 256;

/// A compiled schema.
pub(crate) struct RecordSchema {
    validator: Validator<RecordJson>,
    source: Value,
}

impl RecordSchema {
    /// Compiles a JSON Schema 2020-12. The error is one sentence about the schema itself.
    pub(crate) fn compile(source: Value) -> Result<Self, String> {
        let validator = jsonschema::options_for::<RecordJson>()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_format("portal-time", |text: &str| PortalTime::parse(text).is_ok())
            .with_format("portal-time-or-empty", |text: &str| text.is_empty() || PortalTime::parse(text).is_ok())
            .build(&source)
            .map_err(|error| format!("at {}: {error}", error.instance_path()))?;
        Ok(Self { validator, source })
    }

    /// The schema as it was written.
    pub(crate) fn source(&self) -> &Value {
        &self.source
    }

    /// Whether the record of `size` bytes keeps the schema; if not, what is wrong.
    pub(crate) fn check(&self, record: &Tree<'_>, size: usize) -> Result<(), Vec<Finding>> {
        if self.validator.is_valid(record) {
            return Ok(());
        }
        let mut findings: Vec<Finding> = if size > DETAIL_LIMIT {
            self.validator.validate(record).err().iter().map(|error| self.finding(error)).collect()
        } else {
            self.validator.iter_errors(record).take(MAX_FINDINGS).map(|error| self.finding(&error)).collect()
        };
        keep_type_alone(&mut findings);
        if findings.is_empty() {
            findings.push(Finding::new("", "schema", "the record could not be checked against its schema"));
        }
        Err(findings)
    }

    fn finding(&self, error: &ValidationError<'_>) -> Finding {
        let path = error.instance_path().as_str();
        if let ValidationErrorKind::Required { property } = error.kind() {
            let field = property.as_str().unwrap_or_default();
            let path = format!("{path}/{}", pointer_segment(field));
            return Finding::new(shown_path(&path), "required", "this field is missing: send it");
        }
        Finding::new(shown_path(path), error.kind().keyword(), self.sentence(error))
    }

    fn sentence(&self, error: &ValidationError<'_>) -> String {
        match error.kind() {
            ValidationErrorKind::Type { kind } => type_sentence(kind, error.instance()),
            ValidationErrorKind::Enum { options } => enum_sentence(options),
            ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
            ValidationErrorKind::MinLength { limit: 1 } => "must not be empty".to_owned(),
            ValidationErrorKind::MinLength { limit } => format!("must have at least {limit} characters"),
            ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} entries"),
            ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} entries"),
            other => match self.expected(error) {
                Some(expected) => format!("must be {expected}"),
                None => format!("breaks the keyword {} of the schema", other.keyword()),
            },
        }
    }

    /// What the author of the schema wrote beside the keyword that failed.
    fn expected(&self, error: &ValidationError<'_>) -> Option<&str> {
        let (place, _keyword) = error.schema_path().as_str().rsplit_once('/')?;
        self.source.pointer(place)?.get(EXPECTED)?.as_str()
    }
}

/// A value of the wrong type breaks most other keywords of its place too: only the type is worth saying.
fn keep_type_alone(findings: &mut Vec<Finding>) {
    let mistyped: Vec<String> =
        findings.iter().filter(|finding| finding.rule == "type").map(|finding| finding.path.clone()).collect();
    findings.retain(|finding| finding.rule == "type" || !mistyped.contains(&finding.path));
}

fn type_sentence(kind: &TypeKind, found: &Value) -> String {
    let expected = match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or "),
    };
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let advice = if expected.contains("string") && found == "a number" { ": put it in quotation marks" } else { "" };
    format!("must be {expected}, not {found}{advice}")
}

fn enum_sentence(options: &Value) -> String {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut words: Vec<String> = options
        .iter()
        .filter(|option| !is_empty(option))
        .take(MAX_FINDINGS)
        .map(|option| option.as_str().map_or_else(|| option.to_string(), |text| format!("\"{text}\"")))
        .collect();
    if options.iter().any(is_empty) {
        words.push("empty".to_owned());
    }
    format!("must be one of {}", words.join(", "))
}

fn is_empty(option: &Value) -> bool {
    option.is_null() || option.as_str() == Some("")
}

/// One key as a segment of a JSON Pointer.
fn pointer_segment(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A key that the sender chose, as a segment of a JSON Pointer that is safe to show: cut, and without control characters.
pub(crate) fn shown_segment(key: &str) -> String {
    let cut: String = key.chars().take(SHOWN_NAME).collect();
    pointer_segment(&without_controls(&cut))
}

fn shown_path(path: &str) -> String {
    let cut: String = path.chars().take(SHOWN_PATH).collect();
    without_controls(&cut)
}

fn without_controls(text: &str) -> String {
    if text.chars().any(char::is_control) {
        text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn findings(schema: Value, record: Value) -> Vec<Finding> {
        let size = record.to_string().len();
        RecordSchema::compile(schema).unwrap().check(&Tree::from(&record), size).err().unwrap_or_default()
    }

    #[test]
    fn every_keyword_gets_its_own_sentence_and_no_value_is_repeated() {
        let schema = json!({"type": "object", "required": ["Code"], "properties": {
            "Status": {"type": "string", "enum": ["1", "2", ""]},
            "Name": {"type": ["string", "null"], "maxLength": 3},
            "Date": {"type": "string", "format": "portal-time", "x-expected": "a real time"},
            "Digits": {"type": "string", "pattern": "^[0-9]+$"},
            "List": {"type": "array", "maxItems": 1}
        }});
        for (record, path, rule, message) in [
            (json!({}), "/Code", "required", "this field is missing: send it"),
            (
                json!({"Code": 1, "Status": 4}),
                "/Status",
                "type",
                "must be string, not a number: put it in quotation marks",
            ),
            (json!({"Code": 1, "Status": "s3cret"}), "/Status", "enum", "must be one of \"1\", \"2\", empty"),
            (json!({"Code": 1, "Name": "s3cret"}), "/Name", "maxLength", "must have at most 3 characters"),
            (json!({"Code": 1, "Date": "s3cret"}), "/Date", "format", "must be a real time"),
            (json!({"Code": 1, "Digits": "s3cret"}), "/Digits", "pattern", "breaks the keyword pattern of the schema"),
            (json!({"Code": 1, "List": ["s3cret", 2]}), "/List", "maxItems", "must have at most 1 entries"),
            (json!(["s3cret"]), "", "type", "must be object, not an array"),
        ] {
            let found = findings(schema.clone(), record);
            assert!(found.contains(&Finding::new(path, rule, message)), "{found:?}");
            assert!(!format!("{found:?}").contains("s3cret"));
        }
    }

    #[test]
    fn findings_are_bounded_and_a_huge_record_is_told_one() {
        let schema = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(findings(schema.clone(), json!(vec![1; 500])).len(), MAX_FINDINGS);
        assert_eq!(findings(schema, json!(vec![1; 500_000])).len(), 1);
    }

    #[test]
    fn paths_that_the_sender_chose_are_cut_and_cleaned() {
        let schema = json!({"additionalProperties": {"type": "string"}});
        let found = findings(schema, json!({"a\n".repeat(500): 1}));
        assert_eq!(found[0].path.chars().count(), SHOWN_PATH);
        assert!(!found[0].path.contains('\n'));
    }

    #[test]
    fn a_schema_that_reaches_outside_or_names_an_unknown_format_is_refused() {
        for schema in [
            json!({"$ref": "https://example.org/other.json"}),
            json!({"type": "strnig"}),
            json!({"type": "string", "format": "portal-tiem"}),
            json!({"type": "string", "pattern": "(?=x)"}),
        ] {
            assert!(RecordSchema::compile(schema.clone()).is_err(), "{schema}");
        }
    }
}
