//! A server whose every answer is given by the test byte for byte, and that remembers what it was sent.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a server does with a request.
pub(crate) enum Reply {
    /// Sends these bytes and waits for the next request.
    Bytes(String),
    /// Sends these bytes and closes.
    Last(String),
    /// Sends these bytes, then nothing more.
    Stall(String),
    /// Breaks the connection with a reset.
    Reset,
    /// Sends these bytes, then back whatever comes.
    Echo(String),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    pub(crate) text: String,
}

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    closed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// An answer with a length.
pub(crate) fn ok(body: &str) -> Reply {
    Reply::Bytes(answer("200 OK", body))
}

pub(crate) fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

impl Backend {
    /// `script` is told the connection, the number of the request on the whole server, both from 0, and its text.
    pub(crate) async fn start(script: impl Fn(usize, usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), script).await
    }

    pub(crate) async fn at(
        address: SocketAddr,
        script: impl Fn(usize, usize, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(AtomicUsize::new(0));
        let (kept, count, script) = (Arc::clone(&seen), Arc::clone(&closed), Arc::new(script));
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (seen, closed, script) = (Arc::clone(&kept), Arc::clone(&count), Arc::clone(&script));
                tokio::spawn(async move {
                    serve(stream, connection, &seen, &*script).await;
                    closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen, closed, task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Connections that are over, whoever closed them.
    pub(crate) fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address where nobody listens.
pub(crate) fn nowhere() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    seen: &Mutex<Vec<Seen>>,
    script: &(impl Fn(usize, usize, &str) -> Reply + Send + Sync),
) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(text) = next_request(&mut stream, &mut buffer).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(Seen { connection, text: text.clone() });
            seen.len() - 1
        };
        match script(connection, number, &text) {
            Reply::Bytes(bytes) => {
                if stream.write_all(bytes.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Last(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                return;
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {}
                return;
            }
            Reply::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Reply::Echo(bytes) => {
                stream.write_all(bytes.as_bytes()).await.unwrap();
                stream.write_all(&buffer).await.unwrap();
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                return;
            }
        }
    }
}

/// The text of the next request, body and framing included.
async fn next_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(buffer).into_owned();
        if let Some(end) = end_of_request(&text) {
            return Some(String::from_utf8(buffer.drain(..end).collect()).unwrap());
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn end_of_request(text: &str) -> Option<usize> {
    let head = text.find("\r\n\r\n")? + 4;
    let lower = text[..head].to_lowercase();
    if lower.contains("transfer-encoding: chunked") {
        let last = text[head..].find("0\r\n")? + head;
        return Some(text[last..].find("\r\n\r\n")? + last + 4);
    }
    let length = lower.split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    (text.len() >= head + length).then_some(head + length)
}
