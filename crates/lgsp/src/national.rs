//! The dialect of the portal's adapter, so that a one-stop system changes nothing but its URL: a login, and one call path
//! whose body names the service. Answers are always HTTP 200 with `error_code`.

mod catalogue;
mod envelope;
mod push;

use std::sync::Arc;

use hyper::StatusCode;
use lgsp_model::{ErrorCode, Finding, Scope};
use serde_json::json;

pub(crate) use catalogue::CatalogueCache;

use crate::answer::{self, Answer};
use crate::app::{App, RecordContract};
use crate::failure::Failure;
use crate::identity::{CertificateFacts, Identified, certificate_suffices};
use crate::intake::Takes;
use crate::request::{Accepted, Authorised};
use envelope::{Envelope, Login};

/// What the portal answers a login with.
const LOGGED_IN: &str = "Đăng nhập thành công";

/// `mapi/login`: user name and password for a session.
pub(crate) async fn login(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let (peer, snapshot) = (request.peer.clone(), request.snapshot.clone());
    let body = request.into_body()?.read_whole().await?;
    let Login { username, password } = Login::read(&body)?;
    let member = snapshot.members.by_username(&username);
    let credential = member.and_then(|member| member.national.as_ref()).map(|login| &login.credential);
    let now = app.clock.steady();
    app.secrets.check(member.map(|member| &member.id), credential, &password, peer.address, now).await?;
    let member = member.ok_or_else(|| Failure::new(ErrorCode::BadCredentials, "unknown user name"))?;
    if !certificate_suffices(&snapshot.members, member, CertificateFacts::of(&peer).as_ref()) {
        return Err(Failure::new(ErrorCode::BadCredentials, NO_CERTIFICATE));
    }
    let session = app.sessions.open(&member.id, now);
    Ok(answer::json(StatusCode::OK, json!({"error_code": 0, "session": session, "message": LOGGED_IN}).to_string()))
}

/// What a member is told that demands its certificate for all its calls.
const NO_CERTIFICATE: &str = "this member counts only together with its client certificate";

/// Letters of an unknown service's name that are given back: names have some twenty. Digits are left out: somebody may
/// have put a number of a person there.
const SHOWN: usize = 64;

fn unknown_service(name: &str) -> Failure {
    let name: String = name.chars().filter(|c| c.is_ascii_alphabetic()).take(SHOWN).collect();
    let message = format!("there is no service {name} here");
    let finding = Finding::new("/service", "unknown-service", message.clone());
    Failure { findings: vec![finding], ..Failure::new(ErrorCode::UnknownService, message) }
}

/// `mapi/g`: one service of a session.
pub(crate) async fn call(app: &Arc<App>, request: Accepted) -> Result<Answer, Failure> {
    let (peer, trace, snapshot) = (request.peer.clone(), request.trace, request.snapshot.clone());
    let body = request.into_body()?.read_whole().await?;
    let envelope = Envelope::read(&body)?;
    let now = app.clock.steady();
    let member = app.sessions.member(&envelope.session, &snapshot.members, now);
    let member =
        member.ok_or_else(|| Failure::new(ErrorCode::SessionExpired, "the session is unknown or has ended"))?;
    if !certificate_suffices(&snapshot.members, &member, CertificateFacts::of(&peer).as_ref()) {
        return Err(Failure::new(ErrorCode::SessionExpired, NO_CERTIFICATE));
    }
    snapshot.members.note_use(&member.id, app.clock.wall());
    let caller = Arc::new(Identified::by_session(member));
    let push = |contract| {
        let caller = Authorised::check(caller.clone(), &Scope::DossierPush)?;
        Takes::new(app, caller, contract, trace, &snapshot)
    };
    match envelope.service.as_str() {
        "DongBoHoSoMC" => push::records(app, push(RecordContract::Dossier)?, &envelope).await,
        "CapNhatTienDoHoSoMC" => push::records(app, push(RecordContract::Progress)?, &envelope).await,
        "DongBoTrangThaiHoSo" => push::records(app, push(RecordContract::Notice)?, &envelope).await,
        "TraCuuHoSo" => push::look_up(app, &Authorised::check(caller, &Scope::DossierRead)?, &envelope).await,
        service if catalogue::is_service(service) => app.catalogue.answer(app, &envelope).await,
        service => Err(unknown_service(service)),
    }
}
