//! The phases of a request before its work: accept, resolve, identify, authorise, admit. Each takes what only the one
//! before it can make, so that no handler can be reached by a caller whose right to it was not checked.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use lgsp_config::Scope;
use lgsp_model::{AgencyCode, ErrorCode, Timestamp};

use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::identity::Identified;
use crate::server::{BodyReader, Peer};
use crate::trace::Trace;

/// A request whose head was read; its body waits.
pub(crate) struct Accepted {
    pub(crate) parts: Parts,
    pub(crate) body: Incoming,
    pub(crate) peer: Peer,
    pub(crate) trace: Trace,
    pub(crate) snapshot: Arc<Snapshot>,
}

/// A caller who may do one thing.
#[derive(Clone)]
pub(crate) struct Authorised {
    caller: Arc<Identified>,
}

impl Accepted {
    /// The value of a header, when it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The value of a query parameter, decoded; the first one counts.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        crate::form::pairs(self.parts.uri.query().unwrap_or_default())
            .into_iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The media type of the body, lower case, without parameters.
    pub(crate) fn media_type(&self) -> String {
        let given = self.header("content-type").unwrap_or_default();
        given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether the caller asks for NDJSON.
    pub(crate) fn wants_ndjson(&self) -> bool {
        self.header("accept").is_some_and(|accept| accept.contains("application/x-ndjson"))
    }

    /// Splits off the body.
    pub(crate) fn into_body(self) -> Result<BodyReader, Failure> {
        BodyReader::new(self.body, &self.parts.headers, &self.snapshot.config.limits)
    }

    /// Who calls, by a bearer token.
    pub(crate) fn identify(&self, app: &App, now: Timestamp) -> Result<Arc<Identified>, Failure> {
        let refused = |detail| Failure::new(ErrorCode::Unauthenticated, detail);
        let value = self.parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let value = value.ok_or_else(|| refused("send Authorization: Bearer <token> from POST /oauth2/token"))?;
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(refused("the scheme must be Bearer")),
        };
        let identified = app.tokens.identify(token, &app.issuer, &self.snapshot.members, now);
        identified.ok_or_else(|| refused("the token is not ours, has ended, or its member is gone"))
    }
}

impl Authorised {
    /// Checks that the caller was granted `scope`.
    pub(crate) fn check(caller: Arc<Identified>, scope: &Scope) -> Result<Self, Failure> {
        if caller.may(scope) { Ok(Self { caller }) } else { Err(Failure::scope(scope_text(scope))) }
    }

    pub(crate) fn caller(&self) -> &Identified {
        &self.caller
    }

    /// Checks that records of an agency are the caller's business.
    pub(crate) fn check_agency(&self, agency: &AgencyCode) -> Result<(), Failure> {
        if self.caller.covers(agency) {
            return Ok(());
        }
        let detail = format!("the agency {agency} was not granted to {}", self.caller.member.id);
        Err(Failure::new(ErrorCode::AgencyNotGranted, detail))
    }
}

fn scope_text(scope: &Scope) -> &'static str {
    match scope {
        Scope::DossierPush => "dossier:push",
        Scope::DossierRead => "dossier:read",
        Scope::ChangesRead => "changes:read",
        Scope::PaymentCreate => "payment:create",
        Scope::PaymentRead => "payment:read",
        Scope::ReportRead => "report:read",
        Scope::Service(_) => "service",
    }
}
