//! The contracts that come with the gateway, compiled in, so that it works without a folder beside it.
//!
//! The folder `contracts/` stays the source; a test proves that nothing of it is missing here.

use crate::SourceFile;

macro_rules! shipped_files {
    ($($path:literal,)+) => {
        /// The shipped contract files, in the order of their paths.
        pub fn shipped() -> Vec<SourceFile> {
            [$(($path, include_str!(concat!("../../../contracts/", $path)))),+]
                .into_iter()
                .map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() })
                .collect()
        }
    };
}

shipped_files! {
    "dossier/contract.toml",
    "dossier/examples/cases.toml",
    "dossier/examples/valid/financial-duty-company.json",
    "dossier/examples/valid/newly-filed.json",
    "dossier/examples/valid/processing-old-agency-code.json",
    "dossier/examples/valid/received.json",
    "dossier/examples/valid/refused.json",
    "dossier/examples/valid/returned-identity-card.json",
    "dossier/examples/valid/settled.json",
    "dossier/examples/valid/supplement-asked.json",
    "dossier/examples/valid/withdrawn.json",
    "dossier/schema/record.json",
    "progress/contract.toml",
    "progress/examples/cases.toml",
    "progress/examples/valid/absent-as-empty-and-null.json",
    "progress/examples/valid/only-what-is-required.json",
    "progress/examples/valid/processing.json",
    "progress/examples/valid/received.json",
    "progress/schema/record.json",
    "status-notice/contract.toml",
    "status-notice/examples/cases.toml",
    "status-notice/examples/valid/received.json",
    "status-notice/examples/valid/supplement-asked.json",
    "status-notice/schema/record.json",
}
