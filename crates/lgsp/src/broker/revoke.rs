//! `POST /oauth2/revoke` (RFC 7009): a client gives up a token. A refresh token takes all with it that came of its sign-in.

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_model::Timestamp;
use lgsp_store::SoftKind;

use super::client::Evidence;
use super::grant;
use super::memory::SignedIn;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::request::Accepted;

/// Answers alike whether the token was good or not (§2.2).
pub(crate) async fn revoke(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let evidence = Evidence::of(&request)?;
    let form = super::form(request).await?;
    let client = evidence.prove(app, &form).await?;
    let token = form::value(&form, "token").unwrap_or_default();
    let id = client.member.id.as_str();
    if let Some(claims) = app.issuer.verify(token, app.clock.steady()) {
        if claims.client_id == id && !app.is_revoked(&claims) {
            app.revoke(&claims.jti, Timestamp(claims.exp.saturating_mul(1000))).await?;
        }
    } else if let Some(name) = grant::id_of(token) {
        let known = app.memory().get::<SignedIn>(SoftKind::RefreshFamily, name).await?;
        if known.is_some_and(|grant| grant.client == id) {
            grant::end(app, name).await?;
        }
    }
    Ok(answer::json(StatusCode::OK, "{}"))
}
