//! Who may depend on whom, and on which versions of what. Whether a dependency is worth it, people judge.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::tree::{FILES, none, read, root};

/// The allowed edges among our crates: everything knows the vocabulary, the shell knows all, siblings never meet. But
/// calls to upstreams ask the policies of `lgsp-core` at every try.
const EDGES: [(&str, &[&str]); 9] = [
    ("lgsp-model", &[]),
    ("lgsp-contract", &["lgsp-model"]),
    ("lgsp-core", &["lgsp-model"]),
    ("lgsp-config", &["lgsp-model"]),
    ("lgsp-store", &["lgsp-model"]),
    ("lgsp-connect", &["lgsp-model", "lgsp-core"]),
    ("lgsp-sandbox", &["lgsp-model"]),
    (
        "lgsp",
        &["lgsp-model", "lgsp-contract", "lgsp-core", "lgsp-config", "lgsp-store", "lgsp-connect", "lgsp-sandbox"],
    ),
    (
        "tests",
        &[
            "lgsp",
            "lgsp-model",
            "lgsp-contract",
            "lgsp-core",
            "lgsp-config",
            "lgsp-store",
            "lgsp-connect",
            "lgsp-sandbox",
        ],
    ),
];

/// What a pure crate must not even be able to call.
const PURE: [&str; 4] = ["lgsp-model", "lgsp-contract", "lgsp-core", "lgsp-config"];
const ACTING: [&str; 11] = [
    "tokio",
    "tokio-util",
    "hyper",
    "hyper-util",
    "reqwest",
    "axum",
    "rusqlite",
    "sd-notify",
    "tracing",
    "prometheus",
    "tempfile",
];

/// The least version of each that has no known hole.
const FLOORS: [(&str, [u64; 3], &str); 13] = [
    ("h2", [0, 4, 20], "RUSTSEC-2026-0258; differing content-lengths refused"),
    ("hyper", [1, 12, 0], "content-length beside transfer-encoding: request smuggling"),
    ("rustls-webpki", [0, 103, 16], "RUSTSEC-2026-0049, -0098, -0099, -0104, -0382"),
    ("quick-xml", [0, 41, 0], "RUSTSEC-2026-0194, -0195"),
    ("aws-lc-sys", [0, 39, 0], "RUSTSEC-2026-0044 to -0048"),
    ("bytes", [1, 11, 1], "RUSTSEC-2026-0007"),
    ("tokio-postgres", [0, 7, 18], "RUSTSEC-2026-0178"),
    ("time", [0, 3, 47], "RUSTSEC-2026-0009"),
    ("tracing-subscriber", [0, 3, 20], "RUSTSEC-2025-0055"),
    ("lettre", [0, 11, 22], "RUSTSEC-2026-0141"),
    ("protobuf", [3, 7, 2], "RUSTSEC-2024-0437"),
    ("libsqlite3-sys", [0, 38, 0], "bundles SQLite 3.51.3 or later: earlier ones can corrupt the log when it is reset"),
    ("bincode", [2, 0, 0], "RUSTSEC-2025-0141"),
];

/// What never gets in.
const NEVER: [(&str, &str); 12] = [
    ("rsa", "RUSTSEC-2023-0071, not mended: private-key operations leak"),
    ("serde_yml", "RUSTSEC-2025-0068, unsound"),
    ("libyml", "RUSTSEC-2025-0067, unsound"),
    ("backoff", "abandoned; lgsp-core has it"),
    ("rustls-pemfile", "RUSTSEC-2025-0134; rustls-pki-types reads PEM"),
    ("paste", "abandoned"),
    ("instant", "abandoned"),
    ("openssl", "one crypto provider, aws-lc-rs"),
    ("openssl-sys", "one crypto provider, aws-lc-rs"),
    ("native-tls", "one crypto provider, aws-lc-rs"),
    ("ring", "one crypto provider, aws-lc-rs; two of them panic at first use"),
    ("anyhow", "errors are types here; and nothing that we use needs it"),
];

fn manifest(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The manifests of our crates by the crate's name.
fn ours() -> BTreeMap<String, toml::Table> {
    let paths = FILES.iter().map(|file| file.path.as_str()).filter(|path| path.ends_with("/Cargo.toml"));
    let named = paths.map(|path| {
        let manifest = manifest(path);
        (manifest["package"]["name"].as_str().expect("a name").to_owned(), manifest)
    });
    named.collect()
}

/// What a crate depends on, in `tables`.
fn dependencies<'a>(
    manifest: &'a toml::Table,
    tables: &'a [&str],
) -> impl Iterator<Item = (&'a String, &'a toml::Value)> {
    tables.iter().filter_map(|table| manifest.get(*table)?.as_table()).flatten()
}

const ALL_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

#[test]
fn crates_know_only_what_the_table_allows() {
    let ours = ours();
    let mut offenders: Vec<String> =
        ours.keys().filter(|name| !EDGES.iter().any(|(known, _)| known == name)).cloned().collect();
    for (name, manifest) in &ours {
        let allowed = EDGES.iter().find(|(known, _)| known == name).map_or(&[][..], |(_, allowed)| allowed);
        for (dependency, _) in dependencies(manifest, &ALL_TABLES) {
            if ours.contains_key(dependency) && !allowed.contains(&dependency.as_str()) {
                offenders.push(format!("{name} → {dependency}"));
            }
        }
    }
    none(
        offenders,
        "siblings never meet but in `lgsp`; a new edge is a line in EDGES and one in the decision log of \
         crates/ARCHITECTURE.md",
    );
}

#[test]
fn pure_crates_depend_on_nothing_that_acts() {
    let ours = ours();
    let offenders = PURE.iter().flat_map(|name| {
        let direct = dependencies(&ours[*name], &["dependencies"]).map(|(dependency, _)| dependency.as_str());
        let acting = direct.filter(|dependency| ACTING.contains(dependency));
        acting.map(|dependency| format!("{name} → {dependency}")).collect::<Vec<_>>()
    });
    none(offenders.collect(), "a pure crate takes time, chance and texts as arguments and needs none of these");
}

#[test]
fn every_dependency_is_chosen_once_and_has_its_reason() {
    let root = read("Cargo.toml");
    let table = root.split("[workspace.dependencies]").nth(1).expect("a table of dependencies");
    let table = table.split("\n[").next().expect("a first part");
    let mut offenders: Vec<String> = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let reason = line.rsplit_once("# ").map_or("", |(_, reason)| reason);
        if !line.contains("path = \"crates/") && reason.len() < 3 {
            offenders.push(line.to_owned());
        }
    }
    for (name, manifest) in ours() {
        for (dependency, value) in dependencies(&manifest, &ALL_TABLES) {
            if value.get("workspace") != Some(&toml::Value::Boolean(true)) {
                offenders.push(format!("{name}: {dependency}"));
            }
        }
    }
    none(offenders, "the root Cargo.toml chooses versions and says why in one line; crates write `x.workspace = true`");
}

#[test]
fn every_chosen_dependency_is_used() {
    let root = manifest("Cargo.toml");
    let chosen = root["workspace"]["dependencies"].as_table().expect("a table");
    let ours = ours();
    let used: BTreeSet<&String> =
        ours.values().flat_map(|manifest| dependencies(manifest, &ALL_TABLES)).map(|(name, _)| name).collect();
    none(
        chosen
            .keys()
            .filter(|name| !EDGES.iter().any(|(ours, _)| ours == name) && !used.contains(name))
            .cloned()
            .collect(),
        "a dependency that no crate uses only looks like one; to force the version of an indirect one, use FLOORS",
    );
}

/// Name and version of everything in the lock.
fn locked() -> Vec<(String, [u64; 3])> {
    let lock = manifest("Cargo.lock");
    let packages = lock["package"].as_array().expect("packages");
    let field = |package: &toml::Value, key: &str| package[key].as_str().expect("a text").to_owned();
    packages.iter().map(|package| (field(package, "name"), version(&field(package, "version")))).collect()
}

fn version(text: &str) -> [u64; 3] {
    let mut parts = text.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[test]
fn no_dependency_is_below_its_security_floor() {
    let below = locked().into_iter().filter_map(|(name, version)| {
        let (_, floor, reason) = FLOORS.iter().find(|(known, ..)| *known == name)?;
        (version < *floor).then(|| format!("{name} {version:?} is below {floor:?}: {reason}"))
    });
    none(below.collect(), "known holes: raise it with `cargo update -p NAME`");
}

/// The names of everything that is built here. Not the lock: it also names what a feature that is off would need.
fn built() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--workspace", "--prefix=none", "--edges=normal,build,dev", "--format={p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    let names: BTreeSet<String> = names.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect();
    assert!(names.contains("lgsp-model") && names.len() > 50, "cargo told of {} packages only", names.len());
    names
}

#[test]
fn what_is_never_taken_is_absent() {
    let built = built();
    let found = NEVER.iter().filter(|(name, _)| built.contains(*name));
    none(
        found.map(|(name, reason)| format!("{name}: {reason}")).collect(),
        "find who brings it with `cargo tree -i NAME` and switch that feature off",
    );
}
