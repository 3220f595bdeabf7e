//! `POST /oauth2/introspect` (RFC 7662): whether a token is good, for the client that has it or that it is meant for.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_store::SoftKind;
use serde_json::{Value, json};

use super::client::{Evidence, Proven};
use super::grant;
use super::memory::{Refresh, SignedIn};
use crate::answer::{self, Answer, without_nulls};
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::identity::Confirmation;
use crate::request::Accepted;

pub(crate) async fn introspect(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let evidence = Evidence::of(&request)?;
    let form = super::form(request).await?;
    let client = evidence.prove(app, &form).await?;
    let token = form::value(&form, "token").unwrap_or_default();
    let told = match access_token(app, &client, token) {
        Some(told) => told,
        None => refresh_token(app, &client, token).await?.unwrap_or_else(|| json!({"active": false})),
    };
    Ok(answer::json(StatusCode::OK, told.to_string()))
}

fn access_token(app: &App, client: &Proven, token: &str) -> Option<Value> {
    let claims = app.issuer.verify(token, app.clock.steady()).filter(|claims| !app.is_revoked(claims))?;
    let id = client.member.id.as_str();
    // Anybody else must not learn whether a token that he found is good.
    if claims.client_id != id && !claims.aud.all().iter().any(|place| place == id) {
        return None;
    }
    app.snapshot().members.by_id(&claims.client_id)?;
    let by_key = matches!(claims.cnf, Some(Confirmation::Key(_)));
    let mut told = serde_json::to_value(&claims).ok()?;
    told["active"] = true.into();
    told["token_type"] = if by_key { "DPoP" } else { "Bearer" }.into();
    Some(told)
}

async fn refresh_token(app: &App, client: &Proven, token: &str) -> Result<Option<Value>, Failure> {
    let memory = app.memory();
    let Some(id) = grant::id_of(token) else { return Ok(None) };
    let Some(refresh) = memory.get::<Refresh>(SoftKind::Refresh, token).await? else { return Ok(None) };
    let grant = memory.get::<SignedIn>(SoftKind::RefreshFamily, id).await?;
    let grant = grant.filter(|grant| grant.id == refresh.grant && grant.client == client.member.id.as_str());
    Ok(grant.map(|grant| {
        without_nulls(json!({
            "active": true,
            "token_type": "refresh_token",
            "client_id": grant.client,
            "sub": grant.subject,
            "iss": app.issuer.url(),
            "scope": grant.claims.iter().chain(&grant.scopes).map(String::as_str).collect::<Vec<_>>().join(" "),
            "exp": grant.ends / 1000,
        }))
    }))
}
