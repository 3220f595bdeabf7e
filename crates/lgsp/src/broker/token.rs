//! `POST /oauth2/token` and, for older clients, `POST /token`: client credentials by Basic or form (RFC 6749 §4.4, §2.3.1).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue};
use lgsp_model::{ErrorCode, Scope};
use serde_json::json;

use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::identity::{CertificateFacts, certificate_suffices};
use crate::request::Accepted;

/// Issues a token to a member that proves its secret.
pub(crate) async fn token(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let (peer, snapshot) = (request.peer.clone(), request.snapshot.clone());
    let basic = basic_credentials(&request)?;
    if !request.media_type().is_empty() && request.media_type() != "application/x-www-form-urlencoded" {
        return Err(Failure::new(ErrorCode::UnsupportedMediaType, "send a form: application/x-www-form-urlencoded"));
    }
    let body = request.into_body()?.read_whole().await?;
    let form = form::pairs(std::str::from_utf8(&body).unwrap_or_default());
    match form::value(&form, "grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            let detail = "grant_type must be client_credentials";
            return Err(Failure::new(ErrorCode::UnknownService, detail));
        }
        None => return Err(Failure::new(ErrorCode::BadParameter, "grant_type is missing")),
    }
    let in_form =
        || Some((form::value(&form, "client_id")?.to_owned(), form::value(&form, "client_secret")?.to_owned()));
    let (id, secret) = basic.or_else(in_form).ok_or_else(no_credentials)?;
    let member = snapshot.members.by_id(&id);
    let credential = member.and_then(|member| member.credential.as_ref());
    let now = app.clock.steady();
    app.secrets.check(member.map(|member| &member.id), credential, &secret, peer.address, now).await?;
    let member = member.ok_or_else(no_credentials)?;
    if !certificate_suffices(&snapshot.members, member, CertificateFacts::of(&peer).as_ref()) {
        let detail = "this member counts only together with its client certificate";
        return Err(Failure::new(ErrorCode::BadCredentials, detail));
    }
    let scopes = requested_scopes(&member.scopes, form::value(&form, "scope"))?;
    let grant = app.issuer.issue(member, &scopes, now);
    let body = json!({
        "access_token": grant.token,
        "token_type": "Bearer",
        "expires_in": grant.expires_in,
        "scope": grant.scope,
    });
    let mut answer = answer::json(StatusCode::OK, body.to_string());
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

fn no_credentials() -> Failure {
    Failure::new(ErrorCode::BadCredentials, "send the member id and its secret by HTTP Basic or in the form")
}

fn basic_credentials(request: &Accepted) -> Result<Option<(String, String)>, Failure> {
    let Some(value) = request.parts.headers.get(AUTHORIZATION) else { return Ok(None) };
    let pair = value.to_str().ok().and_then(|value| {
        let (scheme, encoded) = value.split_once(' ')?;
        let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let text = String::from_utf8(decoded).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((unescape(id), unescape(secret)))
    });
    pair.map(Some).ok_or_else(no_credentials)
}

/// RFC 6749 §2.3.1 has both parts form-encoded, and many clients do not encode them: what holds no escape is taken as it is.
fn unescape(text: &str) -> String {
    let decoded = text.contains('%').then(|| form::decode(text)).flatten();
    decoded.unwrap_or_else(|| text.to_owned())
}

/// All scopes of the member, or those it asks for when it has them all.
fn requested_scopes<'a>(granted: &'a [Scope], asked: Option<&str>) -> Result<Vec<&'a Scope>, Failure> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else { return Ok(granted.iter().collect()) };
    let find = |word: &str| granted.iter().find(|scope| scope.to_string() == word);
    asked.split_ascii_whitespace().map(find).collect::<Option<_>>().ok_or_else(|| {
        Failure::new(ErrorCode::InsufficientScope, "a scope that was asked for is not granted to this member")
    })
}
