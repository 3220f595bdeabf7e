//! The operators' listener: health, metrics and the admin API. Never the public one.
//!
//! It runs on the same guarded listener as the public API; axum finds the handler. What a dossier or a target does is
//! decided elsewhere: here operators see it and say what they want.

mod accounts;
mod dossier;
mod explain;
mod health;
mod held;
mod members;
mod operator;
mod parked;
mod payments;
mod reconciliations;
mod services;
mod target;
mod verify;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::Service as _;
use hyper::{Request, Response, StatusCode};
use hyper_util::service::TowerToHyperService;
use lgsp_config::Lockout;
use lgsp_model::{ErrorCode, MemberId};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::answer::{self, Answer, Dialect, TRACERESPONSE};
use crate::app::App;
use crate::failure::Failure;
use crate::identity::SecretChecker;
use crate::server::{Entrance, Peer, Server, Service, TlsSetup};
use crate::trace::Trace;
use operator::{Origin, Refusal};
pub(crate) use verify::report_json;

/// The running listener.
pub(crate) struct AdminServer {
    server: Server,
}

/// What the handlers share.
struct Admin {
    app: Arc<App>,
    /// Its own, so that wrong admin tokens and wrong members' secrets do not slow each other down.
    tokens: SecretChecker,
    /// The name under which it counts wrong tokens.
    name: MemberId,
    /// The place of the one reconciliation that may be at work.
    reconciling: Semaphore,
}

/// The listener's service.
struct Gate {
    app: Arc<App>,
    routes: TowerToHyperService<Router>,
}

/// Wrong admin tokens are slowed down and never lock: nobody could unlock them.
const NEVER_LOCKED: Lockout = Lockout {
    free_tries: 5,
    longest_wait: Duration::from_secs(60),
    forgotten_after: Duration::from_secs(15 * 60),
    lock_after: 0,
    lock_for: Duration::ZERO,
};

/// The most bytes of one answer. The largest is the time line of a dossier with its records.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Answers operators until it is stopped.
///
/// # Errors
/// When the socket cannot be used.
pub(crate) fn start(entrance: Entrance, app: Arc<App>) -> io::Result<AdminServer> {
    let limits = app.snapshot().config.limits.clone();
    let name = "admin".parse().expect("a well-formed name");
    let (tokens, reconciling) = (SecretChecker::new(NEVER_LOCKED), Semaphore::new(1));
    let admin = Arc::new(Admin { app: app.clone(), tokens, name, reconciling });
    let gate = Arc::new(Gate { app, routes: TowerToHyperService::new(routes(admin)) });
    Ok(AdminServer { server: Server::start(entrance, &limits, gate)? })
}

impl AdminServer {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Encrypts new connections with this from now on.
    pub(crate) fn replace_tls(&self, tls: Option<TlsSetup>) {
        self.server.replace_tls(tls);
    }

    /// Answers what is in flight and ends.
    pub(crate) async fn stop(&self) {
        self.server.drain().await;
    }
}

fn routes(admin: Arc<Admin>) -> Router {
    let api = Router::new()
        .route("/accounts/conflicts", get(accounts::conflicts))
        .route("/accounts/conflicts/{id}/settle", post(accounts::settle))
        .route("/accounts/{id}", get(accounts::one))
        .route("/services", get(services::list))
        .route("/targets", get(target::list))
        .route("/targets/{id}/pause", post(target::pause))
        .route("/targets/{id}/resume", post(target::resume))
        .route("/targets/{id}/replay", post(target::replay))
        .route("/parked", get(parked::list))
        .route("/parked/{target}/{seq}/retry", post(parked::retry))
        .route("/parked/{target}/{seq}/drop", post(parked::give_up))
        .route("/held", get(held::list))
        .route("/held/{seq}/release", post(held::release))
        .route("/held/{seq}/drop", post(held::discard))
        .route("/dossiers/{code}", get(dossier::time_line))
        .route("/payments", get(payments::list))
        .route("/payments/{id}", get(payments::one))
        .route("/payments/{id}/ask", post(payments::ask))
        .route("/payments/{id}/review", post(payments::review))
        .route("/payments/{id}/refunds/{refund}/settle", post(payments::settle_refund))
        .route("/members", get(members::list).post(members::add))
        .route("/members/{id}", get(members::show))
        .route("/members/{id}/limit", post(members::limit))
        .route("/members/{id}/secret", post(members::secret))
        .route("/members/{id}/key", post(members::key))
        .route("/members/{id}/rotate", post(members::rotate))
        .route("/members/{id}/revoke", post(members::revoke))
        .route("/members/{id}/restore", post(members::restore))
        .route("/members/{id}/unlock", post(members::unlock))
        .route("/reconciliations", get(reconciliations::list).post(reconciliations::create))
        .route("/reconciliations/{id}", get(reconciliations::one))
        .route("/reconciliations/{id}/rows.csv", get(reconciliations::csv))
        .route("/reconciliations/{id}/rows.xlsx", get(reconciliations::xlsx))
        .route("/verify", post(verify::run));
    Router::new()
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .nest("/admin/v1", api)
        .with_state(admin)
}

impl Service for Gate {
    async fn answer(self: Arc<Self>, from: Peer, mut request: Request<Incoming>) -> Answer {
        let trace = self.app.traces.of_request(request.headers());
        request.extensions_mut().insert(Origin { address: from.address, trace });
        let Ok(response) = self.routes.call(request.map(Body::new)).await;
        let mut answer = into_answer(response, &trace).await;
        answer.headers_mut().insert(TRACERESPONSE, trace.header());
        answer
    }
}

/// The router's response as an answer. Whatever was refused becomes a problem in the one place that writes them.
async fn into_answer(mut response: Response<Body>, trace: &Trace) -> Answer {
    if let Some(Refusal(failure)) = response.extensions_mut().remove::<Refusal>() {
        return answer::failure(&failure, Dialect::Json, trace);
    }
    if let Some(failure) = routing_failure(&response) {
        return answer::failure(&failure, Dialect::Json, trace);
    }
    let (head, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_ANSWER).await else {
        let failure = Failure::new(ErrorCode::Internal, "the answer grew too large; ask for less at once");
        return answer::failure(&failure, Dialect::Json, trace);
    };
    let mut answer = answer::json(head.status, body);
    *answer.headers_mut() = head.headers;
    answer
}

/// What axum itself refused.
fn routing_failure(response: &Response<Body>) -> Option<Failure> {
    let status = response.status();
    if status.is_success() {
        return None;
    }
    Some(match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = response.headers().get(ALLOW).and_then(|allow| allow.to_str().ok()).unwrap_or_default();
            Failure::method(if allow.contains("POST") { "POST" } else { "GET, HEAD" })
        }
        StatusCode::NOT_FOUND => Failure::new(ErrorCode::NotFound, "there is nothing here on the operators' listener"),
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(ErrorCode::TooLarge, "the body is too large"),
        status if status.is_client_error() => {
            Failure::new(ErrorCode::BadParameter, "a part of the address is not valid")
        }
        _ => Failure::new(ErrorCode::Internal, "the request could not be answered"),
    })
}

/// A JSON answer.
fn shown(value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_vec(value).expect("plain data writes into memory");
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
