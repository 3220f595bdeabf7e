//! What can be typed after `lgsp member`. Names and defaults only.

use clap::{Args, Subcommand};
use lgsp_config::KeyId;
use lgsp_model::MemberId;

use crate::cli::arguments::{ApiArguments, Why};

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(in crate::cli) struct MemberArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    #[command(subcommand)]
    pub(super) action: MemberAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberAction {
    /// Show all members, of the file and made here
    List {
        /// At most so many rows
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Go on where an earlier list ended
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
    },
    /// Show what a member may do, what proves it and until when
    Show {
        /// The member's id
        member: MemberId,
    },
    /// Make a member and draw its secret, which is shown this once
    Add(Add),
    /// Change what a member that was made here may do, and until when
    Limit(Limit),
    /// Draw one more secret beside those that count; it is shown this once
    Secret {
        /// The member's id
        member: MemberId,
        /// When it ends, such as 2027-01-01 or 2027-01-01T08:00:00+07:00
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Draw an API key, also for a member of the file; it is shown this once
    Key(Key),
    /// Replace the secrets, or an API key, by a new one; the old ones count for a while yet
    Rotate {
        /// The member's id
        member: MemberId,
        /// The API key to be replaced; without it the secrets are
        #[arg(long, value_name = "ID")]
        key: Option<String>,
        /// How long the old ones still count, such as 0s, 24h or 7d
        #[arg(long, value_name = "TIME", default_value = "24h")]
        keep_old: String,
        #[command(flatten)]
        why: Why,
    },
    /// Let a member, or one of its API keys, count no more: at once and on every path
    Revoke {
        /// The member's id
        member: MemberId,
        /// Only this API key
        #[arg(long, value_name = "ID")]
        key: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Let a revoked member count again; tokens and sessions from before do not
    Restore(Named),
    /// Forget the wrong secrets of a member, so that it may try again at once
    Unlock(Named),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its id: 1 to 64 of a-z 0-9 . _ -
    pub(super) member: MemberId,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub(super) name: String,
    /// An agency whose dossiers it may touch, such as H11, with those below it; * for all. May be repeated
    #[arg(long = "agency", value_name = "CODE", required = true)]
    pub(super) agencies: Vec<String>,
    /// What it may do, such as dossier:push or service:population. May be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub(super) scopes: Vec<String>,
    /// When it ends, such as 2027-01-01 or 2027-01-01T08:00:00+07:00
    #[arg(long, value_name = "TIME")]
    pub(super) expires: Option<String>,
    /// Draw no secret: it will have API keys only
    #[arg(long)]
    pub(super) no_secret: bool,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Debug, Args)]
pub(super) struct Limit {
    /// The member's id
    pub(super) member: MemberId,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub(super) name: Option<String>,
    /// The agencies from now on. May be repeated
    #[arg(long = "agency", value_name = "CODE")]
    pub(super) agencies: Vec<String>,
    /// The scopes from now on. May be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(super) scopes: Vec<String>,
    /// When it ends
    #[arg(long, value_name = "TIME", conflicts_with = "no_expiry")]
    pub(super) expires: Option<String>,
    /// It has no end any more
    #[arg(long)]
    pub(super) no_expiry: bool,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Debug, Args)]
pub(super) struct Key {
    /// The member's id
    pub(super) member: MemberId,
    /// The key's public name; drawn when absent
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<KeyId>,
    /// When it ends
    #[arg(long, value_name = "TIME")]
    pub(super) expires: Option<String>,
    /// Only for this service. May be repeated
    #[arg(long = "service", value_name = "ID")]
    pub(super) services: Vec<String>,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The member's id
    pub(super) member: MemberId,
    #[command(flatten)]
    pub(super) why: Why,
}
