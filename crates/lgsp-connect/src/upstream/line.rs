//! One HTTP/1.1 connection to a server, driven by the task of the call that uses it: no task of its own, so no wake-ups
//! between tasks.
//!
//! It carries one call at a time and knows neither pool nor policy.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use super::bell::Bell;
use super::failure::{BodyFailure, CallFailure, FailureKind, Sent};
use super::outgoing::OutgoingBody;
use super::patience::{Patience, Wait};
use super::transport::Transport;

/// What hyper may hold of one message on one connection; it only bounds memory, pieces of bodies pass through it.
const BUFFER_BYTES: usize = 64 * 1024;

/// Rounds of polling before other work of this thread gets its turn.
const ROUNDS: usize = 4;

/// Why there is no answer.
pub(super) enum Lost {
    /// Nothing was written: here it is back.
    Unsent(Box<Request<OutgoingBody>>),
    /// Something may have been.
    Failed(CallFailure),
}

pub(super) struct Line {
    sender: SendRequest<OutgoingBody>,
    connection: Connection<TokioIo<Transport>, OutgoingBody>,
    over: bool,
    bell: Arc<Bell>,
    /// The bell's.
    waker: Waker,
    /// Armed for a moment that is not later than the one that is waited for: most calls end before it and leave it
    /// alone, so that the runtime's timers are touched once in a time-out and not once in a call.
    timer: Pin<Box<Sleep>>,
    /// Whether it had a call before.
    pub used: bool,
    /// When its last call ended.
    pub idle_since: Instant,
}

impl Line {
    pub(super) async fn open(transport: Transport, max_head: usize) -> Result<Box<Self>, CallFailure> {
        let handshake = Builder::new()
            .max_buf_size(BUFFER_BYTES.max(max_head))
            .max_header_size(max_head)
            .handshake(TokioIo::new(transport));
        let (sender, connection) = handshake.await.map_err(|_| {
            CallFailure::new(FailureKind::Unreachable, Sent::No, "the connection closed before it was used")
        })?;
        let bell = Bell::new();
        let waker = Waker::from(Arc::clone(&bell));
        let now = Instant::now();
        let timer = Box::pin(sleep_until(now));
        Ok(Box::new(Self { sender, connection, over: false, bell, waker, timer, used: false, idle_since: now }))
    }

    /// Whether it can take another call.
    pub(super) fn is_free(&self) -> bool {
        !self.over && self.sender.is_ready()
    }

    /// Lets go of the task that used it.
    pub(super) fn rest(&mut self) {
        self.used = true;
        self.bell.forget();
        self.idle_since = Instant::now();
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn exchange(
        mut self: Box<Self>,
        request: Box<Request<OutgoingBody>>,
        patience: &Patience,
    ) -> Result<(Response<Incoming>, Box<Self>), Lost> {
        // Its messages come from `connection`, which is polled first: it needs neither waker nor budget of its own.
        let mut answer = pin!(unconstrained(self.sender.try_send_request(*request)));
        let mut wait = Wait::new(patience);
        let polled = std::future::poll_fn(|cx| {
            self.bell.mute(cx.waker());
            for _ in 0..ROUNDS {
                self.drive();
                if let Poll::Ready(answered) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    return Poll::Ready(answered.map_err(lost));
                }
                if self.over {
                    return Poll::Ready(Err(broken("the connection closed without an answer")));
                }
                if let Poll::Ready(failure) = self.poll_wait(&mut wait) {
                    return Poll::Ready(Err(Lost::Failed(failure)));
                }
                if self.bell.listen() {
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        let response = polled.await?;
        Ok((response, self))
    }

    /// The next piece of an answer's body; `until` is when it must be there, counted from when it is first waited for.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        incoming: &mut Incoming,
        until: impl FnOnce() -> Instant,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let mut piece = |_: &Self| Pin::new(&mut *incoming).poll_frame(&mut Context::from_waker(Waker::noop()));
        let broken =
            |polled: Option<Result<_, hyper::Error>>| polled.map(|frame| frame.map_err(|_| BodyFailure::Broken));
        self.bell.mute(cx.waker());
        if let Poll::Ready(polled) = piece(self) {
            return Poll::Ready(broken(polled));
        }
        let until = until();
        for _ in 0..ROUNDS {
            self.drive();
            if let Poll::Ready(polled) = piece(self) {
                return Poll::Ready(broken(polled));
            }
            if self.over {
                return Poll::Ready(Some(Err(BodyFailure::Broken)));
            }
            if self.poll_timer(until).is_ready() {
                return Poll::Ready(Some(Err(BodyFailure::Silent)));
            }
            if self.bell.listen() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ends the HTTP of a connection that switches protocols: what carries it, and what was read already.
    pub(super) async fn switch(mut self: Box<Self>, until: Instant) -> Result<(Transport, Bytes), CallFailure> {
        let ended = std::future::poll_fn(|cx| {
            self.bell.mute(cx.waker());
            self.drive();
            if self.over {
                return Poll::Ready(true);
            }
            if self.poll_timer(until).is_ready() {
                return Poll::Ready(false);
            }
            if !self.bell.listen() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        if !ended.await {
            return Err(CallFailure::new(FailureKind::TimedOut, Sent::Maybe, "the switch of protocols took too long"));
        }
        let parts = self.connection.into_parts();
        Ok((parts.io.into_inner(), parts.read_buf))
    }

    fn drive(&mut self) {
        if !self.over {
            self.over = Pin::new(&mut self.connection).poll(&mut Context::from_waker(&self.waker)).is_ready();
        }
    }

    fn poll_wait(&mut self, wait: &mut Wait<'_>) -> Poll<CallFailure> {
        loop {
            ready!(self.poll_timer(wait.until));
            if let Some(failure) = wait.expired() {
                return Poll::Ready(failure);
            }
        }
    }

    fn poll_timer(&mut self, until: Instant) -> Poll<()> {
        if until < self.timer.deadline() {
            self.timer.as_mut().reset(until);
        }
        loop {
            ready!(self.timer.as_mut().poll(&mut Context::from_waker(&self.waker)));
            if until <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(until);
        }
    }
}

fn broken(detail: &'static str) -> Lost {
    Lost::Failed(CallFailure::new(FailureKind::Broken, Sent::Maybe, detail))
}

fn lost(mut error: TrySendError<Request<OutgoingBody>>) -> Lost {
    match error.take_message() {
        Some(request) => Lost::Unsent(Box::new(request)),
        None => Lost::Failed(failed(error.error())),
    }
}

/// What an error of hyper means for a request that was begun.
pub(super) fn failed(error: &hyper::Error) -> CallFailure {
    let (kind, detail) = if error.is_user() {
        (FailureKind::CallerBody, "the request's body failed")
    } else if error.is_parse_too_large() {
        (FailureKind::BadAnswer, "the head of the answer is too large")
    } else if error.is_parse() {
        (FailureKind::BadAnswer, "the answer is not HTTP")
    } else {
        (FailureKind::Broken, "the connection broke before an answer came")
    };
    CallFailure::new(kind, Sent::Maybe, detail)
}
