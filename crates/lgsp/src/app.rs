//! What all requests share: the store, the identities, the contracts, the metrics. It holds; it does not decide.

mod members;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lgsp_config::Config;
use lgsp_contract::{Catalogue, Contract};
use lgsp_model::{ErrorCode, Timestamp};
use lgsp_store::{AuditEntry, DurableStore, SoftState, TraceId};
use tokio_util::sync::CancellationToken;

use crate::broker::{Memory, Providers};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::identity::{
    Claims, DigestKey, Issuer, Keepers, Members, Replays, Revoked, Roster, SecretChecker, Sessions, TokenCache,
};
use crate::national::CatalogueCache;
use crate::payments::{Inquiry, PaymentProviders};
use crate::services::Services;
use crate::targets::Targets;
use crate::telemetry::Metrics;
use crate::trace::TraceSource;

/// The running gateway's shared state.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<dyn DurableStore>,
    /// What may vanish at any moment; when it cannot say, whoever asked it refuses.
    pub(crate) soft: Arc<dyn SoftState>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: TraceSource,
    pub(crate) issuer: Issuer,
    pub(crate) revoked: Revoked,
    memory: Memory,
    digest_key: Arc<DigestKey>,
    pub(crate) tokens: TokenCache,
    pub(crate) secrets: SecretChecker,
    pub(crate) replays: Replays,
    pub(crate) sessions: Sessions,
    pub(crate) targets: Targets,
    pub(crate) catalogue: CatalogueCache,
    /// Asks providers where payments stand.
    pub(crate) inquiry: Inquiry,
    /// Members that are made and changed while the gateway runs.
    pub(crate) roster: Roster,
    snapshot: ArcSwap<Snapshot>,
    /// One replacement of the snapshot at a time: each is made from the one before.
    replacing: Mutex<()>,
    in_flight: AtomicU32,
    retiring: AtomicBool,
    draining: CancellationToken,
}

/// What a reload replaces as a whole; a request keeps the one that it began with.
pub(crate) struct Snapshot {
    pub(crate) config: Config,
    pub(crate) members: Members,
    pub(crate) contracts: Catalogue,
    pub(crate) services: Arc<Services>,
    pub(crate) providers: Providers,
    pub(crate) payment_providers: PaymentProviders,
}

/// The parts that an [`App`] is put together from.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<dyn DurableStore>,
    pub(crate) soft: Arc<dyn SoftState>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) issuer: Issuer,
    pub(crate) revoked: Revoked,
    pub(crate) digest_key: Arc<DigestKey>,
    pub(crate) targets: Targets,
    pub(crate) roster: Roster,
    pub(crate) snapshot: Snapshot,
}

/// The contracts that the main job rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordContract {
    Dossier,
    Progress,
    Notice,
}

impl RecordContract {
    /// The contract of this id.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        [Self::Dossier, Self::Progress, Self::Notice].into_iter().find(|contract| contract.id() == id)
    }

    /// The contract's id.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Dossier => "dossier",
            Self::Progress => "progress",
            Self::Notice => "status-notice",
        }
    }
}

impl App {
    pub(crate) fn new(parts: Parts) -> Self {
        let national = &parts.snapshot.config.national;
        let app = Self {
            sessions: Sessions::new(national.session_ttl, national.sessions),
            clock: parts.clock,
            store: parts.store,
            soft: parts.soft.clone(),
            metrics: parts.metrics,
            traces: TraceSource::new(),
            issuer: parts.issuer,
            revoked: parts.revoked,
            memory: Memory::new(parts.soft),
            digest_key: parts.digest_key,
            tokens: TokenCache::default(),
            secrets: SecretChecker::new(parts.snapshot.config.lockout),
            replays: Replays::default(),
            targets: parts.targets,
            catalogue: CatalogueCache::default(),
            inquiry: Inquiry::default(),
            roster: parts.roster,
            snapshot: ArcSwap::from_pointee(parts.snapshot),
            replacing: Mutex::default(),
            in_flight: AtomicU32::new(0),
            retiring: AtomicBool::new(false),
            draining: CancellationToken::new(),
        };
        app.watch_members();
        app.metrics.reloaded(true, app.clock.wall());
        app
    }

    /// The configuration as it is now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Takes over a new configuration as a whole, with the members of the registry.
    pub(crate) fn replace(&self, snapshot: Snapshot) {
        self.secrets.follow(snapshot.config.lockout);
        self.install(|_| snapshot);
    }

    /// What proofs of callers are checked against, now.
    pub(crate) fn digest_key(&self) -> &[u8] {
        self.digest_key.as_bytes()
    }

    pub(crate) fn digest_key_shared(&self) -> Arc<DigestKey> {
        self.digest_key.clone()
    }

    pub(crate) fn keepers(&self) -> Keepers<'_> {
        Keepers {
            tokens: &self.tokens,
            issuer: &self.issuer,
            revoked: &self.revoked,
            secrets: &self.secrets,
            replays: &self.replays,
            metrics: &self.metrics,
            steady: self.clock.steady(),
            wall: self.clock.wall(),
        }
    }

    /// The soft state, as the broker of identities uses it.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// A name for something that cannot be found out, or found, without this installation's key.
    pub(crate) fn keyed_digest(&self, text: &str) -> String {
        self.keyed_digest_of(text.as_bytes())
    }

    pub(crate) fn keyed_digest_of(&self, bytes: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.digest_key());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, bytes))
    }

    /// Whether a token does not count any more, or its member is gone.
    pub(crate) fn is_revoked(&self, claims: &Claims) -> bool {
        let snapshot = self.snapshot();
        let member = snapshot.members.by_id(&claims.client_id);
        self.revoked.has(claims)
            || !member.is_some_and(|member| snapshot.members.take_tokens_of(&member.id, claims.iat))
    }

    /// Revokes tokens by their own id or that of a sign-in, on every path, from the answer on.
    pub(crate) async fn revoke(&self, id: &str, ends: Timestamp) -> Result<(), Failure> {
        let audit = AuditEntry {
            at: self.clock.wall(),
            actor: "broker".to_owned(),
            action: "token.revoke".to_owned(),
            object: format!("token/{}", self.keyed_digest(id)),
            reason: "revoked, used twice or signed out".to_owned(),
            address: String::new(),
            trace: TraceId::default(),
        };
        self.revoked.add(&*self.store, id, ends, audit).await?;
        self.tokens.forget_all();
        Ok(())
    }

    fn watch_members(&self) {
        self.snapshot().members.tell_of_ended_keys(self.clock.wall());
        for member in self.snapshot().members.iter() {
            self.metrics.watch_member(member.id.as_str(), member.usual_push_interval);
        }
    }

    /// A place among the requests being worked on.
    pub(crate) fn admit(self: &Arc<Self>, most: u32) -> Result<InFlight, Failure> {
        let place = InFlight(self.clone());
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(Failure::retry(ErrorCode::Overloaded, "too many requests are being worked on", RETRY));
        }
        Ok(place)
    }

    /// Asks balancers to send nothing more: readiness ends. Requests are answered as before.
    pub(crate) fn retire(&self) {
        self.retiring.store(true, Ordering::Relaxed);
    }

    /// Whether balancers should send nothing more.
    pub(crate) fn is_retiring(&self) -> bool {
        self.retiring.load(Ordering::Relaxed)
    }

    /// The end of whoever only waits for news. Requests that come on connections that are still open are answered.
    pub(crate) fn begin_drain(&self) {
        self.retire();
        self.draining.cancel();
    }

    /// Waits until the gateway stops: whoever only waits for news should answer now.
    pub(crate) async fn drained(&self) {
        self.draining.cancelled().await;
    }

    /// Ends when the gateway stops.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }
}

/// How long a caller should wait when there is no room.
const RETRY: Duration = Duration::from_secs(1);

/// A place among the requests being worked on; dropping it makes room.
pub(crate) struct InFlight(Arc<App>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Snapshot {
    /// The contract in force at a time.
    pub(crate) fn contract(&self, which: RecordContract, at: Timestamp) -> Result<&Arc<Contract>, Failure> {
        self.contracts.contract_at(which.id(), at).ok_or_else(|| {
            Failure::retry(ErrorCode::Overloaded, format!("the contract {} is not loaded", which.id()), RETRY)
        })
    }
}
