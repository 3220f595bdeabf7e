//! The broker of identities: towards clients an OpenID Provider, towards the providers outside their client. Data flow:
//! `authorize → choose → provider → callback → account → consent → code → token`.
//!
//! It decides who somebody is and what a client learns of him; what tokens are good for is decided where they are used.

mod account;
mod asked;
mod authorize;
mod browser;
mod client;
mod code;
mod consent;
mod dpop;
mod error;
mod exchange;
mod grant;
mod introspect;
mod logout;
mod memory;
mod metadata;
pub(crate) mod page;
mod person;
mod providers;
mod pushed;
mod refresh;
mod revoke;
mod sign_in;
mod token;
mod userinfo;

use std::sync::Arc;

use hyper::header::{CACHE_CONTROL, HeaderValue};

use crate::answer::Answer;
use crate::app::App;
use crate::failure::Failure;
use crate::request::Accepted;

pub(crate) use account::{Account, Conflict, Decided};
pub(crate) use authorize::prefers_english;
pub(crate) use error::OAuthError;
pub(crate) use memory::Memory;
pub(crate) use providers::{ProviderProblem, Providers};

/// What a request asks of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Authorize,
    Choose,
    Callback(String),
    Consent,
    Push,
    Token,
    UserInfo,
    Introspect,
    Revoke,
    Logout,
    /// A provider says that somebody signed out there.
    LogoutThere(String),
}

impl Errand {
    /// The errand of a path below `/oauth2/`.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "authorize" => Self::Authorize,
            "login" => Self::Choose,
            "consent" => Self::Consent,
            "par" => Self::Push,
            "token" => Self::Token,
            "userinfo" => Self::UserInfo,
            "introspect" => Self::Introspect,
            "revoke" => Self::Revoke,
            "logout" => Self::Logout,
            other => match other.split_once('/') {
                Some(("callback", provider)) if !provider.is_empty() => Self::Callback(provider.to_owned()),
                Some(("backchannel", provider)) if !provider.is_empty() => Self::LogoutThere(provider.to_owned()),
                _ => return None,
            },
        })
    }

    /// The path, as labels of metrics and the document of the API have it.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Authorize => "/oauth2/authorize",
            Self::Choose => "/oauth2/login",
            Self::Callback(_) => "/oauth2/callback/{provider}",
            Self::Consent => "/oauth2/consent",
            Self::Push => "/oauth2/par",
            Self::Token => "/oauth2/token",
            Self::UserInfo => "/oauth2/userinfo",
            Self::Introspect => "/oauth2/introspect",
            Self::Revoke => "/oauth2/revoke",
            Self::Logout => "/oauth2/logout",
            Self::LogoutThere(_) => "/oauth2/backchannel/{provider}",
        }
    }

    /// The methods that it takes.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Authorize | Self::UserInfo | Self::Logout => "GET, HEAD, POST",
            Self::Callback(_) => "GET, HEAD",
            Self::Choose
            | Self::Consent
            | Self::Push
            | Self::Token
            | Self::Introspect
            | Self::Revoke
            | Self::LogoutThere(_) => "POST",
        }
    }

    /// Whether a person in front of a browser reads the answer.
    pub(crate) fn is_for_people(&self) -> bool {
        matches!(self, Self::Authorize | Self::Choose | Self::Callback(_) | Self::Consent | Self::Logout)
    }
}

/// Runs an errand. Nothing of what it answers may be kept by caches.
pub(crate) async fn run(app: &Arc<App>, errand: &Errand, request: Accepted) -> Result<Answer, Failure> {
    let mut answer = match errand {
        Errand::Authorize => authorize::authorize(app, request).await?,
        Errand::Choose => sign_in::choose(app, request).await?,
        Errand::Callback(provider) => sign_in::come_back(app, request, provider).await?,
        Errand::Consent => consent::decide(app, request).await?,
        Errand::Push => pushed::push(app, request).await?,
        Errand::Token => token::token(app, request).await?,
        Errand::UserInfo => userinfo::userinfo(app, request).await?,
        Errand::Introspect => introspect::introspect(app, request).await?,
        Errand::Revoke => revoke::revoke(app, request).await?,
        Errand::Logout => logout::logout(app, request).await?,
        Errand::LogoutThere(provider) => logout::logged_out_there(app, request, provider).await?,
    };
    answer.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    Ok(answer)
}

pub(crate) use metadata::metadata;

/// The thumbprint of the key that a caller shows beside its token.
pub(crate) async fn proven_key(app: &App, request: &Accepted) -> Result<Option<String>, Failure> {
    let token = request.header("authorization").and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
    match dpop::Proof::of_request(request, app)? {
        Some(proof) => proof.check(app, token).await.map(Some).map_err(|failure| Failure {
            // Where a token is shown, what is wrong with its proof is what is wrong with the caller.
            code: if failure.oauth.is_some() { lgsp_model::ErrorCode::Unauthenticated } else { failure.code },
            ..failure
        }),
        None => Ok(None),
    }
}

/// The parameters of a form that a client or a browser sent.
async fn form(request: Accepted) -> Result<Vec<(String, String)>, Failure> {
    let media_type = request.media_type();
    if !media_type.is_empty() && media_type != "application/x-www-form-urlencoded" {
        let detail = "send a form: application/x-www-form-urlencoded";
        return Err(Failure::new(lgsp_model::ErrorCode::UnsupportedMediaType, detail));
    }
    let body = request.into_body()?.read_whole().await?;
    Ok(crate::form::pairs(std::str::from_utf8(&body).unwrap_or_default()))
}

/// The parameters of a request that may come as a query or as a form.
async fn parameters(request: Accepted) -> Result<Vec<(String, String)>, Failure> {
    if request.parts.method == hyper::Method::POST {
        return form(request).await;
    }
    Ok(crate::form::pairs(request.parts.uri.query().unwrap_or_default()))
}
