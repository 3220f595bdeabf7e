//! The official test suite of JSON Schema, draft 2020-12, the way a record goes: its text through the strict reader, its
//! tree through the compiled schema. What we decide otherwise is listed with the reason, and nothing else may differ.
//!
//! `tests/run` puts the suite under `target/tools/json-schema-suite`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::RecordSchema;
use crate::json;
use crate::tree::Tree;

/// Why we differ from the suite.
#[derive(Clone, Copy, Debug)]
enum Because {
    /// A contract is a folder, and what its schema refers to stands in it: the schema is refused.
    Remote,
    /// A format that we do not know is a typing error of the contract's author: the schema is refused.
    UnknownFormat,
    /// Contracts name a format to have it checked; for the suite it is a remark.
    FormatIsChecked,
    /// There is one dialect; keywords cannot be switched off by another one.
    OneDialect,
}

impl Because {
    /// Whether the reason explains the verdict; `None` is a refused schema.
    fn explains(self, valid: bool, verdict: Option<bool>) -> bool {
        match self {
            Self::Remote | Self::UnknownFormat => verdict.is_none(),
            Self::FormatIsChecked | Self::OneDialect => valid && verdict == Some(false),
        }
    }
}

/// Beginnings of `file: group: test`; the first that fits counts.
const DIFFERENT: &[(&str, Because)] = &[
    ("refRemote.json: ", Because::Remote),
    ("dynamicRef.json: strict-tree schema, guards against misspelled properties: ", Because::Remote),
    ("dynamicRef.json: tests for implementation dynamic anchor and reference link: ", Because::Remote),
    ("dynamicRef.json: $ref and $dynamicAnchor are independent of order - $defs first: ", Because::Remote),
    ("dynamicRef.json: $ref and $dynamicAnchor are independent of order - $ref first: ", Because::Remote),
    ("dynamicRef.json: $ref to $dynamicRef finds detached $dynamicAnchor: ", Because::Remote),
    ("optional/cross-draft.json: refs to historic drafts are processed as historic drafts: ", Because::Remote),
    ("format.json: idn-email format: ", Because::UnknownFormat),
    ("format.json: idn-hostname format: ", Because::UnknownFormat),
    ("optional/format/idn-email.json: ", Because::UnknownFormat),
    ("optional/format/idn-hostname.json: ", Because::UnknownFormat),
    ("optional/format/unknown.json: ", Because::UnknownFormat),
    ("format.json: ", Because::FormatIsChecked),
    ("vocabulary.json: schema that uses custom metaschema with with no validation vocabulary: ", Because::OneDialect),
];

fn folder() -> PathBuf {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/json-schema-suite");
    std::env::var_os("LGSP_JSON_SCHEMA_SUITE").map_or_else(|| PathBuf::from(usual), PathBuf::from)
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    let missing = |_| panic!("{} is missing; tests/run fetches it", folder.display());
    for entry in std::fs::read_dir(folder).unwrap_or_else(missing) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

fn text_of<'t>(tree: &'t Tree<'_>, key: &str) -> &'t str {
    tree.get(key).and_then(Tree::as_str).expect("the suite has it")
}

/// What a record's text gets: `None` when the schema itself is refused.
fn verdict(schema: &Tree<'_>, data: &Tree<'_>) -> Option<bool> {
    let schema = RecordSchema::compile(schema.to_value()).ok()?;
    let mut text = Vec::new();
    json::write(data, &mut text);
    let read = json::parse(&text).expect("what was written can be read");
    Some(schema.check(&read, text.len()).is_ok())
}

#[test]
fn the_official_suite_agrees_but_for_what_is_listed() {
    let folder = folder();
    if !folder.exists() && std::env::var("LGSP_WITHOUT").is_ok_and(|left_out| left_out.contains("json-schema-suite")) {
        return;
    }
    let draft = folder.join("tests/draft2020-12");
    let mut paths = Vec::new();
    files(&draft, &mut paths);
    paths.sort();
    let (mut agreed, mut wrong, mut used) = (0, Vec::new(), BTreeSet::new());
    for path in &paths {
        let file = path.strip_prefix(&draft).unwrap().display().to_string();
        let text = std::fs::read(path).unwrap();
        let groups = json::parse(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for group in groups.as_list().unwrap() {
            for test in group.get("tests").and_then(Tree::as_list).unwrap() {
                let name = format!("{file}: {}: {}", text_of(group, "description"), text_of(test, "description"));
                let valid = matches!(test.get("valid"), Some(Tree::Bool(true)));
                let verdict = verdict(group.get("schema").unwrap(), test.get("data").unwrap());
                let listed = DIFFERENT.iter().position(|(start, _)| name.starts_with(start));
                match listed {
                    _ if verdict == Some(valid) => agreed += 1,
                    Some(entry) if DIFFERENT[entry].1.explains(valid, verdict) => {
                        used.insert(entry);
                    }
                    _ => wrong.push(format!("{name}: expected {valid}, got {verdict:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    let dead: Vec<_> =
        (0..DIFFERENT.len()).filter(|entry| !used.contains(entry)).map(|entry| DIFFERENT[entry]).collect();
    assert!(dead.is_empty(), "these agree by now: {dead:?}");
    assert!(agreed > 1500, "only {agreed} cases: is this the suite?");
    println!("{agreed} cases agree");
}
