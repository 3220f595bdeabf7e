//! The shipped contracts and the loading of folders, through the public interface only.

use std::path::Path;

use lgsp_contract::{Catalogue, Contract, Rejection, SourceFile, load, parse_strict, rules, shipped};
use lgsp_model::{EventKind, Incoming, PortalTime, Status};
use proptest::prelude::*;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts"))
}

fn catalogue() -> Catalogue {
    let (catalogue, diagnostics) = load(&shipped());
    assert_eq!(diagnostics, []);
    catalogue
}

fn dossier() -> std::sync::Arc<Contract> {
    catalogue().contract("dossier").expect("it is shipped").clone()
}

fn received() -> Value {
    let files = shipped();
    let file = files.iter().find(|file| file.path == "dossier/examples/valid/received.json").expect("it is shipped");
    parse_strict(file.text.as_bytes()).expect("it is JSON")
}

fn check(record: &Value) -> Result<lgsp_contract::Checked, Rejection> {
    dossier().check(record.to_string().as_bytes())
}

/// The shipped files with one of them replaced, or added.
fn with(path: &str, text: &str) -> Vec<SourceFile> {
    let mut files = shipped();
    files.retain(|file| file.path != path);
    files.push(SourceFile { path: path.to_owned(), text: text.to_owned() });
    files
}

#[test]
fn every_example_turns_out_as_it_says() {
    let mut run = Vec::new();
    for contract in catalogue().contracts() {
        let report = contract.run_examples();
        assert_eq!(report.failures, [], "{}", contract.id());
        run.push((contract.id().to_owned(), report.run, contract.valid_examples().count()));
    }
    assert_eq!(run, [("dossier".into(), 48, 9), ("progress".into(), 17, 4), ("status-notice".into(), 9, 2)]);
}

#[test]
fn every_example_of_a_service_turns_out_as_it_says() {
    let mut run = Vec::new();
    for service in catalogue().services() {
        let report = service.run_examples();
        assert_eq!(report.failures, [], "{}", service.id());
        let tried = service.operations().iter().filter(|operation| operation.reads_bodies()).count();
        assert!(report.run >= 2 * tried, "{}: every operation has a good and a bad case", service.id());
        run.push(service.id().to_owned());
    }
    let seven = ["document-sync", "dossier-soap", "enterprise", "ministry", "population", "profile-exchange", "vnpost"];
    assert_eq!(run, seven);
}

/// Where one-stop systems that speak XML only say the same as those that speak JSON, the same is asked of them.
#[test]
fn dossiers_by_soap_have_the_schemas_of_the_records() {
    let text = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    assert_eq!(text("dossier-soap/schema/dossier.json"), text("dossier/schema/record.json"));
    assert_eq!(text("dossier-soap/schema/progress.json"), text("progress/schema/record.json"));
}

#[test]
fn the_compiled_in_files_are_the_folder() {
    let mut on_disk = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.parent() != Some(root()) {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                on_disk.push(SourceFile { path: name, text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    on_disk.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(shipped(), on_disk);
}

#[test]
fn the_readme_lists_every_rule_with_its_default() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for rule in rules() {
        let row = format!("| `{}` | {} | {} |", rule.name, rule.severity, rule.asks);
        assert!(readme.contains(&row), "missing: {row}");
    }
}

#[test]
fn a_checked_record_says_whose_it_is_and_where_it_stands() {
    let checked = check(&received()).unwrap();
    assert_eq!(checked.head.code().agency().as_str(), "H56.14");
    assert_eq!(
        (checked.head.kind(), checked.head.incoming()),
        (EventKind::Dossier, Incoming::Record(Status::Received))
    );
    let step = r#"{"MaHoSo":"H56.14-240315-0007","NguoiXuLy":"a","ThoiDiemXuLy":"20240316090000","NoiDungXuLy":"b","TrangThai":"4"}"#;
    let checked = catalogue().contract("progress").unwrap().check(step.as_bytes()).unwrap();
    let at = PortalTime::parse("20240316090000").unwrap();
    assert_eq!(checked.head.incoming(), Incoming::Progress(Status::Processing, at));
}

#[test]
fn a_refusal_names_the_dossier_when_it_can_and_repeats_no_value() {
    let mut record = received();
    record["SoGiayToChuHoSo"] = Value::from("s3cret ".repeat(10));
    record["NgayHenTra"] = Value::from("s3cret");
    record["LoaiDoiTuong"] = Value::from(9_876_543_210_u64);
    let refused = check(&record).unwrap_err();
    let text = format!("{refused} {refused:?}");
    assert!(!text.contains("s3cret") && !text.contains("9876543210"), "{text}");
    let Rejection::Violates { code, findings } = refused else { panic!("it is well-formed") };
    assert_eq!(code.unwrap().as_str(), "H56.14-240315-0007");
    assert_eq!(findings.len(), 3);
    record["MaHoSo"] = Value::from("?");
    assert!(matches!(check(&record), Err(Rejection::Violates { code: None, .. })));
}

#[test]
fn the_digest_does_not_see_key_order_or_spaces() {
    let record = received();
    let plain = check(&record).unwrap().content;
    let pretty = serde_json::to_string_pretty(&record).unwrap();
    assert_eq!(dossier().check(pretty.as_bytes()).unwrap().content, plain);
    let members: Vec<String> =
        record.as_object().unwrap().iter().rev().map(|(key, value)| format!("{key:?} : {value}")).collect();
    let reversed = format!("{{ {} }}", members.join(" ,\n"));
    assert_eq!(dossier().check(reversed.as_bytes()).unwrap().content, plain);
    let mut other = record;
    other["GhiChu"] = Value::from(" ");
    assert_ne!(check(&other).unwrap().content, plain);
}

#[test]
fn a_bad_contract_is_named_and_the_others_stay() {
    let manifest = |key: &str, value: &str| {
        let text = shipped().into_iter().find(|file| file.path == "progress/contract.toml").unwrap().text;
        let lines: Vec<_> = text
            .lines()
            .map(|line| if line.starts_with(key) { format!("{key} = {value}") } else { line.to_owned() })
            .collect();
        assert_ne!(lines.join("\n"), text.trim_end(), "{key}");
        lines.join("\n")
    };
    let path = "progress/contract.toml";
    for (files, place, message) in [
        (with(path, &manifest("id", "\"Pro gress\"")), "id", "must be 1 to 64"),
        (with(path, &manifest("version", "\"\"")), "version", "must not be empty"),
        (with(path, &manifest("valid_from", "\"2022-01-01\"")), "line 4", ""),
        (with(path, &manifest("valid_from", "2022-01-01T00:00:00Z")), "valid_from", "must be a day"),
        (with(path, &manifest("record", "\"step\"")), "line 6", "unknown variant"),
        (with(path, &manifest("schema", "\"schema/other.json\"")), "schema", "there is no file"),
        (with(path, &manifest("strict", "false\nstrcit = 1")), "line 10", "unknown field"),
        (
            with(path, &manifest("[rules]", "[[rules]]").replace("[rules] = [[rules]]", "[rules]\ndue = \"warn\"")),
            "rules",
            "there is no rule due",
        ),
        (with(path, "id = "), "line 1", ""),
        (with("progress/schema/record.json", "{"), "the schema", "line 1"),
        (with("progress/schema/record.json", r#"{"type":"strnig"}"#), "the schema", ""),
    ] {
        let (catalogue, diagnostics) = load(&files);
        assert_eq!(catalogue.ids().collect::<Vec<_>>(), ["dossier", "status-notice"], "{diagnostics:?}");
        let [diagnostic] = &diagnostics[..] else { panic!("{diagnostics:?}") };
        assert!(diagnostic.file.starts_with("progress/"), "{diagnostic}");
        assert_eq!(diagnostic.place, place, "{diagnostic}");
        assert!(diagnostic.message.contains(message), "{diagnostic}");
    }
}

#[test]
fn a_folder_without_a_manifest_and_stray_examples_are_pointed_out() {
    let (catalogue, diagnostics) = load(&with("other/schema.json", "{}"));
    assert_eq!(catalogue.ids().count(), 3);
    assert_eq!(diagnostics[0].to_string(), "other/contract.toml: the file: is missing: every contract folder has one");
    let (catalogue, diagnostics) = load(&with("dossier/examples/note.txt", ""));
    assert_eq!((catalogue.ids().count(), diagnostics.len()), (3, 1));
}

#[test]
fn versions_stand_side_by_side_and_the_day_decides() {
    let next: Vec<SourceFile> = shipped()
        .into_iter()
        .filter_map(|file| {
            let inside = file.path.strip_prefix("progress/")?;
            let text = file.text.replace("2022-01-01", "2027-07-01").replace("version = \"1.0\"", "version = \"2.0\"");
            Some(SourceFile { path: format!("progress-2027/{inside}"), text })
        })
        .collect();
    let mut files = shipped();
    files.extend(next);
    let (catalogue, diagnostics) = load(&files);
    assert_eq!(diagnostics, []);
    let version_at = |day: &str| {
        let at = PortalTime::parse(day).unwrap().timestamp();
        catalogue.contract_at("progress", at).map(|contract| contract.version().to_owned())
    };
    assert_eq!(version_at("20270630235959").as_deref(), Some("1.0"));
    assert_eq!(version_at("20270701000000").as_deref(), Some("2.0"));
    assert_eq!(version_at("20211231235959"), None);
    assert_eq!(catalogue.contract("progress").unwrap().version(), "2.0");
    files.extend(shipped().into_iter().map(|file| SourceFile { path: format!("copy-of-{}", file.path), ..file }));
    let (catalogue, diagnostics) = load(&files);
    // Three records and seven services are there twice.
    assert_eq!((catalogue.contracts().count(), diagnostics.len()), (4, 10));
}

#[test]
fn an_example_that_turns_out_otherwise_fails() {
    for (case, message) in [
        ("base = \"received.json\"", None),
        ("base = \"received.json\"\nerrors = [\"/MaHoSo pattern\"]", Some("it passes without warnings")),
        ("base = \"received.json\"\nset = { \"/HinhThuc\" = '\"2\"' }", Some("refused for /HinhThuc enum")),
        ("base = \"received.json\"\nset = { \"/x\" = '1' }", Some("warnings about /x unknown-field")),
        ("text = '{'\nerrors = [\"/MaHoSo required\"]", Some("it is malformed (syntax)")),
        ("base = \"other.json\"", Some("there is no valid/other.json")),
        ("base = \"received.json\"\nremove = [\"/x\"]", Some("there is no such field")),
        ("base = \"received.json\"\nset = { \"/TaiLieuNop/7\" = '1' }", Some("no such entry")),
        ("base = \"received.json\"\nset = { \"/HinhThuc\" = 'zwei' }", Some("set /HinhThuc: line 1")),
    ] {
        let (catalogue, diagnostics) =
            load(&with("dossier/examples/cases.toml", &format!("[[case]]\nname = \"it\"\n{case}\n")));
        assert_eq!(diagnostics, []);
        let report = catalogue.contract("dossier").unwrap().run_examples();
        assert_eq!(report.run, 10);
        match (message, &report.failures[..]) {
            (None, []) => {}
            (Some(message), [failure]) => assert!(failure.message.contains(message), "{failure}"),
            (expected, failures) => panic!("{expected:?}: {failures:?}"),
        }
    }
    let (_, diagnostics) = load(&with("dossier/examples/cases.toml", "[[case]]\nname = \"it\"\nexpect = 1\n"));
    assert_eq!(diagnostics[0].place, "line 3");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever bytes are changed in a good record: an answer, findings within the bound, and no value in its text.
    #[test]
    fn mutated_records_never_panic_and_get_bounded_answers(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = received().to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for contract in CONTRACTS.contracts() {
            match contract.check(&bytes) {
                Ok(checked) => prop_assert!(checked.warnings.len() <= lgsp_contract::MAX_FINDINGS),
                Err(Rejection::Malformed(error)) => prop_assert!(error.line >= 1),
                Err(refused @ Rejection::Violates { .. }) => {
                    prop_assert!(!refused.to_string().contains("011000000123"));
                    let Rejection::Violates { findings, .. } = refused else { unreachable!() };
                    prop_assert!((1..=lgsp_contract::MAX_FINDINGS).contains(&findings.len()));
                }
            }
        }
    }

    /// Any field may hold any kind of value.
    #[test]
    fn misplaced_values_never_panic(field in any::<prop::sample::Index>(), which in 0usize..8) {
        let strange = ["null", "true", "-1.5", "\"\"", "[]", "{}", "[[{\"a\":[1]}]]", "[\"x\",null,3]"];
        let mut record = received();
        let map = record.as_object_mut().unwrap();
        let key = map.keys().nth(field.index(map.len())).unwrap().clone();
        map.insert(key.clone(), parse_strict(strange[which].as_bytes()).unwrap());
        if let Err(Rejection::Violates { findings, .. }) = CONTRACTS.contract("dossier").unwrap().check(record.to_string().as_bytes()) {
            let inside = format!("/{key}");
            prop_assert!(findings.iter().any(|finding| finding.path.starts_with(&inside)), "{:?}", findings);
        }
    }
}

static CONTRACTS: std::sync::LazyLock<Catalogue> = std::sync::LazyLock::new(catalogue);
