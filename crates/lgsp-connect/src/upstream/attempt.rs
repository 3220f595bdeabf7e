//! One try of one call at one server.
//!
//! It repeats nothing, but for connections that turn out to have been closed before anything was written.

use hyper::body::Incoming;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode};
use tokio::time::Instant;

use super::admission::Ticket;
use super::answer::{Bounds, ResponseBody};
use super::failure::{CallFailure, FailureKind, Sent};
use super::line::{Line, Lost};
use super::multiplexed::Slot;
use super::outgoing::{OutgoingBody, address_http1, address_http2};
use super::patience::Patience;
use super::transport::Transport;
use super::{Server, Upstream};

/// What came back, and over what.
pub(super) enum Answered {
    Line(Response<Incoming>, Box<Line>),
    Stream(Response<Incoming>, Slot),
}

/// Why nothing did.
pub(super) struct Miss {
    pub failure: CallFailure,
    /// The request, if it did not leave.
    pub back: Option<Box<Request<OutgoingBody>>>,
    /// The connection had carried calls before: its server may have closed it while the request was on its way.
    pub used: bool,
}

/// Whether idle connections may be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    Any,
    Fresh,
}

/// What does not change from try to try.
pub(super) struct Attempt<'a> {
    pub upstream: &'a Upstream,
    pub server: &'a Server,
    pub target: &'a PathAndQuery,
    pub patience: &'a Patience,
}

impl Attempt<'_> {
    pub(super) async fn over_line(&self, request: Box<Request<OutgoingBody>>, lines: Lines) -> Result<Answered, Miss> {
        let mut request = request;
        address_http1(&mut request, &self.server.address, self.target);
        if lines == Lines::Any {
            while let Some(line) = self.server.pool.take() {
                match line.exchange(request, self.patience).await {
                    Ok((response, line)) => return Ok(Answered::Line(response, line)),
                    // It was closed while it was idle.
                    Err(Lost::Unsent(back)) => request = back,
                    Err(Lost::Failed(failure)) => return Err(Miss { failure, back: None, used: true }),
                }
            }
        }
        // Boxed: connecting is rare, and its state is larger than all the rest of a call's.
        let line = match Box::pin(self.open_line()).await {
            Ok(line) => line,
            Err(failure) => return Err(Miss { failure, back: Some(request), used: false }),
        };
        match line.exchange(request, self.patience).await {
            Ok((response, line)) => Ok(Answered::Line(response, line)),
            Err(lost) => Err(missed(lost)),
        }
    }

    async fn open_line(&self) -> Result<Box<Line>, CallFailure> {
        let tls = self.upstream.tls.as_ref().map(|tls| &tls.http1);
        let transport = Transport::connect(self.server, tls, self.connect_until()).await?;
        Line::open(transport, self.upstream.settings.max_response_head).await
    }

    pub(super) async fn over_stream(&self, request: Box<Request<OutgoingBody>>) -> Result<Answered, Miss> {
        let mut request = request;
        address_http2(&mut request, &self.server.address, self.target);
        let (until, max_head) = (self.connect_until(), self.upstream.settings.max_response_head);
        let tls = self.upstream.tls.as_ref().map(|tls| &tls.http2);
        let connect = Transport::connect(self.server, tls, until);
        let stream = match self.server.multiplexed.stream(max_head, until, connect).await {
            Ok(stream) => stream,
            Err(failure) => return Err(Miss { failure, back: Some(request), used: false }),
        };
        match stream.exchange(request, self.patience).await {
            Ok((response, slot)) => Ok(Answered::Stream(response, slot)),
            Err(lost) => Err(missed(lost)),
        }
    }

    fn connect_until(&self) -> Instant {
        (Instant::now() + self.upstream.settings.connect_timeout).min(self.patience.deadline)
    }
}

fn missed(lost: Lost) -> Miss {
    match lost {
        Lost::Unsent(back) => {
            let failure = CallFailure::new(FailureKind::Unsent, Sent::No, "the connection closed before it was used");
            Miss { failure, back: Some(back), used: false }
        }
        Lost::Failed(failure) => Miss { failure, back: None, used: false },
    }
}

impl Answered {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Line(response, _) | Self::Stream(response, _) => response.status(),
        }
    }

    /// The answer as the caller gets it.
    pub(super) fn into_response(self, ticket: Ticket, bounds: &Bounds) -> Response<ResponseBody> {
        match self {
            Self::Line(response, line) => {
                response.map(|incoming| ResponseBody::of_line(incoming, line, ticket, bounds))
            }
            Self::Stream(response, slot) => {
                response.map(|incoming| ResponseBody::of_stream(incoming, slot, ticket, bounds))
            }
        }
    }

    /// The answer 101 as the caller gets it: with the connection that switched.
    pub(super) async fn into_switched(
        self,
        ticket: Ticket,
        until: Instant,
        bounds: &Bounds,
    ) -> Result<Response<ResponseBody>, CallFailure> {
        match self {
            Self::Line(response, line) => {
                let (transport, read) = line.switch(until).await?;
                Ok(response.map(|_| ResponseBody::of_switch(transport, read, ticket, bounds)))
            }
            // HTTP/2 has no 101, and hyper takes none.
            Self::Stream(..) => Err(CallFailure::new(FailureKind::BadAnswer, Sent::Maybe, "a switch inside HTTP/2")),
        }
    }
}
