//! A merchant's callback endpoint that answers by a script and remembers what came.
//!
//! It checks nothing: the tests do.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::TcpListener;

/// What came in one call.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) method: String,
    pub(super) query: String,
    pub(super) body: String,
    pub(super) authorization: String,
}

impl Came {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct Script {
    came: Vec<Came>,
    replies: VecDeque<(u16, String)>,
    always: (u16, String),
}

/// The endpoint; it ends with the test's runtime.
#[derive(Clone)]
pub(super) struct Merchant {
    script: Arc<Mutex<Script>>,
    pub(super) url: String,
}

impl Merchant {
    /// Answers everything alike.
    pub(super) async fn answering(status: u16, body: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}/callback", listener.local_addr().expect("bound"));
        let script = Arc::new(Mutex::new(Script { always: (status, body.to_owned()), ..Script::default() }));
        let merchant = Self { script, url };
        tokio::spawn(serve(listener, merchant.clone()));
        merchant
    }

    /// What the next calls are answered with, before the answer for all.
    pub(super) fn next(&self, replies: &[(u16, &str)]) {
        let mut script = self.script.lock().expect("whole");
        script.replies.extend(replies.iter().map(|(status, body)| (*status, (*body).to_owned())));
    }

    pub(super) fn came(&self) -> Vec<Came> {
        self.script.lock().expect("whole").came.clone()
    }

    fn take(&self, came: Came) -> (u16, String) {
        let mut script = self.script.lock().expect("whole");
        script.came.push(came);
        script.replies.pop_front().unwrap_or_else(|| script.always.clone())
    }
}

async fn serve(listener: TcpListener, merchant: Merchant) {
    while let Ok((stream, _)) = listener.accept().await {
        let merchant = merchant.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let merchant = merchant.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
                let (status, reply) = merchant.take(Came {
                    method: parts.method.to_string(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    body: String::from_utf8_lossy(&body).into_owned(),
                    authorization: header("authorization").unwrap_or_default().to_owned(),
                });
                let mut response = Response::new(Full::new(Bytes::from(reply)));
                *response.status_mut() = status.try_into().expect("a status");
                Ok::<_, Infallible>(response)
            }
        });
        let connection = auto::Builder::new(TokioExecutor::new());
        tokio::spawn(async move { connection.serve_connection(TokioIo::new(stream), service).await.is_ok() });
    }
}
