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
    if grant.client != client.member.id.as_str() {
        return Err(wrong());
    }
    // Looked at before the token is spent: a proof that is missing by mistake must not end the grant.
    if grant.bound.is_some() && grant.bound != bound.confirmation {
        return Err(OAuthError::InvalidGrant.because("the refresh token is bound to another key or certificate"));
    }
    let narrowed = narrowed(&grant, form::value(form, "scope"))?;
    let spent = memory.take::<Refresh>(SoftKind::Refresh, token).await?;
    if spent.is_none_or(|spent| spent.grant != grant.id) {
        tracing::warn!(client = grant.client, grant = grant::shown(&grant.id), "refresh token came twice");
        grant::end(app, &grant.id).await?;
        return Err(wrong());
    }
    let mut answer =
        Tokens { app, member: &client.member, grant: &grant, nonce: None, bound: bound.confirmation.clone() };
    if let Some(narrowed) = &narrowed {
        answer.grant = narrowed;
    }
    let told = answer.answer().await?;
    if narrowed.is_some() {
        // The grant stays as wide as it was (RFC 6749 §6).
        grant::keep(app, &grant).await?;
    }
    Ok(told)
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
