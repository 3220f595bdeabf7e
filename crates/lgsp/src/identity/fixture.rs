//! Members of tests, read from a configuration as an operator would write it.

use super::members::Members;

/// Two members with secrets, and `more` tables.
pub(super) fn members(more: &str) -> Members {
    Members::new(&config(more).members)
}

/// The configuration with these members.
pub(super) fn config(more: &str) -> lgsp_config::Config {
    let text = format!(
        "version = 1\n[admin]\ntoken = \"0123456789abcdef\"\n[issuer]\nurl = \"https://lgsp.example\"\n{}{}{more}",
        table("plain", "secret = \"plain-secret\""),
        table("other", "secret = \"other-secret\""),
    );
    let no_files = |_: &std::path::Path| Err("no files".to_owned());
    lgsp_config::parse(&text, "".as_ref(), &|_| None, &no_files)
        .unwrap_or_else(|errors| panic!("{}", lgsp_config::format_errors(&errors)))
}

/// The table of one member.
pub(super) fn table(id: &str, proofs: &str) -> String {
    format!(
        "[[member]]\nid = \"{id}\"\nname = \"{id}\"\nagencies = [\"*\"]\n\
         scopes = [\"dossier:push\", \"service:population\", \"service:land\"]\n{proofs}\n"
    )
}
