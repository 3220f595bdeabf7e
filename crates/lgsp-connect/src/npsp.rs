//! The national portal's session protocol behind its adapter: dossiers, progress steps, status notices, look-ups.
//!
//! It makes one try of a call, with one new login when the session is gone. It never repeats a call whose effect is
//! unknown, and it sends records byte for byte as they came.

mod envelope;
mod lookup;
mod reply;
mod session;
mod settings;
mod words;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{StatusCode, Uri};
use lgsp_model::{Cause, EventKind, Outcome};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use toml::Table;

use crate::client::{Http, HttpAnswer, HttpFailure, HttpLimits, Reach};
use crate::connector::{
    Asked, BatchLimit, Clock, ConnectFuture, Connector, Delivered, Known, Outgoing, QueryFailure, Repeat,
};
use crate::family::Builder;
use crate::redact::{own_cause, partner_cause, without_values};
use crate::settings::SettingError;
use envelope::Envelope;
use reply::{Meaning, Reply};
use session::{NoSession, Session, Sessions};
use settings::Settings;

/// A batch of dossiers is cut at this many payload bytes: adapters were seen to refuse bodies of a few MiB.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// One record may be as large as the gateway accepts (16 MiB), plus the envelope.
const REQUEST_BYTES: usize = 17 * 1024 * 1024;

/// The full list of procedures is some MiB.
const RESPONSE_BYTES: usize = 32 * 1024 * 1024;

/// A call whose session was lost is made once more.
const TRIES: usize = 2;

pub(crate) fn check(table: &Table) -> Result<Builder, Vec<SettingError>> {
    let settings = Settings::read(table)?;
    Ok(Box::new(move |clock| Npsp::build(settings, clock).map(|npsp| Arc::new(npsp) as Arc<dyn Connector>)))
}

/// The connector.
struct Npsp {
    settings: Settings,
    http: Http,
    sessions: Sessions,
    headers: Vec<(HeaderName, HeaderValue)>,
    clock: Clock,
}

/// How a call ended that brought no reply of the portal.
enum CallFailure {
    /// It certainly had no effect.
    NotTaken { cause: Cause, after: Option<Duration> },
    /// The record, not the moment, is at fault.
    Refused(Cause),
    /// It may have had one.
    Unknown(Cause),
}

impl CallFailure {
    fn outcome(self) -> Outcome {
        match self {
            Self::NotTaken { cause, after } => Outcome::Deferred { cause, after },
            Self::Refused(cause) => Outcome::Refused(cause),
            Self::Unknown(cause) => Outcome::Unknown(cause),
        }
    }
}

impl Npsp {
    fn build(settings: Settings, clock: Clock) -> Result<Self, crate::BuildError> {
        let limits =
            HttpLimits { total: settings.timeout, request_bytes: REQUEST_BYTES, response_bytes: RESPONSE_BYTES };
        let http = Http::build(limits, Reach::Anywhere, settings.login.scheme_str() == Some("https"))?;
        let headers = vec![
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("charset"), HeaderValue::from_static("utf-8")),
            (HeaderName::from_static("dstcode"), settings.destination.clone()),
        ];
        Ok(Self { settings, http, sessions: Sessions::default(), headers, clock })
    }

    async fn log_in(&self) -> Result<String, NoSession> {
        let (user, password) = (&self.settings.username, self.settings.password.expose_secret());
        let body = serde_json::json!({"username": user, "password": password}).to_string();
        let answer = match self.http.post(&self.settings.login, &self.headers, body.into()).await {
            Ok(answer) => answer,
            Err(HttpFailure::NotSent(cause) | HttpFailure::Unanswered(cause)) => {
                return Err(NoSession { cause, after: None });
            }
        };
        if !answer.status.is_success() {
            let status = answer.status.as_u16();
            let cause = own_cause(format!("login_http_{status}"), "the portal's adapter refused the login");
            let after = answer.retry_after.map(|after| after.from((self.clock)()));
            return Err(NoSession { cause, after });
        }
        let reply = Reply::read(&answer.body);
        let session = reply.session.as_ref().filter(|session| !session.is_empty() && reply.is_zero());
        session
            .cloned()
            .ok_or_else(|| NoSession { cause: partner_cause("login_refused", &reply.text, &[password]), after: None })
    }

    async fn session(&self) -> Result<Session, NoSession> {
        self.sessions.get(|| (self.clock)(), self.settings.session_ttl, || self.log_in()).await
    }

    /// Makes a call, with one new login when the portal does not know the session. Returns the body and its reading.
    async fn call(&self, uri: &Uri, envelope: &Envelope<'_>) -> Result<(Bytes, Reply), CallFailure> {
        let mut lost = own_cause("session", "the portal does not accept the session that it gave");
        for _ in 0..TRIES {
            let session = match self.session().await {
                Ok(session) => session,
                Err(NoSession { cause, after }) => return Err(CallFailure::NotTaken { cause, after }),
            };
            let body = envelope.body(&session.token, &self.settings.unit);
            let answer = self.http.post(uri, &self.headers, body).await.map_err(|failure| match failure {
                HttpFailure::NotSent(cause) => CallFailure::NotTaken { cause, after: None },
                HttpFailure::Unanswered(cause) => CallFailure::Unknown(cause),
            })?;
            if answer.status == StatusCode::UNAUTHORIZED {
                self.sessions.forget(&session);
                continue;
            }
            if let Some(failure) = self.http_failure(&answer) {
                return Err(failure);
            }
            let mut reply = Reply::read(&answer.body);
            if reply.meaning() != Meaning::Done || matches!(envelope, Envelope::LookUp { .. }) {
                let secrets = [session.token.as_str(), self.settings.password.expose_secret()];
                reply.words = without_values(&reply.text, &secrets, envelope.values());
            }
            if reply.lost_session() {
                self.sessions.forget(&session);
                lost = partner_cause("session", &reply.words, &[]);
                continue;
            }
            return Ok((answer.body, reply));
        }
        Err(CallFailure::NotTaken { cause: lost, after: None })
    }

    /// What a status other than success means. A gateway in between may have passed the call on before it failed;
    /// an address or a right that is wrong is not the record's fault.
    fn http_failure(&self, answer: &HttpAnswer) -> Option<CallFailure> {
        let status = answer.status.as_u16();
        let cause = |detail: &str| own_cause(format!("http_{status}"), detail);
        let after = answer.retry_after.map(|after| after.from((self.clock)()));
        match status {
            200..=299 => None,
            429 | 503 => Some(CallFailure::NotTaken { cause: cause("the portal takes nothing now"), after }),
            400 | 413 | 422 => Some(CallFailure::Refused(cause("the portal's adapter refused the message"))),
            408 | 500..=599 => Some(CallFailure::Unknown(cause("the portal's adapter failed on the way"))),
            _ => Some(CallFailure::NotTaken {
                cause: cause("the portal's adapter refused the call: check adapter_url, endpoints and rights"),
                after,
            }),
        }
    }

    async fn dossiers(&self, events: &[Outgoing]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; events.len()];
        let mut creates = Vec::new();
        let mut updates = Vec::new();
        for (n, event) in events.iter().enumerate() {
            let known = match event.known {
                Known::Unsure => self.look_up_known(event).await,
                known => Ok(known),
            };
            match known {
                Ok(Known::Yes) => updates.push(n),
                Ok(Known::No | Known::Unsure) => creates.push(n),
                Err(outcome) => outcomes[n] = Some(outcome),
            }
        }
        for (updating, group) in [(false, creates), (true, updates)] {
            let batch: Vec<&Outgoing> = group.iter().map(|n| &events[*n]).collect();
            for (n, outcome) in group.iter().zip(self.push_dossiers(&batch, updating).await) {
                outcomes[*n] = Some(outcome);
            }
        }
        outcomes.into_iter().map(|outcome| outcome.expect("every event was in one of the groups")).collect()
    }

    async fn look_up_known(&self, event: &Outgoing) -> Result<Known, Outcome> {
        match self.look_up(event).await {
            Asked::Same | Asked::Differs => Ok(Known::Yes),
            Asked::Missing => Ok(Known::No),
            Asked::CannotTell => Ok(Known::Unsure),
            Asked::Deferred { cause, after } => Err(Outcome::Deferred { cause, after }),
        }
    }

    /// Sends one batch of creates or of updates. When the portal knows better which it is, the records go one by
    /// one: its refusal does not say which of a batch it means.
    async fn push_dossiers(&self, batch: &[&Outgoing], updating: bool) -> Vec<Outcome> {
        if batch.is_empty() {
            return Vec::new();
        }
        let first = self.push_once(batch, updating).await;
        let switch = |outcome: &Pushed| matches!(outcome, Pushed::Otherwise(_));
        if !switch(&first) {
            return vec![first.outcome(); batch.len()];
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        for event in batch {
            let one = std::slice::from_ref(event);
            let same = if batch.len() == 1 { first.clone() } else { self.push_once(one, updating).await };
            let settled = if switch(&same) { self.push_once(one, !updating).await } else { same };
            outcomes.push(settled.outcome());
            if matches!(outcomes.last(), Some(Outcome::Deferred { .. } | Outcome::Unknown(_))) {
                break;
            }
        }
        let rest = Outcome::Deferred { cause: own_cause("batch_cut", "an earlier record got no answer"), after: None };
        outcomes.resize(batch.len(), rest);
        outcomes
    }

    async fn push_once(&self, batch: &[&Outgoing], updating: bool) -> Pushed {
        let envelope = Envelope::Dossiers { events: batch, updating };
        let reply = match self.call(&self.settings.integration, &envelope).await {
            Ok((_, reply)) => reply,
            Err(failure) => return Pushed::Ended(failure.outcome()),
        };
        match (reply.meaning(), updating) {
            (Meaning::Exists, false) | (Meaning::Absent, true) => Pushed::Otherwise(refused(&reply)),
            (meaning, _) => Pushed::Ended(outcome_of(meaning, &reply)),
        }
    }

    async fn progress(&self, events: &[Outgoing]) -> Outcome {
        let batch: Vec<&Outgoing> = events.iter().collect();
        match self.call(&self.settings.integration, &Envelope::Progress { events: &batch }).await {
            Ok((_, reply)) => match reply.meaning() {
                Meaning::Exists if events.len() == 1 => Outcome::Settled,
                meaning => outcome_of(meaning, &reply),
            },
            Err(failure) => failure.outcome(),
        }
    }

    async fn status(&self, event: &Outgoing) -> Outcome {
        match self.call(&self.settings.integration, &Envelope::Status { event }).await {
            Ok((_, reply)) => match reply.meaning() {
                Meaning::Exists => Outcome::Settled,
                meaning => outcome_of(meaning, &reply),
            },
            Err(failure) => failure.outcome(),
        }
    }

    async fn look_up(&self, event: &Outgoing) -> Asked {
        let envelope = Envelope::LookUp { event };
        match self.call(&self.settings.integration, &envelope).await {
            Ok((_, reply)) => lookup::judge(event, &reply, self.settings.progress_repeatable),
            Err(CallFailure::NotTaken { cause, after }) => Asked::Deferred { cause, after },
            Err(CallFailure::Unknown(cause) | CallFailure::Refused(cause)) => Asked::Deferred { cause, after: None },
        }
    }
}

/// What one push of dossiers came to.
#[derive(Clone)]
enum Pushed {
    /// Final for this try.
    Ended(Outcome),
    /// The portal says: create what was to be updated, or the other way round.
    Otherwise(Cause),
}

impl Pushed {
    fn outcome(self) -> Outcome {
        match self {
            Self::Ended(outcome) => outcome,
            Self::Otherwise(cause) => Outcome::Refused(cause),
        }
    }
}

fn refused(reply: &Reply) -> Cause {
    let code = reply.code.as_deref().unwrap_or("none");
    partner_cause("refused", &format!("error_code {code}: {}", reply.words), &[])
}

fn outcome_of(meaning: Meaning, reply: &Reply) -> Outcome {
    match meaning {
        Meaning::Done => Outcome::Settled,
        Meaning::Exists | Meaning::Absent | Meaning::Refused => Outcome::Refused(refused(reply)),
        Meaning::Busy | Meaning::SessionLost => {
            Outcome::Deferred { cause: partner_cause("busy", &reply.words, &[]), after: None }
        }
        Meaning::Unclear => Outcome::Unknown(partner_cause("unclear", &reply.words, &[])),
    }
}

impl Connector for Npsp {
    fn limits(&self, kind: EventKind) -> BatchLimit {
        let steps = if self.settings.progress_repeatable { Repeat::Harmless } else { Repeat::AskAlways };
        match kind {
            EventKind::Dossier => {
                BatchLimit { events: self.settings.dossier_batch, bytes: BATCH_BYTES, repeat: Repeat::AskIfUnknown }
            }
            EventKind::Progress => {
                BatchLimit { events: self.settings.progress_batch, bytes: BATCH_BYTES, repeat: steps }
            }
            EventKind::Status
            | EventKind::Audit
            | EventKind::Message
            | EventKind::Reply
            | EventKind::Access
            | EventKind::Payment
            | EventKind::Evidence => BatchLimit { events: 1, bytes: BATCH_BYTES, repeat: steps },
        }
    }

    fn wants_history(&self) -> bool {
        true
    }

    fn deliver<'a>(&'a self, kind: EventKind, events: &'a [Outgoing]) -> ConnectFuture<'a, Delivered> {
        Box::pin(async move {
            match kind {
                EventKind::Dossier => {
                    Delivered { outcomes: self.dossiers(events).await, standing: crate::Standing::Open }
                }
                EventKind::Progress => Delivered::all(&self.progress(events).await, events.len()),
                EventKind::Audit
                | EventKind::Message
                | EventKind::Reply
                | EventKind::Access
                | EventKind::Payment
                | EventKind::Evidence => {
                    let cause = own_cause("wrong_kind", "the portal takes events of dossiers only");
                    Delivered::all(&Outcome::Refused(cause), events.len())
                }
                EventKind::Status => {
                    let mut outcomes = Vec::with_capacity(events.len());
                    for event in events {
                        outcomes.push(self.status(event).await);
                    }
                    Delivered { outcomes, standing: crate::Standing::Open }
                }
            }
        })
    }

    fn ask<'a>(&'a self, event: &'a Outgoing) -> ConnectFuture<'a, Asked> {
        Box::pin(self.look_up(event))
    }

    fn query<'a>(
        &'a self,
        service: &'a str,
        parameters: &'a Map<String, Value>,
    ) -> ConnectFuture<'a, Result<Bytes, QueryFailure>> {
        Box::pin(async move {
            match self.call(&self.settings.share, &Envelope::Query { service, parameters }).await {
                Ok((body, _)) => Ok(body),
                Err(CallFailure::NotTaken { cause, .. }) => Err(QueryFailure::Unreachable(cause)),
                Err(CallFailure::Refused(cause)) => Err(QueryFailure::Refused(cause)),
                Err(CallFailure::Unknown(cause)) if cause.code == "timeout" => Err(QueryFailure::Timeout(cause)),
                Err(CallFailure::Unknown(cause)) => Err(QueryFailure::Refused(cause)),
            }
        })
    }
}
