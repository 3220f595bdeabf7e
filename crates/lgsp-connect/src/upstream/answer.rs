//! An answer's body on its way to the caller, and what is left of a connection that switched protocols.
//!
//! It counts no bytes: the caller caps what it takes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::admission::Ticket;
use super::failure::BodyFailure;
use super::line::Line;
use super::multiplexed::Slot;
use super::transport::Transport;

/// The body of an answer: data, then trailers. While it lives the call counts as running; dropping it before its end
/// gives the rest up.
pub struct ResponseBody {
    incoming: Option<Incoming>,
    way: Way,
    ticket: Option<Ticket>,
    silence: Duration,
    end: Option<Instant>,
    /// When the piece that is waited for must be there.
    until: Option<Instant>,
}

enum Way {
    /// Nothing needs to be done for what is still to come.
    Free,
    Line(Box<Line>),
    Stream {
        _slot: Slot,
        timer: Option<Pin<Box<Sleep>>>,
    },
    Switched(Box<SwitchedLine>),
}

/// The bounds of one body.
pub(super) struct Bounds {
    pub silence: Duration,
    pub end: Option<Instant>,
}

impl ResponseBody {
    fn new(incoming: Option<Incoming>, way: Way, ticket: Ticket, bounds: &Bounds) -> Self {
        let Bounds { silence, end } = *bounds;
        Self { incoming, way, ticket: Some(ticket), silence, end, until: None }
    }

    /// A body that comes over an HTTP/1.1 connection.
    pub(super) fn of_line(incoming: Incoming, line: Box<Line>, ticket: Ticket, bounds: &Bounds) -> Self {
        let mut body = Self::new(Some(incoming), Way::Line(line), ticket, bounds);
        body.free_line();
        if body.incoming.as_ref().is_some_and(Body::is_end_stream) {
            body.finish();
        }
        body
    }

    /// A body that comes over a stream of an HTTP/2 connection.
    pub(super) fn of_stream(incoming: Incoming, slot: Slot, ticket: Ticket, bounds: &Bounds) -> Self {
        let mut body = Self::new(Some(incoming), Way::Stream { _slot: slot, timer: None }, ticket, bounds);
        if body.incoming.as_ref().is_some_and(Body::is_end_stream) {
            body.finish();
        }
        body
    }

    /// No body, but a connection that speaks another protocol from here on.
    pub(super) fn of_switch(transport: Transport, read: Bytes, ticket: Ticket, bounds: &Bounds) -> Self {
        let switched = SwitchedLine { transport, read, ticket: None };
        Self::new(None, Way::Switched(Box::new(switched)), ticket, bounds)
    }

    /// What follows an answer 101: the bytes of the other protocol. The call counts as running for as long as it lives.
    pub fn into_switched(mut self) -> Option<Box<SwitchedLine>> {
        match std::mem::replace(&mut self.way, Way::Free) {
            Way::Switched(mut line) => {
                line.ticket = self.ticket.take();
                Some(line)
            }
            Way::Free | Way::Line(_) | Way::Stream { .. } => None,
        }
    }

    /// Gives the connection back as soon as it has read the whole answer, even if pieces of it are still here.
    fn free_line(&mut self) {
        if !matches!(&self.way, Way::Line(line) if line.is_free()) {
            return;
        }
        let Way::Line(line) = std::mem::replace(&mut self.way, Way::Free) else { return };
        if let Some(ticket) = &self.ticket {
            ticket.upstream().servers[ticket.server()].pool.put(line);
        }
    }

    fn finish(&mut self) {
        self.free_line();
        self.incoming = None;
        if !matches!(self.way, Way::Switched(_)) {
            self.way = Way::Free;
            self.ticket = None;
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let (silence, end, until) = (self.silence, self.end, &mut self.until);
        let mut until = || {
            *until.get_or_insert_with(|| {
                let silent = Instant::now() + silence;
                end.map_or(silent, |end| silent.min(end))
            })
        };
        match &mut self.way {
            Way::Line(line) => line.poll_frame(cx, incoming, until),
            Way::Stream { timer, .. } => {
                if let Poll::Ready(polled) = Pin::new(incoming).poll_frame(cx) {
                    return Poll::Ready(polled.map(|frame| frame.map_err(|_| BodyFailure::Broken)));
                }
                let until = until();
                let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
                if timer.deadline() != until {
                    timer.as_mut().reset(until);
                }
                timer.as_mut().poll(cx).map(|()| Some(Err(BodyFailure::Silent)))
            }
            Way::Free | Way::Switched(_) => {
                let polled = Pin::new(incoming).poll_frame(cx);
                polled.map(|frame| frame.map(|frame| frame.map_err(|_| BodyFailure::Broken)))
            }
        }
    }

    fn broken(&mut self, failure: BodyFailure) -> BodyFailure {
        if let Some(ticket) = &self.ticket {
            ticket.server_failed();
        }
        let late = self.end.is_some_and(|end| end <= Instant::now());
        self.incoming = None;
        self.way = Way::Free;
        self.ticket = None;
        if failure == BodyFailure::Silent && late { BodyFailure::Late } else { failure }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let polled = self.poll_piece(cx);
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.until = None;
                if self.incoming.as_ref().is_some_and(Body::is_end_stream) {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(failure))) => Poll::Ready(Some(Err(self.broken(failure)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A connection that switched protocols (RFC 9110, 15.2.2), such as a WebSocket.
pub struct SwitchedLine {
    transport: Transport,
    /// What came right behind the answer.
    read: Bytes,
    ticket: Option<Ticket>,
}

impl AsyncRead for SwitchedLine {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read.is_empty() {
            return Pin::new(&mut this.transport).poll_read(cx, buf);
        }
        let part = this.read.len().min(buf.remaining());
        buf.put_slice(&this.read[..part]);
        this.read.advance(part);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SwitchedLine {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().transport).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(cx)
    }
}
