//! HTTP/1 by hand over a plain socket: for requests that no client library would send.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::gateway::{PATIENCE, World};

/// One connection.
pub(crate) struct Raw<S = TcpStream> {
    stream: S,
    waiting: Vec<u8>,
}

/// An answer, its body put together from chunks if it came so.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl RawAnswer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Opens a connection, sends, and reads one answer.
    pub(crate) async fn ask(world: &World, request: impl AsRef<[u8]>) -> (RawAnswer, Self) {
        let mut raw = Self::connect(world.public()).await;
        raw.send(request).await;
        (raw.answer().await, raw)
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// Over a connection that is open already.
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, waiting: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends and tells whether the other side still takes bytes.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Says that nothing more comes.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Reads one answer. Panics when none comes.
    pub(crate) async fn answer(&mut self) -> RawAnswer {
        let head = self.take_until(b"\r\n\r\n").await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
        let mut answer = RawAnswer { status, head, body: String::new() };
        if status == 100 {
            return answer;
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.take_until(b"\r\n").await;
                let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
                let chunk = self.take(size + 2).await;
                answer.body.push_str(&chunk[..size]);
                if size == 0 {
                    return answer;
                }
            }
        }
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = self.take(length).await;
        answer
    }

    /// Reads one answer if one comes.
    pub(crate) async fn answer_if_any(&mut self) -> Option<RawAnswer> {
        if self.waiting.is_empty() && self.fill().await == 0 { None } else { Some(self.answer().await) }
    }

    /// Waits for the other side's end of the connection; what came before it.
    pub(crate) async fn rest(&mut self) -> String {
        while self.fill().await > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.waiting)).into_owned()
    }

    pub(crate) async fn take_until(&mut self, end: &[u8]) -> String {
        loop {
            if let Some(at) = self.waiting.windows(end.len()).position(|window| window == end) {
                return self.take(at + end.len()).await;
            }
            let before = String::from_utf8_lossy(&self.waiting).into_owned();
            assert!(self.fill().await > 0, "the connection ended after {before:?}");
        }
    }

    async fn take(&mut self, count: usize) -> String {
        while self.waiting.len() < count {
            assert!(self.fill().await > 0, "the connection ended inside an answer");
        }
        String::from_utf8(self.waiting.drain(..count).collect()).expect("UTF-8")
    }

    /// Reads once; 0 is the end of the connection, however it ended.
    async fn fill(&mut self) -> usize {
        let mut piece = [0u8; 16 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("the gateway says nothing more");
        let count = read.unwrap_or(0);
        self.waiting.extend_from_slice(&piece[..count]);
        count
    }
}
