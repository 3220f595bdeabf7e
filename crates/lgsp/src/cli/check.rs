//! `lgsp check`: everything that is wrong with configuration and contracts, at once. It starts nothing.

use lgsp_contract::Catalogue;
use serde_json::json;

use super::USAGE;
use super::arguments::CheckArguments;
use super::failure::CommandError;
use crate::load::{self, LoadError, Loaded};

pub(super) fn run(arguments: &CheckArguments) -> Result<(), CommandError> {
    let (mut ran, mut warnings) = (0, Vec::new());
    let (loaded, errors) = match load::load(&arguments.config) {
        Ok(mut loaded) => {
            let mut errors = std::mem::take(&mut loaded.contracts.wrong);
            ran = run_examples(&loaded, &mut errors);
            errors.append(&mut loaded.certificates.ended);
            warnings = loaded.certificates.ending.iter().map(ToString::to_string).collect::<Vec<_>>();
            (Some(loaded), errors)
        }
        Err(errors) => (None, errors),
    };
    if arguments.json {
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        println!("{}", json!({"good": errors.is_empty(), "examples": ran, "errors": texts, "warnings": warnings}));
        return if errors.is_empty() { Ok(()) } else { Err(CommandError::Told(USAGE)) };
    }
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    if !errors.is_empty() {
        return Err(CommandError::Load(errors));
    }
    if let Some(Loaded { config, contracts, .. }) = loaded {
        println!(
            "{} is good: {} member(s), {} target(s).",
            arguments.config.display(),
            config.members.len(),
            config.targets.len()
        );
        println!("Contracts: {}; {ran} examples turn out as they say.", names(&contracts.as_written));
    }
    Ok(())
}

fn names(contracts: &Catalogue) -> String {
    let names: Vec<_> =
        contracts.contracts().map(|contract| format!("{} {}", contract.id(), contract.version())).collect();
    names.join(", ")
}

/// Runs every example of every contract; how many there were.
fn run_examples(loaded: &Loaded, errors: &mut Vec<LoadError>) -> usize {
    let mut ran = 0;
    for contract in loaded.contracts.as_written.contracts() {
        let report = contract.run_examples();
        ran += report.run;
        let folder = &loaded.config.contracts.path;
        errors.extend(report.failures.into_iter().map(|found| LoadError::Contract(folder.clone(), found)));
    }
    ran
}
