//! To a provider and back: `POST /oauth2/login`, where somebody has chosen one, and `GET /oauth2/callback/{provider}`, to which
//! it sends the browser back.

use std::sync::Arc;

use lgsp_connect::{Authenticated, LoginReturn, LoginStart, ProviderFailure, ProviderFailureKind};
use lgsp_model::{ErrorCode, Level, Timestamp};
use lgsp_store::SoftKind;

use super::account;
use super::asked::single;
use super::authorize::{Way, redirect, refuse};
use super::browser::{self, Browser};
use super::error::OAuthError;
use super::memory::{Login, Session, Stage, digest_of, random_text};
use super::person::Profile;
use super::providers::Provider;
use crate::answer::Answer;
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::request::Accepted;

/// Somebody has chosen where to sign in.
pub(crate) async fn choose(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let snapshot = request.snapshot.clone();
    let browser = Browser::of(&request.parts.headers);
    check_origin(app, &request)?;
    let pairs = super::form(request).await?;
    let name = form::value(&pairs, "login").unwrap_or_default();
    let login = app.memory().get::<Login>(SoftKind::Login, name).await?;
    let login = login.filter(|login| matches!(login.stage, Stage::Choosing) && is_of(login, &browser));
    let login = login.ok_or_else(start_again)?;
    let client = snapshot.members.by_id(&login.asked.client).and_then(|member| member.sign_in.as_ref());
    let provider = form::value(&pairs, "provider").and_then(|id| snapshot.providers.get(id));
    let provider = provider.filter(|provider| client.is_some_and(|client| provider.is_for(client)));
    let provider = provider.ok_or_else(|| Failure::new(ErrorCode::BadParameter, "choose one of the providers"))?;
    send_to(app, provider, login, Some(name.to_owned())).await
}

/// A form that another site made the browser send is not what the person wanted.
pub(crate) fn check_origin(app: &App, request: &Accepted) -> Result<(), Failure> {
    let foreign = match request.header("origin") {
        // A page without a referrer may say `null`; what binds the form to the browser is its cookie.
        None | Some("null") => request.header("sec-fetch-site").is_some_and(|site| site == "cross-site"),
        Some(origin) => !app.issuer.url().eq_ignore_ascii_case(origin) && !same_host(request, origin),
    };
    if foreign { Err(Failure::new(ErrorCode::BadParameter, "the form was sent by another site")) } else { Ok(()) }
}

/// A gateway may be reached by several names.
fn same_host(request: &Accepted, origin: &str) -> bool {
    let host = request.header("host").or_else(|| request.parts.uri.authority().map(|authority| authority.as_str()));
    host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, name)| name.eq_ignore_ascii_case(host)))
}

/// Whether it is the browser in which the login began.
pub(crate) fn is_of(login: &Login, browser: &Browser) -> bool {
    let same =
        |id| aws_lc_rs::constant_time::verify_slices_are_equal(digest_of(id).as_bytes(), login.browser.as_bytes());
    browser.id().is_some_and(|id| same(id).is_ok())
}

/// What is told of a login that ended, was used, or began in another browser.
pub(crate) fn start_again() -> Failure {
    Failure::new(
        ErrorCode::SessionExpired,
        "this sign-in has ended or began in another browser: start again where you came from",
    )
}

/// Sends the browser to a provider.
pub(crate) async fn send_to(
    app: &Arc<App>,
    provider: &Provider,
    login: Login,
    choice: Option<String>,
) -> Result<Answer, Failure> {
    let (state, nonce, verifier) = (random_text(), random_text(), random_text());
    let redirect_uri = callback_of(app, provider.id());
    let start = LoginStart {
        redirect_uri: &redirect_uri,
        state: &state,
        nonce: &nonce,
        code_verifier: &verifier,
        level: login.asked.level(),
        fresh: login.asked.prompt.login || login.asked.max_age == Some(0),
    };
    let url = match provider.connector.begin(&start).await {
        Ok(url) => url,
        Err(failure) => return Ok(refuse(app, &login.asked.back(), &told(app, provider, &failure))),
    };
    let keep = app.snapshot().config.sign_in.login_ttl;
    let began_at = app.clock.wall().0;
    let stage = Stage::At { provider: provider.id().to_owned(), nonce, verifier, began_at, choice };
    app.memory().put(SoftKind::Login, &state, &Login { stage, ..login }, keep).await?;
    Ok(redirect(&url))
}

fn callback_of(app: &App, provider: &str) -> String {
    format!("{}/oauth2/callback/{provider}", app.issuer.url())
}

/// A provider sends the browser back.
pub(crate) async fn come_back(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let snapshot = request.snapshot.clone();
    let browser = Browser::of(&request.parts.headers);
    let trace = request.trace;
    let query = form::pairs(request.parts.uri.query().unwrap_or_default());
    let state = single(&query)?.get("state").copied().unwrap_or_default().to_owned();
    let login = app.memory().get::<Login>(SoftKind::Login, &state).await?.filter(|login| is_of(login, &browser));
    let login = login.ok_or_else(start_again)?;
    let Stage::At { provider: chosen, nonce, verifier, choice, .. } = &login.stage else { return Err(start_again()) };
    let provider = snapshot.providers.get(id).filter(|_| chosen == id).ok_or_else(start_again)?;
    // Taken by one only, and only now: a stranger who knows the state cannot end the login.
    if app.memory().take::<Login>(SoftKind::Login, &state).await?.is_none() {
        return Err(start_again());
    }
    let redirect_uri = callback_of(app, id);
    let came =
        LoginReturn { query: &query, redirect_uri: &redirect_uri, state: &state, nonce, code_verifier: verifier };
    let back = login.asked.back();
    let authenticated = match provider.connector.finish(&came).await {
        Ok(authenticated) => authenticated,
        Err(failure) => return Ok(refuse(app, &back, &told(app, provider, &failure))),
    };
    if let Some(failure) = unsuitable(provider, &login, &authenticated, app.clock.steady()) {
        app.metrics.sign_in(provider.id(), "refused");
        return Ok(refuse(app, &back, &failure));
    }
    if let Some(choice) = choice {
        app.memory().remove(SoftKind::Login, choice).await?;
    }
    let member = snapshot.members.by_id(&login.asked.client).filter(|member| member.sign_in.is_some());
    let member = member.ok_or_else(start_again)?;
    let account = account::of(app, provider, &authenticated, trace).await?;
    app.metrics.sign_in(provider.id(), "accepted");
    let way = Way { app, snapshot: &snapshot, member };
    let (name, session) = begin_session(app, provider, &authenticated, account, browser.session()).await?;
    let mut answer = way.agree(login.asked, &name, session, &browser).await?;
    browser::set_session(&mut answer, &name);
    Ok(answer)
}

/// Why who signed in will not do.
fn unsuitable(provider: &Provider, login: &Login, came: &Authenticated, now: Timestamp) -> Option<Failure> {
    if !provider.takes(came.person.kind) {
        return Some(OAuthError::AccessDenied.because("people of this kind do not sign in with this provider"));
    }
    let too_old = |age: i64| came.auth_time.is_some_and(|at| at.0 / 1000 + age + CLOCKS_DIFFER < now.0 / 1000);
    if login.asked.max_age.is_some_and(too_old) {
        return Some(OAuthError::LoginRequired.because("the provider did not ask the person again"));
    }
    let least = login.asked.level()?;
    let reached = came.person.level.is_some_and(|level| level >= least);
    (!reached)
        .then(|| OAuthError::UnmetAuthenticationRequirements.because(format!("the provider did not vouch for {least}")))
}

/// How far a provider's clock may be off, in seconds.
const CLOCKS_DIFFER: i64 = 60;

/// A session of its own for this sign-in. The one before, whoever's it was, ends in this browser.
async fn begin_session(
    app: &App,
    provider: &Provider,
    came: &Authenticated,
    account: String,
    before: Option<&str>,
) -> Result<(String, Session), Failure> {
    let settings = app.snapshot().config.sign_in;
    let now = app.clock.steady();
    let longest = i64::try_from(settings.longest.as_millis()).unwrap_or(i64::MAX);
    let said = |at: Timestamp| (at.0 / 1000).min(now.0 / 1000);
    let session = Session {
        sid: crate::identity::random_id(),
        account,
        provider: provider.id().to_owned(),
        provider_sid: came.sid.clone(),
        provider_token: came.id_token.clone(),
        profile: Profile::of(&came.person),
        level: came.person.level.map(Level::number),
        auth_time: came.auth_time.map_or(now.0 / 1000, said),
        ends: now.plus_millis(longest).0,
        grants: Vec::new(),
        agreed: Vec::new(),
    };
    let (name, memory) = (random_text(), app.memory());
    if let Some(before) = before {
        memory.remove(SoftKind::Session, before).await?;
    }
    if let Some(sid) = &came.sid {
        memory.put(SoftKind::Session, &there(provider.id(), sid), &name, settings.longest).await?;
    }
    let of_person = person_there(provider.id(), &came.person.subject);
    let mut names = memory.get::<Vec<String>>(SoftKind::Session, &of_person).await?.unwrap_or_default();
    names.truncate(MOST_SESSIONS - 1);
    names.insert(0, name.clone());
    memory.put(SoftKind::Session, &of_person, &names, settings.longest).await?;
    memory.put(SoftKind::Session, &name, &session, settings.session_ttl.min(settings.longest)).await?;
    Ok((name, session))
}

/// Under what a session is found when its provider says that it ended.
pub(crate) fn there(provider: &str, sid: &str) -> String {
    format!("{provider} {sid}")
}

/// Under what all sessions of a person are found when his provider says that they ended.
pub(crate) fn person_there(provider: &str, subject: &str) -> String {
    format!("{provider} person {subject}")
}

/// Sessions of one person that are found so, the newest first.
const MOST_SESSIONS: usize = 20;

/// What the client is told when a provider did not say who somebody is; the operator is told why.
fn told(app: &App, provider: &Provider, failure: &ProviderFailure) -> Failure {
    let (id, cause) = (provider.id(), &failure.cause);
    tracing::warn!(provider = id, cause = %cause.code, detail = %cause.detail, kind = ?failure.kind, "identity provider did not vouch");
    match failure.kind {
        ProviderFailureKind::Denied => {
            app.metrics.sign_in(id, "denied");
            OAuthError::AccessDenied.because("the person or the provider said no")
        }
        ProviderFailureKind::Unreachable | ProviderFailureKind::TimedOut => {
            app.metrics.sign_in(id, "unreachable");
            OAuthError::TemporarilyUnavailable.because("the identity provider does not answer; try again later")
        }
        ProviderFailureKind::Refused | ProviderFailureKind::Untrusted | ProviderFailureKind::Malformed => {
            app.metrics.sign_in(id, "untrusted");
            OAuthError::AccessDenied.because("what the identity provider said cannot be relied on; tell the operator")
        }
    }
}
