//! `POST /oauth2/token` and, for older clients, `POST /token`: client credentials, codes, refresh tokens, token exchange
//! (RFC 6749, RFC 8693).

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_model::Scope;
use serde_json::{Value, json};

use super::client::{Evidence, Proof, Proven};
use super::error::OAuthError;
use super::{code, dpop, exchange, refresh};
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::identity::{CertificateFacts, Confirmation, Order, certificate_thumbprint};
use crate::request::Accepted;

/// The key that what is issued is bound to.
pub(crate) struct Bound {
    pub(crate) confirmation: Option<Confirmation>,
}

/// The grants that there are.
pub(crate) const GRANTS: [&str; 4] = ["client_credentials", "authorization_code", "refresh_token", exchange::GRANT];

/// Issues a token to a client that proves itself.
pub(crate) async fn token(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let evidence = Evidence::of(&request)?;
    let proof = dpop::Proof::of_request(&request, app)?;
    let certificate = CertificateFacts::of(&request.peer).map(|facts| certificate_thumbprint(&facts));
    let old_path = request.parts.uri.path() == "/token";
    let form = super::form(request).await?;
    let client = evidence.prove(app, &form).await?;
    let key = match &proof {
        Some(proof) => Some(Confirmation::Key(proof.check(app, None).await?)),
        None => None,
    };
    // Who proves itself by a certificate gets tokens that only it can use (RFC 8705 §3).
    let bound = key
        .or_else(|| certificate.flatten().filter(|_| client.how == Proof::Certificate).map(Confirmation::Certificate));
    let bound = Bound { confirmation: bound };
    if old_path {
        app.metrics.legacy_client(client.member.id.as_str(), "/token");
    }
    let body = match form::value(&form, "grant_type") {
        Some("client_credentials") => credentials(app, &client, &form, bound)?,
        Some("authorization_code") => code::exchange(app, for_people(&client)?, &form, bound).await?,
        Some("refresh_token") => refresh::refresh(app, for_people(&client)?, &form, bound).await?,
        Some(exchange::GRANT) => exchange::exchange(app, &client, &form, bound).await?,
        Some(_) => {
            let detail = format!("grant_type must be one of {}", GRANTS.join(", "));
            return Err(OAuthError::UnsupportedGrantType.because(detail));
        }
        None => return Err(OAuthError::InvalidRequest.because("grant_type is missing")),
    };
    app.metrics.token(form::value(&form, "grant_type").unwrap_or_default(), client.how.as_str());
    Ok(answer::json(StatusCode::OK, body.to_string()))
}

/// The client, if people sign in to it.
fn for_people(client: &Proven) -> Result<&Proven, Failure> {
    let none = || OAuthError::UnauthorizedClient.because("people do not sign in to this client");
    client.member.sign_in.as_ref().map(|_| client).ok_or_else(none)
}

fn credentials(app: &App, client: &Proven, form: &[(String, String)], bound: Bound) -> Result<Value, Failure> {
    let member = &client.member;
    let services = exchange::services(app, member, form)?;
    let mut scopes = requested_scopes(&member.scopes, form::value(form, "scope"))?;
    if !services.is_empty() {
        // For these services only, so without what else the member may do.
        scopes.retain(|scope| matches!(scope, Scope::Service(id) if services.iter().any(|one| one == id.as_str())));
    }
    let order = Order {
        client: member,
        subject: member.id.as_str(),
        scope: scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        audience: services.iter().map(|service| app.issuer.place_of(service)).collect(),
        no_later: None,
        confirmation: bound.confirmation.clone(),
        person: None,
    };
    let issued = app.issuer.fill(order, app.clock.steady());
    Ok(json!({
        "access_token": issued.token,
        "token_type": token_type(&bound),
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    }))
}

/// How the token is shown.
pub(crate) fn token_type(bound: &Bound) -> &'static str {
    if matches!(bound.confirmation, Some(Confirmation::Key(_))) { "DPoP" } else { "Bearer" }
}

/// All scopes of the member, or those it asks for when it has them all.
pub(crate) fn requested_scopes<'a>(granted: &'a [Scope], asked: Option<&str>) -> Result<Vec<&'a Scope>, Failure> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else { return Ok(granted.iter().collect()) };
    let find = |word: &str| granted.iter().find(|scope| scope.to_string() == word);
    asked
        .split_ascii_whitespace()
        .map(find)
        .collect::<Option<_>>()
        .ok_or_else(|| OAuthError::InvalidScope.because("a scope that was asked for is not granted to this member"))
}
