//! A new connection to a server: name, TCP, TLS, all within one deadline.
//!
//! It keeps none and speaks no HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Server;
use super::failure::{CallFailure, FailureKind, Sent};

/// The bytes' way.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    /// Connects. `tls` is ignored by servers without TLS.
    pub(super) async fn connect(
        server: &Server,
        tls: Option<&Arc<ClientConfig>>,
        until: Instant,
    ) -> Result<Self, CallFailure> {
        let unreachable = |detail: String| CallFailure::new(FailureKind::Unreachable, Sent::No, detail);
        match timeout_at(until, Self::open(server, tls, until)).await {
            Ok(opened) => opened.map_err(|error| unreachable(format!("cannot connect: {error}"))),
            Err(_) => Err(unreachable("no connection in time".to_owned())),
        }
    }

    async fn open(server: &Server, tls: Option<&Arc<ClientConfig>>, until: Instant) -> io::Result<Self> {
        let tcp = open_tcp(server, until).await?;
        tcp.set_nodelay(true)?;
        match (&server.tls_name, tls) {
            (Some(name), Some(config)) => {
                let stream = TlsConnector::from(Arc::clone(config)).connect(name.clone(), tcp).await?;
                Ok(Self::Tls(Box::new(stream)))
            }
            _ => Ok(Self::Plain(tcp)),
        }
    }

    /// Whether HTTP/2 was agreed, or nothing had to be.
    pub(super) fn may_speak_http2(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

/// Tries every address; each gets an equal part of the time that is left.
async fn open_tcp(server: &Server, until: Instant) -> io::Result<TcpStream> {
    let addresses = server.names.addresses().await?;
    let mut last = io::Error::other("the name has no address");
    for (index, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let others = u32::try_from(addresses.len() - index).unwrap_or(1);
        match timeout_at(now + until.saturating_duration_since(now) / others, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
