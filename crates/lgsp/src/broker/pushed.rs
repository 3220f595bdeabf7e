//! `POST /oauth2/par` (RFC 9126): a client hands in what it is going to ask, so that nothing of it passes through the browser.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use lgsp_store::SoftKind;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::asked::{Asked, Wrong};
use super::client::Evidence;
use super::dpop;
use super::error::OAuthError;
use super::memory::random_text;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::request::Accepted;

/// How the name of a pushed request begins.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// From the push to the browser's arrival.
const KEPT: Duration = Duration::from_secs(90);

#[derive(Serialize, Deserialize)]
struct Pushed {
    client: String,
    pairs: Vec<(String, String)>,
}

pub(crate) async fn push(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let evidence = Evidence::of(&request)?;
    let proof = dpop::Proof::of_request(&request, app)?;
    let mut pairs = super::form(request).await?;
    let proven = evidence.prove(app, &pairs).await?;
    pairs.retain(|(name, _)| !matches!(name.as_str(), "client_secret" | "client_assertion" | "client_assertion_type"));
    if pairs.iter().any(|(name, _)| name == "request_uri") {
        return Err(OAuthError::InvalidRequest.because("request_uri cannot be pushed"));
    }
    if let Some(proof) = proof {
        let key = proof.check(app, None).await?;
        if pairs.iter().any(|(name, value)| name == "dpop_jkt" && *value != key) {
            return Err(OAuthError::InvalidDpopProof.because("dpop_jkt is not the key of the proof"));
        }
        pairs.retain(|(name, _)| name != "dpop_jkt");
        pairs.push(("dpop_jkt".to_owned(), key));
    }
    let none = || OAuthError::UnauthorizedClient.because("people do not sign in to this client");
    let client = proven.member.sign_in.as_ref().ok_or_else(none)?;
    // What is wrong with it is told now, when the client listens.
    let checked = Asked::read(&proven.member, client, &pairs, &|place| app.issuer.service_of(place).map(str::to_owned));
    checked.map_err(|wrong| match wrong {
        Wrong::Page(failure) | Wrong::Client(_, failure) => failure,
    })?;
    let name = random_text();
    let pushed = Pushed { client: proven.member.id.to_string(), pairs };
    app.memory().put(SoftKind::Pushed, &name, &pushed, KEPT).await?;
    let body = json!({"request_uri": format!("{PREFIX}{name}"), "expires_in": KEPT.as_secs()});
    Ok(answer::json(StatusCode::CREATED, body.to_string()))
}

/// The parameters of a pushed request, once.
pub(super) async fn take(app: &App, client: &str, uri: &str) -> Result<Vec<(String, String)>, Failure> {
    let wrong = || {
        OAuthError::InvalidRequestUri
            .because("the pushed request is unknown, has ended or was used: start again where you came from")
    };
    let name = uri.strip_prefix(PREFIX).ok_or_else(wrong)?;
    let pushed = app.memory().take::<Pushed>(SoftKind::Pushed, name).await?;
    pushed.filter(|pushed| pushed.client == client).map(|pushed| pushed.pairs).ok_or_else(wrong)
}
