//! Why a command was not done: one sentence that says what to do, and the exit code.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use lgsp_store::StoreError;

use super::{FAILED, USAGE};
use crate::identity::KeyError;
use crate::load::LoadError;
use crate::serve::ServeError;

/// Why a command was not done.
#[derive(Debug)]
pub(super) enum CommandError {
    /// The admin token is not in the environment.
    NoToken,
    /// The admin token or the actor cannot stand in a header.
    NotAHeader(&'static str),
    /// The admin URL is not one.
    BadUrl(String),
    /// The gateway did not answer.
    Unreachable { url: String, cause: reqwest::Error },
    /// The gateway answered that it did not do it.
    Refused(Box<Problem>),
    /// Something answered, but not the admin API.
    NotTheApi { url: String, status: u16 },
    /// The configuration or a contract is wrong.
    Load(Vec<LoadError>),
    /// The gateway did not start.
    Serve(ServeError),
    /// A file that was named cannot be read or written.
    File(PathBuf, std::io::Error),
    /// It was told on standard output already.
    Told(u8),
    /// The store cannot be read.
    Store(PathBuf, StoreError),
    /// The directory of keys cannot be used.
    Keys(KeyError),
    /// The address cannot be listened on.
    Listen(SocketAddr, std::io::Error),
    /// The system gave no threads or no memory.
    NoRuntime(std::io::Error),
}

/// A refusal of the admin API.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Problem {
    status: u16,
    title: String,
    detail: String,
    code: String,
    trace_id: String,
    #[serde(default)]
    errors: Vec<Place>,
}

#[derive(Debug, serde::Deserialize)]
struct Place {
    path: String,
    message: String,
}

impl CommandError {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::NoToken
            | Self::NotAHeader(_)
            | Self::BadUrl(_)
            | Self::Load(_)
            | Self::Serve(ServeError::Load(_)) => USAGE,
            Self::Told(code) => *code,
            Self::Serve(ServeError::Start(_) | ServeError::Sockets(_) | ServeError::Signals(_)) => FAILED,
            Self::Unreachable { .. }
            | Self::Refused(_)
            | Self::NotTheApi { .. }
            | Self::Store(..)
            | Self::File(..)
            | Self::Keys(_)
            | Self::Listen(..)
            | Self::NoRuntime(_) => FAILED,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => f.write_str("set LGSP_ADMIN_TOKEN to the token of [admin] in the gateway's configuration"),
            Self::NotAHeader(what) => write!(f, "{what} holds characters that cannot be sent; check it"),
            Self::BadUrl(url) => {
                write!(f, "{url} is not an address such as http://127.0.0.1:9090; set --admin or LGSP_ADMIN")
            }
            Self::Unreachable { url, cause } => {
                write!(f, "{url} does not answer")?;
                let mut cause: &dyn std::error::Error = cause;
                while let Some(deeper) = cause.source() {
                    cause = deeper;
                }
                write!(f, " ({cause}); is the gateway running, and is this its [admin] listener?")
            }
            Self::Refused(problem) => problem.fmt(f),
            Self::NotTheApi { url, status } => {
                write!(f, "{url} answered with status {status}, and not as the admin API does; check --admin")
            }
            Self::Load(errors) | Self::Serve(ServeError::Load(errors)) => {
                write!(f, "{} error(s)", errors.len())?;
                errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
            Self::Serve(ServeError::Start(error)) => error.fmt(f),
            Self::Serve(ServeError::Sockets(error)) => error.fmt(f),
            Self::Serve(ServeError::Signals(error)) => write!(f, "cannot listen to signals: {error}"),
            Self::Told(_) => Ok(()),
            Self::Store(path, error) => write!(f, "{}: {error}", path.display()),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Keys(error) => error.fmt(f),
            Self::Listen(address, error) => {
                write!(f, "cannot listen on {address}: {error}; choose another address with --listen")
            }
            Self::NoRuntime(error) => write!(f, "cannot start: {error}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status == 401 {
            f.write_str("the gateway refused the token; set LGSP_ADMIN_TOKEN to the token of [admin]. ")?;
        }
        write!(f, "{}: {} ({}, trace {})", self.title, self.detail, self.code, self.trace_id)?;
        self.errors.iter().try_for_each(|place| write!(f, "\n  {}: {}", place.path, place.message))
    }
}

impl std::error::Error for CommandError {}
