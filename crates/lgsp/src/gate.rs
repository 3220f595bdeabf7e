//! The way of a request through its phases, and the record of how it ended. No exit skips the record.

use std::sync::Arc;
use std::time::Instant;

use hyper::body::{Body, Incoming};
use hyper::header::{CACHE_CONTROL, CONNECTION, HeaderValue};
use hyper::{Request, StatusCode};
use lgsp_model::{ErrorCode, EventKind, Scope};
use serde_json::Value;

use crate::answer::{self, Answer, TRACERESPONSE};
use crate::app::{App, RecordContract};
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};
use crate::route::{self, Route};
use crate::server::{Peer, Service};
use crate::{broker, feed, intake, lookup, national, payments, services};

/// What is left of a longer body after a refusal is not waited for: the connection ends, and the answer has to say so, or
/// the client's next request goes into a closing connection.
const DRAINED_BYTES: u64 = 4 * 1024;

impl Service for App {
    async fn answer(self: Arc<Self>, peer: Peer, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let parts = Box::new(parts);
        let caller = peer.clone();
        let long = body.size_hint().upper().is_none_or(|most| most > DRAINED_BYTES);
        let snapshot = self.snapshot();
        let trace = self.traces.of_request(&parts.headers);
        let route = Route::resolve(&parts, &snapshot.config.national, &snapshot.services.router, self.clock.wall());
        let started = Instant::now();
        let method = parts.method.clone();
        let most = snapshot.config.limits.requests_in_flight;
        let accepted = Accepted { parts, body, peer, trace, snapshot, proven_key: None };
        let result = match self.admit(most) {
            Ok(_place) => work(&self, &route, accepted).await,
            Err(failure) => Err(failure),
        };
        let mut answer = result.unwrap_or_else(|failure| {
            let (code, cause) = (failure.code.code(), &failure.detail);
            tracing::info!(
                trace_id = %trace.id_hex(), route = route.label(), %method, address = %caller.address,
                certificate = caller.certificate().map(|certificate| certificate.fingerprint.as_str()), code, cause,
                "request refused"
            );
            let own = route.operation().and_then(|operation| answer::in_own_words(&failure, operation, &trace));
            let mut answer = own.unwrap_or_else(|| answer::failure(&failure, route.dialect(), &trace));
            if long {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        });
        answer.headers_mut().insert(TRACERESPONSE, trace.header());
        self.metrics.request(route.label(), route.dialect().as_str(), answer.status().as_u16(), started.elapsed());
        answer
    }
}

async fn work(app: &Arc<App>, route: &Route, request: Accepted) -> Result<Answer, Failure> {
    route.check_method(&request.parts.method)?;
    let request = if shows_key(&request) { Box::pin(prove_key(app, route, request)).await? } else { request };
    // What is large is boxed: a call that is passed on would carry the room for it, and moving that costs time.
    match route {
        Route::PushDossiers => Box::pin(push(app, request, RecordContract::Dossier)).await,
        Route::PushProgress => Box::pin(push(app, request, RecordContract::Progress)).await,
        Route::Dossier(code) => lookup::dossier(app, &reader(app, &request).await?, code).await,
        Route::History(code) => lookup::history(app, &reader(app, &request).await?, code).await,
        Route::Changes => {
            let caller = Authorised::check(request.identify(app).await?, &Scope::ChangesRead)?;
            Box::pin(feed::changes(app, &caller, &request)).await
        }
        Route::Services => {
            let caller = request.identify(app).await?;
            Ok(services::listing(&request.snapshot, &caller, app.clock.wall()))
        }
        Route::Description(id, which) => services::description(&request.snapshot, id, *which, app.clock.wall()),
        Route::Message(id) => services::message(app, &request, id).await,
        Route::Service(route) => services::call(app, route, request).await,
        Route::ServiceMethod(allowed) => Err(Failure::method(allowed.clone())),
        Route::Broker(errand) => Box::pin(broker::run(app, errand, request)).await,
        Route::Payment(errand) => Box::pin(payments::run(app, errand, request)).await,
        Route::Jwks => Ok(jwks(app)),
        Route::Metadata | Route::Discovery => Ok(value(&broker::metadata(app, &request.snapshot))),
        Route::OpenApi => Ok(answer::json(StatusCode::OK, crate::OPENAPI)),
        Route::ErrorPage(slug) => error_page(slug),
        Route::NationalLogin => Box::pin(national::login(app, request)).await,
        Route::NationalCall => Box::pin(national::call(app, request)).await,
        Route::Refused(word) => Err(route::refused_head(word)),
        Route::Unknown => Err(Failure::new(ErrorCode::NotFound, "GET /openapi.json lists what there is")),
    }
}

/// Whether the caller shows a token that is bound to a key, with a proof that it has the key.
fn shows_key(request: &Accepted) -> bool {
    let scheme = request.header("authorization").and_then(|value| value.get(..5));
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("dpop ")) && request.header("dpop").is_some()
}

/// Checks that proof, once. At the token endpoint it is part of the errand.
async fn prove_key(app: &Arc<App>, route: &Route, request: Accepted) -> Result<Accepted, Failure> {
    if matches!(route, Route::Broker(errand) if *errand != broker::Errand::UserInfo) {
        return Ok(request);
    }
    let proven_key = broker::proven_key(app, &request).await?;
    Ok(Accepted { proven_key, ..request })
}

/// The keys. Whoever verifies tokens may keep them for a while, but not for so long that a new one signs unseen.
fn jwks(app: &App) -> Answer {
    let mut answer = value(&app.issuer.jwks(app.clock.steady()));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    answer
}

async fn push(app: &Arc<App>, request: Accepted, contract: RecordContract) -> Result<Answer, Failure> {
    let caller = request.identify(app).await?;
    intake::push(app, Authorised::check(caller, &Scope::DossierPush)?, contract, request).await
}

fn reader<'a>(app: &'a App, request: &'a Accepted) -> impl Future<Output = Result<Authorised, Failure>> + Send + 'a {
    let caller = request.identify(app);
    async move { Authorised::check(caller.await?, &Scope::DossierRead) }
}

fn value(value: &Value) -> Answer {
    answer::json(StatusCode::OK, value.to_string())
}

fn error_page(slug: &str) -> Result<Answer, Failure> {
    let code = ErrorCode::ALL.iter().find(|code| code.slug() == slug);
    let code = code.ok_or_else(|| Failure::new(ErrorCode::NotFound, "there is no such error"))?;
    Ok(answer::with_body(StatusCode::OK, "text/markdown; charset=utf-8", code.page()))
}

/// The word for an event's kind in metrics.
pub(crate) fn kind_of(contract: RecordContract) -> EventKind {
    match contract {
        RecordContract::Dossier => EventKind::Dossier,
        RecordContract::Progress => EventKind::Progress,
        RecordContract::Notice => EventKind::Status,
    }
}
