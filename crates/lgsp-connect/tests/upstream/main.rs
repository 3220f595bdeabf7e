//! Calls to upstreams against small scripted servers on real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod backend;
mod exchange;
mod health;
mod repeat;
mod secure;
mod storm;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::http::request::Parts;
use hyper::{Method, Request};
use lgsp_connect::{
    CallFailure, CallOptions, Clock, Repeatable, ServerSettings, Upstream, UpstreamBody, UpstreamResponse,
    UpstreamSettings,
};
use lgsp_model::Timestamp;
use tokio::time::Instant;

/// Nothing that a test waits for takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that a test sets.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn forward(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let hands = Arc::clone(&self.0);
        Arc::new(move || Timestamp(1_700_000_000_000 + hands.load(Ordering::SeqCst)))
    }
}

fn server(address: SocketAddr) -> ServerSettings {
    ServerSettings { address: format!("http://{address}/base").parse().unwrap(), weight: 1 }
}

/// Settings with waits that suit a test.
fn settings(addresses: &[SocketAddr]) -> UpstreamSettings {
    let mut settings = UpstreamSettings::new(addresses.iter().copied().map(server).collect());
    settings.timeout = PATIENCE;
    settings.idle_timeout = PATIENCE;
    settings.connect_timeout = PATIENCE;
    settings
}

fn build(settings: UpstreamSettings) -> Arc<Upstream> {
    Upstream::build(settings, Hands::default().clock()).unwrap()
}

fn request(method: Method) -> Parts {
    Request::builder().method(method).uri("/path?q=1").header("x-one", "1").body(()).unwrap().into_parts().0
}

fn how(repeatable: Repeatable) -> CallOptions {
    CallOptions { deadline: Instant::now() + PATIENCE, end: None, repeatable, upgrade: false }
}

fn whole(text: &'static str) -> UpstreamBody {
    UpstreamBody::Whole(Bytes::from_static(text.as_bytes()))
}

/// A POST that does something each time.
async fn post(upstream: &Arc<Upstream>) -> Result<UpstreamResponse, CallFailure> {
    upstream.call(request(Method::POST), whole("hello"), how(Repeatable::IfUnsent)).await
}

/// A GET that may be repeated.
async fn get(upstream: &Arc<Upstream>) -> Result<UpstreamResponse, CallFailure> {
    upstream.call(request(Method::GET), whole(""), how(Repeatable::Always)).await
}

async fn text(response: UpstreamResponse) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Waits for a condition that something in the background brings about.
async fn until(reason: &str, mut condition: impl FnMut() -> bool) {
    let late = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < late, "waited in vain until {reason}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
