//! HTTP/2 connections to one server: few, shared by many calls, each driven by a task of its own.
//!
//! It knows no policy.

use std::error::Error;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{Instant, timeout_at};

use super::failure::{CallFailure, FailureKind, Sent};
use super::line::{Lost, failed};
use super::outgoing::OutgoingBody;
use super::patience::{Patience, Wait};
use super::transport::Transport;

/// Calls on one connection before another one is opened: what servers commonly allow.
const STREAMS: u32 = 100;

/// A connection that carries calls is asked so often whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// A connection that does not answer a ping for so long is dead.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What one stream, and one connection, may have on its way to us unread: enough for full speed within a country.
const WINDOW_BYTES: u32 = 1024 * 1024;

#[derive(Clone)]
struct Session {
    sender: SendRequest<OutgoingBody>,
    streams: Arc<AtomicU32>,
    used: Instant,
}

/// One call's place on a connection.
pub(super) struct Stream {
    sender: SendRequest<OutgoingBody>,
    slot: Slot,
}

/// Counts a call for as long as its answer lives.
pub(super) struct Slot(Arc<AtomicU32>);

impl Slot {
    fn take(streams: &Arc<AtomicU32>) -> Self {
        streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
pub(super) struct Multiplexed {
    sessions: Mutex<Vec<Session>>,
    /// Calls that find no room wait for one new connection instead of opening one each.
    opening: tokio::sync::Mutex<()>,
}

impl Multiplexed {
    /// A place on a connection; `connect` opens another one when there is no room.
    pub(super) async fn stream(
        &self,
        max_head: usize,
        until: Instant,
        connect: impl Future<Output = Result<Transport, CallFailure>>,
    ) -> Result<Stream, CallFailure> {
        if let Some(stream) = self.room() {
            return Ok(stream);
        }
        let late = |_| CallFailure::new(FailureKind::Unreachable, Sent::No, "no connection in time");
        let _alone = timeout_at(until, self.opening.lock()).await.map_err(late)?;
        if let Some(stream) = self.room() {
            return Ok(stream);
        }
        let transport = connect.await?;
        if !transport.may_speak_http2() {
            let detail = "the server does not speak HTTP/2";
            return Err(CallFailure::new(FailureKind::Unreachable, Sent::No, detail));
        }
        let sender = open(transport, max_head).await?;
        let streams = Arc::default();
        let stream = Stream { sender: sender.clone(), slot: Slot::take(&streams) };
        self.sessions().push(Session { sender, streams, used: Instant::now() });
        Ok(stream)
    }

    fn room(&self) -> Option<Stream> {
        let mut sessions = self.sessions();
        sessions.retain(|session| !session.sender.is_closed());
        let session = sessions.iter_mut().find(|session| session.streams.load(Ordering::Relaxed) < STREAMS)?;
        session.used = Instant::now();
        Some(Stream { sender: session.sender.clone(), slot: Slot::take(&session.streams) })
    }

    /// Closes those that carried nothing for too long.
    pub(super) fn sweep(&self, now: Instant, idle_timeout: Duration) {
        let busy = |session: &Session| session.streams.load(Ordering::Relaxed) > 0;
        self.sessions().retain(|session| busy(session) || now.duration_since(session.used) < idle_timeout);
    }

    pub(super) fn len(&self) -> usize {
        self.sessions().iter().filter(|session| !session.sender.is_closed()).count()
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open(transport: Transport, max_head: usize) -> Result<SendRequest<OutgoingBody>, CallFailure> {
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_header_list_size(u32::try_from(max_head).unwrap_or(u32::MAX))
        .handshake(TokioIo::new(transport))
        .await
        .map_err(|_| CallFailure::new(FailureKind::Unreachable, Sent::No, "the server does not speak HTTP/2"))?;
    // It ends when the last sender is gone and the last stream is over; what it fails with, its calls are told.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

impl Stream {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn exchange(
        mut self,
        request: Box<Request<OutgoingBody>>,
        patience: &Patience,
    ) -> Result<(Response<Incoming>, Slot), Lost> {
        let mut answer = pin!(self.sender.try_send_request(*request));
        let mut wait = Wait::new(patience);
        loop {
            match timeout_at(wait.until, answer.as_mut()).await {
                Ok(answered) => return answered.map(|response| (response, self.slot)).map_err(lost),
                Err(_) => {
                    if let Some(failure) = wait.expired() {
                        return Err(Lost::Failed(failure));
                    }
                }
            }
        }
    }
}

fn lost(mut error: TrySendError<Request<OutgoingBody>>) -> Lost {
    if let Some(request) = error.take_message() {
        return Lost::Unsent(Box::new(request));
    }
    let mut failure = failed(error.error());
    if is_untouched(error.error()) {
        failure = CallFailure::new(FailureKind::Unsent, Sent::No, "the server closes and took no more requests");
    }
    Lost::Failed(failure)
}

/// Whether the server said that it did not look at the request (RFC 9113, 6.8 and 8.7).
fn is_untouched(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<h2::Error>() {
            let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            let closing = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
            return error.is_remote() && (refused || closing);
        }
        source = inner.source();
    }
    false
}
