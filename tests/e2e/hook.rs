//! A receiver of webhooks: keeps what came, answers as it is told, and checks signatures by the standard itself.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The two secrets of a rotation.
const SECRETS: [&[u8]; 2] = [b"the first secret of the tests 01", b"the second secret of the tests 2"];

/// One call that came.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) id: String,
    timestamp: String,
    signatures: String,
    pub(crate) body: Bytes,
    pub(crate) answered: bool,
}

/// The receiver.
pub(crate) struct Hook {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    answers: VecDeque<u16>,
    silent: bool,
}

impl Hook {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(State::default())));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = shared.clone();
                let service = service_fn(move |request| take(shared.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(socket), service));
            }
        });
        Self { address, state }
    }

    /// A `[[target]]` that sends here.
    pub(crate) fn target(&self, id: &str) -> String {
        let secrets = SECRETS.map(|secret| format!("\"whsec_{}\"", STANDARD.encode(secret))).join(", ");
        format!(
            "\n[[target]]\nid = \"{id}\"\nconnector = \"webhook\"\n\
             [target.retry]\nattempts = 1000\nfirst = \"20ms\"\nmax = \"50ms\"\n\
             [target.breaker]\nfailures = 5\nopen = \"30ms\"\nopen_max = \"100ms\"\n\
             [target.settings]\nurl = \"http://{}/hook\"\nsecret = [{secrets}]\nallow_private = true\n\
             timeout = \"300ms\"\n",
            self.address
        )
    }

    /// A member's `callback` that calls here.
    pub(crate) fn callback(&self) -> String {
        let secrets = SECRETS.map(|secret| format!("\"whsec_{}\"", STANDARD.encode(secret))).join(", ");
        let address = self.address;
        format!("callback = {{ url = \"http://{address}/hook\", secret = [{secrets}], allow_private = true }}\n")
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// What the next calls are answered with; then 204 again.
    pub(crate) fn answer_next(&self, statuses: &[u16]) {
        self.state.lock().unwrap().answers.extend(statuses);
    }

    /// Takes calls and answers none.
    pub(crate) fn fall_silent(&self) {
        self.state.lock().unwrap().silent = true;
    }

    pub(crate) fn speak(&self) {
        self.state.lock().unwrap().silent = false;
    }

    /// Whether a call is signed with one of the secrets (Standard Webhooks 1.0).
    pub(crate) fn signed(&self, call: &Call, secret: usize) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRETS[secret]);
        let content = [call.id.as_bytes(), b".", call.timestamp.as_bytes(), b".", &call.body].concat();
        let signatures = call.signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        signatures.filter_map(|text| STANDARD.decode(text).ok()).any(|tag| hmac::verify(&key, &content, &tag).is_ok())
    }
}

async fn take(
    state: Arc<Mutex<State>>,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (id, timestamp) = (text("webhook-id"), text("webhook-timestamp"));
    let signatures = text("webhook-signature");
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let status = {
        let mut state = state.lock().unwrap();
        let answered = !state.silent;
        state.calls.push(Call { id, timestamp, signatures, body, answered });
        answered.then(|| state.answers.pop_front().unwrap_or(204))
    };
    let Some(status) = status else { return std::future::pending().await };
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(response)
}
