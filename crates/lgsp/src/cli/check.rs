//! `lgsp check`: everything that is wrong with configuration and contracts, at once, and what an installation has left
//! open. It starts nothing.

use lgsp_contract::{Catalogue, ExampleReport};
use serde_json::json;

use super::USAGE;
use super::arguments::CheckArguments;
use super::failure::CommandError;
use crate::load::{self, LoadError, Loaded};

/// What was looked at, beside what is wrong.
#[derive(Default)]
struct Seen {
    /// Examples that were run.
    examples: usize,
    warnings: Vec<String>,
    /// What is left open: a choice, not a mistake.
    notes: Vec<String>,
}

pub(super) fn run(arguments: &CheckArguments) -> Result<(), CommandError> {
    let mut seen = Seen::default();
    let (loaded, errors) = match load::load(&arguments.config) {
        Ok(mut loaded) => {
            let mut errors = std::mem::take(&mut loaded.contracts.wrong);
            seen.examples = run_examples(&loaded, &mut errors);
            errors.append(&mut loaded.certificates.ended);
            seen.warnings = loaded.certificates.ending.iter().map(ToString::to_string).collect();
            seen.notes = load::unready_services(&loaded);
            (Some(loaded), errors)
        }
        Err(errors) => (None, errors),
    };
    if arguments.json {
        println!("{}", in_json(&seen, &errors));
        return if errors.is_empty() { Ok(()) } else { Err(CommandError::Told(USAGE)) };
    }
    for warning in &seen.warnings {
        eprintln!("warning: {warning}");
    }
    for note in &seen.notes {
        eprintln!("note: {note}");
    }
    if !errors.is_empty() {
        return Err(CommandError::Load(errors));
    }
    if let Some(Loaded { config, contracts, .. }) = loaded {
        let (members, targets) = (config.members.len(), config.targets.len());
        println!("{} is good: {members} member(s), {targets} target(s).", arguments.config.display());
        let contracts = &contracts.as_written;
        println!("Contracts: {}; {} examples turn out as they say.", names(contracts), seen.examples);
        println!("Services: {}; {} not ready here.", services(contracts), seen.notes.len());
    }
    Ok(())
}

fn in_json(seen: &Seen, errors: &[LoadError]) -> serde_json::Value {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    json!({
        "good": errors.is_empty(), "examples": seen.examples, "errors": texts, "warnings": seen.warnings,
        "notes": seen.notes,
    })
}

fn names(contracts: &Catalogue) -> String {
    let names: Vec<_> =
        contracts.contracts().map(|contract| format!("{} {}", contract.id(), contract.version())).collect();
    names.join(", ")
}

fn services(contracts: &Catalogue) -> String {
    let names: Vec<_> = contracts.services().map(|service| format!("{} {}", service.id(), service.version())).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Runs every example of every contract; how many there were.
fn run_examples(loaded: &Loaded, errors: &mut Vec<LoadError>) -> usize {
    let contracts = &loaded.contracts.as_written;
    let records = contracts.contracts().map(|contract| contract.run_examples());
    let reports: Vec<ExampleReport> =
        records.chain(contracts.services().map(|service| service.run_examples())).collect();
    let mut ran = 0;
    for report in reports {
        ran += report.run;
        let folder = &loaded.config.contracts.path;
        errors.extend(report.failures.into_iter().map(|found| LoadError::Contract(folder.clone(), found)));
    }
    ran
}
