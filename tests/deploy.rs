//! What is deployed beside the program is valid and speaks of metrics that exist. It deploys nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// Labels that Prometheus itself adds.
const ADDED: [&str; 3] = ["job", "instance", "le"];
/// A series that Prometheus itself writes.
const OWN_SERIES: &str = "up";

fn path(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The metrics that the program promises: their type and labels.
fn promised() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let list = read("tests/golden/metrics.txt");
    let lines = list.lines().map(|line| {
        let mut words = line.split(' ');
        let name = words.next().expect("a name").to_owned();
        let kind = words.next().expect("a type").to_owned();
        let labels = words.next().unwrap_or_default().split(',').filter(|label| !label.is_empty());
        (name, (kind, labels.map(str::to_owned).collect()))
    });
    lines.collect()
}

/// The series that a PromQL text names, each with the labels that it selects by.
fn series(query: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = query;
    while let Some(start) = rest.find(is_word) {
        let word: String = rest[start..].chars().take_while(|c| is_word(*c)).collect();
        rest = &rest[start + word.len()..];
        if !(word.starts_with("lgsp_") || word.starts_with("process_") || word == OWN_SERIES) {
            continue;
        }
        let mut labels = Vec::new();
        if let Some(selector) = rest.strip_prefix('{') {
            let (selector, after) = selector.split_once('}').expect("a closed selector");
            let names = selector.split(',').map(|part| part.split(['=', '!']).next().unwrap_or_default().trim());
            labels = names.map(str::to_owned).collect();
            rest = after;
        }
        found.push((word, labels));
    }
    found
}

/// What is wrong with the series of a text.
fn unknown(source: &str, query: &str) -> Vec<String> {
    let promised = promised();
    let mut wrong = Vec::new();
    for (name, labels) in series(query) {
        let part = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let histogram = part.and_then(|name| promised.get(name)).filter(|(kind, _)| kind == "histogram");
        let Some((_, known)) = promised.get(&name).filter(|(kind, _)| kind != "histogram").or(histogram) else {
            if name != OWN_SERIES {
                wrong.push(format!("{source}: there is no series {name}"));
            }
            continue;
        };
        for label in labels.iter().filter(|label| !known.contains(*label) && !ADDED.contains(&label.as_str())) {
            wrong.push(format!("{source}: {name} has no label {label}"));
        }
    }
    wrong
}

#[test]
fn the_program_has_exactly_the_metrics_that_are_promised() {
    let mut written = BTreeSet::new();
    let mut folders = vec![path("crates/lgsp/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable tree") {
            let entry = entry.expect("a readable tree").path();
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = fs::read_to_string(&entry).expect("a readable file");
            let literals = text.split('"').filter(|word| word.starts_with("lgsp_"));
            let names = literals.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            written.extend(names.map(str::to_owned));
        }
    }
    let promised: BTreeSet<String> = promised().into_keys().filter(|name| name.starts_with("lgsp_")).collect();
    let missing: Vec<_> = promised.difference(&written).collect();
    let unlisted: Vec<_> = written.difference(&promised).collect();
    assert!(missing.is_empty(), "tests/golden/metrics.txt promises what the program does not have: {missing:?}");
    assert!(unlisted.is_empty(), "people build on metrics: add {unlisted:?} to tests/golden/metrics.txt");
}

#[test]
fn dashboards_are_valid_and_show_metrics_that_exist() {
    let mut wrong = Vec::new();
    let mut shown = BTreeSet::new();
    for entry in fs::read_dir(path("deploy/grafana")).expect("dashboards") {
        let file = entry.expect("an entry").path();
        let name = file.display().to_string();
        let text = fs::read_to_string(&file).expect("a readable file");
        let dashboard: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(dashboard["title"].is_string() && dashboard["uid"].is_string(), "{name}: no title or uid");
        let panels = dashboard["panels"].as_array().expect("panels");
        let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
        assert_eq!(ids.len(), panels.len(), "{name}: every panel has an id of its own");
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            let title = panel["title"].as_str().expect("a title");
            let targets = panel["targets"].as_array().expect("queries");
            assert!(!targets.is_empty(), "{name}: {title} asks for nothing");
            for target in targets {
                let query = target["expr"].as_str().expect("a query");
                let found = series(query);
                assert!(!found.is_empty(), "{name}: {title} shows no metric of the gateway");
                shown.extend(found.into_iter().map(|(name, _)| name));
                wrong.extend(unknown(&format!("{name}: {title}"), query));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for needed in ["lgsp_events_total", "lgsp_deliveries_total", "lgsp_target_lag_seconds", "lgsp_parked", "lgsp_held"]
    {
        assert!(shown.contains(needed), "no dashboard shows {needed}");
    }
}

#[test]
fn alerts_use_metrics_that_exist_and_say_what_to_do() {
    let rules = read("deploy/prometheus/rules.yml");
    let code: String = rules.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let tests = read("deploy/prometheus/rules_test.yml");
    let mut wrong = Vec::new();
    for rule in code.split("- alert: ").skip(1) {
        let name = rule.lines().next().expect("a name");
        let query = rule.split("expr:").nth(1).and_then(|rest| rest.split("labels:").next()).expect("a query");
        wrong.extend(unknown(name, query));
        for part in ["severity:", "summary: \"", "action: \""] {
            if !rule.contains(part) {
                wrong.push(format!("{name} has no {part}"));
            }
        }
        if !tests.contains(&format!("alertname=\"{name}\",alertstate=\"firing\"")) {
            wrong.push(format!("{name} is never seen firing in rules_test.yml"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    let without = std::env::var("LGSP_WITHOUT").unwrap_or_default();
    let unpacked = path("target/tools/promtool");
    let promtool = if unpacked.exists() { unpacked } else { PathBuf::from("promtool") };
    for arguments in [["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]] {
        let run = Command::new(&promtool).args(arguments).current_dir(path("deploy/prometheus")).output();
        let output = match run {
            Ok(output) => output,
            // Only when the person who runs the tests was told so.
            Err(_) if without.split(' ').any(|tool| tool == "promtool") => return,
            Err(error) => panic!("promtool: {error}; tests/run installs it"),
        };
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "promtool {}: {said}", arguments.join(" "));
    }
}

#[test]
fn the_unit_is_hardened_and_tells_systemd_how_it_is() {
    let unit = read("deploy/lgsp.service");
    for line in [
        "Type=notify",
        "ExecStart=/usr/local/bin/lgsp serve --config /etc/lgsp/lgsp.toml",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WatchdogSec=30s",
        "DynamicUser=yes",
        "StateDirectory=lgsp",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
        "LoadCredential=lgsp:/etc/lgsp/secrets",
    ] {
        assert!(unit.lines().any(|written| written == line), "deploy/lgsp.service lacks {line}");
    }
}

#[test]
fn systemd_holds_the_sockets_under_the_names_that_the_program_knows() {
    for (file, name) in [("deploy/lgsp.socket", "public"), ("deploy/lgsp-admin.socket", "admin")] {
        let unit = read(file);
        for line in [&format!("FileDescriptorName={name}"), "Service=lgsp.service", "WantedBy=sockets.target"] {
            assert!(unit.lines().any(|written| written == line), "{file} lacks {line}");
        }
        assert_eq!(unit.lines().filter(|line| line.starts_with("ListenStream=")).count(), 1, "{file}");
    }
}

#[test]
fn the_image_is_built_from_what_is_there_and_does_not_run_as_root() {
    let dockerfile = read("deploy/Dockerfile");
    let copied =
        dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--"));
    for line in copied {
        let mut sources: Vec<&str> = line.split(' ').collect();
        sources.pop();
        for source in sources {
            assert!(path(source).exists(), "deploy/Dockerfile copies {source}, which is not there");
        }
    }
    let last = dockerfile.rsplit("\nFROM ").next().expect("a last stage");
    assert!(last.contains("\nUSER 10001:10001\n"), "the image runs as root");
    assert!(dockerfile.contains("--profile dist"), "what is deployed is built with the profile that is measured");
}

#[test]
fn unknown_series_and_labels_are_noticed() {
    assert!(unknown("x", r#"sum(rate(lgsp_events_total{kind="dossier"}[5m])) / up"#).is_empty());
    assert!(unknown("x", "histogram_quantile(0.9, lgsp_request_duration_seconds_bucket)").is_empty());
    for (query, told) in [
        ("lgsp_event_total", "x: there is no series lgsp_event_total"),
        ("lgsp_held_bucket", "x: there is no series lgsp_held_bucket"),
        ("lgsp_request_duration_seconds", "x: there is no series lgsp_request_duration_seconds"),
        (r#"lgsp_held{dossier!="1"}"#, "x: lgsp_held has no label dossier"),
    ] {
        assert_eq!(unknown("x", query), [told]);
    }
}
