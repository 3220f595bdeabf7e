//! The way of a call to a service through its phases: identify, authorise, admit, check, map, deliver, map, check,
//! record. What becomes of it then (passed on, stored, a record) is decided by the contract's mode.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::http::request::Parts;
use lgsp_contract::{Inbound, Mode, Operation, Service, UpstreamCall};
use lgsp_model::{AgencyCode, ErrorCode, Timestamp};
use lgsp_store::{NewEvent, Subject};

use super::context::Facts;
use super::refusal::failure_of;
use super::running::Running;
use super::{forward, intake, queue};
use crate::answer::Answer;
use crate::app::App;
use crate::failure::Failure;
use crate::identity::{self, Identified};
use crate::request::Accepted;
use crate::route::ServiceRoute;
use crate::server::BodyReader;

/// A call that may be made.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) service: &'a Service,
    pub(super) operation: &'a Operation,
    pub(super) running: &'a Arc<Running>,
    pub(super) caller: Arc<Identified>,
    pub(super) now: Timestamp,
    pub(super) trace: crate::trace::Trace,
}

/// Answers one call.
pub(crate) async fn call(app: &Arc<App>, route: &ServiceRoute, request: Accepted) -> Result<Answer, Failure> {
    let found = &route.found;
    let (service, operation) = (&found.service, found.operation());
    let snapshot = request.snapshot.clone();
    let running = snapshot.services.running(service);
    let running = running.ok_or_else(|| Failure::new(ErrorCode::ServiceNotReady, "an operator has to set it up"))?;
    let keepers = app.keepers();
    let now = keepers.wall;
    let evidence = {
        let (head, members, kinds) = (request.head(), &snapshot.members, &service.exposed().authentication);
        // The head alone goes into the future: a body that waits cannot be shared between threads.
        identity::authenticate(&keepers, members, &head, Some(service.id()), kinds).await?
    };
    if let Some(missing) = service.scopes_of(operation).iter().find(|scope| !evidence.identified.may(scope)) {
        return Err(Failure::scope(missing));
    }
    if let Some(level) = service.exposed().level.filter(|level| !evidence.identified.is_for_person(*level)) {
        return Err(Failure::level(level));
    }
    let place = running.admission.enter(&evidence.identified.member.id, now)?;
    let standing = place.standing();
    let trace = request.trace;
    let call = Call { app, service, operation, running, caller: evidence.identified, now, trace };
    let mut answer = if operation.reads_bodies() || evidence.digest.is_some() {
        let whole = call.read(request, evidence.digest).await?;
        let call = call.dispatched(&whole)?;
        // Boxed: calls that pass unread need no room for it.
        Box::pin(call.answer_whole(&found.parameters, whole)).await?
    } else {
        forward::stream(&call, request, &found.parameters, Arc::new(place)).await?
    };
    standing.tell(answer.headers_mut());
    Ok(answer)
}

/// A request that was read to its end.
pub(super) struct Whole {
    pub(super) parts: Box<Parts>,
    pub(super) from: std::net::IpAddr,
    pub(super) secure: bool,
    pub(super) body: Bytes,
}

impl Call<'_> {
    async fn read(&self, request: Accepted, digest: Option<identity::ExpectedDigest>) -> Result<Whole, Failure> {
        let limits = &request.snapshot.config.limits;
        let most = self.service.exposed().limits.body;
        if digest.is_some() && request.parts.headers.contains_key(CONTENT_ENCODING) {
            // The signature covers the bytes as sent, and what is read here is inflated.
            let detail = "send signed requests without Content-Encoding";
            return Err(Failure::new(ErrorCode::UnsupportedMediaType, detail));
        }
        let reader = BodyReader::bounded(request.body, &request.parts.headers, limits, most)?;
        let body = reader.read_whole().await?;
        digest.map(|digest| digest.check(&body)).transpose()?;
        let (mut parts, from, secure) = (request.parts, request.peer.address, request.peer.tls.is_some());
        // It was inflated while it was read.
        parts.headers.remove(CONTENT_ENCODING);
        Ok(Whole { parts, from, secure, body })
    }

    /// The same call of the operation that its message is for, where several stand at one path.
    fn dispatched(&self, whole: &Whole) -> Result<Self, Failure> {
        let content_type = content_type(&whole.parts);
        let operation = self.service.dispatch(self.operation, content_type, &whole.body).map_err(failure_of)?;
        Ok(Self { operation, ..self.clone() })
    }

    async fn answer_whole(&self, parameters: &[(String, String)], whole: Whole) -> Result<Answer, Failure> {
        if !self.operation.reads_bodies() {
            return forward::whole_unread(self, whole, parameters).await;
        }
        let facts = Facts::of(self, &whole.parts, parameters);
        let context = facts.context(self);
        let content_type = content_type(&whole.parts);
        let below = below(self.service, whole.parts.uri.path());
        let inbound = Inbound { content_type, body: &whole.body, context: &context, path: below };
        let made = self.operation.request(&inbound).map_err(failure_of)?;
        self.observe("request", &made.observed);
        self.check_agency(&made)?;
        self.record_access(&made).await?;
        match self.operation.mode() {
            Mode::Proxy => forward::whole(self, whole, made, &context).await,
            // Boxed, so that calls that are passed on do not carry the room for the others.
            Mode::Queue => Box::pin(queue::accept(self, &whole, &made)).await,
            Mode::Intake => Box::pin(intake::take(self, &made, &context)).await,
        }
    }

    /// Counts what the contract only observes.
    pub(super) fn observe(&self, side: &'static str, findings: &[lgsp_model::Finding]) {
        if findings.is_empty() {
            return;
        }
        let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        tracing::info!(
            trace_id = %self.trace.id_hex(), service = self.service.id(), operation = self.operation.name(), side,
            rules = %rules.join(" "), "message breaks its contract and passes"
        );
        self.app.metrics.observed(self.service.id(), self.operation.name(), side, findings.len());
    }

    fn check_agency(&self, made: &UpstreamCall) -> Result<(), Failure> {
        let Some(agency) = &made.agency else { return Ok(()) };
        let agency: AgencyCode = agency.parse().map_err(|_| {
            let finding =
                lgsp_model::Finding::new("", "agency", "the agency must be a code such as 000.00.16.H11 or H11");
            Failure::findings(vec![finding])
        })?;
        if self.caller.covers(&agency) {
            return Ok(());
        }
        let detail = format!("the agency {agency} was not granted to {}", self.caller.member.id);
        Err(Failure::new(ErrorCode::AgencyNotGranted, detail))
    }

    /// Who looked up what is on disk before anything is asked: no look-up without a record.
    async fn record_access(&self, made: &UpstreamCall) -> Result<(), Failure> {
        let Some(audit) = &made.audit else { return Ok(()) };
        let key = lgsp_model::EventKey::of(self.service.id(), self.operation.name(), None)
            .map_err(|error| Failure::new(ErrorCode::Internal, error.to_string()))?;
        let agency = made.agency.as_deref().and_then(|agency| agency.parse().ok());
        let event = NewEvent {
            subject: Subject::Access { key, agency },
            sender: self.caller.member.id.clone(),
            at: self.now,
            payload: Bytes::copy_from_slice(audit),
            trace: self.trace.id(),
            idempotency: None,
        };
        self.app.store.append(vec![event]).await?;
        Ok(())
    }
}

fn content_type(parts: &Parts) -> Option<&str> {
    parts.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("unreadable"))
}

/// What follows the service's own path.
pub(super) fn below<'p>(service: &Service, path: &'p str) -> &'p str {
    path.strip_prefix(service.exposed().path.as_str()).unwrap_or(path)
}
