//! What can be typed. Names and defaults only; what commands do stands elsewhere.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use lgsp_config::{KeyId, TokenAlgorithm};
use lgsp_model::{DossierCode, TargetId};

use super::member::MemberArguments;
use super::reconcile::{ReconcileArguments, ReconciliationsArguments};

/// Durable gateway between one-stop systems, the National Public Service Portal and everything else that shares dossiers.
#[derive(Debug, Parser)]
#[command(name = "lgsp", version, about, arg_required_else_help = true, subcommand_required = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 64 wrong usage or configuration.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show everything at work on this machine: simulated partners, a gateway, one-stop systems, dossiers' whole lives
    Demo(DemoArguments),
    /// Run the gateway; SIGTERM drains, SIGHUP reloads
    Serve(ServeArguments),
    /// Tell every error of configuration and contracts at once, and run all contract examples
    Check(CheckArguments),
    /// Run the simulated partners alone
    Sandbox(SandboxArguments),
    /// Tell where a dossier and each of its copies stand, why, and what to do
    Dossier(DossierArguments),
    /// List, retry or drop what targets have not taken
    Parked(ParkedArguments),
    /// List, release or drop events that would move a dossier backwards
    Held(HeldArguments),
    /// See payments that wait, and why; have a provider asked; say that you looked at a flagged one
    Payments(PaymentsArguments),
    /// People who sign in: what is known of an account, and accounts that may be one person's
    Accounts(AccountsArguments),
    /// Show the services, whether they are set up, and how their servers are
    Services(ServicesArguments),
    /// List, pause, resume or replay targets
    Targets(TargetsArguments),
    /// List, make, limit, rotate or revoke members while the gateway runs
    Member(MemberArguments),
    /// Compare a payment provider's account of a day with ours; 1 when they differ
    Reconcile(ReconcileArguments),
    /// List what came of comparing payments
    Reconciliations(ReconciliationsArguments),
    /// Check the log against its hash chain
    Verify(VerifyArguments),
    /// Make a new signing key, or an API key for a member
    Keys(KeysArguments),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Arguments of `lgsp demo`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArguments {
    /// Where members call
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) public: SocketAddr,
    /// Where operators call
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub(crate) admin: SocketAddr,
    /// Where the simulated partners listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070")]
    pub(crate) sandbox: SocketAddr,
    /// Where the store is kept; a temporary directory when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How many dossiers
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) dossiers: u32,
    /// A list of procedures to take them from; a built-in one when absent
    #[arg(long, value_name = "CSV")]
    pub(crate) catalogue: Option<PathBuf>,
    /// Stop after the summary: 0 only if every accepted record arrived everywhere, equal
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The configuration; config/lgsp.toml shows every key
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The configuration; config/lgsp.toml shows every key
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct SandboxArguments {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070")]
    pub(super) listen: SocketAddr,
}

/// Where the gateway's operators' listener is. The token comes from `LGSP_ADMIN_TOKEN` alone: arguments are seen by all
/// users of a machine.
#[derive(Clone, Debug, Args)]
pub(super) struct ApiArguments {
    /// The gateway's listener for operators; the token is taken from LGSP_ADMIN_TOKEN
    #[arg(long, global = true, value_name = "URL", env = "LGSP_ADMIN", default_value = "http://127.0.0.1:9090")]
    pub(super) admin: String,
    /// Your name, as it is written into the log with what you change
    #[arg(long, global = true, value_name = "NAME", env = "LGSP_ACTOR")]
    pub(super) actor: Option<String>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Why {
    /// Why, in one line; it is kept in the log
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

#[derive(Debug, Args)]
pub(super) struct DossierArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    /// MaHoSo, for example H56.14-240315-0007
    pub(super) code: DossierCode,
    /// With the records themselves (personal data); only with --json
    #[arg(long, requires = "json")]
    pub(super) records: bool,
}

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct ParkedArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    #[command(subcommand)]
    pub(super) action: ParkedAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum ParkedAction {
    /// Show what waits
    List {
        /// Of one target only
        #[arg(long)]
        target: Option<TargetId>,
        /// In one state only
        #[arg(long)]
        state: Option<StateWord>,
        /// At most so many rows
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Go on where an earlier list ended
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
    },
    /// Send an event again at once, with its attempts counted anew
    Retry(ParkedEvent),
    /// Give an event up for one target; the log keeps it
    Drop(ParkedEvent),
}

#[derive(Debug, Args)]
pub(super) struct ParkedEvent {
    /// The target's id
    pub(super) target: TargetId,
    /// The event's position in the log
    pub(super) seq: u64,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum StateWord {
    /// Waits for its next attempt
    Retry,
    /// Its effect is unknown
    Unknown,
    /// Waits for a person
    Dead,
}

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct HeldArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    #[command(subcommand)]
    pub(super) action: HeldAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum HeldAction {
    /// Show what waits for a decision
    List {
        /// At most so many rows
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Go on where an earlier list ended
        #[arg(long, value_name = "NEXT")]
        after: Option<u64>,
    },
    /// Let an event move its dossier after all
    Release(HeldEvent),
    /// Leave an event in the log, applied to nothing
    Drop(HeldEvent),
}

#[derive(Debug, Args)]
pub(super) struct HeldEvent {
    /// The event's position in the log
    pub(super) seq: u64,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct PaymentsArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    #[command(subcommand)]
    pub(super) action: PaymentsAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum PaymentsAction {
    /// Show payments whose end nobody has, and those that wait for a person
    List,
    /// Tell the story of one: where it stands, why, and by whose word
    Show {
        /// The payment's id
        id: String,
    },
    /// Have its provider asked now
    Ask(OnePayment),
    /// Say that you have looked at what its flags say
    Review(OnePayment),
    /// Say what you found out about a refund whose end its provider does not tell
    SettleRefund {
        /// The payment's id
        id: String,
        /// The refund's id
        refund: String,
        /// Whether the money went back
        #[arg(long, action = clap::ArgAction::Set)]
        done: bool,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Args)]
pub(super) struct OnePayment {
    /// The payment's id
    pub(super) id: String,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Debug, Args)]
pub(super) struct AccountsArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    #[command(subcommand)]
    pub(super) action: AccountsAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountsAction {
    /// Show by what names an account is known, since when and why
    Show {
        /// The account
        id: String,
    },
    /// Show accounts that may be one person's and were not linked
    Conflicts,
    /// Say of a conflict that the accounts are one person's, or several persons'
    Settle {
        /// The conflict
        id: String,
        /// The account that stays, when they are one person's; without it they are several persons'
        #[arg(long, value_name = "ACCOUNT")]
        same_as: Option<String>,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Args)]
pub(super) struct ServicesArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
}

#[derive(Debug, Args)]
pub(super) struct TargetsArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    /// Without one: list
    #[command(subcommand)]
    pub(super) action: Option<TargetsAction>,
}

#[derive(Debug, Subcommand)]
pub(super) enum TargetsAction {
    /// Show each target's position and troubles
    List,
    /// Send nothing new until it is resumed
    Pause(NamedTarget),
    /// Go on
    Resume(NamedTarget),
    /// Deliver what a target has taken of a range once more
    Replay {
        /// The target's id
        target: TargetId,
        /// The first event's position in the log
        #[arg(long)]
        from: u64,
        /// The last event's position in the log
        #[arg(long)]
        to: u64,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Args)]
pub(super) struct NamedTarget {
    /// The target's id
    pub(super) target: TargetId,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    /// Check the store in this directory instead, which no gateway has open
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct KeysArguments {
    #[command(subcommand)]
    pub(super) action: KeysAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysAction {
    /// Add a key: published from the next reload on, signing a while later; tokens signed by the older ones stay good
    Rotate {
        /// The configuration that names the directory of keys
        #[arg(long, value_name = "FILE", conflicts_with = "keys", required_unless_present = "keys")]
        config: Option<PathBuf>,
        /// The directory of keys itself
        #[arg(long, value_name = "DIR")]
        keys: Option<PathBuf>,
        /// What it signs with
        #[arg(long, value_name = "ALG", default_value = "ES256", value_parser = algorithm)]
        algorithm: TokenAlgorithm,
        /// Sign at once, for when the key before it is not safe any more: who has not read the new one refuses tokens for minutes
        #[arg(long)]
        at_once: bool,
    },
    /// Draw an API key for a member: prints it, once, and the line for the configuration
    Api {
        /// Its public name, unique among the keys of all members
        id: KeyId,
    },
}

fn algorithm(text: &str) -> Result<TokenAlgorithm, &'static str> {
    TokenAlgorithm::of(text).ok_or("expected ES256, EdDSA or RS256")
}
