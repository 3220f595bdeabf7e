//! The files that the rules look at, read once. It judges nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A text file of the tree.
pub(crate) struct File {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

/// What is no part of the source: build output, version control, and what a gateway run here leaves behind.
const NOT_SOURCE: [&str; 5] = ["target", ".git", "data", "keys", "proptest-regressions"];

/// Every text file of the tree.
pub(crate) static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    assert!(files.len() > 50, "the tree was not found");
    files
});

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a member of the workspace").to_owned()
}

/// The text of one file.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn collect(directory: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(directory).expect("a readable tree") {
        let entry = entry.expect("a readable tree");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a readable tree");
        if kind.is_dir() {
            // `tests/data` and such are sources; only what stands at the root is left behind by a run.
            if !(NOT_SOURCE.contains(&name.as_str()) && (prefix.is_empty() || name.starts_with("proptest"))) {
                collect(&entry.path(), &format!("{path}/"), files);
            }
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.push(File { path, text });
        }
    }
}

/// Fails with every offender and the reason of the rule.
pub(crate) fn none(offenders: Vec<String>, reason: &str) {
    assert!(offenders.is_empty(), "{reason}\n  {}", offenders.join("\n  "));
}
