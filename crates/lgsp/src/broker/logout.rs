//! Signing out: by a client (OpenID Connect RP-Initiated Logout), by a provider (Back-Channel Logout), and the word of it to every
//! client that somebody was signed in to.

mod notice;

use std::sync::Arc;
use std::time::Duration;

use lgsp_store::SoftKind;
use serde::Deserialize;

use super::asked::single;
use super::authorize::{prefers_english, redirect};
use super::browser::{self, Browser};
use super::error::OAuthError;
use super::memory::Session;
use super::page::{self, Language};
use super::{grant, sign_in};
use crate::answer::{self, Answer};
use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::form;
use crate::request::Accepted;

/// What an id token that comes back says.
#[derive(Clone, Deserialize)]
struct Hint {
    iss: String,
    aud: String,
    sid: String,
}

/// What a client asks when it sends the browser here.
struct Wish {
    hint: Option<Hint>,
    /// Where the browser goes then, and with what.
    back: Option<String>,
    language: Language,
}

/// `GET` and `POST /oauth2/logout`.
pub(crate) async fn logout(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let snapshot = request.snapshot.clone();
    let browser = Browser::of(&request.parts.headers);
    let english = prefers_english(&request.parts.headers);
    // A form of ours comes from our own pages only; one of another site may ask, and the person is asked.
    let posted = request.parts.method == hyper::Method::POST && sign_in::check_origin(app, &request).is_ok();
    let pairs = super::parameters(request).await?;
    let given = single(&pairs)?;
    let wish = wish(app, &snapshot, &given, english)?;
    let session = match browser.session() {
        Some(name) => app.memory().get::<Session>(SoftKind::Session, name).await?.map(|session| (name, session)),
        None => None,
    };
    let Some((name, session)) = session else { return Ok(done(&wish, None)) };
    let named = wish.hint.as_ref().is_some_and(|hint| hint.sid == session.sid);
    let agreed = posted && given.get("sign_out") == Some(&session.sid.as_str());
    if !named && !agreed {
        let mut fields = vec![("sign_out", session.sid.as_str())];
        for field in ["client_id", "post_logout_redirect_uri", "state", "id_token_hint"] {
            fields.extend(given.get(field).map(|value| (field, *value)));
        }
        return Ok(page::sign_out(wish.language, &fields));
    }
    end(app, &snapshot, name, &session).await?;
    let there = snapshot.providers.get(&session.provider);
    let ours = format!("{}/oauth2/logout", app.issuer.url());
    let there = there.and_then(|one| one.connector.logout_url(session.provider_token.as_deref(), &ours));
    let mut answer = done(&wish, there.as_deref());
    browser::forget_session(&mut answer);
    Ok(answer)
}

/// What is asked. An address to go to afterwards counts when it is one of the client's to the letter; without, the person stays
/// here.
fn wish(
    app: &App,
    snapshot: &Snapshot,
    given: &std::collections::HashMap<&str, &str>,
    english: bool,
) -> Result<Wish, Failure> {
    let now = app.clock.steady();
    let hint = given.get("id_token_hint").and_then(|token| app.issuer.read::<Hint>(token, "JWT", now));
    let hint = hint.filter(|hint| hint.iss == app.issuer.url());
    let client = match (&hint, given.get("client_id")) {
        (Some(hint), Some(id)) if hint.aud != *id => {
            return Err(OAuthError::InvalidRequest.because("client_id is not the one of id_token_hint"));
        }
        (Some(hint), _) => Some(hint.aud.as_str()),
        (None, id) => id.copied(),
    };
    let client = client.and_then(|id| snapshot.members.by_id(id)).and_then(|member| member.sign_in.as_ref());
    let back = match given.get("post_logout_redirect_uri") {
        None => None,
        Some(uri) if client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|known| known == uri)) => {
            let state = given.get("state").map(|state| ("state", (*state).to_owned()));
            let separator = if uri.contains('?') { "&" } else { "?" };
            Some(state.map_or_else(|| (*uri).to_owned(), |state| format!("{uri}{separator}{}", form::encode(&[state]))))
        }
        Some(_) => {
            let detail = "post_logout_redirect_uri is not one of the client's; it must be the same to the letter";
            return Err(OAuthError::InvalidRequest.because(detail));
        }
    };
    let english = given.get("ui_locales").map_or(english, |locales| locales.starts_with("en"));
    Ok(Wish { hint, back, language: Language::english_if(english) })
}

fn done(wish: &Wish, there: Option<&str>) -> Answer {
    match &wish.back {
        Some(back) => redirect(back),
        None => page::signed_out(wish.language, there),
    }
}

/// Ends a session: the browser's, all that clients got of it, and, by their own word, what they keep of it.
async fn end(app: &Arc<App>, snapshot: &Snapshot, name: &str, session: &Session) -> Result<(), Failure> {
    app.memory().remove(SoftKind::Session, name).await?;
    for (client, grant_id) in &session.grants {
        grant::end(app, grant_id).await?;
        notice::send(app, snapshot, client, session);
    }
    tracing::info!(provider = session.provider, clients = session.grants.len(), "signed out");
    Ok(())
}

/// `POST /oauth2/backchannel/{provider}`: a provider says that somebody signed out there.
pub(crate) async fn logged_out_there(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let snapshot = request.snapshot.clone();
    let pairs = super::form(request).await?;
    let wrong = || OAuthError::InvalidRequest.because("the logout token is not one of this provider for this gateway");
    let provider = snapshot.providers.get(id).ok_or_else(wrong)?;
    let token = form::value(&pairs, "logout_token").ok_or_else(wrong)?;
    let said = provider.connector.logout_token(token).await.map_err(|failure| {
        tracing::warn!(provider = id, cause = %failure.cause.code, "logout token refused");
        wrong()
    })?;
    let memory = app.memory();
    let keep = Duration::from_millis(u64::try_from(said.ends.0.saturating_sub(app.clock.wall().0)).unwrap_or(0));
    if !memory.note(SoftKind::Replay, &format!("logout {id} {}", said.token_id), "", keep).await? {
        return Err(wrong());
    }
    let names = match (&said.sid, &said.subject) {
        (Some(sid), _) => {
            memory.take::<String>(SoftKind::Session, &sign_in::there(id, sid)).await?.into_iter().collect()
        }
        (None, Some(subject)) => memory
            .take::<Vec<String>>(SoftKind::Session, &sign_in::person_there(id, subject))
            .await?
            .unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    for name in names {
        if let Some(session) = memory.get::<Session>(SoftKind::Session, &name).await? {
            end(app, &snapshot, &name, &session).await?;
        }
    }
    Ok(answer::with_body(hyper::StatusCode::OK, "text/plain; charset=utf-8", ""))
}
