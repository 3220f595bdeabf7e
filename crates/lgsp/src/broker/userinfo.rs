//! `GET` and `POST /oauth2/userinfo`: who the person is that a token was given for, as far as the client was granted it.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_store::SoftKind;
use serde_json::Value;

use super::error::OAuthError;
use super::memory::SignedIn;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::request::Accepted;

pub(crate) async fn userinfo(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let identified = request.identify(app).await?;
    let none = || OAuthError::InvalidToken.because("no person has signed in for this token, or he has signed out");
    let person = identified.person.as_ref().ok_or_else(none)?;
    // What was swapped for a service is not for asking who somebody is.
    if person.act.is_some() {
        return Err(none());
    }
    let grant = app.memory().get::<SignedIn>(SoftKind::RefreshFamily, &person.grant).await?.ok_or_else(none)?;
    let mut told = grant.profile.claims(&identified.claims(&grant.claims));
    told.insert("sub".to_owned(), grant.subject.as_str().into());
    if let Some(acr) = &person.acr {
        told.insert("acr".to_owned(), acr.as_str().into());
    }
    told.insert("idp".to_owned(), grant.provider.as_str().into());
    Ok(answer::json(StatusCode::OK, Value::Object(told).to_string()))
}
