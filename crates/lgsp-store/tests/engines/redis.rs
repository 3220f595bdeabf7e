//! Soft state in Redis: the suite against a real server of our own, and what happens when that server goes away.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lgsp_store::{RedisSoft, SoftKind, SoftState, StoreError};
use tempfile::TempDir;

/// Longer than a server takes to start anywhere.
const PATIENCE: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(600);

/// A Redis server without persistence; it ends when dropped.
pub struct Server {
    process: Child,
    port: u16,
    dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Server {
    /// Starts one on a free port and waits for it; `None` where the tests run without it.
    async fn start(more: &[&str]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let process = match run(port, &dir, more) {
            Ok(process) => process,
            Err(_) if std::env::var("LGSP_WITHOUT").is_ok_and(|left| left.contains("redis-server")) => return None,
            Err(error) => panic!("redis-server: {error}; install it, or set LGSP_WITHOUT=redis-server"),
        };
        let this = Self { process, port, dir };
        this.answers().await;
        Some(this)
    }

    /// Ends the server and starts it again, empty, on the same port.
    async fn restart(&mut self) {
        self.stop();
        self.process = run(self.port, &self.dir, &[]).unwrap();
        self.answers().await;
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    async fn answers(&self) {
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "the server does not listen");
            tokio::task::yield_now().await;
        }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

fn run(port: u16, dir: &TempDir, more: &[&str]) -> std::io::Result<Child> {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
        .arg(dir.path())
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

async fn open() -> Option<(Arc<dyn SoftState>, Server)> {
    let server = Server::start(&[]).await?;
    let soft: RedisSoft = RedisSoft::open(&server.url(), "lgsp").await.unwrap();
    Some((Arc::new(soft), server))
}

mod suite {
    use super::open;
    use crate::soft::soft_suite_on;

    soft_suite_on!(
        open,
        a_value_is_found_under_its_kind_and_key_only,
        a_later_value_replaces_an_earlier_one_and_its_end,
        a_new_value_does_not_replace_one_that_is_there,
        a_taken_value_is_gone_and_of_many_takers_one_gets_it,
        of_many_claims_one_holds,
        a_value_ends,
        keys_and_values_of_any_size_and_letters_come_back,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_gateways_share_what_has_their_prefix() {
    let Some(server) = Server::start(&[]).await else { return };
    let here = RedisSoft::open(&server.url(), "lgsp").await.unwrap();
    let there = RedisSoft::open(&server.url(), "lgsp").await.unwrap();
    let other = RedisSoft::open(&server.url(), "other").await.unwrap();
    here.put(SoftKind::Code, "a", Bytes::from_static(b"x"), LONG).await.unwrap();
    assert_eq!(other.get(SoftKind::Code, "a").await, Ok(None));
    assert_eq!(there.take(SoftKind::Code, "a").await, Ok(Some(Bytes::from_static(b"x"))));
    assert_eq!(here.get(SoftKind::Code, "a").await, Ok(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_told_in_time_and_taken_again_when_it_is_back() {
    let Some(mut server) = Server::start(&[]).await else { return };
    let soft = RedisSoft::open(&server.url(), "lgsp").await.unwrap();
    soft.put(SoftKind::Session, "a", Bytes::new(), LONG).await.unwrap();
    server.stop();
    let began = Instant::now();
    assert!(matches!(soft.get(SoftKind::Session, "a").await, Err(StoreError::Unavailable(_))));
    assert!(matches!(soft.put_new(SoftKind::Replay, "a", Bytes::new(), LONG).await, Err(StoreError::Unavailable(_))));
    assert!(began.elapsed() < Duration::from_secs(5), "callers waited {:?}", began.elapsed());
    assert!(RedisSoft::open(&server.url(), "lgsp").await.is_err());
    server.restart().await;
    let began = Instant::now();
    while soft.put(SoftKind::Session, "a", Bytes::new(), LONG).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "it never came back");
    }
    assert_eq!(soft.get(SoftKind::Session, "a").await, Ok(Some(Bytes::new())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_told_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let began = Instant::now();
    assert!(matches!(RedisSoft::open(&url, "lgsp").await, Err(StoreError::Unavailable(_))));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_or_address_is_told_without_the_password() {
    const CANARY: &str = "canary-5e8f0c3d";
    let Some(server) = Server::start(&["--requirepass", "the right one"]).await else { return };
    let authority = server.url().replace("redis://", "");
    for url in [
        format!("redis://:{CANARY}@{authority}"),
        format!("redis://{authority}"),
        format!("redis://:{CANARY}@127.0.0.1:1"),
        format!("http://:{CANARY}@127.0.0.1"),
        format!("{CANARY} is no address"),
    ] {
        let Err(refused) = RedisSoft::open(&url, "lgsp").await else { panic!("it was taken") };
        assert!(!format!("{refused} {refused:?}").contains(CANARY), "{refused}");
    }
    let soft = RedisSoft::open(&format!("redis://:the%20right%20one@{authority}"), "lgsp").await.unwrap();
    assert_eq!(soft.get(SoftKind::Code, "a").await, Ok(None));
}
