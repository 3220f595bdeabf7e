//! How callers get in: tokens from `client_credentials` as a WSO2 gateway gives them, and the `lgspaccesstoken` header.
//!
//! They protect nothing: the sandbox holds no real data.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::sessions::Sessions;

/// Who is let in and how calls are answered when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// The client that gets tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The life of a token in milliseconds.
    pub token_lifetime_ms: u64,
    /// Calls that a token is good for; absent = no limit.
    pub token_calls: Option<u32>,
    /// Whether asking again gives the living token with the time that it has left, as WSO2 does; otherwise a new one.
    pub same_token: bool,
    /// How long every answer takes, in milliseconds; calls wait beside each other.
    pub answer_delay_ms: u64,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            client_id: "lgsp".into(),
            client_secret: "lgsp-sandbox".into(),
            token_lifetime_ms: 3_600_000,
            token_calls: None,
            same_token: true,
            answer_delay_ms: 0,
        }
    }
}

impl Access {
    /// The value of the `Authorization` header of a token request.
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret)))
    }

    /// Whether a token request has the right credentials, by Basic or in the form.
    pub(crate) fn is_client(&self, call: &Call, form: &Query) -> bool {
        match call.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            Some(basic) => basic == self.basic(),
            None => {
                form.get("client_id") == Some(&self.client_id) && form.get("client_secret") == Some(&self.client_secret)
            }
        }
    }
}

/// The `lgspaccesstoken` header of older platforms: base64 of JSON with these names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LgspKey {
    /// Who calls.
    pub access_key: String,
    /// The secret, which goes over the wire with every call.
    pub secret_key: String,
    /// The calling application.
    pub app_name: String,
    /// The calling agency.
    pub partner_code: String,
    /// On whose behalf.
    pub partner_code_cus: String,
}

impl Default for LgspKey {
    fn default() -> Self {
        Self {
            access_key: "lgsp".into(),
            secret_key: "lgsp-sandbox".into(),
            app_name: "lgsp".into(),
            partner_code: "000.00.00.H56".into(),
            partner_code_cus: "000.00.00.H56".into(),
        }
    }
}

impl LgspKey {
    /// The header's value.
    pub fn header(&self) -> String {
        STANDARD.encode(json!(self).to_string())
    }

    /// Whether the header of a call is this key. The refusals are those of the field: 401 for the key, 403 for the
    /// agency.
    pub(crate) fn check(&self, call: &Call) -> Result<(), Answer> {
        let given = call.header("lgspaccesstoken").and_then(|text| STANDARD.decode(text).ok());
        let given = given.and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        match given {
            Some(given) if given.access_key != self.access_key || given.secret_key != self.secret_key => {
                Err(lgsp_refusal(StatusCode::UNAUTHORIZED, "Sai thông tin xác thực"))
            }
            Some(given) if given.partner_code != self.partner_code => {
                Err(lgsp_refusal(StatusCode::FORBIDDEN, "Đơn vị không có quyền sử dụng dịch vụ"))
            }
            Some(_) => Ok(()),
            None => Err(lgsp_refusal(StatusCode::UNAUTHORIZED, "Thiếu lgspaccesstoken")),
        }
    }
}

/// A refusal of an older platform.
pub(crate) fn lgsp_refusal(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({"error_code": status.as_str(), "message": message}))
}

/// Tokens of one partner.
pub(crate) struct Tokens {
    open: Sessions,
    /// The last one that was given.
    last: Option<String>,
}

impl Tokens {
    pub(crate) fn new(seed: u64) -> Self {
        Self { open: Sessions::new(seed), last: None }
    }

    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// A token and the time that it has left.
    pub(crate) fn give(&mut self, access: &Access, call: &Call) -> (String, Duration) {
        if access.same_token {
            let living =
                self.last.as_ref().and_then(|token| Some((token.clone(), self.open.remaining(token, call.now)?)));
            if let Some(living) = living {
                return living;
            }
        }
        let (token, lifetime) = self.give_new(access, call.now);
        self.last = Some(token.clone());
        (token, lifetime)
    }

    /// A token that nobody else has, and its life.
    pub(crate) fn give_new(&mut self, access: &Access, now: Instant) -> (String, Duration) {
        let lifetime = Duration::from_millis(access.token_lifetime_ms);
        (self.open.open(lifetime, access.token_calls, now), lifetime)
    }

    /// Whether the call has a living token, which pays for it. The token stands in `Authorization` or, as some clients
    /// do, in a header `access_token`.
    pub(crate) fn spend(&mut self, call: &Call) -> bool {
        call.bearer().or_else(|| call.header("access_token")).is_some_and(|token| self.open.spend(token, call.now))
    }
}

/// `POST /token` of a WSO2 gateway. `wrong` refuses right credentials.
pub(crate) fn token(tokens: &mut Tokens, access: &Access, call: &Call, wrong: bool) -> Result<Answer, Answer> {
    let refused = |status, error: &str, description: &str| {
        Err(Answer::json(status, &json!({"error": error, "error_description": description})))
    };
    if call.method != Method::POST {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "POST only");
    }
    if call.media_type() != "application/x-www-form-urlencoded" {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", "Content-Type must be a form");
    }
    let form = Query::parse(&String::from_utf8_lossy(&call.body));
    if form.get("grant_type") != Some("client_credentials") {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type value");
    }
    if wrong || !access.is_client(call, &form) {
        let description = "A valid OAuth client could not be found for client_id";
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", description);
    }
    let (token, left) = tokens.give(access, call);
    let body = json!({"access_token": token, "scope": "default", "token_type": "Bearer", "expires_in": left.as_secs()});
    Ok(Answer::ok(&body))
}

/// What a WSO2 gateway answers to a call without a living token.
pub(crate) fn invalid_credentials() -> Answer {
    let body = json!({
        "code": "900901", "message": "Invalid Credentials",
        "description": "Invalid Credentials. Make sure you have provided the correct security credentials",
    });
    let challenge = "OAuth2 realm=\"WSO2 API Manager\", error=\"invalid_token\", \
                     error_description=\"The access token expired\"";
    Answer::json(StatusCode::UNAUTHORIZED, &body).with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}
