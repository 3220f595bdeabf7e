//! One call as one or more tries: which failures are tried again, where, and how often.
//!
//! What a repeat would do at the server, the caller knows and says.

use std::time::Duration;

use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode};
use lgsp_core::Backoff;
use tokio::time::{Instant, sleep};

use super::admission::Ticket;
use super::answer::{Bounds, ResponseBody};
use super::attempt::{Answered, Attempt, Lines, Miss};
use super::failure::{CallFailure, FailureKind, Sent};
use super::outgoing::{Outgoing, OutgoingBody, Spare};
use super::patience::Patience;
use super::settings::Http2;
use super::{CallOptions, Repeatable};

/// The pause before the same server is tried again: a moment, because the caller waits.
const PAUSE: Backoff = Backoff { first: Duration::from_millis(25), max: Duration::from_millis(250), spread: 0.5 };

/// One call on its way.
pub(super) struct Tries {
    ticket: Ticket,
    how: CallOptions,
    target: PathAndQuery,
    patience: Patience,
    spare: Option<Box<Spare>>,
    /// A bit for each server that this call was at.
    tried: u64,
    count: u32,
    sent: Sent,
    /// A connection that had been idle broke, and the call was sent once more because of it.
    stale: bool,
}

/// The next try.
struct Next {
    request: Box<Request<OutgoingBody>>,
    server: usize,
    lines: Lines,
    pause: Duration,
}

impl Tries {
    pub(super) fn new(ticket: Ticket, outgoing: &mut Outgoing, how: CallOptions) -> Self {
        let settings = &ticket.upstream().settings;
        let again = match how.repeatable {
            Repeatable::Always => true,
            // Over HTTP/2 a request can come back unprocessed after it was sent.
            Repeatable::IfUnsent => settings.http2 == Http2::Always,
            Repeatable::Never => false,
        };
        let spare = if again { outgoing.spare() } else { None };
        let (timeout, deadline) = (settings.timeout, how.deadline);
        let patience = Patience { timeout, deadline, progress: outgoing.progress.take() };
        let target = outgoing.target.clone();
        Self { ticket, how, target, patience, spare, tried: 0, count: 0, sent: Sent::No, stale: false }
    }

    /// Tries until there is an answer for the caller or no try is left.
    pub(super) async fn run(
        mut self,
        request: Box<Request<OutgoingBody>>,
    ) -> Result<Response<ResponseBody>, CallFailure> {
        let server = self.ticket.pick(0);
        let mut next = Next { request, server, lines: Lines::Any, pause: Duration::ZERO };
        loop {
            if !next.pause.is_zero() {
                sleep(next.pause).await;
            }
            match self.once(next).await {
                Ok(answered) => match self.after_absence(&answered) {
                    Some(following) => next = following,
                    None => return self.answer(answered).await,
                },
                Err(miss) => next = self.after_miss(miss)?,
            }
        }
    }

    async fn once(&mut self, next: Next) -> Result<Answered, Miss> {
        self.ticket.move_to(next.server);
        self.tried |= 1 << next.server;
        self.count += u32::from(next.lines == Lines::Any);
        let upstream = self.ticket.upstream();
        let server = &upstream.servers[next.server];
        let attempt = Attempt { upstream, server, target: &self.target, patience: &self.patience };
        if upstream.settings.http2 == Http2::Always && !self.how.upgrade {
            // Boxed, because it may have to connect.
            Box::pin(attempt.over_stream(next.request)).await
        } else {
            attempt.over_line(next.request, next.lines).await
        }
    }

    /// Another try, if the answer says that the service is not there and there may be one.
    fn after_absence(&mut self, answered: &Answered) -> Option<Next> {
        self.sent = Sent::Maybe;
        if !is_absence(answered.status()) {
            return None;
        }
        self.ticket.server_failed();
        self.follow(Sent::Maybe, None)
    }

    /// Another try after one without an answer, or what the caller is told.
    fn after_miss(&mut self, miss: Miss) -> Result<Next, CallFailure> {
        let Miss { mut failure, back, used } = miss;
        if failure.sent == Sent::Maybe {
            self.sent = Sent::Maybe;
        }
        if let Some(spare) = &self.spare
            && self.how.repeatable == Repeatable::Always
            && used
            && !self.stale
            && failure.kind == FailureKind::Broken
        {
            // A server that closes idle connections is not in trouble: this says nothing against it.
            self.stale = true;
            self.ticket.repeated();
            let (request, server) = (spare.request(), self.ticket.server());
            return Ok(Next { request, server, lines: Lines::Fresh, pause: Duration::ZERO });
        }
        if failure.kind.blames_server() {
            self.ticket.server_failed();
            if let Some(next) = self.follow(failure.sent, back) {
                return Ok(next);
            }
            self.ticket.failed();
        }
        failure.sent = self.sent;
        Err(failure)
    }

    fn follow(&self, sent: Sent, back: Option<Box<Request<OutgoingBody>>>) -> Option<Next> {
        let allowed = match (self.how.repeatable, sent) {
            (Repeatable::Always, _) | (Repeatable::IfUnsent, Sent::No) => true,
            (Repeatable::IfUnsent, Sent::Maybe) | (Repeatable::Never, _) => false,
        };
        let tries_left = self.count < self.ticket.upstream().settings.retry.attempts;
        if !allowed || !tries_left || self.how.deadline <= Instant::now() {
            return None;
        }
        let request = back.or_else(|| self.spare.as_deref().map(Spare::request))?;
        let server = self.ticket.pick(self.tried);
        let elsewhere = server != self.ticket.server();
        // A request that did not leave cost nobody anything: going elsewhere with it needs no budget.
        let free = elsewhere && sent == Sent::No;
        if !free && !self.ticket.may_repeat() {
            return None;
        }
        self.ticket.repeated();
        let pause = if elsewhere { 0 } else { PAUSE.delay_millis(self.count, self.ticket.upstream().jitter()) };
        let pause = Duration::from_millis(u64::try_from(pause).unwrap_or(0));
        Some(Next { request, server, lines: Lines::Any, pause })
    }

    async fn answer(mut self, answered: Answered) -> Result<Response<ResponseBody>, CallFailure> {
        let bounds = Bounds { silence: self.ticket.upstream().settings.silence, end: self.how.end };
        if answered.status() == StatusCode::SWITCHING_PROTOCOLS {
            if !self.how.upgrade {
                self.ticket.failed();
                let detail = "the server switched protocols unasked";
                return Err(CallFailure::new(FailureKind::BadAnswer, Sent::Maybe, detail));
            }
            self.ticket.succeeded();
            return answered.into_switched(self.ticket, self.how.deadline, &bounds).await;
        }
        if is_absence(answered.status()) {
            self.ticket.failed();
        } else {
            self.ticket.succeeded();
        }
        Ok(answered.into_response(self.ticket, &bounds))
    }
}

/// Answers of gateways and of servers that take nothing now: what was asked for is not there.
fn is_absence(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}
