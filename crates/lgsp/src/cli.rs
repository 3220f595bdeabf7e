//! The command line: reads arguments, does one command, and turns how it went into an exit code.
//!
//! Operators' commands speak to a running gateway over its admin API and know nothing else of it.

mod api;
mod arguments;
mod check;
mod failure;
mod keys;
mod member;
mod operate;
mod payments;
mod picture;
mod reconcile;
mod sandbox;
mod table;
mod verify;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

pub(crate) use arguments::DemoArguments;
use arguments::{Arguments, Command};
use failure::CommandError;

/// Done.
const DONE: u8 = 0;
/// It was tried and did not work.
const FAILED: u8 = 1;
/// The arguments or the configuration are wrong (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// Does what the arguments of the process say.
pub fn run() -> ExitCode {
    ExitCode::from(run_with(std::env::args_os()))
}

/// Does what these arguments say, the program's name first; the exit code.
fn run_with(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let command = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.command,
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            return if asked_for(error.kind()) { DONE } else { USAGE };
        }
    };
    match carry_out(command) {
        Ok(()) => DONE,
        Err(error) => {
            let text = error.to_string();
            if !text.is_empty() {
                eprintln!("lgsp: {text}");
            }
            error.exit_code()
        }
    }
}

/// Whether the text that was printed instead of a command is what was asked for.
fn asked_for(kind: clap::error::ErrorKind) -> bool {
    matches!(kind, clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion)
}

fn carry_out(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Serve(arguments) => on_all_cores(serve(&arguments.config)),
        Command::Demo(arguments) => on_all_cores(demo(arguments)),
        Command::Check(arguments) => check::run(&arguments),
        Command::Sandbox(arguments) => wait_for(sandbox::run(arguments.listen)),
        Command::Dossier(arguments) => wait_for(operate::dossier(arguments)),
        Command::Parked(arguments) => wait_for(operate::parked(arguments)),
        Command::Held(arguments) => wait_for(operate::held(arguments)),
        Command::Payments(arguments) => wait_for(payments::run(arguments)),
        Command::Accounts(arguments) => wait_for(operate::accounts(arguments)),
        Command::Services(arguments) => wait_for(operate::services(arguments)),
        Command::Targets(arguments) => wait_for(operate::targets(arguments)),
        Command::Member(arguments) => wait_for(member::run(arguments)),
        Command::Reconcile(arguments) => wait_for(reconcile::reconcile(arguments)),
        Command::Reconciliations(arguments) => wait_for(reconcile::list(arguments)),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "lgsp", &mut script);
            say(&String::from_utf8_lossy(&script));
            Ok(())
        }
    }
}

async fn serve(config: &Path) -> Result<(), CommandError> {
    crate::serve::serve(config).await.map_err(CommandError::Serve)
}

/// The demo says itself how it went.
async fn demo(arguments: DemoArguments) -> Result<(), CommandError> {
    match crate::demo::run(arguments).await {
        DONE => Ok(()),
        code => Err(CommandError::Told(code)),
    }
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Runs a gateway.
fn on_all_cores<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(CommandError::NoRuntime)?.block_on(work)
}

/// Runs something short on one thread.
fn wait_for<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(CommandError::NoRuntime)?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(line: &str) -> u8 {
        run_with(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_arguments_are_declared_without_contradiction() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn wrong_usage_has_its_own_exit_code() {
        for line in [
            "lgsp",
            "lgsp unknown",
            "lgsp serve",
            "lgsp serve --config",
            "lgsp parked",
            "lgsp parked retry national-portal",
            "lgsp parked retry national-portal 1",
            "lgsp parked list --state lost",
            "lgsp held drop x --reason y",
            "lgsp targets replay a --from 2 --reason y",
            "lgsp member",
            "lgsp member revoke post",
            "lgsp member add post --name Post --agency H11 --reason r",
            "lgsp member limit post --expires 2027-01-01 --no-expiry --reason r",
            "lgsp member show POST",
            "lgsp reconcile --provider vnpay",
            "lgsp reconcile --provider vnpay --day 2026-11-21 file.csv --out rows.pdf",
            "lgsp completions cobol",
            "lgsp sandbox --listen nowhere",
        ] {
            assert_eq!(code_of(line), USAGE, "{line}");
        }
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for line in ["lgsp --help", "lgsp --version", "lgsp help parked", "lgsp parked retry --help"] {
            assert_eq!(code_of(line), DONE, "{line}");
        }
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_a_configuration_error() {
        for line in ["lgsp check --config /nonexistent/lgsp.toml", "lgsp keys rotate --config /nonexistent/lgsp.toml"] {
            assert_eq!(code_of(line), USAGE, "{line}");
        }
    }

    #[test]
    fn a_store_that_is_not_there_is_a_failure() {
        assert_eq!(code_of("lgsp verify --data /nonexistent/data"), FAILED);
    }
}
