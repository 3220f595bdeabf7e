//! `GET` and `POST /oauth2/authorize`: a client asks who sits in front of a browser.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue, LOCATION};
use lgsp_config::{Client, Member};
use lgsp_model::Level;
use lgsp_store::SoftKind;

use super::asked::{Asked, ResponseMode, ReturnTo, Wrong, single};
use super::browser::{self, Browser};
use super::consent;
use super::error::OAuthError;
use super::grant;
use super::memory::{Login, Session, Stage, digest_of, random_text};
use super::page::{self, Choice, Language};
use super::sign_in;
use crate::answer::{self, Answer};
use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::form;
use crate::request::Accepted;

/// The client's first question.
pub(crate) async fn authorize(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let snapshot = request.snapshot.clone();
    let browser = Browser::of(&request.parts.headers);
    let english = prefers_english(&request.parts.headers);
    let pairs = super::parameters(request).await?;
    let (member, asked) = match read(app, &snapshot, pairs).await {
        Ok(read) => read,
        Err(Wrong::Page(failure)) => return Err(failure),
        Err(Wrong::Client(back, failure)) => return Ok(refuse(app, &back, &failure)),
    };
    let asked = Asked { english: asked.english || english, ..asked };
    Way { app, snapshot: &snapshot, member: &member }.go(asked, &browser).await
}

/// The first language that the browser lists.
pub(crate) fn prefers_english(headers: &HeaderMap) -> bool {
    let listed = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    listed.split(',').next().is_some_and(|first| first.trim().to_ascii_lowercase().starts_with("en"))
}

/// The request, as it came or as it was pushed.
async fn read(app: &App, snapshot: &Snapshot, mut pairs: Vec<(String, String)>) -> Result<(Arc<Member>, Asked), Wrong> {
    let given = single(&pairs).map_err(Wrong::Page)?;
    let id = given.get("client_id").map(|id| (*id).to_owned());
    let unknown =
        || Wrong::Page(OAuthError::InvalidRequest.because("client_id is no client that people can sign in to"));
    let id = id.ok_or_else(unknown)?;
    if let Some(uri) = given.get("request_uri").map(|uri| (*uri).to_owned()) {
        let pushed = super::pushed::take(app, &id, &uri).await.map_err(Wrong::Page)?;
        pairs = pushed;
    }
    let member = snapshot.members.by_id(&id).cloned().ok_or_else(unknown)?;
    let client = member.sign_in.as_ref().ok_or_else(unknown)?;
    let asked = Asked::read(&member, client, &pairs, &|place| app.issuer.service_of(place).map(str::to_owned))?;
    Ok((member, asked))
}

/// A person's way through one request, as far as it goes without him or her.
pub(crate) struct Way<'a> {
    pub(crate) app: &'a Arc<App>,
    pub(crate) snapshot: &'a Arc<Snapshot>,
    pub(crate) member: &'a Arc<Member>,
}

impl Way<'_> {
    fn client(&self) -> &Client {
        self.member.sign_in.as_ref().expect("only clients come this far")
    }

    /// Goes on with who is signed in already, or asks who it is.
    async fn go(&self, asked: Asked, browser: &Browser) -> Result<Answer, Failure> {
        let session = match browser.session() {
            Some(name) => self.app.memory().get::<Session>(SoftKind::Session, name).await?.map(|found| (name, found)),
            None => None,
        };
        match session.filter(|(_, session)| self.suffices(&asked, session)) {
            Some((name, session)) => self.agree(asked, name, session, browser).await,
            None if asked.prompt.none => {
                Ok(refuse(self.app, &asked.back(), &OAuthError::LoginRequired.because("somebody has to sign in")))
            }
            None => self.ask(asked, browser).await,
        }
    }

    /// Whether who is signed in will do.
    fn suffices(&self, asked: &Asked, session: &Session) -> bool {
        let now = self.app.clock.steady().0;
        let provider = self.snapshot.providers.get(&session.provider);
        let level = session.level.and_then(Level::new);
        !asked.prompt.login
            && !asked.prompt.choose
            && session.ends > now
            && provider.is_some_and(|provider| provider.is_for(self.client()))
            && asked.provider.as_ref().is_none_or(|wanted| *wanted == session.provider)
            && asked.level().is_none_or(|least| level >= Some(least))
            && asked.max_age.is_none_or(|age| session.auth_time.saturating_add(age) > now / 1000)
    }

    /// Asks who somebody is. A client that has chosen the provider, or may use one only, spares him the question.
    async fn ask(&self, asked: Asked, browser: &Browser) -> Result<Answer, Failure> {
        let (id, is_new) = browser.id_or_new();
        let providers: Vec<_> = self.snapshot.providers.of_client(self.client()).collect();
        let chosen = asked.provider.as_ref().and_then(|wanted| providers.iter().find(|one| one.id() == wanted));
        let only = chosen.or(match providers.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        if asked.provider.is_some() && chosen.is_none() {
            let failure = OAuthError::InvalidRequest.because("provider is not one that this client may use");
            return Ok(refuse(self.app, &asked.back(), &failure));
        }
        let login = Login { asked, browser: digest_of(&id), stage: Stage::Choosing };
        let mut answer = match only {
            Some(provider) => sign_in::send_to(self.app, provider, login, None).await?,
            None if providers.is_empty() => {
                let failure =
                    OAuthError::TemporarilyUnavailable.because("no identity provider is set up for this client");
                return Ok(refuse(self.app, &login.asked.back(), &failure));
            }
            None => {
                let (name, english) = (random_text(), login.asked.english);
                let keep = self.snapshot.config.sign_in.login_ttl;
                self.app.memory().put(SoftKind::Login, &name, &login, keep).await?;
                let choices: Vec<_> =
                    providers.iter().map(|one| Choice { id: one.id(), name: one.name(english) }).collect();
                page::choose(Language::english_if(english), &self.member.name, &name, &choices)
            }
        };
        if is_new {
            browser::set_browser(&mut answer, &id);
        }
        Ok(answer)
    }

    /// Goes on with a code, or asks whether the client may learn who it is.
    pub(crate) async fn agree(
        &self,
        asked: Asked,
        name: &str,
        session: Session,
        browser: &Browser,
    ) -> Result<Answer, Failure> {
        if !consent::is_needed(self.client(), &asked, &session) {
            return grant::give_code(self, asked, name, session).await;
        }
        if asked.prompt.none {
            return Ok(refuse(
                self.app,
                &asked.back(),
                &OAuthError::ConsentRequired.because("the person has to agree"),
            ));
        }
        consent::ask(self, asked, name, &session, browser).await
    }
}

/// Tells the client that it gets no code.
pub(crate) fn refuse(app: &App, back: &ReturnTo, failure: &Failure) -> Answer {
    let error = OAuthError::of(failure);
    tracing::info!(error = error.as_str(), cause = %failure.detail, "sign-in refused");
    return_to(app, back, vec![("error", error.as_str().to_owned()), ("error_description", failure.detail.clone())])
}

/// Sends the browser back to the client. `iss` keeps a client of several issuers from taking one's answer for another's
/// (RFC 9207).
pub(crate) fn return_to(app: &App, back: &ReturnTo, mut fields: Vec<(&'static str, String)>) -> Answer {
    if let Some(state) = &back.state {
        fields.push(("state", state.clone()));
    }
    fields.push(("iss", app.issuer.url().to_owned()));
    match back.mode {
        ResponseMode::FormPost => page::form_post(Language::Vietnamese, &back.redirect_uri, &fields),
        ResponseMode::Query => {
            let separator = if back.redirect_uri.contains('?') { '&' } else { '?' };
            redirect(&format!("{}{separator}{}", back.redirect_uri, form::encode(&fields)))
        }
    }
}

/// Sends the browser elsewhere, with a GET whatever it came with.
pub(crate) fn redirect(to: &str) -> Answer {
    let mut answer = answer::with_body(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    answer.headers_mut().insert(LOCATION, location);
    answer
}
