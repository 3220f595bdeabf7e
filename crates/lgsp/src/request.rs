//! The phases of a request before its work: accept, resolve, identify, authorise, admit. Each takes what only the one
//! before it can make, so that no handler can be reached by a caller whose right to it was not checked.

use std::sync::Arc;

use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use lgsp_model::{AgencyCode, ByteCount, ErrorCode, Scope};

use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::identity::{Authentication, CertificateFacts, Head, Identified, authenticate};
use crate::server::{BodyReader, Peer};
use crate::trace::Trace;

/// A request whose head was read; its body waits.
pub(crate) struct Accepted {
    /// Boxed: it is handed on from phase to phase, and each would hold room for it.
    pub(crate) parts: Box<Parts>,
    pub(crate) body: Incoming,
    pub(crate) peer: Peer,
    pub(crate) trace: Trace,
    pub(crate) snapshot: Arc<Snapshot>,
    /// The thumbprint of the key that a proof beside the token showed (RFC 9449).
    pub(crate) proven_key: Option<String>,
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

    /// Splits off a body that has at most so many bytes.
    pub(crate) fn into_body_within(self, most: ByteCount) -> Result<BodyReader, Failure> {
        self.split_within(most).map(|(_, body)| body)
    }

    /// The same, and the head.
    pub(crate) fn split_within(self, most: ByteCount) -> Result<(Box<Parts>, BodyReader), Failure> {
        let body = BodyReader::bounded(self.body, &self.parts.headers, &self.snapshot.config.limits, most)?;
        Ok((self.parts, body))
    }

    /// What of it can prove who sent it.
    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            method: &self.parts.method,
            uri: &self.parts.uri,
            headers: &self.parts.headers,
            has_body: !self.body.is_end_stream(),
            scheme: if self.is_encrypted() { "https" } else { "http" },
            from: self.peer.address,
            certificate: CertificateFacts::of(&self.peer),
            proven_key: self.proven_key.as_deref(),
        }
    }

    /// Whether its sender spoke TLS: to us, or, as the issuer's address says, to a balancer before us.
    fn is_encrypted(&self) -> bool {
        self.peer.tls.is_some() || self.snapshot.config.issuer.url.starts_with("https:")
    }

    /// Who calls the gateway itself.
    pub(crate) fn identify<'a>(
        &'a self,
        app: &'a App,
    ) -> impl Future<Output = Result<Arc<Identified>, Failure>> + Send + 'a {
        // The head alone goes into the future: a body that waits cannot be shared between threads.
        let (head, members) = (self.head(), &self.snapshot.members);
        async move { Ok(authenticate(&app.keepers(), members, &head, None, &OWN_KINDS).await?.identified) }
    }
}

/// What the gateway's own API accepts: a token, or a certificate that stands for a member.
pub(crate) const OWN_KINDS: [Authentication; 2] = [Authentication::Bearer, Authentication::Mtls];

impl Authorised {
    /// Checks that the caller was granted `scope`.
    pub(crate) fn check(caller: Arc<Identified>, scope: &Scope) -> Result<Self, Failure> {
        if caller.may(scope) { Ok(Self { caller }) } else { Err(Failure::scope(scope)) }
    }

    /// A caller who has every scope that the contract of a service asks for.
    pub(crate) fn by_contract(caller: Arc<Identified>) -> Self {
        Self { caller }
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
