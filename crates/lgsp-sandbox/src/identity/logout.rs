//! The end of a session: the browser's way out and back, and the message behind it to a client (OpenID Connect
//! Back-Channel Logout 1.0).
//!
//! Nobody is registered for messages: they go where a test says, over plain http.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};

use super::keys::random_name;
use super::openid::{OpenId, Provider, SignIn, now_s};
use super::page;
use crate::address::{may_return, send_back};
use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::partner::{Inside, Partner};

/// How long a client may take to answer a message.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// The life of a logout token in seconds.
const LIFE_S: u64 = 120;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Why a message did not reach a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackChannelFailure {
    /// No sign-in of this session or person became tokens.
    UnknownSession,
    /// The address is no http address.
    BadAddress,
    /// Nobody answered there, or not within ten seconds.
    NoAnswer,
}

impl fmt::Display for BackChannelFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownSession => "no such session, or its code never became tokens",
            Self::BadAddress => "url must be an http address",
            Self::NoAnswer => "nobody answered at url within ten seconds",
        })
    }
}

impl std::error::Error for BackChannelFailure {}

/// `GET` or `POST …/logout` (OpenID Connect RP-Initiated Logout 1.0).
pub(super) fn answer<K: Provider>(inside: &mut Inside<OpenId<K>>, call: &Call) -> Answer {
    let form = Query::parse(&String::from_utf8_lossy(&call.body));
    let given = |name: &str| call.query.get(name).or_else(|| form.get(name));
    // The names of sessions cannot be guessed, so that whoever has one has seen the token.
    let session = given("id_token_hint").and_then(session_of);
    if let Some(sign_in) = session.and_then(|sid| inside.own.sign_ins.get_mut(&sid)) {
        sign_in.ended = true;
    }
    match given("post_logout_redirect_uri") {
        Some(to) if !may_return(&inside.settings.redirect_uris, to) => {
            page::refused("post_logout_redirect_uri is not allowed")
        }
        Some(to) => {
            let state = given("state").map(|state| ("state", state));
            send_back(to, state.as_slice())
        }
        None => page::signed_out(),
    }
}

fn session_of(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&claims).ok()?["sid"].as_str().map(str::to_owned)
}

impl<K: Provider> Inside<OpenId<K>> {
    /// For a session, or for all of the person whose session it is.
    fn logout_token(&mut self, sid: &str, whole: bool) -> Option<String> {
        let SignIn { issuer, subject, client_id, .. } =
            self.own.sign_ins.get(sid).filter(|sign_in| sign_in.redeemed)?.clone();
        let now = now_s();
        let mut claims = json!({
            "iss": issuer, "sub": subject, "aud": client_id, "iat": now, "exp": now + LIFE_S, "jti": random_name(),
            "events": {EVENT: {}},
        });
        if !whole {
            claims["sid"] = sid.into();
        }
        Some(self.sign("logout+jwt", claims.as_object().cloned().unwrap_or_default(), now))
    }
}

impl<K: Provider> Partner<OpenId<K>> {
    /// A logout token for a session whose code became tokens.
    pub fn logout_token(&self, sid: &str) -> Option<String> {
        self.lock().logout_token(sid, false)
    }

    /// A logout token for all sessions of the person whose session this is: it names him and none of them.
    pub fn logout_token_of_person(&self, sid: &str) -> Option<String> {
        self.lock().logout_token(sid, true)
    }

    /// Posts a logout token for a session to a client and answers the status that came back.
    pub async fn post_logout(&self, sid: &str, url: &str) -> Result<u16, BackChannelFailure> {
        let token = self.logout_token(sid).ok_or(BackChannelFailure::UnknownSession)?;
        let url: hyper::Uri = url.parse().map_err(|_| BackChannelFailure::BadAddress)?;
        if url.scheme_str() != Some("http") {
            return Err(BackChannelFailure::BadAddress);
        }
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(format!("logout_token={token}"))))
            .map_err(|_| BackChannelFailure::BadAddress)?;
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        match tokio::time::timeout(MAX_WAIT, client.request(request)).await {
            Ok(Ok(response)) => Ok(response.status().as_u16()),
            Ok(Err(_)) | Err(_) => Err(BackChannelFailure::NoAnswer),
        }
    }

    /// `POST /sandbox/<provider>/back-channel-logout` with `url` and `sid`, or `person` for the newest session.
    pub(crate) async fn command_logout(&self, body: &[u8]) -> Result<Value, (StatusCode, String)> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Which {
            url: String,
            #[serde(default)]
            sid: Option<String>,
            #[serde(default)]
            person: Option<String>,
        }
        let bad = |error: &dyn fmt::Display| (StatusCode::BAD_REQUEST, error.to_string());
        let which: Which = serde_json::from_slice(body).map_err(|error| bad(&error))?;
        let newest = |person: &String| {
            let inside = self.lock();
            let sign_in = inside.own.sign_ins.values().rfind(|it| it.redeemed && it.person == *person);
            sign_in.map(|sign_in| sign_in.sid.clone())
        };
        let sid = which.sid.or_else(|| which.person.as_ref().and_then(newest));
        let sid = sid.ok_or_else(|| bad(&BackChannelFailure::UnknownSession))?;
        let status = self.post_logout(&sid, &which.url).await.map_err(|error| bad(&error))?;
        Ok(json!({"sid": sid, "status": status}))
    }
}
