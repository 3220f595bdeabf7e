//! A connection that shows hyper only requests whose framing is beyond doubt.
//!
//! A refused head is replaced by a request for [`REFUSED_PATH`] and the end of the stream, so that the answer is made
//! in the same place as every other answer and the connection ends after it. Between requests it holds no buffer.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::conversation::Conversation;
use super::crowd::Place;
use super::framing::{Follower, Refusal, Verdict};
use super::transport::Transport;

/// The path that a refused head is turned into. Asking for it by hand gets the same refusal.
pub(crate) const REFUSED_PATH: &str = "/.refused/";

/// What one read takes while heads are looked at: a head with its token and a record of usual size. It is taken to the
/// stack, so that a connection that waits costs nothing.
const READ_BYTES: usize = 8 * 1024;

/// What one read takes of a body that needs no look.
const FLOW_BYTES: usize = 16 * 1024;

/// How long, and how much of it, a client may go on sending after its last answer.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// How a client that knows beforehand begins (RFC 9113 §3.4).
const HTTP2_START: &[u8] = b"PRI ";

pub(crate) struct GuardedStream {
    transport: Transport,
    follower: Follower,
    /// Read and not given to hyper yet; the first `passed` bytes may be.
    waiting: Vec<u8>,
    passed: usize,
    given: usize,
    ended: bool,
    head_timeout: Duration,
    head_end: Option<Pin<Box<Sleep>>>,
    linger_end: Option<Pin<Box<Sleep>>>,
    lingered: usize,
    conversation: Arc<Conversation>,
    /// Kept until the connection ends, whatever protocol it speaks by then.
    _place: Place,
}

impl GuardedStream {
    pub(crate) fn new(transport: Transport, head_limit: usize, head_timeout: Duration, place: Place) -> Self {
        Self {
            transport,
            follower: Follower::new(head_limit),
            waiting: Vec::new(),
            passed: 0,
            given: 0,
            ended: false,
            head_timeout,
            head_end: None,
            linger_end: None,
            lingered: 0,
            conversation: Arc::default(),
            _place: place,
        }
    }

    /// What is shared with the service above hyper.
    pub(super) fn conversation(&self) -> Arc<Conversation> {
        self.conversation.clone()
    }

    /// Takes back what was given to hyper and not used.
    pub(super) fn take_back(&mut self, unused: &[u8]) {
        self.waiting.splice(..self.given, unused.iter().copied());
        self.passed = self.passed - self.given + unused.len();
        self.given = 0;
    }

    /// Waits for bytes, unless there are some: whether any came before the end.
    pub(super) async fn wakes(&mut self) -> io::Result<bool> {
        if self.waiting.is_empty() {
            poll_fn(|cx| self.poll_more(cx)).await?;
        }
        Ok(!self.waiting.is_empty())
    }

    /// Ends the connection properly.
    pub(super) async fn close(&mut self) {
        // A client that is gone cannot be told.
        let _ = poll_fn(|cx| Pin::new(&mut *self).poll_shutdown(cx)).await;
    }

    /// Waits for the first bytes: whether the client speaks HTTP/2 with prior knowledge. May be asked again when it
    /// was not waited for to the end.
    pub(crate) async fn speaks_http2(&mut self) -> io::Result<bool> {
        loop {
            let count = poll_fn(|cx| self.poll_fill(cx)).await?;
            let start = &self.waiting[..self.waiting.len().min(HTTP2_START.len())];
            if count == 0 || start.len() == HTTP2_START.len() || !HTTP2_START.starts_with(start) {
                let http2 = start == HTTP2_START;
                self.look();
                return Ok(http2);
            }
        }
    }

    fn give(&mut self, out: &mut ReadBufCursor<'_>) {
        let count = (self.passed - self.given).min(out.remaining());
        out.put_slice(&self.waiting[self.given..self.given + count]);
        self.given += count;
        if self.given == self.waiting.len() {
            self.waiting = Vec::new();
            (self.passed, self.given) = (0, 0);
        }
    }

    /// Looks at what waits.
    fn look(&mut self) {
        let (passed, refusal) = look_through(&mut self.follower, &self.waiting[self.passed..]);
        self.passed += passed;
        if let Some(refusal) = refusal {
            self.replace_rest(refusal);
        }
    }

    fn replace_rest(&mut self, refusal: Refusal) {
        let word = match refusal {
            Refusal::AmbiguousLength => "length",
            Refusal::Host => "host",
            Refusal::TooLarge => "size",
            Refusal::Slow => "slow",
        };
        self.waiting.truncate(self.passed);
        let request = format!("GET {REFUSED_PATH}{word} HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n");
        self.waiting.extend_from_slice(request.as_bytes());
        self.passed = self.waiting.len();
        self.ended = true;
    }

    /// Reads once into the waiting bytes; `Ready(0)` is the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.given > 0 {
            self.waiting.drain(..self.given);
            self.passed -= self.given;
            self.given = 0;
        }
        let mut chunk = [const { MaybeUninit::<u8>::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer))?;
        self.waiting.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Reads once while nothing waits: what may pass goes straight to hyper, and only the rest is kept. `Ready(0)` is
    /// the end.
    fn poll_fresh(&mut self, cx: &mut Context<'_>, out: &mut ReadBufCursor<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [const { MaybeUninit::<u8>::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled();
        let (passed, refusal) = look_through(&mut self.follower, bytes);
        let direct = passed.min(out.remaining());
        out.put_slice(&bytes[..direct]);
        self.waiting.extend_from_slice(&bytes[direct..]);
        self.passed = passed - direct;
        if let Some(refusal) = refusal {
            self.replace_rest(refusal);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = ready!(self.poll_fill(cx))?;
        if count > 0 {
            self.look();
        }
        Poll::Ready(Ok(count))
    }

    /// Whether a head that has begun to arrive should have ended by now.
    fn head_is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let timeout = self.head_timeout;
        let end = self.head_end.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        end.as_mut().poll(cx).is_ready()
    }

    /// A socket that is closed with unread bytes in it resets the connection, and the client loses the answer that says
    /// why. So what still comes after a refusal is taken in and thrown away, for a while.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.ended && !self.follower.is_inside_request() {
            return Poll::Ready(());
        }
        let end = self.linger_end.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER_TIME)));
        if end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut chunk = [const { MaybeUninit::<u8>::uninit() }; FLOW_BYTES];
        while self.lingered < LINGER_BYTES {
            let mut buffer = ReadBuf::uninit(&mut chunk);
            let read = ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.lingered += buffer.filled().len();
        }
        Poll::Ready(())
    }

    /// Body bytes need no look: they go from the socket straight to hyper.
    fn poll_flow(&mut self, cx: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let free = usize::try_from(self.follower.free_bytes()).unwrap_or(usize::MAX);
        let mut chunk = [const { MaybeUninit::<u8>::uninit() }; FLOW_BYTES];
        let count = free.min(out.remaining()).min(FLOW_BYTES);
        let mut buffer = ReadBuf::uninit(&mut chunk[..count]);
        match Pin::new(&mut self.transport).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => {
                self.follower.flowed(buffer.filled().len());
                out.put_slice(buffer.filled());
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl Read for GuardedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.poll_pass(cx, out);
        this.conversation.read(this.waiting.is_empty() && this.follower.is_between());
        polled
    }
}

impl GuardedStream {
    /// Passes on what may pass.
    fn poll_pass(&mut self, cx: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.passed > self.given {
                self.give(&mut out);
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if self.follower.awaits_switch() {
                // The answer comes from this same task, and hyper reads again after it.
                let Some(switched) = self.conversation.take() else { return Poll::Pending };
                self.follower.switch(switched);
                self.look();
                continue;
            }
            if self.waiting.is_empty() && self.follower.free_bytes() > 0 {
                return self.poll_flow(cx, out);
            }
            let room = out.remaining();
            let polled = if self.waiting.is_empty() { self.poll_fresh(cx, &mut out) } else { self.poll_more(cx) };
            match polled {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => {
                    if self.passed > 0 || out.remaining() < room {
                        self.head_end = None;
                    }
                    if out.remaining() < room {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if self.head_is_late(cx) => self.replace_rest(Refusal::Slow),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// How many bytes from the front may pass, and why the rest must not.
fn look_through(follower: &mut Follower, bytes: &[u8]) -> (usize, Option<Refusal>) {
    let mut passed = 0;
    while passed < bytes.len() {
        match follower.look(&bytes[passed..]) {
            Verdict::Pass(count) => passed += count,
            Verdict::More => break,
            Verdict::Refuse(refusal) => return (passed, Some(refusal)),
        }
    }
    (passed, None)
}

impl Write for GuardedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.transport).poll_write(cx, bytes);
        this.conversation.wrote(polled.is_pending());
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.transport).poll_flush(cx);
        if polled.is_pending() {
            this.conversation.wrote(true);
        }
        polled
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger_end.is_none() {
            ready!(Pin::new(&mut this.transport).poll_shutdown(cx))?;
        }
        this.poll_linger(cx).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.transport).poll_write_vectored(cx, slices);
        this.conversation.wrote(polled.is_pending());
        polled
    }
}
