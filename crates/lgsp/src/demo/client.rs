//! The three kinds of one-stop system and the puller as HTTP clients: tokens, sessions, retries when the gateway is busy.
//!
//! They know the public interface and nothing else.

mod adapter;
mod bulk;
mod cashier;
mod puller;
mod single;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use lgsp_model::EventKind;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;

pub(crate) use adapter::Adapter;
pub use adapter::PasswordLogin;
pub(crate) use bulk::Bulk;
pub(crate) use cashier::{Cashier, Citizen};
pub(crate) use puller::Puller;
pub(crate) use single::Single;

use super::ledger::Ledger;
use super::life::{Expected, Message};

/// How often a call is repeated when the gateway is busy or cannot be reached.
const ATTEMPTS: u32 = 40;
/// The pause before a repeat when the gateway names none.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause that is kept to.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a client gave up. The demo ends with it.
#[derive(Debug)]
pub enum ClientError {
    /// No answer, after many attempts.
    NoAnswer {
        /// Which call.
        call: &'static str,
        /// The last failure.
        error: reqwest::Error,
    },
    /// An answer that the interface does not have.
    Unexpected {
        /// Which call.
        call: &'static str,
        /// The HTTP status.
        status: StatusCode,
        /// The gateway's words, without record values.
        detail: String,
    },
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer { call, error } => write!(f, "{call}: no answer from the gateway: {error}"),
            Self::Unexpected { call, status, detail } => write!(f, "{call}: unexpected answer {status}: {detail}"),
        }
    }
}

impl std::error::Error for ClientError {}

/// The ledger that all clients write into.
#[derive(Clone, Default)]
pub(crate) struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().expect("no code panics while it holds the ledger")
    }
}

/// Id and secret of a member.
#[derive(Clone)]
pub struct ClientCredentials {
    /// The member's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// Calls with a bearer token, which is fetched when it is needed.
#[derive(Clone)]
pub(crate) struct TokenClient {
    http: reqwest::Client,
    base: String,
    credentials: ClientCredentials,
    token: Arc<Mutex<Option<String>>>,
}

impl TokenClient {
    pub(crate) fn new(base: &str, credentials: ClientCredentials) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), credentials, token: Arc::default() }
    }

    /// Sends what `build` makes, with a token; again when the token ended or the gateway is busy. The flag says whether
    /// an earlier attempt may have been taken without our hearing of it.
    pub(crate) async fn send(
        &self,
        call: &'static str,
        build: impl Fn(&reqwest::Client, &str) -> RequestBuilder,
    ) -> Result<(Response, Heard), ClientError> {
        let mut heard = Heard::Everything;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let token = self.token().await?;
            match build(&self.http, &self.base).bearer_auth(&token).send().await {
                Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && attempt < ATTEMPTS => self.forget_token(),
                Ok(answer) if is_busy(answer.status()) && attempt < ATTEMPTS => wait(&answer).await,
                Ok(answer) => return Ok((answer, heard)),
                Err(error) if attempt == ATTEMPTS => return Err(ClientError::NoAnswer { call, error }),
                Err(_) => {
                    heard = Heard::MaybeNot;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn token(&self) -> Result<String, ClientError> {
        let known = self.token.lock().expect("no code panics while it holds the token").clone();
        if let Some(token) = known {
            return Ok(token);
        }
        let call = "POST /oauth2/token";
        let form = [("grant_type", "client_credentials")];
        let ClientCredentials { id, secret } = &self.credentials;
        let request = self.http.post(format!("{}/oauth2/token", self.base)).basic_auth(id, Some(secret)).form(&form);
        let answer = request.send().await.map_err(|error| ClientError::NoAnswer { call, error })?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        let Some(token) = body["access_token"].as_str() else {
            let detail = body["error"].as_str().unwrap_or("no access_token").to_owned();
            return Err(ClientError::Unexpected { call, status, detail });
        };
        *self.token.lock().expect("no code panics while it holds the token") = Some(token.to_owned());
        Ok(token.to_owned())
    }

    fn forget_token(&self) {
        *self.token.lock().expect("no code panics while it holds the token") = None;
    }
}

/// Whether every attempt's answer was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Everything,
    MaybeNot,
}

impl Heard {
    /// The outcome to book: an attempt whose answer was lost may have been the one that was accepted.
    pub(crate) fn settle(self, outcome: Expected, message: &Message) -> Expected {
        match (self, outcome, message.expected) {
            (Self::MaybeNot, Expected::Duplicate, Expected::Accepted) => Expected::Accepted,
            (_, outcome, _) => outcome,
        }
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

async fn wait(answer: &Response) {
    let named = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    tokio::time::sleep(named.map_or(PAUSE, Duration::from_secs).min(LONGEST_PAUSE)).await;
}

/// Where messages of a kind are posted.
fn path_of(kind: EventKind) -> &'static str {
    if kind == EventKind::Progress { "/v1/progress" } else { "/v1/dossiers" }
}

/// The outcome that an answer or a result line names.
fn outcome_in(body: &Value) -> Option<Expected> {
    let all = [Expected::Accepted, Expected::Duplicate, Expected::Held, Expected::Rejected];
    all.into_iter().find(|outcome| body["outcome"] == outcome.word())
}
