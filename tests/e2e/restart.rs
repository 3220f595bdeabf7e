//! One version of the program follows another while clients go on calling: not one request fails.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::child::program;
use crate::gateway::{ADMIN_TOKEN, PATIENCE, Setup, World, send, until};

const CLIENTS: usize = 8;
const GET: &[u8] = b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: lgsp\r\n\r\n";

/// Clients that call over connections that they keep, and give up at the first failure.
struct Load {
    answered: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(to: SocketAddr) -> Self {
        let (answered, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let clients = (0..CLIENTS).map(|_| tokio::spawn(call(to, answered.clone(), stop.clone()))).collect();
        Self { answered, stop, clients }
    }

    /// Waits for so many more answers.
    async fn answers(&self, more: u32) {
        let before = self.answered.load(Ordering::Relaxed);
        until("clients are answered", async || {
            assert!(self.clients.iter().all(|client| !client.is_finished()), "a client failed");
            (self.answered.load(Ordering::Relaxed) >= before + more).then_some(())
        })
        .await;
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.expect("no request failed");
        }
    }
}

async fn call(to: SocketAddr, answered: Arc<AtomicU32>, stop: Arc<AtomicBool>) {
    let mut kept: Option<TcpStream> = None;
    while !stop.load(Ordering::Relaxed) {
        let used = kept.is_some();
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => TcpStream::connect(to).await.expect("somebody listens"),
        };
        match exchange(&mut stream).await {
            Some(keep) => {
                answered.fetch_add(1, Ordering::Relaxed);
                kept = keep.then_some(stream);
            }
            // A server may close a connection that is not in use, and the request may cross that on its way: every
            // client opens another one. One that is new has to be answered.
            None if used => {}
            None => panic!("a new connection ended without an answer"),
        }
    }
}

/// Asks and reads the whole answer: whether the connection can be used again; `None` when it ended before the answer's
/// first byte.
async fn exchange(stream: &mut TcpStream) -> Option<bool> {
    stream.write_all(GET).await.ok()?;
    let mut read = Vec::new();
    let head = loop {
        let count = timeout(PATIENCE, stream.read_buf(&mut read)).await.expect("an answer").unwrap_or(0);
        if count == 0 {
            assert!(read.is_empty(), "the connection ended inside an answer");
            return None;
        }
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8(read[..head].to_vec()).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let field = |name: &str| text.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name);
    let length: usize = field("content-length").unwrap().1.parse().unwrap();
    while read.len() < head + length {
        let count = stream.read_buf(&mut read).await.unwrap();
        assert!(count > 0, "the connection ended inside an answer");
    }
    Some(field("connection").is_none_or(|(_, value)| value != "close"))
}

/// `lgsp serve` on sockets that somebody else holds, as systemd starts it. It ends when dropped.
struct Served(Process);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Served {
    /// The sockets go to the shell as its input and output, and from there to where systemd puts them.
    fn start(file: &Path, public: &TcpListener, admin: &TcpListener) -> Self {
        let handed = |listener: &TcpListener| Stdio::from(OwnedFd::from(listener.try_clone().unwrap()));
        let script = "exec 3<&0 4>&1 </dev/null >/dev/null; export LISTEN_PID=$$ LISTEN_FDS=2 \
                      LISTEN_FDNAMES=public:admin; exec \"$0\" serve --config \"$1\"";
        let log = std::fs::File::options().create(true).append(true).open(file.with_extension("log")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(program()).arg(file);
        Self(command.stdin(handed(public)).stdout(handed(admin)).stderr(log).spawn().unwrap())
    }

    async fn terminate(mut self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = tokio::task::spawn_blocking(move || self.0.wait().unwrap().code());
        assert_eq!(timeout(PATIENCE, ended).await.unwrap().unwrap(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_sockets_of_the_service_manager_fails_no_request() {
    let (public, admin) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let to = public.local_addr().unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("lgsp.toml");
    let contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");
    let config = format!(
        "version = 1\n[admin]\ntoken = \"{ADMIN_TOKEN}\"\n[issuer]\nurl = \"http://lgsp\"\n[contracts]\npath = \
         \"{contracts}\"\n[limits]\ndrain_delay = \"100ms\"\n"
    );
    std::fs::write(&file, config).unwrap();
    let mut served = Served::start(&file, &public, &admin);
    let load = Load::start(to);
    for _ in 0..3 {
        load.answers(300).await;
        served.terminate().await;
        served = Served::start(&file, &public, &admin);
    }
    load.answers(300).await;
    let url = format!("http://{}/readyz", admin.local_addr().unwrap());
    send(reqwest::Client::new().get(url)).await.expect(200);
    load.end().await;
    let log = std::fs::read_to_string(file.with_extension("log")).unwrap();
    assert_eq!(log.matches("gateway ready").count(), 4, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_the_same_port_takes_over_and_fails_no_request() {
    let shared = |port| Setup { port, public: "reuse_port = true".to_owned(), ..Setup::default() };
    let first = World::with(shared(0)).await;
    let to = first.public();
    let load = Load::start(to);
    load.answers(300).await;
    let second = World::with(shared(to.port())).await;
    assert_eq!(second.public(), to);
    load.answers(300).await;
    let (gateway, _dir) = first.into_gateway();
    gateway.stop().await;
    load.answers(300).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_balancers_are_given_time_to_notice_new_connections_are_answered() {
    let world = World::with(Setup::limits("drain_delay = \"2s\"")).await;
    let (to, ready) = (world.public(), world.admin_url("/readyz"));
    let client = reqwest::Client::new();
    let load = Load::start(to);
    load.answers(100).await;
    let (gateway, _dir) = world.into_gateway();
    let stopping = tokio::spawn(gateway.stop());
    until("readiness ends", async || (send(client.get(&ready)).await.status == 503).then_some(())).await;
    load.answers(100).await;
    load.end().await;
    assert!(!stopping.is_finished(), "all that was within the delay");
    stopping.await.unwrap();
    assert!(TcpStream::connect(to).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told() {
    let first = World::start().await;
    let setup = Setup { port: first.public().port(), ..Setup::default() };
    let told = World::try_with(setup).await.err().expect("a port in use").to_string();
    assert!(told.contains("cannot listen on") && told.contains("choose another address"), "{told}");
}
