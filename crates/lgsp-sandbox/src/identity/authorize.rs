//! The authorization endpoint: looks at the request, shows whom to sign in as, sends the browser back with a code.
//!
//! It remembers no browser: everybody is asked every time.

use std::time::Duration;

use hyper::{Method, StatusCode};

use super::keys::random_name;
use super::openid::{Code, OpenId, Provider, SignIn, now_s};
use super::page;
use super::settings::PkceRule;
use super::spoil::{STRANGER, TokenFault};
use crate::address::{may_return, send_back};
use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::partner::Inside;

/// A mistake in a request: the standard's word and what it was.
type Mistake = (&'static str, &'static str);

pub(super) fn answer<K: Provider>(inside: &mut Inside<OpenId<K>>, call: &Call) -> Answer {
    let query = &call.query;
    // Without a known client and address nobody may be sent anywhere (RFC 6749 §4.1.2.1).
    let client = query.get("client_id").filter(|id| *id == inside.settings.access.client_id);
    let Some(client) = client else { return page::refused("unknown client_id") };
    let redirect_uri = query.get("redirect_uri").filter(|uri| may_return(&inside.settings.redirect_uris, uri));
    let Some(redirect_uri) = redirect_uri else { return page::refused("redirect_uri is not allowed") };
    if let Err((error, description)) = check(query, inside.pkce()) {
        return back(inside, call, redirect_uri, &[("error", error), ("error_description", description)]);
    }
    let page = |notice| page::choose(K::TITLE, client, notice, inside.own.people.iter());
    if call.method == Method::GET {
        return page(None);
    }
    if call.method != Method::POST {
        return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "GET or POST\n");
    }
    let form = Query::parse(&String::from_utf8_lossy(&call.body));
    if form.get("cancel").is_some() {
        let denied = [("error", "access_denied"), ("error_description", "the person went back")];
        return back(inside, call, redirect_uri, &denied);
    }
    let person = form.get("person").filter(|person| inside.own.person(person).is_some());
    let Some(person) = person else { return page(Some("Hãy chọn một tài khoản. / Choose an account.")) };
    let code = give_code(inside, call, person, redirect_uri);
    back(inside, call, redirect_uri, &[("code", &code)])
}

/// Whether the provider can do what is asked.
fn check(query: &Query, pkce: PkceRule) -> Result<(), Mistake> {
    if query.get("response_type") != Some("code") {
        return Err(("unsupported_response_type", "only code"));
    }
    if query.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "none")) {
        return Err(("login_required", "nobody is signed in without being asked"));
    }
    let challenge = query.get("code_challenge");
    match (pkce, challenge, query.get("code_challenge_method")) {
        (PkceRule::Ignored, _, _) | (PkceRule::Checked, None, None) => Ok(()),
        (PkceRule::Checked | PkceRule::Required, Some(_), None | Some("S256" | "plain")) => Ok(()),
        (_, None, _) => Err(("invalid_request", "code_challenge is missing")),
        (_, Some(_), Some(_)) => Err(("invalid_request", "unknown code_challenge_method")),
    }
}

fn give_code<K: Provider>(inside: &mut Inside<OpenId<K>>, call: &Call, person: &str, redirect_uri: &str) -> String {
    let asked = |name: &str| call.query.get(name).map(str::to_owned);
    let sign_in = SignIn {
        sid: random_name(),
        person: person.to_owned(),
        subject: inside.subject(person),
        issuer: inside.issuer(call),
        client_id: asked("client_id").unwrap_or_default(),
        redirect_uri: redirect_uri.to_owned(),
        scope: asked("scope").unwrap_or_default(),
        nonce: asked("nonce"),
        acr_values: asked("acr_values"),
        prompt: asked("prompt"),
        code_challenge: asked("code_challenge"),
        code_challenge_method: asked("code_challenge_method"),
        auth_time: now_s(),
        redeemed: false,
        ended: false,
    };
    let (code, life) = (random_name(), Duration::from_millis(inside.settings.code_lifetime_ms));
    inside.own.codes.put(code.clone(), Code { sid: sign_in.sid.clone(), ends: call.now + life, used: false });
    inside.own.sign_ins.put(sign_in.sid.clone(), sign_in);
    code
}

/// The way back to the client, with `state` and, where the provider says who it is, `iss`.
fn back<K: Provider>(inside: &Inside<OpenId<K>>, call: &Call, to: &str, pairs: &[(&str, &str)]) -> Answer {
    let mut pairs = pairs.to_vec();
    let state = if inside.spoils(TokenFault::WrongState) { Some("another-state") } else { call.query.get("state") };
    pairs.extend(state.map(|state| ("state", state)));
    let issuer = if inside.spoils(TokenFault::ResponseIssuerWrong) {
        Some(STRANGER.to_owned())
    } else {
        let says = K::RESPONSE_ISSUER && !inside.spoils(TokenFault::ResponseIssuerMissing);
        says.then(|| inside.issuer(call))
    };
    pairs.extend(issuer.as_deref().map(|issuer| ("iss", issuer)));
    send_back(to, &pairs)
}
