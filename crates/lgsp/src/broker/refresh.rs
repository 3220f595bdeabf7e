//! Refresh tokens: each is good for once, and one that comes twice ends all that came of the sign-in (RFC 9700 §4.14).

use lgsp_config::ClaimScope;
use lgsp_store::SoftKind;
use serde_json::Value;

use super::client::Proven;
use super::error::OAuthError;
use super::grant::{self, Tokens};
use super::memory::{Refresh, SignedIn};
use super::token::Bound;
use crate::app::App;
use crate::failure::Failure;
use crate::form;

pub(crate) async fn refresh(
    app: &App,
    client: &Proven,
    form: &[(String, String)],
    bound: Bound,
) -> Result<Value, Failure> {
    let token = form::value(form, "refresh_token").unwrap_or_default();
    let memory = app.memory();
    let id = grant::id_of(token).ok_or_else(wrong)?;
    let grant = memory.get::<SignedIn>(SoftKind::RefreshFamily, id).await?.ok_or_else(wrong)?;
    // What a member had before it was revoked does not come back with it.
    let counts = app.snapshot().members.take_tokens_of(&client.member.id, grant.began);
    if grant.client != client.member.id.as_str() || !counts {
        return Err(wrong());
    }
    // The client has proven itself, so it may have a new key by now (RFC 9449 §5), but not none. Looked at before the token is
    // spent: a proof that is missing by mistake must not end the grant.
    if grant.bound.is_some() && bound.confirmation.is_none() {
        return Err(OAuthError::InvalidGrant.because("prove a key: what was agreed on is bound to one"));
    }
    let narrowed = narrowed(&grant, form::value(form, "scope"))?;
    let spent = memory.take::<Refresh>(SoftKind::Refresh, token).await?;
    if spent.is_none_or(|spent| spent.grant != grant.id) {
        tracing::warn!(client = grant.client, grant = grant::shown(&grant.id), "refresh token came twice");
        grant::end(app, &grant.id).await?;
        return Err(wrong());
    }
    let now = narrowed.as_ref().unwrap_or(&grant);
    Tokens { app, member: &client.member, grant: now, kept: &grant, nonce: None, bound: bound.confirmation }
        .answer()
        .await
}

/// The grant with fewer scopes, when fewer are asked for.
fn narrowed(grant: &SignedIn, asked: Option<&str>) -> Result<Option<SignedIn>, Failure> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else { return Ok(None) };
    let words: Vec<_> = asked.split_ascii_whitespace().collect();
    let granted = |word: &&str| grant.claims.iter().chain(&grant.scopes).any(|known| known == word);
    if !words.iter().all(granted) {
        return Err(OAuthError::InvalidScope.because("a scope that was asked for is not part of the grant"));
    }
    let keeps = |known: &String| words.contains(&known.as_str()) || known == ClaimScope::OfflineAccess.as_str();
    Ok(Some(SignedIn {
        claims: grant.claims.iter().filter(|known| keeps(known)).cloned().collect(),
        scopes: grant.scopes.iter().filter(|known| keeps(known)).cloned().collect(),
        ..grant.clone()
    }))
}

fn wrong() -> Failure {
    OAuthError::InvalidGrant.because("the refresh token is unknown, has ended or was used: sign in again")
}
