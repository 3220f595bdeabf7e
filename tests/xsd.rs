//! Verdicts on XML documents beside those of libxml2: many small schemas, each with documents that are changed in every
//! place. Both must say the same of every one.
//!
//! It does not compare messages, and schemas that we refuse are not compared at all.

// `clippy.toml` allows it in tests; what stands between them are tests as well.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "xsd/change.rs"]
mod change;
#[path = "xsd/schemas.rs"]
mod schemas;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use lgsp_contract::{XmlSchema, load_xsd};

/// Where libxml2 2.9 departs from XML Schema 1.0: the schema (`""` for all), a part of the document, and what is right.
const KNOWN: [(&str, &str, bool); 10] = [
    // White space around a number collapses (part 2, section 4.3.6); libxml2 does so for some types of numbers only.
    ("", "> 5 <", true),
    ("", "=' 5 '", true),
    // A sign is allowed (section 3.3.24).
    ("unsigned-byte", ">+5<", true),
    // The alphabet has no hyphen and no colon (section 3.2.16).
    ("base64", "2023-02-29", false),
    ("base64", "2024-0", false),
    ("base64", "vi-VN", false),
    // There is at least one (section 3.3.5).
    ("nmtokens", "><", false),
    ("nmtokens", "> <", false),
    // It is neither more nor less than any other number (section 3.2.5).
    ("doubles", "NaN", false),
    // Values are compared and not texts (part 1, section 3.3.4).
    ("fixed", "00012", true),
];

#[test]
fn verdicts_are_those_of_libxml2() {
    let without = std::env::var("LGSP_WITHOUT").unwrap_or_default();
    if without.split(' ').any(|tool| tool == "xmllint") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut compared, mut accepted, mut wrong) = (0, 0, Vec::new());
    for (name, inside, documents) in schemas::ALL {
        let text = schemas::schema(inside);
        let schema = match load_xsd("main.xsd", |path| (path == "main.xsd").then_some(&*text)) {
            Ok(schema) => schema,
            Err(error) => panic!("{name}: {error}"),
        };
        let documents = change::all(documents);
        let verdicts = xmllint(folder.path(), &text, &documents);
        for (document, theirs) in documents.iter().zip(verdicts) {
            let ours = schema.check(document).is_ok();
            let is_known = KNOWN.iter().any(|(schema, part, right)| {
                (schema.is_empty() || schema == name) && document.contains(part) && *right == ours
            });
            if ours != theirs && !is_known {
                wrong.push(format!(
                    "{name}: {} by us and not by them: {document}",
                    if ours { "accepted" } else { "refused" }
                ));
            }
            compared += 1;
            accepted += usize::from(ours);
        }
    }
    let mut by_schema = BTreeMap::<&str, usize>::new();
    for line in &wrong {
        *by_schema.entry(line.split(':').next().unwrap()).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} of {compared}, {by_schema:?}\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 3000 && accepted > 500, "{compared} compared, {accepted} accepted: too few to mean anything");
}

/// Whether libxml2 accepts each document.
fn xmllint(folder: &Path, schema: &str, documents: &[String]) -> Vec<bool> {
    std::fs::write(folder.join("schema.xsd"), schema).unwrap();
    let name = |n: usize| format!("d{n:05}.xml");
    for (n, document) in documents.iter().enumerate() {
        std::fs::write(folder.join(name(n)), document).unwrap();
    }
    let run = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", "schema.xsd"])
        .args((0..documents.len()).map(name))
        .current_dir(folder)
        .output()
        .expect("xmllint runs; tests/run installs it");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    let verdict = |n: usize| {
        let name = name(n);
        let valid = said.contains(&format!("{name} validates"));
        let invalid = said.contains(&format!("{name} fails to validate"));
        assert!(valid != invalid, "xmllint says nothing of {}: {said}", documents[n]);
        valid
    };
    (0..documents.len()).map(verdict).collect()
}
