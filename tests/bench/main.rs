//! The figures of the project: starts gateways and rivals on loopback, loads them for bounded times, and prints one JSON
//! line per figure with both numbers and their ratio. It judges nothing.

mod accept;
mod figure;
mod gateway;
mod grow;
mod http;
mod identity;
mod latency;
mod pace;
mod payments;
mod proxy;
mod reconcile;
mod records;
mod start;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;

/// A group of figures: its name on the command line, and what measures it.
type Group = (&'static str, fn(&Bench) -> std::io::Result<()>);

const GROUPS: &[Group] = &[
    ("accept", accept::measure),
    ("stream", stream::measure),
    ("latency", latency::measure),
    ("start", start::measure),
    ("grow", grow::measure),
    ("identity-token", identity::tokens),
    ("identity-login", identity::logins),
    ("payments", payments::measure),
    ("proxy-plain", proxy::plain),
    ("proxy-soap", proxy::soap),
    ("proxy-latency", proxy::latency),
    ("proxy-idle", proxy::idle),
    ("proxy-reload", proxy::reload),
    ("reconcile", reconcile::measure),
];

/// Whether an argument asks for a group: by its name, or by what comes before the dash for all of that kind.
fn asks_for(arg: &str, group: &str) -> bool {
    group == arg || group.strip_prefix(arg).is_some_and(|rest| rest.starts_with('-'))
}

/// What every group needs.
pub(crate) struct Bench {
    pub(crate) lgsp: PathBuf,
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let lgsp = match args.iter().position(|arg| arg == "--lgsp") {
        Some(at) if at + 1 < args.len() => PathBuf::from(args.drain(at..at + 2).nth(1).unwrap_or_default()),
        _ => return usage(),
    };
    if args.iter().any(|arg| !GROUPS.iter().any(|(name, _)| asks_for(arg, name))) {
        return usage();
    }
    let bench = Bench { lgsp };
    let mut failed = false;
    for (name, measure) in GROUPS {
        if !args.is_empty() && !args.iter().any(|arg| asks_for(arg, name)) {
            continue;
        }
        if let Err(error) = measure(&bench) {
            eprintln!("{name}: {error}");
            failed = true;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn usage() -> ExitCode {
    let names: Vec<_> = GROUPS.iter().map(|(name, _)| *name).collect();
    eprintln!("bench --lgsp BINARY [{}]", names.join("|"));
    ExitCode::from(64)
}
