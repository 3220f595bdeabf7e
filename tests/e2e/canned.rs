//! An upstream that answers what a test says and remembers what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// What is answered: status, media type, body.
type Reply = (u16, String, Bytes);

/// A running upstream; it ends with the test.
pub(crate) struct Canned {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    reply: Arc<Mutex<Reply>>,
}

impl Canned {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let reply = Arc::new(Mutex::new((200, "application/json".to_owned(), Bytes::from_static(b"{}"))));
        let (log, says) = (asked.clone(), reply.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, says) = (log.clone(), says.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (log, says) = (log.clone(), says.clone());
                    async move { Ok::<_, Infallible>(answer(request, &log, &says).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, asked, reply }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is answered from now on.
    pub(crate) fn says(&self, status: u16, media_type: &str, body: impl Into<Bytes>) {
        *self.reply.lock().unwrap() = (status, media_type.to_owned(), body.into());
    }

    /// The last request.
    pub(crate) fn last(&self) -> Asked {
        self.asked.lock().unwrap().last().cloned().expect("the upstream was asked")
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn answer(request: Request<Incoming>, log: &Mutex<Vec<Asked>>, says: &Mutex<Reply>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    log.lock().unwrap().push(Asked { method: parts.method.to_string(), target, headers: parts.headers, body });
    let (status, media_type, body) = says.lock().unwrap().clone();
    Response::builder().status(status).header("content-type", media_type).body(Full::new(body)).unwrap()
}
