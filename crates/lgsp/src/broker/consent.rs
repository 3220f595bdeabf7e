//! Whether a client may learn who somebody is: he is asked once in a session, unless the client is the province's own.

use std::sync::Arc;

use lgsp_config::{ClaimScope, Client};
use lgsp_store::SoftKind;

use super::asked::Asked;
use super::authorize::{Way, refuse};
use super::browser::{self, Browser};
use super::error::OAuthError;
use super::memory::{Login, Session, Stage, digest_of, random_text};
use super::page::{self, Language};
use super::{grant, sign_in};
use crate::answer::Answer;
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::request::Accepted;

/// Whether he has to be asked.
pub(crate) fn is_needed(client: &Client, asked: &Asked, session: &Session) -> bool {
    if asked.prompt.consent {
        return true;
    }
    let agreed = session.agreed.iter().find(|(id, _)| *id == asked.client).map(|(_, claims)| claims);
    let covers = |claims: &Vec<String>| asked.claims.iter().all(|claim| claims.contains(claim));
    !client.trusted && !agreed.is_some_and(covers)
}

/// Asks him.
pub(crate) async fn ask(
    way: &Way<'_>,
    asked: Asked,
    session_name: &str,
    session: &Session,
    browser: &Browser,
) -> Result<Answer, Failure> {
    let language = Language::english_if(asked.english);
    let data: Vec<_> = asked.claims.iter().filter_map(|name| described(name, asked.english)).collect();
    let name = random_text();
    let (id, is_new) = browser.id_or_new();
    let mut page = page::consent(language, &way.member.name, session.profile.name(), &name, &data);
    if is_new {
        browser::set_browser(&mut page, &id);
    }
    let stage = Stage::Consenting { session: session_name.to_owned() };
    let login = Login { asked, browser: digest_of(&id), stage };
    way.app.memory().put(SoftKind::Login, &name, &login, way.snapshot.config.sign_in.login_ttl).await?;
    Ok(page)
}

/// What a client learns, for people.
fn described(name: &str, english: bool) -> Option<&'static str> {
    let (vi, en) = match ClaimScope::of(name)? {
        ClaimScope::OpenId => ("mã tài khoản của bạn tại hệ thống này", "your account number here"),
        ClaimScope::Profile => ("họ tên, ngày sinh, loại tài khoản", "name, date of birth, kind of account"),
        ClaimScope::Email => ("thư điện tử", "e-mail address"),
        ClaimScope::Phone => ("số điện thoại", "telephone number"),
        ClaimScope::Identity => ("số định danh hoặc mã số thuế", "identity number or tax code"),
        ClaimScope::OfflineAccess => ("được giữ phiên khi bạn vắng mặt", "stay signed in while you are away"),
    };
    Some(if english { en } else { vi })
}

/// `POST /oauth2/consent`: he has decided.
pub(crate) async fn decide(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let snapshot = request.snapshot.clone();
    let browser = Browser::of(&request.parts.headers);
    sign_in::check_origin(app, &request)?;
    let pairs = super::form(request).await?;
    let (memory, name) = (app.memory(), form::value(&pairs, "login").unwrap_or_default());
    let waiting = memory.get::<Login>(SoftKind::Login, name).await?.filter(|login| sign_in::is_of(login, &browser));
    let Some(Login { stage: Stage::Consenting { session: named }, asked, .. }) = waiting else {
        return Err(sign_in::start_again());
    };
    if browser.session() != Some(named.as_str()) || memory.take::<Login>(SoftKind::Login, name).await?.is_none() {
        return Err(sign_in::start_again());
    }
    if form::value(&pairs, "answer") != Some("allow") {
        let failure = OAuthError::AccessDenied.because("the person does not agree");
        return Ok(refuse(app, &asked.back(), &failure));
    }
    let session = memory.get::<Session>(SoftKind::Session, &named).await?;
    let mut session = session.ok_or_else(sign_in::start_again)?;
    session.agreed.retain(|(id, _)| *id != asked.client);
    session.agreed.push((asked.client.clone(), asked.claims.clone()));
    let member = snapshot.members.by_id(&asked.client).filter(|member| member.sign_in.is_some());
    let member = member.ok_or_else(sign_in::start_again)?;
    grant::give_code(&Way { app, snapshot: &snapshot, member }, asked, &named, session).await
}
