//! What every partner beside the portal has: settings, faults, tokens, counters, and the way of a call through them.
//!
//! What a partner does with a call stands in its own file.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

use crate::access::{self, Access, Tokens};
use crate::answer::{self, Answer};
use crate::call::{Call, Query};
use crate::faults::{self, BadFault, FaultId, FaultRule, Faults, Struck};
use crate::scripted::{Body, Cut};

/// Where chance starts unless a seed is set.
const DEFAULT_SEED: u64 = 20_260_701;
/// A body of a call; the largest is a file that is uploaded.
const MAX_BODY: usize = 16 << 20;

/// A kind of partner.
pub trait Peer: Default + Send + 'static {
    /// Its name below `/` and below `/sandbox/`.
    const NAME: &'static str;
    /// How it behaves when nothing is wrong. All of it can be changed while it runs.
    type Settings: Clone + Default + Serialize + DeserializeOwned + Send;
    /// Who is let in.
    fn access(settings: &Self::Settings) -> &Access;
    /// Forgets what came since the start.
    fn forget(&mut self) {
        *self = Self::default();
    }
}

/// The part of a kind that `/sandbox/<partner>/` shows.
pub(crate) trait Inspect: Peer {
    /// A list of what it has, for `GET /sandbox/<partner>/<list>`.
    fn list(&self, list: &str) -> Option<Value>;
    /// A command, for `POST /sandbox/<partner>/<command>`: absent when there is none of this name.
    fn command(&mut self, _command: &str, _body: &[u8]) -> Option<Result<Value, String>> {
        None
    }
}

/// The part of a kind that its calls go through.
pub(crate) trait Serves: Inspect {
    /// The service that a call is for: its name in faults and counters. `token` is the token endpoint.
    fn service(call: &Call) -> &'static str;
    /// Does what the call asks. Tokens have been looked at already, except for `token` and what `is_open`.
    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer;
    /// Services without a token.
    fn is_open(_service: &str) -> bool {
        false
    }
    /// What a call without a living token gets.
    fn unauthorized() -> Answer {
        access::invalid_credentials()
    }
    /// The token endpoint.
    fn token(inside: &mut Inside<Self>, call: &Call, wrong: bool) -> Result<Answer, Answer> {
        let access = Self::access(&inside.settings).clone();
        access::token(&mut inside.tokens, &access, call, wrong)
    }
}

/// What a partner counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeerCounters {
    /// Calls that reached it, by service.
    pub calls: BTreeMap<&'static str, u64>,
    /// Token requests that got a token.
    pub tokens: u64,
    /// Calls refused for their token.
    pub tokens_refused: u64,
    /// Answers spoilt by a transport fault (500, 502, 503, reset, silence, malformed, oversize).
    pub transport_faults: u64,
}

/// A simulated partner, shared: clones are the same partner.
pub struct Partner<P: Peer> {
    inside: Arc<Mutex<Inside<P>>>,
    answered: watch::Sender<u64>,
}

pub(crate) struct Inside<P: Peer> {
    pub(crate) settings: P::Settings,
    pub(crate) faults: Faults,
    pub(crate) tokens: Tokens,
    pub(crate) counters: PeerCounters,
    pub(crate) own: P,
}

impl<P: Peer> Clone for Partner<P> {
    fn clone(&self) -> Self {
        Self { inside: Arc::clone(&self.inside), answered: self.answered.clone() }
    }
}

impl<P: Peer> Default for Partner<P> {
    fn default() -> Self {
        Self::new(P::Settings::default())
    }
}

impl<P: Peer> fmt::Debug for Partner<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Partner").field(&P::NAME).finish()
    }
}

impl<P: Peer> Partner<P> {
    /// The partner with what it has from the start.
    pub fn new(settings: P::Settings) -> Self {
        let inside = Inside {
            settings,
            faults: Faults::new(DEFAULT_SEED),
            // A token of one partner is worth nothing at another.
            tokens: Tokens::new(P::NAME.bytes().fold(DEFAULT_SEED, |seed, byte| seed.rotate_left(8) ^ u64::from(byte))),
            counters: PeerCounters::default(),
            own: P::default(),
        };
        Self { inside: Arc::new(Mutex::new(inside)), answered: watch::Sender::new(0) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside<P>> {
        self.inside.lock().expect("no code panics while it holds a partner's state")
    }

    /// The settings now.
    pub fn settings(&self) -> P::Settings {
        self.lock().settings.clone()
    }

    /// Changes the settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut P::Settings)) {
        change(&mut self.lock().settings);
    }

    /// Adds a fault. Those that only the national portal commits are refused.
    pub fn add_fault(&self, rule: FaultRule) -> Result<FaultId, BadFault> {
        if rule.fault.is_portal_only() {
            return Err(BadFault::PortalOnly);
        }
        self.lock().faults.add(rule)
    }

    /// Removes a fault; false when it is gone already.
    pub fn remove_fault(&self, id: FaultId) -> bool {
        self.lock().faults.remove(id)
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// The faults that stand.
    pub fn faults(&self) -> Vec<(FaultId, FaultRule)> {
        self.lock().faults.rules().to_vec()
    }

    /// Restarts chance, so that faults with a probability strike the same calls again.
    pub fn seed(&self, seed: u64) {
        self.lock().faults.reseed(seed);
    }

    /// Every token dies now.
    pub fn expire_tokens(&self) {
        self.lock().tokens.clear();
    }

    /// The counters now.
    pub fn counters(&self) -> PeerCounters {
        self.lock().counters.clone()
    }

    /// Changes whenever a call took effect; the value is the number of such calls. To wait for a condition instead of
    /// sleeping.
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.answered.subscribe()
    }

    /// Forgets what came since the start, counters included. Settings, faults and tokens stay.
    pub fn forget(&self) {
        let mut inside = self.lock();
        inside.own.forget();
        inside.counters = PeerCounters::default();
    }

    /// Draws the faults of one call and counts it.
    pub(crate) fn strike(&self, service: &'static str) -> (Struck, u64) {
        let mut inside = self.lock();
        *inside.counters.calls.entry(service).or_default() += 1;
        let struck = inside.faults.strike(&faults::Call { service, codes: &[] });
        if struck.spoils_transport() {
            inside.counters.transport_faults += 1;
        }
        (struck, P::access(&inside.settings).answer_delay_ms)
    }

    pub(crate) fn announce(&self) {
        self.answered.send_modify(|calls| *calls += 1);
    }
}

/// Answers one call; `path` is what stands below the partner.
pub(crate) async fn exchange<P: Serves>(
    partner: &Partner<P>,
    path: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    match received(path, request).await {
        Ok(call) => taken(partner, &call, |_| ()).0.deliver().await,
        Err(refusal) => Ok(refusal.into_response()),
    }
}

/// The whole call; `path` is what stands below the partner.
pub(crate) async fn received(path: &str, request: Request<Incoming>) -> Result<Call, Answer> {
    let path = path.to_owned();
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Err(Answer::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broke off\n"));
    };
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let now = Instant::now();
    Ok(Call { method: parts.method, path, query, headers: parts.headers, body: body.to_bytes(), now })
}

/// A call that took effect, or was struck before it could, and is not answered yet.
pub(crate) struct Taken {
    answer: Option<Answer>,
    struck: Struck,
    delay_ms: u64,
}

impl Taken {
    /// Sends the answer or commits the faults in its place.
    pub(crate) async fn deliver(self) -> Result<Response<Body>, Cut> {
        answer::deliver(self.answer, &self.struck, self.delay_ms).await
    }
}

/// Lets a call take effect; `then` sees what it left, before any other call does, unless a fault struck first.
pub(crate) fn taken<P: Serves, T: Default>(
    partner: &Partner<P>,
    call: &Call,
    then: impl FnOnce(&mut Inside<P>) -> T,
) -> (Taken, T) {
    let service = P::service(call);
    let (struck, delay_ms) = partner.strike(service);
    let (mut answer, mut left) = (None, T::default());
    if struck.before.is_none() {
        let mut inside = partner.lock();
        answer = Some(take(&mut inside, call, service, &struck));
        left = then(&mut inside);
        drop(inside);
        partner.announce();
    }
    (Taken { answer, struck, delay_ms }, left)
}

fn take<P: Serves>(inside: &mut Inside<P>, call: &Call, service: &'static str, struck: &Struck) -> Answer {
    if service == "token" {
        return match P::token(inside, call, struck.wrong_credentials) {
            Ok(answer) => {
                inside.counters.tokens += 1;
                answer
            }
            Err(refusal) => refusal,
        };
    }
    if struck.sessions_expire {
        inside.tokens.clear();
    }
    if !P::is_open(service) && !inside.tokens.spend(call) {
        inside.counters.tokens_refused += 1;
        return P::unauthorized();
    }
    P::answer(inside, call, service)
}

/// What came, newest last, up to a bound: the oldest go first, the count stays right.
#[derive(Clone, Debug)]
pub(crate) struct Journal<T> {
    rows: VecDeque<T>,
    count: u64,
    limit: usize,
}

/// Rows of one journal; at a few hundred bytes each they take some ten MB.
const MAX_JOURNAL: usize = 100_000;

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self::with_limit(MAX_JOURNAL)
    }
}

impl<T> Journal<T> {
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self { rows: VecDeque::new(), count: 0, limit }
    }

    pub(crate) fn push(&mut self, row: T) {
        if self.rows.len() == self.limit {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
        self.count += 1;
    }

    pub(crate) fn rows(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.iter().cloned().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter()
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}
