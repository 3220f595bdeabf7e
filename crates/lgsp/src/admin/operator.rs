//! Who operates the gateway: proven by the admin token, named by `X-Actor`. A handler that changes or shows anything
//! takes an [`Operator`], which only the proof makes.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use lgsp_config::Credential;
use lgsp_model::ErrorCode;
use lgsp_store::{AuditEntry, StoreError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Admin;
use crate::failure::Failure;
use crate::trace::Trace;

/// Where a request came from, and its trace.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) address: IpAddr,
    pub(super) trace: Trace,
}

/// A refused request on its way through axum; the gate turns it into an answer.
#[derive(Clone)]
pub(super) struct Refusal(pub(super) Failure);

/// Somebody who may operate the gateway.
pub(super) struct Operator {
    actor: String,
    from: Origin,
}

/// The name of an operator who does not give one.
const NAMELESS: &str = "admin";
/// The longest name in characters.
const MAX_ACTOR: usize = 64;
/// The longest reason in characters: it is kept in the log for ever.
const MAX_REASON: usize = 500;

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

impl FromRequestParts<Arc<Admin>> for Operator {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Refusal> {
        let from = *parts.extensions.get::<Origin>().expect("the gate says where each request came from");
        let refused = |detail| Failure::new(ErrorCode::Unauthenticated, detail);
        let value = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let value = value.ok_or_else(|| refused("send Authorization: Bearer <the token of [admin]>"))?;
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(refused("the scheme must be Bearer").into()),
        };
        let wanted = Credential::Plain(admin.app.snapshot().config.admin.token.clone());
        let now = admin.app.clock.steady();
        let checked = admin.tokens.check(Some(&admin.name), Some(&wanted), token, from.address, now).await;
        checked.map_err(|failure| match failure.code {
            ErrorCode::BadCredentials => refused("the admin token is wrong"),
            _ => failure,
        })?;
        let actor = match parts.headers.get("x-actor") {
            None => NAMELESS.to_owned(),
            Some(name) => actor(name.as_bytes())?,
        };
        Ok(Self { actor, from })
    }
}

/// A name that may stand in the log for ever.
fn actor(name: &[u8]) -> Result<String, Failure> {
    let name = std::str::from_utf8(name).ok().map(str::trim).filter(|name| is_line(name, MAX_ACTOR));
    let bad = || Failure::new(ErrorCode::BadParameter, "X-Actor must be a name of 1 to 64 characters in UTF-8");
    name.map(str::to_owned).ok_or_else(bad)
}

fn is_line(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

impl Operator {
    /// The record of an act.
    pub(super) fn entry(&self, admin: &Admin, action: &str, object: String, reason: Reason) -> AuditEntry {
        tracing::info!(
            trace_id = %self.from.trace.id_hex(), actor = self.actor, action, object, address = %self.from.address,
            "operator acts"
        );
        AuditEntry {
            at: admin.app.clock.wall(),
            actor: self.actor.clone(),
            action: action.to_owned(),
            object,
            reason: reason.0,
            address: self.from.address.to_string(),
            trace: self.from.trace.id(),
        }
    }
}

/// Why an operator acts, in his words.
pub(super) struct Reason(String);

impl Reason {
    pub(super) fn new(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if is_line(text, MAX_REASON) {
            return Ok(Self(text.to_owned()));
        }
        Err(Failure::new(ErrorCode::BadParameter, "reason must say in one line of 1 to 500 characters why"))
    }

    /// The reason in a body that holds nothing else.
    pub(super) fn of_body(body: &Bytes) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct OnlyReason {
            reason: String,
        }
        Self::new(&read_body::<OnlyReason>(body)?.reason)
    }
}

/// A small JSON body. What is wrong is told by place, not by value.
pub(super) fn read_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("line {} column {}: send a JSON object with \"reason\"", error.line(), error.column());
        Failure::new(ErrorCode::BadParameter, detail)
    })
}

/// A parameter of the path, read by its own rules.
pub(super) fn read_path<T: std::str::FromStr>(name: &str, Path(text): &Path<String>) -> Result<T, Failure> {
    read(name, text)
}

/// A number, an id or a word, by its own rules; the value is not repeated.
pub(super) fn read<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::new(ErrorCode::BadParameter, format!("{name} is not well-formed")))
}

/// What a list was asked for.
pub(super) struct Query(Vec<(String, String)>);

/// Rows of a list when no limit is given, and the most.
const ROWS: usize = 100;
const MOST_ROWS: usize = 1000;

impl Query {
    /// The value of a parameter; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        crate::form::value(&self.0, name).filter(|value| !value.is_empty())
    }

    /// A parameter by its own rules.
    pub(super) fn value<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        self.text(name).map(|text| read(name, text)).transpose()
    }

    /// How many rows.
    pub(super) fn limit(&self) -> Result<usize, Failure> {
        let limit = self.value("limit")?.unwrap_or(ROWS);
        let bad = || Failure::new(ErrorCode::BadParameter, "limit must be 1 to 1000");
        Some(limit).filter(|limit| (1..=MOST_ROWS).contains(limit)).ok_or_else(bad)
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self(crate::form::pairs(parts.uri.query().unwrap_or_default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_needs_a_reason_of_one_line() {
        for bad in ["", "   ", "two\nlines", &"x".repeat(501)] {
            assert!(Reason::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Reason::new("  portal was down  ").unwrap().0, "portal was down");
        assert!(Reason::of_body(&Bytes::from_static(b"{}")).is_err());
        assert!(Reason::of_body(&Bytes::from_static(b"{\"reason\":\"x\",\"force\":1}")).is_err());
    }

    #[test]
    fn names_are_kept_in_their_own_letters_and_control_characters_refused() {
        assert_eq!(actor("Nguyễn Văn Trực".as_bytes()).unwrap(), "Nguyễn Văn Trực");
        for bad in [&b""[..], b"a\tb", b"\xff", &[b'a'; 65]] {
            assert!(actor(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let limit = |text: &str| Query(crate::form::pairs(text)).limit();
        assert_eq!(limit("").unwrap(), ROWS);
        assert_eq!(limit("limit=1000").unwrap(), 1000);
        for bad in ["limit=0", "limit=1001", "limit=x"] {
            assert_eq!(limit(bad).unwrap_err().code, ErrorCode::BadParameter);
        }
    }
}
